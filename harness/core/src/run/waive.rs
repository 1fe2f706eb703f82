//! What the waivers of a subject make of the findings of one trial.

use super::{Outcome, PlacedFinding, Waived};
use crate::case::{At, Day, Waiver};

/// The outcome under the waivers: expected when each finding is accepted, failed as before when one is not.
pub(super) fn waive(waivers: &[At<Waiver>], case: &str, today: Day, outcome: Outcome) -> Outcome {
    let Outcome::Failed { mut findings } = outcome else {
        return outcome;
    };
    for finding in &mut findings {
        finding.waiver = waived(waivers, case, today, finding);
    }
    if !findings.iter().all(PlacedFinding::is_accepted) {
        return Outcome::Failed { findings };
    }
    let mut reasons: Vec<&str> = Vec::new();
    for waiver in findings.iter().filter_map(|f| f.waiver.as_ref()) {
        if !reasons.contains(&waiver.by.as_str()) {
            reasons.push(&waiver.by);
        }
    }
    Outcome::ExpectedFailure {
        reason: format!("waived: {}", reasons.join("; ")),
        findings,
    }
}

/// The waiver that accepts a finding, else the one that comes nearest to it and why it does not do.
fn waived(
    waivers: &[At<Waiver>],
    case: &str,
    today: Day,
    placed: &PlacedFinding,
) -> Option<Waived> {
    let about = waivers.iter().map(|w| &w.value).filter(|waiver| {
        waiver.finding == placed.finding.code && waiver.case.as_deref().is_none_or(|c| c == case)
    });
    let mut nearest = None;
    for waiver in about {
        let (matching, of) = coverage(waiver, placed);
        if matching == 0 {
            continue;
        }
        let why_not = if !waiver.holds_on(today) {
            Some(format!("its waiver has ended: {waiver}"))
        } else if matching < of {
            Some(format!(
                "a waiver accepts only {matching} of these {of}: {waiver}"
            ))
        } else {
            None
        };
        let Some(why_not) = why_not else {
            return Some(Waived {
                accepts: true,
                by: waiver.to_string(),
            });
        };
        nearest.get_or_insert(Waived {
            accepts: false,
            by: why_not,
        });
    }
    nearest
}

/// How many of the things that a finding is about the waiver's pattern matches.
fn coverage(waiver: &Waiver, placed: &PlacedFinding) -> (usize, usize) {
    let finding = &placed.finding;
    let things = if finding.things.is_empty() {
        std::slice::from_ref(&finding.seen)
    } else {
        finding.things.as_slice()
    };
    let is_match = |thing: &&String| {
        let pattern = waiver.matches.as_ref();
        pattern.is_none_or(|pattern| pattern.0.is_match(thing))
    };
    (things.iter().filter(is_match).count(), things.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::case::{Place, parse_text};
    use crate::check::Finding;
    use crate::run::Verdict;

    const TODAY: &str = "2026-06-15";

    fn judged(waiver: &str, findings: Vec<Finding>) -> Outcome {
        let text = format!("{{ reason: known, owner: team, {waiver} }}");
        let waiver: Waiver = parse_text(&text, Path::new("w")).expect("a waiver");
        let place = Place {
            file: "c.yaml".into(),
            line: 1,
            column: 1,
        };
        let findings = findings
            .into_iter()
            .map(|f| PlacedFinding::new("drift", place.clone(), f))
            .collect();
        let today = Day::try_from(TODAY.to_owned()).expect("a day");
        waive(
            &[waiver.into()],
            "rc-002/x",
            today,
            Outcome::Failed { findings },
        )
    }

    fn drift(paths: &[&str]) -> Finding {
        let things = paths.iter().map(|p| (*p).to_owned()).collect();
        Finding::new("nothing changes", paths[0])
            .coded("drift/undeclared")
            .about(things)
    }

    #[test]
    fn what_is_accepted_is_expected_and_says_by_whom() {
        let outcome = judged(
            "finding: drift/undeclared, until: 2026-06-15",
            vec![drift(&["/a"])],
        );
        assert_eq!(outcome.verdict(), Verdict::ExpectedFailure);
        let Outcome::ExpectedFailure { reason, .. } = outcome else {
            panic!("expected");
        };
        assert_eq!(reason, "waived: known (team, until 2026-06-15)");
    }

    #[test]
    fn a_waiver_accepts_nothing_after_its_day_of_another_kind_or_beyond_its_pattern() {
        for (waiver, told) in [
            (
                "finding: drift/undeclared, until: 2026-06-14",
                Some("has ended"),
            ),
            ("finding: drift/tree-changed, until: 2027-01-01", None),
            (
                "finding: drift/undeclared, case: rc-002/y, until: 2027-01-01",
                None,
            ),
            (
                "finding: drift/undeclared, matches: ^/a, until: 2027-01-01",
                Some("only 1 of these 2"),
            ),
            (
                "finding: drift/undeclared, matches: ^/c, until: 2027-01-01",
                None,
            ),
        ] {
            let outcome = judged(waiver, vec![drift(&["/a", "/b"])]);
            assert_eq!(outcome.verdict(), Verdict::Failed, "{waiver}");
            let by = outcome.findings()[0].waiver.as_ref().map(|w| w.by.as_str());
            match told {
                None => assert_eq!(by, None, "{waiver}"),
                Some(told) => assert!(by.is_some_and(|by| by.contains(told)), "{by:?}"),
            }
        }
    }

    #[test]
    fn one_finding_that_is_not_accepted_keeps_the_trial_failed() {
        let other = Finding::new("a", "b").coded("drift/write-missing");
        let outcome = judged(
            "finding: drift/undeclared, until: 2027-01-01",
            vec![drift(&["/a"]), other],
        );
        assert_eq!(outcome.verdict(), Verdict::Failed);
        let accepted = outcome.findings().iter().map(PlacedFinding::is_accepted);
        assert_eq!(accepted.collect::<Vec<_>>(), [true, false]);
    }
}
