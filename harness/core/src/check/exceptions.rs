//! `exceptions: only-add` — a deployment may add to the hardened baseline what it declares, and take nothing away (RC-003-10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;

/// What exceptions may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exceptions {
    /// Add what `needs` names with a reason; remove nothing.
    OnlyAdd,
}

impl Check for Exceptions {
    fn needs_boot(&self) -> bool {
        false
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        let run = &subject.run;
        let says = run.privileged
            || run.read_only
            || !run.cap_add.is_empty()
            || !run.cap_drop.is_empty()
            || !run.security_opt.is_empty();
        if says || !subject.needs.is_empty() {
            Ok(())
        } else {
            Err("run (cap-drop, security-opt, read-only) or compose".into())
        }
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let run = &context.subject.run;
        let mut findings = Vec::new();
        if run.privileged {
            findings.push(Finding::new(
                "the deployment keeps the baseline",
                "it asks for `privileged`, which removes all of it",
            ));
        }
        if !run.read_only {
            findings.push(Finding::new(
                "the deployment keeps the root read-only",
                "it does not ask for `read_only`",
            ));
        }
        if !run.cap_drop.iter().any(|c| c.eq_ignore_ascii_case("ALL")) {
            let seen = if run.cap_drop.is_empty() {
                "it drops none".to_owned()
            } else {
                format!("it drops only {}", run.cap_drop.join(", "))
            };
            findings.push(Finding::new("the deployment drops ALL capabilities", seen));
        }
        let nnp = |o: &String| {
            matches!(
                o.as_str(),
                "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true"
            )
        };
        if !run.security_opt.iter().any(nnp) {
            findings.push(Finding::new(
                "the deployment sets no-new-privileges",
                "it does not",
            ));
        }
        for option in run.security_opt.iter().filter(|o| o.contains("unconfined")) {
            findings.push(Finding::new(
                "the deployment keeps seccomp and the like",
                format!("it asks for `{option}`"),
            ));
        }
        let declared = |cap: &str| {
            let bare = |c: &str| c.trim_start_matches("CAP_").to_ascii_uppercase();
            context
                .subject
                .needs
                .iter()
                .any(|n| n.cap.as_deref().is_some_and(|c| bare(c) == bare(cap)))
        };
        for cap in run.cap_add.iter().filter(|c| !declared(c)) {
            findings.push(Finding::new(
                format!("`{cap}` is in the subject's `needs`, with a reason"),
                "the deployment adds it without one",
            ));
        }
        for need in context
            .subject
            .needs
            .iter()
            .filter(|n| n.reason.trim().is_empty())
        {
            let name = need.cap.as_deref().unwrap_or("root");
            findings.push(Finding::new(
                format!("the need for `{name}` has a reason"),
                "its reason is empty",
            ));
        }
        Ok(findings)
    }
}
