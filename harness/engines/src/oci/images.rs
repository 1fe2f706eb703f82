//! The images of a run: found and indexed once each, and unpacked in the store, where containers can be started from them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::engine::{EngineError, ErrorKind, Image, ImageSource};
use adamant_core::run::Deadline;
use adamant_probe::Entry;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};

use crate::docker::{self, Daemon};
use crate::image::package::Package;
use crate::image::{digest, platform};
use crate::store::{self, Sourcing, Store};

/// An image whose layers are unpacked.
#[derive(Debug, Clone)]
pub(super) struct Unpacked {
    pub(super) image: Arc<Image>,
    /// From the bottom.
    pub(super) layers: Vec<PathBuf>,
}

impl Unpacked {
    /// The bytes of one file of the image, as its index knows them: the topmost layer that has them.
    pub(super) fn content(&self, entry: &Entry) -> Result<Vec<u8>, EngineError> {
        let read = |layer: &PathBuf| -> std::io::Result<Vec<u8>> {
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = openat(CWD, layer, flags, Mode::empty())?;
            // Nothing in a layer leads out of it, and a device is not opened by mistake.
            let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let path = entry.path.trim_start_matches('/');
            let file = openat2(&root, path, flags, Mode::empty(), how)?;
            if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
                return Err(std::io::ErrorKind::InvalidInput.into());
            }
            let mut bytes = Vec::new();
            std::fs::File::from(file).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let is_it = |bytes: &Vec<u8>| entry.sha256.as_ref() == Some(&digest::of(bytes));
        let mut found = self.layers.iter().rev().filter_map(|l| read(l).ok());
        found.find(is_it).ok_or_else(|| {
            let attempt = format!("read `{}` of the image `{}`", entry.path, self.image.id);
            EngineError::new(ErrorKind::Engine, attempt)
                .caused_by("no unpacked layer has it as the image says")
                .hint("somebody changed the store of images: `adamant gc --all` clears it")
        })
    }
}

/// What a run knows of images.
#[derive(Debug, Default)]
pub(super) struct Images {
    sourcing: Sourcing,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Held while the run goes on, so that nobody clears it.
    store: Option<Store>,
    ids: BTreeMap<ImageSource, String>,
    images: BTreeMap<String, Unpacked>,
}

impl Images {
    pub(super) fn new(sourcing: Sourcing) -> Self {
        Self {
            sourcing,
            ..Self::default()
        }
    }

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
        if known.store.is_none() {
            known.store = Some(Store::open()?);
        }
        let store = known.store.as_ref().expect("it was opened above");
        let found = self.open(store, source, deadline)?;
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

    fn open(
        &self,
        store: &Store,
        source: &ImageSource,
        deadline: &Deadline,
    ) -> Result<Unpacked, EngineError> {
        let host = platform::host();
        let wanted = self.sourcing.platform.as_ref().unwrap_or(&host);
        if let Some(daemon) = at_daemon(source, deadline)? {
            return from_daemon(&daemon, store, source, &host, deadline);
        }
        let package = store
            .image(source, wanted, self.sourcing.pull, deadline)?
            .ok_or_else(|| store::unknown(source))?;
        unpacked(store, &package, source, &host)
    }
}

/// The daemon of this host, where it is the one to ask for an image.
fn at_daemon(source: &ImageSource, deadline: &Deadline) -> Result<Option<Daemon>, EngineError> {
    match source {
        ImageSource::Daemon(_) => {
            let daemon = Daemon::connect(deadline).map_err(|error| {
                EngineError::new(ErrorKind::Input, format!("read the image `{source}`"))
                    .caused_by(error)
                    .hint(
                        "no daemon on this host: name the image as a file, `oci:DIR[:TAG]` or `docker-archive:FILE`",
                    )
            })?;
            Ok(Some(daemon))
        }
        ImageSource::Bare(reference) if docker::listens() => {
            let daemon = Daemon::connect(deadline)?;
            Ok(daemon.has(reference, deadline)?.then_some(daemon))
        }
        _ => Ok(None),
    }
}

/// Takes what a daemon has as the archive that it saves.
fn from_daemon(
    daemon: &Daemon,
    store: &Store,
    source: &ImageSource,
    host: &str,
    deadline: &Deadline,
) -> Result<Unpacked, EngineError> {
    let (ImageSource::Daemon(reference) | ImageSource::Bare(reference)) = source else {
        return Err(store::unknown(source));
    };
    let mut spool = tempfile::NamedTempFile::new().map_err(|error| {
        EngineError::new(ErrorKind::Unsupported, format!("read the image `{source}`"))
            .caused_by(error)
    })?;
    daemon.save(reference, spool.as_file_mut(), deadline)?;
    let archive = ImageSource::Archive(spool.path().to_owned());
    let package = store
        .image(&archive, host, false, deadline)?
        .ok_or_else(|| store::unknown(source))?;
    unpacked(store, &package, source, host)
}

fn unpacked(
    store: &Store,
    package: &Package,
    source: &ImageSource,
    host: &str,
) -> Result<Unpacked, EngineError> {
    let image = package.image();
    if !platform::fits(&image.platform, host) {
        let why = format!("it is for {}, and this host is {host}", image.platform);
        let attempt = format!("read the image `{source}`");
        return Err(EngineError::new(ErrorKind::Input, attempt).caused_by(why));
    }
    let layers = package.layers().iter().map(|layer| store.layer(layer));
    Ok(Unpacked {
        layers: layers.collect::<Result<_, _>>()?,
        image: Arc::new(image.clone()),
    })
}
