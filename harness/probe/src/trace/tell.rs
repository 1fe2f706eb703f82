//! Writes the lines of a trace, each whole, and several at once while one event follows another.
//!
//! What waits here is lost when this process is killed; so is what would have come after it, and the trial with it.

use std::io;
use std::os::fd::AsFd;

use adamant_probe::Traced;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};

/// How much waits at most: as much as a pipe takes at once.
const WAITS_MOST: usize = 32 * 1024;

/// Where the lines go.
pub(super) struct Tell<W> {
    out: W,
    waiting: Vec<u8>,
}

impl<W: AsFd> Tell<W> {
    /// Lines that go to `out`.
    pub(super) fn new(out: W) -> Self {
        let waiting = Vec::with_capacity(2 * WAITS_MOST);
        Self { out, waiting }
    }

    /// Adds one line, which is with the reader after [`Tell::flush`] at the latest.
    pub(super) fn say(&mut self, traced: &Traced) -> io::Result<()> {
        serde_json::to_writer(&mut self.waiting, traced)?;
        self.waiting.push(b'\n');
        if self.waiting.len() < WAITS_MOST {
            return Ok(());
        }
        self.flush()
    }

    /// Whether lines wait.
    pub(super) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes what waits; it is with the reader's kernel when this returns.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut rest = self.waiting.as_slice();
        while !rest.is_empty() {
            match write(&self.out, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut wait = [PollFd::new(&self.out, PollFlags::OUT)];
                    poll(&mut wait, None).or_else(|errno| match errno {
                        Errno::INTR => Ok(0),
                        other => Err(other),
                    })?;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        self.waiting.clear();
        Ok(())
    }
}
