//! `ready: { within: 60s }` — the subject reaches readiness in time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, value};
use crate::case::{Ready as Claim, Span, Subject, Var};
use crate::engine::{Log, Reached};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// How long it may take from the start of process 1.
    pub within: Var<Span>,
}

impl Check for Ready {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        subject.ready.as_ref().ok_or("ready")?;
        claimed(&self.within, subject)
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let within = value(&self.within, context.subject)?;
        let claim = context
            .subject
            .ready
            .as_ref()
            .ok_or_else(|| Unanswered("the subject does not say when it is ready".into()))?;
        let expected = format!("{} within {within} of the start", target(claim));
        let reached = boot
            .reached
            .as_ref()
            .ok_or_else(|| Unanswered("the container was never waited for".into()))?;
        let seen = match reached {
            Reached::Ready { at_ns, .. } => {
                let after = boot.since_start_ms(*at_ns);
                if after <= within.millis() {
                    return Ok(Vec::new());
                }
                format!("ready after {after} ms")
            }
            _ => unready(reached, &boot.log),
        };
        Ok(vec![
            Finding::new(expected, seen)
                .coded("ready/not-in-time")
                .with(last_lines(&boot.log)),
        ])
    }
}

/// The target in words.
pub(crate) fn target(claim: &Claim) -> String {
    match claim {
        Claim { http: Some(h), .. } => format!(
            "GET http://127.0.0.1:{}{} inside the container answers {}",
            h.port, h.path, h.status
        ),
        Claim { tcp: Some(t), .. } => format!("port {} accepts inside the container", t.port),
        Claim { unix: Some(u), .. } => format!("socket {} accepts inside the container", u.path),
        Claim {
            output: Some(o), ..
        } => format!("a line of output matches `{}`", o.matches),
        Claim { exit: Some(e), .. } => format!("process 1 ends with code {}", e.code),
        _ => "the subject is ready".into(),
    }
}

/// Why a boot that was not reached was not.
pub(crate) fn unready(reached: &Reached, log: &Log) -> String {
    let last = reached.observed().last().map(|o| {
        let body = o.body.as_deref().map(str::trim).filter(|b| !b.is_empty());
        match body {
            // Quoted: these are words of the subject, in which a short secret is replaced too.
            Some(body) => format!(
                "{} `{}`",
                o.seen,
                body.chars().take(200).collect::<String>()
            ),
            None => o.seen.clone(),
        }
    });
    match reached {
        Reached::Ready { .. } => "ready".into(),
        Reached::Exited { exit, .. } => match &exit.refused {
            Some(why) => format!(
                "the container could not start its process (code {}): {why}",
                exit.code
            ),
            None => format!(
                "process 1 ended with code {} before it was ready",
                exit.code
            ),
        },
        Reached::TimedOut { .. } => match last {
            Some(last) => format!("not ready in time; the last look saw: {last}"),
            None if log.lines == 0 => "not ready in time; it wrote no output at all".into(),
            None => "not ready in time".into(),
        },
    }
}

/// The last lines of a log, for a person.
pub(crate) fn last_lines(log: &Log) -> Vec<String> {
    let text = if log.tail.is_empty() {
        &log.head
    } else {
        &log.tail
    };
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .filter(|l| !l.trim().is_empty())
        .take(4)
        .map(|l| format!("log: {l}"))
        .collect();
    lines.reverse();
    lines
}
