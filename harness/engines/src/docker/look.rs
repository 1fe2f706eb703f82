//! Looks at files that root without capabilities may not read: as their owner, or through the daemon.
//!
//! A privileged exec would see everything, but a host that lacks one capability itself refuses it.

use std::collections::{BTreeMap, BTreeSet};

use adamant_core::engine::{Answer, EngineError};
use adamant_core::run::Deadline;
use adamant_probe::{Entry, Kind, Reply, Request};

use super::instance::Container;
use crate::ask::{As, Found, Inside as _, batches, unexpected};
use crate::drift::is_under;

impl Container {
    /// Paths as they are now, hashed, in order.
    pub(super) fn stat_with_owners(
        &self,
        paths: &[String],
        deadline: &Deadline,
    ) -> Result<Vec<Found>, EngineError> {
        let mut found = Vec::new();
        for batch in batches(paths) {
            found.extend(self.stat_batch(&batch, deadline)?);
        }
        self.read_as_owners(&mut found, deadline)?;
        Ok(found)
    }

    /// One path that root may not look at refuses the whole batch: halves find it.
    fn stat_batch(&self, paths: &[String], deadline: &Deadline) -> Result<Vec<Found>, EngineError> {
        match self.stat_as(paths, As::Root, deadline) {
            Ok(found) => Ok(found),
            Err(error) if self.exit.seen().is_some() || deadline.left().is_none() => Err(error),
            Err(error) => match paths {
                [] => Ok(Vec::new()),
                [path] => Ok(vec![(
                    path.clone(),
                    self.stat_elsewhere(path, error, deadline)?,
                )]),
                _ => {
                    let (one, other) = paths.split_at(paths.len() / 2);
                    let mut found = self.stat_batch(one, deadline)?;
                    found.extend(self.stat_batch(other, deadline)?);
                    Ok(found)
                }
            },
        }
    }

    fn stat_elsewhere(
        &self,
        path: &str,
        error: EngineError,
        deadline: &Deadline,
    ) -> Result<Option<Entry>, EngineError> {
        if !self.is_in_memory(path) {
            return self.entry_at_rest(path, deadline);
        }
        let own = self.stat_as(&[path.to_owned()], As::Subject, deadline);
        own.map_or(Err(error), |found| {
            Ok(found.into_iter().next().and_then(|(_, entry)| entry))
        })
    }

    /// The daemon's archives hold what is on disk, not what is in memory.
    fn is_in_memory(&self, path: &str) -> bool {
        self.plan.tmpfs.iter().any(|t| is_under(path, &t.path)) || is_under(path, "/dev")
    }

    fn stat_as(
        &self,
        paths: &[String],
        who: As,
        deadline: &Deadline,
    ) -> Result<Vec<Found>, EngineError> {
        let request = Request::Stat {
            paths: paths.to_vec(),
            hash: true,
        };
        let mut entries = Vec::new();
        for reply in self.probe(&request, who, deadline)? {
            match reply {
                Reply::Entry(entry) => entries.push(Some(entry)),
                Reply::Absent { .. } => entries.push(None),
                _ => {}
            }
        }
        if entries.len() != paths.len() {
            let seen = format!("{} entries for {} paths", entries.len(), paths.len());
            return Err(unexpected(&self.name, &seen));
        }
        Ok(paths.iter().cloned().zip(entries).collect())
    }

    /// Files that were seen and not read are read as their owner, and what that owner may not read through the daemon.
    fn read_as_owners(&self, found: &mut [Found], deadline: &Deadline) -> Result<(), EngineError> {
        let mut unread: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
        for (path, entry) in found.iter() {
            if let Some(entry) = entry.as_ref().filter(|entry| is_unread(entry)) {
                let owner = unread.entry((entry.uid, entry.gid)).or_default();
                owner.push(path.clone());
            }
        }
        let mut read = BTreeMap::new();
        for ((uid, gid), paths) in unread {
            for batch in batches(&paths) {
                // An owner may be kept out by a directory on the way; then the daemon is asked.
                let seen = self.stat_as(&batch, As::Owner(uid, gid), deadline);
                for (path, entry) in seen.unwrap_or_default() {
                    read.extend(entry.filter(|e| !is_unread(e)).map(|entry| (path, entry)));
                }
            }
        }
        for (path, entry) in found {
            if entry.as_ref().is_none_or(|entry| !is_unread(entry)) {
                continue;
            }
            if let Some(seen) = read.remove(path) {
                *entry = Some(seen);
            } else if !self.is_in_memory(path) {
                *entry = self.entry_at_rest(path, deadline)?;
            }
        }
        Ok(())
    }

    /// Everything from `roots` on, hashed; directories that root may not enter are walked by their owners.
    pub(super) fn tree(
        &self,
        roots: Vec<String>,
        deadline: &Deadline,
    ) -> Result<Vec<Entry>, EngineError> {
        let mut found = BTreeMap::new();
        let mut walked = BTreeSet::new();
        let mut todo = vec![(As::Root, roots)];
        while let Some((who, roots)) = todo.pop() {
            if roots.is_empty() {
                continue;
            }
            let mut closed: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
            for reply in self.probe(&Request::Tree { roots, hash: true }, who, deadline)? {
                let Reply::Entry(entry) = reply else { continue };
                if is_closed_to(&entry, who) && walked.insert(entry.path.clone()) {
                    let owner = closed.entry((entry.uid, entry.gid)).or_default();
                    owner.push(entry.path.clone());
                }
                found.insert(entry.path.clone(), entry);
            }
            todo.extend(
                closed
                    .into_iter()
                    .map(|((uid, gid), roots)| (As::Owner(uid, gid), roots)),
            );
        }
        let mut found: Vec<Found> = found.into_iter().map(|(path, e)| (path, Some(e))).collect();
        self.read_as_owners(&mut found, deadline)?;
        Ok(found.into_iter().filter_map(|(_, entry)| entry).collect())
    }

    /// Tries as root, and where root is kept out only by not being the owner, as the owner: a mount that can be
    /// written must not hide behind the mode of a directory.
    pub(super) fn try_write_with_owners(
        &self,
        dirs: &[String],
        deadline: &Deadline,
    ) -> Result<Answer, EngineError> {
        let mut written = Vec::new();
        for batch in batches(dirs) {
            written.extend(self.write_as(batch, As::Root, deadline)?);
        }
        let kept_out: Vec<String> = written
            .iter()
            .filter(|(_, errno)| is_kept_out(errno.as_ref()))
            .map(|(dir, _)| dir.clone())
            .collect();
        for (dir, entry) in self.stat(&kept_out, deadline)? {
            let Some(entry) = entry else { continue };
            let who = As::Owner(entry.uid, entry.gid);
            for (_, errno) in self.write_as(vec![dir.clone()], who, deadline)? {
                let answer = written.iter_mut().filter(|(d, _)| *d == dir);
                answer.for_each(|(_, seen)| seen.clone_from(&errno));
            }
        }
        Ok(Answer::Written(written))
    }

    fn write_as(
        &self,
        dirs: Vec<String>,
        who: As,
        deadline: &Deadline,
    ) -> Result<Vec<(String, Option<String>)>, EngineError> {
        let wanted = dirs.len();
        let replies = self.probe(&Request::TryWrite { dirs }, who, deadline)?;
        let written = replies.into_iter().filter_map(|reply| match reply {
            Reply::Written { dir, errno } => Some((dir, errno)),
            _ => None,
        });
        let written: Vec<_> = written.collect();
        if written.len() != wanted {
            let seen = format!("{} attempts for {wanted} directories", written.len());
            return Err(unexpected(&self.name, &seen));
        }
        Ok(written)
    }
}

fn is_unread(entry: &Entry) -> bool {
    entry.kind == Kind::File && entry.sha256.is_none()
}

fn is_kept_out(errno: Option<&String>) -> bool {
    errno.is_some_and(|name| name == "EACCES" || name == "EPERM")
}

/// Whether a directory may be closed to a walker that has no capabilities; one that it owns it can do no more about.
fn is_closed_to(entry: &Entry, who: As) -> bool {
    let (uid, gid) = match who {
        As::Owner(uid, gid) => (uid, gid),
        As::Root | As::Subject => (0, 0),
    };
    let bits = if entry.gid == gid {
        entry.mode >> 3
    } else {
        entry.mode
    };
    entry.kind == Kind::Dir && entry.uid != uid && bits & 0o5 != 0o5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(uid: u32, gid: u32, mode: u32) -> Entry {
        Entry {
            uid,
            gid,
            ..Entry::new("/d", Kind::Dir, mode)
        }
    }

    #[test]
    fn a_directory_is_closed_by_its_owner_group_and_mode() {
        assert!(is_closed_to(&dir(1000, 1000, 0o700), As::Root));
        assert!(is_closed_to(&dir(1000, 1000, 0o1773), As::Root));
        assert!(!is_closed_to(&dir(1000, 1000, 0o755), As::Root));
        assert!(!is_closed_to(&dir(1000, 0, 0o750), As::Root));
        assert!(is_closed_to(&dir(1000, 0, 0o705), As::Root));
        assert!(!is_closed_to(&dir(0, 0, 0o000), As::Root));
        assert!(!is_closed_to(
            &dir(1000, 1000, 0o700),
            As::Owner(1000, 1000)
        ));
        assert!(is_closed_to(&dir(0, 0, 0o700), As::Owner(1000, 1000)));
    }
}
