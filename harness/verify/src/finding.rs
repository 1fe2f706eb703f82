//! What a verification says: findings with their places, and honestly what was judged and what was not.

use serde::Serialize;

use crate::rule::Rule;

pub use adamant_core::check::verify::Verify as Room;

/// Where something stands inside the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// A path of the image, `image configuration`, or the manifest's file on the host.
    pub file: String,
    /// The line, counted from 1, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
        }
    }

    /// A line of a file.
    pub fn line(file: impl Into<String>, line: u32) -> Self {
        Self {
            file: file.into(),
            line: Some(line),
        }
    }

    /// The image's own configuration.
    #[must_use]
    pub fn configuration() -> Self {
        Self::file("image configuration")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// One thing that is wrong with the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The room that judged it.
    pub room: Room,
    /// The rule's id, as `closure/library`.
    pub rule: &'static str,
    /// The clause of the contract.
    pub clause: &'static str,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// What the contract says.
    pub expected: String,
    /// What is in the image instead.
    pub seen: String,
    /// Who needs it and what will come of it.
    pub cause: String,
    /// What to do.
    pub fix: String,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, place: Place, seen: impl Into<String>) -> Self {
        Self {
            room: rule.room,
            rule: rule.id,
            clause: rule.clause,
            place,
            expected: rule.about.to_owned(),
            seen: seen.into(),
            cause: String::new(),
            fix: rule.fix.to_owned(),
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}

/// Something that was not judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unjudged {
    /// The room.
    pub room: Room,
    /// What was not judged: a file, a program.
    pub what: String,
    /// Why.
    pub why: String,
    /// Whether it should have been: something could not be read, so that the verdict is incomplete.
    pub broken: bool,
}

/// How much a room looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The room.
    pub room: Room,
    /// What was counted, in the singular: `executable`.
    pub noun: &'static str,
    /// How many.
    pub count: usize,
}

/// The answer of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What is wrong, by room and rule.
    pub findings: Vec<Finding>,
    /// What was not judged, and why.
    pub unjudged: Vec<Unjudged>,
    /// What was looked at.
    pub judged: Vec<Judged>,
}

impl Report {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(crate) fn note(&mut self, room: Room, what: impl Into<String>, why: impl Into<String>) {
        self.leave(room, what.into(), why.into(), false);
    }

    pub(crate) fn broken(&mut self, room: Room, what: impl Into<String>, why: impl Into<String>) {
        self.leave(room, what.into(), why.into(), true);
    }

    fn leave(&mut self, room: Room, what: String, why: String, broken: bool) {
        self.unjudged.push(Unjudged {
            room,
            what,
            why,
            broken,
        });
    }

    pub(crate) fn count(&mut self, room: Room, noun: &'static str, count: usize) {
        self.judged.push(Judged { room, noun, count });
    }

    /// Sorts, and takes what was said twice away.
    pub(crate) fn settle(&mut self) {
        self.findings.sort();
        self.findings.dedup();
        self.unjudged.sort();
        self.unjudged.dedup();
    }

    /// Whether something could not be judged that should have been.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.unjudged.iter().any(|unjudged| unjudged.broken)
    }
}
