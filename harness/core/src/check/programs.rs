//! `programs: { alive-for: 3s }` — supervised programs stay the processes they were, under a living process 1.

use adamant_probe::Process;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Program, Span, Subject};
use crate::engine::{Answer, Question};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Programs {
    /// How long after readiness they are watched.
    pub alive_for: Span,
}

impl Check for Programs {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        if subject.programs.is_empty() {
            Err("programs".into())
        } else {
            Ok(())
        }
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![
            Question::Processes,
            Question::ProcessesAfter {
                pause: self.alive_for.0,
            },
        ]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let take = |a: &'_ Answer| {
            if let Answer::Processes(p) = a {
                Some(p.clone())
            } else {
                None
            }
        };
        let (before, after) = (boot.answer(0, take)?, boot.answer(1, take)?);
        if before.is_empty() || after.is_empty() {
            return Err(Unanswered("no process was seen, not even process 1".into()));
        }
        Ok(context
            .subject
            .programs
            .iter()
            .filter_map(|p| self.one(p, &before, &after))
            .collect())
    }
}

impl Programs {
    fn one(&self, program: &Program, before: &[Process], after: &[Process]) -> Option<Finding> {
        let is_it = |p: &&Process| p.state != "Z" && program.matches.0.is_match(&p.argv.join(" "));
        let expected = format!(
            "program `{}` (`{}`) stays the same process for {} after readiness",
            program.id, program.matches, self.alive_for
        );
        let first: Vec<&Process> = before.iter().filter(is_it).collect();
        let second: Vec<&Process> = after.iter().filter(is_it).collect();
        let seen = match (first.as_slice(), second.as_slice()) {
            ([], []) => "no such process runs".to_owned(),
            ([], [late, ..]) => format!(
                "no such process ran at readiness; {} was started later",
                super::processes::named(late)
            ),
            ([died, ..], []) => format!(
                "{} is gone, and process 1 lives on",
                super::processes::named(died)
            ),
            (first, second) => {
                let gone = first.iter().find(|p| {
                    !second
                        .iter()
                        .any(|q| q.pid == p.pid && q.start_ticks == p.start_ticks)
                })?;
                let now: Vec<String> = second.iter().map(|q| q.pid.to_string()).collect();
                format!(
                    "it was restarted: {} is gone, pid {} runs in its place",
                    super::processes::named(gone),
                    now.join(", ")
                )
            }
        };
        Some(Finding::new(expected, seen))
    }
}
