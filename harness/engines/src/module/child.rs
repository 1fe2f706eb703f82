//! A runtime's process: lines go in and come out, every wait is bounded, and the whole process group ends with it.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adamant_core::run::Deadline;
use rustix::process::{Pid, Signal, kill_process_group};

/// The longest line that is taken.
const LINE_MOST: u64 = 128 << 20;
/// How much of the end of standard error is kept.
const STDERR_MOST: usize = 16 << 10;

/// How long the last words of a process that has ended may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running process. Dropping it kills it and all of its group.
#[derive(Debug)]
pub(super) struct Child {
    child: std::process::Child,
    stdin: Option<Sender<Vec<u8>>>,
    lines: Receiver<io::Result<String>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Disconnected once standard error has come to its end.
    stderr_open: Receiver<()>,
    ended: Option<ExitStatus>,
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// A line.
    Line(String),
    /// Nothing more will come: the process has ended or closed its standard output.
    End,
    /// Nothing came in time.
    Silence,
}

impl Child {
    /// Starts it in a process group of its own, so that an interrupt of the terminal is for us.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        command.process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (questions, asked) = mpsc::channel::<Vec<u8>>();
        let (said, lines) = mpsc::channel();
        let (open, stderr_open) = mpsc::channel();
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let running = Self {
            child,
            stdin: Some(questions),
            lines,
            stderr: kept.clone(),
            stderr_open,
            ended: None,
        };
        if let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) {
            // A runtime that does not read must not keep us from waiting for it.
            spawn("adamant-ask", move || {
                while let Ok(question) = asked.recv() {
                    if stdin
                        .write_all(&question)
                        .and_then(|()| stdin.flush())
                        .is_err()
                    {
                        return;
                    }
                }
            })?;
            spawn("adamant-hear", move || hear(stdout, &said))?;
            spawn("adamant-stderr", move || {
                keep_tail(stderr, &kept);
                drop(open);
            })?;
        }
        Ok(running)
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line.
    pub(super) fn say(&self, line: Vec<u8>) {
        if let Some(stdin) = &self.stdin {
            // Who does not listen any more will not answer either, and that is told.
            let _ = stdin.send(line);
        }
    }

    /// Waits for the next line.
    pub(super) fn hear(&self, deadline: &Deadline) -> io::Result<Heard> {
        while let Some(slice) = deadline.slice() {
            match self.lines.recv_timeout(slice) {
                Ok(line) => return line.map(Heard::Line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Heard::End),
            }
        }
        Ok(Heard::Silence)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_some()
    }

    /// Ends it, by closing its standard input and, when that is not enough, by force; says how it ended.
    pub(super) fn end(&mut self, patience: Duration) -> String {
        self.stdin = None;
        let deadline = Deadline::for_cleanup(patience);
        while !self.has_ended() && deadline.pause(Duration::from_millis(5)) {}
        let by_itself = self.ended;
        self.kill();
        by_itself
            .or(self.ended)
            .map_or_else(|| "it was killed".to_owned(), told)
    }

    /// The end of what it wrote to standard error: all of it once [`Child::end`] has ended the process.
    pub(super) fn stderr(&self) -> String {
        if self.ended.is_some() {
            // Its last words may still be on their way. A process that left the group may hold the stream open for ever.
            let _ = self.stderr_open.recv_timeout(LAST_WORDS);
        }
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    fn kill(&mut self) {
        // The leader may be gone and others of its group not; a group without members is an error that means nothing.
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended, in words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("its process exited with code {code}"),
        (None, Some(signal)) => format!("its process was killed by signal {signal}"),
        (None, None) => "its process ended".to_owned(),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

fn hear(stdout: impl Read, said: &Sender<io::Result<String>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(LINE_MOST).read_until(b'\n', &mut line);
        let heard = match read {
            Ok(0) => return,
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == LINE_MOST => Err(
                io::Error::other(format!("a line is longer than {LINE_MOST} bytes")),
            ),
            Ok(_) => {
                String::from_utf8(line).map_err(|_not_text| io::Error::other("a line is not UTF-8"))
            }
            Err(error) => Err(error),
        };
        let over = heard.is_err();
        if said.send(heard).is_err() || over {
            return;
        }
    }
}

fn keep_tail(mut stderr: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&part[..read]);
        let over = kept.len().saturating_sub(STDERR_MOST);
        kept.drain(..over);
    }
}
