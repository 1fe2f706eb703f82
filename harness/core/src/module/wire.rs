//! The adapter protocol, version 1: JSON lines between the harness and any runtime. `cases/module/README.md` tells it by example.
//!
//! The adapter writes `{"ready":{…}}` once. The harness writes `{"execute":{"id":1,…}}`, one at a time; the adapter answers
//! `{"answer":{"id":1,…}}`. When its standard input ends, the adapter ends.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the protocol that this harness speaks.
pub const PROTOCOL: u32 = 1;

/// A line of the adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromAdapter {
    /// The first line: who it is and what it can do.
    Ready(Ready),
    /// What came of an execution.
    Answer(Box<Answer>),
}

/// A line of the harness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToAdapter {
    /// Runs a package.
    Execute(Box<Execute>),
}

/// Who the adapter is and what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The runtime's name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What it can do; cases that need something else are skipped and counted as not claimed.
    pub capabilities: Vec<Capability>,
    /// How far it contains a hostile guest: 0 it can end one that cooperates, 1 memory outside of the heap is bounded too, 2 a
    /// guest that cannot be ended is put aside, 3 in a process of its own, 4 that the operating system confines.
    #[serde(default)]
    pub tier: u8,
}

/// Something that a runtime may be able to do, and a case may need.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Runs CommonJS entries.
    Cjs,
    /// Runs ES module entries.
    Esm,
    /// Calls what the entry exports with `(req, res)`.
    Handler,
    /// Ends an execution at the wall-clock and output limits of its request.
    Limits,
    /// Ends an execution at the memory limits of its request, and lives on.
    Memory,
    /// Lets no guest change its package.
    ReadOnly,
    /// Has a file system of its own for guests: `/` is the package's root, and nothing of the host is below it.
    GuestRoot,
    /// Tells numbers about itself in `metrics`.
    Metrics,
    /// Runs packages inside of its own process. Every adapter is held to it, whatever it says.
    InVm,
}

impl Capability {
    /// Its word in a case and in a ready line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cjs => "cjs",
            Self::Esm => "esm",
            Self::Handler => "handler",
            Self::Limits => "limits",
            Self::Memory => "memory",
            Self::ReadOnly => "read-only",
            Self::GuestRoot => "guest-root",
            Self::Metrics => "metrics",
            Self::InVm => "in-vm",
        }
    }
}

/// One execution that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execute {
    /// Comes back in the answer.
    pub id: u64,
    /// What is run.
    pub package: Package,
    /// How.
    pub request: Request,
}

/// A package: files that exist nowhere else. Guest paths begin at its root, `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Whose it is: nothing is shared between two functions.
    pub function: String,
    /// Names the content: another content has another hash.
    pub hash: String,
    /// By absolute path.
    pub files: BTreeMap<String, File>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum File {
    /// UTF-8.
    Text(String),
    /// Any bytes, two hexadecimal digits each.
    Hex(String),
    /// A symbolic link.
    Link(String),
}

/// How a package is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The entry's path.
    pub entry: String,
    /// What the entry is.
    pub mode: Mode,
    /// `process.argv` after the executable and the entry.
    pub argv: Vec<String>,
    /// All of `process.env`.
    pub env: BTreeMap<String, String>,
    /// What `process.stdin` gives; `null` for an empty one.
    pub stdin: Option<String>,
    /// The terminal that the standard streams are, in place of `stdin`; all that it shows is standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Terminal>,
    /// The `req` of a handler.
    pub request: Option<serde_json::Value>,
    /// What it may use.
    pub limits: Limits,
}

/// A terminal and the person who sits at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// How wide it is.
    pub columns: u16,
    /// How high it is.
    pub rows: u16,
    /// What the person does, one step after the other.
    pub script: Vec<Step>,
}

/// One step of a person at a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Milliseconds for which they do nothing before it.
    #[serde(default, alias = "after-ms")]
    pub after_ms: u64,
    /// What they do.
    #[serde(flatten)]
    pub action: Action,
}

/// What a person at a terminal does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Waits until the text stands in what was shown since the last wait was over.
    Expect(String),
    /// Types.
    Send(String),
    /// Gives the terminal another size: columns and rows.
    Resize(u16, u16),
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A CommonJS module, run as `node entry.js` does.
    #[default]
    Cjs,
    /// An ES module, run as `node entry.mjs` does.
    Esm,
    /// A module that exports a function of `(req, res)`.
    Handler,
}

/// What one execution may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds of wall clock.
    pub wall_ms: u64,
    /// Bytes of JavaScript heap.
    pub heap_bytes: u64,
    /// Bytes outside of it: buffers and wasm memories.
    pub off_heap_bytes: u64,
    /// Bytes of output.
    pub output_bytes: u64,
}

/// What came of an execution. A part that is left out was not answered, and a check that needs it is broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The execution's.
    pub id: u64,
    /// How it ended.
    pub outcome: Ended,
    /// In words, for what ended otherwise than by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The exit code that a process would have had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What was printed, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Vec<Chunk>>,
    /// Whether output was dropped at the limit.
    #[serde(default)]
    pub truncated: bool,
    /// The error that nobody caught.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Thrown>,
    /// What a handler answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// Numbers by name, such as `cache_hits`; counted since the adapter began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

impl Answer {
    /// An answer that is about the end alone, made by the harness when the runtime gave none.
    #[must_use]
    pub fn ended(id: u64, outcome: Ended, detail: String) -> Self {
        Self {
            id,
            outcome,
            detail: Some(detail),
            exit_code: None,
            output: None,
            truncated: false,
            error: None,
            response: None,
            metrics: BTreeMap::new(),
        }
    }

    /// All that was written to a stream; `None` when the runtime did not say.
    #[must_use]
    pub fn text(&self, stream: Stream) -> Option<String> {
        let chunks = self.output.as_ref()?;
        let parts = chunks.iter().filter(|c| c.stream == stream);
        Some(parts.map(|c| c.text.as_str()).collect())
    }
}

/// How an execution ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// By itself, with exit code 0 or a response.
    Returned,
    /// By an error that nobody caught.
    Threw,
    /// With another exit code.
    Exited,
    /// At its wall-clock limit.
    TimedOut,
    /// At its memory limit.
    OutOfMemory,
    /// The runtime could not get it back: an isolate put aside, or a process that died or did not answer.
    Lost,
    /// The runtime does not run such a thing.
    Refused,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned => "returned",
            Self::Threw => "threw",
            Self::Exited => "exited",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::Lost => "lost",
            Self::Refused => "refused",
        })
    }
}

/// Where a chunk was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Where to.
    pub stream: Stream,
    /// What.
    pub text: String,
}

/// An error as the guest threw it, with guest paths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Thrown {
    /// `error.name`; none when what was thrown is no error.
    #[serde(default)]
    pub name: Option<String>,
    /// `error.code`.
    #[serde(default)]
    pub code: Option<String>,
    /// `error.message`, or the thrown value as text.
    pub message: String,
    /// `error.stack`.
    #[serde(default)]
    pub stack: String,
}

/// What a handler answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Name and value in the order of their first setting; names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    #[serde(default)]
    pub body: String,
}

/// The bytes of hexadecimal digits; `None` when it is not that.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_protocol_read_as_documented() {
        let ready = r#"{"ready":{"protocol":1,"name":"x","capabilities":["cjs","in-vm"]}}"#;
        let parsed: FromAdapter = serde_json::from_str(ready).expect("a ready line");
        assert!(
            matches!(parsed, FromAdapter::Ready(r) if r.tier == 0 && r.capabilities.len() == 2)
        );
        let answer = r#"{"answer":{"id":1,"outcome":"timed-out"}}"#;
        let parsed: FromAdapter = serde_json::from_str(answer).expect("an answer line");
        assert!(
            matches!(parsed, FromAdapter::Answer(a) if a.outcome == Ended::TimedOut && a.output.is_none())
        );
    }

    #[test]
    fn hex_is_two_digits_a_byte() {
        assert_eq!(from_hex("00 7f\nFF"), Some(vec![0, 0x7f, 0xff]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
    }
}
