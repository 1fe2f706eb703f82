//! What the lint is given and what it answers.

use std::collections::BTreeSet;

use serde::Serialize;

use super::started::Started;

/// One file of an image, as the lint sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its bytes.
    pub text: Vec<u8>,
    /// Its path after every symbolic link; this is the name a smell carries.
    pub path: String,
    /// Whether an execute bit is set.
    pub executable: bool,
}

/// The three ways in which a boot stops being immutable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A package manager resolves or installs.
    Install,
    /// Code or data is downloaded.
    Fetch,
    /// The failure of one of these, or of an artifact probe, is ignored.
    Swallow,
}

/// One command of a boot that breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smell {
    /// The rule's id, as `install/npm`.
    pub rule: &'static str,
    /// The rule's class.
    pub class: Class,
    /// The file in which the command's text stands; `argv` for the image's own command line.
    pub file: String,
    /// Its first line, counted from 1.
    pub line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Its first column in characters, counted from 1; unknown for a command inside another command's argument.
    pub column: Option<u32>,
    /// Its width in characters when it stands on one line.
    pub width: Option<u32>,
    /// The command's source text on one line.
    pub text: String,
    /// How the boot comes there, one hop each: `/entrypoint.sh:12 → /opt/x/stage-b.sh`.
    pub reached_by: Vec<String>,
    /// The clause of the contract that it breaks.
    pub clause: &'static str,
    /// Why it is a smell.
    pub explain: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// A place that could not be read for sure: never a silent pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unparsed {
    /// The script.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// What could not be read there.
    pub why: String,
}

/// The lint's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// What breaks the contract, in the order in which the boot comes to it.
    pub smells: Vec<Smell>,
    /// What could not be read; not empty means that the judgment is incomplete.
    pub unparsed: Vec<Unparsed>,
    /// The scripts that were read, in order.
    pub read: Vec<String>,
    /// What the boot starts and the lint does not read, and why: a binary, a Python script.
    pub not_followed: Vec<(String, String)>,
    /// The programs that the boot starts, with their arguments.
    pub started: Vec<Started>,
    /// Of one script by itself: the last component of what it runs or sources, which nobody followed.
    #[serde(skip)]
    pub calls: BTreeSet<String>,
}
