//! `image: { non-root: true, no-setuid: true }` — the image's configuration and modes; starts no container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageCheck {
    /// `USER`, or the subject's `run.user`, is not root.
    #[serde(default)]
    pub non_root: bool,
    /// No file of the image is setuid or setgid to another user than its own.
    #[serde(default)]
    pub no_setuid: bool,
}

impl Check for ImageCheck {
    fn needs_boot(&self) -> bool {
        false
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let mut findings = Vec::new();
        let user = context
            .subject
            .run
            .user
            .as_deref()
            .unwrap_or(&context.image.config.user);
        let name = user.split(':').next().unwrap_or_default();
        let is_root = matches!(name, "" | "root" | "0");
        if self.non_root && is_root && !context.subject.needs.iter().any(|n| n.root) {
            let seen = if user.is_empty() {
                "it sets none, so root".to_owned()
            } else {
                format!("`{user}`")
            };
            findings.push(Finding::new("the image's USER is not root", seen));
        }
        if self.no_setuid {
            let files = context
                .image
                .entries
                .values()
                .filter(|e| e.kind == adamant_probe::Kind::File && e.mode & 0o6000 != 0);
            let shown: Vec<String> = files
                .map(|e| {
                    format!(
                        "{} (mode {:04o}, uid {}, gid {})",
                        e.path, e.mode, e.uid, e.gid
                    )
                })
                .collect();
            if let Some(first) = shown.first().cloned() {
                findings.push(
                    Finding::new("no file of the image is setuid or setgid", first).with(shown),
                );
            }
        }
        Ok(findings)
    }
}
