//! Functions described by files: a package beside an optional `ID.json`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::{CatalogError, Function, entry, source};
use crate::package::Source;

/// `ID.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Description {
    /// A path from this file's directory, or `object:KEY`.
    package: Option<String>,
    hash: Option<String>,
    entry: Option<String>,
    env: BTreeMap<String, String>,
    timeout_ms: Option<u64>,
}

/// What packages are called beside their description, the first one that is there counts.
const FORMS: [&str; 4] = ["", ".tar", ".tgz", ".tar.gz"];

pub(super) fn function(directory: &Path, id: &str) -> Result<Option<Function>, CatalogError> {
    let file = directory.join(format!("{id}.json"));
    let described = match fs_err::read(&file) {
        Ok(text) => Some(
            serde_json::from_slice::<Description>(&text).map_err(|error| {
                let place = format!("{}:{}:{}", file.display(), error.line(), error.column());
                let text = error.to_string();
                // The place stands before it already.
                let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
                CatalogError::Description { place, reason }
            })?,
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(CatalogError::File { path: file, source }),
    };
    let found = described.is_some();
    let described = described.unwrap_or_default();
    let package = match described.package.as_deref() {
        Some(package) => match package.strip_prefix("object:") {
            Some(key) => Some(Source::Object(key.to_owned())),
            None => source(&directory.join(package)),
        },
        None => FORMS
            .iter()
            .find_map(|form| source(&directory.join(format!("{id}{form}")))),
    };
    let Some(package) = package else {
        if !found {
            return Ok(None);
        }
        let reason = described.package.map_or_else(
            || format!("names no `package`, and no `{id}`, `{id}.tar`, `{id}.tgz` or `{id}.tar.gz` is beside it"),
            |package| format!("its `package` `{package}` is no directory and no file"),
        );
        let place = file.display().to_string();
        return Err(CatalogError::Description { place, reason });
    };
    Ok(Some(Function {
        package,
        hash: described.hash,
        entry: entry(described.entry.as_deref()),
        env: described.env,
        timeout: described.timeout_ms.map(Duration::from_millis),
    }))
}
