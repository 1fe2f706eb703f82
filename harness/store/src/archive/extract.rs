//! Lays an archive out in a new directory: every entry judged first, every name opened without following a link.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use super::law::{Laws, plain};
use super::tree::{DIRECTORY, open_directory, open_root};
use super::{ArchiveError, Entry, Frames, Kind, Policy, shown};

const PIECE: usize = 256 << 10;

/// The most that the names of directories may be together: modes and times of directories are set last.
const DIRECTORIES: usize = 32 << 20;

/// What was laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Laid {
    /// Files, links among them.
    pub files: u64,
    /// Bytes of the stream.
    pub bytes: u64,
    /// Whether the archive had an entry for the root itself.
    pub root: bool,
}

/// Lays the archive out below `root`, an empty directory that nobody else knows.
///
/// # Errors
/// When the archive is malformed, ends early or holds nothing, breaks a law of `policy`, or cannot be written. What was laid out
/// until then stays, for the caller to remove.
pub fn extract(from: impl Read, root: &Path, policy: &Policy) -> Result<Laid, ArchiveError> {
    let root = open_root(root).map_err(|error| ArchiveError::file(b"", error))?;
    let mut frames = Frames::new(from);
    let mut laws = Laws::new(policy);
    let mut ground = Ground {
        last: None,
        directories: Vec::new(),
        held: 0,
        privileged: rustix::process::geteuid().is_root(),
        piece: vec![0; PIECE],
        root,
    };
    let mut laid = Laid::default();
    let mut entries = 0_u64;
    while let Some(entry) = frames.next_entry()? {
        entries += 1;
        let path = laws.judge(&entry)?;
        laid.root |= path.is_empty();
        laid.files += u64::from(entry.kind != Kind::Directory);
        ground.lay(&path, &entry, &mut frames)?;
    }
    if entries == 0 {
        return Err(ArchiveError::Malformed("it holds no entry".to_owned()));
    }
    ground.finish()?;
    laid.bytes = frames.read_so_far();
    Ok(laid)
}

/// The directory that is laid out in, and what is still to do there.
struct Ground {
    root: OwnedFd,
    /// The directory of the last entry: most entries lie beside the one before.
    last: Option<(Vec<u8>, OwnedFd)>,
    /// Directories with the mode and times that they get when nothing is put into them any more.
    directories: Vec<(Vec<u8>, Entry)>,
    held: usize,
    privileged: bool,
    piece: Vec<u8>,
}

impl Ground {
    fn lay<R: Read>(
        &mut self,
        path: &[u8],
        entry: &Entry,
        frames: &mut Frames<R>,
    ) -> Result<(), ArchiveError> {
        let failed = |error: Errno| ArchiveError::file(path, error);
        if entry.kind == Kind::Directory {
            self.enter(path)?;
            return self.later(path, entry);
        }
        let (parent, name) = cut(path);
        self.enter(parent)?;
        let name = CString::new(name).expect("a plain path has no zero byte");
        let (_, at) = self.last.as_ref().expect("a directory was entered");
        match entry.kind {
            Kind::File => {
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let file = rustix::fs::openat(at, &name, flags, Mode::RUSR | Mode::WUSR)
                    .map_err(failed)?;
                let mut file = File::from(file);
                loop {
                    let n = frames.content(&mut self.piece)?;
                    if n == 0 {
                        break;
                    }
                    file.write_all(&self.piece[..n])
                        .map_err(|error| ArchiveError::file(path, error))?;
                }
                // Giving a file away clears its setuid bit: the mode comes after.
                if let Some((user, group)) = self.new_owner(entry) {
                    rustix::fs::fchown(&file, user, group).map_err(failed)?;
                }
                rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(failed)?;
                rustix::fs::futimens(&file, &times(entry)).map_err(failed)
            }
            Kind::Symlink => {
                let target =
                    CString::new(entry.target.clone()).map_err(|_error| failed(Errno::INVAL))?;
                rustix::fs::symlinkat(&target, at, &name).map_err(failed)?;
                if let Some((user, group)) = self.new_owner(entry) {
                    rustix::fs::chownat(at, &name, user, group, AtFlags::SYMLINK_NOFOLLOW)
                        .map_err(failed)?;
                }
                rustix::fs::utimensat(at, &name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(failed)
            }
            Kind::HardLink => {
                let target =
                    plain(&entry.target).map_err(|why| ArchiveError::refused(&entry.name, why))?;
                let (parent, target) = cut(&target);
                let from = self.walk(parent, false).map_err(failed)?;
                let target = CString::new(target).expect("a plain path has no zero byte");
                // Without AT_SYMLINK_FOLLOW a link to a link would link the link; the laws know that it is a file.
                rustix::fs::linkat(&from, &target, at, &name, AtFlags::empty()).map_err(failed)
            }
            Kind::Directory => Ok(()),
        }
    }

    /// Makes the directory and opens it, with those above it.
    fn enter(&mut self, path: &[u8]) -> Result<(), ArchiveError> {
        if self.last.as_ref().is_some_and(|(last, _)| last == path) {
            return Ok(());
        }
        let directory = self
            .walk(path, true)
            .map_err(|error| ArchiveError::file(path, error))?;
        self.last = Some((path.to_vec(), directory));
        Ok(())
    }

    fn walk(&self, path: &[u8], make: bool) -> Result<OwnedFd, Errno> {
        // From the last directory when the path goes on from there.
        let (mut at, rest) = match &self.last {
            Some((last, directory)) if below(path, last).is_some() => (
                rustix::io::fcntl_dupfd_cloexec(directory, 3)?,
                below(path, last).unwrap_or_default(),
            ),
            _ => (
                rustix::fs::openat(&self.root, c".", DIRECTORY, Mode::empty())?,
                path,
            ),
        };
        for part in rest.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
            let name = CString::new(part).map_err(|_error| Errno::INVAL)?;
            at = match open_directory(at.as_fd(), &name) {
                Err(Errno::NOENT) if make => {
                    rustix::fs::mkdirat(&at, &name, Mode::RWXU)?;
                    let made = open_directory(at.as_fd(), &name)?;
                    // One that no entry speaks of stays like this, whatever our umask.
                    rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
                    made
                }
                other => other?,
            };
        }
        Ok(at)
    }

    fn later(&mut self, path: &[u8], entry: &Entry) -> Result<(), ArchiveError> {
        self.held += path.len();
        if self.held > DIRECTORIES {
            return Err(ArchiveError::Bound(format!(
                "the names of its directories have more than {DIRECTORIES} bytes, at `{}`",
                shown(path)
            )));
        }
        let bare = Entry {
            name: Vec::new(),
            target: Vec::new(),
            ..*entry
        };
        self.directories.push((path.to_vec(), bare));
        Ok(())
    }

    /// Owners, modes and times of directories, the deepest first: a directory that is closed before its children would keep us out.
    fn finish(mut self) -> Result<(), ArchiveError> {
        self.last = None;
        let mut directories = std::mem::take(&mut self.directories);
        directories.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        for (path, entry) in &directories {
            let failed = |error: Errno| ArchiveError::file(path, error);
            let directory = self.walk(path, false).map_err(failed)?;
            if let Some((user, group)) = self.new_owner(entry) {
                rustix::fs::fchown(&directory, user, group).map_err(failed)?;
            }
            rustix::fs::fchmod(&directory, Mode::from_raw_mode(entry.mode)).map_err(failed)?;
            rustix::fs::futimens(&directory, &times(entry)).map_err(failed)?;
        }
        Ok(())
    }

    /// Whom an entry is given to; nobody but root can give files away.
    fn new_owner(&self, entry: &Entry) -> Option<(Option<Uid>, Option<Gid>)> {
        if !self.privileged {
            return None;
        }
        let user = u32::try_from(entry.uid).ok()?;
        let group = u32::try_from(entry.gid).ok()?;
        let same = rustix::process::geteuid().as_raw() == user
            && rustix::process::getegid().as_raw() == group;
        (!same).then(|| (Some(Uid::from_raw(user)), Some(Gid::from_raw(group))))
    }
}

fn times(entry: &Entry) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: entry.seconds,
            tv_nsec: entry.nanoseconds.into(),
        },
    }
}

/// Directory and name.
fn cut(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// What is left of `path` below `above`.
fn below<'p>(path: &'p [u8], above: &[u8]) -> Option<&'p [u8]> {
    if above.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(above)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}
