//! Trees by file descriptor: what a directory holds, when it last changed, and its removal, without following a single link.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{ArchiveError, LEFT_OUT};

/// How a directory is opened: itself, never what a link in its place points at.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens a directory below an open one.
pub(super) fn open_directory(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(at, name, DIRECTORY, Mode::empty())
}

/// Opens the root of a workspace. It may be reached through links; what is below may not.
pub(super) fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, root, flags, Mode::empty())?)
}

pub(super) fn stat(at: BorrowedFd<'_>, name: &CStr) -> Result<Stat, Errno> {
    rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The names in a directory, in order, so that the same tree always makes the same archive.
pub(super) fn names(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a workspace has nothing to keep: nothing, or only what is left out.
///
/// # Errors
/// When it cannot be read.
pub fn is_empty(root: &Path) -> io::Result<bool> {
    let directory = open_root(root)?;
    for entry in Dir::read_from(&directory)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b".." | LEFT_OUT) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When anything that is kept last changed: the newest change time of the tree, its deletions included (they change their directory).
///
/// Change times, not modification times: nothing but the kernel sets them, so neither `touch -d` nor an unpacked archive hides work.
///
/// # Errors
/// When the tree cannot be read.
pub fn activity(root: &Path) -> Result<SystemTime, ArchiveError> {
    let directory = open_root(root).map_err(|error| ArchiveError::file(b"", error))?;
    let stat = rustix::fs::fstat(&directory).map_err(|error| ArchiveError::file(b"", error))?;
    // The root's own time counts too: a file that is deleted from it shows nowhere else.
    let mut newest = changed(&stat);
    let mut path = Vec::new();
    newest_below(&directory, &mut path, &mut newest)?;
    Ok(newest)
}

fn newest_below(
    directory: &OwnedFd,
    path: &mut Vec<u8>,
    newest: &mut SystemTime,
) -> Result<(), ArchiveError> {
    let file = |path: &[u8], error: Errno| ArchiveError::file(path, error);
    for name in names(directory).map_err(|e| file(path, e))? {
        if path.is_empty() && name.as_bytes() == LEFT_OUT {
            continue;
        }
        let stat = match stat(directory.as_fd(), &name) {
            Ok(stat) => stat,
            // It went between the listing and now, which its directory tells.
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(file(path, error)),
        };
        *newest = (*newest).max(changed(&stat));
        if kind(&stat) == FileType::Directory {
            let length = push(path, &name);
            match open_directory(directory.as_fd(), &name) {
                Ok(below) => newest_below(&below, path, newest)?,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(error) => return Err(file(path, error)),
            }
            path.truncate(length);
        }
    }
    Ok(())
}

fn changed(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_ctime).unwrap_or(0);
    let nanoseconds = u32::try_from(stat.st_ctime_nsec).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

/// Appends a name to a path; the length to go back to.
pub(super) fn push(path: &mut Vec<u8>, name: &CStr) -> usize {
    let length = path.len();
    if length > 0 {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
    length
}

/// Removes a tree, whatever its modes, and follows no link. A tree that is not there is removed.
///
/// # Errors
/// When something of it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;

    let name = CString::new(path.as_os_str().as_bytes())?;
    Ok(remove_at(CWD, &name)?)
}

fn remove_at(at: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // Linux says `is a directory`, POSIX `not permitted`.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error),
    }
    let open = |at| open_directory(at, name);
    let directory = match open(at) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(at, name, Mode::RWXU, AtFlags::empty())?;
            open(at)?
        }
        Err(error) => return Err(error),
    };
    let mut writable = false;
    for below in names(&directory)? {
        match remove_at(directory.as_fd(), &below) {
            Err(Errno::ACCESS) if !writable => {
                rustix::fs::fchmod(&directory, Mode::RWXU)?;
                writable = true;
                remove_at(directory.as_fd(), &below)?;
            }
            other => other?,
        }
    }
    rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR)
}
