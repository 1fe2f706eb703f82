//! Networks: loopback up, a cable between two of them, and processes that go from one to the other.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd as _;

use adamant_shim::Companion;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::net::netdevice::name_to_index;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::trouble::{Trouble, while_doing};

/// Every network has its loopback interface from the beginning, with this index.
const LOOPBACK: u32 = 1;
/// What a companion calls its end of the cable.
const COMPANION_END: &str = "eth0";
const PREFIX_LENGTH: u8 = 24;

/// The network of a process.
pub(crate) fn of(pid: &str) -> Result<File, Trouble> {
    File::open(format!("/proc/{pid}/ns/net"))
        .map_err(while_doing(format!("open the network of process {pid}")))
}

/// Goes into the network of a process.
pub(crate) fn enter(pid: &str) -> Result<(), Trouble> {
    into(&of(pid)?)
}

pub(crate) fn into(network: &File) -> Result<(), Trouble> {
    use std::os::fd::AsFd as _;
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(while_doing("enter another network"))
}

/// A new network has its loopback interface down.
pub(crate) fn loopback_up() -> Result<(), Trouble> {
    Route::open()?
        .up(LOOPBACK)
        .map_err(while_doing("start the loopback interface"))
}

/// Connects the network of this process, a companion's, with its subject's.
pub(crate) fn cable(subject: &File, companion: &Companion) -> Result<(), Trouble> {
    let doing = || while_doing("connect a companion with the container");
    let own = File::open("/proc/self/ns/net").map_err(doing())?;
    // The first is the container's way out.
    let there = format!("eth{}", u32::from(companion.number) + 1);
    let mut here = Route::open()?;
    here.veth(COMPANION_END, &there, subject).map_err(doing())?;
    here.bring_up(COMPANION_END, companion.address())
        .map_err(doing())?;
    into(subject)?;
    let up = Route::open()?
        .bring_up(&there, companion.peer())
        .map_err(doing());
    into(&own)?;
    up
}

/// A conversation with the kernel about interfaces, in the network in which it was opened.
pub(crate) struct Route(Socket);

impl Route {
    pub(crate) fn open() -> Result<Self, Trouble> {
        let doing = || while_doing("speak to the kernel about networks");
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(doing())?;
        socket.bind_auto().map_err(doing())?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(doing())?;
        Ok(Self(socket))
    }

    fn up(&self, index: u32) -> std::io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Makes both ends; the other one is in `network` from the beginning.
    pub(crate) fn veth(&mut self, name: &str, other: &str, network: &File) -> std::io::Result<()> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(other.to_owned()),
            LinkAttribute::NetNsFd(network.as_raw_fd()),
        ];
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        self.ask(
            RouteNetlinkMessage::NewLink(link),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    pub(crate) fn bring_up(&self, name: &str, address: [u8; 4]) -> std::io::Result<()> {
        let file = rustix::net::socket(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::DGRAM,
            None,
        )?;
        let index = name_to_index(&file, name)?;
        let address = IpAddr::V4(Ipv4Addr::from(address));
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = PREFIX_LENGTH;
        message.header.index = index;
        message.attributes = vec![
            AddressAttribute::Local(address),
            AddressAttribute::Address(address),
        ];
        let message = RouteNetlinkMessage::NewAddress(message);
        self.ask(message, NLM_F_CREATE | NLM_F_EXCL)?;
        self.up(index)
    }

    /// Sends what has no other way to this neighbour.
    pub(crate) fn leave_by(&self, gateway: [u8; 4]) -> std::io::Result<()> {
        let mut route = everything(RouteType::Unicast);
        let gateway = RouteAddress::Inet(Ipv4Addr::from(gateway));
        route.attributes.push(RouteAttribute::Gateway(gateway));
        self.ask(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE)
    }

    /// Drops what has no other way, and says nothing.
    pub(crate) fn swallow(&self) -> std::io::Result<()> {
        let route = everything(RouteType::BlackHole);
        self.ask(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE)
    }

    /// Asks for one change, and waits for the kernel's answer.
    fn ask(&self, message: RouteNetlinkMessage, flags: u16) -> std::io::Result<()> {
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.0.send(&bytes, 0)?;
        let mut answer = vec![0; 8192];
        let length = self.0.recv(&mut &mut answer[..], 0)?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer[..length])
            .map_err(std::io::Error::other)?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_none() => Ok(()),
            NetlinkPayload::Error(error) => Err(error.to_io()),
            other => Err(std::io::Error::other(format!(
                "the kernel answered {other:?}"
            ))),
        }
    }
}

/// A route to everywhere, where a link's own is more specific.
fn everything(kind: RouteType) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header = RouteHeader {
        address_family: AddressFamily::Inet,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Static,
        scope: RouteScope::Universe,
        kind,
        ..RouteHeader::default()
    };
    route
}
