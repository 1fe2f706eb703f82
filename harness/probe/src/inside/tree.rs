//! Walks a tree depth first, siblings in the order of their bytes, with one open directory at a time.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use adamant_probe::{Entry, Kind, MOUNT_DIR, Reply};
use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::io::Errno;

use super::out::Out;
use super::{ProbeError, check_absolute, entry};

/// Where the kernel shows itself in files that are not the subject's.
const KERNEL: [&str; 2] = ["/proc", "/sys"];
/// Directories that are shown but not entered, except when a root lies inside: `/dev/shm` is an ordinary tree.
const CLOSED: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Bytes of a path that the system takes at once, with some room.
const PATH_BYTES: usize = 4000;

/// Refuses a root that cannot be walked.
pub(super) fn check(root: &str) -> Result<(), ProbeError> {
    check_absolute(root)?;
    let path = clean(root);
    let refusal = if path.components().any(|part| part == Component::ParentDir) {
        "has `..` in it"
    } else if KERNEL
        .iter()
        .any(|dir| path != Path::new(dir) && path.starts_with(dir))
    {
        "lies in a file system of the kernel, which is not walked"
    } else {
        return Ok(());
    };
    Err(ProbeError::Ask(format!("`{root}` {refusal}")))
}

/// Says each path of the tree at `root`, or that there is no such path.
///
/// The stack holds what is still to be said, not open directories: no tree is too deep for it.
pub(super) fn walk(root: &str, hash: bool, out: &mut Out<'_>) -> Result<(), ProbeError> {
    let root = clean(root);
    let first = match entry::stat(&root.to_string_lossy(), hash)? {
        Reply::Entry(entry) => entry,
        absent => return out.say(&absent),
    };
    let mut stack = vec![(root, first)];
    while let Some((path, entry)) = stack.pop() {
        let enter = entry.kind == Kind::Dir && !is_closed(&path);
        out.say(&Reply::Entry(entry))?;
        if enter {
            let inside = list(&path, hash)
                .map_err(|error| ProbeError::system(format!("walk `{}`", path.display()), error))?;
            stack.extend(inside.into_iter().rev());
        }
    }
    Ok(())
}

/// Without empty parts, dots and a slash at the end.
fn clean(path: &str) -> PathBuf {
    Path::new(path).components().collect()
}

fn is_closed(path: &Path) -> bool {
    CLOSED.iter().any(|closed| path == Path::new(closed))
}

/// The entries of a directory, sorted; none when it is gone, or may not be read.
fn list(path: &Path, hash: bool) -> Result<Vec<(PathBuf, Entry)>, Errno> {
    let names = open(path).and_then(|dir| Ok((names(&dir)?, dir)));
    let (names, dir) = match names {
        Ok(opened) => opened,
        Err(error) if is_passed_over(error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        let path = path.join(&name);
        // The probe's own mount is no part of the subject.
        if path == Path::new(MOUNT_DIR) {
            continue;
        }
        let called = path.to_string_lossy().into_owned();
        match entry::look(dir.as_fd(), Path::new(&name), called, hash) {
            Ok(entry) => entries.push((path, entry)),
            Err(error) if is_passed_over(error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

/// Whether something has vanished, has become something else since it was looked at, or is hidden from this user.
fn is_passed_over(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS | Errno::PERM
    )
}

fn names(dir: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for found in Dir::read_from(dir)? {
        let name = found?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Opens a directory, however long its path is.
fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let end = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (mut at, mut rest): (Option<OwnedFd>, &[u8]) = (None, path.as_os_str().as_bytes());
    loop {
        let from = at.as_ref().map_or(CWD, |fd| fd.as_fd());
        if rest.len() <= PATH_BYTES {
            return openat(from, OsStr::from_bytes(rest), end, Mode::empty());
        }
        let (reach, _) = rest.split_at(PATH_BYTES);
        // A name is at most 255 bytes long, so there is a slash to cut at.
        let cut = reach.iter().rposition(|byte| *byte == b'/');
        let (head, tail) = rest.split_at(cut.ok_or(Errno::NAMETOOLONG)?);
        at = Some(openat(from, OsStr::from_bytes(head), way, Mode::empty())?);
        rest = tail.strip_prefix(b"/").unwrap_or(tail);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use adamant_probe::{Entry, Kind, Reply};
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, mkfifoat, openat};

    use super::{Out, walk};

    fn entries(root: &Path, hash: bool) -> Vec<Entry> {
        let root = root.to_str().expect("UTF-8");
        let replies = Out::collect(|out| walk(root, hash, out)).expect("an answer");
        let entry = |reply| match reply {
            Reply::Entry(entry) => entry,
            other => panic!("{other:?}"),
        };
        replies.into_iter().map(entry).collect()
    }

    #[test]
    fn a_tree_is_walked_in_order_and_nothing_is_followed_or_opened() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        std::fs::create_dir_all(root.join("a/b")).expect("directories");
        std::fs::write(root.join("a/b/file"), "").expect("a file");
        std::fs::write(root.join("a.txt"), "abc").expect("a file");
        std::fs::write(root.join(OsStr::from_bytes(b"z\xff")), "").expect("a file");
        symlink("..", root.join("a/up")).expect("a link");
        mkfifoat(CWD, root.join("fifo"), Mode::RUSR).expect("a pipe");
        let _listener = UnixListener::bind(root.join("socket")).expect("a socket");

        let found = entries(root, true);
        let prefix = root.to_str().expect("UTF-8");
        let seen: Vec<_> = found
            .iter()
            .map(|entry| {
                (
                    &entry.path[prefix.len()..],
                    entry.kind,
                    entry.sha256.is_some(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("", Kind::Dir, false),
                ("/a", Kind::Dir, false),
                ("/a/b", Kind::Dir, false),
                ("/a/b/file", Kind::File, true),
                ("/a/up", Kind::Symlink, false),
                ("/a.txt", Kind::File, true),
                ("/fifo", Kind::Fifo, false),
                ("/socket", Kind::Socket, false),
                ("/z\u{fffd}", Kind::File, true),
            ]
        );
        assert!(
            entries(root, false)
                .iter()
                .all(|entry| entry.sha256.is_none())
        );
    }

    #[test]
    fn a_tree_deeper_than_a_path_may_be_long_is_walked_to_its_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = "d".repeat(100);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let mut at = openat(CWD, dir.path(), flags, Mode::empty()).expect("open");
        for _ in 0..300 {
            mkdirat(&at, &*name, Mode::RWXU).expect("a directory");
            at = openat(&at, &*name, flags, Mode::empty()).expect("open");
        }
        assert_eq!(entries(dir.path(), true).len(), 301);
    }

    #[test]
    fn the_kernel_is_shown_and_not_entered() {
        for root in ["/proc", "/proc/", "/sys", "/dev"] {
            assert_eq!(entries(Path::new(root), true).len(), 1);
        }
    }

    #[test]
    fn a_root_that_is_not_there_is_absent() {
        let replies = Out::collect(|out| walk("/no-such-root", true, out)).expect("an answer");
        assert!(matches!(replies.as_slice(), [Reply::Absent { path }] if path == "/no-such-root"));
    }
}
