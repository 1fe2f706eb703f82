//! `programs: { alive-for: 3s }` — supervised programs stay the processes they were, under a living process 1.

use adamant_probe::Process;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Program, Span, Subject};
use crate::engine::{Answer, Question};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Programs {
    /// How long after readiness they are watched.
    pub alive_for: Span,
}

impl Check for Programs {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        if subject.programs.is_empty() {
            Err("programs".into())
        } else {
            Ok(())
        }
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![
            Question::Processes,
            Question::ProcessesAfter {
                pause: self.alive_for.0,
            },
        ]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let take = |a: &'_ Answer| {
            if let Answer::Processes(p) = a {
                Some(p.clone())
            } else {
                None
            }
        };
        let (before, after) = (boot.answer(0, take)?, boot.answer(1, take)?);
        if before.is_empty() || after.is_empty() {
            return Err(Unanswered("no process was seen, not even process 1".into()));
        }
        Ok(context
            .subject
            .programs
            .iter()
            .filter_map(|p| self.one(p, &before, &after))
            .collect())
    }
}

impl Programs {
    fn one(&self, program: &Program, before: &[Process], after: &[Process]) -> Option<Finding> {
        let is_it = |p: &&Process| p.state != "Z" && program.matches.0.is_match(&command(p));
        let expected = format!(
            "program `{}` (`{}`) stays the same process for {} after readiness",
            program.id, program.matches, self.alive_for
        );
        let first: Vec<&Process> = before.iter().filter(is_it).collect();
        let second: Vec<&Process> = after.iter().filter(is_it).collect();
        let seen = match (first.as_slice(), second.as_slice()) {
            ([], []) => "no such process runs".to_owned(),
            ([], [late, ..]) => format!(
                "no such process ran at readiness; {} was started later",
                super::processes::named(late)
            ),
            ([died, ..], []) => format!(
                "{} is gone, and process 1 lives on",
                super::processes::named(died)
            ),
            (first, second) => {
                let gone = first.iter().find(|p| {
                    !second
                        .iter()
                        .any(|q| q.pid == p.pid && q.start_ticks == p.start_ticks)
                })?;
                let now: Vec<String> = second.iter().map(|q| q.pid.to_string()).collect();
                format!(
                    "it was restarted: {} is gone, pid {} runs in its place",
                    super::processes::named(gone),
                    now.join(", ")
                )
            }
        };
        Some(Finding::new(expected, seen).coded("programs/not-alive"))
    }
}

/// What a program is told by: its arguments. A shell as process 1 holds the program's name in its `-c` text only.
fn command(process: &Process) -> String {
    let Some((name, args)) = process.argv.split_first() else {
        return String::new();
    };
    let base = name
        .rsplit('/')
        .next()
        .unwrap_or(name)
        .trim_start_matches('-');
    let is_shell = matches!(
        base,
        "sh" | "ash" | "bash" | "dash" | "ksh" | "zsh" | "busybox"
    );
    let mut options = args
        .iter()
        .skip_while(|a| base == "busybox" && !a.starts_with('-'))
        .take_while(|a| a.starts_with(['-', '+']));
    let has_text = options.any(|o| o.starts_with('-') && !o.starts_with("--") && o.contains('c'));
    if process.pid == 1 && is_shell && has_text {
        name.clone()
    } else {
        process.argv.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_as_process_1_is_not_the_program_in_its_text() {
        for (pid, argv, told) in [
            (1, &["/bin/sh", "-c", "server & wait"][..], "/bin/sh"),
            (1, &["bash", "-e", "-lc", "server"], "bash"),
            (1, &["busybox", "sh", "-c", "server"], "busybox"),
            (7, &["sh", "-c", "server"], "sh -c server"),
            (1, &["sh", "/server.sh", "-c"], "sh /server.sh -c"),
            (1, &["server", "-c", "x"], "server -c x"),
        ] {
            let process = Process {
                pid,
                ppid: 0,
                argv: argv.iter().map(|&a| a.to_owned()).collect(),
                state: "S".into(),
                start_ticks: 1,
                uid: [0; 4],
                gid: [0; 4],
                cap_eff: 0,
                cap_bnd: 0,
                no_new_privs: true,
                seccomp: 2,
                listens: Vec::new(),
            };
            assert_eq!(command(&process), told);
        }
    }
}
