//! JSON Schemas for editors, generated from the types; a test keeps the committed files current.

use super::{Case, Subject};

fn pretty(schema: schemars::Schema) -> String {
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

/// The schema of a case file.
#[must_use]
pub fn case_schema() -> String {
    pretty(schemars::schema_for!(Case))
}

/// The schema of `adamant.yaml`.
#[must_use]
pub fn subject_schema() -> String {
    pretty(schemars::schema_for!(Subject))
}
