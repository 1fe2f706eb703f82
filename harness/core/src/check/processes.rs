//! `processes: { non-root: true }` — privileges of every process, seen from inside (RC-003-09).

use adamant_probe::{Process, capability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::{Answer, Question};

/// What every process of the container must show. The subject's `needs` are allowed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Processes {
    /// None of its uids is 0.
    #[serde(default)]
    pub non_root: bool,
    /// Its effective and bounding sets hold nothing but the capabilities in `needs`.
    #[serde(default)]
    pub no_capabilities: bool,
    /// `NoNewPrivs: 1`.
    #[serde(default)]
    pub no_new_privileges: bool,
    /// `Seccomp: 2`.
    #[serde(default)]
    pub seccomp: bool,
}

impl Check for Processes {
    fn asks(&self) -> Result<(), String> {
        if !(self.non_root || self.no_capabilities || self.no_new_privileges || self.seccomp) {
            return Err("none of its rules is `true`".into());
        }
        Ok(())
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Processes]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let processes = boot.answer(0, |a| {
            if let Answer::Processes(p) = a {
                Some(p)
            } else {
                None
            }
        })?;
        if processes.is_empty() {
            return Err(Unanswered("no process was seen, not even process 1".into()));
        }
        let allowed = allowed(context.subject);
        let root_needed = context.subject.needs.iter().any(|n| n.root);
        let mut findings = Vec::new();
        let mut rule = |on: bool,
                        code: &'static str,
                        expected: String,
                        bad: &dyn Fn(&Process) -> Option<String>| {
            if !on {
                return;
            }
            let hits: Vec<String> = processes
                .iter()
                .filter(|p| p.state != "Z")
                .filter_map(|p| Some(format!("{}: {}", named(p), bad(p)?)))
                .collect();
            if let Some(first) = hits.first().cloned() {
                findings.push(Finding::new(expected, first).coded(code).about(hits));
            }
        };
        rule(
            self.non_root && !root_needed,
            "processes/root",
            "no process runs as root".into(),
            &|p| p.uid.contains(&0).then(|| format!("uids {:?}", p.uid)),
        );
        let caps = if allowed == 0 {
            "none".to_owned()
        } else {
            list(allowed)
        };
        rule(
            self.no_capabilities,
            "processes/capabilities",
            format!("capabilities of every process: {caps}"),
            &|p| {
                let over = (p.cap_eff | p.cap_bnd) & !allowed;
                (over != 0).then(|| {
                    format!(
                        "effective {}, bounding {}",
                        list(p.cap_eff),
                        list(p.cap_bnd)
                    )
                })
            },
        );
        rule(
            self.no_new_privileges,
            "processes/new-privileges",
            "no_new_privs is set on every process".into(),
            &|p| (!p.no_new_privs).then(|| "NoNewPrivs: 0".into()),
        );
        rule(
            self.seccomp,
            "processes/seccomp",
            "a seccomp filter is on every process".into(),
            &|p| (p.seccomp != 2).then(|| format!("Seccomp: {}", p.seccomp)),
        );
        Ok(findings)
    }
}

/// The capabilities that the subject's `needs` name, as a bit set.
fn allowed(subject: &Subject) -> u64 {
    let named = subject.needs.iter().filter_map(|n| n.cap.as_deref());
    capability::bits(named)
}

fn list(set: u64) -> String {
    let names: Vec<&str> = capability::names(set).collect();
    match names.len() {
        0 => "none".into(),
        all if all == capability::NAMES.len() => "all".into(),
        _ => names.join(" "),
    }
}

/// A process for a person: its pid and its command line.
pub(crate) fn named(process: &Process) -> String {
    let argv: String = process.argv.join(" ").chars().take(100).collect();
    format!("pid {} ({argv})", process.pid)
}
