//! `verify: closure` — what the image's files prove before anything boots, judged by who was provided for it.
//!
//! Core knows neither ELF files nor JavaScript: the front end provides the judge once. Without one, the check is broken.

pub mod rule;

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};

/// Which part of the truth about an image is judged.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// Features of the manifest against the artifacts of the image.
    Manifest,
    /// Executables with interpreters, loaders and libraries; `node_modules` against lock files.
    Closure,
    /// Paths in the environment, the health check and supervisor files.
    Environment,
    /// JavaScript: imports, bundles, the runtime.
    Packaging,
    /// Native addons against the runtime that loads them.
    Addons,
}

impl Verify {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 5] = [
        Self::Manifest,
        Self::Closure,
        Self::Environment,
        Self::Packaging,
        Self::Addons,
    ];

    /// Its name in reports and cases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Closure => "closure",
            Self::Environment => "environment",
            Self::Packaging => "packaging",
            Self::Addons => "addons",
        }
    }
}

/// Judges one part; `Ok(None)` when the image has nothing that it is about.
pub type Judge = fn(Verify, &Context<'_>) -> Result<Option<Vec<Finding>>, String>;

static JUDGE: OnceLock<Judge> = OnceLock::new();

/// Provides who judges; the first one stays.
pub fn provide(judge: Judge) {
    JUDGE.get_or_init(|| judge);
}

/// Whether somebody judges: else there is no verdict that a control could be about.
pub(super) fn is_provided() -> bool {
    JUDGE.get().is_some()
}

impl Check for Verify {
    fn needs_boot(&self) -> bool {
        false
    }

    fn applies(&self, context: &Context<'_>) -> Result<(), String> {
        let judge = JUDGE.get();
        match judge.map(|judge| judge(*self, context)) {
            Some(Ok(None)) => Err("the image has nothing that this is about".into()),
            // What cannot be judged is told by the judgment.
            _ => Ok(()),
        }
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let judge = JUDGE
            .get()
            .ok_or_else(|| Unanswered("this build has nobody who verifies images".to_owned()))?;
        judge(*self, context)
            .map(Option::unwrap_or_default)
            .map_err(Unanswered)
    }
}
