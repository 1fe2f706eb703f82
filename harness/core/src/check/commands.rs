//! `commands: [{ run: [id, -u], stdout: '1000' }]` — commands inside the container, all in one call.

use adamant_probe::{Command, CommandResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Pattern, Span};
use crate::engine::{Answer, Question};
use crate::report::text;

/// Commands, run one after the other as the container's user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Commands(pub Vec<One>);

/// One command and what it must do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// The program and its arguments; no shell is involved.
    pub run: Vec<String>,
    /// The exit code, 0 when absent.
    #[serde(default)]
    pub exit: i32,
    /// What a line of its standard output must match.
    #[serde(default)]
    pub stdout: Option<Pattern>,
    /// What a line of its standard error must match.
    #[serde(default)]
    pub stderr: Option<Pattern>,
    /// How long it may take, 30 s when absent.
    #[serde(default)]
    pub within: Option<Span>,
}

impl Check for Commands {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("its list is empty".into());
        }
        if self.0.iter().any(|c| c.run.is_empty()) {
            return Err("a `run` is empty".into());
        }
        Ok(())
    }

    fn disturbs(&self) -> bool {
        true
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        let commands = self.0.iter().map(|c| Command {
            argv: c.run.clone(),
            timeout_ms: c.within.map_or(30_000, Span::millis),
        });
        vec![Question::Commands {
            commands: commands.collect(),
        }]
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let results = boot.answer(0, |a| {
            if let Answer::Commands(r) = a {
                Some(r)
            } else {
                None
            }
        })?;
        if self.0.is_empty() || results.len() != self.0.len() {
            return Err(Unanswered(format!(
                "{} of {} were answered",
                results.len(),
                text::count(self.0.len(), "command")
            )));
        }
        Ok(self
            .0
            .iter()
            .zip(results)
            .flat_map(|(c, r)| c.judge(r))
            .collect())
    }
}

impl One {
    fn judge(&self, result: &CommandResult) -> Vec<Finding> {
        let shown = self.run.join(" ");
        let said = || {
            result
                .stdout
                .lines()
                .chain(result.stderr.lines())
                .take(6)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let mut findings = Vec::new();
        if result.exit != Some(self.exit) {
            let seen = match (result.exit, result.signal) {
                _ if result.timed_out => "it did not end in time".to_owned(),
                (Some(127), _) => "it is not there (127)".into(),
                (Some(code), _) => format!("it exits {code}"),
                (None, Some(signal)) => format!("signal {signal} killed it"),
                (None, None) => "it ended in no known way".into(),
            };
            findings.push(
                Finding::new(format!("`{shown}` exits {}", self.exit), seen)
                    .coded("commands/exit")
                    .with(said()),
            );
        }
        for (name, pattern, text) in [
            ("stdout", &self.stdout, &result.stdout),
            ("stderr", &self.stderr, &result.stderr),
        ] {
            if let Some(pattern) = pattern
                && !text.lines().any(|l| pattern.0.is_match(l))
            {
                findings.push(
                    Finding::new(
                        format!("a line of the {name} of `{shown}` matches `{pattern}`"),
                        "no line does",
                    )
                    .coded("commands/output")
                    .with(said()),
                );
            }
        }
        findings
    }
}
