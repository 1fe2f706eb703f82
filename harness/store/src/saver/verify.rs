//! Looks at a snapshot while it is stored: a daemon whose `tar` died in the middle answers 200 all the same.

use std::io::{self, Read};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::archive::{ArchiveError, Told, check};

/// Reads along, in a thread of its own.
#[derive(Debug)]
pub(super) struct Verify {
    to: mpsc::Sender<Bytes>,
    done: JoinHandle<Result<Told, ArchiveError>>,
}

impl Verify {
    pub(super) fn new() -> Self {
        let (to, from) = mpsc::channel(4);
        let done = spawn_blocking(move || {
            check(Pieces {
                from,
                piece: Bytes::new(),
            })
        });
        Self { to, done }
    }

    /// The next bytes; false when the verdict is already known.
    pub(super) async fn add(&self, piece: Bytes) -> bool {
        self.to.send(piece).await.is_ok()
    }

    /// That was all of it.
    pub(super) async fn verdict(self) -> Result<Told, ArchiveError> {
        drop(self.to);
        match self.done.await {
            Ok(verdict) => verdict,
            Err(error) => Err(ArchiveError::Stream(io::Error::other(error))),
        }
    }
}

struct Pieces {
    from: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let n = self.piece.len().min(into.len());
        into[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}
