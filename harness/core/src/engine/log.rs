//! A container's output as it streams: every line matched, a head and a tail kept, nothing unbounded.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use regex::Regex;
use serde::Serialize;

use crate::run::Deadline;

/// Lines longer than this are matched in pieces.
const LINE_BYTES: usize = 64 * 1024;
/// How much two pieces of a long line share.
const OVERLAP_BYTES: usize = 4 * 1024;
/// Bytes of the beginning, and of the end, that evidence keeps.
const KEEP_BYTES: usize = 128 * 1024;
/// Matches kept per pattern, and events kept in all; more are counted.
const KEEP_MATCHES: usize = 20;
const KEEP_EVENTS: usize = 20_000;

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// A pattern that every line is matched against while the log streams.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Only this stream, or either.
    pub stream: Option<Stream>,
    /// Matched against one line, without its end.
    pub pattern: Regex,
}

impl PartialEq for Watch {
    fn eq(&self, other: &Self) -> bool {
        self.stream == other.stream && self.pattern.as_str() == other.pattern.as_str()
    }
}

/// One line that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineMatch {
    /// 1-based number of the line in its stream.
    pub line: u64,
    /// The stream.
    pub stream: Stream,
    /// The text, shortened to what a report can show.
    pub text: String,
}

/// One structured event: a line that is a JSON object with the subject's event key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The value of the event key.
    pub name: String,
    /// `CLOCK_MONOTONIC` nanoseconds at which the line arrived here.
    pub at_ns: u64,
    /// 1-based number of the line in its stream.
    pub line: u64,
    /// The stream.
    pub stream: Stream,
    /// The whole object.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// What was seen of a log so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Log {
    /// The first bytes, both streams interleaved as they arrived.
    pub head: String,
    /// The last bytes, when there is more than the head.
    pub tail: String,
    /// `CLOCK_MONOTONIC` nanoseconds at which the first of them arrived here.
    pub first_ns: Option<u64>,
    /// Bytes seen in all.
    pub bytes: u64,
    /// Lines seen in all.
    pub lines: u64,
    /// For each watch: how many lines matched, and the first of them.
    pub matches: Vec<(u64, Vec<LineMatch>)>,
    /// Structured events in order of arrival.
    pub events: Vec<Event>,
    /// Why the log is not whole, if it is not: then nothing can be said to be absent from it.
    pub cut: Option<String>,
}

/// Takes the log from an engine and can be asked at any time.
#[derive(Debug)]
pub struct LogCapture {
    watches: Vec<Watch>,
    event_key: Option<(Option<Stream>, String)>,
    state: Mutex<State>,
    grew: Condvar,
}

#[derive(Debug, Default)]
struct State {
    log: Log,
    tail: VecDeque<u8>,
    head: Vec<u8>,
    partial: [Vec<u8>; 2],
    /// When a stream last said something.
    last_ns: [u64; 2],
    line: [u64; 2],
    ended: bool,
}

impl LogCapture {
    /// `event_key` is the stream and the JSON key that names events.
    #[must_use]
    pub fn new(watches: Vec<Watch>, event_key: Option<(Option<Stream>, String)>) -> Self {
        let log = Log {
            matches: vec![(0, Vec::new()); watches.len()],
            ..Log::default()
        };
        Self {
            watches,
            event_key,
            state: Mutex::new(State {
                log,
                ..State::default()
            }),
            grew: Condvar::new(),
        }
    }

    /// The watches, by number.
    #[must_use]
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Takes the next bytes of a stream.
    pub fn push(&self, stream: Stream, bytes: &[u8], at_ns: u64) {
        let mut state = self.lock();
        state.keep(bytes);
        state.log.first_ns.get_or_insert(at_ns);
        let index = stream as usize;
        state.last_ns[index] = at_ns;
        let mut buffer = std::mem::take(&mut state.partial[index]);
        buffer.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(end) = memchr_newline(&buffer[start..]) {
            self.line(&mut state, stream, &buffer[start..start + end], at_ns);
            start += end + 1;
        }
        while buffer.len() - start > LINE_BYTES {
            let piece = &buffer[start..start + LINE_BYTES];
            if self.event_key.is_some() && piece.trim_ascii_start().starts_with(b"{") {
                let why = "a line that begins like an event is too long to be read whole";
                state.log.cut = Some(why.into());
            }
            self.line(&mut state, stream, piece, at_ns);
            // Pieces overlap, so that nothing hides on a seam.
            start += LINE_BYTES - OVERLAP_BYTES;
        }
        buffer.drain(..start);
        state.partial[index] = buffer;
        drop(state);
        self.grew.notify_all();
    }

    /// The stream has ended: whole, or `cut` for this reason.
    pub fn end(&self, cut: Option<String>) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut state.partial[stream as usize]);
            if !rest.is_empty() {
                let at_ns = state.last_ns[stream as usize];
                self.line(&mut state, stream, &rest, at_ns);
            }
        }
        state.log.cut = cut.or_else(|| state.log.cut.take());
        state.ended = true;
        drop(state);
        self.grew.notify_all();
    }

    /// Waits until the stream has ended.
    pub fn wait_end(&self, deadline: &Deadline) -> bool {
        self.wait(deadline, |state| state.ended)
    }

    /// Waits until a line has matched this watch, or the stream has ended; answers whether one has.
    pub fn wait_match(&self, watch: usize, deadline: &Deadline) -> bool {
        self.wait(deadline, |state| {
            state.ended || state.log.matches[watch].0 > 0
        });
        self.lock().log.matches[watch].0 > 0
    }

    /// Waits until `settled` holds of what was seen so far, or the stream has ended; answers the last look.
    pub fn wait_settled(&self, deadline: &Deadline, settled: impl Fn(&Log) -> bool) -> Log {
        self.wait(deadline, |state| state.ended || settled(&state.log));
        self.snapshot()
    }

    /// What was seen so far.
    #[must_use]
    pub fn snapshot(&self) -> Log {
        let state = self.lock();
        let mut log = state.log.clone();
        log.head = String::from_utf8_lossy(&state.head).into_owned();
        let tail: Vec<u8> = state.tail.iter().copied().collect();
        log.tail = String::from_utf8_lossy(&tail).into_owned();
        log
    }

    fn wait(&self, deadline: &Deadline, reached: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if reached(&state) {
                return true;
            }
            let Some(slice) = deadline.slice() else {
                return false;
            };
            state = self
                .grew
                .wait_timeout(state, slice)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn line(&self, state: &mut State, stream: Stream, bytes: &[u8], at_ns: u64) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        state.log.lines += 1;
        state.line[stream as usize] += 1;
        let number = state.line[stream as usize];
        let text = String::from_utf8_lossy(bytes);
        for (watch, (count, kept)) in self.watches.iter().zip(&mut state.log.matches) {
            if watch.stream.is_none_or(|s| s == stream) && watch.pattern.is_match(&text) {
                *count += 1;
                if kept.len() < KEEP_MATCHES {
                    kept.push(LineMatch {
                        line: number,
                        stream,
                        text: text.chars().take(400).collect(),
                    });
                }
            }
        }
        let Some((from, key)) = &self.event_key else {
            return;
        };
        if from.is_some_and(|s| s != stream) || !text.trim_start().starts_with('{') {
            return;
        }
        if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(&text)
            && let Some(name) = fields.get(key).and_then(serde_json::Value::as_str)
        {
            if state.log.events.len() >= KEEP_EVENTS {
                state.log.cut = Some(format!("more than {KEEP_EVENTS} events were written"));
                return;
            }
            state.log.events.push(Event {
                name: name.to_owned(),
                at_ns,
                line: number,
                stream,
                fields,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, bytes: &[u8]) {
        self.log.bytes += bytes.len() as u64;
        let room = KEEP_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        let rest = &bytes[room..];
        let rest = &rest[rest.len().saturating_sub(KEEP_BYTES)..];
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(KEEP_BYTES);
        self.tail.drain(..over);
    }
}

fn memchr_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|b| *b == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture() -> LogCapture {
        let watch = |stream, pattern| Watch {
            stream,
            pattern: Regex::new(pattern).expect("a test pattern"),
        };
        LogCapture::new(
            vec![watch(None, "FATAL"), watch(Some(Stream::Stdout), "npm")],
            Some((Some(Stream::Stdout), "event".into())),
        )
    }

    #[test]
    fn lines_are_matched_across_pushes_and_streams_stay_apart() {
        let capture = capture();
        capture.push(Stream::Stderr, b"FAT", 1);
        capture.push(
            Stream::Stdout,
            b"npm install\r\n{\"event\":\"A\",\"x\":1}\n",
            2,
        );
        capture.push(Stream::Stderr, b"AL: missing\nnpm on stderr\n", 3);
        capture.end(None);
        let log = capture.snapshot();
        assert_eq!(log.matches[0].1[0].text, "FATAL: missing");
        assert_eq!(log.matches[1].0, 1);
        assert_eq!(log.events[0].name, "A");
        assert_eq!(log.lines, 4);
    }

    #[test]
    fn a_large_log_keeps_its_head_and_tail_and_every_match() {
        let capture = capture();
        let chunk = "x".repeat(1000) + "\n";
        for _ in 0..2000 {
            capture.push(Stream::Stdout, chunk.as_bytes(), 1);
        }
        capture.push(Stream::Stdout, b"FATAL: the last line", 1);
        capture.end(None);
        let log = capture.snapshot();
        assert!(log.head.len() <= KEEP_BYTES && log.tail.len() <= KEEP_BYTES);
        assert!(log.tail.ends_with("the last line"));
        assert_eq!((log.matches[0].0, log.bytes), (1, 2000 * 1001 + 20));
    }

    #[test]
    fn binary_output_without_line_ends_is_bounded() {
        let capture = capture();
        for _ in 0..64 {
            capture.push(Stream::Stdout, &[0xff; 16 * 1024], 1);
        }
        let state = capture.lock();
        assert!(state.partial[0].len() <= LINE_BYTES);
    }
}
