//! `refuses-writes: subject.immutable` — even root inside cannot create a file there.

use adamant_probe::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, value};
use crate::case::{Subject, Var};
use crate::engine::{Answer, Question};

/// The directories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RefusesWrites(pub Var<Vec<String>>);

impl Check for RefusesWrites {
    fn asks(&self) -> Result<(), String> {
        if matches!(&self.0, Var::Value(dirs) if dirs.is_empty()) {
            return Err("its list is empty".into());
        }
        Ok(())
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        claimed(&self.0, subject)
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let Ok(paths) = value(&self.0, context.subject) else {
            return Vec::new();
        };
        // A file is immutable when its directory takes no other one in its place.
        let dir = |path: String| match context.image.resolve(&path) {
            Some(entry) if entry.kind != Kind::Dir => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                if parent.is_empty() {
                    "/".to_owned()
                } else {
                    parent.to_owned()
                }
            }
            _ => path,
        };
        let dirs = paths.into_iter().map(dir).collect();
        vec![Question::TryWrite { dirs }]
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let written = boot.answer(0, |a| {
            if let Answer::Written(w) = a {
                Some(w)
            } else {
                None
            }
        })?;
        if written.is_empty() {
            return Err(Unanswered("no directory was tried".into()));
        }
        let mut findings = Vec::new();
        for (dir, errno) in written {
            let expected = format!("a file cannot be created in {dir}");
            match errno.as_deref() {
                None => findings.push(Finding::new(
                    expected,
                    "root inside the container created one",
                )),
                Some("EROFS") => {}
                Some(other) => findings.push(Finding::new(
                    format!("{expected}, because it is read-only (EROFS)"),
                    format!("it fails with {other} only"),
                )),
            }
        }
        Ok(findings)
    }
}
