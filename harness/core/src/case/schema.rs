//! JSON Schemas for editors, generated from the types; a test keeps the committed files current.

use super::{Case, Subject};

/// A schema as text, the same whatever is built with us.
pub(crate) fn pretty_schema(schema: schemars::Schema) -> String {
    // Whether a map keeps its order is decided by whoever is built with us: the text must not depend on it.
    let mut schema = serde_json::Value::from(schema);
    schema.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

/// The schema of a case file.
#[must_use]
pub fn case_schema() -> String {
    pretty_schema(schemars::schema_for!(Case))
}

/// The schema of `adamant.yaml`.
#[must_use]
pub fn subject_schema() -> String {
    pretty_schema(schemars::schema_for!(Subject))
}
