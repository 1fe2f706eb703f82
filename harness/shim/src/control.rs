//! The control socket: JSON lines in and out, and an end that means that nobody wants the container any more.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use adamant_shim::{Note, Order};
use rustix::io::{dup, fcntl_dupfd_cloexec};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::trouble::{Trouble, while_doing};

/// A line that is longer is nothing that an engine says.
const LINE_MOST: usize = 64 * 1024 * 1024;
/// Above the numbers that a container's process sees.
const ABOVE_STDIO: i32 = 10;
/// What is read at once.
const PIECE: usize = 16 * 1024;
/// Descriptors that come with a line: a control socket, standard output and standard error.
pub(crate) const PASSED: usize = 3;

/// The shim's end.
#[derive(Debug)]
pub(crate) struct Control {
    stream: UnixStream,
    partial: Vec<u8>,
    /// Descriptors that came and that no line has claimed.
    passed: VecDeque<OwnedFd>,
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Order(Order),
    /// The engine is gone.
    End,
}

impl Control {
    /// Takes the socket from standard input, where `/dev/null` is from then on.
    pub(crate) fn take() -> Result<Self, Trouble> {
        let doing = || while_doing("take the control socket");
        let stream = fcntl_dupfd_cloexec(std::io::stdin(), ABOVE_STDIO).map_err(doing())?;
        let null = File::open("/dev/null").map_err(while_doing("open `/dev/null`"))?;
        rustix::stdio::dup2_stdin(&null).map_err(doing())?;
        Ok(Self::on(stream))
    }

    /// Speaks on another socket.
    pub(crate) fn on(stream: OwnedFd) -> Self {
        Self {
            stream: UnixStream::from(stream),
            partial: Vec::new(),
            passed: VecDeque::new(),
        }
    }

    /// A line that is not an order; `None` when the other end is gone.
    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Trouble> {
        loop {
            if let Some(line) = self.line() {
                let read = serde_json::from_slice(&line).map(Some);
                return read.map_err(while_doing("read what to start"));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The descriptors that came with the line that was read last.
    pub(crate) fn claim(&mut self) -> Option<[OwnedFd; PASSED]> {
        let claimed: Vec<OwnedFd> = self.passed.drain(..self.passed.len().min(PASSED)).collect();
        claimed.try_into().ok()
    }

    /// Hands a line on with descriptors.
    pub(crate) fn pass(
        &self,
        line: &impl Serialize,
        fds: &[OwnedFd; PASSED],
    ) -> Result<(), Trouble> {
        const DOING: &str = "hand a process on";
        let mut line = serde_json::to_vec(line).map_err(while_doing(DOING))?;
        line.push(b'\n');
        let fds = fds.each_ref().map(AsFd::as_fd);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PASSED))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        let sent = sendmsg(
            &self.stream,
            &[IoSlice::new(&line)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )
        .map_err(while_doing(DOING))?;
        (&self.stream)
            .write_all(&line[sent..])
            .map_err(while_doing(DOING))
    }

    /// Waits for the next order.
    pub(crate) fn next(&mut self) -> Result<Heard, Trouble> {
        loop {
            if let Some(line) = self.line() {
                let order = serde_json::from_slice(&line);
                return order
                    .map(Heard::Order)
                    .map_err(while_doing("read an order"));
            }
            // A socket that breaks says the same as one that ends.
            if !self.fill().unwrap_or(false) {
                return Ok(Heard::End);
            }
        }
    }

    /// Says something; that nobody listens shows at the next read.
    pub(crate) fn tell(&mut self, note: &Note) {
        let mut line = serde_json::to_vec(note).unwrap_or_default();
        line.push(b'\n');
        let _ = self.stream.write_all(&line);
    }

    /// Whether an order may be taken without waiting for the socket.
    pub(crate) fn has_line(&self) -> bool {
        self.partial.contains(&b'\n')
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.partial.iter().position(|byte| *byte == b'\n')?;
        let rest = self.partial.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.partial, rest);
        line.pop();
        Some(line)
    }

    /// Reads more; answers whether there was more.
    fn fill(&mut self) -> Result<bool, Trouble> {
        let mut more = [0; PIECE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4 * PASSED))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let read = loop {
            let mut into = [IoSliceMut::new(&mut more)];
            match recvmsg(
                &self.stream,
                &mut into,
                &mut ancillary,
                RecvFlags::CMSG_CLOEXEC,
            ) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.map_err(while_doing("read the control socket"))?.bytes,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.passed.extend(fds);
            }
        }
        self.partial.extend_from_slice(&more[..read]);
        if self.partial.len() > LINE_MOST {
            return Err(Trouble::new("read the control socket", "a line has no end"));
        }
        Ok(read > 0)
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Lets go of standard output and error, which belong to the container's process: their readers wait for the last holder.
pub(crate) fn park() -> Result<(), Trouble> {
    let null = File::options()
        .write(true)
        .open("/dev/null")
        .map_err(while_doing("open `/dev/null`"))?;
    rustix::stdio::dup2_stdout(&null)
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(while_doing("let go of standard output"))
}

/// Gives standard output and error to `uid`: a process without privileges may open `/dev/stdout` again.
pub(crate) fn give_output(uid: u32) -> Result<(), Trouble> {
    let owner = Some(rustix::process::Uid::from_raw(uid));
    for output in [
        dup(std::io::stdout()).map_err(while_doing("look at standard output"))?,
        dup(std::io::stderr()).map_err(while_doing("look at standard error"))?,
    ] {
        give(&output, owner)?;
    }
    Ok(())
}

fn give(output: &OwnedFd, owner: Option<rustix::process::Uid>) -> Result<(), Trouble> {
    // Only pipes are the container's own: a file or terminal keeps its owner.
    let stat = rustix::fs::fstat(output).map_err(while_doing("look at standard output"))?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::Fifo {
        return Ok(());
    }
    rustix::fs::fchown(output, owner, None).map_err(while_doing("give away standard output"))
}
