//! A process that runs guests for us, and can be lost: asked over pipes, watched, and killed when its time is up.
//!
//! Some of what a guest can do to V8 no thread of the same process survives, and some of it nothing can interrupt. So the
//! last word is the kernel's: the process is killed at its deadline, whatever it does, and how it ended is part of the answer.
//!
//! A message is four bytes of length, lowest first, and so many bytes of JSON. A worker gets one question at a time.

mod answers;
pub mod guest;
mod parent;
mod pipe;

pub use answers::Answers;
pub use parent::Worker;

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The bytes of a message's length.
const LENGTH: usize = 4;

/// How to start a worker.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The longest message, either way.
    pub max_message: usize,
    /// How much of the end of its standard error is kept.
    pub max_stderr: usize,
}

impl Launch {
    /// With bounds that fit the answers of a module loader.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            max_message: 64 << 20,
            max_stderr: 64 << 10,
        }
    }
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal, which was not ours.
    Killed(i32),
    /// By our hand, because it did not answer in time.
    TimedOut,
}

/// A worker that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How it ended.
    pub ending: Ending,
    /// The end of what it wrote to standard error.
    pub stderr: String,
    /// How many bytes before that were not kept.
    pub stderr_cut: u64,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            Ending::Exited(code) => write!(f, "the worker exited with code {code}"),
            Ending::Killed(signal) => write!(f, "the worker was killed by signal {signal}"),
            Ending::TimedOut => f.write_str("the worker did not answer in time and was killed"),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// No process came of it.
    #[error("cannot start the worker `{program}`", program = program.display())]
    Start {
        /// As the launch names it.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The process ended, or was killed at its deadline. It answers no more.
    #[error("{0}")]
    Lost(Lost),
    /// What was to be sent has no form in JSON, or what the worker was sent has none that it knows.
    #[error("a message does not go through JSON")]
    Json(#[source] serde_json::Error),
    /// What came is not what was asked for. The worker was killed.
    #[error("the worker's answer is not of the expected shape")]
    Answer(#[source] serde_json::Error),
    /// A message is longer than agreed. A worker that announced one was killed.
    #[error("a message of {bytes} bytes is longer than {limit}")]
    TooLong {
        /// What was announced.
        bytes: usize,
        /// What was agreed.
        limit: usize,
    },
    /// It spoke without being asked: no later answer could be trusted to be one. The worker was killed.
    #[error("the worker spoke without being asked")]
    Unasked,
    /// It could not try what it was asked.
    #[error("the worker refused: {0}")]
    Refused(String),
    /// The kernel did not let us watch it.
    #[error("cannot watch the worker")]
    Watch(#[from] io::Error),
}

/// A message for the pipe, unless it is longer than `limit`.
fn message(value: &impl Serialize, limit: usize) -> Result<Vec<u8>, WorkerError> {
    let mut message = vec![0; LENGTH];
    serde_json::to_writer(&mut message, value).map_err(WorkerError::Json)?;
    let bytes = message.len() - LENGTH;
    let fits = u32::try_from(bytes).ok().filter(|_| bytes <= limit);
    let length = fits.ok_or(WorkerError::TooLong { bytes, limit })?;
    message[..LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok(message)
}
