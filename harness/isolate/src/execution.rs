//! What is asked of an isolate and what comes back: packages, requests, executions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adamant_modules::tree::Tree;
use serde::{Deserialize, Serialize};

use crate::output::Output;
use crate::terminal::Terminal;

/// A package: a read-only tree, and the names under which its compiled code may be kept.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its files; guest paths start at its root.
    pub tree: Arc<dyn Tree>,
    /// Names the content: another content must have another hash.
    pub hash: String,
    /// Names the function or tenant: code is never shared between two of them.
    pub function_id: String,
}

/// How the entry is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As `node entry.js` runs it.
    #[default]
    Script,
    /// As a function service runs it: the entry exports a function of `(req, res)`.
    Handler,
}

/// One execution that is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Guest path of the entry, such as `/index.js`.
    pub entry: String,
    /// How it is run.
    pub mode: Mode,
    /// `process.argv` after the executable and the entry.
    pub argv: Vec<String>,
    /// `process.env`, and nothing else is in it.
    pub env: BTreeMap<String, String>,
    /// What `process.stdin` gives, where it is no terminal.
    pub stdin: Option<Vec<u8>>,
    /// The terminal that the three standard streams are; what it shows is told as [`crate::Stream::Stdout`].
    pub terminal: Option<Terminal>,
    /// The `req` of [`Mode::Handler`].
    pub request: Option<serde_json::Value>,
    /// Whether the isolate, once it has nothing to do, may evaluate the modules of a handler that it was asked for twice in a row, in the
    /// context of the next execution and before that is asked for.
    pub load_ahead: bool,
    /// What it may use.
    pub limits: Limits,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            entry: "/index.js".to_owned(),
            mode: Mode::Script,
            argv: Vec::new(),
            env: BTreeMap::new(),
            stdin: None,
            terminal: None,
            request: None,
            load_ahead: false,
            limits: Limits::default(),
        }
    }
}

/// What one execution may use; memory is a limit of the isolate, see [`crate::Memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Wall clock for everything: scripts, promises, timers, microtasks, the handler and its serialised answer.
    pub wall: Duration,
    /// Bytes of standard output and standard error together; the rest is dropped and marked.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(30),
            output: 1 << 20,
        }
    }
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It came to its end, with exit code 0 or a response.
    Returned,
    /// An error that nobody caught; [`Execution::error`] has it.
    Threw,
    /// `process.exit(code)`, or the end with `process.exitCode` set, or 13 for a top-level await that never settled.
    Exited(i32),
    /// The wall clock of [`Limits`] ran out.
    TimedOut,
    /// The memory of the isolate ran out.
    OutOfMemory,
    /// The isolate did not come back: V8 gave up in a way that only ends with the process, or a builtin ignored termination.
    /// Its thread stays parked; the process should be replaced some time.
    Lost(String),
}

/// An error as the guest threw it, with guest paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thrown {
    /// `error.name`, or `None` when no object was thrown.
    pub name: Option<String>,
    /// `error.code`, if it is a string or a number.
    pub code: Option<String>,
    /// `error.message`, or the thrown value as text.
    pub message: String,
    /// `error.stack`, or empty.
    pub stack: String,
}

/// The answer of a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// In the order of their first setting; names in lower case, as Node keeps them.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// Whether an isolate may run something else afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It may.
    Reusable,
    /// It must be replaced: it was stopped by force or has work left that could reach the next execution.
    Corrupted,
}

/// Where the time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Until the context with its environment stood.
    pub context: Duration,
    /// From the first instruction of the guest to its last; where its modules were loaded ahead, from the call of the handler.
    pub run: Duration,
}

/// What became of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// How it ended.
    pub outcome: Outcome,
    /// The answer of a handler that gave one.
    pub response: Option<Response>,
    /// What ended it, when that was an error: also `Function execution timeout (30000ms)`.
    pub error: Option<Thrown>,
    /// What it printed.
    pub output: Output,
    /// How long it took.
    pub timings: Timings,
    /// What the isolate is good for.
    pub health: Health,
}

impl Execution {
    /// The exit code that a process would have ended with.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self.outcome {
            Outcome::Returned => 0,
            Outcome::Exited(code) => code,
            Outcome::Threw => 1,
            // As `timeout(1)` and a shell after SIGABRT report these.
            Outcome::TimedOut => 124,
            Outcome::OutOfMemory | Outcome::Lost(_) => 134,
        }
    }
}
