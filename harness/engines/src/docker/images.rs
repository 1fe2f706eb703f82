//! The images of a run: found, loaded and indexed once each, and derived with paths made absent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::client::Client;
use super::transfer::failure;
use super::{derive, lock};
use crate::image::package::Package;
use crate::image::{Indexed, absent, archive, spool};
use crate::store::{self, Sourcing, Store};
use adamant_core::engine::{BootPlan, EngineError, ErrorKind, Fault, Image, ImageSource};
use adamant_core::run::Deadline;

/// The repository of images that were loaded from files; the tag is the beginning of the digest.
pub(super) const REPOSITORY: &str = "adamant.local/loaded";

/// How long it may take to read an image again, for the contents of its files.
const CONTENTS: Duration = Duration::from_secs(600);

/// What a run knows of images.
#[derive(Debug, Default)]
pub(super) struct Images {
    sourcing: Sourcing,
    known: Mutex<Known>,
    derived: Mutex<BTreeMap<(String, Vec<Fault>), Start>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Held while the run goes on, so that nobody clears it.
    store: Option<Store>,
    ids: BTreeMap<ImageSource, String>,
    indexes: BTreeMap<String, Index>,
}

/// An index that is shared.
#[derive(Debug, Clone)]
struct Index {
    image: Arc<Image>,
    config: Arc<Vec<u8>>,
}

/// What a container is started from, and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) id: String,
    pub(super) image: Arc<Image>,
}

impl Images {
    pub(super) fn new(sourcing: Sourcing) -> Self {
        Self {
            sourcing,
            ..Self::default()
        }
    }

    /// Finds an image, loads it when the daemon does not have it, and indexes it; once.
    pub(super) fn find(
        &self,
        client: &Arc<Client>,
        source: &ImageSource,
        deadline: &Deadline,
    ) -> Result<Arc<Image>, EngineError> {
        // One at a time: whoever comes second finds it done.
        let mut known = lock(&self.known);
        if let Some(index) = known.ids.get(source).and_then(|id| known.indexes.get(id)) {
            return Ok(index.image.clone());
        }
        let at_daemon = match source {
            ImageSource::Daemon(reference) => Some(present(client, reference, deadline)?),
            ImageSource::Bare(reference) if is_reference(reference) => {
                client.image_id(reference, deadline)?
            }
            _ => None,
        };
        let (id, index) = match at_daemon {
            Some(id) => (id.clone(), known.index(client, &id, deadline)?),
            None => self.load(client, &mut known, source, deadline)?,
        };
        known.ids.insert(source.clone(), id.clone());
        known.indexes.insert(id, index.clone());
        Ok(index.image)
    }

    /// Reads an image that is not the daemon's, and gives it to the daemon.
    fn load(
        &self,
        client: &Client,
        known: &mut Known,
        source: &ImageSource,
        deadline: &Deadline,
    ) -> Result<(String, Index), EngineError> {
        let platform = match &self.sourcing.platform {
            Some(platform) => platform.clone(),
            None => client.version(deadline)?.platform,
        };
        if known.store.is_none() {
            known.store = Some(Store::open()?);
        }
        let store = known.store.as_ref().expect("it was opened above");
        let package = store
            .image(source, &platform, self.sourcing.pull, deadline)?
            .ok_or_else(|| store::unknown(source))?;
        let id = load_once(client, &package, source, deadline)?;
        let index = Index::new(package.indexed, &id);
        Ok((id, index))
    }

    /// What `plan` starts from: its image, or one derived from it, made once per run.
    pub(super) fn absent(
        &self,
        client: &Arc<Client>,
        plan: &BootPlan,
        labels: HashMap<String, String>,
        deadline: &Deadline,
    ) -> Result<Start, EngineError> {
        let base = lock(&self.known).index(client, &plan.image, deadline)?;
        let changed = absent::changed(&base.image, &plan.absent);
        if changed.is_empty() {
            return Ok(Start {
                id: plan.image.clone(),
                image: base.image,
            });
        }
        let mut derived = lock(&self.derived);
        let key = (plan.image.clone(), changed);
        if let Some(start) = derived.get(&key) {
            return Ok(start.clone());
        }
        let mut left = Vec::new();
        for fault in &key.1 {
            let found = absent::left(&base.image, fault, |entry| {
                client.content(&plan.image, entry, labels.clone(), deadline)
            })?;
            left.push((fault.path.clone(), found));
        }
        let image = derive::derive(&base.image, &base.config, &left, &labels)?;
        client.load(
            &format!("`{}` without {}", plan.image, absent::names(&left)),
            image.archive,
            deadline,
        )?;
        let id = loaded(client, &image.tag, deadline)?;
        let start = Start {
            id,
            image: Arc::new(absent::index(&base.image, &left)),
        };
        derived.insert(key, start.clone());
        Ok(start)
    }

    /// Derived images are gone: another boot would have to make them again.
    pub(super) fn forget_derived(&self) {
        lock(&self.derived).clear();
    }
}

impl Known {
    /// The index of an image that the daemon has.
    fn index(
        &mut self,
        client: &Arc<Client>,
        id: &str,
        deadline: &Deadline,
    ) -> Result<Index, EngineError> {
        if let Some(index) = self.indexes.get(id) {
            return Ok(index.clone());
        }
        let read = client.export(id, deadline, |reader| archive::read(reader));
        let mut indexed =
            read.map_err(|error| failure(format!("read the image `{id}`"), deadline, error))?;
        let (again, name) = (client.clone(), id.to_owned());
        indexed.image.contents = spool::contents(move || {
            let deadline = Deadline::for_cleanup(CONTENTS);
            again.export(&name, &deadline, |reader| spool::archive(reader))
        });
        let index = Index::new(indexed, id);
        self.indexes.insert(id.to_owned(), index.clone());
        Ok(index)
    }
}

impl Index {
    /// A daemon may know an image by another digest than that of its configuration.
    fn new(indexed: Indexed, id: &str) -> Self {
        let image = Image {
            id: id.to_owned(),
            ..indexed.image
        };
        Self {
            image: Arc::new(image),
            config: Arc::new(indexed.config),
        }
    }
}

pub(super) fn present(
    client: &Client,
    reference: &str,
    deadline: &Deadline,
) -> Result<String, EngineError> {
    let input = || EngineError::new(ErrorKind::Input, format!("find the image `{reference}`"));
    if !is_reference(reference) {
        return Err(input()
            .caused_by("this is no image reference")
            .hint("name it as `docker-daemon:NAME:TAG`"));
    }
    let id = client.image_id(reference, deadline)?;
    id.ok_or_else(|| {
        input().caused_by("the daemon does not have it").hint(format!(
            "build it (`docker build -t {reference} .`) or load it (`docker load -i FILE`), or name a file: `oci:DIR[:TAG]`, `docker-archive:FILE`"
        ))
    })
}

/// It becomes part of a URL's path: nothing that could lead elsewhere.
pub(super) fn is_reference(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    !text.is_empty()
        && !text.starts_with('/')
        && text.chars().all(plain)
        && !text
            .split('/')
            .any(|p| p.is_empty() || p == "." || p == "..")
}

/// Loads an image that the daemon does not have yet, under a name by which it can be found and removed again.
fn load_once(
    client: &Client,
    package: &Package,
    source: &ImageSource,
    deadline: &Deadline,
) -> Result<String, EngineError> {
    let id = &package.indexed.image.id;
    let tag = format!("{REPOSITORY}:{}", &id.trim_start_matches("sha256:")[..12]);
    for name in [id, &tag] {
        if let Some(id) = client.image_id(name, deadline)? {
            return Ok(id);
        }
    }
    let archive = package.archive(&tag).map_err(|error| {
        EngineError::new(ErrorKind::Input, format!("load the image `{source}`")).caused_by(error)
    })?;
    client.load(&format!("`{tag}`"), archive, deadline)?;
    loaded(client, &tag, deadline)
}

fn loaded(client: &Client, name: &str, deadline: &Deadline) -> Result<String, EngineError> {
    let missing = || {
        EngineError::new(ErrorKind::Engine, format!("load `{name}`"))
            .caused_by("the daemon took it and does not have it")
    };
    client.image_id(name, deadline)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_nowhere_else() {
        for good in [
            "busybox",
            "a/b:1",
            "host.example:5000/a/b@sha256:0123",
            "sha256:0123",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "",
            "../x",
            "a/../../containers",
            "a?b",
            "a#b",
            "a b",
            "/a",
            "a//b",
            "a%2e",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
