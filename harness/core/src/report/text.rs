//! Every human sentence: how a verdict, a finding, an error chain, a family and the last lines read.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use anstyle::Style;

use super::layout::{BAD, Block, GOOD, MEH, OURS, Paint, Part};
use super::tally::{Artifacts, Family, Row, Standing, families};
use super::{RunReport, TrialReport};
use crate::case::{Day, FaultKind, Level, Need, Waiver};
use crate::module::SUBJECT;
use crate::redact::Redactor;
use crate::run::{Outcome, PlacedFinding, Totals};

/// One trial for a person: what was claimed, expected and seen, who asked, how to fix and to see it again. No secrets.
#[must_use]
pub fn verdict(report: &TrialReport) -> String {
    block(report, None).render(Paint(false))
}

/// The judgment alone, the same on every engine: for snapshots. What differs between runs is the caller's to replace.
#[must_use]
pub fn judgment(report: &TrialReport) -> String {
    let outcome = outcome(report);
    let (word, style) = word(&outcome);
    let mut rows = vec![claim(report)];
    for finding in outcome.findings() {
        rows.extend(finding_rows(finding));
        rows.push(Part::Field("code", finding.finding.code.to_string()));
    }
    if outcome.findings().is_empty() {
        rows.extend(outcome_rows(report, &outcome));
    }
    Block {
        word,
        style,
        title: short_name(report),
        rows,
    }
    .render(Paint(false))
}

/// An error and its causes, outermost first, and what the reader can do: the one way in which errors are printed.
#[must_use]
pub fn chain<S: AsRef<str>>(chain: &[S], hint: Option<&str>) -> String {
    let causes: Vec<&str> = chain.iter().map(AsRef::as_ref).collect();
    let mut text = causes.join("\n  caused by: ");
    if let Some(hint) = hint {
        text.push_str("\n\nhint: ");
        text.push_str(hint);
    }
    text
}

/// The same for an error that was not taken apart.
#[must_use]
pub fn error(error: &(dyn Error + 'static), hint: Option<&str>) -> String {
    chain(&causes(error), hint)
}

/// An error and its causes, outermost first.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let causes = std::iter::successors(Some(error), |e| (*e).source());
    causes.map(ToString::to_string).collect()
}

/// `1 trial`, `2 trials`: the plural of every noun that we count has an `s`.
#[must_use]
pub fn count<N: std::fmt::Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let s = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{s}")
}

/// On how many of the artifacts that it takes away a fault of this kind was proven; without a fault, how many variants hold.
#[must_use]
pub(super) fn proven(fault: Option<FaultKind>, counted: Artifacts) -> String {
    let (noun, what) = match fault {
        Some(FaultKind::OptionalArtifactAbsent) => ("optional artifact", "proven not fatal"),
        Some(FaultKind::RequiredArtifactAbsent | FaultKind::DiscoveredArtifactAbsent) => {
            ("required artifact", "proven fatal")
        }
        None => ("variant", "hold"),
    };
    format!("{} of {} {what}", counted.proven, count(counted.of, noun))
}

/// Of all cases that take required artifacts away or leave something else in their place: an artifact counts once for each.
#[must_use]
pub(super) fn proven_fatal(counted: Artifacts) -> String {
    let faults = count(counted.of, "fault");
    format!(
        "{} of {faults} in required artifacts proven fatal",
        counted.proven
    )
}

/// A measured time; unlike a claimed one it has a space before its unit.
#[must_use]
pub fn duration(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        // Tenths, rounded down: 59.95 s is not a minute yet.
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// The last line.
#[must_use]
pub fn totals(totals: &Totals, millis: u64) -> String {
    let Totals {
        passed,
        failed,
        expected,
        skipped,
        broken,
        ..
    } = totals;
    let time = duration(millis);
    format!(
        "{passed} passed, {failed} failed, {expected} expected, {skipped} skipped, {broken} broken in {time}"
    )
}

/// What the reader of the last line must know beside it.
pub(super) fn notes(run: &RunReport, planned: usize, finished: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(signal) = run.interrupted {
        notes.push(format!("the run was interrupted by signal {signal}"));
    }
    if finished < planned {
        notes.push(format!(
            "{} of {} did not run",
            planned - finished,
            count(planned, "trial")
        ));
    }
    let Totals {
        passed,
        failed,
        expected,
        budgets,
        ..
    } = run.totals;
    if budgets > 0 {
        let over = count(budgets, "failed trial");
        notes.push(format!("{over} exceeded a budget, and nothing else"));
    }
    if passed + failed + expected == 0 {
        notes.push("nothing was judged, so nothing was shown to hold".into());
    }
    notes
}

/// `RC-002: 5 of 7 hold, 2 not claimed`.
pub(super) fn family(name: &str, family: &Family) -> String {
    let count = |standing: &Standing| family.standings.get(standing).copied().unwrap_or_default();
    let held = count(&Standing::Held);
    let hold = if held == 1 { "holds" } else { "hold" };
    let mut parts = vec![format!("{name}: {held} of {} {hold}", family.specs)];
    for standing in Standing::ALL
        .iter()
        .filter(|s| **s != Standing::Held && count(s) > 0)
    {
        let word = if *standing == Standing::Expected {
            "expected to fail"
        } else {
            standing_word(*standing).0
        };
        parts.push(format!("{} {word}", count(standing)));
    }
    parts.join(", ")
}

/// A line for each family; on several engines one for each of both, and below the module cases each engine's score.
pub(super) fn family_lines(rows: &[Row]) -> Vec<String> {
    let engines: BTreeSet<&str> = rows.iter().map(|r| r.engine).collect();
    let mut lines = Vec::new();
    for engine in &engines {
        let of: Vec<Row> = rows
            .iter()
            .filter(|r| r.engine == *engine)
            .cloned()
            .collect();
        lines.extend(families(&of).iter().map(|(name, of_family)| {
            if engines.len() > 1 {
                family(&format!("{name} on {engine}"), of_family)
            } else {
                family(name, of_family)
            }
        }));
    }
    for engine in engines {
        let of = rows
            .iter()
            .filter(|r| r.engine == engine && r.subject == SUBJECT);
        let mut cases = Family::default();
        for row in of {
            cases.specs += 1;
            *cases.standings.entry(row.standing).or_default() += 1;
        }
        if cases.specs > 0 {
            lines.push(family(
                &format!("conformance of {engine}, by cases"),
                &cases,
            ));
        }
    }
    lines
}

/// The word of the closing table.
pub(super) fn standing_word(standing: Standing) -> (&'static str, Style) {
    match standing {
        Standing::Broken => ("broken", OURS),
        Standing::Failed => ("failed", BAD),
        Standing::Expected => ("expected", MEH),
        Standing::Partly => ("partly judged", MEH),
        Standing::Held => ("held", GOOD),
        Standing::NotClaimed => ("not claimed", MEH),
        Standing::NotReached => ("not reached", MEH),
        Standing::NotApplicable => ("not applicable", MEH),
        Standing::Unsupported => ("unsupported", MEH),
    }
}

/// The word before a trial.
pub(super) fn word(outcome: &Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::Passed => ("PASS", GOOD),
        Outcome::Failed { .. } | Outcome::UnexpectedPass { .. } => ("FAIL", BAD),
        Outcome::ExpectedFailure { .. } => ("XFAIL", MEH),
        Outcome::Skipped { .. } => ("SKIP", MEH),
        Outcome::Broken { .. } => ("BROKEN", OURS),
    }
}

/// A trial of which there is no more to tell, in columns.
pub(super) fn finished_line(report: &TrialReport) -> String {
    let (word, _) = word(&report.outcome);
    let (time, name) = (duration(report.millis), short_name(report));
    format!(
        "{word:<6}{time:>11}  {name}   {} on {}",
        report.subject, report.engine
    )
}

/// What a subject needs beyond the baseline.
pub(super) fn need(need: &Need) -> String {
    format!("{}: {}", need.cap.as_deref().unwrap_or("root"), need.reason)
}

/// A waiver, and how many findings it accepts in this run.
pub(super) fn waiver(waiver: &Waiver, accepted: usize, today: Day) -> String {
    let standing = if !waiver.holds_on(today) {
        "ended, accepts nothing".to_owned()
    } else {
        format!("accepts {} in this run", count(accepted, "finding"))
    };
    format!("{}: {waiver}; {standing}", waiver.finding)
}

/// The command that runs one trial again.
#[must_use]
pub fn replay(report: &TrialReport) -> String {
    let image = report.image_override.as_ref();
    let mut options = image.map_or_else(String::new, |i| format!("--image {} ", quoted(i)));
    for word in &report.replay {
        options.push_str(&quoted(word));
        options.push(' ');
    }
    // Without engine and subject: they are chosen by the rest of the line.
    let trial = report.name.splitn(3, "::").nth(2).unwrap_or(&report.name);
    format!(
        "adamant run {options}--engine {} {} {}",
        report.engine,
        quoted(&report.subject_file.to_string_lossy()),
        quoted(trial)
    )
}

/// As a POSIX shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// `RC-002-05 missing-artifact-is-fatal::codex`.
pub(super) fn short_name(report: &TrialReport) -> String {
    let rest = report.name.splitn(4, "::").nth(3).unwrap_or(&report.case);
    format!("{} {rest}", report.spec)
}

/// The whole of one trial; with the folder of the reports, also where its evidence is.
pub(super) fn block(report: &TrialReport, reports: Option<&Path>) -> Block {
    let outcome = outcome(report);
    let (word, style) = word(&outcome);
    let time = duration(report.millis);
    let title = format!(
        "{}   {} on {}   {time}",
        short_name(report),
        report.subject,
        report.engine
    );
    let mut rows = vec![claim(report)];
    rows.extend(outcome_rows(report, &outcome));
    if let Some(reports) = reports {
        rows.push(Part::Exact(
            "evidence",
            reports
                .join("runs")
                .join(&report.path)
                .display()
                .to_string(),
        ));
    }
    if !matches!(outcome, Outcome::Passed | Outcome::Skipped { .. }) {
        rows.push(Part::Exact("replay", replay(report)));
    }
    Block {
        word,
        style,
        title,
        rows,
    }
}

/// What could not be cleaned up.
pub(super) fn cleanup(outcome: &Outcome) -> Block {
    let (word, style) = word(outcome);
    let rows = match outcome {
        Outcome::Broken { chain, hint } => broken_rows(chain, hint.as_deref()),
        _ => Vec::new(),
    };
    Block {
        word,
        style,
        title: "clean-up after the trials".into(),
        rows,
    }
}

fn outcome(report: &TrialReport) -> Outcome {
    Redactor::new(&report.secrets).outcome(&report.outcome)
}

fn claim(report: &TrialReport) -> Part {
    let level = level(report.level);
    Part::Text(format!(
        "{} ({} · {level})",
        report.about.trim(),
        report.clauses.join(", ")
    ))
}

/// The word of RFC 2119.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
    }
}

fn outcome_rows(report: &TrialReport, outcome: &Outcome) -> Vec<Part> {
    let subject_file = report.subject_file.display();
    let fix = || Part::Field("fix", report.fix.trim().to_owned());
    match outcome {
        Outcome::Passed => Vec::new(),
        Outcome::Failed { findings } => findings
            .iter()
            .flat_map(asked_rows)
            .chain([fix()])
            .collect(),
        Outcome::ExpectedFailure { reason, findings } => {
            let key = if findings.iter().all(PlacedFinding::is_accepted) {
                "waivers"
            } else {
                "expect-fail"
            };
            let declared = Part::Field("declared", format!("{reason} (`{key}` in {subject_file})"));
            std::iter::once(declared)
                .chain(findings.iter().flat_map(asked_rows))
                .collect()
        }
        Outcome::UnexpectedPass { reason } => vec![
            Part::Field(
                "expected",
                format!("it fails, because its file declares so: {reason}"),
            ),
            Part::Field("seen", "it held".into()),
            Part::Field(
                "fix",
                format!("remove its entry from `expect-fail` in {subject_file}"),
            ),
        ],
        Outcome::Skipped { reason, .. } => vec![Part::Field("reason", reason.clone())],
        Outcome::Broken { chain, hint } => broken_rows(chain, hint.as_deref()),
    }
}

fn broken_rows(causes: &[String], hint: Option<&str>) -> Vec<Part> {
    let error = Part::Field("error", chain(causes, None));
    std::iter::once(error)
        .chain(hint.map(|h| Part::Field("hint", h.to_owned())))
        .collect()
}

fn asked_rows(placed: &PlacedFinding) -> Vec<Part> {
    let mut rows = finding_rows(placed);
    rows.push(Part::Exact("asked by", placed.place.to_string()));
    rows.push(Part::Exact(
        "explain",
        format!("adamant explain {}", placed.finding.code),
    ));
    rows
}

fn finding_rows(placed: &PlacedFinding) -> Vec<Part> {
    let finding = &placed.finding;
    let mut rows = vec![
        Part::Field("expected", finding.expected.clone()),
        Part::Field("seen", finding.seen.clone()),
        Part::Lines(finding.detail.clone()),
    ];
    if let Some(waiver) = &placed.waiver {
        let label = if waiver.accepts { "waived" } else { "unwaived" };
        rows.push(Part::Field(label, waiver.by.clone()));
    }
    rows
}

/// A finding on one line, for places that have no room.
pub(super) fn finding_line(placed: &PlacedFinding) -> String {
    format!(
        "expected {}; seen: {}",
        placed.finding.expected, placed.finding.seen
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_chain_with_its_hint_apart() {
        let causes = [
            "failed to start `a` on `docker`",
            "image `a` is not present",
        ];
        assert_eq!(
            chain(&causes, Some("load it first")),
            "failed to start `a` on `docker`\n  caused by: image `a` is not present\n\nhint: load it first"
        );
        assert_eq!(error(&std::fmt::Error, None), std::fmt::Error.to_string());
    }

    #[test]
    fn what_is_counted_has_its_name() {
        let counted = || Artifacts { proven: 2, of: 3 };
        let told = |fault| proven(fault, counted());
        assert_eq!(told(None), "2 of 3 variants hold");
        assert_eq!(
            told(Some(FaultKind::RequiredArtifactAbsent)),
            "2 of 3 required artifacts proven fatal"
        );
        assert_eq!(
            proven_fatal(counted()),
            "2 of 3 faults in required artifacts proven fatal"
        );
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(count(0_usize, "trial"), "0 trials");
        assert_eq!(count(1_u64, "trial"), "1 trial");
        assert_eq!(count(2_usize, "trial"), "2 trials");
        let run = RunReport {
            run: "r".into(),
            totals: Totals::default(),
            cleanup: Vec::new(),
            interrupted: None,
            millis: 0,
        };
        assert_eq!(notes(&run, 1, 0)[0], "1 of 1 trial did not run");
        assert_eq!(notes(&run, 3, 1)[0], "2 of 3 trials did not run");
        let standings = |held| [(Standing::Held, held)].into();
        let of = |held| Family {
            specs: 2,
            standings: standings(held),
        };
        assert_eq!(family("RC-002", &of(1)), "RC-002: 1 of 2 holds");
        assert_eq!(family("RC-002", &of(2)), "RC-002: 2 of 2 hold");
    }

    #[test]
    fn measured_times_read_well() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1200, "1.2 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 5 s"),
        ] {
            assert_eq!(duration(millis), expected);
        }
    }

    #[test]
    fn a_shell_reads_back_what_is_quoted() {
        assert_eq!(quoted("a/b.yaml"), "a/b.yaml");
        assert_eq!(quoted("docker::it's a"), r"'docker::it'\''s a'");
    }
}
