//! `writes: { never-under: subject.immutable }` — attempts to write, those that failed too, and who made them (PRD-002 §5.1).

use adamant_probe::{Action, TraceEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trace::{Seen, counted, events};
use super::{Boot, Check, Context, Finding, Unanswered, claimed, is_under, value};
use crate::case::{Subject, Var};
use crate::engine::Question;

/// The family's parameters; at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Writes {
    /// Nobody asks for a change below these; writable paths that lie inside one are exceptions.
    #[serde(default)]
    pub never_under: Option<Var<Vec<String>>>,
    /// Nobody makes a file or directory of these names, at any depth, writable paths included.
    #[serde(default)]
    pub never_named: Vec<String>,
}

impl Check for Writes {
    fn asks(&self) -> Result<(), String> {
        if matches!(&self.never_under, Some(Var::Value(paths)) if paths.is_empty()) {
            return Err("`never-under` is empty".into());
        }
        if self.never_under.is_none() && self.never_named.is_empty() {
            return Err("it needs `never-under` or `never-named`".into());
        }
        Ok(())
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        self.never_under
            .iter()
            .try_for_each(|paths| claimed(paths, subject))
    }

    fn traces(&self) -> bool {
        true
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Trace]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let seen = events(boot, 0)?;
        let mut findings = Vec::new();
        if let Some(paths) = &self.never_under {
            for declared in value(paths, context.subject)? {
                let root = context.image.place(&declared);
                // A trace shows where links lead; a name that leads nowhere in the image stays as it is written.
                let exceptions: Vec<String> = context
                    .subject
                    .writable
                    .iter()
                    .filter(|path| {
                        let place = context.image.place(path);
                        is_under(&place, &root) && place != root
                    })
                    .flat_map(|path| [path.clone(), context.image.place(path)])
                    .collect();
                let is_hit = |path: &str| {
                    let inside = is_under(path, &root) || is_under(path, &declared);
                    inside && !exceptions.iter().any(|e| is_under(path, e))
                };
                findings.extend(finding(
                    seen,
                    "writes/tree",
                    &format!("nobody tries to write under {declared}"),
                    is_hit,
                ));
            }
        }
        for name in &self.never_named {
            let is_hit = |path: &str| path.split('/').any(|part| part == name);
            findings.extend(finding(
                seen,
                "writes/forbidden-name",
                &format!("nobody makes a `{name}`, at any depth"),
                is_hit,
            ));
        }
        Ok(findings)
    }
}

/// One finding for all attempts on paths that `is_hit`: the first in full, all of them below it.
fn finding(
    seen: Seen<'_>,
    code: &'static str,
    expected: &str,
    is_hit: impl Fn(&str) -> bool,
) -> Option<Finding> {
    let hits: Vec<(&TraceEvent, String)> = seen
        .events
        .iter()
        .filter_map(|event| match &event.action {
            Action::Write { call, path, from } => {
                // A rename takes the old name away; a link leaves it as it is.
                let moved = from.as_ref().filter(|_| call.starts_with("rename"));
                let hit = is_hit(path) || moved.is_some_and(|from| is_hit(from));
                hit.then(|| (event, attempt(call, path, from.as_deref())))
            }
            _ => None,
        })
        .collect();
    let (first, what) = hits.first()?;
    let told = format!("{} {what}, {}", seen.who(&first.actor), seen.when(first));
    let all = counted(
        hits.iter()
            .map(|(event, what)| format!("{} {what}", seen.who(&event.actor))),
    );
    Some(Finding::new(expected, told).coded(code).about(all))
}

fn attempt(call: &str, path: &str, from: Option<&str>) -> String {
    let verb = match call {
        "mkdir" | "mkdirat" => "asked to make the directory",
        "unlink" | "unlinkat" | "rmdir" => "asked to remove",
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" => "asked to change the mode of",
        "chown" | "fchown" | "fchownat" | "lchown" => "asked to change the owner of",
        "open" | "openat" | "openat2" | "creat" => "opened for writing",
        _ => "",
    };
    match (verb, from) {
        ("", Some(from)) => format!("called {call} on {from} → {path}"),
        ("", None) => format!("called {call} on {path}"),
        (verb, _) => format!("{verb} {path}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use adamant_probe::{Actor, CONTROL_ADDRESS, Entry, Kind};

    use super::*;
    use crate::case::parse_text;
    use crate::engine::{Answer, Image, Trace};

    fn judged(check: &str, path: &str, from: Option<&str>) -> Vec<String> {
        let subject = "name: s\nimage: x\nimmutable: [/app]\nwritable: [/app/data, /tmp]\n";
        let subject: Subject = parse_text(subject, Path::new("s")).expect("a subject");
        let check: Writes = parse_text(check, Path::new("c")).expect("a check");
        let mut image = Image::default();
        for (path, kind, target) in [
            ("/app", Kind::Symlink, Some("/srv/app")),
            ("/srv", Kind::Dir, None),
            ("/srv/app", Kind::Dir, None),
        ] {
            let entry = Entry {
                target: target.map(Into::into),
                ..Entry::new(path, kind, 0o755)
            };
            image.entries.insert(path.into(), entry);
        }
        let (address, port) = CONTROL_ADDRESS.split_once(':').expect("a port");
        let write = |path: &str, from: Option<&str>| Action::Write {
            call: if from.is_some() { "rename" } else { "mkdir" }.into(),
            path: path.into(),
            from: from.map(Into::into),
        };
        let connect = Action::Connect {
            address: address.into(),
            port: port.parse().expect("a port"),
        };
        let events = [connect, write("/c", None), write(path, from)].map(|action| TraceEvent {
            at_ns: 0,
            actor: Actor {
                pid: 1,
                ppid: 0,
                parent: Vec::new(),
                exe: "/bin/x".into(),
                argv: vec!["x".into()],
                uid: 0,
            },
            action,
        });
        let trace = Trace {
            control: "/c".into(),
            events: events.into(),
            cut: None,
        };
        let boot = Boot {
            answers: vec![Ok(Answer::Trace(trace))],
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
    fn an_attempt_counts_where_the_links_lead_and_not_in_a_writable_part() {
        let under = |path| judged("{ never-under: subject.immutable }", path, None).len();
        assert_eq!(under("/srv/app/x"), 1);
        assert_eq!(under("/app/x"), 1);
        assert_eq!(under("/srv/application"), 0);
        assert_eq!(under("/app/data/x"), 0);
        assert_eq!(under("/tmp/x"), 0);
    }

    #[test]
    fn a_file_that_is_moved_away_was_written_too() {
        let check = "{ never-under: subject.immutable }";
        let seen = judged(check, "/tmp/y", Some("/srv/app/x"));
        assert_eq!(
            seen,
            ["x (pid 1, x, uid 0) called rename on /srv/app/x → /tmp/y, 0 ms after start"]
        );
    }

    #[test]
    fn a_name_counts_wherever_it_stands() {
        let named = |path| judged("{ never-named: [node_modules] }", path, None).len();
        assert_eq!(named("/tmp/node_modules"), 1);
        assert_eq!(named("/tmp/a/node_modules/b/c"), 1);
        assert_eq!(named("/tmp/my_node_modules"), 0);
    }
}
