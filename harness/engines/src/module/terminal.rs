//! A process on a terminal of this host, and the person who sits at it: what they do, and all that they see.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adamant_core::module::wire::{Action, Step, Terminal};
use adamant_core::run::Deadline;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::capture::Captured;

/// How long nothing is looked at while nothing is shown.
const TURN: Duration = Duration::from_millis(5);
/// The most that is kept of what is shown.
const KEEP: usize = 16 << 20;

/// Runs it on a new terminal until it ends; all of what that shows is its standard output.
pub(super) fn run(
    mut command: Command,
    terminal: &Terminal,
    patience: Duration,
    deadline: &Deadline,
) -> io::Result<Captured> {
    let (ours, theirs) = open(terminal)?;
    command
        .stdin(Stdio::from(theirs.try_clone()?))
        .stdout(Stdio::from(theirs.try_clone()?))
        .stderr(Stdio::from(theirs));
    #[expect(
        unsafe_code,
        reason = "what a child does for itself before it is a program"
    )]
    // SAFETY: the closure makes two system calls and touches no memory.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    // The command keeps the other end open as long as it is kept itself.
    drop(command);
    let mut person = Person::new(terminal);
    let shown = person.sit(&ours, &deadline.within(patience));
    let ended = matches!(shown, Ok(true));
    // Who let go of the terminal is about to end, or did; who did not in time is ended.
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group
        && !ended
    {
        // A group without members is an error that means nothing.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait()?;
    shown?;
    Ok(Captured {
        status: ended.then_some(status),
        stdout: person.seen,
        stderr: Vec::new(),
        cut: person.cut,
    })
}

/// Both ends of a terminal of the wanted size, as it is when it was just opened, but that it knows UTF-8, as people's terminals do.
fn open(terminal: &Terminal) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    let mut modes = tcgetattr(&theirs)?;
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    resize(&ours, terminal.columns, terminal.rows)?;
    Ok((ours, theirs))
}

fn resize(terminal: &OwnedFd, columns: u16, rows: u16) -> io::Result<()> {
    let size = Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(tcsetwinsize(terminal, size)?)
}

struct Person {
    steps: VecDeque<Step>,
    /// When the step that is next became that.
    since: Instant,
    seen: Vec<u8>,
    /// How much of what was seen a wait has used up.
    used: usize,
    cut: bool,
}

impl Person {
    fn new(terminal: &Terminal) -> Self {
        Self {
            steps: terminal.script.iter().cloned().collect(),
            since: Instant::now(),
            seen: Vec::new(),
            used: 0,
            cut: false,
        }
    }

    /// Follows the script until nobody holds the other end any more; false when that did not happen in time.
    fn sit(&mut self, terminal: &OwnedFd, deadline: &Deadline) -> io::Result<bool> {
        let turn = Timespec::try_from(TURN).map_err(io::Error::other)?;
        let mut piece = [0; 65_536];
        while deadline.slice().is_some() {
            self.act(terminal)?;
            let mut ends = [PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN)];
            if poll(&mut ends, Some(&turn))? == 0 {
                continue;
            }
            match rustix::io::read(terminal, &mut piece) {
                Ok(count @ 1..) => self.see(&piece[..count]),
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn see(&mut self, shown: &[u8]) {
        let room = KEEP - self.seen.len();
        self.cut |= shown.len() > room;
        self.seen.extend_from_slice(&shown[..shown.len().min(room)]);
    }

    /// Does all that is due.
    fn act(&mut self, terminal: &OwnedFd) -> io::Result<()> {
        while let Some(step) = self.steps.front() {
            if self.since.elapsed() < Duration::from_millis(step.after_ms) {
                return Ok(());
            }
            match &step.action {
                Action::Expect(text) => {
                    let Some(end) = end_of(text.as_bytes(), &self.seen[self.used..]) else {
                        return Ok(());
                    };
                    self.used += end;
                }
                Action::Send(keys) => {
                    rustix::io::write(terminal, keys.as_bytes())?;
                }
                Action::Resize(columns, rows) => resize(terminal, *columns, *rows)?,
            }
            self.steps.pop_front();
            self.since = Instant::now();
        }
        Ok(())
    }
}

/// Where `text` ends when it stands in `seen`.
fn end_of(text: &[u8], seen: &[u8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let found = seen.windows(text.len()).position(|part| part == text)?;
    Some(found + text.len())
}
