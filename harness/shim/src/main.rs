//! `adamant-shim run`, `companion`: the parent of one container or of a process beside it, on a control socket.
//! `adamant-shim beside PID PROGRAM ARGS…`, `adamant-shim rooted DIR PROGRAM ARGS…`: becomes a program in the network of a
//! process, or below a directory.
//!
//! One thread only: a container's processes are forked from here, and namespaces belong to the whole process.

mod cgroup;
mod companion;
mod control;
mod copy;
mod kernel;
mod launch;
mod mounts;
mod net;
mod nowhere;
mod place;
mod run;
mod seat;
mod seccomp;
mod spec;
mod supervise;
mod trouble;
mod usher;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use crate::control::Control;
use crate::trouble::{Trouble, while_doing};

/// The words make no sense.
const USAGE: u8 = 2;
/// What was asked for failed; the control socket says why.
const FAILED: u8 = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["run"] => return told(run::run),
        ["companion"] => return told(companion::start),
        ["beside", shim, program, rest @ ..] => beside(shim, program, rest),
        ["rooted", dir, program, rest @ ..] => rooted(dir, program, rest),
        _ => return ExitCode::from(USAGE),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "adamant-shim: {}",
                trouble.chain().join(": ")
            );
            ExitCode::from(FAILED)
        }
    }
}

/// A failure is told on the control socket alone: standard error is the subject's.
fn told(work: impl FnOnce(&mut Control) -> Result<(), Trouble>) -> ExitCode {
    let Ok(mut control) = Control::take() else {
        return ExitCode::from(USAGE);
    };
    match work(&mut control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            control.tell(&adamant_shim::Note::Failed {
                chain: trouble.chain(),
            });
            ExitCode::from(FAILED)
        }
    }
}

/// Becomes `program` in the network namespace of a process.
fn beside(shim: &str, program: &str, rest: &[&str]) -> Result<(), Trouble> {
    net::enter(shim)?;
    Err(while_doing(format!("start `{program}`"))(
        Command::new(program).args(rest).exec(),
    ))
}

/// Becomes `program`, a file of the host that needs no other, with `dir` as its root.
fn rooted(dir: &str, program: &str, rest: &[&str]) -> Result<(), Trouble> {
    let file = std::fs::File::open(program).map_err(while_doing(format!("open `{program}`")))?;
    rustix::process::chroot(dir)
        .and_then(|()| rustix::process::chdir("/"))
        .map_err(while_doing(format!("enter `{dir}`")))?;
    Err(while_doing(format!("start `{program}`"))(
        kernel::become_file(&file, program, rest),
    ))
}
