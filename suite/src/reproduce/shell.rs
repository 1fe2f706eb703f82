//! A shell in the boot of a kept trial, in place of a judgment.

use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::case::Boot;
use adamant_core::discover::PlannedTrial;
use adamant_core::engine::{Answer, EngineError, ErrorKind, Question, Reached, Terminal};
use adamant_core::env;
use adamant_core::report::{All, text};
use adamant_core::run::{Cancel, Options, Outcome, Session, Visit, Visitor};

use super::Bundle;
use crate::command::{Done, Failure};
use crate::engines::Connected;
use crate::{exit, judge};

/// Where images have shells, the comfortable ones first.
const SHELLS: [&str; 10] = [
    "/bin/bash",
    "/usr/bin/bash",
    "/usr/local/bin/bash",
    "/bin/zsh",
    "/bin/ash",
    "/bin/dash",
    "/bin/sh",
    "/usr/bin/sh",
    "/busybox/sh",
    "/usr/local/bin/sh",
];
/// How many of the subject's last lines are shown.
const LINES: usize = 10;

/// Boots the trial as it was and opens the shell. 0 once it was opened, whatever it ended with.
pub(crate) fn open(
    bundle: &Bundle,
    connected: Connected,
    trials: Vec<PlannedTrial>,
    cancel: Cancel,
) -> Done {
    let [trial] = trials.as_slice() else {
        let engines: Vec<&str> = trials.iter().map(|trial| trial.engine).collect();
        let mut failure = Failure::input(format!(
            "`--shell` opens one shell, and the trial would boot on {}",
            engines.join(" and ")
        ));
        failure.hint = Some("name one: `--engine oci`".into());
        return Err(failure);
    };
    let Some(boot) = &trial.case.case.boot else {
        let mut failure = Failure::input(format!(
            "`{}` judges the image alone: it boots no container that a shell could be opened in",
            trial.name
        ));
        failure.hint = Some("without `--shell` the case is judged again".into());
        return Err(failure);
    };
    anstream::eprintln!(
        "boots {} as for {}: {}",
        trial.subject.image,
        trial.name,
        conditions(trial, boot)
    );
    let findings = &bundle.record.findings;
    if !findings.is_empty() {
        anstream::eprintln!("it came to: {}", findings.join(", "));
    }
    let opened = Arc::<Mutex<bool>>::default();
    let visitor = {
        let opened = opened.clone();
        Visitor::new(move |visit| {
            let code = enter(visit)?;
            *opened.lock().unwrap_or_else(PoisonError::into_inner) = true;
            anstream::eprintln!("the shell ended with {code}; the container is removed");
            Ok(())
        })
    };
    let options = Options {
        id: judge::run_id(),
        timeout_scale: env::timeout_scale(),
        missing: connected.missing(),
        visitor: Some(visitor),
        cancel,
        ..Options::default()
    };
    let session = Session::start(
        options,
        connected.engines,
        trials,
        Box::new(All(Vec::new())),
    )?;
    let report = session.run(0);
    let (run, _) = session.finish();
    for outcome in [report.outcome].into_iter().chain(run.cleanup) {
        match outcome {
            Outcome::Broken { chain, hint } => {
                anstream::eprintln!("{}", text::chain(&chain, hint.as_deref()));
            }
            Outcome::Skipped { reason, .. } if !was(&opened) => {
                anstream::eprintln!("no container was booted: {reason}");
            }
            Outcome::Failed { findings } => {
                for finding in findings {
                    let finding = finding.finding;
                    anstream::eprintln!("expected: {}\nseen: {}", finding.expected, finding.seen);
                }
            }
            _ => {}
        }
    }
    Ok(match run.interrupted {
        Some(number) => exit::signal(number),
        None if was(&opened) && run.totals.broken == 0 => exit::HELD,
        None => exit::COULD_NOT_JUDGE,
    })
}

/// What the boot is like, for a person: `network none, rootfs read-only, …`, and what is absent.
fn conditions(trial: &PlannedTrial, boot: &Boot) -> String {
    let fields = serde_json::to_value(boot).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten();
    let words = fields.filter_map(|(name, value)| match (name.as_str(), value.as_str()) {
        // A form is said of a fault only.
        ("form", _) if boot.fault.is_none() => None,
        (name, value) => Some(format!("{name} {}", value?)),
    });
    let absent = trial.artifact().map(|a| format!("artifact {}", a.id));
    words.chain(absent).collect::<Vec<_>>().join(", ")
}

fn was(opened: &Mutex<bool>) -> bool {
    *opened.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells where one is, and lends the terminal to a shell there; answers its exit code.
fn enter(visit: &Visit<'_>) -> Result<i64, EngineError> {
    let shell = shell_of(visit)?;
    let last = if visit.log.tail.is_empty() {
        &visit.log.head
    } else {
        &visit.log.tail
    };
    let lines: Vec<&str> = last.lines().collect();
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        anstream::eprintln!("  | {line}");
    }
    anstream::eprintln!("{}", state(visit));
    anstream::eprintln!(
        "{shell} in it, as the subject's user; `exit` ends it and removes the container"
    );
    let failed = |why| EngineError::new(ErrorKind::Unsupported, "take the terminal").caused_by(why);
    let terminal = Terminal::take().map_err(failed)?;
    visit.instance.open(&[shell], &terminal, &visit.deadline)
}

/// What became of the subject, and how it is started by hand where it has ended.
fn state(visit: &Visit<'_>) -> String {
    match visit.reached {
        Reached::Ready { .. } => "the subject is ready and goes on running beside you".to_owned(),
        Reached::TimedOut { .. } => {
            "the subject did not get ready in time, and goes on running beside you".to_owned()
        }
        Reached::Exited { exit, .. } => {
            let run = &visit.trial.subject.subject.run;
            let args = run.args.as_ref().unwrap_or(&visit.image.config.cmd);
            let words = visit.image.config.entrypoint.iter().chain(args);
            let command = shlex::try_join(words.map(String::as_str)).unwrap_or_default();
            format!(
                "the subject ended with exit code {}: this is a container like its own in which nothing runs\nit is started by: {command}",
                exit.code
            )
        }
    }
}

/// The first shell that the image has and that is still there in the container.
fn shell_of(visit: &Visit<'_>) -> Result<String, EngineError> {
    let attempt = || format!("open a shell in `{}`", visit.instance.id());
    let brought: Vec<(&str, String)> = SHELLS
        .into_iter()
        .filter_map(|path| Some((path, visit.image.program(path)?.path.clone())))
        .collect();
    let paths = brought.iter().map(|(_, real)| real.clone()).collect();
    let answer = visit
        .instance
        .ask(&Question::Stat { paths }, &visit.deadline)?;
    let Answer::Entries(there) = answer else {
        return Err(
            EngineError::new(ErrorKind::Engine, attempt()).caused_by("no entries came back")
        );
    };
    let mut brought = brought.into_iter().zip(there);
    let found = brought.find_map(|((path, _), (_, entry))| entry.map(|_| path.to_owned()));
    found.ok_or_else(|| {
        EngineError::new(ErrorKind::Input, attempt())
            .caused_by(format!("the image has none of {}", SHELLS.join(", ")))
            .hint("judge the case again without `--shell`: the evidence has the container's log, processes and changes")
    })
}
