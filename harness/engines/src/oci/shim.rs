//! A shim at work, or a process that one has started: a control socket and the pipes of what runs, heard as it speaks.

use std::io::{self, IoSlice, PipeReader, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adamant_core::engine::Stream;
use adamant_shim::{Note, Order};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::Serialize;

const BUFFER_BYTES: usize = 64 * 1024;

/// A shim process, and what it says.
#[derive(Debug)]
pub(super) struct Shim {
    /// None for what another shim has started.
    child: Option<Child>,
    /// Readable when the process has ended: what it forked may hold its end of the socket open for ever.
    end: Option<OwnedFd>,
    control: UnixStream,
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
    partial: Vec<u8>,
    /// The control socket has ended: the shim is gone.
    gone: bool,
}

/// Something that a shim, or what it runs, has said.
#[derive(Debug)]
pub(super) enum Heard {
    Note(Note),
    Output(Stream, Vec<u8>),
}

impl Shim {
    /// Starts it with its first line.
    pub(super) fn start(file: &Path, verb: &str, order: &impl Serialize) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (stdout, out) = io::pipe()?;
        let (stderr, err) = io::pipe()?;
        let child = Command::new(file)
            .arg(verb)
            // Neither a container nor what sets it up has to know of ours.
            .env_clear()
            .current_dir("/")
            // What a terminal says to our process group is ours to hear: a shim ends with its socket.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(out)
            .stderr(err)
            .spawn()?;
        let pid = Pid::from_child(&child);
        let mut shim = Self {
            end: Some(pidfd_open(pid, PidfdFlags::empty())?),
            child: Some(child),
            control: ours,
            stdout: Some(stdout),
            stderr: Some(stderr),
            partial: Vec::new(),
            gone: false,
        };
        shim.say(order)?;
        Ok(shim)
    }

    /// The shim's process id; 0 for what another one has started.
    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Whether its process runs.
    pub(super) fn is_alive(&self) -> bool {
        let ended = |end: &OwnedFd| {
            let mut fds = [PollFd::new(end, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        };
        self.end.as_ref().is_some_and(|end| !ended(end))
    }

    /// Another hold on the control socket, for orders from elsewhere.
    pub(super) fn orders(&self) -> io::Result<Orders> {
        self.control.try_clone().map(Orders)
    }

    /// Says one more line.
    pub(super) fn say(&mut self, line: &impl Serialize) -> io::Result<()> {
        say(&mut self.control, line)
    }

    /// Whether everything has been said.
    pub(super) fn is_over(&self) -> bool {
        self.gone && self.is_silent()
    }

    /// Whether the shim itself has said everything.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether both streams of what it runs have ended.
    pub(super) fn is_silent(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// What has been said by the end of `patience`; nothing when nothing was.
    pub(super) fn hear(&mut self, patience: Duration) -> io::Result<Vec<Heard>> {
        let ready = self.ready(patience)?;
        let mut heard = Vec::new();
        // What the subject wrote before it ended comes before the note of its end.
        for (stream, is_ready) in [(Stream::Stdout, ready[1]), (Stream::Stderr, ready[2])] {
            let slot = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            let Some(pipe) = slot.as_mut().filter(|_| is_ready) else {
                continue;
            };
            let mut bytes = vec![0; BUFFER_BYTES];
            match retry(|| pipe.read(&mut bytes))? {
                0 => *slot = None,
                count => {
                    bytes.truncate(count);
                    heard.push(Heard::Output(stream, bytes));
                }
            }
        }
        if ready[0] {
            self.listen(&mut heard)?;
        } else if ready[3] {
            // Nothing is left to hear of it.
            self.gone = true;
        }
        Ok(heard)
    }

    /// Which of control socket, output and error have something, and whether the process has ended.
    fn ready(&self, patience: Duration) -> io::Result<[bool; 4]> {
        let control = (!self.gone).then(|| self.control.as_fd());
        let stdout = self.stdout.as_ref().map(AsFd::as_fd);
        let stderr = self.stderr.as_ref().map(AsFd::as_fd);
        let end = self.end.as_ref().filter(|_| !self.gone).map(AsFd::as_fd);
        let open: Vec<(usize, BorrowedFd<'_>)> = [control, stdout, stderr, end]
            .into_iter()
            .enumerate()
            .filter_map(|(slot, fd)| Some((slot, fd?)))
            .collect();
        let mut fds: Vec<PollFd<'_>> = open
            .iter()
            .map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
            .collect();
        let time = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = [false; 4];
        for ((slot, _), fd) in open.iter().zip(&fds) {
            ready[*slot] = !fd.revents().is_empty();
        }
        Ok(ready)
    }

    fn listen(&mut self, heard: &mut Vec<Heard>) -> io::Result<()> {
        let mut bytes = vec![0; BUFFER_BYTES];
        // A shim that is killed may leave its end with unread words in it: that ends too.
        let count = retry(|| self.control.read(&mut bytes)).unwrap_or(0);
        self.gone = count == 0;
        self.partial.extend_from_slice(&bytes[..count]);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let rest = self.partial.split_off(end + 1);
            let line = std::mem::replace(&mut self.partial, rest);
            heard.push(Heard::Note(serde_json::from_slice(&line)?));
        }
        Ok(())
    }
}

impl Drop for Shim {
    /// It has nothing left to do: its work is done, or nobody wants it done.
    fn drop(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// A hold on a shim's control socket.
#[derive(Debug)]
pub(super) struct Orders(UnixStream);

impl Orders {
    /// Says it; that nobody listens any more shows elsewhere.
    pub(super) fn send(&mut self, order: &Order) -> io::Result<()> {
        say(&mut self.0, order)
    }

    /// Has the shim start one more process.
    pub(super) fn start(&mut self, order: &Order) -> io::Result<Shim> {
        let (stdout, out) = io::pipe()?;
        let (stderr, err) = io::pipe()?;
        let mut shim = self.send_off(order, out.as_fd(), err.as_fd())?;
        (shim.stdout, shim.stderr) = (Some(stdout), Some(stderr));
        Ok(shim)
    }

    /// Has the shim start one more process whose streams are a terminal.
    pub(super) fn start_on(&mut self, order: &Order, terminal: &OwnedFd) -> io::Result<Shim> {
        self.send_off(order, terminal.as_fd(), terminal.as_fd())
    }

    fn send_off(
        &mut self,
        order: &Order,
        out: BorrowedFd<'_>,
        err: BorrowedFd<'_>,
    ) -> io::Result<Shim> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut text = serde_json::to_vec(order)?;
        text.push(b'\n');
        let fds = [theirs.as_fd(), out, err];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        let sent = sendmsg(
            &self.0,
            &[IoSlice::new(&text)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )?;
        self.0.write_all(&text[sent..])?;
        Ok(Shim {
            child: None,
            end: None,
            control: ours,
            stdout: None,
            stderr: None,
            partial: Vec::new(),
            gone: false,
        })
    }
}

fn say(stream: &mut UnixStream, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    stream.write_all(&text)
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
