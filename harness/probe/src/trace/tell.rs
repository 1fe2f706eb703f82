//! Writes the lines of a trace, each whole and at once, so that nothing that was told can be lost.

use std::io;
use std::os::fd::AsFd;

use adamant_probe::Traced;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};

/// Where the lines go.
pub(super) struct Tell<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: AsFd> Tell<W> {
    /// Lines that go to `out`.
    pub(super) fn new(out: W) -> Self {
        let line = Vec::new();
        Self { out, line }
    }

    /// Writes one line; it is with the reader's kernel when this returns.
    pub(super) fn say(&mut self, traced: &Traced) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, traced)?;
        self.line.push(b'\n');
        let mut rest = self.line.as_slice();
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
        Ok(())
    }
}
