//! What a guest prints: ordered, bounded, and marked where it was cut.

use serde::{Deserialize, Serialize};

use crate::terminal::{Discipline, Signal};

/// Where a chunk was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// Bytes that were written to one stream without a write to the other in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Where to.
    pub stream: Stream,
    /// What.
    pub bytes: Vec<u8>,
}

/// Everything that an execution printed, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// In order of the writes; neighbours of one stream are one chunk.
    pub chunks: Vec<Chunk>,
    /// Whether the limit was reached: what came after it is not here.
    pub cut: bool,
}

impl Output {
    /// All that was written to `stream`, as text.
    #[must_use]
    pub fn text(&self, stream: Stream) -> String {
        let bytes: Vec<u8> = self
            .chunks
            .iter()
            .filter(|chunk| chunk.stream == stream)
            .flat_map(|chunk| chunk.bytes.iter().copied())
            .collect();
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// The bounded place that an execution prints into.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    output: Output,
    room: usize,
    /// Where the streams are a terminal: then all that it shows is one stream.
    terminal: Option<Discipline>,
}

impl Sink {
    /// Takes at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            output: Output::default(),
            room: limit,
            terminal: None,
        }
    }

    /// Shows what is written on a terminal.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.terminal = Some(Discipline::default());
        self
    }

    /// The terminal takes keys from its user.
    pub(crate) fn type_in(&mut self, keys: &[u8]) -> Vec<Signal> {
        let Some(terminal) = &mut self.terminal else {
            return Vec::new();
        };
        let mut echo = Vec::new();
        let signals = terminal.type_in(keys, &mut echo);
        self.keep(Stream::Stdout, &echo);
        signals
    }

    /// The terminal, if there is one.
    pub(crate) fn terminal(&mut self) -> Option<&mut Discipline> {
        self.terminal.as_mut()
    }

    /// What the terminal shows.
    pub(crate) fn shown(&self) -> &[u8] {
        self.output
            .chunks
            .first()
            .map_or(&[], |chunk| chunk.bytes.as_slice())
    }

    /// How many more bytes will be taken.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Takes what fits of `bytes`.
    pub(crate) fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(terminal) = &mut self.terminal else {
            self.keep(stream, bytes);
            return;
        };
        let mut screen = Vec::with_capacity(bytes.len());
        terminal.print(bytes, &mut screen);
        self.keep(Stream::Stdout, &screen);
    }

    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        let taken = bytes.get(..self.room).unwrap_or(bytes);
        self.output.cut |= taken.len() < bytes.len();
        self.room -= taken.len();
        match self.output.chunks.last_mut() {
            _ if taken.is_empty() => {}
            Some(last) if last.stream == stream => last.bytes.extend_from_slice(taken),
            _ => self.output.chunks.push(Chunk {
                stream,
                bytes: taken.to_vec(),
            }),
        }
    }

    /// Notes that something was left out.
    pub(crate) fn cut(&mut self) {
        self.output.cut = true;
    }

    /// What was printed so far; nothing more is taken.
    pub(crate) fn take(&mut self) -> Output {
        self.room = 0;
        std::mem::take(&mut self.output)
    }
}
