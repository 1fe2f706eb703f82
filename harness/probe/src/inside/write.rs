//! Tries to create a file in a directory and takes it away again.

use adamant_probe::Reply;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::ProbeError;
use super::clock::monotonic_ns;
use crate::errno::name;

/// What a file created in `dir` comes to; a symlink to a directory is followed, as a writer would.
pub(super) fn attempt(dir: &str) -> Result<Reply, ProbeError> {
    let errno = create(dir)?.err().map(name);
    let dir = dir.to_owned();
    Ok(Reply::Written { dir, errno })
}

/// The inner result is what the subject did; the outer one is an error when our own file is left behind.
fn create(dir: &str) -> Result<Result<(), Errno>, ProbeError> {
    // The clock tells it from what a probe with the same process id may have left.
    let file = format!(".adamant-write-{}-{}", std::process::id(), monotonic_ns());
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let at = match openat(CWD, dir, way, Mode::empty()) {
        Ok(at) => at,
        Err(errno) => return Ok(Err(errno)),
    };
    if let Err(errno) = openat(&at, &*file, new, Mode::RUSR | Mode::WUSR) {
        return Ok(Err(errno));
    }
    unlinkat(&at, &*file, AtFlags::empty())
        .map(Ok)
        .map_err(|error| ProbeError::system(format!("remove `{dir}/{file}`"), error))
}

#[cfg(test)]
mod tests {
    use adamant_probe::Reply;

    use super::attempt;

    fn errno(dir: &str) -> Option<String> {
        match attempt(dir).expect("an answer") {
            Reply::Written { errno, .. } => errno,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_writable_directory_is_left_as_it_was() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(errno(dir.path().to_str().expect("UTF-8")), None);
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("a directory").count(),
            0
        );
    }

    #[test]
    fn what_stands_in_the_way_has_its_name() {
        assert_eq!(errno("/no-such-directory").as_deref(), Some("ENOENT"));
        assert_eq!(errno("/etc/passwd").as_deref(), Some("ENOTDIR"));
        // procfs has no file that could be created, whoever asks.
        assert!(errno("/proc").is_some());
    }
}
