//! What is known of functions: where the package of each is, which version, and its environment.

mod files;
mod postgres;
mod sqlite;
mod tables;

pub use postgres::Postgres;
pub use sqlite::Sqlite;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    /// A database.
    #[error("{name}")]
    Database {
        /// Which, without what is secret.
        name: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The URL of a database is none that we know.
    #[error(
        "`DATABASE_URL` is no address of a database; known: sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME"
    )]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    /// Tables in an `SQLite` file.
    Sqlite(Box<Sqlite>),
    /// The same tables in a `PostgreSQL` server.
    Postgres(Box<Postgres>),
}

impl Catalog {
    /// The catalog of a `DATABASE_URL`; packages that are paths begin at `base`.
    ///
    /// # Errors
    /// When it is none, or does not answer.
    pub fn open(
        url: &str,
        base: &Path,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, CatalogError> {
        if let Some(file) = url.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() {
                return Err(CatalogError::Url("it names no file".into()));
            }
            let sqlite = Sqlite::open(Path::new(file), base)?;
            return Ok(Self::Sqlite(Box::new(sqlite)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let postgres = Postgres::open(url, base, runtime)?;
            return Ok(Self::Postgres(Box::new(postgres)));
        }
        Err(CatalogError::Url(
            "it begins with neither `sqlite:` nor `postgres://`".into(),
        ))
    }

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
            Self::Sqlite(file) => file.function(id),
            Self::Postgres(server) => server.function(id),
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

/// What a path of the host is, when it can be a package.
fn source(path: &Path) -> Option<Source> {
    let metadata = fs_err::metadata(path).ok()?;
    if metadata.is_dir() {
        Some(Source::Directory(path.to_owned()))
    } else if metadata.is_file() {
        Some(Source::Archive(path.to_owned()))
    } else {
        None
    }
}
