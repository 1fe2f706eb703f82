//! `before-ready: [BootstrapCompleted]` — readiness is never shown before these events are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::Reached;

/// How much later than readiness an event may arrive here: the log and the probe come by different ways.
const SLACK_NS: u64 = 250_000_000;

/// Every event of these names comes before readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BeforeReady(pub Vec<String>);

impl Check for BeforeReady {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Err("it names no event".into())
        } else {
            Ok(())
        }
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        subject.ready.as_ref().ok_or("ready")?;
        subject
            .events
            .as_ref()
            .map(drop)
            .ok_or_else(|| "events".into())
    }

    fn settled(&self, context: &Context<'_>, boot: &Boot) -> bool {
        self.judge(context, boot)
            .is_ok_and(|findings| findings.is_empty())
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let Some(Reached::Ready { at_ns, .. }) = boot.reached else {
            return Err(Unanswered("the boot was never ready".into()));
        };
        let ready_ms = boot.since_start_ms(at_ns);
        let mut findings = Vec::new();
        for name in &self.0 {
            let mut written = boot
                .log
                .events
                .iter()
                .filter(|e| e.name == *name)
                .peekable();
            let expected = format!("ready only after every `{name}`");
            if written.peek().is_none() {
                findings.push(Finding::new(
                    expected,
                    format!("ready after {ready_ms} ms, `{name}` not written by then"),
                ));
                continue;
            }
            if let Some(late) = written.find(|e| e.at_ns > at_ns.saturating_add(SLACK_NS)) {
                let after = boot.since_start_ms(late.at_ns);
                let seen = format!(
                    "ready after {ready_ms} ms, but `{name}` (line {}) came after {after} ms",
                    late.line
                );
                findings.push(Finding::new(expected, seen));
            }
        }
        Ok(findings)
    }
}
