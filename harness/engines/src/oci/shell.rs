//! A program on a person's terminal in a container without a daemon: a terminal of the container's own, whose other end is here.

use std::os::fd::OwnedFd;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Terminal, Typed};
use adamant_core::run::Deadline;
use adamant_shim::{Note, Order};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use rustix::process::Uid;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::exec::out_of_time;
use super::instance::Container;
use super::shim::{Heard, Shim};
use super::spec;

/// How soon a new size or the end of a run is noticed.
const TURN: Duration = Duration::from_millis(50);
const PIECE_BYTES: usize = 16 * 1024;
/// What ends the input of a program on a terminal.
const END_OF_INPUT: u8 = 4;

/// Both ends of a terminal: ours, and the program's.
struct Pair {
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Pair {
    /// Made in the container's own list of terminals, so that the program finds its name there.
    fn inside(pid: i32, uid: u32) -> std::io::Result<Self> {
        let root = openat(
            CWD,
            format!("/proc/{pid}/root"),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        // Whatever the subject has made of the path: nothing outside of its root is opened.
        let ours = openat2(
            &root,
            "dev/pts/ptmx",
            OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )?;
        unlockpt(&ours)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        rustix::fs::fchown(&theirs, Some(Uid::from_raw(uid)), None)?;
        Ok(Self { ours, theirs })
    }
}

impl Container {
    /// Runs it until it ends; answers its exit code.
    pub(super) fn on_terminal(
        &self,
        argv: &[String],
        terminal: &Terminal,
        deadline: &Deadline,
    ) -> Result<i64, EngineError> {
        let attempt = format!("run `{}` in the container `{}`", argv.join(" "), self.name);
        if let Some(error) = self.ended_error(&attempt) {
            return Err(error);
        }
        let failed =
            |why: std::io::Error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(why);
        let pid = self.life.known().pid.ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, &attempt).caused_by("it has no first process")
        })?;
        let Pair { ours, theirs } = Pair::inside(pid, self.user.uid).map_err(failed)?;
        let process =
            spec::on_terminal(&self.plan, &self.ground(), argv.to_vec(), &Terminal::kind());
        let order = Order::Exec {
            process: process.to_string(),
            uid: self.user.uid,
        };
        let shim = self.life.start_on(&order, &theirs).map_err(failed)?;
        // Held here, it would seem to be in use for ever.
        drop(theirs);
        let mut relay = Relay {
            terminal,
            ours,
            shim,
            size: (0, 0),
            pending: Vec::new(),
            deaf: false,
        };
        while deadline.left().is_some() {
            if let Some(ended) = relay.turn().map_err(failed)? {
                return ended
                    .map_err(|why| EngineError::new(ErrorKind::Engine, &attempt).caused_by(why));
            }
        }
        Err(out_of_time(&attempt, deadline))
    }
}

/// Carries keys and text between two terminals.
struct Relay<'t> {
    terminal: &'t Terminal,
    ours: OwnedFd,
    shim: Shim,
    size: (u16, u16),
    /// Keys that the program has not taken yet.
    pending: Vec<u8>,
    /// Nothing more will be typed.
    deaf: bool,
}

/// How a program came out: its code, or why there is none.
type Ended = Result<i64, String>;

impl Relay<'_> {
    /// Waits a moment for anything, and passes it on.
    fn turn(&mut self) -> std::io::Result<Option<Ended>> {
        let size = self.terminal.size();
        if size != std::mem::replace(&mut self.size, size) {
            let size = Winsize {
                ws_col: size.0,
                ws_row: size.1,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            tcsetwinsize(&self.ours, size)?;
        }
        self.wait()?;
        if self.pending.is_empty() && !self.deaf {
            match self.terminal.typed(Duration::ZERO)? {
                Typed::Keys(keys) => self.pending = keys,
                Typed::Nothing => {}
                Typed::End => {
                    self.deaf = true;
                    self.pending.push(END_OF_INPUT);
                }
            }
        }
        match rustix::io::write(&self.ours, &self.pending) {
            Ok(count) => drop(self.pending.drain(..count)),
            Err(Errno::AGAIN | Errno::INTR | Errno::IO) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.show()?;
        let ended = self.ended()?;
        if ended.is_some() {
            // What it wrote last.
            self.show()?;
        }
        Ok(ended)
    }

    /// Until something can be read, or pending keys can be written.
    fn wait(&self) -> std::io::Result<()> {
        let events = if self.pending.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        let keys = self.terminal.keys();
        let mut fds = vec![PollFd::new(&self.ours, events)];
        if self.pending.is_empty() && !self.deaf {
            fds.push(PollFd::new(&keys, PollFlags::IN));
        }
        let time = Timespec::try_from(TURN).map_err(std::io::Error::other)?;
        match poll(&mut fds, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Shows what there is of its text now.
    fn show(&self) -> std::io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match rustix::io::read(&self.ours, &mut piece) {
                // Nobody holds the other end any more.
                Ok(0) | Err(Errno::AGAIN | Errno::IO) => return Ok(()),
                Ok(count) => self.terminal.show(&piece[..count])?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn ended(&mut self) -> std::io::Result<Option<Ended>> {
        for heard in self.shim.hear(Duration::ZERO)? {
            match heard {
                Heard::Note(Note::Exited { code, .. }) => return Ok(Some(Ok(code.into()))),
                Heard::Note(Note::Failed { chain }) => return Ok(Some(Err(chain.join(": ")))),
                Heard::Note(Note::Refused { errno }) => {
                    let why = std::io::Error::from_raw_os_error(errno);
                    return Ok(Some(Err(format!("it cannot be executed: {why}"))));
                }
                Heard::Note(_) | Heard::Output(..) => {}
            }
        }
        let gone = self.shim.is_gone();
        Ok(gone.then(|| Err("the container has ended".to_owned())))
    }
}
