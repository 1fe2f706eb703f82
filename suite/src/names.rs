//! Names that must name something: a typo in `--require` or `expect-fail` would silently weaken a verdict.

use std::collections::BTreeSet;

use adamant_core::case::nearest;
use adamant_core::discover::{CaseFile, PlannedTrial, SubjectFile};

use crate::engines::KNOWN;
use std::sync::Arc;

/// The first name of `--require` or of a subject's `expect-fail` that names nothing.
pub fn check(
    require: &[String],
    subjects: &[Arc<SubjectFile>],
    cases: &[Arc<CaseFile>],
) -> Result<(), String> {
    let ids: BTreeSet<&str> = cases.iter().map(|c| c.id.as_str()).collect();
    check_specs(require, cases.iter().map(|c| c.case.spec.as_str()))?;
    for subject in subjects {
        let place = subject.path.display();
        for waiver in subject.subject.waivers.iter().map(|w| &w.value) {
            if let Some(case) = waiver.case.as_deref().filter(|case| !ids.contains(case)) {
                return Err(unknown(
                    &format!("{place}: the waiver of `{}` names no case", waiver.finding),
                    case,
                    &ids,
                ));
            }
        }
        for expected in &subject.subject.expect_fail {
            if expected.reason.trim().is_empty() {
                return Err(format!(
                    "{place}: `expect-fail` for `{}` has no reason",
                    expected.case
                ));
            }
            if !ids.contains(expected.case.as_str()) {
                return Err(unknown(
                    &format!("{place}: `expect-fail` names no case"),
                    &expected.case,
                    &ids,
                ));
            }
            let artifacts: BTreeSet<&str> =
                subject.subject.artifacts().map(|a| a.id.as_str()).collect();
            if let Some(variant) = expected
                .variant
                .as_deref()
                .filter(|v| !artifacts.contains(v))
            {
                return Err(unknown(
                    &format!("{place}: `expect-fail` names no artifact"),
                    variant,
                    &artifacts,
                ));
            }
            let known = KNOWN.iter().copied().collect();
            if let Some(engine) = expected.engine.as_deref().filter(|e| !KNOWN.contains(e)) {
                return Err(unknown(
                    &format!("{place}: `expect-fail` names no engine"),
                    engine,
                    &known,
                ));
            }
        }
    }
    Ok(())
}

/// The first name of `--require` that is neither a spec nor a family of specs.
pub fn check_specs<'a>(
    require: &[String],
    specs: impl Iterator<Item = &'a str>,
) -> Result<(), String> {
    let specs: BTreeSet<&str> = specs.collect();
    for name in require {
        let is_family = |s: &&str| {
            s.strip_prefix(name.as_str())
                .is_some_and(|r| r.is_empty() || r.starts_with('-'))
        };
        if !specs.iter().any(is_family) {
            return Err(unknown("`--require` names no spec", name, &specs));
        }
    }
    Ok(())
}

fn unknown(what: &str, name: &str, known: &BTreeSet<&str>) -> String {
    let hint = nearest(name, known.iter().copied()).map(|n| format!("; did you mean `{n}`?"));
    format!("{what}: `{name}`{}", hint.unwrap_or_default())
}

/// Two trials of one name, or of one place for their evidence, would overwrite each other.
pub fn check_unique(trials: &[PlannedTrial]) -> Result<(), String> {
    let mut places = BTreeSet::new();
    match trials.iter().find(|t| !places.insert(t.path())) {
        Some(twice) => Err(format!(
            "two trials would be named `{}`; rename a case, a subject or an artifact",
            twice.name
        )),
        None => Ok(()),
    }
}
