//! Connects to loopback and to unix sockets, and says in plain words why that failed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::clock::Deadline;

/// Connects to `port` on 127.0.0.1 or, when nobody listens there, on `[::1]`.
pub(super) fn loopback(port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    match tcp(Ipv4Addr::LOCALHOST.into(), port, deadline) {
        // A host without IPv6 fails in its own way; that nobody listens is what matters.
        Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
            tcp(Ipv6Addr::LOCALHOST.into(), port, deadline).map_err(|_no_better| refused)
        }
        other => other,
    }
}

fn tcp(address: IpAddr, port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    let left = deadline.left().ok_or(io::ErrorKind::TimedOut)?;
    TcpStream::connect_timeout(&SocketAddr::new(address, port), left)
}

/// Connects to the unix stream socket at `path` and hangs up.
///
/// Does not wait: a full backlog is a state to report, and a blocking connect would hide it.
pub(super) fn unix(path: &str) -> io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(connect(&socket, &SocketAddrUnix::new(path)?)?)
}

/// An error as a person would put it, without numbers.
pub(super) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => String::from("timed out"),
        io::ErrorKind::NotFound => String::from("no such socket"),
        kind if error.raw_os_error().is_some() => match kind.to_string() {
            known if known != "other error" && known != "uncategorized error" => known,
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{Deadline, loopback, plain, unix};

    #[test]
    fn unix_sockets_accept_refuse_or_are_absent() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("socket");
        let path = path.to_str().expect("a UTF-8 path");
        let say = || unix(path).map_err(|error| plain(&error));
        assert_eq!(say(), Err(String::from("no such socket")));
        let listener = UnixListener::bind(path).expect("a socket");
        assert_eq!(say(), Ok(()));
        drop(listener);
        assert_eq!(say(), Err(String::from("connection refused")));
    }

    #[test]
    fn a_listener_on_ipv6_alone_is_found() {
        // Not every machine that runs these tests has IPv6.
        let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
            return;
        };
        let port = listener.local_addr().expect("an address").port();
        assert!(loopback(port, Deadline::after_ms(2000)).is_ok());
    }
}
