//! Images as files: read, validated and flattened into core's index, without a daemon.

pub(crate) mod absent;
pub(crate) mod archive;
pub(crate) mod config;
pub(crate) mod digest;
pub(crate) mod layer;
pub(crate) mod layout;
pub(crate) mod ledger;
pub(crate) mod merge;
pub(crate) mod package;
pub(crate) mod packed;
pub(crate) mod platform;
pub(crate) mod tape;

use std::io;

use adamant_core::engine::Image;

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
