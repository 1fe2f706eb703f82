//! How an execution ended, and how soon after it was asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::case::Span;
use crate::check::Finding;
use crate::module::wire::Ended;

/// How an execution may end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EndedClaim {
    /// One of these.
    pub by: Vec<Ended>,
    /// So soon, measured by the harness from question to answer. A claim, so no slow machine stretches it: be generous.
    #[serde(default)]
    pub within: Option<Span>,
}

impl EndedClaim {
    pub(super) fn asks(&self) -> Result<(), String> {
        match self.by.len() {
            0 => Err("`by` is empty".into()),
            1..7 => Ok(()),
            _ => Err("`by` names every end".into()),
        }
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Vec<Finding> {
        let answered = seen.answered;
        let mut findings = Vec::new();
        if !self.by.contains(&answered.answer.outcome) {
            let words: Vec<String> = self.by.iter().map(|e| format!("`{e}`")).collect();
            let finding = Finding::new(format!("it ends as {}", words.join(" or ")), seen.end());
            findings.push(finding);
        }
        if let Some(within) = self.within.filter(|w| answered.took > w.0) {
            findings.push(Finding::new(
                format!("the answer comes within {within}"),
                format!("it took {} ms", answered.took.as_millis()),
            ));
        }
        findings
    }
}
