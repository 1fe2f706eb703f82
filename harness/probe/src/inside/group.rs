//! A child in a process group of its own, whose output is drained while it is waited for.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, Command as Spawn, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use adamant_probe::{CommandResult, KEEP_BYTES};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, set_child_subreaper, waitid,
};

use super::ProbeError;
use super::clock::{Deadline, pause};
use super::program::{self, Refusal};

/// The first pause between two looks at a child that says nothing. A child's end closes its pipes, which ends a pause at
/// once; the pauses matter only for what closes its pipes early or leaves them to others.
const FIRST_TICK: Duration = Duration::from_micros(50);
/// The longest pause.
const LAST_TICK: Duration = Duration::from_millis(10);
/// How long the pipes of a child that has ended are still read when somebody else holds them.
const SETTLE: Duration = Duration::from_millis(50);
/// How long a killed child may take to end; one that sleeps in the kernel may never.
const KILLED: Duration = Duration::from_secs(1);

/// Why a child was not started.
pub(super) enum StartError {
    /// The reason lies in the command, and is its result.
    Refused(Refusal),
    /// The reason lies elsewhere.
    Failed(ProbeError),
}

impl StartError {
    /// The result of a command that was refused, or why there is none.
    pub(super) fn result(self, argv: &[String]) -> Result<CommandResult, ProbeError> {
        match self {
            Self::Refused(refusal) => Ok(CommandResult {
                argv: argv.to_vec(),
                exit: Some(refusal.exit),
                signal: None,
                timed_out: false,
                stdout: String::new(),
                stderr: refusal.message,
                micros: 0,
            }),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Why a wait is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// What was waited for was seen on standard output.
    Met,
    /// The child has ended.
    Ended,
    /// The deadline has passed.
    TimedOut,
}

/// A running child and what it has written.
pub(super) struct Group {
    argv: Vec<String>,
    child: Child,
    id: Pid,
    started: Instant,
    stopped: bool,
    stdout: Stream,
    stderr: Stream,
}

impl Group {
    /// Starts `argv`, whose first word is looked up as a shell does.
    pub(super) fn start(argv: &[String], stdin: Stdio) -> Result<Self, StartError> {
        let name = argv.first().map(String::as_str).unwrap_or_default();
        let file = program::locate(name).map_err(StartError::Refused)?;
        // Orphans of the child come to us, who reap them: a PID 1 that does not would keep them as zombies of our making.
        // Where that is not possible, all else still is.
        let _ = set_child_subreaper(Some(getpid()));
        let started = Instant::now();
        let spawned = Spawn::new(file)
            .arg0(name)
            .args(argv.iter().skip(1))
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|error| match program::refusal(name, &error) {
            Some(refusal) => StartError::Refused(refusal),
            None => StartError::Failed(ProbeError::system(format!("start `{name}`"), error)),
        })?;
        let piped = |what, error| StartError::Failed(ProbeError::system(what, error));
        let stdout = Stream::new(child.stdout.take().map(OwnedFd::from))
            .map_err(|error| piped("read standard output", error))?;
        let stderr = Stream::new(child.stderr.take().map(OwnedFd::from))
            .map_err(|error| piped("read standard error", error))?;
        Ok(Self {
            argv: argv.to_vec(),
            id: Pid::from_child(&child),
            child,
            started,
            stopped: false,
            stdout,
            stderr,
        })
    }

    /// The way into the child, when it was asked for and not yet taken.
    pub(super) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// What the child has written to standard output, as far as it is kept.
    pub(super) fn stdout(&self) -> &[u8] {
        &self.stdout.kept
    }

    /// Microseconds since the start.
    pub(super) fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Drains the pipes until `met` is content with standard output, the child has ended, or the deadline has passed.
    pub(super) fn wait(
        &mut self,
        deadline: Deadline,
        mut met: impl FnMut(&[u8]) -> bool,
    ) -> Result<Waited, ProbeError> {
        let mut tick = FIRST_TICK;
        loop {
            if met(&self.stdout.kept) {
                return Ok(Waited::Met);
            }
            if self.has_ended()? {
                return Ok(Waited::Ended);
            }
            let Some(left) = deadline.left() else {
                return Ok(Waited::TimedOut);
            };
            let moved = self.drain(tick.min(left))?;
            tick = if moved {
                FIRST_TICK
            } else {
                LAST_TICK.min(tick * 2)
            };
        }
    }

    /// Ends what still runs: politely for `grace`, then at once, with everything in the group.
    pub(super) fn stop(&mut self, grace: Duration) -> Result<(), ProbeError> {
        if !grace.is_zero() {
            self.signal(Signal::TERM)?;
            self.wait(Deadline::after(grace), |_| false)?;
        }
        self.signal(Signal::KILL)?;
        self.stopped = true;
        self.wait(Deadline::after(KILLED), |_| false)?;
        Ok(())
    }

    /// Reads what an ended child has left in its pipes; others who hold them are not waited for.
    pub(super) fn settle(&mut self) -> Result<(), ProbeError> {
        let deadline = Deadline::after(SETTLE);
        while let Some(left) = deadline.left() {
            if self.stdout.is_closed() && self.stderr.is_closed() {
                break;
            }
            self.drain(left)?;
        }
        Ok(())
    }

    /// What the child did, after it was waited for.
    pub(super) fn result(
        mut self,
        timed_out: bool,
        micros: u64,
    ) -> Result<CommandResult, ProbeError> {
        // A child that survives its killing has no status.
        let status = self.child.try_wait();
        let status = status.map_err(|error| self.trouble("reap", error))?;
        self.reap_orphans();
        Ok(CommandResult {
            exit: status.and_then(|status| status.code()),
            signal: status.and_then(|status: ExitStatus| status.signal()),
            timed_out,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            micros,
            argv: self.argv,
        })
    }

    /// Whether the child has ended. It is not reaped yet: so long, the id of its group cannot become another's.
    fn has_ended(&self) -> Result<bool, ProbeError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.id), options) {
            Ok(status) => Ok(status.is_some()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(self.trouble("wait for", error)),
        }
    }

    /// Reaps the rest of the group: all of it when it was killed, else whoever has ended by now.
    fn reap_orphans(&self) {
        let deadline = Deadline::after(if self.stopped { KILLED } else { Duration::ZERO });
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        while let Ok(reaped) = waitid(WaitId::Pgid(Some(self.id)), options) {
            match (reaped, deadline.left()) {
                (Some(_), _) => {}
                (None, Some(_)) => pause(FIRST_TICK),
                (None, None) => break,
            }
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), ProbeError> {
        match kill_process_group(self.id, signal) {
            // Nobody is left, or whoever is left has become somebody whom this user may not signal.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
            Err(error) => Err(self.trouble("signal", error)),
        }
    }

    /// Reads what there is, after waiting for it no longer than `wait`. Whether anything came, be it an end.
    fn drain(&mut self, wait: Duration) -> Result<bool, ProbeError> {
        let mut streams = [&mut self.stdout, &mut self.stderr];
        let mut fds: Vec<PollFd<'_>> = streams
            .iter()
            .filter_map(|stream| stream.fd.as_ref())
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(wait).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(false),
            Ok(_) => streams.iter_mut().try_fold(false, |moved, stream| {
                let read = stream.read();
                read.map(|more| moved | more)
                    .map_err(|error| ProbeError::system("read the output of a command", error))
            }),
            Err(error) => Err(self.trouble("wait for", error)),
        }
    }

    fn trouble(&self, doing: &str, why: impl Into<io::Error>) -> ProbeError {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        ProbeError::system(format!("{doing} `{program}`"), why)
    }
}

/// The reading end of a pipe: the first bytes are kept, the rest is only taken out of the writer's way.
struct Stream {
    fd: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Stream {
    fn new(fd: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(fd) = &fd {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        let kept = Vec::new();
        Ok(Self { fd, kept })
    }

    fn is_closed(&self) -> bool {
        self.fd.is_none()
    }

    /// Reads once; whether anything came, be it an end.
    fn read(&mut self) -> io::Result<bool> {
        let Some(fd) = &self.fd else {
            return Ok(false);
        };
        let mut buffer = [0; 16 * 1024];
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => self.fd = None,
            Ok(read) => {
                let room = KEEP_BYTES - self.kept.len();
                self.kept.extend(buffer.iter().take(read.min(room)));
            }
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}
