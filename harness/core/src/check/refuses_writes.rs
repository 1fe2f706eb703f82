//! `refuses-writes: subject.immutable` — even root inside cannot create a file there, and no writable mount lies below.

use std::collections::BTreeMap;

use adamant_probe::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mounts::of_runtime;
use super::{Boot, Check, Context, Finding, Unanswered, claimed, is_under, value};
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
        vec![Question::TryWrite { dirs }, Question::Mounts]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
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
                None => findings.push(
                    Finding::new(expected, "root inside the container created one")
                        .coded("refuses-writes/created"),
                ),
                Some("EROFS") => {}
                Some(other) => findings.push(
                    Finding::new(
                        format!("{expected}, because it is read-only (EROFS)"),
                        format!("it fails with {other} only"),
                    )
                    .coded("refuses-writes/not-read-only"),
                ),
            }
        }
        let mounts = boot.answer(1, |a| {
            if let Answer::Mounts(mounts) = a {
                Some(mounts)
            } else {
                None
            }
        })?;
        let declared: Vec<String> = context
            .subject
            .writable
            .iter()
            .map(|p| context.image.place(p))
            .collect();
        for root in value(&self.0, context.subject)? {
            let place = context.image.place(&root);
            // The last mount on a target is the one that is seen.
            let mut seen = BTreeMap::new();
            for mount in mounts.iter().filter(|m| is_under(&m.target, &place)) {
                seen.insert(&mount.target, mount);
            }
            let open = seen.values().filter(|mount| {
                !mount.read_only
                    && !of_runtime(mount)
                    && !declared.iter().any(|path| {
                        is_under(&mount.target, path) && is_under(path, &place) && *path != place
                    })
            });
            // The root itself was tried above.
            findings.extend(open.filter(|mount| mount.target != place).map(|mount| {
                Finding::new(
                    format!("no writable mount lies in {root}"),
                    format!("{} ({}) is mounted writable", mount.target, mount.fstype),
                )
                .coded("refuses-writes/mount")
            }));
        }
        Ok(findings)
    }
}
