//! The images of a run: found, loaded and indexed once each, and derived with paths made absent.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use adamant_core::engine::{BootPlan, EngineError, ErrorKind, Image, ImageSource};
use adamant_core::run::Deadline;
use fs_err as fs;

use super::client::Client;
use super::transfer::failure;
use super::{derive, lock};
use crate::image::layout::Layout;
use crate::image::{ImageError, Indexed, absent, archive, merge};

/// The repository of images that were loaded from files; the tag is the beginning of the digest.
pub(super) const REPOSITORY: &str = "adamant.local/loaded";

/// What a run knows of images.
#[derive(Debug, Default)]
pub(super) struct Images {
    known: Mutex<Known>,
    derived: Mutex<BTreeMap<(String, Vec<String>), Start>>,
}

#[derive(Debug, Default)]
struct Known {
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
    /// Finds an image, loads it when it is a file, and indexes it; once.
    pub(super) fn find(
        &self,
        client: &Client,
        source: &ImageSource,
        deadline: &Deadline,
    ) -> Result<Arc<Image>, EngineError> {
        // One at a time: whoever comes second finds it done.
        let mut known = lock(&self.known);
        if let Some(index) = known.ids.get(source).and_then(|id| known.indexes.get(id)) {
            return Ok(index.image.clone());
        }
        let (id, index) = match source {
            ImageSource::Daemon(reference) => {
                let id = present(client, reference, deadline)?;
                (id.clone(), known.index(client, &id, deadline)?)
            }
            ImageSource::Layout { dir, tag } => layout(client, dir, tag.as_deref(), deadline)?,
            ImageSource::Archive(file) => archive_file(client, file, deadline)?,
        };
        known.ids.insert(source.clone(), id.clone());
        known.indexes.insert(id, index.clone());
        Ok(index.image)
    }

    /// What `plan` starts from: its image, or one derived from it, made once per run.
    pub(super) fn absent(
        &self,
        client: &Client,
        plan: &BootPlan,
        labels: HashMap<String, String>,
        deadline: &Deadline,
    ) -> Result<Start, EngineError> {
        let base = lock(&self.known).index(client, &plan.image, deadline)?;
        let hidden = absent::hidden(&base.image, &plan.absent);
        if hidden.is_empty() {
            return Ok(Start {
                id: plan.image.clone(),
                image: base.image,
            });
        }
        let mut derived = lock(&self.derived);
        let key = (plan.image.clone(), hidden);
        if let Some(start) = derived.get(&key) {
            return Ok(start.clone());
        }
        let image = derive::derive(&base.image, &base.config, &key.1, &labels)?;
        client.load(
            &format!("`{}` without {}", plan.image, key.1.join(" ")),
            image.archive,
            deadline,
        )?;
        let id = loaded(client, &image.tag, deadline)?;
        let start = Start {
            id,
            image: Arc::new(merge::without(
                &base.image,
                key.1.iter().map(String::as_str),
            )),
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
        client: &Client,
        id: &str,
        deadline: &Deadline,
    ) -> Result<Index, EngineError> {
        if let Some(index) = self.indexes.get(id) {
            return Ok(index.clone());
        }
        let read = client.export(id, deadline, |reader| archive::read(reader));
        let indexed =
            read.map_err(|error| failure(format!("read the image `{id}`"), deadline, error))?;
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
        return Err(input().caused_by("this is no image reference").hint(
            "name it as `docker-daemon:NAME:TAG`, `oci:DIR[:TAG]` or `docker-archive:FILE`",
        ));
    }
    let id = client.image_id(reference, deadline)?;
    id.ok_or_else(|| {
        input().caused_by("the daemon does not have it, and nothing is ever pulled").hint(format!(
            "build it (`docker build -t {reference} .`) or load it (`docker load -i FILE`), or name a file: `oci:DIR[:TAG]`, `docker-archive:FILE`"
        ))
    })
}

/// It becomes part of a URL's path: nothing that could lead elsewhere.
fn is_reference(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    !text.is_empty()
        && !text.starts_with('/')
        && text.chars().all(plain)
        && !text
            .split('/')
            .any(|p| p.is_empty() || p == "." || p == "..")
}

fn layout(
    client: &Client,
    dir: &Path,
    tag: Option<&str>,
    deadline: &Deadline,
) -> Result<(String, Index), EngineError> {
    let attempt = format!("load the image layout `{}`", dir.display());
    let input = |error: ImageError| EngineError::new(ErrorKind::Input, &attempt).caused_by(error);
    let platform = client.version(deadline)?.platform;
    let layout = Layout::open(dir, tag, &platform).map_err(input)?;
    let id = load_once(client, &layout.indexed, deadline, |tag| {
        layout
            .archive(tag)
            .map_err(|error| EngineError::new(ErrorKind::Input, &attempt).caused_by(error))
    })?;
    let index = Index::new(layout.indexed, &id);
    Ok((id, index))
}

fn archive_file(
    client: &Client,
    file: &Path,
    deadline: &Deadline,
) -> Result<(String, Index), EngineError> {
    let attempt = format!("load the image archive `{}`", file.display());
    let input = |error: Box<dyn std::error::Error + Send + Sync>| {
        EngineError::new(ErrorKind::Input, &attempt).caused_by(error)
    };
    let indexed = archive::read(fs::File::open(file).map_err(|e| input(e.into()))?)
        .map_err(|e| input(e.into()))?;
    let id = match client.image_id(&indexed.image.id, deadline)? {
        Some(id) => id,
        None => {
            let content = fs::File::open(file).map_err(|e| input(e.into()))?;
            let names = client.load(
                &format!("`{}`", file.display()),
                Box::new(content),
                deadline,
            )?;
            let name = names
                .first()
                .ok_or_else(|| input("the daemon does not say what it loaded".into()))?;
            loaded(client, name, deadline)?
        }
    };
    let index = Index::new(indexed, &id);
    Ok((id, index))
}

/// Loads an image that the daemon does not have yet, under a name by which it can be found and removed again.
fn load_once(
    client: &Client,
    indexed: &Indexed,
    deadline: &Deadline,
    archive: impl FnOnce(&str) -> Result<Box<dyn std::io::Read + Send>, EngineError>,
) -> Result<String, EngineError> {
    let digest = indexed.image.id.trim_start_matches("sha256:");
    let tag = format!("{REPOSITORY}:{}", &digest[..12]);
    for name in [&indexed.image.id, &tag] {
        if let Some(id) = client.image_id(name, deadline)? {
            return Ok(id);
        }
    }
    client.load(&format!("`{tag}`"), archive(&tag)?, deadline)?;
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
