//! Whether a runtime rests once it has answered: what was ended must not go on in the background.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::check::{Finding, Unanswered};
use crate::module::Sight;

/// How much of one CPU the runtime may use after its last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AtRest {
    /// In percent.
    pub cpu_percent: u32,
}

impl AtRest {
    pub(super) fn judge(self, seen: &Seen<'_>) -> Result<Vec<Finding>, Unanswered> {
        let Sight::Seen(trace) = seen.sight else {
            return Err(Unanswered(
                "nobody could see what the runtime did after its answer".into(),
            ));
        };
        let Some((used, time)) = trace.idle_cpu else {
            return Err(Unanswered(
                "nobody measured what the runtime did after its answer".into(),
            ));
        };
        let percent = used * 100 / time.max(1);
        if percent <= u64::from(self.cpu_percent) {
            return Ok(Vec::new());
        }
        Ok(vec![Finding::new(
            format!(
                "after its answer the runtime uses at most {} % of a CPU",
                self.cpu_percent
            ),
            format!("{percent} %: it ran, or waited for a CPU to run on, {used} of {time} ms"),
        )])
    }
}
