//! A directory of the host as a file tree that nothing can leave: the root is held open, and every step goes from an open
//! directory to a name in it, never through a path of the host.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags, Stat};
use rustix::fs::{fstat, open, openat, openat2, readlinkat, statat};
use rustix::io::Errno;

use crate::path;
use crate::tree::{DirEntry, FileType, Metadata, Tree};
use crate::walk::{Directories, Step, walk};

/// The largest file that is read whole.
const MAX_FILE: u64 = 256 << 20;
/// The most entries of one directory.
const MAX_ENTRIES: usize = 1 << 20;

/// A directory of the host, seen as the root. Links may lead anywhere inside; one that climbs above the root, or that is
/// absolute and leads nowhere inside the root, is refused with `EACCES`. Pipes, sockets and devices are never opened.
#[derive(Debug)]
pub struct DirectoryTree {
    root: Arc<OwnedFd>,
    max_file: u64,
}

impl DirectoryTree {
    /// Opens a directory of the host. Links in `host` itself are followed: it is the caller's.
    pub fn open(host: &Path) -> io::Result<Self> {
        let root = open(
            host,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self {
            root: Arc::new(root),
            max_file: MAX_FILE,
        })
    }

    /// Refuses to read files longer than `bytes` (`EFBIG`).
    #[must_use]
    pub const fn with_max_file(mut self, bytes: u64) -> Self {
        self.max_file = bytes;
        self
    }

    /// Opens an entry inside the root. One call suffices where no link is on the way; else our own walk follows the links,
    /// because the kernel would silently keep a climbing link inside instead of refusing it.
    fn open_at(&self, path: &str, follow_last: bool, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        if let Some(answer) = self.open_straight(path, flags | last(follow_last)) {
            return answer;
        }
        let place = walk(self, path, follow_last)?;
        let name = place.name.as_deref().unwrap_or(".");
        Ok(openat(
            &*place.parent,
            name,
            flags | OFlags::NOFOLLOW,
            Mode::empty(),
        )?)
    }

    /// `None` if a link or `..` is on the way, or if this kernel cannot say.
    fn open_straight(&self, path: &str, flags: OFlags) -> Option<io::Result<OwnedFd>> {
        let below = path.trim_start_matches('/');
        if path.contains('\0') || below.split('/').any(|name| name == "..") {
            return None;
        }
        let below = match (below.is_empty(), path.is_empty()) {
            (true, false) => ".",
            (true, true) => return None,
            (false, _) => below,
        };
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&*self.root, below, flags, Mode::empty(), resolve) {
            Ok(file) => Some(Ok(file)),
            Err(Errno::LOOP | Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn stat(&self, path: &str, follow_last: bool) -> io::Result<Stat> {
        Ok(fstat(self.open_at(path, follow_last, OFlags::PATH)?)?)
    }

    /// A regular file, open for reading. It is looked at before it is opened, and again after: a pipe that was put there in
    /// between is opened without waiting for its other end, and refused.
    fn open_file(&self, path: &str) -> io::Result<(File, u64)> {
        let before = self.stat(path, true)?;
        regular(&before)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.open_at(path, true, flags)?;
        let after = fstat(&file)?;
        regular(&after)?;
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino) {
            return Err(Errno::AGAIN.into());
        }
        Ok((file.into(), length(&after)))
    }
}

impl Directories for DirectoryTree {
    type Handle = Arc<OwnedFd>;

    fn root(&self) -> Self::Handle {
        Arc::clone(&self.root)
    }

    fn step(&self, directory: &Self::Handle, name: &str) -> io::Result<Step<Self::Handle>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let entry = openat(&**directory, name, flags, Mode::empty())?;
        Ok(match file_type(&fstat(&entry)?) {
            FileType::Directory => Step::Directory(Arc::new(entry)),
            FileType::Symlink => Step::Link(
                readlinkat(&entry, "", Vec::new())?
                    .to_string_lossy()
                    .into_owned(),
            ),
            FileType::File | FileType::Special => Step::Leaf,
        })
    }
}

impl Tree for DirectoryTree {
    fn metadata(&self, path: &str) -> io::Result<Metadata> {
        self.stat(path, true).map(|stat| metadata(&stat))
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<Metadata> {
        self.stat(path, false).map(|stat| metadata(&stat))
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        let (file, len) = self.open_file(path)?;
        if len > self.max_file {
            return Err(Errno::FBIG.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1);
        // The file may grow meanwhile.
        file.take(self.max_file + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > self.max_file {
            return Err(Errno::FBIG.into());
        }
        Ok(bytes.into())
    }

    fn read_at(&self, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let (file, size) = self.open_file(path)?;
        let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(rest)];
        let mut filled = 0;
        while let Some(space) = bytes.get_mut(filled..).filter(|space| !space.is_empty()) {
            match file.read_at(space, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn read_dir(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        let directory = self.open_at(path, true, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if entries.len() == MAX_ENTRIES {
                return Err(Errno::OVERFLOW.into());
            }
            let file_type = match entry.file_type() {
                rustix::fs::FileType::Unknown => {
                    file_type(&statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?)
                }
                known => from_type(known),
            };
            entries.push(DirEntry {
                name: name.to_string_lossy().into_owned(),
                file_type,
            });
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn read_link(&self, path: &str) -> io::Result<String> {
        let entry = self.open_at(path, false, OFlags::PATH)?;
        if file_type(&fstat(&entry)?) != FileType::Symlink {
            return Err(Errno::INVAL.into());
        }
        Ok(readlinkat(&entry, "", Vec::new())?
            .to_string_lossy()
            .into_owned())
    }

    fn real_path(&self, path: &str) -> io::Result<String> {
        match self.open_straight(path, OFlags::PATH | OFlags::CLOEXEC) {
            Some(answer) => answer.map(|_| path::resolve("/", path)),
            None => walk(self, path, true).map(|place| place.real),
        }
    }
}

const fn last(follow: bool) -> OFlags {
    if follow {
        OFlags::empty()
    } else {
        OFlags::NOFOLLOW
    }
}

fn regular(stat: &Stat) -> io::Result<()> {
    match file_type(stat) {
        FileType::File => Ok(()),
        FileType::Directory => Err(Errno::ISDIR.into()),
        FileType::Symlink => Err(Errno::LOOP.into()),
        FileType::Special => Err(Errno::ACCESS.into()),
    }
}

fn file_type(stat: &Stat) -> FileType {
    from_type(rustix::fs::FileType::from_raw_mode(stat.st_mode))
}

const fn from_type(file_type: rustix::fs::FileType) -> FileType {
    match file_type {
        rustix::fs::FileType::RegularFile => FileType::File,
        rustix::fs::FileType::Directory => FileType::Directory,
        rustix::fs::FileType::Symlink => FileType::Symlink,
        _ => FileType::Special,
    }
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        file_type: file_type(stat),
        len: length(stat),
        mode: stat.st_mode,
        ino: stat.st_ino,
        nlink: stat.st_nlink,
        mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
    }
}
