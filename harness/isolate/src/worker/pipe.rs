//! Pipes that are never waited for longer than agreed, nor kept longer than wanted.

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

const CHUNK: usize = 64 * 1024;
/// As much as a pipe holds at most, so that one look at a dead worker's pipe sees all of it.
const CHUNKS: usize = 16;

/// Whether something happened within `time`.
pub(super) fn wait(fds: &mut [PollFd<'_>], time: Duration) -> io::Result<bool> {
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(fds, Some(&time)) {
        Ok(happened) => Ok(happened > 0),
        // As if something had: whoever waits looks at the clock before it waits again.
        Err(Errno::INTR) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

/// Take what is there, at most `wanted` bytes; whether more can come.
pub(super) fn drain(
    pipe: &mut impl Read,
    wanted: usize,
    mut sink: impl FnMut(&[u8]),
) -> io::Result<bool> {
    let mut chunk = [0; CHUNK];
    let mut wanted = wanted;
    for _ in 0..CHUNKS {
        let room = wanted.min(CHUNK);
        match pipe.read(&mut chunk[..room]) {
            _ if room == 0 => return Ok(true),
            Ok(0) => return Ok(false),
            Ok(read) => {
                sink(&chunk[..read]);
                wanted -= read;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The end of what a process wrote.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    max: usize,
    /// How many bytes before them are gone.
    pub(super) cut: u64,
}

impl Tail {
    pub(super) fn new(max: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            max,
            cut: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(self.max);
        self.bytes.drain(..over);
        self.cut += over as u64;
    }

    pub(super) fn text(&self) -> String {
        let (one, two) = self.bytes.as_slices();
        String::from_utf8_lossy(&[one, two].concat()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_said_is_kept() {
        let mut tail = Tail::new(5);
        tail.push(b"one ");
        tail.push(b"and two");
        assert_eq!((tail.text().as_str(), tail.cut), ("d two", 6));
    }
}
