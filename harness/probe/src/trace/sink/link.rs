//! The link between a subject's network namespace and ours: made, addressed and routed over netlink.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use adamant_probe::sinkhole::{GATEWAY, PREFIX, SUBJECT};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, address};
use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{
    AddressFamily as Family, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv,
    socket_with,
};

/// What the subject's side is called there, as in any container.
const THEIR_END: &str = "eth0";
/// What our side is called in a namespace that nothing else is in.
const OUR_END: &str = "adamant";
const LOOPBACK: &str = "lo";
const ANSWER_BYTES: usize = 8192;

/// Makes the link between the namespace of this thread and `subject`, and our end of it.
///
/// With `any`, every address that is not the subject's is one of ours; without it, what is sent to one is swallowed.
pub(super) fn make(subject: BorrowedFd<'_>, any: bool) -> io::Result<()> {
    let wire = Wire::open()?;
    wire.ask(
        RouteNetlinkMessage::NewLink(pair(subject)),
        NLM_F_CREATE | NLM_F_EXCL,
    )?;
    wire.address(OUR_END, GATEWAY)?;
    wire.raise(LOOPBACK)?;
    wire.raise(OUR_END)?;
    let rest = if any {
        let mut rest = route(RouteType::Local, RouteScope::Host);
        rest.attributes
            .push(RouteAttribute::Oif(wire.index(LOOPBACK)?));
        rest
    } else {
        // Without a route the kernel would say so to whoever asked.
        route(RouteType::BlackHole, RouteScope::Universe)
    };
    wire.ask(RouteNetlinkMessage::NewRoute(rest), NLM_F_CREATE)
}

/// Raises the subject's end, in whose namespace this thread is, and routes everything through it.
pub(super) fn join() -> io::Result<()> {
    let wire = Wire::open()?;
    wire.address(THEIR_END, SUBJECT)?;
    wire.raise(LOOPBACK)?;
    wire.raise(THEIR_END)?;
    let mut route = route(RouteType::Unicast, RouteScope::Universe);
    let gateway = RouteAttribute::Gateway(RouteAddress::Inet(GATEWAY));
    route.attributes.push(gateway);
    wire.ask(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE)
}

fn pair(subject: BorrowedFd<'_>) -> LinkMessage {
    let mut theirs = LinkMessage::default();
    theirs.attributes = vec![
        LinkAttribute::IfName(THEIR_END.into()),
        LinkAttribute::NetNsFd(subject.as_raw_fd()),
    ];
    let mut ours = LinkMessage::default();
    ours.attributes = vec![
        LinkAttribute::IfName(OUR_END.into()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(theirs))),
        ]),
    ];
    ours
}

/// A route to everywhere of the main table, where a link's own is more specific.
fn route(kind: RouteType, scope: RouteScope) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header = RouteHeader {
        address_family: AddressFamily::Inet,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Static,
        scope,
        kind,
        ..RouteHeader::default()
    };
    route
}

/// A conversation with the kernel about the namespace in which it was opened.
struct Wire {
    socket: OwnedFd,
}

impl Wire {
    fn open() -> io::Result<Self> {
        let socket = socket_with(
            Family::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // NETLINK_ROUTE is protocol 0.
            None,
        )?;
        Ok(Self { socket })
    }

    fn index(&self, name: &str) -> io::Result<u32> {
        Ok(name_to_index(self.socket.as_fd(), name)?)
    }

    fn raise(&self, name: &str) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = self.index(name)?;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    fn address(&self, name: &str, ip: Ipv4Addr) -> io::Result<()> {
        let mut own = AddressMessage::default();
        own.header = address::AddressHeader {
            family: AddressFamily::Inet,
            prefix_len: PREFIX,
            index: self.index(name)?,
            ..address::AddressHeader::default()
        };
        let ip = IpAddr::from(ip);
        own.attributes = vec![AddressAttribute::Local(ip), AddressAttribute::Address(ip)];
        self.ask(
            RouteNetlinkMessage::NewAddress(own),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// Asks for one change and reads whether it was made.
    fn ask(&self, change: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(change));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let kernel = netlink::SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&self.socket, &bytes, SendFlags::empty(), &kernel)?;
        let mut answer = vec![0; ANSWER_BYTES];
        let (read, _) = recv(&self.socket, &mut answer, RecvFlags::empty())?;
        let answer = answer.get(..read).unwrap_or_default();
        let answer =
            NetlinkMessage::<RouteNetlinkMessage>::deserialize(answer).map_err(io::Error::other)?;
        match answer.payload {
            NetlinkPayload::Error(error) => match error.code {
                None => Ok(()),
                Some(code) => Err(io::Error::from_raw_os_error(code.get().saturating_abs())),
            },
            _ => Err(Errno::PROTO.into()),
        }
    }
}
