//! `reports/runs/<trial>/`: what a trial leaves that did not pass, enough to understand it without running it again.

use std::fmt::Write as _;
use std::io;
use std::path::{Component, Path, PathBuf};

use adamant_probe::{Action, Actor, TraceEvent};
use serde::Serialize;
use serde_json::{Value, json};

use super::file::Trouble;
use super::{BootEvidence, Event, Reporter, TrialReport, text};
use crate::engine::{Answer, Change, ChangeKind};
use crate::redact::Redactor;
use crate::run::{Outcome, Verdict};

/// Writes a folder for each trial that did not pass, and removes the folder of one that did.
#[derive(Debug)]
pub struct Evidence {
    runs: PathBuf,
    trouble: Trouble,
}

impl Evidence {
    /// Below the folder of the reports.
    #[must_use]
    pub fn new(reports: &Path) -> Self {
        Self {
            runs: reports.join("runs"),
            trouble: Trouble::default(),
        }
    }
}

/// Whether there is something to understand.
pub(super) fn is_kept(outcome: &Outcome) -> bool {
    !matches!(outcome.verdict(), Verdict::Passed | Verdict::Skipped)
}

impl Reporter for Evidence {
    fn event(&mut self, event: &Event) {
        let Event::TrialFinished(report) = event else {
            return;
        };
        if let Err(error) = keep(&self.runs, report) {
            self.trouble
                .keep(&format!("keep the evidence of `{}`", report.name), &error);
        }
    }

    fn errors(&self) -> Vec<String> {
        self.trouble.texts()
    }
}

fn keep(runs: &Path, report: &TrialReport) -> io::Result<()> {
    let dir = inside(runs, &report.path)?;
    remove(&dir)?;
    if !is_kept(&report.outcome) {
        prune(runs, &dir);
        return Ok(());
    }
    fs_err::create_dir_all(&dir)?;
    let redactor = Redactor::new(&report.secrets).of_subject();
    for (name, content) in files(report, &redactor)? {
        fs_err::write(dir.join(name), content)?;
    }
    for file in &report.files {
        let path = inside(&dir, &file.path)?;
        fs_err::create_dir_all(path.parent().unwrap_or(&dir))?;
        fs_err::write(path, &file.bytes)?;
    }
    Ok(())
}

/// The folder of a trial: a path below `runs` in which no step leads elsewhere.
fn inside(runs: &Path, path: &Path) -> io::Result<PathBuf> {
    let refuse = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let mut dir = runs.to_owned();
    for component in path.components() {
        let Component::Normal(name) = component else {
            return Err(refuse(format!(
                "`{}` is not a path below `{}`",
                path.display(),
                runs.display()
            )));
        };
        dir.push(name);
        if dir.is_symlink() {
            return Err(refuse(format!(
                "`{}` is a symlink, which reports do not follow",
                dir.display()
            )));
        }
    }
    if dir == runs {
        Err(refuse(format!(
            "an empty path is not below `{}`",
            runs.display()
        )))
    } else {
        Ok(dir)
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs_err::symlink_metadata(dir) {
        Ok(found) if found.is_dir() => fs_err::remove_dir_all(dir),
        Ok(_) => fs_err::remove_file(dir),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Removes folders that a removal left empty.
fn prune(runs: &Path, dir: &Path) {
    for parent in dir.ancestors().skip(1).take_while(|p| *p != runs) {
        // It fails for a folder that is not there or not empty, which is as it should be.
        let _ = fs_err::remove_dir(parent);
    }
}

fn files(report: &TrialReport, redactor: &Redactor) -> io::Result<Vec<(&'static str, String)>> {
    let mut files = vec![
        ("verdict.txt", text::verdict(report)),
        ("replay.txt", text::replay(report) + "\n"),
    ];
    if report.boots.is_empty() {
        return Ok(files);
    }
    files.push(("log.txt", redactor.text(&log(&report.boots))));
    let answers = report.boots.iter().map(|b| json!({ "id": b.id, "started_ns": b.started_ns, "reached": b.reached, "asked": b.asked }));
    files.push(("answers.json", pretty(answers.collect(), redactor)?));
    let events = events(&report.boots, redactor)?;
    if !events.is_empty() {
        files.push(("events.jsonl", events));
    }
    let inspected: Vec<Value> = report
        .boots
        .iter()
        .filter_map(|b| b.inspect.clone())
        .collect();
    if !inspected.is_empty() {
        files.push(("inspect.json", pretty(inspected, redactor)?));
    }
    if let Some(changes) = changes(&report.boots) {
        files.push(("changes.txt", redactor.text(&changes)));
    }
    if let Some(trace) = trace(&report.boots) {
        files.push(("trace.txt", redactor.text(&trace)));
    }
    Ok(files)
}

fn pretty(values: Vec<Value>, redactor: &Redactor) -> io::Result<String> {
    let mut value = Value::Array(values);
    redactor.json(&mut value);
    value.sort_all_objects();
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// Each boot's structured events, one a line.
fn events(boots: &[BootEvidence], redactor: &Redactor) -> io::Result<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        boot: usize,
        #[serde(flatten)]
        event: &'a crate::engine::Event,
    }
    let mut out = String::new();
    for (number, boot) in boots.iter().enumerate() {
        for event in &boot.log.events {
            let mut value = serde_json::to_value(Line {
                boot: number + 1,
                event,
            })?;
            redactor.json(&mut value);
            value.sort_all_objects();
            out.push_str(&value.to_string());
            out.push('\n');
        }
    }
    Ok(out)
}

/// Each boot's output: its head, a line that says what is missing, its tail.
fn log(boots: &[BootEvidence]) -> String {
    let mut out = String::new();
    for (number, boot) in boots.iter().enumerate() {
        let log = &boot.log;
        headline(&mut out, number, boots);
        out.push_str(&log.head);
        if !log.tail.is_empty() {
            let kept = u64::try_from(log.head.len() + log.tail.len()).unwrap_or(u64::MAX);
            if log.bytes > kept {
                note(
                    &mut out,
                    &format!(
                        "left out: {} of {}",
                        text::count(log.bytes - kept, "byte"),
                        log.bytes
                    ),
                );
            }
            out.push_str(&log.tail);
        }
        end_line(&mut out);
        if let Some(why) = &log.cut {
            note(&mut out, &format!("the log is not whole: {why}"));
        }
    }
    out
}

/// What each boot changed, when somebody asked.
fn changes(boots: &[BootEvidence]) -> Option<String> {
    let mut out = String::new();
    let mut asked = false;
    for (number, boot) in boots.iter().enumerate() {
        let drifts = boot.asked.iter().filter_map(|a| {
            if let Ok(Answer::Drift(changes)) = &a.answer {
                Some(changes)
            } else {
                None
            }
        });
        for changes in drifts {
            asked = true;
            headline(&mut out, number, boots);
            changes.iter().for_each(|c| change(&mut out, c));
        }
    }
    asked.then_some(out)
}

/// What each boot's processes did, when somebody asked.
fn trace(boots: &[BootEvidence]) -> Option<String> {
    let mut out = String::new();
    let mut asked = false;
    for (number, boot) in boots.iter().enumerate() {
        // Later answers hold the earlier ones.
        let last = boot.asked.iter().rev().find_map(|a| match &a.answer {
            Ok(Answer::Trace(trace)) => Some(trace),
            _ => None,
        });
        if let Some(trace) = last {
            asked = true;
            headline(&mut out, number, boots);
            trace.events.iter().for_each(|e| event(&mut out, e));
            if let Some(why) = &trace.cut {
                note(&mut out, &format!("the trace is not whole: {why}"));
            }
        }
    }
    asked.then_some(out)
}

fn event(out: &mut String, event: &TraceEvent) {
    let action = match &event.action {
        Action::Write {
            call,
            path,
            from: None,
        } => format!("{call} {path}"),
        Action::Write {
            call,
            path,
            from: Some(from),
        } => format!("{call} {from} → {path}"),
        Action::Connect { address, port } => format!("connect {address} port {port}"),
        Action::Resolve { name, server } => format!("resolve {name} at {server}"),
        Action::Exec {
            path,
            argv,
            refused: None,
            ..
        } => format!("exec {path}: {}", argv.join(" ")),
        Action::Exec {
            path,
            argv,
            refused: Some(errno),
            ..
        } => {
            format!("exec {path} ({errno}): {}", argv.join(" "))
        }
        Action::Read { path } => format!("read {path}"),
        Action::Exit { code } => format!("exit {code}"),
    };
    let Actor {
        pid,
        ppid,
        uid,
        argv,
        ..
    } = &event.actor;
    let at = std::time::Duration::from_nanos(event.at_ns).as_secs_f64();
    let line = format!(
        "{at:.3}  pid {pid} (of {ppid}) uid {uid} [{}]  {action}",
        argv.join(" ")
    );
    out.push_str(&super::layout::clean(&line));
    out.push('\n');
}

fn change(out: &mut String, change: &Change) {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Modified => "modified",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Touched => "touched",
    };
    // Writing to a string cannot fail.
    let _ = write!(out, "{kind:<8}  {}", super::layout::clean(&change.path));
    if let Some(now) = &change.now {
        let _ = write!(
            out,
            "  (uid {}, gid {}, mode {:04o}, {})",
            now.uid,
            now.gid,
            now.mode,
            text::count(now.size, "byte")
        );
    }
    if !change.detail.is_empty() {
        let _ = write!(out, "  {}", super::layout::clean(&change.detail));
    }
    out.push('\n');
}

/// Which boot follows, when there are several.
fn headline(out: &mut String, number: usize, boots: &[BootEvidence]) {
    if boots.len() > 1 {
        note(
            out,
            &format!(
                "boot {} of {}, {}",
                number + 1,
                boots.len(),
                boots[number].id
            ),
        );
    }
}

/// A line of ours among those of a subject.
fn note(out: &mut String, text: &str) {
    end_line(out);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "[adamant: {text}]");
}

fn end_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}
