//! `adamant schema case|subject|module-case`: a JSON Schema on stdout.

use adamant_core::case::{case_schema, subject_schema};
use adamant_core::module::module_schema;

use super::Done;
use crate::cli::SchemaOf;
use crate::exit;

/// Prints it.
pub fn run(of: SchemaOf) -> Done {
    let text = match of {
        SchemaOf::Case => case_schema(),
        SchemaOf::Subject => subject_schema(),
        SchemaOf::ModuleCase => module_schema(),
    };
    anstream::print!("{text}");
    Ok(exit::HELD)
}
