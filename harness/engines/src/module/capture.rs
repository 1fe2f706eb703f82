//! A process that runs to its end while its output is kept, bounded in time and size.

use std::io::{self, Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adamant_core::run::Deadline;
use rustix::process::{Pid, Signal, kill_process_group};

/// The most that is kept of each stream.
const KEEP: usize = 16 << 20;

/// What became of a process.
#[derive(Debug)]
pub(super) struct Captured {
    /// How it ended; `None` when it was killed at its deadline.
    pub(super) status: Option<ExitStatus>,
    /// What it printed.
    pub(super) stdout: Vec<u8>,
    /// What it complained.
    pub(super) stderr: Vec<u8>,
    /// Whether output was dropped.
    pub(super) cut: bool,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Captured {
    /// Runs it; its process group ends with it.
    pub(super) fn run(
        mut command: Command,
        stdin: Option<Vec<u8>>,
        patience: Duration,
        deadline: &Deadline,
    ) -> io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let input = if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        command
            .process_group(0)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (out, err) = (Arc::<Mutex<Kept>>::default(), Arc::<Mutex<Kept>>::default());
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let out = out.clone();
            readers.push(std::thread::spawn(move || keep(stdout, &out)));
        }
        if let Some(stderr) = child.stderr.take() {
            let err = err.clone();
            readers.push(std::thread::spawn(move || keep(stderr, &err)));
        }
        if let (Some(mut pipe), Some(stdin)) = (child.stdin.take(), stdin) {
            // Who does not read it gets a broken pipe, which is no trouble of ours.
            std::thread::spawn(move || pipe.write_all(&stdin).is_ok());
        }
        let deadline = deadline.within(patience);
        let mut status = None;
        let mut step = Duration::from_millis(2);
        while status.is_none() {
            status = child.try_wait()?;
            if status.is_none() {
                if !deadline.pause(step) {
                    break;
                }
                step = (step * 2).min(Duration::from_millis(20));
            }
        }
        // Others of its group may hold the pipes open.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.wait()?;
        for reader in readers {
            // A reader panics only if we do.
            let _ = reader.join();
        }
        let take = |kept: &Mutex<Kept>| {
            std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let (out, err) = (take(&out), take(&err));
        let cut = out.cut || err.cut;
        Ok(Self {
            status,
            stdout: out.bytes,
            stderr: err.bytes,
            cut,
        })
    }
}

fn keep(mut from: impl Read, kept: &Mutex<Kept>) {
    let mut part = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEEP - kept.bytes.len();
        kept.cut |= read > room;
        kept.bytes.extend_from_slice(&part[..read.min(room)]);
    }
}
