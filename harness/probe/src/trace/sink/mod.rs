//! The network of a traced boot that leads nowhere: a link from the subject's namespace into one of our own.
//!
//! Nothing leaves the machine, since nothing but the link is in that namespace; it goes with this process.

mod link;
mod serve;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use adamant_probe::Action;
use adamant_probe::sinkhole::{NAME_SERVER, Profile};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use self::serve::Names;
use super::kernel;
use super::question::Questions;

const DNS_PORT: u16 = 53;
/// As many ports as one boot can make us listen on.
const PORTS_MOST: usize = 1024;

/// The other end of a subject's network.
pub(super) struct Sink {
    profile: Profile,
    /// Our namespace.
    own: OwnedFd,
    ports: BTreeSet<u16>,
    name_servers: BTreeSet<IpAddr>,
    names: Names,
}

impl Sink {
    /// Makes it for the namespace of the process `pid`, which has no network yet; what is asked of its name servers is
    /// told to `questions`.
    pub(super) fn make(profile: Profile, pid: u32, questions: Questions) -> io::Result<Self> {
        let subject = open(&format!("/proc/{pid}/ns/net"))?;
        let theirs = subject.try_clone()?;
        // A namespace belongs to a thread: that of the supervisor stays where it is.
        let own = aside(move || {
            kernel::leave_network()?;
            link::make(theirs.as_fd(), profile != Profile::BlackHole)?;
            open("/proc/thread-self/ns/net")
        })?;
        aside(move || {
            enter(&subject)?;
            link::join()
        })?;
        let mut sink = Self {
            profile,
            own,
            ports: BTreeSet::new(),
            name_servers: BTreeSet::new(),
            names: Names {
                aloud: profile == Profile::Sinkhole,
                speaks_6: link::speaks_6(),
                questions,
            },
        };
        sink.name(NAME_SERVER.into())?;
        Ok(sink)
    }

    /// Makes ready for what a process is about to do.
    pub(super) fn expect(&mut self, action: &Action) -> io::Result<()> {
        match action {
            Action::Connect { address, port } => match address.parse() {
                Ok(address) if !is_own(address) => {
                    if *port == DNS_PORT {
                        self.name(address)?;
                    }
                    self.listen(*port)
                }
                _ => Ok(()),
            },
            Action::Resolve { server, .. } => match server.parse() {
                Ok(server) if !is_own(server) => self.name(server),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Accepts on a port of every address.
    fn listen(&mut self, port: u16) -> io::Result<()> {
        let here = self.profile != Profile::BlackHole;
        if !here || port == 0 || self.ports.len() >= PORTS_MOST || !self.ports.insert(port) {
            return Ok(());
        }
        // A socket of the newer family takes both.
        let any: IpAddr = if self.names.speaks_6 {
            Ipv6Addr::UNSPECIFIED.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        let listener = self.within(move || TcpListener::bind((any, port)))?;
        serve::accept(listener, (port == DNS_PORT).then(|| self.names.clone()))
    }

    /// Answers, or hears and does not answer, the questions to a name server.
    fn name(&mut self, server: IpAddr) -> io::Result<()> {
        let here = self.profile != Profile::BlackHole && (server.is_ipv4() || self.names.speaks_6);
        if !here || self.name_servers.len() >= PORTS_MOST || !self.name_servers.insert(server) {
            return Ok(());
        }
        // Bound to its address: an answer must come from where the question went.
        let at = SocketAddr::from((server, DNS_PORT));
        let socket = match self.within(move || UdpSocket::bind(at)) {
            // The subject's own address, or a broadcast: nobody answers there in any network.
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => return Ok(()),
            socket => socket?,
        };
        serve::name(socket, self.names.clone())
    }

    fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let own = self.own.try_clone()?;
        aside(move || {
            enter(&own)?;
            work()
        })
    }
}

/// What a process reaches without a network.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn open(path: &str) -> io::Result<OwnedFd> {
    Ok(openat(
        CWD,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

fn enter(namespace: &OwnedFd) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// Does it on a thread of its own.
fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let thread = std::thread::Builder::new().spawn(work)?;
    thread
        .join()
        .unwrap_or_else(|_panic| Err(Errno::CANCELED.into()))
}
