//! Looks at one path without following it, and hashes it when it is a regular file.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use adamant_probe::{Entry, Kind, Reply};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::ProbeError;

/// Bytes that are read at once when a file is hashed.
const CHUNK: usize = 128 * 1024;

/// The answer for one path of a [`adamant_probe::Request::Stat`].
pub(super) fn stat(path: &str, hash: bool) -> Result<Reply, ProbeError> {
    let path = path.to_owned();
    // A slash at the end would follow a final symlink.
    let name: PathBuf = Path::new(&path).components().collect();
    match look(CWD, &name, path.clone(), hash) {
        Ok(entry) => Ok(Reply::Entry(entry)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(Reply::Absent { path }),
        Err(error) => Err(ProbeError::system(format!("look at `{path}`"), error)),
    }
}

/// What `name` in the directory `at` is; `path` is how it is called in the answer.
pub(super) fn look(
    at: BorrowedFd<'_>,
    name: &Path,
    path: String,
    hash: bool,
) -> Result<Entry, Errno> {
    let stat = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = kind(FileType::from_raw_mode(stat.st_mode))?;
    let target = match kind {
        Kind::Symlink => Some(target(at, name)?),
        _ => None,
    };
    let sha256 = match kind {
        Kind::File if hash => sha256(at, name)?,
        _ => None,
    };
    Ok(Entry {
        path,
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: match kind {
            Kind::File => u64::try_from(stat.st_size).unwrap_or_default(),
            _ => 0,
        },
        target,
        sha256,
    })
}

fn kind(file_type: FileType) -> Result<Kind, Errno> {
    Ok(match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::Char,
        FileType::BlockDevice => Kind::Block,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::Unknown => return Err(Errno::INVAL),
    })
}

fn target(at: BorrowedFd<'_>, name: &Path) -> Result<String, Errno> {
    match readlinkat(at, name, Vec::new()) {
        Ok(target) => Ok(target.to_string_lossy().into_owned()),
        // It is no longer the symlink that was looked at.
        Err(Errno::INVAL) => Err(Errno::NOENT),
        Err(error) => Err(error),
    }
}

/// The hash, `None` when the file cannot be read, or an error when it is no longer there.
fn sha256(at: BorrowedFd<'_>, name: &Path) -> Result<Option<String>, Errno> {
    // Should it be a pipe or a device by now, opening it must neither block nor follow.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(at, name, flags, Mode::empty()) {
        Ok(file) => Ok(digest(&file).ok().flatten()),
        Err(Errno::NOENT) => Err(Errno::NOENT),
        Err(_unreadable) => Ok(None),
    }
}

fn digest(file: &OwnedFd) -> Result<Option<String>, Errno> {
    if FileType::from_raw_mode(fstat(file)?.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match rustix::io::read(file.as_fd(), &mut *buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(hex(&hasher.finalize())))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use adamant_probe::{Entry, Kind, Reply};

    use super::stat;

    fn entry(path: &str) -> Entry {
        match stat(path, true).expect("an answer") {
            Reply::Entry(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_has_its_size_its_mode_and_its_hash() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "abc").expect("written");
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o4750)).expect("a mode");
        let entry = entry(file.path().to_str().expect("UTF-8"));
        assert_eq!(
            (entry.kind, entry.size, entry.mode),
            (Kind::File, 3, 0o4750)
        );
        assert_eq!(
            entry.sha256.as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
    }

    #[test]
    fn a_symlink_is_not_followed_even_with_a_slash_at_its_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let link = dir.path().join("link");
        symlink("/etc", &link).expect("a link");
        for path in [
            format!("{}", link.display()),
            format!("{}/", link.display()),
        ] {
            let entry = entry(&path);
            assert_eq!((entry.kind, entry.size), (Kind::Symlink, 0));
            assert_eq!((entry.target.as_deref(), entry.path), (Some("/etc"), path));
        }
    }

    #[test]
    fn devices_are_never_opened_and_what_lies_below_a_file_is_absent() {
        let zero = entry("/dev/zero");
        assert_eq!((zero.kind, zero.sha256), (Kind::Char, None));
        let path = String::from("/dev/zero/x");
        assert_eq!(
            stat(&path, true).expect("an answer"),
            Reply::Absent { path }
        );
    }
}
