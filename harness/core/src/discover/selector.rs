//! Selectors on the command line: a trial is chosen when any of them says so; none chooses all.

use super::PlannedTrial;

/// One selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `tag:x`.
    Tag(String),
    /// A spec (`RC-002-01`, or a family: `RC-002`), a case id, a subject, or a part of the trial's name.
    Word(String),
    /// The whole name of a trial, which is chosen alone.
    Name(String),
}

impl Selector {
    /// Reads one selector.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.strip_prefix("tag:").map_or_else(
            || Self::Word(text.to_owned()),
            |tag| Self::Tag(tag.to_owned()),
        )
    }

    /// Whether it chooses the trial.
    #[must_use]
    pub fn chooses(&self, trial: &PlannedTrial) -> bool {
        match self {
            Self::Tag(tag) => trial.case.case.tags.contains(tag),
            Self::Name(name) => trial.is_named(name),
            Self::Word(word) => {
                let spec = &trial.case.case.spec;
                let family = spec
                    .strip_prefix(word.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
                family
                    || trial.subject.subject.name == *word
                    || trial.case.id == *word
                    || trial.name.contains(word.as_str())
            }
        }
    }
}
