//! `stop: { within: subject.stop.within }` — a signal to process 1 ends the container in time, with its code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, value};
use crate::case::{Span, Subject, Var};
use crate::engine::{Answer, Question};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The signal.
    pub signal: Var<String>,
    /// How long it has.
    pub within: Var<Span>,
    /// The exit code it must end with.
    pub code: Var<i64>,
}

impl Check for Stop {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        claimed(&self.signal, subject)?;
        claimed(&self.within, subject)?;
        claimed(&self.code, subject)
    }

    fn disturbs(&self) -> bool {
        true
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        match (
            value(&self.signal, context.subject),
            value(&self.within, context.subject),
        ) {
            (Ok(signal), Ok(within)) => vec![Question::Stop {
                signal,
                within: within.0,
            }],
            _ => Vec::new(),
        }
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let stopped = boot.answer(0, |a| {
            if let Answer::Stopped(s) = a {
                Some(s)
            } else {
                None
            }
        })?;
        let (signal, within) = (
            value(&self.signal, context.subject)?,
            value(&self.within, context.subject)?,
        );
        let code = value(&self.code, context.subject)?;
        let expected = format!("{signal} ends the container within {within} with code {code}");
        let seen = if stopped.killed {
            format!("it still ran after {within} and had to be killed")
        } else if stopped.exit.code != code {
            format!(
                "it ended after {} ms with code {}",
                stopped.took_ms, stopped.exit.code
            )
        } else if stopped.took_ms > within.millis() {
            format!("it took {} ms", stopped.took_ms)
        } else {
            return Ok(Vec::new());
        };
        Ok(vec![
            Finding::new(expected, seen)
                .coded("stop/not-in-time")
                .with(super::ready::last_lines(&boot.log)),
        ])
    }
}
