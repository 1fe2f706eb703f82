//! The hand-over between a launcher and the supervisor: a listener there, one byte back, an errno if it comes to nothing.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::readlink;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// What a launcher says with its listener.
const HELLO: u8 = b'L';
/// What the supervisor says when it listens.
pub(super) const ACKNOWLEDGED: u8 = b'k';

/// Sends the listener. Not for a thread that has the filter: the call itself would wait for it.
pub(super) fn offer(stream: &UnixStream, listener: impl AsFd) -> io::Result<()> {
    let fds = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    if !rights.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("the message has no room for the listener"));
    }
    sendmsg(
        stream,
        &[IoSlice::new(&[HELLO])],
        &mut rights,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Takes a listener, without waiting; anything else that is sent is an error.
pub(super) fn take(stream: &UnixStream) -> rustix::io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut byte)],
        &mut rights,
        flags,
    )?;
    let mut fds = rights.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    });
    match (received.bytes, byte, fds.next()) {
        (1, [HELLO], Some(fd)) if is_listener(&fd) => Ok(fd),
        _ => Err(Errno::PROTO),
    }
}

/// A subject could send anything.
fn is_listener(fd: &OwnedFd) -> bool {
    use std::os::fd::AsRawFd as _;
    let link = readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new());
    link.is_ok_and(|link| link.as_bytes() == b"anon_inode:seccomp notify")
}
