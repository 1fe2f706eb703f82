//! What a container wrote to its root file system: the directory above its layers, read from outside.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use adamant_probe::{Entry, Kind};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, open, openat, readlinkat, statat,
};

use crate::ask::Found;
use crate::drift::Written;
use crate::image::digest::Hashing;

const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A deeper tree is an attack on our stack.
const DEEPEST: usize = 512;

/// Every path that is there, as it is now, and `None` for one that was taken away; and the directories that show nothing
/// of the image any more.
#[derive(Debug, Default)]
pub(super) struct Upper {
    pub(super) found: Vec<Found>,
    pub(super) opaque: Vec<String>,
    /// When each regular file was last written.
    pub(super) written: BTreeMap<String, Written>,
}

impl Upper {
    /// Reads it while its container may be writing to it: what goes away meanwhile is not there.
    pub(super) fn read(dir: &Path) -> io::Result<Self> {
        let mut upper = Self::default();
        upper.walk(&open(dir, DIR, Mode::empty())?, "", 0)?;
        Ok(upper)
    }

    fn walk(&mut self, dir: &OwnedFd, path: &str, depth: usize) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::other(format!("`{path}` is too deep")));
        }
        let mut names = Vec::new();
        for entry in Dir::read_from(dir)? {
            let name = entry?.file_name().to_owned();
            if name.as_c_str() != c"." && name.as_c_str() != c".." {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            let path = format!("{path}/{}", name.to_string_lossy());
            let Ok(stat) = statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::CharacterDevice && stat.st_rdev == 0 {
                self.found.push((path, None));
                continue;
            }
            let mut seen = entry(&path, kind, &stat);
            match kind {
                FileType::Directory => {
                    self.found.push((path.clone(), Some(seen)));
                    if let Ok(dir) = openat(dir, &name, DIR, Mode::empty()) {
                        if is_opaque(&dir) {
                            self.opaque.push(path.clone());
                        }
                        self.walk(&dir, &path, depth + 1)?;
                    }
                    continue;
                }
                FileType::RegularFile => {
                    seen.sha256 = hash(dir, &name);
                    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
                    self.written
                        .insert(path.clone(), (stat.st_mtime, nanoseconds));
                }
                FileType::Symlink => {
                    let target = readlinkat(dir, &name, Vec::new());
                    seen.target = target.ok().map(|t| t.to_string_lossy().into_owned());
                }
                _ => {}
            }
            self.found.push((path, Some(seen)));
        }
        Ok(())
    }
}

fn entry(path: &str, kind: FileType, stat: &Stat) -> Entry {
    let kind = match kind {
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::Char,
        FileType::BlockDevice => Kind::Block,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::File,
    };
    Entry {
        path: path.to_owned(),
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: if kind == Kind::File {
            u64::try_from(stat.st_size).unwrap_or(0)
        } else {
            0
        },
        target: None,
        sha256: None,
    }
}

fn hash(dir: &OwnedFd, name: &std::ffi::CStr) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty()).ok()?;
    let (sha256, _) = Hashing::new(std::fs::File::from(file)).finish().ok()?;
    Some(sha256)
}

fn is_opaque(dir: &OwnedFd) -> bool {
    let mut value = [0; 1];
    fgetxattr(dir, "trusted.overlay.opaque", &mut value).is_ok_and(|n| n == 1 && value == *b"y")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_found_and_no_link_is_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("etc")).expect("made");
        std::fs::write(dir.path().join("etc/motd"), "hello").expect("written");
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).expect("linked");
        let upper = Upper::read(dir.path()).expect("reads");
        let paths: Vec<&str> = upper.found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/etc", "/etc/motd", "/link"]);
        let motd = upper.found[1].1.as_ref().expect("there");
        assert_eq!((motd.size, motd.sha256.is_some()), (5, true));
        let link = upper.found[2].1.as_ref().expect("there");
        assert_eq!(link.target.as_deref(), Some("/etc"));
    }
}
