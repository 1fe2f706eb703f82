//! `losses: noticed` — what a boot used, taken away piece by piece: whether the boot notices each loss (PRD-002 §5.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::engine::{Answer, Loss, LossSeen};

/// What is judged of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Losses {
    /// Each ends the boot, keeps it from readiness, or is named in its output.
    Noticed,
}

impl Check for Losses {
    fn traces(&self) -> bool {
        true
    }

    fn reads(&self) -> bool {
        true
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let losses = boot.answer(0, |a| match a {
            Answer::Losses(losses) => Some(losses),
            _ => None,
        })?;
        if losses.is_empty() {
            return Err(Unanswered(
                "the boot used no file of the image, so nothing could be taken away".into(),
            ));
        }
        let silent: Vec<&Loss> = losses
            .iter()
            .filter(|loss| loss.seen == LossSeen::Nothing)
            .collect();
        let Some(first) = silent.first() else {
            return Ok(Vec::new());
        };
        let expected = format!(
            "the boot notices the loss of each of the {} files that it used",
            losses.len()
        );
        let told = format!(
            "without {} it gets ready and says nothing; {} of {} losses went unnoticed",
            first.path,
            silent.len(),
            losses.len()
        );
        let mut finding = Finding::new(expected, told).coded("losses/unnoticed");
        finding.things = silent.iter().map(|loss| loss.path.clone()).collect();
        // Every row: which losses are safe is what the reader came for.
        finding.detail = losses.iter().map(row).collect();
        Ok(vec![finding])
    }
}

/// One row of the table.
pub(crate) fn row(loss: &Loss) -> String {
    let seen = match &loss.seen {
        LossSeen::Exit { code } => format!("ended with code {code}"),
        LossSeen::NotReady => "never got ready".to_owned(),
        LossSeen::Named { line } => format!("named in its output: {line}"),
        LossSeen::Nothing => "NOT NOTICED".to_owned(),
    };
    format!("{}: {seen}", loss.path)
}
