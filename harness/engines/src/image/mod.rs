//! Images as files: read, validated and flattened into core's index, without a daemon.

pub(crate) mod archive;
pub(crate) mod config;
pub(crate) mod digest;
mod directory;
pub(crate) mod layer;
pub(crate) mod layout;
pub(crate) mod merge;
pub(crate) mod spool;
pub(crate) mod tape;

use std::io;

use adamant_core::engine::{EngineError, ErrorKind, Image, ImageSource};

use directory::directory;

/// Reads an image that is a file or a layout, without a daemon. `platform` (`os/architecture`) chooses in a layout that holds
/// several; `None` for an image that only a daemon has.
#[must_use]
pub fn from_files(source: &ImageSource, platform: &str) -> Option<Result<Image, EngineError>> {
    let read = match source {
        ImageSource::Daemon(_) => return None,
        ImageSource::Layout { dir, tag } => {
            layout::Layout::open(dir, tag.as_deref(), platform).map(|layout| layout.indexed)
        }
        ImageSource::Archive(file) => archive::read_file(file),
        ImageSource::Rootfs(dir) => return Some(directory(dir, platform)),
    };
    let wrong = |error| refused(&source.to_string(), error);
    Some(read.map(|indexed| indexed.image).map_err(wrong))
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
