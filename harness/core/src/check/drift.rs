//! `drift: { unchanged: subject.immutable }` — what a boot changed, against the image (PRD-002 §5.1, AC-4, AC-5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, is_under, value};
use crate::case::{Subject, Var};
use crate::engine::{Answer, Change, ChangeKind, Question};

/// The family's parameters; at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drift {
    /// Nothing under these differs from the image.
    #[serde(default)]
    pub unchanged: Option<Var<Vec<String>>>,
    /// Whatever differs is under these. Changes under the subject's immutable paths are the business of `unchanged`.
    #[serde(default)]
    pub only: Option<Var<Vec<String>>>,
    /// No file or directory of these names is created, at any depth, writable paths included.
    #[serde(default)]
    pub never_created: Vec<String>,
    /// These exist now.
    #[serde(default)]
    pub written: Option<Var<Vec<String>>>,
}

impl Drift {
    fn paths(&self) -> impl Iterator<Item = &Var<Vec<String>>> {
        self.unchanged.iter().chain(&self.only).chain(&self.written)
    }
}

impl Check for Drift {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        self.paths().try_for_each(|p| claimed(p, subject))
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let mut questions = vec![Question::Drift];
        if let Some(Ok(paths)) = self.written.as_ref().map(|w| value(w, context.subject)) {
            questions.push(Question::Stat { paths });
        }
        questions
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        if self.paths().next().is_none() && self.never_created.is_empty() {
            return Err(Unanswered("`drift` asks for nothing".into()));
        }
        let changes = boot.answer(0, |a| {
            if let Answer::Drift(changes) = a {
                Some(changes)
            } else {
                None
            }
        })?;
        let mut findings = Vec::new();
        if let Some(unchanged) = &self.unchanged {
            for root in value(unchanged, context.subject)? {
                let hits = changes.iter().filter(|c| is_under(&c.path, &root));
                findings.extend(found(hits, &format!("nothing under {root} changes")));
            }
        }
        if let Some(only) = &self.only {
            let allowed = value(only, context.subject)?;
            let elsewhere = |c: &&Change| {
                !allowed
                    .iter()
                    .chain(&context.subject.immutable)
                    .any(|root| is_under(&c.path, root))
            };
            let shown = if allowed.is_empty() {
                "nothing changes".into()
            } else {
                format!("nothing changes outside {}", allowed.join(", "))
            };
            findings.extend(found(changes.iter().filter(elsewhere), &shown));
        }
        for name in &self.never_created {
            let hits = changes
                .iter()
                .filter(|c| c.kind == ChangeKind::Added && c.path.rsplit('/').next() == Some(name));
            findings.extend(found(
                hits,
                &format!("no `{name}` is created, at any depth"),
            ));
        }
        if self.written.is_some() {
            findings.extend(absent(boot)?);
        }
        Ok(findings)
    }
}

fn found<'a>(hits: impl Iterator<Item = &'a Change>, expected: &str) -> Option<Finding> {
    let hits: Vec<&Change> = hits.collect();
    let first = hits.first()?;
    let more = if hits.len() > 1 {
        format!(" and {} more", hits.len() - 1)
    } else {
        String::new()
    };
    Some(
        Finding::new(expected, format!("{}{more}", describe(first)))
            .with(hits.iter().map(|c| describe(c))),
    )
}

fn describe(change: &Change) -> String {
    let verb = match change.kind {
        ChangeKind::Added => "was created",
        ChangeKind::Modified => "was changed",
        ChangeKind::Deleted => "was deleted",
    };
    let who = change
        .now
        .as_ref()
        .map(|e| format!(" (uid {}, mode {:04o})", e.uid, e.mode))
        .unwrap_or_default();
    let detail = if change.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", change.detail)
    };
    format!("{} {verb}{who}{detail}", change.path)
}

fn absent(boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
    let entries = boot.answer(1, |a| {
        if let Answer::Entries(entries) = a {
            Some(entries)
        } else {
            None
        }
    })?;
    let missing = entries.iter().filter(|(_, entry)| entry.is_none());
    Ok(missing
        .map(|(path, _)| Finding::new(format!("a boot writes {path}"), "it does not exist"))
        .collect())
}
