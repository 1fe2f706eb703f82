//! Images as files: read, validated and flattened into core's index, without a daemon.

pub(crate) mod absent;
pub(crate) mod archive;
pub(crate) mod config;
pub(crate) mod digest;
mod directory;
pub(crate) mod layer;
pub(crate) mod layout;
pub(crate) mod ledger;
pub(crate) mod merge;
pub(crate) mod package;
pub(crate) mod packed;
pub(crate) mod platform;
pub(crate) mod spool;
pub(crate) mod tape;

use std::io;

use adamant_core::engine::{Contents, EngineError, ErrorKind, Image, ImageSource};
use adamant_core::run::Deadline;

use crate::store::{self, Sourcing, Store};
use directory::directory;

/// Reads an image that is on this host as files, without a daemon and without the store; `None` for one that a daemon or a
/// registry has.
#[must_use]
pub fn from_files(source: &ImageSource, sourcing: &Sourcing) -> Option<Result<Image, EngineError>> {
    let platform = wanted(sourcing);
    let read = match source {
        ImageSource::Bare(_) | ImageSource::Daemon(_) | ImageSource::Registry(_) => return None,
        ImageSource::Layout { dir, tag } => layout::open(dir, tag.as_deref(), &platform),
        ImageSource::Archive(file) => archive::open(file, &tempfile::env::temp_dir()),
        ImageSource::Rootfs(dir) => return Some(directory(dir, &platform)),
    };
    let wrong = |error| refused(&source.to_string(), error);
    Some(read.map(|package| package.indexed.image).map_err(wrong))
}

/// Reads a registry's image from the store of pulled ones, pulled now where `sourcing` allows it.
pub fn from_store(
    source: &ImageSource,
    sourcing: &Sourcing,
    deadline: &Deadline,
) -> Result<Image, EngineError> {
    let store = Store::open()?;
    let package = store
        .image(source, &wanted(sourcing), sourcing.pull, deadline)?
        .ok_or_else(|| store::unknown(source))?;
    let mut image = package.indexed.image;
    let layers = image.contents;
    image.contents = Contents::by(move |entry, offset, length| {
        // In use as long as the image is: nobody clears its layers away.
        let _in_use = &store;
        layers.read(entry, offset, length)
    });
    Ok(image)
}

/// `os/architecture` that is asked for: this host's, unless somebody says another.
fn wanted(sourcing: &Sourcing) -> String {
    sourcing.platform.clone().unwrap_or_else(platform::host)
}

fn refused(what: &str, error: ImageError) -> EngineError {
    EngineError::new(ErrorKind::Input, format!("read the image `{what}`")).caused_by(error)
}

/// An index, and the configuration as it was written: a derived image is made from both.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) image: Image,
    pub(crate) config: Vec<u8>,
}

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("`{what}` cannot be read")]
    Read {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error("`{what}` is not the JSON that it should be")]
    Json {
        what: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{what}` {why}")]
    Invalid { what: String, why: String },
    #[error("`{what}` brings the layer over {most} bytes")]
    TooLarge {
        what: String,
        most: u64,
        /// What the layer comes to with it.
        claimed: u64,
    },
}

impl ImageError {
    pub(crate) fn read(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Read { what, source }
    }

    pub(crate) fn json(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |source| Self::Json { what, source }
    }

    pub(crate) fn invalid(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            why: why.into(),
        }
    }
}
