//! The asking side: a child process with a deadline for each answer.

use super::pipe::{Tail, drain, wait};
use super::{Ending, LENGTH, Launch, Lost, WorkerError, message};
use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const SIGKILL: i32 = 9;

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    /// Readable once the process is dead.
    death: OwnedFd,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    message: Vec<u8>,
    tail: Tail,
    max_message: usize,
    lost: Option<Ending>,
}

impl Worker {
    /// Start a process with nothing of ours: no environment, no directory, no terminal.
    pub fn start(launch: &Launch) -> Result<Self, WorkerError> {
        let start = |source| WorkerError::Start {
            program: launch.program.clone(),
            source,
        };
        let program = std::path::absolute(&launch.program).map_err(start)?;
        let mut command = Command::new(program);
        command.args(&launch.args).env_clear().env("TZ", "UTC");
        command.current_dir("/");
        // An interrupt from the terminal is for us; that we are gone, it sees by its standard input.
        command.process_group(0);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(start)?;
        let death = watch(&child).inspect_err(|_| {
            // What cannot be watched must not run; that it could not be killed either adds nothing.
            let _ = child.kill();
            let _ = child.wait();
        })?;
        Ok(Self {
            death,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            message: Vec::new(),
            tail: Tail::new(launch.max_stderr),
            max_message: launch.max_message,
            lost: None,
        })
    }

    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it lives, as far as the kernel tells now.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.death, PollFlags::IN)];
        self.lost.is_none() && wait(&mut fds, Duration::ZERO).is_ok_and(|died| !died)
    }

    /// Ask, and wait for the answer; past `patience` the process is killed.
    pub fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        question: &Q,
        patience: Duration,
    ) -> Result<A, WorkerError> {
        if self.lost.is_some() {
            return Err(self.lose());
        }
        let deadline = after(patience);
        let message = message(question, self.max_message)?;
        let answer = self.exchange(&message, deadline);
        let answer =
            answer.and_then(|answer| serde_json::from_slice(&answer).map_err(WorkerError::Answer));
        if answer.is_err() && self.lost.is_none() {
            self.kill();
        }
        answer
    }

    /// Close its standard input, which tells it to go, and see it go; past `patience` it is killed.
    #[must_use]
    pub fn end(mut self, patience: Duration) -> Lost {
        let deadline = after(patience);
        self.stdin = None;
        while self.lost.is_none() {
            // What it still says is no answer to anything.
            let went_on = self.step(&mut &[][..], deadline, usize::MAX);
            self.message.clear();
            if went_on.is_err() && self.lost.is_none() {
                self.kill();
            }
        }
        self.report()
    }

    fn exchange(&mut self, question: &[u8], deadline: Instant) -> Result<Vec<u8>, WorkerError> {
        if self.speaks()? {
            return Err(WorkerError::Unasked);
        }
        let mut unsent = question;
        let mut missing = LENGTH;
        loop {
            self.step(&mut unsent, deadline, missing)?;
            missing = self.missing()?;
            if missing == 0 {
                // What answers before it knows the question has another one in mind.
                if !unsent.is_empty() {
                    return Err(WorkerError::Unasked);
                }
                return Ok(std::mem::take(&mut self.message).split_off(LENGTH));
            }
            // All that a dead process wrote has been read by now.
            if self.lost.is_some() {
                return Err(self.lose());
            }
        }
    }

    /// How many bytes are still to come of the message that is being read.
    fn missing(&self) -> Result<usize, WorkerError> {
        let Some((length, body)) = self.message.split_first_chunk::<LENGTH>() else {
            return Ok(LENGTH - self.message.len());
        };
        let bytes = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let limit = self.max_message;
        if bytes > limit {
            return Err(WorkerError::TooLong { bytes, limit });
        }
        Ok(bytes - body.len())
    }

    fn speaks(&self) -> Result<bool, WorkerError> {
        let Some(stdout) = &self.stdout else {
            return Ok(false);
        };
        let mut fds = [PollFd::new(stdout, PollFlags::IN)];
        wait(&mut fds, Duration::ZERO)?;
        Ok(fds[0].revents().contains(PollFlags::IN))
    }

    /// Wait until something can be done, and do it: send, receive at most `wanted` bytes, keep what it complains, see it die.
    fn step(
        &mut self,
        unsent: &mut &[u8],
        deadline: Instant,
        wanted: usize,
    ) -> Result<(), WorkerError> {
        let mut fds = vec![PollFd::new(&self.death, PollFlags::IN)];
        let stdout = self.stdout.as_ref();
        let stderr = self.stderr.as_ref();
        let stdin = self.stdin.as_ref().filter(|_| !unsent.is_empty());
        fds.extend(stdout.map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(stderr.map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(stdin.map(|fd| PollFd::new(fd, PollFlags::OUT)));
        // The clock comes first: a worker that always has something to say has no more time than a silent one.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !wait(&mut fds, left)? {
            drop(fds);
            self.kill();
            self.lost = Some(Ending::TimedOut);
            return Err(self.lose());
        }
        let mut happened = fds.iter().map(|fd| !fd.revents().is_empty());
        let dead = happened.next().unwrap_or(true);
        // Nobody else is asked: each look costs a call, and somebody waits. A dead one is asked for all that it said.
        let mut is = |there: bool| there && happened.next().unwrap_or(true);
        let answers = is(stdout.is_some()) || dead;
        let complains = is(stderr.is_some()) || dead;
        let listens = is(stdin.is_some());
        drop(fds);
        if listens && let Some(stdin) = &mut self.stdin {
            match stdin.write(unsent) {
                Ok(sent) => *unsent = &unsent[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It listens no more: its end, or its deadline, will tell.
                Err(_) => *unsent = &[],
            }
        }
        if dead {
            let status = self.child.wait()?;
            self.lost = Some(ending(status));
        }
        if complains {
            self.complain()?;
        }
        if answers {
            self.receive(wanted)?;
        }
        Ok(())
    }

    /// A length and what it announces are read one after the other, so that nothing behind them is.
    fn receive(&mut self, mut wanted: usize) -> Result<(), WorkerError> {
        while wanted > 0
            && let Some(stdout) = &mut self.stdout
        {
            let before = self.message.len();
            if !drain(stdout, wanted, |bytes| {
                self.message.extend_from_slice(bytes);
            })? {
                self.stdout = None;
            }
            if self.message.len() == before {
                break;
            }
            wanted = match wanted {
                usize::MAX => break,
                _ => self.missing()?,
            };
        }
        Ok(())
    }

    fn complain(&mut self) -> Result<(), WorkerError> {
        if let Some(stderr) = &mut self.stderr
            && !drain(stderr, usize::MAX, |bytes| self.tail.push(bytes))?
        {
            self.stderr = None;
        }
        Ok(())
    }

    fn kill(&mut self) {
        // It may be gone already; then this does nothing.
        let _ = self.child.kill();
        let ending = self.child.wait().map_or(Ending::Killed(SIGKILL), ending);
        self.lost.get_or_insert(ending);
        // The last words of one that we had to kill are welcome, not needed.
        let _ = self.complain();
    }

    fn lose(&mut self) -> WorkerError {
        WorkerError::Lost(self.report())
    }

    fn report(&mut self) -> Lost {
        Lost {
            ending: self.lost.unwrap_or(Ending::TimedOut),
            stderr: self.tail.text(),
            stderr_cut: self.tail.cut,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.lost.is_none() {
            self.kill();
        }
    }
}

/// A descriptor that is readable once the process is dead; and none of its pipes may make us wait.
fn watch(child: &Child) -> io::Result<OwnedFd> {
    let pipes: [Option<BorrowedFd<'_>>; 3] = [
        child.stdin.as_ref().map(|pipe| pipe.as_fd()),
        child.stdout.as_ref().map(|pipe| pipe.as_fd()),
        child.stderr.as_ref().map(|pipe| pipe.as_fd()),
    ];
    for pipe in pipes.into_iter().flatten() {
        ioctl_fionbio(pipe, true)?;
    }
    Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, signal) => Ending::Killed(signal.unwrap_or_default()),
    }
}

fn after(patience: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + patience.min(YEAR)
}
