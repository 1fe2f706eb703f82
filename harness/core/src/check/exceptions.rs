//! `exceptions: only-add` — a deployment may add to the hardened baseline what it declares, and take nothing away (RC-003-10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Run, Subject};

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
            || !run.security_opt.is_empty()
            || !run.weakens.is_empty();
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
            findings.push(
                Finding::new(
                    "the deployment keeps the baseline",
                    "it asks for `privileged`, which removes all of it",
                )
                .coded("exceptions/weakens"),
            );
        }
        if !run.read_only {
            findings.push(
                Finding::new(
                    "the deployment keeps the root read-only",
                    "it does not ask for `read_only`",
                )
                .coded("exceptions/root-writable"),
            );
        }
        if !run.cap_drop.iter().any(|c| c.eq_ignore_ascii_case("ALL")) {
            let seen = if run.cap_drop.is_empty() {
                "it drops none".to_owned()
            } else {
                format!("it drops only {}", run.cap_drop.join(", "))
            };
            findings.push(
                Finding::new("the deployment drops ALL capabilities", seen)
                    .coded("exceptions/capabilities"),
            );
        }
        if !run.security_opt.iter().any(|o| keeps_privileges(o)) {
            findings.push(
                Finding::new("the deployment sets no-new-privileges", "it does not")
                    .coded("exceptions/new-privileges"),
            );
        }
        findings.extend(taken_away(run));
        findings.extend(undeclared(context.subject));
        Ok(findings)
    }
}

/// Capabilities that are added without saying why.
fn undeclared(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needed = subject.needs.iter().filter_map(|n| n.cap.as_deref());
    let all = needed.chain(subject.run.cap_add.iter().map(String::as_str));
    if all.into_iter().any(|c| bare(c) == "ALL") {
        findings.push(
            Finding::new(
                "the deployment adds single capabilities",
                "it adds ALL of them",
            )
            .coded("exceptions/capabilities"),
        );
    }
    let declared = |cap: &str| {
        subject
            .needs
            .iter()
            .any(|n| n.cap.as_deref().is_some_and(|c| bare(c) == bare(cap)))
    };
    for cap in subject.run.cap_add.iter().filter(|c| !declared(c)) {
        findings.push(
            Finding::new(
                format!("`{cap}` is in the subject's `needs`, with a reason"),
                "the deployment adds it without one",
            )
            .coded("exceptions/undeclared"),
        );
    }
    for need in subject.needs.iter().filter(|n| n.reason.trim().is_empty()) {
        let name = need.cap.as_deref().unwrap_or("root");
        findings.push(
            Finding::new(
                format!("the need for `{name}` has a reason"),
                "its reason is empty",
            )
            .coded("exceptions/undeclared"),
        );
    }
    findings
}

/// What of the baseline the deployment takes away, beside what it does not ask for.
fn taken_away(run: &Run) -> Vec<Finding> {
    let options = run.security_opt.iter().filter(|o| weakens(o));
    let options = options
        .map(|o| Finding::new(kept(o), format!("it asks for `{o}`")).coded("exceptions/weakens"));
    let sockets = run.mounts.iter().map(|m| &m.value);
    let sockets = sockets.filter(|m| {
        m.source.to_string_lossy().contains("docker.sock") || m.target().contains("docker.sock")
    });
    let sockets = sockets.map(|m| {
        Finding::new(
            "the deployment gives no control over the engine",
            format!("it mounts `{m}`"),
        )
        .coded("exceptions/engine-socket")
    });
    let rest = run.weakens.iter().map(|what| {
        Finding::new(
            "the deployment keeps the isolation from the host",
            format!("it asks for {what}"),
        )
        .coded("exceptions/weakens")
    });
    options.chain(sockets).chain(rest).collect()
}

fn kept(option: &str) -> &'static str {
    if option.starts_with("no-new-privileges") {
        "the deployment sets no-new-privileges"
    } else {
        "the deployment keeps seccomp and the like"
    }
}

fn weakens(option: &str) -> bool {
    let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    if option.contains("unconfined") {
        return true;
    }
    match key {
        "no-new-privileges" => !keeps_privileges(option),
        "label" => value == "disable",
        // Nobody can say that another profile is as strict as the runtime's own.
        "seccomp" => !matches!(value, "default" | "builtin" | "runtime/default"),
        _ => false,
    }
}

fn keeps_privileges(option: &str) -> bool {
    matches!(
        option,
        "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true"
    )
}

fn bare(cap: &str) -> String {
    let cap = cap.to_ascii_uppercase();
    cap.strip_prefix("CAP_").unwrap_or(&cap).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Mount;

    #[test]
    fn options_that_take_something_away_are_told_apart() {
        for bad in [
            "seccomp=unconfined",
            "seccomp:/host/profile.json",
            "apparmor=unconfined",
            "label=disable",
            "label:disable",
            "no-new-privileges:false",
            "no-new-privileges=false",
        ] {
            assert!(weakens(bad), "{bad}");
        }
        for good in [
            "no-new-privileges",
            "no-new-privileges:true",
            "seccomp=builtin",
            "apparmor=docker-default",
        ] {
            assert!(!weakens(good), "{good}");
        }
    }

    #[test]
    fn a_socket_and_what_compose_weakens_are_findings() {
        let run = Run {
            mounts: ["/var/run/docker.sock:/s", "./data:/data"]
                .map(|m| Mount::try_from(m.to_owned()).expect("a mount").into())
                .into(),
            weakens: vec!["`pid: host`".into()],
            ..Run::default()
        };
        assert_eq!(taken_away(&run).len(), 2);
    }
}
