//! A person's terminal, lent to a program in a container: keys one way, what the program writes the other.

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::env;

/// What is read from the keyboard at once.
const KEYS_BYTES: usize = 4096;

/// The terminal that this process was started on. While there is one of these, every key goes to the program: Ctrl-C too.
#[derive(Debug)]
pub struct Terminal {
    keys: OwnedFd,
    screen: OwnedFd,
    /// How it was before.
    before: Termios,
}

/// What came from the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// These bytes.
    Keys(Vec<u8>),
    /// Nothing in that time.
    Nothing,
    /// Nothing more will come.
    End,
}

impl Terminal {
    /// Whether standard input and standard output are a terminal.
    #[must_use]
    pub fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes it, until this is dropped.
    ///
    /// # Errors
    /// When there is none.
    pub fn take() -> io::Result<Self> {
        let keys = io::stdin().as_fd().try_clone_to_owned()?;
        let screen = io::stdout().as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&keys)?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed ahead is kept: it is meant for the program.
        tcsetattr(&keys, OptionalActions::Drain, &raw)?;
        Ok(Self {
            keys,
            screen,
            before,
        })
    }

    /// What is typed within `patience`.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn typed(&self, patience: Duration) -> io::Result<Typed> {
        let time = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.keys, PollFlags::IN)], Some(&time)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Typed::Nothing),
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut keys = vec![0; KEYS_BYTES];
        match rustix::io::read(&self.keys, &mut keys) {
            // A terminal that was closed says so in its own way.
            Ok(0) | Err(Errno::IO) => Ok(Typed::End),
            Ok(count) => {
                keys.truncate(count);
                Ok(Typed::Keys(keys))
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(Typed::Nothing),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Shows what the program wrote.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn show(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.screen, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.screen, PollFlags::OUT)];
                    // The next write tells when that fails.
                    let _ = poll(&mut fds, None);
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Columns and rows; those of old terminals when it does not say.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.screen) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// What kind it is, as programs look it up (`TERM`).
    #[must_use]
    pub fn kind() -> String {
        let kind = env::host("TERM").filter(|kind| !kind.is_empty());
        kind.unwrap_or_else(|| "xterm".to_owned())
    }

    /// Where keys come from, for whoever waits for several things.
    #[must_use]
    pub fn keys(&self) -> BorrowedFd<'_> {
        self.keys.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has gone needs nothing given back.
        let _ = tcsetattr(&self.keys, OptionalActions::Drain, &self.before);
    }
}
