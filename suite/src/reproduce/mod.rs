//! What a trial needs to be seen again elsewhere: its case, its subject with every input of the host, and the workspaces as they were before it.

mod bundle;
mod keep;
pub(crate) mod shell;

pub use bundle::{Bundle, BundleError};
pub use keep::Keeper;

use serde::{Deserialize, Serialize};

/// The archive in a trial's evidence.
pub const FILE: &str = "reproduce.tar";
/// The organisation under which bundles are stored: `adamant/SUBJECT/RUN/ENGINE/SPEC/CASE…`.
const ORGANISATION: &str = "adamant";
/// Beside the inputs in an archive: which trial it was.
const TRIAL: &str = "trial.json";
/// Below it lie the inputs, as they lay on the host relative to each other.
const TREE: &str = "tree";
/// The version of this form.
const FORM: u32 = 1;

/// Which trial it was, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// The version of the form.
    form: u32,
    /// The trial's whole name.
    pub name: String,
    /// The engine that it failed on.
    pub engine: String,
    /// The subject file, below the tree.
    subject: String,
    /// The case's id.
    case: String,
    /// The case as it stood in its file.
    case_text: String,
    /// The image, as a command line takes it.
    pub image: String,
    /// Its id, when it was looked up.
    pub image_id: Option<String>,
    /// The codes of the findings, in order; none for a trial that could not be judged.
    pub findings: Vec<String>,
}
