//! The seam to runtimes: a host runs the executions of one trial and says what came back, and what it did to the machine.

use std::time::Duration;

use serde::Serialize;

use super::wire::{Answer, Capability, Execute};
use crate::engine::EngineError;
use crate::run::Deadline;

/// Runs packages. One per kind of runtime: our isolates, Node, an adapter.
///
/// The seam is synchronous; every call is bounded. A call that fails is an [`EngineError`] and makes a trial *broken*. A
/// runtime that dies or stays silent under an execution is no error but an answer: [`super::wire::Ended::Lost`].
pub trait ModuleHost: Send + Sync {
    /// The name in trial names and `ADAMANT_ENGINES`.
    fn name(&self) -> &'static str;

    /// What answers, and what it claims. Fails when this host cannot run it.
    fn describe(&self, deadline: &Deadline) -> Result<HostDescription, EngineError>;

    /// Runs the executions of one trial, one after the other, in one runtime that nothing ran in before.
    fn execute(&self, plan: &HostPlan, deadline: &Deadline) -> Result<Executed, EngineError>;
}

/// What answers on this host, and what it claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostDescription {
    /// The runtime's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `os/architecture`.
    pub platform: String,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// How far it contains a hostile guest.
    pub tier: u8,
    /// The command by which it is started, for reports.
    pub command: String,
}

/// The executions of one trial and what the host prepares around them.
#[derive(Debug, Clone, PartialEq)]
pub struct HostPlan {
    /// The trial's name, for messages.
    pub name: String,
    /// In this order.
    pub executions: Vec<Execute>,
    /// Names of commands that stand first on the runtime's `PATH`.
    pub decoys: Vec<String>,
    /// What a decoy prints.
    pub decoy_says: String,
    /// A file of the host that no guest may read: its path and content.
    pub canary: Option<(std::path::PathBuf, String)>,
    /// Beside what the limits of an execution claim, how long an answer may take.
    pub patience: Duration,
    /// How long the runtime is watched after the last answer for work that goes on.
    pub linger: Duration,
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// One for each execution, in order.
    pub answers: Vec<Answered>,
    /// What the runtime did to the machine.
    pub sight: Sight,
    /// The end of what the runtime itself wrote to its standard error.
    pub stderr: String,
}

/// An answer and what the harness saw of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// What the runtime said, or the harness in its place.
    pub answer: Answer,
    /// From the question to the answer.
    pub took: Duration,
}

/// What was seen of the runtime's processes from outside.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// The trap stood, and its own control was seen.
    Seen(HostTrace),
    /// Nobody could look, for this reason.
    Blind(String),
    /// The runtime is a process of the host and nothing is claimed of it.
    Native,
}

/// What the trap saw since the runtime was ready.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct HostTrace {
    /// Programs that were started, and processes that were made.
    pub processes: Vec<ProcessSeen>,
    /// Milliseconds in which the runtime ran, or waited for a CPU to run on, while nobody asked it anything, and how long that was
    /// looked at.
    pub idle_cpu: Option<(u64, u64)>,
}

/// A process that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessSeen {
    /// Its number.
    pub pid: i32,
    /// What it runs.
    pub argv: Vec<String>,
    /// The program that it was about to become; `None` for a process that was only made.
    pub exec: Option<Vec<String>>,
}
