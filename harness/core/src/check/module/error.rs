//! The error that ended an execution because nobody caught it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Gap, Seen};
use crate::case::Pattern;
use crate::check::Finding;
use crate::module::wire::{Ended, Thrown};

/// What was thrown; every key that is written must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorClaim {
    /// `error.name`.
    #[serde(default)]
    pub name: Option<String>,
    /// `error.code`.
    #[serde(default)]
    pub code: Option<String>,
    /// `error.message`, all of it.
    #[serde(default)]
    pub message: Option<String>,
    /// A line of `error.message` matches this.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// A line of `error.stack` matches this.
    #[serde(default)]
    pub stack: Option<Pattern>,
}

impl ErrorClaim {
    pub(super) fn asks(&self) -> Result<(), String> {
        if *self == Self::default() {
            Err("it has none of `name`, `code`, `message`, `matches`, `stack`".into())
        } else {
            Ok(())
        }
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Gap> {
        let answer = &seen.answered.answer;
        let error = match (&answer.error, answer.outcome) {
            (Some(error), _) => error,
            // Who says that an error ended it says which.
            (None, Ended::Threw) => seen.part("the error (`error`)", None)?,
            (None, _) => {
                let finding = Finding::new("an error that nobody catches ends it", seen.end());
                return Ok(vec![finding]);
            }
        };
        let mut findings = Vec::new();
        let mut differs = |what: &str, wanted: &str, found: &str| {
            if wanted != found {
                findings.push(
                    Finding::new(
                        format!("the error's {what} is `{wanted}`"),
                        format!("`{found}`"),
                    )
                    .with([shown(error)]),
                );
            }
        };
        if let Some(name) = &self.name {
            differs("name", name, error.name.as_deref().unwrap_or("none"));
        }
        if let Some(code) = &self.code {
            differs("code", code, error.code.as_deref().unwrap_or("none"));
        }
        if let Some(message) = &self.message {
            differs("message", message, &error.message);
        }
        for (what, pattern, text) in [
            ("message", &self.matches, &error.message),
            ("stack", &self.stack, &error.stack),
        ] {
            if let Some(pattern) = pattern
                && !text.lines().any(|line| pattern.0.is_match(line))
            {
                findings.push(
                    Finding::new(
                        format!("the error's {what} matches `{pattern}`"),
                        "no line does",
                    )
                    .with(text.lines()),
                );
            }
        }
        Ok(findings)
    }
}

/// An error on one line.
pub(super) fn shown(error: &Thrown) -> String {
    let name = error.name.as_deref().unwrap_or("(no error object)");
    let code = error.code.as_ref().map(|c| format!(" [{c}]"));
    let first = error.message.lines().next().unwrap_or_default();
    format!("{name}{}: {first}", code.unwrap_or_default())
}
