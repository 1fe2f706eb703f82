//! `reports/junit/adamant.xml`: findings are failures, what could not be judged is an error; for Jenkins and GitLab.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::file::{Pace, Trouble, replace, rfc3339};
use super::text;
use super::{BootEvidence, Event, Reporter, RunReport, TrialReport};
use crate::engine::Description;
use crate::redact::Redactor;
use crate::run::{Outcome, PlacedFinding, Verdict};

/// Of each boot's log; the evidence has more.
const TAIL_LINES: usize = 100;
const TAIL_CHARS: usize = 16 * 1024;
/// A message is one line in a table of results.
const MESSAGE_CHARS: usize = 500;

/// Writes JUnit XML. Under cargo-nextest, which writes its own and runs each trial in its own process, there must be none.
#[derive(Debug)]
pub struct Junit {
    path: PathBuf,
    run: String,
    engines: Vec<Description>,
    suites: Vec<Suite>,
    started: SystemTime,
    pace: Pace,
    trouble: Trouble,
}

/// The trials of one subject on one engine.
#[derive(Debug)]
struct Suite {
    engine: &'static str,
    subject: String,
    image: String,
    started: SystemTime,
    millis: u64,
    cases: Vec<TestCase>,
}

impl Junit {
    /// Below the folder of the reports.
    #[must_use]
    pub fn new(reports: &Path) -> Self {
        Self {
            path: reports.join("junit/adamant.xml"),
            run: String::new(),
            engines: Vec::new(),
            suites: Vec::new(),
            started: SystemTime::UNIX_EPOCH,
            pace: Pace::default(),
            trouble: Trouble::default(),
        }
    }

    fn add(&mut self, report: &TrialReport) {
        let case = case(report);
        let position = self
            .suites
            .iter()
            .position(|s| s.engine == report.engine && s.subject == report.subject);
        let suite = if let Some(position) = position {
            &mut self.suites[position]
        } else {
            self.suites.push(Suite {
                engine: report.engine,
                subject: report.subject.clone(),
                image: report.image_source.clone(),
                started: report.started,
                millis: 0,
                cases: Vec::new(),
            });
            let last = self.suites.len() - 1;
            &mut self.suites[last]
        };
        suite.started = suite.started.min(report.started);
        suite.millis += report.millis;
        suite.cases.push(case);
    }

    fn write(&mut self, run: Option<&RunReport>) {
        let report = self.report(run);
        let path = &self.path;
        let written = self.pace.measure(|| {
            let xml = report.to_string().map_err(std::io::Error::other)?;
            replace(path, xml.as_bytes())
        });
        if let Err(error) = written {
            self.trouble
                .keep(&format!("write `{}`", self.path.display()), &error);
        }
    }

    fn report(&self, run: Option<&RunReport>) -> Report {
        let mut report = Report::new("adamant");
        report.timestamp = rfc3339(self.started).parse().ok();
        report.time = run.map(|r| Duration::from_millis(r.millis));
        for suite in &self.suites {
            let described = self
                .engines
                .iter()
                .find(|e| e.name == suite.engine)
                .map(|e| e.version.as_str());
            report.add_test_suite(suite.report(
                &self.run,
                described,
                run.and_then(|r| r.interrupted),
            ));
        }
        if let Some(run) = run.filter(|r| !r.cleanup.is_empty()) {
            report.add_test_suite(cleanup(&run.cleanup));
        }
        report
    }
}

impl Reporter for Junit {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started { run, engines, .. } => {
                (self.run, self.engines, self.started) =
                    (run.clone(), engines.clone(), SystemTime::now());
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

impl Suite {
    fn report(
        &self,
        run: &str,
        engine_version: Option<&str>,
        interrupted: Option<i32>,
    ) -> TestSuite {
        let mut suite = TestSuite::new(xml(&format!("{}::{}", self.engine, self.subject)));
        suite.timestamp = rfc3339(self.started).parse().ok();
        suite.set_time(Duration::from_millis(self.millis));
        let signal = interrupted.map(|s| s.to_string());
        let properties = [
            ("run", Some(run)),
            ("engine", Some(self.engine)),
            ("engine-version", engine_version),
            ("subject", Some(self.subject.as_str())),
            ("image", Some(self.image.as_str())),
            ("interrupted-by-signal", signal.as_deref()),
        ];
        for (name, value) in properties {
            if let Some(value) = value {
                suite.add_property((xml(name), xml(value)));
            }
        }
        suite.add_test_cases(self.cases.iter().cloned());
        suite
    }
}

fn case(report: &TrialReport) -> TestCase {
    let redactor = Redactor::new(&report.secrets);
    let name = report.name.splitn(4, "::").nth(3).unwrap_or(&report.case);
    let mut case = TestCase::new(
        xml(name),
        status(report, &redactor.outcome(&report.outcome)),
    );
    // Readers take a class name apart at its dots.
    let part = |text: &str| text.replace('.', "_");
    case.set_classname(xml(&format!(
        "{}.{}.{}",
        part(report.engine),
        part(&report.subject),
        part(&report.spec)
    )));
    case.set_time(Duration::from_millis(report.millis));
    case.timestamp = rfc3339(report.started).parse().ok();
    case.extra
        .insert("file".into(), xml(&report.case_file.to_string_lossy()));
    for (name, value) in properties(report, &redactor) {
        case.add_property((xml(name), xml(&value)));
    }
    if !matches!(report.outcome.verdict(), Verdict::Passed | Verdict::Skipped) {
        let logs: Vec<String> = report
            .boots
            .iter()
            .map(|b| tail(b, &redactor))
            .filter(|l| !l.is_empty())
            .collect();
        if !logs.is_empty() {
            case.set_system_out(xml(&logs.join("\n")));
        }
    }
    case
}

fn status(report: &TrialReport, outcome: &Outcome) -> TestCaseStatus {
    let failure = |kind, message: &str, ty: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(xml(&short(message)))
            .set_type(xml(ty))
            .set_description(xml(&text::verdict(report)));
        status
    };
    match outcome {
        Outcome::Passed | Outcome::ExpectedFailure { .. } => TestCaseStatus::success(),
        Outcome::Failed { findings } => {
            let code = findings
                .first()
                .map_or("finding", |f| f.finding.code.as_ref());
            failure(NonSuccessKind::Failure, &message(findings), code)
        }
        Outcome::UnexpectedPass { reason } => failure(
            NonSuccessKind::Failure,
            &format!("declared to fail, but passed: {reason}"),
            "unexpected-pass",
        ),
        Outcome::Skipped { reason, .. } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(xml(&short(reason)));
            status
        }
        Outcome::Broken { chain, .. } => failure(
            NonSuccessKind::Error,
            chain.first().map_or("could not judge", String::as_str),
            "broken",
        ),
    }
}

fn message(findings: &[PlacedFinding]) -> String {
    let first = findings.first().map(text::finding_line).unwrap_or_default();
    match findings.len() {
        0 | 1 => first,
        n => format!("{first} (and {} more)", n - 1),
    }
}

fn properties(report: &TrialReport, redactor: &Redactor) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("spec", report.spec.clone()),
        ("clauses", report.clauses.join(", ")),
        ("level", text::level(report.level).to_owned()),
        ("case-file", report.case_file.display().to_string()),
        ("engine", report.engine.to_owned()),
    ];
    let optional = [
        ("image-digest", &report.image),
        ("platform", &report.platform),
        ("artifact", &report.variant),
    ];
    properties.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?))),
    );
    let outcome = redactor.outcome(&report.outcome);
    if let Outcome::ExpectedFailure { reason, .. } = &outcome {
        properties.push(("expected-failure", reason.clone()));
    }
    for placed in outcome.findings() {
        properties.push(("finding", placed.finding.code.to_string()));
        if let Some(waiver) = &placed.waiver {
            let name = if waiver.accepts {
                "waived"
            } else {
                "not-waived"
            };
            properties.push((name, waiver.by.clone()));
        }
    }
    properties
}

/// What could not be cleaned up, once.
fn cleanup(outcomes: &[Outcome]) -> TestSuite {
    let mut suite = TestSuite::new("clean-up");
    for (number, outcome) in outcomes.iter().enumerate() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("broken");
        if let Outcome::Broken { chain, hint } = outcome {
            status.set_message(xml(&short(
                chain.first().map_or("could not clean up", String::as_str),
            )));
            status.set_description(xml(&text::chain(chain, hint.as_deref())));
        }
        let mut case = TestCase::new(format!("clean-up {}", number + 1), status);
        case.set_classname("adamant.clean-up");
        suite.add_test_case(case);
    }
    suite
}

/// The end of a boot's log, redacted before it is cut.
fn tail(boot: &BootEvidence, redactor: &Redactor) -> String {
    let text = redactor
        .of_subject()
        .text(&format!("{}{}", boot.log.head, boot.log.tail));
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    let over = last.chars().count().saturating_sub(TAIL_CHARS);
    last.chars().skip(over).collect()
}

fn short(message: &str) -> String {
    let line = message.replace('\n', " ");
    let mut chars = line.chars();
    let kept: String = chars.by_ref().take(MESSAGE_CHARS).collect();
    if chars.next().is_some() {
        kept + "…"
    } else {
        kept
    }
}

/// Without what XML cannot hold. The crate drops the lower control characters, but tabs too, and not the two last code points.
fn xml(text: &str) -> XmlString {
    XmlString::new(
        text.replace('\t', "    ")
            .replace(['\u{fffe}', '\u{ffff}'], ""),
    )
}
