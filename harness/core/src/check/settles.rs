//! `settles: { within: 15s }` — under a fault, a boot gets ready for good reason or ends with a code that says so (PRD-002 §5.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Span;
use crate::engine::{Answer, Question, Reached};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settles {
    /// How long it may take.
    pub within: Span,
}

impl Check for Settles {
    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        // Whoever is ready has done what a good boot leaves behind.
        let paths = context.subject.writes.clone();
        if paths.is_empty() {
            Vec::new()
        } else {
            vec![Question::Stat { paths }]
        }
    }

    fn asks_at(&self, reached: Option<&Reached>) -> bool {
        matches!(reached, Some(Reached::Ready { .. }))
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let reached = boot
            .reached
            .as_ref()
            .ok_or_else(|| Unanswered("the container was never waited for".into()))?;
        let expected = format!(
            "the boot gets ready, or ends with a code other than 0, within {}",
            self.within
        );
        let (code, seen) = match reached {
            Reached::Exited { exit, .. } if exit.code != 0 => return Ok(Vec::new()),
            Reached::Exited { exit, .. } => (
                "settles/ends-well",
                format!(
                    "it ended with code 0 after {} ms, as if all were well",
                    exit.after_ms
                ),
            ),
            Reached::TimedOut { .. } => (
                "settles/hangs",
                format!("it neither gets ready nor ends within {}", self.within),
            ),
            Reached::Ready { .. } => return left_behind(context, boot),
        };
        Ok(vec![
            Finding::new(expected, seen)
                .coded(code)
                .with(super::ready::last_lines(&boot.log)),
        ])
    }
}

/// A subject that is ready says that its boot is done: then what it declares as a part of it is there.
fn left_behind(context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
    if context.subject.writes.is_empty() {
        return Ok(Vec::new());
    }
    let entries = boot.answer(0, |a| match a {
        Answer::Entries(entries) => Some(entries),
        _ => None,
    })?;
    let missing: Vec<&str> = entries
        .iter()
        .filter(|(_, entry)| entry.is_none())
        .map(|(path, _)| path.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let told = format!("it is ready, and {} is not there", missing.join(", "));
    let expected = "a boot that could not write what it declares does not get ready";
    Ok(vec![
        Finding::new(expected, told).coded("settles/half-done"),
    ])
}
