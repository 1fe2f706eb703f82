//! `output: { never: '(?i)npm install' }` — lines that the output has, or never has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Pattern, StreamChoice, Subject};
use crate::engine::Watch;
use crate::report::text;

/// The family's parameters; at least one of `never` and `contains`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Which stream; either when absent.
    #[serde(default)]
    pub stream: StreamChoice,
    /// No line matches this, from the first to the last.
    #[serde(default)]
    pub never: Option<Pattern>,
    /// At least one line matches this.
    #[serde(default)]
    pub contains: Option<Pattern>,
}

impl Output {
    fn watch(&self, pattern: &Pattern) -> Watch {
        Watch {
            stream: self.stream.stream(),
            pattern: pattern.0.clone(),
        }
    }
}

impl Check for Output {
    fn asks(&self) -> Result<(), String> {
        if self.never.is_none() && self.contains.is_none() {
            return Err("it needs `never` or `contains`".into());
        }
        Ok(())
    }

    fn watches(&self, _subject: &Subject) -> Vec<Watch> {
        self.never
            .iter()
            .chain(&self.contains)
            .map(|p| self.watch(p))
            .collect()
    }

    fn settled(&self, _context: &Context<'_>, boot: &Boot) -> bool {
        self.contains
            .as_ref()
            .is_none_or(|c| boot.matches(&self.watch(c)).is_ok_and(|(n, _)| n > 0))
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        if self.never.is_none() && self.contains.is_none() {
            return Err(Unanswered(
                "`output` has neither `never` nor `contains`".into(),
            ));
        }
        let mut findings = Vec::new();
        if let Some(never) = &self.never {
            let (count, lines) = boot.matches(&self.watch(never))?;
            if count > 0 {
                let seen = format!(
                    "{} {}, the first is line {} of {}",
                    text::count(count, "line"),
                    if count == 1 { "matches" } else { "match" },
                    lines[0].line,
                    lines[0].stream
                );
                let shown = lines
                    .iter()
                    .map(|l| format!("{}:{}: {}", l.stream, l.line, l.text));
                findings.push(
                    Finding::new(format!("no line of output matches `{never}`"), seen)
                        .coded("output/forbidden")
                        .with(shown),
                );
            } else if let Some(cut) = &boot.log.cut {
                return Err(Unanswered(format!(
                    "the log is not whole, so nothing can be said to be absent from it: {cut}"
                )));
            }
        }
        if let Some(contains) = &self.contains {
            let (count, _) = boot.matches(&self.watch(contains))?;
            if count == 0 {
                let seen = format!("none of {} does", text::count(boot.log.lines, "line"));
                findings.push(
                    Finding::new(format!("a line of output matches `{contains}`"), seen)
                        .coded("output/missing")
                        .with(super::ready::last_lines(&boot.log)),
                );
            }
        }
        Ok(findings)
    }
}
