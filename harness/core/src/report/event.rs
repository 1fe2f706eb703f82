//! The events of a run: the interface between running and reporting.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use crate::case::{FaultKind, Level, Need, Waiver};
use crate::check::Measure;
use crate::engine::{Answer, Description, Log, Loss, Question, Reached};
use crate::module::BundleFile;
use crate::redact::Secrets;
use crate::run::{Outcome, Totals};

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins.
    Started {
        /// Its id.
        run: String,
        /// The engines that answer.
        engines: Vec<Description>,
        /// Every trial that was chosen, in order.
        trials: Vec<String>,
    },
    /// A trial begins.
    TrialStarted {
        /// Its name.
        name: String,
    },
    /// A trial has its outcome.
    TrialFinished(Box<TrialReport>),
    /// The run is over; nothing comes after it.
    Finished(RunReport),
}

/// Everything about one trial.
#[derive(Debug, Clone, Serialize)]
pub struct TrialReport {
    /// `<engine>::<subject>::<spec>::<case-stem>[::<variant>]`.
    pub name: String,
    /// The name as a relative path, for evidence.
    #[serde(skip)]
    pub path: PathBuf,
    /// The engine's name.
    pub engine: &'static str,
    /// The subject's name.
    pub subject: String,
    /// Its file.
    pub subject_file: PathBuf,
    /// Its image, as the subject names it.
    pub image_source: String,
    /// The image that was judged in place of the subject's own, as it was asked for.
    pub image_override: Option<String>,
    /// The case's id.
    pub case: String,
    /// Its file.
    pub case_file: PathBuf,
    /// The requirement.
    pub spec: String,
    /// The clauses.
    pub clauses: Vec<String>,
    /// How binding they are.
    pub level: Level,
    /// The claim.
    pub about: String,
    /// What a maintainer does about a finding.
    pub fix: String,
    /// The kind of fault, when the case makes one.
    pub fault: Option<FaultKind>,
    /// The artifact that the fault made absent.
    pub variant: Option<String>,
    /// What the subject needs beyond the baseline.
    pub needs: Vec<Need>,
    /// What the subject's owners accept for a while.
    pub waivers: Vec<Waiver>,
    /// The image's id.
    pub image: Option<String>,
    /// Its platform.
    pub platform: Option<String>,
    /// When the trial began.
    #[serde(skip)]
    pub started: SystemTime,
    /// How long it took.
    pub millis: u64,
    /// What was measured on its boots, sample by sample.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// What came of each file that was discovered and taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// Options of the command line that a replay repeats, as its words.
    #[serde(skip)]
    pub replay: Vec<String>,
    /// What was seen of its boots.
    #[serde(skip)]
    pub boots: Vec<BootEvidence>,
    /// Further files of its evidence.
    #[serde(skip)]
    pub files: Vec<BundleFile>,
    /// Values that must not be shown.
    #[serde(skip)]
    pub secrets: Secrets,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What was seen of one boot.
#[derive(Debug, Clone, Serialize)]
pub struct BootEvidence {
    /// The engine's name for the container.
    pub id: String,
    /// What the wait came to.
    pub reached: Reached,
    /// `CLOCK_MONOTONIC` nanoseconds at which process 1 had been started.
    pub started_ns: u64,
    /// The log at the end.
    pub log: Log,
    /// Every question and its answer, in order.
    pub asked: Vec<Asked>,
    /// The engine's own record, for a boot that did not hold.
    pub inspect: Option<serde_json::Value>,
}

/// A question and what was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// The answer, or why there is none.
    pub answer: Result<Answer, String>,
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Its id.
    pub run: String,
    /// How many trials came to what; a failed clean-up counts as broken.
    pub totals: Totals,
    /// What could not be cleaned up.
    pub cleanup: Vec<Outcome>,
    /// The signal that interrupted it.
    pub interrupted: Option<i32>,
    /// How long it took.
    pub millis: u64,
}
