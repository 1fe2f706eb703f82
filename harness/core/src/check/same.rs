//! `same: [exit, fatal, events]` — several boots under the same conditions end alike.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::{Reached, Watch};
use crate::redact::volatile;

/// What must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Same(pub Vec<Aspect>);

/// One aspect of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Whether and with which code process 1 ended.
    Exit,
    /// The fatal lines.
    Fatal,
    /// The names of the events, in order.
    Events,
}

impl Check for Same {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("its list is empty".into());
        }
        Ok(())
    }

    fn watches(&self, subject: &Subject) -> Vec<Watch> {
        if self.0.contains(&Aspect::Fatal) {
            vec![super::fatal::watch(subject)]
        } else {
            Vec::new()
        }
    }

    fn judge(&self, _context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        Ok(Vec::new())
    }

    fn judge_all(&self, context: &Context<'_>, boots: &[Boot]) -> Result<Vec<Finding>, Unanswered> {
        let [first, rest @ ..] = boots else {
            return Err(Unanswered("there was no boot".into()));
        };
        if rest.is_empty() {
            return Err(Unanswered(
                "one boot cannot be compared with itself; the case needs `boots: 2`".into(),
            ));
        }
        let mut findings = Vec::new();
        for aspect in &self.0 {
            let one = aspect.of(context.subject, first)?;
            for (index, boot) in rest.iter().enumerate() {
                let other = aspect.of(context.subject, boot)?;
                if other != one {
                    let expected = format!("{} the same on every boot", aspect.name());
                    let seen = format!("boot {} differs from boot 1", index + 2);
                    findings.push(Finding::new(expected, seen).coded("same/differs").with([
                        format!("boot 1: {one}"),
                        format!("boot {}: {other}", index + 2),
                    ]));
                }
            }
        }
        Ok(findings)
    }
}

impl Aspect {
    fn name(self) -> &'static str {
        match self {
            Self::Exit => "the end of process 1 is",
            Self::Fatal => "the fatal lines are",
            Self::Events => "the events are",
        }
    }

    fn of(self, subject: &Subject, boot: &Boot) -> Result<String, Unanswered> {
        Ok(match self {
            Self::Exit => match &boot.reached {
                Some(Reached::Exited { exit, .. }) => format!("ended with code {}", exit.code),
                Some(Reached::Ready { .. }) => "ready".into(),
                Some(Reached::TimedOut { .. }) => "still running".into(),
                None => return Err(Unanswered("the container was never waited for".into())),
            },
            Self::Fatal => {
                let (_, lines) = boot.matches(&super::fatal::watch(subject))?;
                // Structured lines are the events' business; the two streams come in no fixed order, and times are not the message.
                let told = lines
                    .iter()
                    .filter(|l| !l.text.trim_start().starts_with('{'));
                let told: BTreeSet<String> = told.map(|l| volatile(&l.text)).collect();
                told.into_iter().collect::<Vec<_>>().join(" | ")
            }
            Self::Events => super::events::list(&boot.log.events),
        })
    }
}
