//! `reports/summary.json`: everything a run came to, for programs; its keys are told in `reports/README.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use super::file::{Pace, Trouble, replace, rfc3339};
use super::tally::{Artifacts, Family, Row, artifacts, families};
use super::{Event, Reporter, RunReport, TrialReport};
use crate::case::FaultKind;
use crate::engine::Description;
use crate::redact::Redactor;
use crate::run::{Outcome, Totals};

/// Raised when a key changes its meaning or goes away.
const SCHEMA: u32 = 1;

/// Writes the summary.
#[derive(Debug)]
pub struct Summary {
    path: PathBuf,
    suite_digest: String,
    run: String,
    started: SystemTime,
    planned: usize,
    engines: Vec<Description>,
    totals: Totals,
    rows: Vec<Row>,
    trials: Vec<Value>,
    pace: Pace,
    trouble: Trouble,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    run: &'a str,
    started: String,
    finished: Option<String>,
    millis: Option<u64>,
    exit_code: Option<i32>,
    interrupted: Option<i32>,
    adamant_version: &'static str,
    suite_digest: &'a str,
    host: Host,
    engines: &'a [Description],
    planned: usize,
    totals: Totals,
    cleanup: &'a [Outcome],
    families: BTreeMap<String, Family>,
    artifacts: Artifacts,
    trials: &'a [Value],
}

/// Where it ran.
#[derive(Serialize)]
struct Host {
    os: &'static str,
    arch: &'static str,
    kernel: Option<String>,
}

#[derive(Serialize)]
struct Trial<'a> {
    #[serde(flatten)]
    report: &'a TrialReport,
    started: String,
    evidence: Option<PathBuf>,
}

impl Summary {
    /// Below the folder of the reports; `suite_digest` tells one state of the cases from another.
    #[must_use]
    pub fn new(reports: &Path, suite_digest: impl Into<String>) -> Self {
        Self {
            path: reports.join("summary.json"),
            suite_digest: suite_digest.into(),
            run: String::new(),
            started: SystemTime::UNIX_EPOCH,
            planned: 0,
            engines: Vec::new(),
            totals: Totals::default(),
            rows: Vec::new(),
            trials: Vec::new(),
            pace: Pace::default(),
            trouble: Trouble::default(),
        }
    }

    fn add(&mut self, report: &TrialReport) {
        self.totals.note(&report.outcome);
        self.rows.push(Row::of(report));
        let evidence =
            super::evidence::is_kept(&report.outcome).then(|| Path::new("runs").join(&report.path));
        let redactor = Redactor::new(&report.secrets);
        // The outcome knows which of its words are the subject's; JSON does not.
        let report = &TrialReport {
            outcome: redactor.outcome(&report.outcome),
            ..report.clone()
        };
        match serde_json::to_value(Trial {
            report,
            started: rfc3339(report.started),
            evidence,
        }) {
            Ok(mut value) => {
                redactor.json(&mut value);
                value.sort_all_objects();
                self.trials.push(value);
            }
            Err(error) => self.trouble.keep(
                &format!("describe `{}` in `{}`", report.name, self.path.display()),
                &error,
            ),
        }
    }

    fn write(&mut self, run: Option<&RunReport>) {
        let document = Document {
            schema: SCHEMA,
            run: &self.run,
            started: rfc3339(self.started),
            finished: run.map(|_| rfc3339(SystemTime::now())),
            millis: run.map(|r| r.millis),
            exit_code: run.map(exit_code),
            interrupted: run.and_then(|r| r.interrupted),
            adamant_version: env!("CARGO_PKG_VERSION"),
            suite_digest: &self.suite_digest,
            host: Host::here(),
            engines: &self.engines,
            planned: self.planned,
            totals: run.map_or(self.totals, |r| r.totals),
            cleanup: run.map_or(&[], |r| &r.cleanup),
            families: families(&self.rows),
            artifacts: artifacts(&self.rows, Some(FaultKind::RequiredArtifactAbsent)),
            trials: &self.trials,
        };
        let path = &self.path;
        let written = self.pace.measure(|| {
            let mut json = serde_json::to_vec_pretty(&document)?;
            json.push(b'\n');
            replace(path, &json)
        });
        if let Err(error) = written {
            self.trouble
                .keep(&format!("write `{}`", self.path.display()), &error);
        }
    }
}

/// As the process ends: a signal stands before every verdict.
fn exit_code(run: &RunReport) -> i32 {
    run.interrupted
        .map_or_else(|| i32::from(run.totals.exit_code()), |signal| 128 + signal)
}

impl Host {
    fn here() -> Self {
        let kernel = fs_err::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            kernel: kernel.map(|k| k.trim().to_owned()),
        }
    }
}

impl Reporter for Summary {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started {
                run,
                engines,
                trials,
            } => {
                (self.run, self.engines, self.planned) =
                    (run.clone(), engines.clone(), trials.len());
                self.started = SystemTime::now();
                // The file of an earlier run must not speak for a run that is killed early.
                self.write(None);
            }
            // What was not due when it came may be due now.
            Event::TrialStarted { .. } => {}
            Event::TrialFinished(report) => {
                self.add(report);
                self.pace.note_news();
            }
            Event::Finished(run) => return self.write(Some(run)),
        }
        if self.pace.is_due() {
            self.write(None);
        }
    }

    fn errors(&self) -> Vec<String> {
        self.trouble.texts()
    }
}
