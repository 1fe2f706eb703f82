//! Copies a tree with owners, modes, times and extended attributes: what a new volume begins with.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::XattrFlags;
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, chownat, fchmod,
    fchown, fgetxattr, flistxattr, fsetxattr, fstat, futimens, mkdirat, mknodat, openat,
    readlinkat, statat, symlinkat,
};

/// A deeper tree is an attack on our stack.
const DEEPEST: usize = 512;
const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Copies everything in `from` to `to`, and the owner and mode of `from` itself.
pub(crate) fn tree(from: &OwnedFd, to: &OwnedFd) -> std::io::Result<()> {
    below(from, to, 0)
}

fn below(from: &OwnedFd, to: &OwnedFd, depth: usize) -> std::io::Result<()> {
    if depth > DEEPEST {
        return Err(std::io::Error::other("the tree is too deep"));
    }
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            one(from, to, name, depth)?;
        }
    }
    like(from, to, &fstat(from)?)
}

fn one(from: &OwnedFd, to: &OwnedFd, name: &CStr, depth: usize) -> std::io::Result<()> {
    let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            mkdirat(to, name, Mode::RWXU)?;
            let from = openat(from, name, DIR, Mode::empty())?;
            below(&from, &openat(to, name, DIR, Mode::empty())?, depth + 1)
        }
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut from = File::from(openat(from, name, flags, Mode::empty())?);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mut to = File::from(openat(to, name, flags, Mode::RWXU)?);
            std::io::copy(&mut from, &mut to)?;
            like(&from, &to, &stat)
        }
        FileType::Symlink => {
            symlinkat(readlinkat(from, name, Vec::new())?, to, name)?;
            own(to, name, &stat)
        }
        // A socket belongs to whoever listens on it.
        FileType::Socket => Ok(()),
        kind => {
            mknodat(to, name, kind, mode, stat.st_rdev)?;
            own(to, name, &stat)
        }
    }
}

fn own(to: &OwnedFd, name: &CStr, stat: &Stat) -> std::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    Ok(chownat(
        to,
        name,
        Some(uid),
        Some(gid),
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

/// Owner first: changing it takes setuid bits and capabilities away.
fn like(from: impl AsFd, to: impl AsFd, stat: &Stat) -> std::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    fchown(&to, Some(uid), Some(gid))?;
    fchmod(&to, Mode::from_raw_mode(stat.st_mode))?;
    attributes(&from, &to)?;
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    Ok(futimens(&to, &times)?)
}

/// All but what overlayfs notes for itself.
fn attributes(from: impl AsFd, to: impl AsFd) -> std::io::Result<()> {
    let mut names = vec![0u8; 64 * 1024];
    let length = match flistxattr(&from, &mut names) {
        Err(rustix::io::Errno::NOTSUP) => return Ok(()),
        length => length?,
    };
    for name in names[..length].split_inclusive(|byte| *byte == 0) {
        if name.starts_with(b"trusted.overlay.") {
            continue;
        }
        let name = CStr::from_bytes_with_nul(name).map_err(std::io::Error::other)?;
        let mut value = vec![0u8; 64 * 1024];
        let length = fgetxattr(&from, name, &mut value)?;
        match fsetxattr(&to, name, &value[..length], XattrFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOTSUP) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    #[test]
    fn a_copy_keeps_kinds_modes_and_times() {
        let base = std::env::temp_dir().join(format!("adamant-copy-{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        std::fs::create_dir_all(from.join("dir")).expect("made");
        std::fs::create_dir_all(&to).expect("made");
        std::fs::write(from.join("dir/file"), "content").expect("written");
        let mode = std::fs::Permissions::from_mode(0o4751);
        std::fs::set_permissions(from.join("dir/file"), mode).expect("set");
        std::fs::set_permissions(&from, std::fs::Permissions::from_mode(0o1770)).expect("set");
        symlink("dir/file", from.join("link")).expect("linked");
        let open = |path: &std::path::Path| crate::place::root(path).expect("opens");
        tree(&open(&from), &open(&to)).expect("copies");
        let (was, is) = (from.join("dir/file"), to.join("dir/file"));
        let (was, is) = (
            was.metadata().expect("there"),
            is.metadata().expect("there"),
        );
        assert_eq!((was.mode(), was.mtime()), (is.mode(), is.mtime()));
        assert_eq!(to.metadata().expect("there").mode() & 0o7777, 0o1770);
        assert_eq!(
            std::fs::read_to_string(to.join("link")).expect("reads"),
            "content"
        );
        std::fs::remove_dir_all(base).expect("removed");
    }
}
