//! A catalog in an `SQLite` file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::tables::{ENVIRONMENT, SCHEMA, VERSION, Version};
use super::{CatalogError, Function};

/// How long another writer is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// An open file.
#[derive(Debug)]
pub struct Sqlite {
    connection: Mutex<Connection>,
    file: PathBuf,
    /// Where packages that are paths begin.
    base: PathBuf,
}

impl Sqlite {
    /// Opens a file; a new one gets its tables.
    ///
    /// # Errors
    /// When it is none, or cannot be made.
    pub fn open(file: &Path, base: &Path) -> Result<Self, CatalogError> {
        let failed = |source| database(file, source);
        let connection = Connection::open(file).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        Ok(Self {
            connection: Mutex::new(connection),
            file: file.to_owned(),
            base: base.to_owned(),
        })
    }

    pub(super) fn function(&self, id: &str) -> Result<Option<Function>, CatalogError> {
        let found = self
            .read(id)
            .map_err(|source| database(&self.file, source))?;
        found
            .map(|(version, env)| version.function(id, &self.base, env))
            .transpose()
    }

    fn read(&self, id: &str) -> rusqlite::Result<Option<(Version, BTreeMap<String, String>)>> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // One moment of the database: a version with the environment of that version.
        let moment = connection.transaction()?;
        let version = moment
            .prepare_cached(VERSION)?
            .query_row([id], |row| {
                Ok(Version {
                    package: row.get(0)?,
                    hash: row.get(1)?,
                    entry: row.get(2)?,
                    timeout_ms: row.get(3)?,
                })
            })
            .optional()?;
        let Some(version) = version else {
            return Ok(None);
        };
        let mut environment = moment.prepare_cached(ENVIRONMENT)?;
        let rows = environment.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some((version, rows.collect::<rusqlite::Result<_>>()?)))
    }
}

fn database(file: &Path, source: rusqlite::Error) -> CatalogError {
    CatalogError::Database {
        name: file.display().to_string(),
        source: source.into(),
    }
}
