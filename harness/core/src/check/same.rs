//! `same: [exit, fatal, events]` — several boots under the same conditions end alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use adamant_probe::{Action, Entry, Kind, Process};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, trace};
use crate::case::Subject;
use crate::engine::{Answer, Question, Reached, Watch};
use crate::redact::volatile;

/// What must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Same(pub Vec<Aspect>);

/// One aspect of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Whether and with which code process 1 ended.
    Exit,
    /// The fatal lines.
    Fatal,
    /// The names of the events, in order.
    Events,
    /// The process tree: who runs what, under whom.
    Processes,
    /// Where it listens.
    Ports,
    /// The paths that somebody asked to write.
    Writes,
    /// Which command ended with which code.
    Codes,
    /// The files that were executed, mapped or loaded, with their hashes.
    Loaded,
}

impl Check for Same {
    fn asks(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("its list is empty".into());
        }
        Ok(())
    }

    fn traces(&self) -> bool {
        self.0.iter().any(|aspect| aspect.is_traced())
    }

    fn reads(&self) -> bool {
        self.0.contains(&Aspect::Loaded)
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        self.0
            .iter()
            .filter_map(|aspect| aspect.question())
            .collect()
    }

    fn watches(&self, subject: &Subject) -> Vec<Watch> {
        if self.0.contains(&Aspect::Fatal) {
            vec![super::fatal::watch(subject)]
        } else {
            Vec::new()
        }
    }

    fn judge(&self, _context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        Ok(Vec::new())
    }

    fn judge_all(&self, context: &Context<'_>, boots: &[Boot]) -> Result<Vec<Finding>, Unanswered> {
        let [first, rest @ ..] = boots else {
            return Err(Unanswered("there was no boot".into()));
        };
        if rest.is_empty() {
            return Err(Unanswered(
                "one boot cannot be compared with itself; the case needs `boots: 2`".into(),
            ));
        }
        let mut findings = Vec::new();
        for aspect in &self.0 {
            let index = self.0.iter().take_while(|a| *a != aspect);
            let index = index.filter(|a| a.question().is_some()).count();
            let one = aspect.of(context.subject, first, index)?;
            for (number, boot) in rest.iter().enumerate() {
                let other = aspect.of(context.subject, boot, index)?;
                findings.extend(divergence(*aspect, &one, &other, number + 2));
            }
        }
        Ok(findings)
    }
}

/// Where a boot first differs from the first one.
fn divergence(aspect: Aspect, one: &[String], other: &[String], number: usize) -> Option<Finding> {
    if one == other {
        return None;
    }
    let at = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let shown = |list: &[String]| {
        list.get(at)
            .cloned()
            .unwrap_or_else(|| "nothing more".into())
    };
    let expected = format!("{} the same on every boot", aspect.name());
    let seen = format!("boot {number} differs from boot 1");
    let before = at.checked_sub(1).and_then(|at| one.get(at));
    let before = before.map(|line| format!("both: {line}"));
    let lines = before.into_iter().chain([
        format!("boot 1: {}", shown(one)),
        format!("boot {number}: {}", shown(other)),
    ]);
    Some(
        Finding::new(expected, seen)
            .coded("same/differs")
            .with(lines),
    )
}

impl Aspect {
    fn name(self) -> &'static str {
        match self {
            Self::Exit => "the end of process 1 is",
            Self::Fatal => "the fatal lines are",
            Self::Events => "the events are",
            Self::Processes => "the process tree is",
            Self::Ports => "the open ports are",
            Self::Writes => "the written paths are",
            Self::Codes => "the exit codes are",
            Self::Loaded => "the loaded files are",
        }
    }

    fn is_traced(self) -> bool {
        matches!(self, Self::Writes | Self::Codes | Self::Loaded)
    }

    fn question(self) -> Option<Question> {
        match self {
            Self::Exit | Self::Fatal | Self::Events => None,
            Self::Processes => Some(Question::Processes),
            Self::Ports => Some(Question::Ports),
            Self::Writes | Self::Codes => Some(Question::Trace),
            Self::Loaded => Some(Question::Loaded),
        }
    }

    /// What there is of it, in an order that does not depend on races; `index` is that of its answer.
    fn of(self, subject: &Subject, boot: &Boot, index: usize) -> Result<Vec<String>, Unanswered> {
        Ok(match self {
            Self::Exit => vec![match &boot.reached {
                Some(Reached::Exited { exit, .. }) => format!("ended with code {}", exit.code),
                Some(Reached::Ready { .. }) => "ready".into(),
                Some(Reached::TimedOut { .. }) => "still running".into(),
                None => return Err(Unanswered("the container was never waited for".into())),
            }],
            Self::Fatal => {
                let (_, lines) = boot.matches(&super::fatal::watch(subject))?;
                // Structured lines are the events' business; the two streams come in no fixed order, and times are not the message.
                let told = lines
                    .iter()
                    .filter(|l| !l.text.trim_start().starts_with('{'));
                let told: BTreeSet<String> = told.map(|l| volatile(&l.text)).collect();
                told.into_iter().collect()
            }
            Self::Events => {
                let events = boot.log.events.iter();
                events.map(|event| event.name.clone()).collect()
            }
            Self::Processes => {
                let found = boot.answer(index, |a| match a {
                    Answer::Processes(found) => Some(found),
                    _ => None,
                })?;
                tree(found)
            }
            Self::Ports => {
                let ports = boot.answer(index, |a| match a {
                    Answer::Ports(ports) => Some(ports),
                    _ => None,
                })?;
                let told = ports
                    .iter()
                    .map(|p| format!("{} {}", p.protocol, p.address));
                told.collect()
            }
            Self::Writes | Self::Codes => self.traced(trace::events(boot, index)?),
            Self::Loaded => {
                let files = boot.answer(index, |a| match a {
                    Answer::Entries(files) => Some(files),
                    _ => None,
                })?;
                files.iter().map(loaded).collect::<Result<_, _>>()?
            }
        })
    }

    fn traced(self, seen: trace::Seen<'_>) -> Vec<String> {
        let mut programs = BTreeMap::new();
        let mut told = Vec::new();
        for event in seen.events {
            match &event.action {
                Action::Write { path, .. } if self == Self::Writes => told.push(steady(path)),
                Action::Exec {
                    argv,
                    refused: None,
                    ..
                } => {
                    programs.insert(event.actor.pid, argv);
                }
                Action::Exit { code } if self == Self::Codes => {
                    // A process that never became another program is a part of the one that made it.
                    let own = programs.remove(&event.actor.pid);
                    told.extend(own.map(|argv| format!("{code} from {}", steady(&argv.join(" ")))));
                }
                _ => {}
            }
        }
        told.sort();
        if self == Self::Writes {
            told.dedup();
        }
        told
    }
}

/// `program under program`, sorted.
fn tree(found: &[Process]) -> Vec<String> {
    let line = |process: &Process| steady(&process.argv.join(" "));
    let by_pid: BTreeMap<i32, &Process> = found.iter().map(|p| (p.pid, p)).collect();
    let mut told: Vec<String> = found
        .iter()
        .filter(|process| !process.argv.is_empty())
        .map(|process| match by_pid.get(&process.ppid) {
            Some(parent) => format!("{} under {}", line(process), line(parent)),
            None => line(process),
        })
        .collect();
    told.sort();
    told
}

fn loaded((path, entry): &(String, Option<Entry>)) -> Result<String, Unanswered> {
    let path = steady(path);
    match entry {
        None => Ok(format!("{path}, which is gone")),
        Some(Entry {
            sha256: Some(hash), ..
        }) => Ok(format!("{path} {hash}")),
        Some(entry) if entry.kind != Kind::File => Ok(format!("{path} {:?}", entry.kind)),
        Some(_) => Err(Unanswered(format!(
            "`{path}` could not be read, so it has no hash"
        ))),
    }
}

/// Without what rightly differs between two boots: times, process numbers, and the names that `mktemp` makes up.
fn steady(text: &str) -> String {
    static MADE_UP: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(tmp[._-]?|[A-Za-z0-9_-]+\.)[A-Za-z0-9_]{6,}\b|\b[0-9a-f]{8,}\b|\b\d+\b")
            .expect("a regular expression")
    });
    let text = volatile(text);
    let steady = MADE_UP.replace_all(&text, |found: &regex::Captures<'_>| {
        let word = &found[0];
        let made_up = word.bytes().any(|b| b.is_ascii_digit())
            || word.starts_with("tmp") && word.bytes().any(|b| b.is_ascii_uppercase());
        if made_up {
            "*".to_owned()
        } else {
            word.to_owned()
        }
    });
    steady.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_steady_and_what_is_chosen_is_not() {
        for (one, other) in [
            ("/tmp/tmp.AbCdEfGhIj", "/tmp/tmp.KlMnOpQrSt"),
            ("/run/1234/x", "/run/99/x"),
            ("/data/0123abcd99", "/data/ffff000011"),
        ] {
            assert_eq!(steady(one), steady(other));
        }
        assert_ne!(steady("/workspace/alpha"), steady("/workspace/omega"));
        assert_ne!(steady("/lib/libssl.so"), steady("/lib/libcrypto.so"));
    }

    #[test]
    fn the_first_divergence_is_told_with_what_came_before_it() {
        let list = |words: &str| -> Vec<String> { words.split(' ').map(str::to_owned).collect() };
        let found = divergence(Aspect::Events, &list("a b c"), &list("a x c"), 2);
        let found = found.expect("they differ");
        assert_eq!(found.detail, ["both: a", "boot 1: b", "boot 2: x"]);
        let shorter = divergence(Aspect::Events, &list("a b"), &list("a"), 3).expect("differ");
        assert_eq!(shorter.detail[2], "boot 3: nothing more");
        assert_eq!(divergence(Aspect::Events, &list("a"), &list("a"), 2), None);
    }
}
