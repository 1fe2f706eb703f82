//! Unpacks one layer into a directory in the form that overlayfs takes as a lower one. No name leads out of it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use adamant_probe::Kind;
use fs_err as fs;
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::image::ImageError;
use crate::image::layer;
use crate::image::ledger::{Limits, Step, kind};

const OPAQUE: &str = "trusted.overlay.opaque";
/// Only these extended attributes mean something in an image; `trusted.overlay.*` would speak to overlayfs.
const KEPT: [&str; 2] = ["security.capability", "user."];

/// Unpacks `reader` into the empty directory `dir`; answers the digest of the archive, `sha256:…`.
pub(super) fn unpack(
    name: &str,
    reader: impl Read,
    dir: &Path,
    limits: Limits,
) -> Result<String, ImageError> {
    let mut tree = Tree::open(dir).map_err(ImageError::read(dir.display().to_string()))?;
    let diff_id = layer::walk(name, reader, limits, |step, entry| tree.take(step, entry))?;
    tree.finish()?;
    Ok(diff_id)
}

struct Tree {
    root: OwnedFd,
    /// Links wait for their targets: a layer may name them before.
    links: Vec<(String, String)>,
    /// Directories get their times when nothing is written into them any more.
    times: BTreeMap<String, i64>,
}

/// What an entry says beside its name and content.
struct About {
    mode: Mode,
    owner: (Option<Uid>, Option<Gid>),
    mtime: i64,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl About {
    fn of<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Self> {
        let xattrs = xattrs(entry)?;
        let header = entry.header();
        let id = |number: io::Result<u64>| number.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let (uid, gid) = (id(header.uid())?, id(header.gid())?);
        Ok(Self {
            mode: Mode::from_raw_mode(header.mode()? & 0o7777),
            owner: (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))),
            mtime: i64::try_from(header.mtime()?).unwrap_or(0),
            xattrs,
        })
    }

    /// Gives it all to an open file or directory, but for its time, which a later write would change.
    fn give(&self, file: &impl AsFd) -> io::Result<()> {
        rustix::fs::fchown(file, self.owner.0, self.owner.1)?;
        // After the owner: a change of owner takes setuid bits away.
        rustix::fs::fchmod(file, self.mode)?;
        for (name, value) in &self.xattrs {
            rustix::fs::fsetxattr(file, name.as_str(), value, XattrFlags::empty())?;
        }
        Ok(())
    }
}

/// The last part of a path in its open directory.
struct Spot<'p> {
    dir: OwnedFd,
    name: &'p str,
}

impl Tree {
    fn open(dir: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, dir, flags, Mode::empty())?;
        // Whatever the umask: a layer without an entry for its root has what a runtime gives it.
        fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Self {
            root,
            links: Vec::new(),
            times: BTreeMap::new(),
        })
    }

    fn take<R: Read>(
        &mut self,
        step: Step,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<(), ImageError> {
        match step {
            Step::Add(path) => self.add(&path, entry).map_err(ImageError::read(path)),
            Step::Link { path, target } => {
                self.links.push((path, target));
                Ok(())
            }
            Step::Hide(path) => self.hide(&path).map_err(ImageError::read(path)),
            Step::Empty(path) => self.empty(&path).map_err(ImageError::read(path)),
        }
    }

    fn add<R: Read>(&mut self, path: &str, entry: &mut tar::Entry<'_, R>) -> io::Result<()> {
        let Some(kind) = kind(entry.header().entry_type()) else {
            return Ok(());
        };
        let about = About::of(entry)?;
        let spot = self.spot(path)?;
        let hidden = spot.is_whiteout()?;
        if hidden {
            rustix::fs::unlinkat(&spot.dir, spot.name, AtFlags::empty())?;
        }
        match kind {
            Kind::Dir => {
                match rustix::fs::mkdirat(&spot.dir, spot.name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                let dir = spot.open_dir()?;
                about.give(&dir)?;
                if hidden {
                    opaque(&dir)?;
                }
                self.times.insert(path.to_owned(), about.mtime);
                Ok(())
            }
            Kind::File => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
                let (flags, own) = (flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
                let file = rustix::fs::openat(&spot.dir, spot.name, flags, own)?;
                let mut file = std::fs::File::from(file);
                io::copy(entry, &mut file)?;
                about.give(&file)?;
                Ok(rustix::fs::futimens(&file, &times(about.mtime))?)
            }
            Kind::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = CString::new(target).map_err(io::Error::other)?;
                rustix::fs::symlinkat(target.as_c_str(), &spot.dir, spot.name)?;
                spot.give(&about)
            }
            Kind::Char | Kind::Block | Kind::Fifo => {
                let number = |field: io::Result<Option<u32>>| field.map(Option::unwrap_or_default);
                let header = entry.header();
                let (major, minor) = (header.device_major(), header.device_minor());
                let device = rustix::fs::makedev(number(major)?, number(minor)?);
                let of = match kind {
                    Kind::Char => FileType::CharacterDevice,
                    Kind::Block => FileType::BlockDevice,
                    _ => FileType::Fifo,
                };
                rustix::fs::mknodat(&spot.dir, spot.name, of, about.mode, device)?;
                rustix::fs::chmodat(&spot.dir, spot.name, about.mode, AtFlags::empty())?;
                spot.give(&about)
            }
            Kind::Socket => Ok(()),
        }
    }

    /// A whiteout hides what is below, and nothing of its own layer.
    fn hide(&self, path: &str) -> io::Result<()> {
        let spot = self.spot(path)?;
        match rustix::fs::statat(&spot.dir, spot.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) if FileType::from_raw_mode(about.st_mode) == FileType::Directory => {
                opaque(&spot.open_dir()?)
            }
            Ok(_) => Ok(()),
            Err(Errno::NOENT) => {
                let (kind, none) = (FileType::CharacterDevice, Mode::empty());
                Ok(rustix::fs::mknodat(&spot.dir, spot.name, kind, none, 0)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn empty(&self, path: &str) -> io::Result<()> {
        opaque(&self.dir(path)?)
    }

    /// Makes the links, in as many rounds as it takes, and sets the times.
    fn finish(mut self) -> Result<(), ImageError> {
        let mut waiting = std::mem::take(&mut self.links);
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for (path, target) in waiting {
                match self.link(&path, &target) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        later.push((path, target));
                    }
                    Err(error) => return Err(ImageError::read(path)(error)),
                }
            }
            if later.len() == before {
                let (path, target) = &later[0];
                let why = format!("is a hard link to `{target}`, which the layer does not hold");
                return Err(ImageError::invalid(path, why));
            }
            waiting = later;
        }
        for (path, mtime) in self.times.iter().rev() {
            let set = self
                .dir(path)
                .and_then(|dir| Ok(rustix::fs::futimens(&dir, &times(*mtime))?));
            set.map_err(ImageError::read(path))?;
        }
        Ok(())
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        let (spot, target) = (self.spot(path)?, self.spot(target)?);
        if target.is_whiteout()? {
            return Err(io::ErrorKind::NotFound.into());
        }
        if spot.is_whiteout()? {
            rustix::fs::unlinkat(&spot.dir, spot.name, AtFlags::empty())?;
        }
        let no_flags = AtFlags::empty();
        rustix::fs::linkat(&target.dir, target.name, &spot.dir, spot.name, no_flags)?;
        Ok(())
    }

    /// The open directory of a path, made where the layer has not named it, and the name in it.
    fn spot<'p>(&self, path: &'p str) -> io::Result<Spot<'p>> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(Spot {
            dir: self.dir(parent)?,
            name,
        })
    }

    /// An open directory of the tree, made with everything above it when it is not there.
    fn dir(&self, path: &str) -> io::Result<OwnedFd> {
        match self.existing(path) {
            // Something above it may be a whiteout of what is below.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            other => return Ok(other?),
        }
        let spot = self.spot(path)?;
        let name = spot.name;
        let hidden = spot.is_whiteout()?;
        if hidden {
            rustix::fs::unlinkat(&spot.dir, name, AtFlags::empty())?;
        }
        rustix::fs::mkdirat(&spot.dir, name, Mode::from_raw_mode(0o755))?;
        let dir = spot.open_dir()?;
        rustix::fs::fchmod(&dir, Mode::from_raw_mode(0o755))?;
        if hidden {
            opaque(&dir)?;
        }
        Ok(dir)
    }

    /// The kernel itself keeps the path below the root, whatever is on it.
    fn existing(&self, path: &str) -> Result<OwnedFd, Errno> {
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { "." } else { path };
        rustix::fs::openat2(
            self.root.as_fd(),
            path,
            OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        )
    }
}

impl Spot<'_> {
    /// Owner and time of what cannot be opened without doing something to it.
    fn give(&self, about: &About) -> io::Result<()> {
        let (uid, gid) = about.owner;
        let here = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(&self.dir, self.name, uid, gid, here)?;
        rustix::fs::utimensat(&self.dir, self.name, &times(about.mtime), here)?;
        Ok(())
    }

    fn open_dir(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(
            &self.dir,
            self.name,
            flags,
            Mode::empty(),
        )?)
    }

    fn is_whiteout(&self) -> io::Result<bool> {
        match rustix::fs::statat(&self.dir, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(
                FileType::from_raw_mode(about.st_mode) == FileType::CharacterDevice
                    && about.st_rdev == 0,
            ),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn opaque(dir: &OwnedFd) -> io::Result<()> {
    Ok(rustix::fs::fsetxattr(
        dir,
        OPAQUE,
        b"y",
        XattrFlags::empty(),
    )?)
}

fn xattrs<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut kept = Vec::new();
    let Some(extensions) = entry.pax_extensions()? else {
        return Ok(kept);
    };
    for extension in extensions {
        let extension = extension?;
        let name = extension
            .key()
            .ok()
            .and_then(|k| k.strip_prefix("SCHILY.xattr."));
        if let Some(name) = name.filter(|name| KEPT.iter().any(|kept| name.starts_with(kept))) {
            kept.push((name.to_owned(), extension.value_bytes().to_vec()));
        }
    }
    Ok(kept)
}

fn times(mtime: i64) -> Timestamps {
    let at = Timespec {
        tv_sec: mtime,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tape::Layer;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    use tar::EntryType;

    /// Whether this test may make what only root may; the file system must take overlayfs's attributes too.
    fn unpacked(layer: Layer) -> (tempfile::TempDir, Result<String, ImageError>) {
        assert!(
            rustix::process::geteuid().is_root(),
            "unpacking layers takes root; run these tests as root"
        );
        let dir = tempfile::tempdir().expect("a directory");
        let done = unpack(
            "l",
            layer.finish().as_slice(),
            dir.path(),
            Limits::default(),
        );
        (dir, done)
    }

    fn has_opaque(path: &Path) -> bool {
        let mut value = [0; 8];
        rustix::fs::getxattr(path, OPAQUE, value.as_mut_slice()).is_ok_and(|n| &value[..n] == b"y")
    }

    #[test]
    fn a_layer_becomes_what_overlayfs_takes() {
        let layer = Layer::default()
            .file("etc/.wh.gone", 0, b"")
            .file("var/.wh..wh..opq", 0, b"")
            .file("var/new", 0o640, b"new")
            // A whiteout of what the same layer brings hides what is below only.
            .file("opt/.wh.tree", 0, b"")
            .file("opt/tree/x", 0o644, b"x")
            .link("bin/same", "bin/tool")
            .file("bin/tool", 0o4755, b"tool")
            .raw("bin/sh", EntryType::Symlink, "../../../../etc/passwd");
        let (dir, done) = unpacked(layer);
        done.expect("unpacks");
        let at = |path: &str| dir.path().join(path);
        let about = |path: &str| std::fs::symlink_metadata(at(path)).expect(path);
        let whiteout = about("etc/gone");
        assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
        assert!(has_opaque(&at("var")) && !has_opaque(&at("etc")));
        assert!(has_opaque(&at("opt/tree")) && at("opt/tree/x").is_file());
        assert_eq!(about("bin/tool").mode() & 0o7777, 0o4755);
        assert_eq!(about("bin/tool").ino(), about("bin/same").ino());
        // A link may point anywhere: it is followed inside the container only.
        assert!(about("bin/sh").is_symlink());
        assert_eq!(about("etc").mode() & 0o7777, 0o755);
    }

    #[test]
    fn nothing_is_written_outside_and_no_link_is_dangling() {
        let outside = tempfile::tempdir().expect("a directory");
        let target = outside.path().to_string_lossy().into_owned();
        let through = Layer::default()
            .raw("a", EntryType::Symlink, &target)
            .file("a/x", 0o644, b"x");
        let (dir, done) = unpacked(through);
        // The link is followed inside the layer.
        done.expect("unpacks");
        assert!(
            dir.path()
                .join(target.trim_start_matches('/'))
                .join("x")
                .is_file()
        );
        assert_eq!(std::fs::read_dir(outside.path()).expect("reads").count(), 0);
        let (_dir, done) = unpacked(Layer::default().link("a", "b"));
        assert!(done.expect_err("refused").to_string().contains("hard link"));
        let (_dir, done) = unpacked(
            Layer::default()
                .file("a", 0o644, b"1")
                .file("a", 0o644, b""),
        );
        assert!(done.expect_err("refused").to_string().contains("twice"));
    }
}
