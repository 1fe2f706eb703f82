//! Where a process connects or sends to, and what it asks name servers for.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;

use adamant_probe::{Action, PACKETS};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::dns;
use super::memory::{Memory, u32_at, u64_at};

const DNS_PORT: u16 = 53;
/// As much of a message as a question can be long.
const PAYLOAD_MOST: usize = 514;
/// As many messages as the kernel takes in one call.
const MESSAGES_MOST: u64 = 1024;
/// How many pieces of a message are looked at.
const PIECES_MOST: usize = 8;

/// An address that a call was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Of the internet families.
    Internet(SocketAddr),
    /// Of the machine that this one is a guest of, or of another guest: its context and port.
    Host(u32, u32),
    /// Of a socket that sends whole packets, wherever they go.
    Packets,
    /// Of the internet families, or nobody knows.
    Unknown,
    /// Of another family: it does not leave the machine.
    Local,
}

/// What a `sockaddr` says.
pub(super) fn peer(bytes: &[u8]) -> Peer {
    let Some(family) = bytes.get(..2).and_then(|b| b.try_into().ok()) else {
        return Peer::Unknown;
    };
    let port = bytes.get(2..4).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let ip = match i32::from(u16::from_ne_bytes(family)) {
        libc::AF_INET => bytes
            .get(4..8)
            .and_then(|b| <[u8; 4]>::try_from(b).ok())
            .map(|b| IpAddr::from(Ipv4Addr::from(b))),
        libc::AF_INET6 => bytes
            .get(8..24)
            .and_then(|b| <[u8; 16]>::try_from(b).ok())
            .map(|b| Ipv6Addr::from(b).to_canonical()),
        libc::AF_VSOCK => {
            return match (u32_at(bytes, 8), u32_at(bytes, 4)) {
                // The context of this very machine.
                (Some(libc::VMADDR_CID_LOCAL), Some(_)) => Peer::Local,
                (Some(context), Some(port)) => Peer::Host(context, port),
                _ => Peer::Unknown,
            };
        }
        libc::AF_PACKET => return Peer::Packets,
        _ => return Peer::Local,
    };
    match (ip, port) {
        (Some(ip), Some(port)) => Peer::Internet(SocketAddr::new(ip, port)),
        _ => Peer::Unknown,
    }
}

/// Opening a socket that sends whole packets.
pub(super) fn packets() -> Action {
    Action::Connect {
        address: PACKETS.to_owned(),
        port: 0,
    }
}

/// Where a message goes: as [`peer`], but the kernel sends one without a family to an address of the oldest.
fn recipient(memory: Memory, address: u64, length: u64) -> Option<Peer> {
    let peer = peer_at(memory, address, length)?;
    let bytes = memory.bytes(address, 16);
    match (peer, bytes.split_first_chunk::<2>()) {
        (Peer::Local, Some(([0, 0], rest))) if length >= 16 => {
            let family = u16::try_from(libc::AF_INET).unwrap_or_default();
            Some(self::peer(&[&family.to_ne_bytes(), rest].concat()))
        }
        _ => Some(peer),
    }
}

/// The address at `address`; `None` when none is given.
fn peer_at(memory: Memory, address: u64, length: u64) -> Option<Peer> {
    const SOCKADDR_MOST: u64 = 128;
    if address == 0 || length == 0 {
        return None;
    }
    let length = usize::try_from(length.min(SOCKADDR_MOST)).unwrap_or(0);
    Some(peer(&memory.bytes(address, length)))
}

fn connected(peer: Peer) -> Option<Action> {
    match peer {
        Peer::Internet(to) => Some(Action::Connect {
            address: to.ip().to_string(),
            port: to.port(),
        }),
        Peer::Host(context, port) => Some(Action::Connect {
            address: format!("vsock {context}"),
            port: u16::try_from(port).unwrap_or(u16::MAX),
        }),
        Peer::Packets => Some(packets()),
        Peer::Unknown => Some(Action::Connect {
            address: String::from("?"),
            port: 0,
        }),
        Peer::Local => None,
    }
}

/// `connect(fd, address, length)`.
pub(super) fn connect(memory: Memory, args: [u64; 6]) -> Vec<Action> {
    // The kernel looks at the lower half.
    peer_at(memory, args[1], args[2] & u64::from(u32::MAX))
        .and_then(connected)
        .into_iter()
        .collect()
}

/// The messages of one call, which go out by one socket.
pub(super) struct Socket {
    /// Whose memory holds them.
    pub(super) memory: Memory,
    /// Whose socket it is.
    pub(super) process: u32,
    /// Its number there.
    pub(super) fd: i32,
}

impl Socket {
    /// `sendto(fd, payload, length, flags, address, length)`.
    pub(super) fn send_to(&self, args: [u64; 6]) -> Vec<Action> {
        let to = recipient(self.memory, args[4], args[5] & u64::from(u32::MAX));
        let length = usize::try_from(args[2]).unwrap_or(usize::MAX);
        let payload = self.memory.bytes(args[1], length.min(PAYLOAD_MOST));
        self.send(&mut None, to, &payload).into_iter().collect()
    }

    /// `sendmsg(fd, message, flags)`.
    pub(super) fn send_message(&self, args: [u64; 6]) -> Vec<Action> {
        self.message(&mut None, args[1]).into_iter().collect()
    }

    /// `sendmmsg(fd, messages, count, flags)`; what is said several times is told once.
    pub(super) fn send_messages(&self, args: [u64; 6]) -> Vec<Action> {
        const STRIDE: u64 = 64;
        let mut own = None;
        let (mut actions, mut told) = (Vec::new(), BTreeSet::new());
        let count = (args[2] & u64::from(u32::MAX)).min(MESSAGES_MOST);
        for at in (0..count).map_while(|index| args[1].checked_add(index * STRIDE)) {
            // The kernel, too, stops at the first message that it cannot read.
            if self.memory.exact::<8>(at).is_none() {
                break;
            }
            if let Some(action) = self.message(&mut own, at)
                && told.insert(format!("{action:?}"))
            {
                actions.push(action);
            }
        }
        actions
    }

    /// What the `struct msghdr` at `address` sends.
    fn message(&self, own: &mut Option<Peer>, address: u64) -> Option<Action> {
        let Some(header) = self.memory.exact::<32>(address) else {
            return connected(Peer::Unknown);
        };
        let to = recipient(
            self.memory,
            u64_at(&header, 0)?,
            u64::from(u32_at(&header, 8)?),
        );
        let payload = self.gather(u64_at(&header, 16)?, u64_at(&header, 24)?);
        self.send(own, to, &payload)
    }

    /// The beginning of a message that is in pieces.
    fn gather(&self, pieces: u64, count: u64) -> Vec<u8> {
        const STRIDE: usize = 16;
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(PIECES_MOST);
        let table = self.memory.bytes(pieces, count * STRIDE);
        let mut payload = Vec::new();
        for piece in table.chunks_exact(STRIDE) {
            let (Some(at), Some(length)) = (u64_at(piece, 0), u64_at(piece, 8)) else {
                break;
            };
            let room = PAYLOAD_MOST.saturating_sub(payload.len());
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(room);
            payload.extend(self.memory.bytes(at, length));
        }
        payload
    }

    /// One message to `to`, or to where the socket is connected.
    fn send(&self, own: &mut Option<Peer>, to: Option<Peer>, payload: &[u8]) -> Option<Action> {
        let name = dns::question(payload).or_else(|| dns::question_in_stream(payload));
        match (to, name) {
            (Some(Peer::Internet(to)), Some(name)) if to.port() == DNS_PORT => {
                let server = to.ip().to_string();
                Some(Action::Resolve { name, server })
            }
            (Some(to), _) => connected(to),
            // Where it is connected to was told when it was connected.
            (None, None) => None,
            (None, Some(name)) => match *own.get_or_insert_with(|| self.connected_to()) {
                Peer::Internet(to) if to.port() == DNS_PORT => {
                    let server = to.ip().to_string();
                    Some(Action::Resolve { name, server })
                }
                Peer::Internet(_) | Peer::Host(..) | Peer::Packets | Peer::Local => None,
                // It is a question, and nobody can say to whom.
                Peer::Unknown => Some(Action::Resolve {
                    name,
                    server: String::from("?"),
                }),
            },
        }
    }

    /// Where the socket is connected to, by a copy of it.
    fn connected_to(&self) -> Peer {
        match copy(self.process, self.fd).map(|copy| UdpSocket::from(copy).peer_addr()) {
            Ok(Ok(to)) => Peer::Internet(SocketAddr::new(to.ip().to_canonical(), to.port())),
            // Of another family, or not connected at all.
            Ok(Err(_)) => Peer::Local,
            Err(_) => Peer::Unknown,
        }
    }
}

/// A copy of a descriptor of a process.
pub(super) fn copy(process: u32, fd: i32) -> rustix::io::Result<OwnedFd> {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let process = pidfd_open(process.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    pidfd_getfd(process, fd, PidfdGetfdFlags::empty())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::super::dns::tests::query;
    use super::*;

    fn sockaddr(family: i32, rest: &[u8]) -> Vec<u8> {
        let family = u16::try_from(family).expect("a family");
        [&family.to_ne_bytes(), rest].concat()
    }

    #[test]
    fn an_address_is_read_by_its_family() {
        let v4 = sockaddr(libc::AF_INET, &[0x01, 0xbb, 1, 2, 3, 4, 0, 0]);
        let to: SocketAddr = "1.2.3.4:443".parse().expect("an address");
        assert_eq!(peer(&v4), Peer::Internet(to));
        let mut rest = vec![0x01, 0xbb, 0, 0, 0, 0];
        rest.extend([0; 10]);
        rest.extend([0xff, 0xff, 1, 2, 3, 4]);
        assert_eq!(peer(&sockaddr(libc::AF_INET6, &rest)), Peer::Internet(to));
        assert_eq!(peer(&sockaddr(libc::AF_INET6, &rest[..20])), Peer::Unknown);
        assert_eq!(peer(&v4[..5]), Peer::Unknown);
        assert_eq!(peer(&[]), Peer::Unknown);
        for family in [libc::AF_UNIX, libc::AF_NETLINK, libc::AF_UNSPEC] {
            assert_eq!(peer(&sockaddr(family, &[0; 26])), Peer::Local);
        }
        assert_eq!(peer(&sockaddr(libc::AF_PACKET, &[0; 18])), Peer::Packets);
        // Two bytes that are reserved, the port, then the context.
        let vsock = |context: u8| {
            let rest = [0, 0, 9, 0, 0, 0, context, 0, 0, 0, 0, 0, 0, 0];
            peer(&sockaddr(libc::AF_VSOCK, &rest))
        };
        assert_eq!(vsock(2), Peer::Host(2, 9));
        assert_eq!(vsock(1), Peer::Local);
        assert_eq!(peer(&sockaddr(libc::AF_VSOCK, &[0; 4])), Peer::Unknown);
    }

    #[test]
    fn a_message_without_a_family_goes_where_the_kernel_sends_it() {
        let mut to = sockaddr(libc::AF_UNSPEC, &[0x01, 0xbb, 1, 2, 3, 4]);
        to.resize(16, 0);
        let memory = Memory::new(std::process::id());
        let address = to.as_ptr() as u64;
        let expected: SocketAddr = "1.2.3.4:443".parse().expect("an address");
        assert_eq!(
            recipient(memory, address, 16),
            Some(Peer::Internet(expected))
        );
        assert_eq!(peer_at(memory, address, 16), Some(Peer::Local));
        assert_eq!(recipient(memory, 0, 16), None);
    }

    fn own(fd: i32) -> Socket {
        Socket {
            memory: Memory::new(std::process::id()),
            process: std::process::id(),
            fd,
        }
    }

    #[test]
    fn a_question_on_a_connected_socket_is_a_name_asked_for() {
        let question = query("registry.example");
        let (address, length) = (question.as_ptr() as u64, question.len() as u64);
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let send = |udp: &UdpSocket| own(udp.as_raw_fd()).send_to([0, address, length, 0, 0, 0]);
        assert_eq!(send(&udp), []);
        udp.connect("127.0.0.1:5353").expect("connected");
        assert_eq!(send(&udp), []);
        udp.connect("127.0.0.1:53").expect("connected");
        let (name, server) = ("registry.example".into(), "127.0.0.1".into());
        assert_eq!(send(&udp), [Action::Resolve { name, server }]);
        let unknown = own(9999).send_to([0, address, length, 0, 0, 0]);
        assert!(matches!(unknown.as_slice(), [Action::Resolve { server, .. }] if server == "?"));
    }

    #[test]
    fn a_message_in_pieces_is_one_message() {
        let question = query("a.example");
        let to = sockaddr(libc::AF_INET, &[0, 53, 10, 0, 0, 2, 0, 0]);
        let (head, tail) = question.split_at(14);
        let pieces: Vec<u64> = [head, tail]
            .iter()
            .flat_map(|piece| [piece.as_ptr() as u64, piece.len() as u64])
            .collect();
        let header = [
            to.as_ptr() as u64,
            to.len() as u64,
            pieces.as_ptr() as u64,
            2,
        ];
        let seen = own(-1).send_message([0, header.as_ptr() as u64, 0, 0, 0, 0]);
        let (name, server) = ("a.example".into(), "10.0.0.2".into());
        assert_eq!(seen, [Action::Resolve { name, server }]);

        let mut two = [0_u64; 16];
        two[..4].copy_from_slice(&header);
        two[8..12].copy_from_slice(&header);
        let seen = own(-1).send_messages([0, two.as_ptr() as u64, 2, 0, 0, 0]);
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn hostile_messages_are_told_as_unknown_and_bounded() {
        let unknown = own(-1).send_message([0, 8, 0, 0, 0, 0]);
        assert!(matches!(unknown.as_slice(), [Action::Connect { address, .. }] if address == "?"));
        let header = [0_u64, 0, u64::MAX - 3, u64::MAX];
        let at = header.as_ptr() as u64;
        assert_eq!(own(-1).send_message([0, at, 0, 0, 0, 0]), []);
        let args = [0, u64::MAX - 64, u64::from(u32::MAX), 0, 0, 0];
        assert_eq!(own(-1).send_messages(args), []);
        let args = [0, u64::MAX, u64::MAX, 0, u64::MAX, u64::MAX];
        assert_eq!(own(-1).send_to(args).len(), 1);
    }
}
