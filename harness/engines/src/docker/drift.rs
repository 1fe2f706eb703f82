//! What a container of a daemon changed: the daemon names the paths, and they are looked at from inside, or at rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use adamant_core::engine::{Answer, EngineError};
use adamant_core::run::Deadline;
use adamant_probe::Entry;

use super::client::Product;
use super::instance::Container;
use super::podman;
use crate::ask::{Found, Inside as _};
use crate::drift::{
    Ground, SHARED_MEMORY, compare, is_under, last_written, trimmed, was_only_opened,
};

impl Container {
    pub(crate) fn drift(&self, deadline: &Deadline) -> Result<Answer, EngineError> {
        let podman = self.client.product == Product::Podman;
        let mut ground = Ground::new(&self.plan, &self.image);
        if podman {
            ground = ground.making(podman::held(&self.plan, &self.image.config));
        }
        let named: BTreeSet<String> = self
            .client
            .changes(&self.name, deadline)?
            .into_iter()
            .collect();
        let paths: Vec<String> = named
            .into_iter()
            .filter(|path| !ground.is_ours(path))
            .collect();
        let (mut now, mounted) = match self.look_inside(&ground, &paths, deadline) {
            Ok(seen) => seen,
            // It had ended, or did so while the probe looked.
            Err(_) if self.exit.seen().is_some() => self.look_at_rest(&ground, &paths, deadline)?,
            Err(error) => return Err(error),
        };
        if podman {
            let own = |now: &Entry| podman::is_introduction(&self.plan, &self.image, now);
            now.retain(|(_, now)| !now.as_ref().is_some_and(own));
        }
        self.leave_out_opened(&mut now, deadline)?;
        Ok(Answer::Drift(compare(&self.image, &ground, now, mounted)))
    }

    /// A daemon that asks overlayfs itself names every file that was opened for writing, as Podman does where it can. Whether it
    /// was written to shows beside the layer below, to who may look there; for anybody else it stays *touched*.
    fn leave_out_opened(
        &self,
        now: &mut Vec<Found>,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let was = |path: &str| self.image.entries.get(path);
        let same = |(path, now): &Found| {
            let (was, now) = (was(path), now.as_ref());
            was.zip(now)
                .is_some_and(|(was, now)| was.sha256.is_some() && was.sha256 == now.sha256)
        };
        if !now.iter().any(same) {
            return Ok(());
        }
        let record = self.client.inspect(&self.name, deadline)?;
        let Some(driver) = record.and_then(|record| record.graph_driver) else {
            return Ok(());
        };
        let (Some(upper), Some(lowers)) =
            (driver.data.get("UpperDir"), driver.data.get("LowerDir"))
        else {
            return Ok(());
        };
        let lowers: Vec<PathBuf> = lowers.split(':').map(PathBuf::from).collect();
        now.retain(|(path, now)| {
            let here = Path::new(upper).join(path.trim_start_matches('/'));
            let written = || last_written(&here);
            !was_only_opened(was(path), now.as_ref(), written, &lowers)
        });
        Ok(())
    }

    /// Through the probe, while the container runs.
    fn look_inside(
        &self,
        ground: &Ground,
        paths: &[String],
        deadline: &Deadline,
    ) -> Result<Seen, EngineError> {
        let now = self.stat(paths, deadline)?;
        let roots: Vec<String> = ground
            .writable
            .iter()
            .map(|(path, _)| path.clone())
            .collect();
        let mounted = self.tree(roots, deadline)?;
        Ok((now, mounted))
    }

    /// Through the daemon's archives, when the container has ended; what was in memory is gone then.
    fn look_at_rest(
        &self,
        ground: &Ground,
        paths: &[String],
        deadline: &Deadline,
    ) -> Result<Seen, EngineError> {
        // What is new is new as a whole: one archive instead of one for each file.
        let mut whole: BTreeMap<String, Entry> = BTreeMap::new();
        let mut root: Option<&str> = None;
        let mut now: Vec<Found> = Vec::new();
        for path in paths {
            let is_new = !self.image.entries.contains_key(path);
            if is_new && !root.is_some_and(|root| is_under(path, root)) {
                let tree = self.tree_at_rest(path, deadline)?;
                whole.extend(tree.into_iter().map(|entry| (entry.path.clone(), entry)));
                root = Some(path);
            }
            let entry = match whole.remove(path) {
                Some(entry) => Some(entry),
                None => self.entry_at_rest(path, deadline)?,
            };
            now.push((path.clone(), entry));
        }
        let mut mounted = Vec::new();
        for (path, _) in &ground.writable {
            let memory =
                path == SHARED_MEMORY || self.plan.tmpfs.iter().any(|t| trimmed(&t.path) == *path);
            if !memory {
                mounted.extend(self.tree_at_rest(path, deadline)?);
            }
        }
        Ok((now, mounted))
    }
}

/// Named paths as they are now, and everything that is on writable mounts.
type Seen = (Vec<Found>, Vec<Entry>);
