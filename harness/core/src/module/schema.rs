//! The JSON Schema of a module case, for editors.

use super::ModuleCase;

/// The schema of a module case file.
#[must_use]
pub fn module_schema() -> String {
    crate::case::pretty_schema(schemars::schema_for!(ModuleCase))
}
