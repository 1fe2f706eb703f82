//! Names that were asked of a made network's name servers, and who asked: a question need not be seen on its way out,
//! since a resolver may write it to a connected socket as it would write to a file.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, PipeReader};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use adamant_probe::{Action, Actor, TraceEvent};
use rustix::fs::{OFlags, fcntl_setfl};

use super::net;
use crate::inside::clock::monotonic_ns;

const DNS_PORT: u16 = 53;
/// As many sockets towards name servers as are remembered.
const SOCKETS_MOST: usize = 256;
/// How long an answer waits until the question was told; whoever asks gives up much later.
const PATIENCE: Duration = Duration::from_secs(1);

/// A question as a name server heard it.
#[derive(Debug)]
struct Asked {
    at_ns: u64,
    name: String,
    server: IpAddr,
    /// The port that it came from: with it goes who asked.
    port: u16,
    /// Dropped once it was told.
    told: Sender<()>,
}

/// Where name servers put what they hear.
#[derive(Debug, Clone)]
pub(super) struct Questions {
    send: Sender<Asked>,
    bell: Arc<OwnedFd>,
}

impl Questions {
    /// Returns when it was told, so that the socket it came from is still there to be found.
    pub(super) fn tell(&self, name: String, server: IpAddr, port: u16) {
        let (told, done) = channel();
        let at_ns = monotonic_ns();
        let asked = Asked {
            at_ns,
            name,
            server,
            port,
            told,
        };
        // When nobody reads, the supervisor is ending, and the name servers with it; a full pipe has rung already.
        if self.send.send(asked).is_ok() {
            let _ = rustix::io::write(&*self.bell, &[0]);
            let _ = done.recv_timeout(PATIENCE);
        }
    }
}

/// A socket that was connected to a name server.
#[derive(Debug)]
struct Socket {
    process: u32,
    fd: i32,
    server: IpAddr,
    actor: Actor,
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Askers {
    receive: Receiver<Asked>,
    bell: PipeReader,
    sockets: VecDeque<Socket>,
    /// What was told already, by process: on their way out most questions are seen.
    told: BTreeSet<(u32, String)>,
}

/// The two ends.
pub(super) fn questions() -> io::Result<(Questions, Askers)> {
    let (send, receive) = channel();
    let (bell, ring) = io::pipe()?;
    fcntl_setfl(&bell, OFlags::NONBLOCK)?;
    fcntl_setfl(&ring, OFlags::NONBLOCK)?;
    let questions = Questions {
        send,
        bell: Arc::new(ring.into()),
    };
    let askers = Askers {
        receive,
        bell,
        sockets: VecDeque::new(),
        told: BTreeSet::new(),
    };
    Ok((questions, askers))
}

impl Askers {
    /// Readable when there is something to [`Askers::next`].
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Notes what a process was told to do with its descriptor `fd`.
    pub(super) fn note(&mut self, process: u32, fd: i32, event: &TraceEvent) {
        match &event.action {
            Action::Resolve { name, .. } => {
                self.told.insert((process, name.clone()));
            }
            Action::Connect {
                address,
                port: DNS_PORT,
            } => {
                let Ok(server) = address.parse() else { return };
                if self.sockets.len() >= SOCKETS_MOST {
                    self.sockets.pop_front();
                }
                self.sockets.push_back(Socket {
                    process,
                    fd,
                    server,
                    actor: event.actor.clone(),
                });
            }
            _ => {}
        }
    }

    /// Questions that nobody has told yet, with who asked.
    pub(super) fn next(&mut self) -> Vec<TraceEvent> {
        let mut rung = [0; 64];
        while rustix::io::read(&self.bell, &mut rung).is_ok_and(|read| read == rung.len()) {}
        let heard: Vec<Asked> = self.receive.try_iter().collect();
        let mut events = Vec::new();
        for asked in heard {
            events.extend(self.event(&asked));
            drop(asked.told);
        }
        events
    }

    fn event(&mut self, asked: &Asked) -> Option<TraceEvent> {
        let to_it = |socket: &&Socket| socket.server == asked.server;
        let is_it = |socket: &Socket| {
            net::copy(socket.process, socket.fd)
                .and_then(|copy| {
                    UdpSocket::from(copy)
                        .local_addr()
                        .map_err(|_not_bound| rustix::io::Errno::NOTSOCK)
                })
                .is_ok_and(|own| own.port() == asked.port)
        };
        let mut newest = self.sockets.iter().rev().filter(to_it);
        let socket = newest.find(|socket| is_it(socket));
        let Some(socket) = socket else {
            // Of a socket that is not connected the question was told on its way out.
            let known = self.told.iter().any(|(_, name)| *name == asked.name);
            return (!known).then(|| self.tell(asked, 0, super::watch::nobody()));
        };
        let (process, actor) = (socket.process, socket.actor.clone());
        let known = self.told.contains(&(process, asked.name.clone()));
        (!known).then(|| self.tell(asked, process, actor))
    }

    fn tell(&mut self, asked: &Asked, process: u32, actor: Actor) -> TraceEvent {
        self.told.insert((process, asked.name.clone()));
        TraceEvent {
            at_ns: asked.at_ns,
            actor,
            action: Action::Resolve {
                name: asked.name.clone(),
                server: asked.server.to_string(),
            },
        }
    }
}
