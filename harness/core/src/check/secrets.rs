//! `secrets: { paths: subject.secrets }` — instance secrets differ between instances and are in no layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, value};
use crate::case::{Subject, Var};
use crate::engine::{Answer, Question};

/// SHA-256 of the empty file: no secret, and in many layers.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The files.
    pub paths: Var<Vec<String>>,
}

impl Check for Secrets {
    fn asks(&self) -> Result<(), String> {
        if matches!(&self.paths, Var::Value(paths) if paths.is_empty()) {
            return Err("`paths` is empty".into());
        }
        Ok(())
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        claimed(&self.paths, subject)
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        value(&self.paths, context.subject)
            .map(|paths| vec![Question::Stat { paths }])
            .unwrap_or_default()
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let mut findings = Vec::new();
        for (path, hash) in hashes(boot)? {
            let Some(hash) = hash else {
                findings.push(
                    Finding::new(
                        format!("a boot makes the secret {path}"),
                        "it does not exist or is not a regular file",
                    )
                    .coded("secrets/absent"),
                );
                continue;
            };
            if hash == EMPTY {
                findings.push(
                    Finding::new(format!("the secret {path} has content"), "it is empty")
                        .coded("secrets/absent"),
                );
                continue;
            }
            let hits = context
                .image
                .layer_files
                .iter()
                .filter(|f| f.sha256 == hash || f.path == path);
            let shown: Vec<String> = hits
                .map(|f| format!("layer {} has {}", f.layer + 1, f.path))
                .collect();
            if let Some(first) = shown.first().cloned() {
                findings.push(
                    Finding::new(
                        format!("the secret {path} is in no layer of the image"),
                        first,
                    )
                    .coded("secrets/in-layer")
                    .with(shown),
                );
            }
        }
        Ok(findings)
    }

    fn judge_all(
        &self,
        _context: &Context<'_>,
        boots: &[Boot],
    ) -> Result<Vec<Finding>, Unanswered> {
        let [one, two, ..] = boots else {
            return Err(Unanswered(
                "one instance cannot be compared with itself; the case needs `boots: 2`".into(),
            ));
        };
        let (one, two) = (hashes(one)?, hashes(two)?);
        let alike = one
            .iter()
            .zip(&two)
            .filter(|((_, a), (_, b))| a.is_some() && a == b);
        Ok(alike
            .map(|((path, _), _)| {
                Finding::new(
                    format!("the secret {path} differs between instances"),
                    "two instances have the same",
                )
                .coded("secrets/shared")
            })
            .collect())
    }
}

fn hashes(boot: &Boot) -> Result<Vec<(String, Option<String>)>, Unanswered> {
    let entries = boot.answer(0, |a| {
        if let Answer::Entries(e) = a {
            Some(e)
        } else {
            None
        }
    })?;
    let mut hashes = Vec::new();
    for (path, entry) in entries {
        let hash = match entry {
            Some(e) if e.kind == adamant_probe::Kind::File => match &e.sha256 {
                Some(hash) => Some(hash.clone()),
                None => return Err(Unanswered(format!("the probe could not read {path}"))),
            },
            _ => None,
        };
        hashes.push((path.clone(), hash));
    }
    Ok(hashes)
}
