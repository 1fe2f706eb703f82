//! A run: the plan, the engines, what the trials share, and the events that reporters see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::boots::{Boots, Wants};
use super::gate::{Gates, gates_first};
use super::{Cancel, Deadline, Outcome, Totals, Visitor, resolve};
use crate::case::{Boot, Clock};
use crate::discover::PlannedTrial;
use crate::engine::{Engine, EngineError, Watch};
use crate::report::{Event, Reporter, RunReport, TrialReport};

/// How a run is done.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The run's id, in labels and reports.
    pub id: String,
    /// Specs (or their families) whose cases must be judged: there, *not claimed* is a failure.
    pub require: Vec<String>,
    /// Scales our own patience.
    pub timeout_scale: f64,
    /// Engines that were asked for and cannot run here, each with the chain of why and a hint: their trials are broken.
    pub missing: BTreeMap<&'static str, Missing>,
    /// The options of the command line that choose and change what is judged, as its words: a replay repeats them.
    pub replay: Vec<String>,
    /// Who looks around in the boots instead of a judgment.
    pub visitor: Option<Visitor>,
    /// Set by a signal.
    pub cancel: Cancel,
}

/// Why an engine that was asked for cannot run: an error chain and a hint.
pub type Missing = (Vec<String>, Option<String>);

/// Whether a subject gets ready without a fault, once somebody has tried.
pub(super) type Proof = Arc<Mutex<Option<bool>>>;

/// A run in progress. Trials may run on any thread, in any order, each once.
pub struct Session {
    pub(super) options: Options,
    pub(super) engines: BTreeMap<&'static str, Arc<dyn Engine>>,
    pub(super) trials: Vec<PlannedTrial>,
    pub(super) boots: Boots,
    pub(super) gates: Gates,
    /// Whether a subject gets ready without a fault, where no gate is in the run to tell.
    proofs: Mutex<BTreeMap<(&'static str, String), Proof>>,
    reporter: Mutex<Box<dyn Reporter>>,
    totals: Mutex<Totals>,
    started: Instant,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("options", &self.options)
            .field("trials", &self.trials.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Prepares a run: reaps what dead runs left, then tells the reporters that it starts.
    pub fn start(
        options: Options,
        engines: Vec<Arc<dyn Engine>>,
        mut trials: Vec<PlannedTrial>,
        reporter: Box<dyn Reporter>,
    ) -> Result<Self, EngineError> {
        let deadline = Deadline::after(
            Duration::from_secs(60).mul_f64(options.timeout_scale),
            &options.cancel,
        );
        let mut described = Vec::new();
        for engine in &engines {
            described.push(engine.describe(&deadline)?);
            engine.reap(&deadline)?;
        }
        gates_first(&mut trials);
        let mut boots = Boots::default();
        for trial in &trials {
            let engine = engines.iter().find(|e| e.name() == trial.engine);
            if let Some(key) =
                share_key(trial).filter(|_| !options.missing.contains_key(trial.engine))
                && let Some(engine) = engine
            {
                boots.join(key, wants(trial, engine.as_ref()));
            }
        }
        let session = Self {
            gates: Gates::of(&trials),
            boots,
            engines: engines.into_iter().map(|e| (e.name(), e)).collect(),
            trials,
            options,
            proofs: Mutex::default(),
            reporter: Mutex::new(reporter),
            totals: Mutex::new(Totals::default()),
            started: Instant::now(),
        };
        let names = session.trials.iter().map(|t| t.name.clone()).collect();
        session.emit(&Event::Started {
            run: session.options.id.clone(),
            engines: described,
            trials: names,
        });
        Ok(session)
    }

    /// The plan.
    #[must_use]
    pub fn trials(&self) -> &[PlannedTrial] {
        &self.trials
    }

    /// Runs trial `index` and tells the reporters; a panic of ours is *broken*, not a lost trial.
    pub fn run(&self, index: usize) -> TrialReport {
        let trial = &self.trials[index];
        self.emit(&Event::TrialStarted {
            name: trial.name.clone(),
        });
        let report = super::trial::run(self, trial);
        self.gates.note(trial, report.outcome.verdict());
        self.totals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(&report.outcome);
        self.emit(&Event::TrialFinished(Box::new(report.clone())));
        report
    }

    /// Ends the run: closes the engines, tells the reporters; answers the totals and what could not be reported.
    pub fn finish(self) -> (RunReport, Vec<String>) {
        let deadline = Deadline::for_cleanup(Duration::from_secs(60));
        let mut errors = Vec::new();
        for engine in self.engines.values() {
            if let Err(error) = engine.close(&deadline) {
                errors.push(error);
            }
        }
        let mut totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let cleanup: Vec<Outcome> = errors
            .iter()
            .map(|e| Outcome::broken(e, e.get_hint().map(str::to_owned)))
            .collect();
        totals.broken += cleanup.len();
        let interrupted = self.options.cancel.signal();
        let report = RunReport {
            run: self.options.id.clone(),
            totals,
            cleanup,
            interrupted,
            millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        self.emit(&Event::Finished(report.clone()));
        let errors = self
            .reporter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .errors();
        (report, errors)
    }

    /// The proof of a trial's subject on its engine.
    pub(super) fn proof(&self, trial: &PlannedTrial) -> Proof {
        let key = (trial.engine, trial.subject.subject.name.clone());
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.entry(key).or_default().clone()
    }

    /// `patience`, scaled, from now.
    pub(super) fn deadline(&self, patience: Duration) -> Deadline {
        Deadline::after(
            patience.mul_f64(self.options.timeout_scale),
            &self.options.cancel,
        )
    }

    fn emit(&self, event: &Event) {
        self.reporter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event(event);
    }
}

/// The conditions that a trial shares with others, or `None` when it needs a boot of its own.
pub(super) fn share_key(trial: &PlannedTrial) -> Option<String> {
    let boot = trial.case.case.boot.as_ref()?;
    let alone = boot.fault.is_some()
        || boot.manifest != crate::case::ManifestState::AsShipped
        || boot.boots > 1
        || boot.until == crate::case::State::Exit
        || boot.storage == crate::case::Storage::Volumes
        || trial
            .case
            .case
            .checks
            .iter()
            .any(|c| c.value.check().disturbs());
    if alone || unclaimed(trial).is_some() {
        return None;
    }
    let settled = resolve::settle(boot, &trial.subject);
    let conditions = serde_json::to_string(&settled).expect("a boot is plain data");
    Some(format!(
        "{} {} {conditions}",
        trial.engine, trial.subject.subject.name
    ))
}

/// What the case is about and the subject does not claim.
pub(super) fn unclaimed(trial: &PlannedTrial) -> Option<String> {
    let subject = &trial.subject.subject;
    let needs_ready = trial
        .case
        .case
        .boot
        .as_ref()
        .is_some_and(|b| b.until == crate::case::State::Ready);
    if (needs_ready || trial.fault().is_some()) && subject.ready.is_none() {
        return Some("ready".into());
    }
    let claims = &trial.case.case.claims;
    if let Some(key) = claims.iter().find_map(|c| c.missing(subject)) {
        return Some(key.into());
    }
    trial
        .case
        .case
        .checks
        .iter()
        .find_map(|c| c.value.check().claims(subject).err())
}

/// What a trial wants of its boot, on an engine that can watch processes or cannot.
pub(super) fn wants(trial: &PlannedTrial, engine: &dyn Engine) -> Wants {
    let checks = &trial.case.case.checks;
    let attributes = checks.iter().any(|c| c.value.check().attributes());
    Wants {
        watches: watches(trial),
        trace: traces(trial) || attributes && engine.blind().is_none(),
        reads: checks.iter().any(|c| c.value.check().reads()),
        patience: None,
    }
}

/// Whether a trial asks which process did what, or for a network or a time that only a supervisor makes.
pub(super) fn traces(trial: &PlannedTrial) -> bool {
    let case = &trial.case.case;
    let made = |boot: &Boot| boot.network.profile().is_some() || boot.clock == Clock::Epoch;
    let checks = &case.checks;
    case.boot.as_ref().is_some_and(made) || checks.iter().any(|c| c.value.check().traces())
}

/// What the log of a trial's boot must be watched for.
fn watches(trial: &PlannedTrial) -> Vec<Watch> {
    let subject = &trial.subject.subject;
    let mut watches: Vec<Watch> = subject
        .ready
        .iter()
        .filter_map(resolve::ready_watch)
        .collect();
    for check in &trial.case.case.checks {
        for watch in check.value.check().watches(subject) {
            if !watches.contains(&watch) {
                watches.push(watch);
            }
        }
    }
    watches
}
