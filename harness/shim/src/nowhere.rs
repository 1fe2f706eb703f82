//! A network that leads to nobody: what is sent past the container's own link is swallowed, as on a daemon's internal network.

use std::fs::File;
use std::net::UdpSocket;

use rustix::thread::UnshareFlags;

use crate::net::{self, Route};
use crate::seat;
use crate::trouble::{Trouble, while_doing};

/// What the container calls its end of the link; cables to companions come after it.
const THEIR_END: &str = "eth0";
/// What the other end is called, in a namespace that nothing else is in.
const OUR_END: &str = "adamant";
/// Both ends, beside the networks of companions, which are numbered from 0.
const GATEWAY: [u8; 4] = [172, 31, 255, 1];
const SUBJECT: [u8; 4] = [172, 31, 255, 2];
/// The name server of `/etc/resolv.conf`; it hears every question and answers none.
const NAME_SERVER: &str = "127.0.0.11:53";
/// A daemon's internal networks have no newer family either.
const DISABLE_6: &str = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6";

/// What holds it: the network ends with this.
#[derive(Debug)]
pub(crate) struct Nowhere {
    /// The namespace of the other end, which no process is in.
    _beyond: File,
    /// Nobody reads what comes here.
    _names: UdpSocket,
}

impl Nowhere {
    /// Makes it around the network of this process, the container's.
    pub(crate) fn make() -> Result<Self, Trouble> {
        let doing = || while_doing("make a network that leads to nobody");
        let own = net::of("self")?;
        seat::unshare(UnshareFlags::NEWNET)?;
        let beyond = net::of("self")?;
        let mut there = Route::open()?;
        there.veth(OUR_END, THEIR_END, &own).map_err(doing())?;
        there.bring_up(OUR_END, GATEWAY).map_err(doing())?;
        // Without a route the kernel would say so to whoever asked.
        there.swallow().map_err(doing())?;
        net::into(&own)?;
        match std::fs::write(DISABLE_6, "1") {
            // A kernel that is built without it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            written => written.map_err(while_doing(format!("write `{DISABLE_6}`")))?,
        }
        let here = Route::open()?;
        here.bring_up(THEIR_END, SUBJECT).map_err(doing())?;
        here.leave_by(GATEWAY).map_err(doing())?;
        Ok(Self {
            _beyond: beyond,
            _names: UdpSocket::bind(NAME_SERVER).map_err(doing())?,
        })
    }
}
