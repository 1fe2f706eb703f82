//! The asking side, inside of the sandbox: exchanges over one wire, each with its listener.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use crate::wire::{FRAME_MOST, Failure, Frame, Kind, RequestHead, ResponseHead};

/// The wire to a broker; clones share it.
#[derive(Debug, Clone)]
pub struct Network(Arc<Wire>);

#[derive(Debug)]
struct Wire {
    writer: Mutex<File>,
    next: AtomicU32,
    listeners: Mutex<Listeners>,
}

#[derive(Debug, Default)]
struct Listeners {
    open: BTreeMap<u32, Listener>,
    /// The broker is gone: nothing will come any more.
    closed: bool,
}

#[derive(Debug)]
struct Listener {
    events: Sender<(u32, Event)>,
    /// Who is woken when there is one.
    thread: Thread,
}

/// What comes of an exchange, in this order: a head, data, and an end or a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The response's status and headers.
    Head(ResponseHead),
    /// Some of its body; [`Exchange::taken`] must be told how much of it was used.
    Data(Vec<u8>),
    /// All of it came.
    End,
    /// Nothing more will come, for this reason.
    Failed(Failure),
}

/// One request and its response. Dropping it tells the broker that nobody wants the rest.
#[derive(Debug)]
pub struct Exchange {
    wire: Arc<Wire>,
    id: u32,
}

impl Network {
    /// Over the pipes from and to a broker; starts the thread that reads.
    pub fn over(heard: OwnedFd, said: OwnedFd) -> io::Result<Self> {
        let mut reader = File::from(heard);
        let writer = File::from(said);
        let wire = Arc::new(Wire {
            writer: Mutex::new(writer),
            next: AtomicU32::new(1),
            listeners: Mutex::default(),
        });
        let heard = Arc::clone(&wire);
        std::thread::Builder::new()
            .name("adamant-network".to_owned())
            .spawn(move || {
                // Whatever ends the wire ends what waits on it.
                while let Ok(Some(frame)) = Frame::read(&mut reader) {
                    heard.hear(frame);
                }
                heard.close();
            })?;
        Ok(Self(wire))
    }

    /// Begins an exchange; `events` hears of it, and the calling thread is unparked for each.
    #[must_use]
    pub fn open(&self, head: &RequestHead, events: &Sender<(u32, Event)>) -> Exchange {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange {
            wire: Arc::clone(&self.0),
            id,
        };
        let listener = Listener {
            events: events.clone(),
            thread: std::thread::current(),
        };
        let mut listeners = self.0.lock();
        if listeners.closed {
            listener.tell(id, Event::Failed(gone()));
            return exchange;
        }
        listeners.open.insert(id, listener);
        drop(listeners);
        let sent = Frame::json(id, Kind::Head, head).and_then(|frame| self.0.write(&frame));
        if sent.is_err() {
            self.0.end(id, Event::Failed(gone()));
        }
        exchange
    }
}

impl Exchange {
    /// Its number, as its events carry it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sends some of the request's body.
    pub fn send(&self, bytes: &[u8]) {
        for chunk in bytes.chunks(FRAME_MOST) {
            self.tell(Kind::Data, chunk.to_vec());
        }
    }

    /// Sends the end of the request's body.
    pub fn finish(&self) {
        self.tell(Kind::End, Vec::new());
    }

    /// Lets the broker send as many bytes more.
    pub fn taken(&self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.tell(Kind::Taken, bytes.to_le_bytes().to_vec());
    }

    fn tell(&self, kind: Kind, payload: Vec<u8>) {
        // That the broker is gone is told by the reading side.
        let _ = self.wire.write(&Frame::new(self.id, kind, payload));
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let wanted = self.wire.lock().open.remove(&self.id).is_some();
        if wanted {
            self.tell(Kind::Failed, Vec::new());
        }
    }
}

impl Listener {
    fn tell(&self, id: u32, event: Event) {
        // Who hears no more has ended, and its exchange with it.
        let _ = self.events.send((id, event));
        self.thread.unpark();
    }
}

impl Wire {
    fn lock(&self) -> std::sync::MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, frame: &Frame) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        frame.write(&mut *writer)
    }

    fn hear(&self, frame: Frame) {
        let event = match frame.kind {
            Kind::Data => Event::Data(frame.payload),
            Kind::End => return self.end(frame.id, Event::End),
            Kind::Head => match serde_json::from_slice(&frame.payload) {
                Ok(head) => Event::Head(head),
                Err(_) => return self.end(frame.id, Event::Failed(gone())),
            },
            Kind::Failed => {
                let failure = serde_json::from_slice(&frame.payload).unwrap_or_else(|_| gone());
                return self.end(frame.id, Event::Failed(failure));
            }
            Kind::Taken => return,
        };
        if let Some(listener) = self.lock().open.get(&frame.id) {
            listener.tell(frame.id, event);
        }
    }

    fn end(&self, id: u32, event: Event) {
        if let Some(listener) = self.lock().open.remove(&id) {
            listener.tell(id, event);
        }
    }

    fn close(&self) {
        let mut listeners = self.lock();
        listeners.closed = true;
        for (id, listener) in std::mem::take(&mut listeners.open) {
            listener.tell(id, Event::Failed(gone()));
        }
    }
}

fn gone() -> Failure {
    Failure {
        code: "ECONNRESET".to_owned(),
        message: "the network broker is gone".to_owned(),
    }
}
