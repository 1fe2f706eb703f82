//! Verification as a check of cases: what `adamant verify` finds, in the words of a trial.

use std::sync::Arc;

use adamant_core::check::verify::{self as check, Verify};
use adamant_core::check::{Context, Finding};
use adamant_verify::{Report, Target};

/// Provides the judge of the family `verify`; needed once before anything is judged.
pub fn provide() {
    check::provide(judge);
}

fn judge(verify: Verify, context: &Context<'_>) -> Result<Option<Vec<Finding>>, String> {
    let target = Target::new(Arc::new(context.image.clone()), context.subject.clone());
    let report = adamant_verify::verify(&target, &[verify]);
    answer(&report)
}

/// What could not be read makes the check broken, unless something was found all the same; nothing judged is no pass.
fn answer(report: &Report) -> Result<Option<Vec<Finding>>, String> {
    if report.findings.is_empty()
        && let Some(broken) = report.unjudged.iter().find(|unjudged| unjudged.broken)
    {
        return Err(format!(
            "`{}` could not be judged: {}",
            broken.what, broken.why
        ));
    }
    if report.findings.is_empty() && report.judged.iter().all(|judged| judged.count == 0) {
        return Ok(None);
    }
    Ok(Some(report.findings.iter().map(finding).collect()))
}

fn finding(found: &adamant_verify::Finding) -> Finding {
    let seen = format!("{}: {}", found.place, found.seen);
    Finding::new(found.expected.clone(), seen)
        .coded(found.rule)
        .with([
            format!("rule {} ({})", found.rule, found.clause),
            format!("cause: {}", found.cause),
            format!("fix: {}", found.fix),
        ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_core::check::control::blind_families;

    #[test]
    fn with_a_judge_every_family_catches_its_control() {
        provide();
        assert_eq!(blind_families(), Vec::<String>::new());
    }
}
