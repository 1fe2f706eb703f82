//! A directory of ours on the host for one boot, where its launcher and supervisor meet, and what becomes of those that a killed
//! run leaves.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

const PREFIX: &str = "adamant-trace-";
/// Locked for as long as its directory is needed: a lock ends with its process, whatever that ended of.
const LOCK: &str = "lock";
/// A directory without a lock of this age is not about to get one.
const SETTLED: Duration = Duration::from_secs(60);

/// The directory, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
    _lock: File,
}

impl Place {
    /// One that only this user can enter.
    pub(crate) fn make() -> std::io::Result<Self> {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let lock: File = fs::File::create(dir.path().join(LOCK))?.into();
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { dir, _lock: lock })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the directories of runs that are no more, and tells which.
pub(crate) fn reap() -> Vec<String> {
    reap_in(&std::env::temp_dir(), SystemTime::now())
}

fn reap_in(parent: &Path, now: SystemTime) -> Vec<String> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(PREFIX) && is_abandoned(&entry.path(), now)
    });
    // What cannot be removed is another user's, or goes at this moment.
    ours.filter(|entry| fs::remove_dir_all(entry.path()).is_ok())
        .map(|entry| format!("directory {}", entry.path().display()))
        .collect()
}

fn is_abandoned(dir: &PathBuf, now: SystemTime) -> bool {
    let is_dir = fs::symlink_metadata(dir).is_ok_and(|entry| entry.is_dir());
    match File::open(dir.join(LOCK)) {
        Ok(lock) => is_dir && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
        Err(_) => {
            let made = fs::symlink_metadata(dir).and_then(|entry| entry.modified());
            let age = made.ok().and_then(|made| now.duration_since(made).ok());
            is_dir && age.is_some_and(|age| age > SETTLED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_reaped_when_nobody_holds_it_and_not_before() {
        let parent = tempfile::tempdir().expect("a directory");
        let dir = |name: &str| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).expect("made");
            std::fs::write(path.join("sock"), "").expect("written");
            path
        };
        let (held, left) = (dir("adamant-trace-held"), dir("adamant-trace-left"));
        let (young, other) = (dir("adamant-trace-young"), dir("other"));
        let lock = |path: &Path| File::create(path.join(LOCK)).expect("a lock");
        let holds = lock(&held);
        flock(&holds, FlockOperation::NonBlockingLockExclusive).expect("locked");
        drop(lock(&left));
        let now = SystemTime::now();
        assert_eq!(
            reap_in(parent.path(), now),
            [format!("directory {}", left.display())]
        );
        assert!(held.exists() && young.exists() && other.exists() && !left.exists());
        let later = now + 2 * SETTLED;
        assert_eq!(
            reap_in(parent.path(), later),
            [format!("directory {}", young.display())]
        );
        drop(holds);
        assert_eq!(reap_in(parent.path(), later).len(), 1);
        assert!(!held.exists() && other.exists());
    }
}
