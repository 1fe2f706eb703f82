//! A verification for code scanning and pull requests: its findings and what could not be judged, in the neutral form.

use std::fmt::Write as _;

use adamant_core::check::verify::rule::{Rule, rules};
use adamant_core::report::remark::{Level, Place, Remark, RuleText, Waiver};
use adamant_core::report::{annotation, sarif};
use adamant_verify::{Finding, Report, Unjudged};

use super::waive::Waived;

/// One SARIF log: what should have been judged and was not are notifications of the tool.
pub(super) fn log(report: &Report, waived: &[Waived]) -> String {
    let rules: Vec<RuleText> = rules().iter().map(|rule| rule_text(rule)).collect();
    let broken = report.unjudged.iter().filter(|u| u.broken);
    let broken: Vec<Remark> = broken.map(unjudged).collect();
    let log = sarif::log(
        env!("CARGO_PKG_VERSION"),
        &rules,
        &remarks(report, waived),
        &broken,
    );
    format!("{log:#}\n")
}

/// A workflow command a line; what was left out with a reason is a notice.
pub(super) fn annotations(report: &Report, waived: &[Waived]) -> String {
    let unjudged = report.unjudged.iter().map(unjudged);
    remarks(report, waived)
        .into_iter()
        .chain(unjudged)
        .map(|remark| format!("{}\n", annotation(&remark)))
        .collect()
}

fn remarks(report: &Report, waived: &[Waived]) -> Vec<Remark> {
    let found = report.findings.iter().map(|found| finding(found, None));
    let waived = waived
        .iter()
        .map(|waived| finding(&waived.finding, Some(&waived.waiver)));
    found.chain(waived).collect()
}

fn finding(finding: &Finding, waiver: Option<&str>) -> Remark {
    let is_file = finding.place != adamant_verify::Place::configuration();
    let at = if is_file {
        String::new()
    } else {
        format!("{}: ", finding.place)
    };
    let mut message = format!("{at}{}. Expected: {}", finding.seen, finding.expected);
    for (name, text) in [("Cause", &finding.cause), ("Fix", &finding.fix)] {
        if !text.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(message, ". {name}: {text}");
        }
    }
    let line = finding.place.line.unwrap_or(1);
    Remark {
        rule: finding.rule.to_owned(),
        level: Level::Error,
        message,
        place: is_file.then(|| Place {
            file: finding.place.file.clone(),
            line,
            end_line: line,
            column: None,
        }),
        reached_by: Vec::new(),
        waiver: waiver.map(|reason| Waiver {
            reason: reason.to_owned(),
        }),
    }
}

fn unjudged(unjudged: &Unjudged) -> Remark {
    let (level, what) = if unjudged.broken {
        (Level::Warning, "could not be judged")
    } else {
        (Level::Note, "was not judged")
    };
    Remark {
        rule: String::new(),
        level,
        message: format!(
            "{}: `{}` {what}: {}",
            unjudged.room.name(),
            unjudged.what,
            unjudged.why
        ),
        place: None,
        reached_by: Vec::new(),
        waiver: None,
    }
}

fn rule_text(rule: &Rule) -> RuleText {
    RuleText {
        id: rule.id.to_owned(),
        explain: rule.about.to_owned(),
        fix: rule.fix.to_owned(),
        clause: rule.clause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_core::check::verify::Verify as Room;

    fn report() -> Report {
        let found = |place| Finding {
            room: Room::Closure,
            rule: "closure/library",
            clause: "PRD-002 §5.2",
            place,
            expected: "it is there".into(),
            seen: "`libx.so` is nowhere".into(),
            cause: "/bin/x needs it".into(),
            fix: "ship it".into(),
        };
        Report {
            findings: vec![
                found(adamant_verify::Place::line("/bin/x", 7)),
                found(adamant_verify::Place::configuration()),
            ],
            unjudged: vec![Unjudged {
                room: Room::Closure,
                what: "/bin/y".into(),
                why: "no such layer".into(),
                broken: true,
            }],
            ..Report::default()
        }
    }

    #[test]
    fn code_scanning_sees_findings_and_that_the_verdict_is_incomplete() {
        let mut report = report();
        let waived = Waived {
            finding: report.findings.remove(1),
            waiver: "until the move".into(),
        };
        let log: serde_json::Value =
            serde_json::from_str(&log(&report, &[waived])).expect("it is JSON");
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 2);
        let region = &results[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["startLine"], 7);
        assert_eq!(results[0]["ruleId"], "closure/library");
        assert!(results[0]["ruleIndex"].is_u64(), "{}", results[0]);
        assert_eq!(
            results[1]["suppressions"][0]["justification"],
            "until the move"
        );
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    }

    #[test]
    fn a_pull_request_sees_the_place_or_reads_it() {
        let told = annotations(&report(), &[]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert!(
            lines[0].starts_with("::error file=/bin/x,line=7"),
            "{}",
            lines[0]
        );
        assert!(
            lines[1].contains("::image configuration: `libx.so` is nowhere"),
            "{}",
            lines[1]
        );
        assert!(
            lines[2].starts_with("::warning::closure: `/bin/y`"),
            "{}",
            lines[2]
        );
    }
}
