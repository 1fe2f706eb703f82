//! `--sarif FILE` and `--annotations`: every finding of a run with its place, for code scanning and pull requests.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::file::{Pace, Trouble, replace};
use super::remark::{Level, Place, Remark, RuleText, Waiver};
use super::{Event, Reporter, RunReport, TrialReport, annotation, sarif, text};
use crate::case;
use crate::explain;
use crate::redact::Redactor;
use crate::run::{HELD, Outcome, PlacedFinding};

/// Lines of a finding that are told in its message.
const DETAILS: usize = 6;
/// What stands in the log until the run has ended.
const UNFINISHED: &str = "the run has not ended: more may be found";

/// Writes a SARIF log, workflow commands, or both.
///
/// A finding stands at the line that it is about, where that is a line of a file: of a script or a manifest inside the image.
/// Else it stands at the line of the case that asked. The same finding at the same place, seen on two engines, is told once.
pub struct Scan {
    sarif: Option<PathBuf>,
    annotations: Option<Box<dyn Write + Send>>,
    /// The checkout's root: paths of the host are told from here.
    base: PathBuf,
    version: &'static str,
    remarks: Vec<Remark>,
    failures: Vec<Remark>,
    seen: BTreeSet<Remark>,
    pace: Pace,
    trouble: Trouble,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("sarif", &self.sarif)
            .field("remarks", &self.remarks.len())
            .finish_non_exhaustive()
    }
}

impl Scan {
    /// `version` is that of the tool. Files of the host are told relative to `base`, when they lie below it.
    #[must_use]
    pub fn new(version: &'static str, base: PathBuf) -> Self {
        Self {
            sarif: None,
            annotations: None,
            base,
            version,
            remarks: Vec::new(),
            failures: Vec::new(),
            seen: BTreeSet::new(),
            pace: Pace::default(),
            trouble: Trouble::default(),
        }
    }

    /// Writes a SARIF 2.1.0 log to this file.
    #[must_use]
    pub fn to_file(mut self, path: PathBuf) -> Self {
        self.sarif = Some(path);
        self
    }

    /// Writes GitHub's workflow commands here when the run has ended.
    #[must_use]
    pub fn annotating(mut self, out: Box<dyn Write + Send>) -> Self {
        self.annotations = Some(out);
        self
    }

    fn add(&mut self, report: &TrialReport) {
        let outcome = Redactor::new(&report.secrets).outcome(&report.outcome);
        let remark = |level, message, place| Remark {
            rule: String::new(),
            level,
            message: format!("{}: {message}", title(report)),
            place: Some(place),
            reached_by: Vec::new(),
            waiver: None,
        };
        let of_case = || place(&self.base, &report.case_file, 1, None);
        match &outcome {
            Outcome::Passed | Outcome::Skipped { .. } => {}
            Outcome::Failed { findings } => {
                let found: Vec<Remark> = findings
                    .iter()
                    .map(|f| self.finding(report, f, None))
                    .collect();
                self.take(found);
            }
            Outcome::ExpectedFailure { reason, findings } => {
                let found: Vec<Remark> = findings
                    .iter()
                    .map(|f| self.finding(report, f, Some(reason)))
                    .collect();
                self.take(found);
            }
            Outcome::UnexpectedPass { reason } => {
                let message = format!(
                    "declared to fail ({reason}), but it held. Fix: remove its entry from `expect-fail`"
                );
                let at = place(&self.base, &report.subject_file, 1, None);
                let mut held = remark(Level::Error, message, at);
                HELD.clone_into(&mut held.rule);
                self.take(vec![held]);
            }
            Outcome::Broken { chain, hint } => {
                let message = format!(
                    "could not be judged: {}",
                    text::chain(chain, hint.as_deref())
                );
                let failure = remark(Level::Error, message, of_case());
                self.failures.push(failure);
            }
        }
        self.pace.note_news();
    }

    fn take(&mut self, remarks: Vec<Remark>) {
        for remark in remarks {
            if self.seen.insert(remark.clone()) {
                self.remarks.push(remark);
            }
        }
    }

    fn finding(
        &self,
        report: &TrialReport,
        placed: &PlacedFinding,
        declared: Option<&String>,
    ) -> Remark {
        let finding = &placed.finding;
        let mut message = format!(
            "{}: expected: {}; seen: {}",
            title(report),
            finding.expected,
            finding.seen
        );
        for line in finding.detail.iter().take(DETAILS) {
            message.push('\n');
            message.push_str(line);
        }
        message.push_str("\nFix: ");
        message.push_str(report.fix.trim());
        let accepted = placed.waiver.as_ref().filter(|waiver| waiver.accepts);
        let waiver = accepted.map(|waiver| &waiver.by).or(declared);
        if let Some(refused) = placed.waiver.as_ref().filter(|waiver| !waiver.accepts) {
            message.push_str("\nNot waived: ");
            message.push_str(&refused.by);
        }
        let case::Place { file, line, column } = &placed.place;
        let asked = place(&self.base, file, *line, (*column > 0).then_some(*column));
        Remark {
            rule: finding.code.to_string(),
            level: Level::Error,
            message,
            place: Some(finding.at.as_deref().cloned().unwrap_or(asked)),
            reached_by: Vec::new(),
            waiver: waiver.map(|reason| Waiver {
                reason: reason.clone(),
            }),
        }
    }

    fn write(&mut self, run: Option<&RunReport>) {
        let Some(path) = &self.sarif else { return };
        let mut failures = self.failures.clone();
        match run {
            None => failures.push(plain(Level::Warning, UNFINISHED.to_owned())),
            Some(run) => failures.extend(run_failures(run)),
        }
        let rules: Vec<RuleText> = explain::pages().map(rule_text).collect();
        let log = sarif::log(self.version, &rules, &self.remarks, &failures);
        let written = self
            .pace
            .measure(|| replace(path, format!("{log:#}\n").as_bytes()));
        if let Err(error) = written {
            self.trouble
                .keep(&format!("write `{}`", path.display()), &error);
        }
    }

    fn annotate(&mut self, run: &RunReport) {
        let Some(out) = &mut self.annotations else {
            return;
        };
        let failures = self.failures.iter().cloned().chain(run_failures(run));
        let told: String = self
            .remarks
            .iter()
            .cloned()
            .chain(failures)
            .map(|remark| format!("{}\n", annotation(&remark)))
            .collect();
        if let Err(error) = out.write_all(told.as_bytes()).and_then(|()| out.flush()) {
            self.trouble.keep("write annotations", &error);
        }
    }
}

impl Reporter for Scan {
    fn event(&mut self, event: &Event) {
        match event {
            // The log of an earlier run must not speak for one that is killed early.
            Event::Started { .. } => self.write(None),
            Event::TrialStarted { .. } => {}
            Event::TrialFinished(report) => self.add(report),
            Event::Finished(run) => {
                self.write(Some(run));
                self.annotate(run);
                return;
            }
        }
        if self.pace.is_due() {
            self.write(None);
        }
    }

    fn errors(&self) -> Vec<String> {
        self.trouble.texts()
    }
}

/// `RC-002-05 missing-artifact-is-fatal::codex of agentbox`.
fn title(report: &TrialReport) -> String {
    format!("{} of {}", text::short_name(report), report.subject)
}

/// What could not be done beside the trials.
fn run_failures(run: &RunReport) -> Vec<Remark> {
    let cleanup = run.cleanup.iter().filter_map(|outcome| match outcome {
        Outcome::Broken { chain, hint } => {
            Some(format!("clean-up: {}", text::chain(chain, hint.as_deref())))
        }
        _ => None,
    });
    let signal = run
        .interrupted
        .map(|number| format!("signal {number} ended the run: not everything was judged"));
    let all = cleanup.chain(signal);
    all.map(|message| plain(Level::Error, message)).collect()
}

fn plain(level: Level, message: String) -> Remark {
    Remark {
        rule: String::new(),
        level,
        message,
        place: None,
        reached_by: Vec::new(),
        waiver: None,
    }
}

fn rule_text(page: explain::Page<'_>) -> RuleText {
    RuleText {
        id: page.code.to_owned(),
        explain: page.title.to_owned(),
        fix: page.fix.trim_end_matches('.').to_owned(),
        clause: page.clause.to_owned(),
    }
}

/// A line of a file of the host: relative to the checkout, or a `file:` address when it lies elsewhere.
fn place(base: &Path, file: &Path, line: u64, column: Option<u64>) -> Place {
    let below = file.strip_prefix(base).unwrap_or(file);
    let shown = below.display().to_string();
    let line = u32::try_from(line.max(1)).unwrap_or(u32::MAX);
    Place {
        file: if below.is_absolute() {
            format!("{}{shown}", sarif::ON_HOST)
        } else {
            shown
        },
        line,
        end_line: line,
        column: column.and_then(|column| u32::try_from(column).ok()),
    }
}
