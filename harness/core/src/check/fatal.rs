//! `fatal: names-the-artifact` — the subject's fatal message names what the fault made absent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::{Exit, Reached, Watch};

/// What the message must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fatal {
    /// It names the artifact by id, path or command.
    NamesTheArtifact,
}

/// The watch for a subject's fatal messages.
pub(crate) fn watch(subject: &Subject) -> Watch {
    Watch {
        stream: subject.fatal.stream.stream(),
        pattern: subject.fatal.matches.0.clone(),
    }
}

impl Check for Fatal {
    fn watches(&self, subject: &Subject) -> Vec<Watch> {
        vec![watch(subject)]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let fault = context.fault.ok_or_else(|| {
            Unanswered("the trial has no fault, so no message can name it".into())
        })?;
        let (count, lines) = boot.matches(&watch(context.subject))?;
        let names = fault.names();
        // A runtime that cannot start the missing program says so itself: no message of the subject can come before that.
        if let Some(Reached::Exited {
            exit: Exit {
                refused: Some(why), ..
            },
            ..
        }) = &boot.reached
            && names.iter().any(|n| why.contains(n.as_str()))
        {
            return Ok(Vec::new());
        }
        if lines
            .iter()
            .any(|l| names.iter().any(|n| l.text.contains(n.as_str())))
        {
            return Ok(Vec::new());
        }
        let expected = format!(
            "a line that matches `{}` and names `{}`",
            context.subject.fatal.matches,
            names.join("` or `")
        );
        if count == 0 {
            return Ok(vec![
                Finding::new(expected, "no line matches").with(super::ready::last_lines(&boot.log)),
            ]);
        }
        let shown = lines
            .iter()
            .map(|l| format!("{}:{}: {}", l.stream, l.line, l.text));
        Ok(vec![
            Finding::new(expected, format!("{count} fatal line(s), none names it")).with(shown),
        ])
    }
}
