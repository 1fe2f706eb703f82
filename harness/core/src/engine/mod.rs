//! The seam: what an engine is asked and what it answers, so that a verdict knows no Docker.
//!
//! The seam is synchronous; an engine that needs an executor keeps it to itself. Every call is bounded by a
//! [`Deadline`]; a call that fails is an [`EngineError`] and makes a trial *broken*, never passed or failed.

mod contents;
mod error;
pub mod fake;
mod image;
mod log;
mod plan;
mod question;
mod terminal;

pub use contents::{Contents, Spool};
pub use error::{EngineError, ErrorKind};
pub use image::{Image, ImageConfig, ImageSource, LayerFile};
pub use log::{Event, LineMatch, Log, LogCapture, Stream, Watch};
pub use plan::{Bind, BootPlan, Fault, Network, Owner, Tmpfs, VolumeMount};
pub use question::{Answer, Change, ChangeKind, Exit, Loss, LossSeen, Question, Stopped, Trace};
pub use terminal::{Terminal, Typed};

use std::sync::Arc;

use crate::run::Deadline;

/// Runs subjects. One per kind of runtime: Docker's API, the embedded runtime, the scripted fake.
pub trait Engine: Send + Sync {
    /// The name in trial names and `ADAMANT_ENGINES`: lower case, stable.
    fn name(&self) -> &'static str;

    /// What answers, for the reports: name, version, platform. Fails when this host cannot run the engine.
    fn describe(&self, deadline: &Deadline) -> Result<Description, EngineError>;

    /// Finds an image, loading it when it is a file, and indexes it once per run.
    fn image(&self, source: &ImageSource, deadline: &Deadline) -> Result<Arc<Image>, EngineError>;

    /// Creates and starts a container; its output goes to `log` from the first byte on.
    ///
    /// An executable that does not exist is not an error: the instance answers with exit code 127.
    fn start(
        &self,
        plan: &BootPlan,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Box<dyn Instance>, EngineError>;

    /// Why it cannot tell on this host which process of a boot did what; the reason is shown to a person.
    fn blind(&self) -> Option<String> {
        None
    }

    /// A new empty named volume of this run; removed by [`Engine::remove_volume`].
    fn volume(&self, owner: &Owner, deadline: &Deadline) -> Result<String, EngineError>;

    /// Removes a volume made by [`Engine::volume`].
    fn remove_volume(&self, name: &str, deadline: &Deadline) -> Result<(), EngineError>;

    /// Removes what dead or expired runs left; answers what was removed. A live owner's objects stay.
    fn reap(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError>;

    /// Removes what this run made and shares between boots (derived images, networks, companions).
    fn close(&self, deadline: &Deadline) -> Result<(), EngineError>;
}

/// One started container.
pub trait Instance: Send + Sync {
    /// The engine's name for it, for evidence.
    fn id(&self) -> &str;

    /// How long it took to make and start it, as far as the engine can tell the steps apart.
    fn took(&self) -> Took {
        Took::default()
    }

    /// Waits until the container has reached `until`, has exited, or the time is up: a level, not an edge.
    fn wait(&self, until: &Until, deadline: &Deadline) -> Result<Reached, EngineError>;

    /// Answers one question about the container as it is now.
    fn ask(&self, question: &Question, deadline: &Deadline) -> Result<Answer, EngineError>;

    /// Runs a program on a person's terminal, as the subject and where it starts; answers its exit code.
    fn open(
        &self,
        argv: &[String],
        _terminal: &Terminal,
        _deadline: &Deadline,
    ) -> Result<i64, EngineError> {
        let attempt = format!("run `{}` on a terminal", argv.join(" "));
        Err(EngineError::new(ErrorKind::Unsupported, attempt).caused_by("this engine has none"))
    }

    /// The engine's own record of the container, for evidence; environment values are the caller's to redact.
    fn inspect(&self, deadline: &Deadline) -> Result<serde_json::Value, EngineError>;

    /// Kills and removes it, and what was made for it alone; its files may go a moment later, by [`Engine::close`] at the latest.
    /// A removal that fails is a failure of ours that shows.
    fn remove(self: Box<Self>, deadline: &Deadline) -> Result<(), EngineError>;
}

/// How long the steps of a start took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Took {
    /// To make the container, in nanoseconds.
    pub create_ns: Option<u64>,
    /// From the request to start it until the engine said that process 1 runs, in nanoseconds.
    pub start_ns: Option<u64>,
    /// `CLOCK_MONOTONIC` nanoseconds at which that request was made: its output can come before the engine's answer.
    pub asked_ns: Option<u64>,
}

/// What answers on this host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Description {
    /// The engine's name.
    pub name: String,
    /// Product and version: `Docker 20.10.24`.
    pub version: String,
    /// `os/architecture` as OCI spells it.
    pub platform: String,
}

/// What a boot is waited for.
#[derive(Debug, Clone, PartialEq)]
pub enum Until {
    /// A readiness target inside the container, looked at by the probe.
    Target(adamant_probe::Target),
    /// A line of output that matches [`Watch`] number `watch`.
    Output {
        /// The index into the boot's watches.
        watch: usize,
    },
    /// The end of process 1.
    Exit,
}

/// What a wait came to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Reached {
    /// The target was reached.
    Ready {
        /// `CLOCK_MONOTONIC` nanoseconds of the look that saw it.
        at_ns: u64,
        /// Every change of the target that was seen on the way.
        observed: Vec<adamant_probe::Observed>,
    },
    /// Process 1 ended first (or was waited for).
    Exited {
        /// How it ended.
        exit: Exit,
        /// Every change of the target that was seen on the way.
        observed: Vec<adamant_probe::Observed>,
    },
    /// Neither happened in time.
    TimedOut {
        /// Every change of the target that was seen on the way.
        observed: Vec<adamant_probe::Observed>,
    },
}

impl Reached {
    /// What the probe saw of the target.
    #[must_use]
    pub fn observed(&self) -> &[adamant_probe::Observed] {
        match self {
            Self::Ready { observed, .. }
            | Self::Exited { observed, .. }
            | Self::TimedOut { observed } => observed,
        }
    }
}
