//! The link between a subject's network namespace and ours: made, addressed and routed over netlink.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use adamant_probe::sinkhole::{GATEWAY, GATEWAY_6, PREFIX, PREFIX_6, SUBJECT, SUBJECT_6};
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

/// Of each family: our address, the subject's, and how many leading bits they have in common.
const ENDS: [(IpAddr, IpAddr, u8); 2] = [
    (IpAddr::V4(GATEWAY), IpAddr::V4(SUBJECT), PREFIX),
    (IpAddr::V6(GATEWAY_6), IpAddr::V6(SUBJECT_6), PREFIX_6),
];
/// Where the kernel keeps what it does about the newer family, for the namespace of who asks.
const SETTINGS_6: &str = "/proc/sys/net/ipv6";

/// Whether this kernel speaks the newer family at all.
pub(super) fn speaks_6() -> bool {
    std::path::Path::new(SETTINGS_6).is_dir()
}

/// The ends of the families that this kernel speaks, in this thread's namespace; a container's has the newer one off.
fn ends() -> io::Result<&'static [(IpAddr, IpAddr, u8)]> {
    if !speaks_6() {
        return Ok(&ENDS[..1]);
    }
    for (setting, value) in [
        ("conf/all/disable_ipv6", "0"),
        ("conf/default/disable_ipv6", "0"),
        // A name server answers from the address that was asked, which no link has.
        ("ip_nonlocal_bind", "1"),
    ] {
        std::fs::write(format!("{SETTINGS_6}/{setting}"), value)?;
    }
    Ok(&ENDS)
}

/// Makes the link between the namespace of this thread and `subject`, and our end of it.
///
/// With `any`, every address that is not the subject's is one of ours; without it, what is sent to one is swallowed.
pub(super) fn make(subject: BorrowedFd<'_>, any: bool) -> io::Result<()> {
    let wire = Wire::open()?;
    let ends = ends()?;
    wire.ask(
        RouteNetlinkMessage::NewLink(pair(subject)),
        NLM_F_CREATE | NLM_F_EXCL,
    )?;
    wire.raise(LOOPBACK)?;
    wire.raise(OUR_END)?;
    for (ours, _, prefix) in ends {
        wire.address(OUR_END, *ours, *prefix)?;
        let mut rest = if any {
            route(*ours, RouteType::Local, RouteScope::Host)
        } else {
            // Without a route the kernel would say so to whoever asked.
            route(*ours, RouteType::BlackHole, RouteScope::Universe)
        };
        if any || ours.is_ipv6() {
            let out = RouteAttribute::Oif(wire.index(LOOPBACK)?);
            rest.attributes.push(out);
        }
        wire.ask(RouteNetlinkMessage::NewRoute(rest), NLM_F_CREATE)?;
    }
    Ok(())
}

/// Raises the subject's end, in whose namespace this thread is, and routes everything through it.
pub(super) fn join() -> io::Result<()> {
    let wire = Wire::open()?;
    let ends = ends()?;
    wire.raise(LOOPBACK)?;
    wire.raise(THEIR_END)?;
    for (gateway, theirs, prefix) in ends {
        wire.address(THEIR_END, *theirs, *prefix)?;
        let mut route = route(*gateway, RouteType::Unicast, RouteScope::Universe);
        let gateway = RouteAttribute::Gateway(RouteAddress::from(*gateway));
        route.attributes.push(gateway);
        wire.ask(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE)?;
    }
    Ok(())
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

fn family(ip: IpAddr) -> AddressFamily {
    match ip {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// A route to everywhere in the family of `like`, of the main table, where a link's own is more specific.
fn route(like: IpAddr, kind: RouteType, scope: RouteScope) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header = RouteHeader {
        address_family: family(like),
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

    fn address(&self, name: &str, ip: IpAddr, prefix: u8) -> io::Result<()> {
        let mut own = AddressMessage::default();
        own.header = address::AddressHeader {
            family: family(ip),
            prefix_len: prefix,
            index: self.index(name)?,
            // Nobody else is on the link, so nobody needs to be asked whether the address is free.
            flags: address::AddressHeaderFlags::Nodad,
            ..address::AddressHeader::default()
        };
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
