//! The door: who was told by the kernel that it is connected is let in, even while the door closes.

use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

/// How long handshakes that have begun may take once no new one begins.
const HANDSHAKE: Duration = Duration::from_millis(50);
/// And all of them together.
const CLOSING: Duration = Duration::from_secs(1);

// Classic BPF, over the TCP header: the byte of the flags; the bit SYN; drop, or keep all.
const FLAGS: SockFilter = SockFilter::new(0x30, 0, 0, 13);
const IS_SYN: SockFilter = SockFilter::new(0x45, 0, 1, 0x02);
const DROP: SockFilter = SockFilter::new(0x06, 0, 0, 0);
const KEEP: SockFilter = SockFilter::new(0x06, 0, 0, u32::MAX);

/// Begins no new handshake, takes in those who are through or in the middle of one, and closes.
///
/// Closed at once, a listening socket resets every connection in its queue, whose peers believe that they were accepted.
pub(super) async fn close(listener: TcpListener, mut enter: impl FnMut(TcpStream)) {
    // A kernel without such filters closes the door with a gap of a few microseconds.
    let _ = SockRef::from(&listener).attach_filter(&[FLAGS, IS_SYN, DROP, KEEP]);
    let until = Instant::now() + CLOSING;
    while let Ok(Ok(Ok((stream, _)))) =
        timeout_at(until, timeout(HANDSHAKE, listener.accept())).await
    {
        enter(stream);
    }
}
