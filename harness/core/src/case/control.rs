//! The file `control.yaml` of a planted image: the law it breaks and the finding that must come of it.

use serde::Deserialize;

use super::{Pattern, Span};

/// What a planted image must come to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The subject file that is judged with this image in place of its own.
    pub subject: String,
    /// The id of the case that must fail.
    pub breaks: String,
    /// What one of its findings must match.
    pub finding: Pattern,
    /// Cases that rightly fail with it.
    #[serde(default)]
    pub also: Vec<Also>,
    /// Replaces the subject's `ready.within`.
    #[serde(default)]
    pub within: Option<Span>,
}

/// A case that rightly fails too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// Its id.
    pub case: String,
    /// Why one fault breaks both.
    pub reason: String,
    /// Whether it depends on a race if it shows: then it may, and need not.
    #[serde(default)]
    pub sometimes: bool,
}
