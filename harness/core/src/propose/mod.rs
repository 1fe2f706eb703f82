//! Proposes a subject file for an image: boots it, watches, and writes down what was seen, each line with its reason.
//!
//! [`observe`] boots and asks; [`propose`] is pure: the same observation is the same text. Nothing is claimed that no boot
//! showed; what could not be told, and what was seen against the contract, stands in comments.

mod artifact;
mod observe;
mod ready;
mod tree;
mod write;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use adamant_probe::{CommandResult, Http, Process, TraceEvent};

use crate::engine::{Change, Exit, Image, Log, Stopped};

pub use artifact::{Absent, Candidate, Ended};
pub use observe::{Conditions, observe};
pub use write::{Proposal, propose};

/// Everything that the boots of an image showed.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// The image as the subject file names it.
    pub named: String,
    /// The image.
    pub image: Arc<Image>,
    /// The engine that ran it, with its version.
    pub engine: String,
    /// What replaced the image's `CMD`.
    pub args: Option<Vec<String>>,
    /// The environment that was added, as the subject file writes it.
    pub env: BTreeMap<String, String>,
    /// Why no process was watched, when none was.
    pub blind: Option<String>,
    /// With a network that leads nowhere and a writable root.
    pub open: Look,
    /// Without a network, on a read-only root, with memory-backed writable directories; absent where the first boot failed.
    pub sealed: Option<Look>,
    /// What became of the boot without each artifact.
    pub without: Vec<Absent>,
    /// What commands said when they were asked for their version, by the command's name.
    pub versions: BTreeMap<String, CommandResult>,
}

impl Observation {
    /// The boots, in order.
    fn looks(&self) -> Vec<&Look> {
        [Some(&self.open), self.sealed.as_ref()]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// What one boot showed.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// How process 1 ended, when it did by itself.
    pub exit: Option<Exit>,
    /// How long it was watched, in milliseconds.
    pub watched_ms: u64,
    /// Whether nothing changed any more at the end of that.
    pub settled: bool,
    /// Milliseconds until it was ready, where it was waited for.
    pub ready_ms: Option<u64>,
    /// Its processes as soon as it was ready.
    pub ready_processes: Vec<Process>,
    /// Its processes at the end.
    pub processes: Vec<Process>,
    /// What its processes did, its control left out.
    pub events: Vec<TraceEvent>,
    /// What differed from the image at the end.
    pub changes: Vec<Change>,
    /// What differed as soon as it was ready.
    pub at_ready: Vec<Change>,
    /// The ports that took connections.
    pub services: Vec<Service>,
    /// The unix sockets that took connections.
    pub sockets: Vec<String>,
    /// Its output; the matches are those of [`observe`]'s watches.
    pub log: Log,
    /// What the stop signal came to.
    pub stopped: Option<Stopped>,
}

/// A TCP port that takes connections on loopback.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// The port.
    pub port: u16,
    /// The process that listens, for a person.
    pub process: String,
    /// What it answered, by path; empty where it does not speak HTTP.
    pub answers: Vec<(String, Http)>,
}

impl Service {
    /// The status of the answer to a path.
    fn status(&self, path: &str) -> Option<u16> {
        let answer = self.answers.iter().find(|(asked, _)| asked == path)?;
        answer.1.status
    }
}

/// The name by which a person knows a process: the script that a shell or an interpreter runs, else the program.
fn process_name(argv: &[String]) -> String {
    let base = |word: &str| {
        word.rsplit('/')
            .next()
            .unwrap_or(word)
            .trim_start_matches('-')
            .trim_end_matches(':')
            .to_owned()
    };
    let Some((program, args)) = argv.split_first() else {
        return "a process".to_owned();
    };
    let program = program.split(' ').next().unwrap_or(program);
    let script = args.iter().find(|arg| !arg.starts_with('-'));
    match script {
        Some(script) if script.contains('/') && runs_scripts(&base(program)) => base(script),
        _ => base(program),
    }
}

/// Whether a program runs what its first argument names.
fn runs_scripts(program: &str) -> bool {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    [
        "sh",
        "ash",
        "bash",
        "dash",
        "ksh",
        "zsh",
        "busybox",
        "node",
        "nodejs",
        "deno",
        "bun",
        "python",
        "ruby",
        "perl",
        "php",
        "java",
        "tini",
        "dumb-init",
        "env",
    ]
    .contains(&name)
}
