//! Numbers that a runtime tells about itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::check::{Finding, Unanswered};

/// Bounds by the name of the number: `cache_hits`, `cache_misses`, `cache_evictions`, `cache_entries` are the names that we know.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Metrics(BTreeMap<String, Bound>);

/// What a number must be; every key that is written must hold.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bound {
    /// This.
    #[serde(default)]
    pub equal: Option<f64>,
    /// No less.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// No more.
    #[serde(default)]
    pub at_most: Option<f64>,
}

impl Metrics {
    pub(super) fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("it names no number".into());
        }
        match self.0.iter().find(|(_, b)| **b == Bound::default()) {
            Some((name, _)) => Err(format!(
                "`{name}` has none of `equal`, `at-least`, `at-most`"
            )),
            None => Ok(()),
        }
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Unanswered> {
        let answer = &seen.answered.answer;
        let mut findings = Vec::new();
        for (name, bound) in &self.0 {
            let Some(found) = answer.metrics.get(name) else {
                return Err(Unanswered(format!(
                    "the answer has no number `{name}` in `metrics`, which the runtime claims to tell"
                )));
            };
            let mut wrong = |expected: String| {
                findings.push(Finding::new(
                    format!("`{name}` is {expected}"),
                    format!("{found}"),
                ));
            };
            if let Some(equal) = bound.equal.filter(|e| (e - found).abs() > f64::EPSILON) {
                wrong(equal.to_string());
            }
            if let Some(least) = bound.at_least.filter(|l| found < l) {
                wrong(format!("at least {least}"));
            }
            if let Some(most) = bound.at_most.filter(|m| found > m) {
                wrong(format!("at most {most}"));
            }
        }
        Ok(findings)
    }
}
