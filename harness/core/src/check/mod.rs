//! Judgments: one file per family, pure. A check says what it must ask, and what the answers mean.

mod artifacts;
mod before_ready;
mod cold_start;
mod commands;
pub mod control;
mod drift;
pub(crate) mod egress;
mod entrypoint;
mod events;
mod exceptions;
mod execs;
mod exit;
pub mod external;
mod failed;
pub(crate) mod fatal;
mod files;
mod http;
mod image;
mod losses;
pub mod module;
mod mounts;
mod output;
mod processes;
mod programs;
pub(crate) mod ready;
mod refuses_writes;
mod same;
mod secrets;
mod settles;
mod stop;
pub(crate) mod trace;
pub mod verify;
mod workspace;
mod writes;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use adamant_probe::TraceEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Artifact, Subject};
pub use crate::report::remark::Place as InFile;
pub(crate) use cold_start::NAME as COLD_START;
pub use entrypoint::boot_lints;
pub(crate) use fatal::names_it;
pub(crate) use ready::{last_lines, target, unready};

use crate::engine::{Answer, Image, LineMatch, Log, Question, Reached, Took, Watch};

/// One entry of a case's `checks`: the tag is the family's name and its file under `check/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSpec {
    /// Readiness is reached in time.
    Ready(ready::Ready),
    /// Output contains or never contains a pattern.
    Output(output::Output),
    /// Structured events: order, payload, presence.
    Events(events::Events),
    /// Events that must have been written before readiness.
    BeforeReady(before_ready::BeforeReady),
    /// Process 1 ends in time with a code.
    Exit(exit::ExitCheck),
    /// The subject's fatal message names the artifact that the fault made absent.
    Fatal(fatal::Fatal),
    /// Several boots end alike.
    Same(same::Same),
    /// Whether each loss of what a boot used was noticed.
    Losses(losses::Losses),
    /// A boot under a fault that it may survive comes to an end that can be told.
    Settles(settles::Settles),
    /// How long a boot takes, against the subject's budgets.
    ColdStart(cold_start::ColdStart),
    /// The declared artifacts are there and work.
    Artifacts(artifacts::Artifacts),
    /// What differs from the image.
    Drift(drift::Drift),
    /// What the boot chain's scripts do.
    Entrypoint(entrypoint::Entrypoint),
    /// Privileges of every process, seen from inside.
    Processes(processes::Processes),
    /// Mounts, seen from inside.
    Mounts(mounts::Mounts),
    /// The image's configuration and its setuid files.
    Image(image::ImageCheck),
    /// Supervised programs stay alive.
    Programs(programs::Programs),
    /// A response on loopback.
    Http(http::HttpCheck),
    /// A signal ends it.
    Stop(stop::Stop),
    /// Secrets belong to one instance and to no layer.
    Secrets(secrets::Secrets),
    /// What the deployment adds to the hardened baseline is declared, and nothing is taken away.
    Exceptions(exceptions::Exceptions),
    /// Commands inside the container.
    Commands(commands::Commands),
    /// Files of the image.
    Files(files::Files),
    /// Directories in which root cannot create a file.
    RefusesWrites(refuses_writes::RefusesWrites),
    /// The endpoint outside is used after readiness only.
    External(external::External),
    /// Attempts to write, and who made them.
    Writes(writes::Writes),
    /// Attempts to leave, and who made them.
    Egress(egress::Egress),
    /// What was run.
    Execs(execs::Execs),
    /// What the image's files prove before anything boots.
    Verify(verify::Verify),
    /// A workspace is saved and restored by the rules.
    Workspace(workspace::Workspace),
}

/// What every family can do. No I/O in any of it.
pub trait Check {
    /// Whether it looks at a running container; else the image is enough.
    fn needs_boot(&self) -> bool {
        true
    }

    /// What the subject must claim for the check to mean anything; the error is what is not claimed.
    fn claims(&self, _subject: &Subject) -> Result<(), String> {
        Ok(())
    }

    /// Whether the image has what the check is about; the error is why there is nothing to judge.
    fn applies(&self, _context: &Context<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Whether the entry asks for anything; the error is why it would judge nothing and so always hold.
    fn asks(&self) -> Result<(), String> {
        Ok(())
    }

    /// Patterns that the log must be matched against while it streams.
    fn watches(&self, _subject: &Subject) -> Vec<Watch> {
        Vec::new()
    }

    /// Whether asking may change the container, so that no other trial may share the boot.
    fn disturbs(&self) -> bool {
        false
    }

    /// Whether it needs to know which process did what, which an engine must watch from the start.
    fn traces(&self) -> bool {
        false
    }

    /// Whether it needs to know which files were opened for reading, which is told only where somebody asks.
    fn reads(&self) -> bool {
        false
    }

    /// Whether its findings say more where it is known which process did what; they stand without it too.
    fn attributes(&self) -> bool {
        false
    }

    /// How long its questions take beside what every question may, by what the subject claims.
    fn takes(&self, _subject: &Subject) -> Duration {
        Duration::ZERO
    }

    /// Whether the log has what the check looks for: it may arrive a moment later than readiness.
    fn settled(&self, _context: &Context<'_>, _boot: &Boot) -> bool {
        true
    }

    /// What to ask, in this order.
    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        Vec::new()
    }

    /// Whether there is anything to ask of a container that got there.
    fn asks_at(&self, _reached: Option<&Reached>) -> bool {
        true
    }

    /// What one boot means. The answers are those to [`Check::questions`], in order.
    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered>;

    /// What several boots together mean.
    fn judge_all(
        &self,
        _context: &Context<'_>,
        _boots: &[Boot],
    ) -> Result<Vec<Finding>, Unanswered> {
        Ok(Vec::new())
    }

    /// What was measured on all boots, whatever it means.
    fn measures(&self, _boots: &[Boot]) -> Vec<Measure> {
        Vec::new()
    }
}

/// What a check may know beside the answers.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// Its image.
    pub image: &'a Image,
    /// The ids of the artifacts that the manifest switches on.
    pub enabled: &'a BTreeSet<String>,
    /// The artifact that the trial's fault made absent.
    pub fault: Option<&'a Artifact>,
}

impl<'a> Context<'a> {
    /// The artifacts that are switched on.
    pub fn artifacts(&self) -> impl Iterator<Item = &'a Artifact> {
        let enabled = self.enabled;
        self.subject
            .artifacts()
            .filter(move |a| enabled.contains(&a.id))
    }
}

/// What was seen of one boot, and the answers to one check's questions.
#[derive(Debug, Clone, Default)]
pub struct Boot {
    /// What the wait came to; `None` for a case without a boot.
    pub reached: Option<Reached>,
    /// `CLOCK_MONOTONIC` nanoseconds at which process 1 had been started.
    pub started_ns: u64,
    /// How long it took to make and to start it.
    pub took: Took,
    /// The log when the checks looked.
    pub log: Log,
    /// The watches of the log, by number.
    pub watches: Vec<Watch>,
    /// The answers to the check's questions, in order; the error is why there is none.
    pub answers: Vec<Result<Answer, String>>,
}

impl Boot {
    /// The answer to question `index`, taken apart by `take`.
    pub fn answer<'b, T>(
        &'b self,
        index: usize,
        take: impl Fn(&'b Answer) -> Option<T>,
    ) -> Result<T, Unanswered> {
        match self.answers.get(index) {
            Some(Ok(answer)) => take(answer).ok_or_else(|| {
                Unanswered(format!("question {index} got an answer of another kind"))
            }),
            Some(Err(why)) => Err(Unanswered(why.clone())),
            None => Err(Unanswered(format!("question {index} was never answered"))),
        }
    }

    /// How many lines matched a watch, and the first of them.
    pub fn matches(&self, watch: &Watch) -> Result<(u64, &[LineMatch]), Unanswered> {
        let index = self.watches.iter().position(|w| w == watch);
        let found = index.and_then(|i| self.log.matches.get(i));
        found
            .map(|(n, lines)| (*n, lines.as_slice()))
            .ok_or_else(|| Unanswered(format!("nobody watched the log for `{}`", watch.pattern)))
    }

    /// Milliseconds from start to a point in monotonic time.
    #[must_use]
    pub fn since_start_ms(&self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.started_ns) / 1_000_000
    }
}

/// Samples of one time, a boot each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What was measured: `create`, `start`, `first-log`, `ready`.
    pub name: &'static str,
    /// In milliseconds, in the order of the boots.
    pub samples_ms: Vec<f64>,
}

/// Why a check could not be judged: the trial is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

/// The subject is wrong: what was expected, what was seen, and lines that show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of fault, stable over releases: `drift/tree-changed`. Its page is `adamant explain CODE`.
    pub code: Cow<'static, str>,
    /// What the contract says.
    pub expected: String,
    /// What was seen instead; names the path, line, event, process or artifact.
    pub seen: String,
    /// Lines that show it, such as log lines or a list of paths.
    pub detail: Vec<String>,
    /// Every single thing that it is about, when it stands for several: what a waiver's `matches` must accept.
    #[serde(skip)]
    pub things: Vec<String>,
    /// The line that it is about, when that is one of a file inside the image or of the subject's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Box<InFile>>,
}

impl Finding {
    /// A finding without further lines; it has its family's code until [`Finding::coded`] says a closer one.
    pub fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(""),
            expected: expected.into(),
            seen: seen.into(),
            detail: Vec::new(),
            things: Vec::new(),
            at: None,
        }
    }

    /// With the code of its kind, which has a page under `cases/findings/`.
    #[must_use]
    pub fn coded(mut self, code: &'static str) -> Self {
        self.code = Cow::Borrowed(code);
        self
    }

    /// At a line of a file inside the image.
    #[must_use]
    pub fn at(mut self, place: InFile) -> Self {
        self.at = Some(Box::new(place));
        self
    }

    /// About several things, which are shown as lines too; a single one that was told already is not told again.
    #[must_use]
    pub fn about(mut self, things: Vec<String>) -> Self {
        self.things.clone_from(&things);
        match things.as_slice() {
            [one] if self.seen.contains(one.as_str()) => self,
            _ => self.with(things),
        }
    }

    /// With lines that show it, the first `most` of them and a count of the rest.
    #[must_use]
    pub fn with<I: IntoIterator<Item = S>, S: Into<String>>(mut self, lines: I) -> Self {
        const MOST: usize = 12;
        let lines: Vec<String> = lines.into_iter().map(Into::into).collect();
        let rest = lines.len().saturating_sub(MOST);
        self.detail.extend(lines.into_iter().take(MOST));
        if rest > 0 {
            self.detail.push(format!("… and {rest} more"));
        }
        self
    }
}

impl CheckSpec {
    /// The family.
    #[must_use]
    pub fn check(&self) -> &dyn Check {
        match self {
            Self::Ready(c) => c,
            Self::Output(c) => c,
            Self::Events(c) => c,
            Self::BeforeReady(c) => c,
            Self::Exit(c) => c,
            Self::Fatal(c) => c,
            Self::Same(c) => c,
            Self::Losses(c) => c,
            Self::Settles(c) => c,
            Self::ColdStart(c) => c,
            Self::Artifacts(c) => c,
            Self::Drift(c) => c,
            Self::Entrypoint(c) => c,
            Self::Processes(c) => c,
            Self::Mounts(c) => c,
            Self::Image(c) => c,
            Self::Programs(c) => c,
            Self::Http(c) => c,
            Self::Stop(c) => c,
            Self::Secrets(c) => c,
            Self::Exceptions(c) => c,
            Self::Commands(c) => c,
            Self::Files(c) => c,
            Self::RefusesWrites(c) => c,
            Self::External(c) => c,
            Self::Writes(c) => c,
            Self::Egress(c) => c,
            Self::Execs(c) => c,
            Self::Verify(c) => c,
            Self::Workspace(c) => c,
        }
    }

    /// The tag: the family's name in a case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ready(_) => "ready",
            Self::Output(_) => "output",
            Self::Events(_) => "events",
            Self::BeforeReady(_) => "before-ready",
            Self::Exit(_) => "exit",
            Self::Fatal(_) => "fatal",
            Self::Same(_) => "same",
            Self::Losses(_) => "losses",
            Self::Settles(_) => "settles",
            Self::ColdStart(_) => COLD_START,
            Self::Artifacts(_) => "artifacts",
            Self::Drift(_) => "drift",
            Self::Entrypoint(_) => "entrypoint",
            Self::Processes(_) => "processes",
            Self::Mounts(_) => "mounts",
            Self::Image(_) => "image",
            Self::Programs(_) => "programs",
            Self::Http(_) => "http",
            Self::Stop(_) => "stop",
            Self::Secrets(_) => "secrets",
            Self::Exceptions(_) => "exceptions",
            Self::Commands(_) => "commands",
            Self::Files(_) => "files",
            Self::RefusesWrites(_) => "refuses-writes",
            Self::External(_) => "external",
            Self::Writes(_) => "writes",
            Self::Egress(_) => "egress",
            Self::Execs(_) => "execs",
            Self::Verify(_) => "verify",
            Self::Workspace(_) => "workspace",
        }
    }
}

/// What the subject of a traced boot did, by the answer to question `index`.
pub(crate) fn traced(boot: &Boot, index: usize) -> Result<Vec<TraceEvent>, Unanswered> {
    trace::events(boot, index).map(|seen| seen.events.to_vec())
}

/// Whether `path` is `root` or below it.
pub(crate) fn is_under(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A variable that the subject gives, or the claim it does not make.
pub(crate) fn claimed<T: crate::case::FromSubject>(
    var: &crate::case::Var<T>,
    subject: &Subject,
) -> Result<(), String> {
    var.resolve(subject)
        .map(drop)
        .map_err(|path| path.trim_start_matches("subject.").to_owned())
}

/// The value of a variable whose claim was checked before.
pub(crate) fn value<T: crate::case::FromSubject>(
    var: &crate::case::Var<T>,
    subject: &Subject,
) -> Result<T, Unanswered> {
    var.resolve(subject)
        .map_err(|path| Unanswered(format!("the subject does not claim `{path}`")))
}
