//! Whether a guest saw a file of the host that no package has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::check::Finding;

/// What a guest may see of the file at `@CANARY@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Canary {
    /// Nothing of its content.
    Unseen,
}

impl Canary {
    pub(super) fn judge(self, seen: &Seen<'_>) -> Vec<Finding> {
        let Self::Unseen = self;
        let answer = serde_json::to_string(&seen.answered.answer).unwrap_or_default();
        // The secret is letters and digits; a guest may have printed it as hex too.
        let hex: String = seen.secret.bytes().map(|b| format!("{b:02x}")).collect();
        if answer.contains(seen.secret) || answer.contains(&hex) {
            let expected = "no file of the host is read";
            vec![Finding::new(
                expected,
                "the answer has the content of the host's canary file",
            )]
        } else {
            Vec::new()
        }
    }
}
