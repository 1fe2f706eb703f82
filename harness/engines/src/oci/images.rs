//! The images of a run: found, indexed once each, and unpacked where containers can be started from them.

use std::collections::BTreeMap;
use std::io::{Read, Seek as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::engine::{EngineError, ErrorKind, Image, ImageSource};
use adamant_core::run::Deadline;
use fs_err as fs;

use super::{host, layers};
use crate::docker::Daemon;
use crate::image::layout::Layout;
use crate::image::{Indexed, archive, config};

/// An image whose layers are unpacked.
#[derive(Debug, Clone)]
pub(super) struct Unpacked {
    pub(super) image: Arc<Image>,
    /// From the bottom.
    pub(super) layers: Vec<PathBuf>,
}

/// What a run knows of images.
#[derive(Debug, Default)]
pub(super) struct Images {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    ids: BTreeMap<ImageSource, String>,
    images: BTreeMap<String, Unpacked>,
}

impl Images {
    /// Finds, indexes and unpacks an image; once.
    pub(super) fn find(
        &self,
        source: &ImageSource,
        deadline: &Deadline,
    ) -> Result<Arc<Image>, EngineError> {
        // One at a time: whoever comes second finds it done.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.ids.get(source).and_then(|id| known.images.get(id)) {
            return Ok(found.image.clone());
        }
        let found = open(source, deadline)?;
        let (id, image) = (found.image.id.clone(), found.image.clone());
        known.ids.insert(source.clone(), id.clone());
        known.images.insert(id, found);
        Ok(image)
    }

    /// An image that [`Images::find`] has found, by its id.
    pub(super) fn get(&self, id: &str) -> Result<Unpacked, EngineError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.images.get(id).cloned().ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, format!("start the image `{id}`"))
                .caused_by("nobody looked it up on this engine")
        })
    }
}

fn open(source: &ImageSource, deadline: &Deadline) -> Result<Unpacked, EngineError> {
    let attempt = format!("read the image `{source}`");
    match source {
        ImageSource::Layout { dir, tag } => {
            let input = |error: Box<dyn std::error::Error + Send + Sync>| {
                EngineError::new(ErrorKind::Input, &attempt).caused_by(error)
            };
            let layout = Layout::open(dir, tag.as_deref(), &host::platform())
                .map_err(|error| input(error.into()))?;
            let stream = layout.archive("unpacked");
            let stream = stream.map_err(|error| input(error.into()));
            unpacked(layout.indexed, || stream, &attempt)
        }
        ImageSource::Archive(file) => {
            let read = || {
                fs::File::open(file)
                    .map_err(|error| EngineError::new(ErrorKind::Input, &attempt).caused_by(error))
            };
            let indexed = archive::read(read()?)
                .map_err(|error| EngineError::new(ErrorKind::Input, &attempt).caused_by(error))?;
            unpacked(indexed, read, &attempt)
        }
        ImageSource::Daemon(reference) => from_daemon(reference, &attempt, deadline),
    }
}

/// Asks the daemon of this host, if there is one, for what it has; each layer is asked for once in the life of the cache.
fn from_daemon(
    reference: &str,
    attempt: &str,
    deadline: &Deadline,
) -> Result<Unpacked, EngineError> {
    let daemon = Daemon::connect(deadline).map_err(|error| {
        EngineError::new(ErrorKind::Input, attempt).caused_by(error).hint(
            "no daemon on this host: name the image as a file, `oci:DIR[:TAG]` or `docker-archive:FILE`",
        )
    })?;
    let mut spool = tempfile::tempfile()
        .map_err(|error| EngineError::new(ErrorKind::Unsupported, attempt).caused_by(error))?;
    daemon.save(reference, &mut spool, deadline)?;
    let rewind = |spool: &std::fs::File| {
        let mut again = spool.try_clone()?;
        again.rewind()?;
        Ok::<_, std::io::Error>(again)
    };
    let trouble =
        |error: std::io::Error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error);
    let indexed = archive::read(rewind(&spool).map_err(trouble)?)
        .map_err(|error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error))?;
    unpacked(indexed, || rewind(&spool).map_err(trouble), attempt)
}

fn unpacked<R: Read>(
    indexed: Indexed,
    stream: impl FnOnce() -> Result<R, EngineError>,
    attempt: &str,
) -> Result<Unpacked, EngineError> {
    let platform = host::platform();
    if indexed.image.platform != platform {
        let why = format!(
            "it is for {}, and this host is {platform}",
            indexed.image.platform
        );
        return Err(EngineError::new(ErrorKind::Input, attempt).caused_by(why));
    }
    let (_, diff_ids) = config::read(&indexed.config)
        .map_err(|error| EngineError::new(ErrorKind::Input, attempt).caused_by(error))?;
    let layers: Vec<PathBuf> = diff_ids.iter().map(|id| layers::place(id)).collect();
    if !layers.iter().all(|layer| layer.is_dir()) {
        layers::unpack(stream()?, &diff_ids).map_err(|error| {
            EngineError::new(ErrorKind::Unsupported, attempt)
                .caused_by(error)
                .hint("layers are unpacked under `XDG_CACHE_HOME` (or ~/.cache): it takes root and room on that disk")
        })?;
    }
    Ok(Unpacked {
        image: Arc::new(indexed.image),
        layers,
    })
}
