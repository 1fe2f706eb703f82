//! Boot commands that failed and were passed over: what a trace says of how each process of the boot ended (PRD-002 §5.4).
//!
//! A trace shows codes, not what a shell made of them. So whatever may be an answer instead of a failure is left out:
//! programs whose code *is* their answer, a command that succeeded when it was tried again, the script that a failed
//! command ended, and what the subject declares under `may-fail`. A process that a signal killed shows no code.

use std::collections::BTreeMap;

use adamant_probe::{Action, TraceEvent};

use super::trace::{Seen, command, counted};
use super::{Boot, Finding};
use crate::case::Subject;
use crate::engine::Reached;

/// Programs that answer with their code: a question in a condition, most of the time.
const ANSWERS: [&str; 24] = [
    "[",
    "[[",
    "cmp",
    "diff",
    "egrep",
    "expr",
    "false",
    "fgrep",
    "fuser",
    "getent",
    "grep",
    "id",
    "kill",
    "lsof",
    "mountpoint",
    "pg_isready",
    "pgrep",
    "pidof",
    "rg",
    "test",
    "tty",
    "which",
    "zgrep",
    "zcmp",
];
/// The event that ends a boot, for subjects that claim events.
const COMPLETED: &str = "BootstrapCompleted";
/// A shell's codes for a program that cannot be executed, or is not there.
const NOT_STARTED: [i32; 2] = [126, 127];

/// A process that ended with a code other than 0.
struct Failure<'t> {
    event: &'t TraceEvent,
    argv: Vec<String>,
    code: i32,
    /// Why it never became another program.
    refused: Option<String>,
}

/// One finding for all commands that failed before the boot was over.
pub(super) fn finding(seen: Seen<'_>, boot: &Boot, subject: &Subject) -> Option<Finding> {
    let until = over_ns(boot)?;
    let failures = failures(seen.events, until);
    let hidden: Vec<&Failure<'_>> = failures
        .iter()
        .filter(|failure| !may_fail(subject, &failure.argv))
        .collect();
    let first = hidden.first()?;
    let told = format!(
        "{}, {}, and the boot went on",
        ended(seen, first),
        seen.when(first.event)
    );
    let all = counted(hidden.iter().map(|failure| ended(seen, failure)));
    Some(
        Finding::new("no command of the boot fails unnoticed", told)
            .coded("execs/hides-failure")
            .about(all),
    )
}

/// When the boot was over: with its last event, or with readiness when that was seen first.
fn over_ns(boot: &Boot) -> Option<u64> {
    let completed = boot.log.events.iter().find(|e| e.name == COMPLETED);
    let ready = match &boot.reached {
        Some(Reached::Ready { at_ns, .. }) => Some(*at_ns),
        _ => None,
    };
    completed.map(|e| e.at_ns).into_iter().chain(ready).min()
}

fn failures(events: &[TraceEvent], until: u64) -> Vec<Failure<'_>> {
    let mut started: BTreeMap<i32, &Vec<String>> = BTreeMap::new();
    let mut refused: BTreeMap<i32, (&Vec<String>, &String)> = BTreeMap::new();
    let mut failures: Vec<Failure<'_>> = Vec::new();
    for event in events.iter().take_while(|event| event.at_ns <= until) {
        let pid = event.actor.pid;
        match &event.action {
            Action::Exec {
                argv,
                refused: None,
                ..
            } => {
                started.insert(pid, argv);
            }
            Action::Exec {
                argv,
                refused: Some(errno),
                ..
            } => {
                refused.insert(pid, (argv, errno));
            }
            Action::Exit { code } => {
                let (own, tried) = (started.remove(&pid), refused.remove(&pid));
                // How process 1 ends is another check's business.
                if pid == 1 {
                    continue;
                }
                if *code == 0 {
                    // It was tried until it worked.
                    failures.retain(|failure| own != Some(&failure.argv));
                    continue;
                }
                // What ended because of a command that was told already.
                let told = failures
                    .iter()
                    .any(|f| f.event.actor.ppid == pid && f.event.at_ns <= event.at_ns);
                let failure = match (own, tried) {
                    _ if told => None,
                    (Some(argv), _) if !answers(argv) => Some((argv.clone(), None)),
                    (None, Some((argv, errno))) if NOT_STARTED.contains(code) => {
                        Some((argv.clone(), Some(errno.clone())))
                    }
                    _ => None,
                };
                failures.extend(failure.map(|(argv, refused)| Failure {
                    event,
                    argv,
                    code: *code,
                    refused,
                }));
            }
            _ => {}
        }
    }
    failures
}

fn answers(argv: &[String]) -> bool {
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words = argv.iter().map(name);
    let first = words.next().unwrap_or_default();
    let program = if first == "busybox" {
        words.next().unwrap_or_default()
    } else {
        first
    };
    ANSWERS.contains(&program.as_str())
}

fn may_fail(subject: &Subject, argv: &[String]) -> bool {
    let line = argv.join(" ");
    subject
        .may_fail
        .iter()
        .any(|declared| declared.matches.0.is_match(&line))
}

fn ended(seen: Seen<'_>, failure: &Failure<'_>) -> String {
    match &failure.refused {
        Some(errno) => format!(
            "{} could not start `{}` ({errno})",
            seen.who(&failure.event.actor),
            command(&failure.argv)
        ),
        None => format!(
            "{} ended with code {}",
            seen.who(&failure.event.actor),
            failure.code
        ),
    }
}

#[cfg(test)]
mod tests {
    use adamant_probe::Actor;

    use super::*;

    fn event(at_ns: u64, pid: i32, ppid: i32, action: Action) -> TraceEvent {
        let actor = Actor {
            pid,
            ppid,
            parent: Vec::new(),
            exe: String::new(),
            argv: Vec::new(),
            uid: 0,
        };
        TraceEvent {
            at_ns,
            actor,
            action,
        }
    }

    fn ran(pid: i32, ppid: i32, line: &str, code: i32) -> [TraceEvent; 2] {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let exec = Action::Exec {
            path: argv[0].clone(),
            argv,
            refused: None,
            runs: Vec::new(),
        };
        [
            event(1, pid, ppid, exec),
            event(2, pid, ppid, Action::Exit { code }),
        ]
    }

    fn told(events: &[TraceEvent], until: u64) -> Vec<String> {
        let found = failures(events, until);
        found.iter().map(|f| f.argv.join(" ")).collect()
    }

    #[test]
    fn a_command_that_failed_is_told_and_an_answer_is_not() {
        let events = [
            ran(5, 1, "/bin/mv a b", 1),
            ran(6, 1, "/usr/bin/test -e x", 1),
            ran(7, 1, "busybox grep x", 1),
            ran(8, 1, "true", 0),
        ]
        .concat();
        assert_eq!(told(&events, 9), ["/bin/mv a b"]);
        assert!(told(&events, 1).is_empty());
    }

    #[test]
    fn what_worked_later_and_what_only_passed_a_failure_on_is_not_told() {
        let again = [ran(5, 1, "mv a b", 1), ran(6, 1, "mv a b", 0)].concat();
        assert!(told(&again, 9).is_empty());
        let script = ran(4, 1, "sh setup.sh", 1);
        let [start, end] = script;
        let mut events = vec![start];
        events.extend(ran(5, 4, "mv a b", 1));
        events.push(end);
        assert_eq!(told(&events, 9), ["mv a b"]);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_and_a_subshell_is_not() {
        let missing = Action::Exec {
            path: "/x".into(),
            argv: vec!["x".into()],
            refused: Some("ENOENT".into()),
            runs: Vec::new(),
        };
        let events = [
            event(1, 5, 1, missing),
            event(2, 5, 1, Action::Exit { code: 127 }),
            event(3, 6, 1, Action::Exit { code: 1 }),
            event(4, 1, 0, Action::Exit { code: 1 }),
        ];
        assert_eq!(told(&events, 9), ["x"]);
    }
}
