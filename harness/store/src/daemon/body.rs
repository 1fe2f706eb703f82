//! Bodies between the network, which is asynchronous, and archives, which are not: a few pieces on their way, never more.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::STALL;

/// Pieces of a snapshot have this size.
const PIECE: usize = 256 << 10;
/// How many may wait.
const WAITING: usize = 4;

/// Why a snapshot broke off; it stands in the log, and the peer sees a body that does not end.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// All of it.
    Whole(Option<Bytes>),
    /// What a thread writes.
    Stream(Option<Bytes>, mpsc::Receiver<Result<Bytes, Broken>>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Stream(first, rest) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => rest
                    .poll_recv(context)
                    .map(|piece| piece.map(|piece| piece.map(Frame::data))),
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::Stream(..) => SizeHint::default(),
        }
    }
}

/// Where a thread writes what a body carries away.
#[derive(Debug)]
pub(super) struct Outlet {
    to: mpsc::Sender<Result<Bytes, Broken>>,
    piece: BytesMut,
    runtime: Handle,
}

impl Outlet {
    pub(super) fn new(runtime: Handle) -> (Self, mpsc::Receiver<Result<Bytes, Broken>>) {
        let (to, from) = mpsc::channel(WAITING);
        let piece = BytesMut::with_capacity(PIECE);
        (Self { to, piece, runtime }, from)
    }

    /// Ends the body with an error: its peer must not take it for a whole one.
    pub(super) fn fail(self, error: Broken) {
        let _ = self.send(Err(error));
    }

    fn send(&self, piece: Result<Bytes, Broken>) -> io::Result<()> {
        self.runtime
            .block_on(async { timeout(STALL, self.to.send(piece)).await })
            .map_err(|_error| io::Error::new(io::ErrorKind::TimedOut, "the peer takes no more"))?
            .map_err(|_error| io::Error::new(io::ErrorKind::BrokenPipe, "the peer is gone"))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.piece.len();
        let taken = bytes.len().min(room);
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE));
        self.send(Ok(piece.freeze()))
    }
}

/// A request's body as a thread reads it.
#[derive(Debug)]
pub(super) struct Inlet {
    from: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
    ended: bool,
    digest: Option<Sha256>,
}

impl Inlet {
    /// An empty piece is the body's proper end; a sender that goes without one broke off.
    pub(super) fn new(digest: bool) -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (to, from) = mpsc::channel(WAITING);
        let inlet = Self {
            from,
            piece: Bytes::new(),
            ended: false,
            digest: digest.then(Sha256::new),
        };
        (to, inlet)
    }

    /// The digest of all that was read, when one was asked for.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        self.digest.clone().map(|digest| digest.finalize().into())
    }
}

impl Read for Inlet {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.from.blocking_recv() {
                Some(Ok(piece)) => {
                    self.ended = piece.is_empty();
                    self.piece = piece;
                }
                Some(Err(error)) => return Err(error),
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the request was not sent to its end",
                    ));
                }
            }
        }
        let n = self.piece.len().min(into.len());
        into[..n].copy_from_slice(&self.piece.split_to(n));
        if let Some(digest) = &mut self.digest {
            digest.update(&into[..n]);
        }
        Ok(n)
    }
}

/// The next bytes of a request; `None` at its proper end.
pub(super) async fn next(body: &mut Incoming) -> io::Result<Option<Bytes>> {
    loop {
        let frame = timeout(STALL, body.frame()).await.map_err(|_error| {
            io::Error::new(io::ErrorKind::TimedOut, "no more came for a minute")
        })?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(io::Error::other(crate::told(&error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            },
        }
    }
}

/// Passes a request on to a thread, until it ends or the thread wants no more.
pub(super) async fn pass(body: &mut Incoming, first: Bytes, to: mpsc::Sender<io::Result<Bytes>>) {
    let mut piece = Ok(Some(first));
    loop {
        let (piece_for_it, last) = match piece {
            Ok(Some(data)) => (Ok(data), false),
            Ok(None) => (Ok(Bytes::new()), true),
            Err(error) => (Err(error), true),
        };
        if to.send(piece_for_it).await.is_err() || last {
            return;
        }
        piece = next(body).await;
    }
}

/// Takes what the peer still sends, within bounds: one that is cut off while it sends may never read our answer.
pub(super) async fn drain(body: &mut Incoming, most: u64, patience: Duration) {
    let until = Instant::now() + patience;
    let mut taken = 0;
    while taken < most {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => taken += frame.data_ref().map_or(0, |d| d.len() as u64),
            _ => return,
        }
    }
}

/// A small answer.
pub(super) fn whole(text: impl Into<Bytes>) -> Answer {
    let text = text.into();
    Answer::Whole((!text.is_empty()).then_some(text))
}
