//! `drift: { unchanged: subject.immutable }` — what a boot changed, against the image (PRD-002 §5.1, AC-4, AC-5).

use adamant_probe::Action;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, is_under, trace, value};
use crate::case::{Subject, Var};
use crate::engine::{Answer, Change, ChangeKind, Image, Question};

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
    fn asks(&self) -> Result<(), String> {
        if self.paths().next().is_none() && self.never_created.is_empty() {
            return Err("it needs `unchanged`, `only`, `never-created` or `written`".into());
        }
        // An empty `only` does ask: that nothing changes at all.
        for (key, paths) in [("unchanged", &self.unchanged), ("written", &self.written)] {
            if matches!(paths, Some(Var::Value(paths)) if paths.is_empty()) {
                return Err(format!("`{key}` is empty"));
            }
        }
        Ok(())
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        self.paths().try_for_each(|p| claimed(p, subject))
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let mut questions = vec![Question::Drift];
        if let Some(Ok(paths)) = self.written.as_ref().map(|w| value(w, context.subject)) {
            questions.push(Question::Stat { paths });
        }
        questions.push(Question::Trace);
        questions
    }

    fn attributes(&self) -> bool {
        true
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
        // Where nobody watched, what changed is known and who did it is not.
        let seen = trace::events(boot, boot.answers.len().saturating_sub(1)).ok();
        let told = |change: &Change| describe(context.image, seen, change);
        let mut findings = Vec::new();
        if let Some(unchanged) = &self.unchanged {
            for root in value(unchanged, context.subject)? {
                findings.extend(unchanged_under(context, &root, changes, &told));
            }
        }
        if let Some(only) = &self.only {
            let allowed = value(only, context.subject)?;
            let roots = allowed.iter().chain(&context.subject.immutable);
            let known: Vec<Root<'_>> = roots.map(|r| Root::new(context.image, r)).collect();
            // What was opened for writing and is as shipped is no difference.
            let elsewhere = |c: &&Change| {
                c.kind != ChangeKind::Touched && !known.iter().any(|root| root.holds(&c.path))
            };
            let shown = if allowed.is_empty() {
                "nothing changes".into()
            } else {
                format!("nothing changes outside {}", allowed.join(", "))
            };
            let hits = changes.iter().filter(elsewhere);
            findings.extend(found(hits, "drift/undeclared", &shown, &told));
        }
        for name in &self.never_created {
            let hits = changes
                .iter()
                .filter(|c| c.kind == ChangeKind::Added && c.path.rsplit('/').next() == Some(name));
            findings.extend(found(
                hits,
                "drift/forbidden-name",
                &format!("no `{name}` is created, at any depth"),
                &told,
            ));
        }
        if self.written.is_some() {
            findings.extend(absent(boot)?);
        }
        Ok(findings)
    }
}

/// A declared path, and where the image's symlinks lead it.
struct Root<'a> {
    written: &'a str,
    place: Option<&'a str>,
}

impl<'a> Root<'a> {
    fn new(image: &'a Image, written: &'a str) -> Self {
        let place = image.resolve(written).map(|entry| entry.path.as_str());
        Self { written, place }
    }

    /// Changes on the root file system carry the real path, those on a mount the declared one.
    fn holds(&self, path: &str) -> bool {
        is_under(path, self.written) || self.place.is_some_and(|place| is_under(path, place))
    }

    /// Whether `other` is declared below this one, so that it is an exception to it.
    fn is_above(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| a.trim_end_matches('/') == b.trim_end_matches('/');
        let below = |path: &str, root: &str| is_under(path, root) && !same(path, root);
        below(other.written, self.written)
            || self.place.is_some_and(|place| below(other.written, place))
    }
}

fn unchanged_under(
    context: &Context<'_>,
    root: &str,
    changes: &[Change],
    told: &dyn Fn(&Change) -> String,
) -> Option<Finding> {
    let root = Root::new(context.image, root);
    if root.place.is_none() {
        return Some(
            Finding::new(
                format!("{} is in the image", root.written),
                "it is not, so nothing about it can be proven",
            )
            .coded("drift/tree-absent"),
        );
    }
    let writable = context.subject.writable.iter();
    let exceptions: Vec<Root<'_>> = writable
        .map(|path| Root::new(context.image, path))
        .filter(|path| root.is_above(path))
        .map(|path| Root {
            // A symlink to the tree itself does not make the whole tree an exception.
            place: path
                .place
                .filter(|place| !root.place.is_some_and(|own| is_under(own, place))),
            ..path
        })
        .collect();
    let hits = changes
        .iter()
        .filter(|c| root.holds(&c.path) && !exceptions.iter().any(|e| e.holds(&c.path)));
    found(
        hits,
        "drift/tree-changed",
        &format!("nothing under {} changes", root.written),
        told,
    )
}

fn found<'a>(
    hits: impl Iterator<Item = &'a Change>,
    code: &'static str,
    expected: &str,
    told: &dyn Fn(&Change) -> String,
) -> Option<Finding> {
    let hits: Vec<&Change> = hits.collect();
    let first = hits.first()?;
    let more = if hits.len() > 1 {
        format!(" and {} more", hits.len() - 1)
    } else {
        String::new()
    };
    Some(
        Finding::new(expected, format!("{}{more}", told(first)))
            .coded(code)
            .about(hits.iter().map(|c| told(c)).collect()),
    )
}

/// Who asked for the last change at a path, or moved a directory above it there.
fn author(image: &Image, seen: Option<trace::Seen<'_>>, path: &str) -> Option<String> {
    let seen = seen?;
    let place = image.place(path);
    let names = |at: &str, exact: bool| {
        [path, &place]
            .iter()
            .any(|own| if exact { *own == at } else { is_under(own, at) })
    };
    let by = |exact: bool| {
        seen.events.iter().rev().find(|event| match &event.action {
            Action::Write { path, from, call } => {
                let moved = from.as_ref().filter(|_| call.starts_with("rename"));
                (exact || moved.is_some()) && names(path, exact)
                    || moved.is_some_and(|from| names(from, exact))
            }
            _ => false,
        })
    };
    let event = by(true).or_else(|| by(false))?;
    Some(format!(
        ", by {}, {}",
        seen.who(&event.actor),
        seen.when(event)
    ))
}

fn describe(image: &Image, seen: Option<trace::Seen<'_>>, change: &Change) -> String {
    let verb = match change.kind {
        ChangeKind::Added => "was created",
        ChangeKind::Modified => "was changed",
        ChangeKind::Deleted => "was deleted",
        ChangeKind::Touched => "was opened for writing; its content is as shipped",
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
    let author = author(image, seen, &change.path).unwrap_or_default();
    format!("{} {verb}{who}{detail}{author}", change.path)
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
        .map(|(path, _)| {
            Finding::new(format!("a boot writes {path}"), "it does not exist")
                .coded("drift/write-missing")
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use adamant_probe::{Entry, Kind};

    use super::*;
    use crate::case::parse_text;

    fn entry(path: &str, kind: Kind, target: Option<&str>) -> Entry {
        Entry {
            target: target.map(Into::into),
            ..Entry::new(path, kind, 0o755)
        }
    }

    fn judged(check: &str, changes: &[(&str, ChangeKind)]) -> Vec<String> {
        let subject = "name: s\nimage: x\nimmutable: [/app, /gone]\nwritable: [/app/data]\n";
        let subject: Subject = parse_text(subject, Path::new("s")).expect("a subject");
        let check: Drift = parse_text(check, Path::new("c")).expect("a check");
        let mut image = Image::default();
        for e in [
            entry("/app", Kind::Symlink, Some("/srv/app")),
            entry("/srv", Kind::Dir, None),
            entry("/srv/app", Kind::Dir, None),
            entry("/srv/app/data", Kind::Dir, None),
        ] {
            image.entries.insert(e.path.clone(), e);
        }
        let changes = changes.iter().map(|(path, kind)| Change {
            path: (*path).into(),
            kind: *kind,
            now: None,
            detail: String::new(),
        });
        let boot = Boot {
            answers: vec![Ok(Answer::Drift(changes.collect()))],
            ..Boot::default()
        };
        let context = Context {
            subject: &subject,
            image: &image,
            enabled: &BTreeSet::new(),
            fault: None,
        };
        let findings = check.judge(&context, &boot).expect("judged");
        findings.into_iter().map(|f| f.seen).collect()
    }

    #[test]
    fn a_tree_behind_a_symlink_is_the_tree_and_what_is_not_there_proves_nothing() {
        use ChangeKind::{Added, Touched};
        let one = |path, kind| judged("{ unchanged: [/app] }", &[(path, kind)]);
        assert_eq!(one("/srv/app/x", Added), ["/srv/app/x was created"]);
        assert_eq!(one("/app/x", Added), ["/app/x was created"]);
        assert!(one("/srv/app/x", Touched)[0].contains("opened for writing"));
        for exempt in ["/srv/app/data/x", "/app/data/x", "/srv/application"] {
            assert!(one(exempt, Added).is_empty(), "{exempt}");
        }
        let gone = judged("{ unchanged: subject.immutable }", &[]);
        assert_eq!(gone, ["it is not, so nothing about it can be proven"]);
    }

    #[test]
    fn what_was_only_touched_is_no_difference_elsewhere() {
        use ChangeKind::{Added, Touched};
        let one = |path, kind| judged("{ only: [/app/data, /none] }", &[(path, kind)]);
        assert!(one("/etc/motd", Touched).is_empty());
        assert!(one("/srv/app/data/x", Added).is_empty());
        assert_eq!(one("/etc/motd", Added).len(), 1);
    }
}
