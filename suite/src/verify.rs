//! Verification as a check of cases: what `adamant verify` finds, in the words of a trial.

use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::case::Subject;
use adamant_core::check::verify::{self as check, Verify};
use adamant_core::check::{Context, Finding, InFile};
use adamant_verify::{Report, Target};

/// What came of the last few images: a check is asked first whether it applies and then what it found, and on every engine.
static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
/// Answers that are kept.
const MOST: usize = 16;

/// An answer, by all that it depends on.
struct Kept {
    /// The image's id, which is made from its content.
    image: String,
    subject: Subject,
    room: Verify,
    answer: Answer,
}

type Answer = Result<Option<Vec<Finding>>, String>;

/// Provides the judge of the family `verify`; needed once before anything is judged.
pub fn provide() {
    check::provide(judge);
}

fn judge(room: Verify, context: &Context<'_>) -> Answer {
    let (id, subject) = (&context.image.id, context.subject);
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |k: &&Kept| k.room == room && k.image == *id && k.subject == *subject;
    if !id.is_empty()
        && let Some(known) = kept().iter().find(same)
    {
        return known.answer.clone();
    }
    let target = Target::new(Arc::new(context.image.clone()), subject.clone());
    let answer = answer(&adamant_verify::verify(&target, &[room]));
    let mut kept = kept();
    if kept.len() == MOST {
        kept.remove(0);
    }
    kept.push(Kept {
        image: id.clone(),
        subject: subject.clone(),
        room,
        answer: answer.clone(),
    });
    answer
}

/// What could not be read makes the check broken, unless something was found all the same; nothing judged is no pass.
fn answer(report: &Report) -> Answer {
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
    let finding = Finding::new(found.expected.clone(), seen)
        .coded(found.rule)
        .with([
            format!("rule {} ({})", found.rule, found.clause),
            format!("cause: {}", found.cause),
            format!("fix: {}", found.fix),
        ]);
    if found.place == adamant_verify::Place::configuration() {
        return finding;
    }
    let line = found.place.line.unwrap_or(1);
    finding.at(InFile {
        file: found.place.file.clone(),
        line,
        end_line: line,
        column: None,
    })
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
