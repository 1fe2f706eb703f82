//! Tars of workspaces: written from a live tree, read with suspicion, laid out beside the tree that they replace.

mod extract;
mod frame;
mod law;
mod tree;
mod write;

pub use extract::{Laid, extract};
pub use frame::{Entry, Frames, Kind, Told, check};
pub use law::{Accept, Limits, Owners, Policy};
pub use tree::{activity, is_empty, remove};
pub use write::{Written, write};

use std::io;

use thiserror::Error;

/// The size of everything in a tar: headers, and what content is padded to.
pub(crate) const BLOCK: usize = 512;

/// The one directory of a workspace that is never kept (seed 002: `--exclude=./tmp`).
pub(crate) const LEFT_OUT: &[u8] = b"tmp";

/// Why an archive was not made, not read, or not laid out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The stream is no tar, or not a whole one.
    #[error("not a whole tar: {0}")]
    Malformed(String),
    /// An entry that would do harm, or that this workspace does not take.
    #[error("entry `{name}` is refused: {reason}")]
    Refused {
        /// The entry's name, as text.
        name: String,
        /// Why.
        reason: String,
    },
    /// The archive is larger than what is allowed.
    #[error("the archive is refused: {0}")]
    Bound(String),
    /// A file of the workspace changed under our hands.
    #[error("`{0}` changed while it was read")]
    Changed(String),
    /// A file of the workspace or of the new tree could not be read or made.
    #[error("`{name}`")]
    File {
        /// Its path below the root.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The stream itself ended early.
    #[error("the stream broke off")]
    Stream(#[source] io::Error),
}

impl ArchiveError {
    pub(crate) fn refused(name: &[u8], reason: impl Into<String>) -> Self {
        Self::Refused {
            name: shown(name),
            reason: reason.into(),
        }
    }

    pub(crate) fn file(name: &[u8], source: impl Into<io::Error>) -> Self {
        Self::File {
            name: shown(name),
            source: source.into(),
        }
    }

    /// The error with its causes, on one line.
    #[must_use]
    pub fn told(&self) -> String {
        crate::told(self)
    }
}

/// A name as a person reads it: no control characters, not longer than a line.
pub(crate) fn shown(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name)
        .chars()
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .take(400)
        .collect();
    if text.is_empty() {
        ".".to_owned()
    } else {
        text
    }
}
