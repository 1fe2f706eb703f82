//! What is known of functions: where the package of each is, which version, and its environment.

mod files;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::package::Source;

/// A function, as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Where its package is.
    pub package: Source,
    /// Which version that is; without one, the source is looked at.
    pub hash: Option<String>,
    /// The module with the handler.
    pub entry: String,
    /// `process.env`, and nothing else is in it.
    pub env: BTreeMap<String, String>,
    /// Less time than the service grants.
    pub timeout: Option<Duration>,
}

/// The module that is loaded unless another one is named (seed 001).
pub(crate) const ENTRY: &str = "/index.js";

/// Why it is not known whether there is such a function.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file.
    #[error("`{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A description that says nothing that we know.
    #[error("{place}: {reason}")]
    Description {
        /// `file:line:column`, or table and row.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// Where functions are described.
#[derive(Debug)]
#[non_exhaustive]
pub enum Catalog {
    /// A directory: `ID/` or `ID.tar`, `ID.tgz`, `ID.tar.gz` is a package, `ID.json` says more about it.
    Files(PathBuf),
}

impl Catalog {
    /// A function, when there is one of this name.
    ///
    /// # Errors
    /// When that cannot be known, or its description says nothing that we know.
    pub fn function(&self, id: &str) -> Result<Option<Function>, CatalogError> {
        if !is_id(id) {
            return Ok(None);
        }
        match self {
            Self::Files(directory) => files::function(directory, id),
        }
    }
}

/// Letters, digits, `.`, `_`, `-`; the first one a letter, digit or `_`. So it is one component of a path, too.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&id.len()) && id.chars().all(plain) && !id.starts_with(['.', '-'])
}

/// A guest path.
pub(crate) fn entry(entry: Option<&str>) -> String {
    entry.map_or_else(
        || ENTRY.to_owned(),
        |entry| {
            format!(
                "/{}",
                entry.trim_start_matches("./").trim_start_matches('/')
            )
        },
    )
}
