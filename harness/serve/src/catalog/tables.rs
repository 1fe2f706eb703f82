//! The tables of a catalog in a database, for every kind of database alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{CatalogError, Function, entry};
use crate::package::Source;

/// Functions, their versions, and their environment (seed 001: metadata with `package_hash`, and environment variables).
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS functions (
    id TEXT PRIMARY KEY,
    active_version BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS function_versions (
    function_id TEXT NOT NULL REFERENCES functions (id),
    version BIGINT NOT NULL,
    package TEXT NOT NULL,
    package_hash TEXT,
    entry TEXT,
    timeout_ms BIGINT,
    PRIMARY KEY (function_id, version)
);
CREATE TABLE IF NOT EXISTS environment_variables (
    function_id TEXT NOT NULL REFERENCES functions (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (function_id, name)
);
";

/// The active version of a function.
pub(super) const VERSION: &str = "
SELECT v.package, v.package_hash, v.entry, v.timeout_ms
FROM functions f JOIN function_versions v ON v.function_id = f.id AND v.version = f.active_version
WHERE f.id = $1";

/// Its environment.
pub(super) const ENVIRONMENT: &str =
    "SELECT name, value FROM environment_variables WHERE function_id = $1";

/// A row of [`VERSION`].
pub(super) struct Version {
    pub(super) package: String,
    pub(super) hash: Option<String>,
    pub(super) entry: Option<String>,
    pub(super) timeout_ms: Option<i64>,
}

impl Version {
    /// The function that it describes; a package that is a path is one from `base`.
    pub(super) fn function(
        self,
        id: &str,
        base: &Path,
        env: BTreeMap<String, String>,
    ) -> Result<Function, CatalogError> {
        let wrong = |reason: String| CatalogError::Description {
            place: format!("function_versions of `{id}`"),
            reason,
        };
        let package = match self.package.strip_prefix("object:") {
            Some(key) => Source::Object(key.to_owned()),
            None => super::source(&base.join(&self.package)).ok_or_else(|| {
                wrong(format!(
                    "its `package` `{}` is no directory and no file",
                    self.package
                ))
            })?,
        };
        let timeout = self
            .timeout_ms
            .map(|ms| match u64::try_from(ms) {
                Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
                _ => Err(wrong(format!("its `timeout_ms` is {ms}"))),
            })
            .transpose()?;
        Ok(Function {
            package,
            hash: self.hash,
            entry: entry(self.entry.as_deref()),
            env,
            timeout,
        })
    }
}
