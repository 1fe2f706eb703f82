//! `execs: { never: [install, fetch] }` — what was run, from boot on, wherever it would have written (PRD-002 §5.1), and
//! whether a boot command failed unnoticed (§5.4).

use adamant_probe::{Action, TraceEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trace::{Seen, command, counted, events};
use super::{Boot, Check, Context, Finding, Unanswered, failed};
use crate::engine::Question;
use crate::shell::{self, Class, Rule};

/// The family's parameters; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Execs {
    /// Commands of these classes, by the same rules that read the entrypoint.
    #[serde(default)]
    pub never: Vec<Never>,
    /// No command fails before the boot is over and is passed over; what answers by its code is no failure.
    #[serde(default)]
    pub hides_no_failure: bool,
}

/// A class of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Never {
    /// What resolves or installs software.
    Install,
    /// What fetches from elsewhere.
    Fetch,
}

impl Never {
    fn class(self) -> Class {
        match self {
            Self::Install => Class::Install,
            Self::Fetch => Class::Fetch,
        }
    }
}

impl Check for Execs {
    fn asks(&self) -> Result<(), String> {
        if self.never.is_empty() && !self.hides_no_failure {
            return Err("it needs `never` or `hides-no-failure`".into());
        }
        Ok(())
    }

    fn traces(&self) -> bool {
        true
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Trace]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let seen = events(boot, 0)?;
        let mut findings: Vec<Finding> = self.ran(seen).into_iter().collect();
        if self.hides_no_failure {
            findings.extend(failed::finding(seen, boot, context.subject));
        }
        Ok(findings)
    }
}

impl Execs {
    /// One finding for all commands that must not be run.
    fn ran(&self, seen: Seen<'_>) -> Option<Finding> {
        let hits: Vec<(&TraceEvent, String, &'static Rule)> = seen
            .events
            .iter()
            .filter_map(|event| match &event.action {
                // A command that is not there was still asked for; a search along PATH asks several times.
                Action::Exec {
                    path, argv, runs, ..
                } => shell::judge_exec(path, argv, runs)
                    .filter(|(rule, _)| self.never.iter().any(|n| n.class() == rule.class))
                    .map(|(rule, means)| (event, ran(argv, means.as_deref()), rule)),
                _ => None,
            })
            .collect();
        let (first, ran, rule) = hits.first()?;
        let told = format!(
            "{} ran {ran}, {}: {} ({})",
            seen.who(&first.actor),
            seen.when(first),
            rule.explain,
            rule.id
        );
        let all = counted(hits.iter().map(|(event, ran, rule)| {
            let refused = match &event.action {
                Action::Exec {
                    refused: Some(errno),
                    ..
                } => format!(", which failed with {errno}"),
                _ => String::new(),
            };
            format!(
                "{} ran {ran} ({}){refused}",
                seen.who(&event.actor),
                rule.id
            )
        }));
        Some(
            Finding::new("nothing is installed or fetched, from the boot on", told)
                .coded("execs/installs")
                .about(all),
        )
    }
}

/// A command as it was asked for, and what that means where it does not say so itself.
fn ran(argv: &[String], means: Option<&[String]>) -> String {
    match means {
        None => format!("`{}`", command(argv)),
        Some(means) => format!("`{}`, which is `{}`", command(argv), command(means)),
    }
}
