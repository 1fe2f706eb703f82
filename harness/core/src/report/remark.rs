//! What is said about one place of a file: the neutral form that SARIF and GitHub's annotations are written from.

use serde::{Deserialize, Serialize};

/// A place in a text file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file: relative to the checkout, absolute inside an image, or a `file:` address of the host.
    pub file: String,
    /// Its first line, counted from 1.
    pub line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Its first column in characters, counted from 1, where it is known.
    pub column: Option<u32>,
}

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The contract is broken.
    Error,
    /// Something was not judged, or not wholly.
    Warning,
    /// Worth knowing.
    Note,
}

/// What a rule says, whatever it is said about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Its id, as `install/npm`.
    pub id: String,
    /// Why what it finds is wrong, in one sentence.
    pub explain: String,
    /// What to do instead.
    pub fix: String,
    /// The clause of the contract that it stands on.
    pub clause: String,
}

/// A waiver: why a remark is put up with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiver {
    /// The reason, with its owner and expiry date.
    pub reason: String,
}

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// The id of its rule; empty for a remark that stands on none.
    pub rule: String,
    /// Its weight.
    pub level: Level,
    /// What is wrong there, in prose.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// How one comes there, outermost first.
    pub reached_by: Vec<String>,
    /// Set when it is put up with; it is still shown.
    pub waiver: Option<Waiver>,
}
