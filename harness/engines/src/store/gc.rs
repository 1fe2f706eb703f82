//! Clears the store: what nobody has used for a while, and what a killed process left half made.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use adamant_core::engine::EngineError;
use fs_err as fs;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// How long nobody has used what is removed.
const UNUSED: Duration = Duration::from_secs(30 * 86_400);

/// Removes what is old, or everything with `all`; `None` where a live run uses the store.
pub(super) fn collect(root: &Path, all: bool) -> Result<Option<Vec<String>>, EngineError> {
    sweep(root, all).map_err(|error| super::unwritable(root, error))
}

fn sweep(root: &Path, all: bool) -> io::Result<Option<Vec<String>>> {
    let mut removed = Vec::new();
    if !root.is_dir() {
        return Ok(Some(removed));
    }
    let lock = fs::File::create(root.join("lock"))?;
    match rustix::fs::flock(lock.file(), FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        // A live run uses it: nothing of it is anybody else's to remove.
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let kinds = [
        ("images", "pulled image"),
        ("blobs/sha256", "blob"),
        ("layers/sha256", "layer"),
        ("tmp", "unfinished"),
    ];
    for (dir, kind) in kinds {
        let Ok(entries) = fs::read_dir(root.join(dir)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            // Nobody holds the lock: what is unfinished has no owner any more.
            if all || dir == "tmp" || is_old(&entry)? {
                remove(&entry.path())?;
                removed.push(format!("{kind} {}", entry.file_name().to_string_lossy()));
            }
        }
    }
    removed.sort_unstable();
    Ok(Some(removed))
}

fn is_old(entry: &fs::DirEntry) -> io::Result<bool> {
    let used = entry.metadata()?.modified()?;
    Ok(SystemTime::now()
        .duration_since(used)
        .is_ok_and(|age| age > UNUSED))
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}
