//! From folders to trials: cases parsed with their places, subjects read, variants multiplied, order stable; no engine is touched.

mod cases;
mod selector;
mod subjects;
mod trials;

pub use cases::{CaseFile, parse_cases, read_cases};
pub(crate) use cases::{case_stem, yaml_files};
pub use selector::Selector;
pub use subjects::{SubjectFile, read_subject};
pub(crate) use trials::name_path;
pub use trials::{PlannedTrial, plan};
