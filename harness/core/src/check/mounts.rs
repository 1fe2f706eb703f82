//! `mounts: { read-only-root: true }` — mounts as the container sees them (RC-003-09).

use adamant_probe::Mount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, is_under, value};
use crate::case::{Subject, Var};
use crate::engine::{Answer, Question};

/// What the container runtime itself mounts writable, on every container.
const RUNTIME: [&str; 4] = ["/proc", "/sys", "/dev", adamant_probe::MOUNT_DIR];
/// Files of the runtime that are bind-mounted one by one.
const RUNTIME_FILES: [&str; 3] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mounts {
    /// `/` is mounted read-only.
    #[serde(default)]
    pub read_only_root: bool,
    /// Nothing else is writable but these and what every runtime mounts.
    #[serde(default)]
    pub writable_only: Option<Var<Vec<String>>>,
    /// Every writable mount of the subject has these options.
    #[serde(default)]
    pub options: Vec<String>,
}

impl Check for Mounts {
    fn asks(&self) -> Result<(), String> {
        if !self.read_only_root && self.writable_only.is_none() && self.options.is_empty() {
            return Err("it needs `read-only-root: true`, `writable-only` or `options`".into());
        }
        Ok(())
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        self.writable_only
            .iter()
            .try_for_each(|w| claimed(w, subject))
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Mounts]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let mounts = boot.answer(0, |a| {
            if let Answer::Mounts(m) = a {
                Some(m)
            } else {
                None
            }
        })?;
        // The last mount on a target is the one that is seen.
        let root = mounts
            .iter()
            .rfind(|m| m.target == "/")
            .ok_or_else(|| Unanswered("no mount of / was seen".into()))?;
        let mut findings = Vec::new();
        if self.read_only_root && !root.read_only {
            findings.push(
                Finding::new(
                    "/ is mounted read-only",
                    format!("options {}", root.options.join(",")),
                )
                .coded("mounts/writable-root"),
            );
        }
        let writable: Vec<&Mount> = mounts
            .iter()
            .filter(|m| m.target != "/" && !m.read_only && !of_runtime(m))
            .collect();
        if let Some(only) = &self.writable_only {
            let allowed = value(only, context.subject)?;
            let over = writable
                .iter()
                .filter(|m| !allowed.iter().any(|a| is_under(&m.target, a)));
            let shown: Vec<String> = over
                .map(|m| format!("{} ({}) is writable", m.target, m.fstype))
                .collect();
            if let Some(first) = shown.first().cloned() {
                findings.push(
                    Finding::new(
                        format!("writable mounts only at {}", allowed.join(", ")),
                        first,
                    )
                    .coded("mounts/undeclared")
                    .with(shown),
                );
            }
        }
        for mount in writable {
            let missing: Vec<&str> = self
                .options
                .iter()
                .filter(|o| !mount.options.contains(o))
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                let seen = format!("{} is mounted without {}", mount.target, missing.join(","));
                findings.push(
                    Finding::new(
                        format!("writable mounts are {}", self.options.join(",")),
                        seen,
                    )
                    .coded("mounts/options"),
                );
            }
        }
        Ok(findings)
    }
}

/// Whether it is there on every container, whatever was asked for.
pub(super) fn of_runtime(mount: &Mount) -> bool {
    RUNTIME.iter().any(|r| is_under(&mount.target, r))
        || RUNTIME_FILES.contains(&mount.target.as_str())
}
