//! Where a path leads inside the container, as the process that names it would find it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat, statat,
};
use rustix::io::Errno;

use super::crowd::Member;
use super::walk;

/// What is told where nothing is known.
pub(super) const UNKNOWN: &[u8] = b"?";

/// The root directory of a process.
pub(super) struct Root {
    /// Itself.
    pub(super) fd: OwnedFd,
    /// What the kernel writes before every path below it: nothing, unless it was made by `chroot`.
    prefix: Vec<u8>,
}

impl Root {
    /// The root of the process whose directory in `/proc` is given.
    pub(super) fn open(process: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let fd = openat(
            process,
            "root",
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let prefix = readlinkat(process, "root", Vec::new())?.into_bytes();
        let prefix = if prefix == b"/" { Vec::new() } else { prefix };
        Ok(Self { fd, prefix })
    }

    /// A path as the process sees it that the kernel wrote for this one; one outside the root stays as it is.
    pub(super) fn inside<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        match path.strip_prefix(self.prefix.as_slice()) {
            Some([]) => b"/",
            Some(rest) if rest.starts_with(b"/") => rest,
            _ => path,
        }
    }

    /// Opens for looking at, as the process would find it, links included.
    pub(super) fn look(&self, path: &[u8], more: OFlags) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | more;
        let mut tries = 0;
        loop {
            match openat2(&self.fd, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
                // Something was renamed while `..` was resolved.
                Err(Errno::AGAIN) if tries < 8 => tries += 1,
                result => return result,
            }
        }
    }
}

/// Where a path led.
pub(super) struct Spot {
    /// Absolute inside the container; or [`UNKNOWN`]; or what the kernel calls a thing without a path.
    pub(super) path: Vec<u8>,
    /// What is there.
    pub(super) found: Result<Found, Errno>,
}

/// What is at a path.
pub(super) struct Found {
    /// What it is, and whose.
    pub(super) stat: Stat,
    /// Whether it has a name in the file system: not a pipe, not a file in memory, not one that was removed.
    pub(super) named: bool,
}

impl Found {
    /// What `fd` is open on, and its path inside the container.
    pub(super) fn of(fd: &OwnedFd, root: &Root) -> rustix::io::Result<(Vec<u8>, Self)> {
        let stat = fstat(fd)?;
        let own = procfs_link(fd);
        let link = readlinkat(rustix::fs::CWD, own.as_str(), Vec::new())?.into_bytes();
        let gone = stat.st_nlink == 0;
        let named = link.starts_with(b"/") && !gone;
        let path = link
            .strip_suffix(b" (deleted)")
            .filter(|_| gone)
            .unwrap_or(&link);
        let path = root.inside(path).to_vec();
        Ok((path, Self { stat, named }))
    }

    /// What it is.
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

/// What this process's descriptor is called in `/proc`.
pub(super) fn procfs_link(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

impl Spot {
    fn unknown(errno: Errno) -> Self {
        let path = UNKNOWN.to_vec();
        let found = Err(errno);
        Self { path, found }
    }

    /// What a descriptor of ours is open on.
    pub(super) fn of(fd: &OwnedFd, root: &Root) -> Self {
        match Found::of(fd, root) {
            Ok((path, found)) => Self {
                path,
                found: Ok(found),
            },
            Err(errno) => Self::unknown(errno),
        }
    }

    /// The path as it is told.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// Where `path`, relative to `dir` or to the working directory, leads; a link in its last component counts when `follow`.
pub(super) fn locate(member: &Member, dir: Option<i32>, path: &[u8], follow: bool) -> Spot {
    if path.is_empty() {
        return Spot::unknown(Errno::NOENT);
    }
    let root = match member.root() {
        Ok(root) => root,
        Err(errno) => return Spot::unknown(errno),
    };
    let path = match absolute(member, &root, dir, path) {
        Ok(path) => path,
        Err(errno) => {
            let path = [UNKNOWN, path].join(&b'/');
            let found = Err(errno);
            return Spot { path, found };
        }
    };
    // What the supervisor finds below `/proc/self` is not the process's.
    if !may_be_own(&path)
        && let Some(spot) = at_once(&root, &path, follow)
    {
        return spot;
    }
    walk::walk(&root, member, &path, follow)
}

/// Opens what a descriptor of the process is open on; the working directory, where it means that.
pub(super) fn open_descriptor(
    member: &Member,
    fd: i32,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let name = match fd {
        libc::AT_FDCWD => String::from("cwd"),
        fd => format!("fd/{fd}"),
    };
    openat(member.dir(), name, flags | OFlags::CLOEXEC, Mode::empty())
}

/// What a descriptor of the process is open on.
pub(super) fn descriptor(member: &Member, fd: i32) -> Spot {
    let opened = member
        .root()
        .and_then(|root| Ok((open_descriptor(member, fd, OFlags::PATH)?, root)));
    match opened {
        Ok((fd, root)) => Spot::of(&fd, &root),
        Err(errno) => Spot::unknown(errno),
    }
}

/// The path without a directory before it; its own links are not resolved yet.
fn absolute(
    member: &Member,
    root: &Root,
    dir: Option<i32>,
    path: &[u8],
) -> rustix::io::Result<Vec<u8>> {
    if path.starts_with(b"/") {
        return Ok(path.to_vec());
    }
    let name = match dir {
        None | Some(libc::AT_FDCWD) => String::from("cwd"),
        Some(fd) => format!("fd/{fd}"),
    };
    let link = readlinkat(member.dir(), name.as_str(), Vec::new())?.into_bytes();
    let mut base = root.inside(&link);
    if !base.starts_with(b"/") {
        return Err(Errno::NOTDIR);
    }
    if let Some(before) = base.strip_suffix(b" (deleted)")
        && statat(member.dir(), name, AtFlags::empty()).is_ok_and(|stat| stat.st_nlink == 0)
    {
        base = before;
    }
    Ok([base, path].join(&b'/'))
}

fn may_be_own(path: &[u8]) -> bool {
    let has = |part: &[u8]| path.windows(part.len()).any(|window| window == part);
    has(b"/proc") || has(b"/dev/std") || has(b"/dev/fd")
}

/// The answer of the kernel where one or two questions are enough; `None` where links must be followed by hand.
fn at_once(root: &Root, path: &[u8], follow: bool) -> Option<Spot> {
    let (parent, last) = split(path)?;
    if follow {
        match root.look(path, OFlags::empty()) {
            Ok(fd) => return Some(Spot::of(&fd, root)),
            Err(Errno::NOENT) => {}
            Err(_) => return None,
        }
    }
    let dir = root.look(parent, OFlags::DIRECTORY).ok()?;
    let found = statat(&dir, last, AtFlags::SYMLINK_NOFOLLOW);
    if follow && found.is_ok() {
        // A link that leads nowhere.
        return None;
    }
    let (mut path, _dir) = Found::of(&dir, root).ok()?;
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(last);
    let named = true;
    let found = found.map(|stat| Found { stat, named });
    Some(Spot { path, found })
}

/// The directory and the name in it; `None` when the last component is no name.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|byte| *byte != b'/')?;
    let path = &path[..=end];
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let (parent, last) = (&path[..slash], &path[slash + 1..]);
    let parent = if parent.is_empty() { b"/" } else { parent };
    (!matches!(last, b"." | b"..")).then_some((parent, last))
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::trace::crowd::{Crowd, Home};

    fn with_member<T>(ask: impl FnOnce(&Member) -> T) -> T {
        let own = std::process::id();
        let home = Home::of(own).expect("a home");
        ask(Crowd::default().find(own, &home).expect("this process"))
    }

    fn text(path: &std::path::Path, follow: bool) -> String {
        let path = path.as_os_str().as_encoded_bytes();
        with_member(|member| locate(member, None, path, follow).text())
    }

    #[test]
    fn links_in_directories_are_resolved_and_the_last_one_when_asked() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = dir.path().canonicalize().expect("its real path");
        std::fs::create_dir_all(at.join("real/deep")).expect("directories");
        std::fs::write(at.join("real/file"), "").expect("a file");
        symlink(at.join("real"), at.join("link")).expect("a link");
        symlink("real/file", at.join("to-file")).expect("a link");
        symlink("link/deep/../new", at.join("to-nowhere")).expect("a link");
        symlink("loop", at.join("loop")).expect("a link");
        let pairs = [
            ("link/file", true, "real/file"),
            ("link/deep/../../link/new", true, "real/new"),
            ("to-file", true, "real/file"),
            ("to-file", false, "to-file"),
            ("to-nowhere", true, "real/new"),
            ("to-nowhere", false, "to-nowhere"),
            ("link/none/x/../y", true, "real/none/y"),
            ("link/deep/", false, "real/deep"),
            ("link/deep/..", false, "real"),
            ("loop", true, "loop"),
        ];
        for (path, follow, expected) in pairs {
            let expected = at.join(expected).to_string_lossy().into_owned();
            assert_eq!(text(&at.join(path), follow), expected, "{path}");
            let walked = with_member(|member| {
                let root = member.root().expect("a root");
                let path = at.join(path);
                walk::walk(&root, member, path.as_os_str().as_encoded_bytes(), follow).text()
            });
            assert_eq!(walked, expected, "{path}, walked");
        }
    }

    #[test]
    fn the_root_is_its_own_parent_and_nothing_is_unknown() {
        let read = |path: &[u8]| with_member(|member| locate(member, None, path, true).text());
        assert_eq!(read(b"/../../.."), "/");
        assert_eq!(read(b"/"), "/");
        assert_eq!(read(b""), "?");
        let bad = with_member(|member| locate(member, Some(9999), b"x", true).text());
        assert_eq!(bad, "?/x");
        assert_eq!(read(b"/no\xffne/\n"), "/no\u{fffd}ne/\n");
    }

    #[test]
    fn what_a_process_calls_its_own_is_its_own() {
        let own = std::process::id();
        let read = |path: &str| {
            with_member(|member| {
                let spot = locate(member, None, path.as_bytes(), true);
                (
                    spot.text(),
                    spot.found.map(|found| (found.kind(), found.named)),
                )
            })
        };
        assert_eq!(read("/proc/self/comm").0, format!("/proc/{own}/comm"));
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let fd = reader.as_raw_fd();
        for path in [format!("/proc/self/fd/{fd}"), format!("/dev/fd/{fd}")] {
            let (text, found) = read(&path);
            assert!(text.starts_with("pipe:"), "{text}");
            assert_eq!(found, Ok((FileType::Fifo, false)));
        }
        assert_eq!(read("/dev/null").1, Ok((FileType::CharacterDevice, true)));
    }

    #[test]
    fn a_removed_file_has_no_name() {
        let file = tempfile::tempfile().expect("a file without a name");
        let spot = with_member(|member| descriptor(member, file.as_raw_fd()));
        assert!(spot.found.is_ok_and(|found| !found.named));
    }
}
