//! What a container changed: everything above its layers, and what is on its writable mounts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use adamant_core::engine::{Answer, EngineError, ErrorKind};
use adamant_core::run::Deadline;
use adamant_probe::{Entry, Reply, Request};
use adamant_shim::MEMORY;

use super::exec::tree_at_rest;
use super::instance::Container;
use super::upper::Upper;
use crate::ask::{As, Inside as _};
use crate::drift::{Ground, compare, is_under, was_only_opened};

impl Container {
    pub(super) fn drift(&self, deadline: &Deadline) -> Result<Answer, EngineError> {
        let attempt = format!("read what `{}` has written", self.name);
        let trouble = |error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error);
        let ground = Ground::new(&self.plan, &self.image);
        let upper = Upper::read(&self.upper()).map_err(trouble)?;
        let mut now = upper.found;
        // A directory that was made anew hides what the image has in it.
        let there: BTreeSet<String> = now.iter().map(|(path, _)| path.clone()).collect();
        for opaque in upper.opaque {
            let below = format!("{opaque}/");
            let hidden = self.image.entries.range(below.clone()..);
            let hidden = hidden.take_while(|(path, _)| path.starts_with(&below));
            now.extend(
                hidden
                    .filter(|(path, _)| !there.contains(*path))
                    .map(|(p, _)| (p.clone(), None)),
            );
        }
        now.retain(|(path, now)| {
            let was = self.image.entries.get(path);
            let written = || upper.written.get(path).copied();
            !ground.is_ours(path) && !was_only_opened(was, now.as_ref(), written, &self.lowers)
        });
        let mounted = match self.mounted(&ground, deadline) {
            Ok(mounted) => mounted,
            // It had ended, or did so while the probe looked; what was in memory is gone then.
            Err(_) if self.life.known().exit.is_some() => self.mounted_at_rest(deadline)?,
            Err(error) => return Err(error),
        };
        Ok(Answer::Drift(compare(&self.image, &ground, now, mounted)))
    }

    /// Where the layer is that it writes to. In memory it is seen through the shim, which holds it.
    fn upper(&self) -> PathBuf {
        if self.in_memory {
            return PathBuf::from(format!("/proc/{}/fd/{MEMORY}/upper", self.life.shim));
        }
        self.dir.join("upper")
    }

    fn mounted(&self, ground: &Ground, deadline: &Deadline) -> Result<Vec<Entry>, EngineError> {
        let roots = ground
            .writable
            .iter()
            .map(|(path, _)| path.clone())
            .collect();
        let replies = self.probe(&Request::Tree { roots, hash: true }, As::Root, deadline)?;
        let entries = replies.into_iter().filter_map(|reply| match reply {
            Reply::Entry(entry) => Some(entry),
            _ => None,
        });
        Ok(entries.collect())
    }

    fn mounted_at_rest(&self, deadline: &Deadline) -> Result<Vec<Entry>, EngineError> {
        let mut entries = Vec::new();
        for (path, source) in &self.volumes {
            // Memory over a part of a volume has hidden that part.
            let hidden = |entry: &Entry| {
                self.plan
                    .tmpfs
                    .iter()
                    .any(|t| t.path != *path && is_under(&entry.path, &t.path))
            };
            let tree = tree_at_rest(source, path, deadline)?;
            entries.extend(tree.into_iter().filter(|entry| !hidden(entry)));
        }
        Ok(entries)
    }
}
