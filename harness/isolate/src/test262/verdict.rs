//! What comes of tests, as it travels from the worker that ran them to whoever counts.

use serde::{Deserialize, Serialize};

/// How a test is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As a module.
    Module,
    /// As a script as it stands.
    Sloppy,
    /// As a script in strict mode.
    Strict,
}

impl Mode {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Sloppy => "sloppy",
            Self::Strict => "strict",
        }
    }
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every run did what the test demands.
    Passed,
    /// A run did not.
    Failed {
        /// Which one.
        mode: Mode,
        /// What it did.
        reason: String,
    },
    /// The process that ran it died of it, or had to be killed.
    Crashed {
        /// How.
        reason: String,
    },
    /// It could not be run: the checkout is not as it should be.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// A test and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Its path in the checkout.
    pub test: String,
    /// How often it was run: once in each mode, up to the first failure.
    pub runs: u32,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What it needs of the language.
    pub features: Vec<String>,
}

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    /// Whether it is ready.
    Ready,
    /// To run these tests.
    Run(Vec<String>),
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It is ready, with this version of V8.
    Ready {
        /// As V8 says it.
        v8: String,
    },
    /// It ran the tests.
    Ran(Vec<Ran>),
    /// It cannot run any.
    Broken(String),
}
