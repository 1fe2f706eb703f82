//! The gate of a subject: when it never gets ready, one case says so and the others say that they were not reached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, PoisonError};

use super::{Deadline, Verdict};
use crate::case::{Boot, Clock};
use crate::check::CheckSpec;
use crate::discover::PlannedTrial;

/// The gate trial of each engine and subject, and what it came to.
#[derive(Debug, Default)]
pub(super) struct Gates {
    names: BTreeMap<(&'static str, String), String>,
    verdicts: Mutex<BTreeMap<String, Verdict>>,
    /// Subjects that were seen ready without a fault.
    ready: Mutex<BTreeSet<(&'static str, String)>>,
    changed: Condvar,
}

fn key(trial: &PlannedTrial) -> (&'static str, String) {
    (trial.engine, trial.subject.subject.name.clone())
}

/// Whether a trial judges readiness itself, without a fault.
pub(super) fn judges_readiness(trial: &PlannedTrial) -> bool {
    // A made network or clock is a hindrance of its own: who does not get ready there may well get ready elsewhere.
    let plain = |boot: &Boot| boot.network.profile().is_none() && boot.clock == Clock::Host;
    let boot = trial.case.case.boot.as_ref();
    let once = boot.is_some_and(|b| b.boots == 1 && plain(b));
    once && trial.fault().is_none()
        && trial
            .case
            .case
            .checks
            .iter()
            .any(|c| matches!(c.value, CheckSpec::Ready(_)))
}

/// Gates first, the rest in its order: whoever asks a gate finds it run or running.
pub(super) fn gates_first(trials: &mut [PlannedTrial]) {
    let gates = Gates::of(trials);
    trials.sort_by_key(|t| gates.names.get(&key(t)) != Some(&t.name));
}

impl Gates {
    /// The first trial of each subject that judges readiness is its gate.
    pub(super) fn of(trials: &[PlannedTrial]) -> Self {
        let mut names = BTreeMap::new();
        for trial in trials.iter().filter(|t| judges_readiness(t)) {
            names
                .entry(key(trial))
                .or_insert_with(|| trial.name.clone());
        }
        Self {
            names,
            ..Self::default()
        }
    }

    /// Notes what a trial came to.
    pub(super) fn note(&self, trial: &PlannedTrial, verdict: Verdict) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.insert(trial.name.clone(), verdict);
        drop(verdicts);
        self.changed.notify_all();
    }

    /// Notes that a boot without a fault got ready.
    pub(super) fn note_ready(&self, trial: &PlannedTrial) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.insert(key(trial));
    }

    /// Whether a boot without a fault got ready; `None` when no gate is in the run that could tell.
    pub(super) fn is_ready(&self, trial: &PlannedTrial, deadline: &Deadline) -> Option<bool> {
        let seen = || {
            let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.contains(&key(trial))
        };
        if seen() {
            return Some(true);
        }
        self.verdict(trial, deadline).map(|_| seen())
    }

    /// For a trial that is not the gate itself: the gate's name, when its boot never got ready and that is not accepted.
    pub(super) fn failed(&self, trial: &PlannedTrial, deadline: &Deadline) -> Option<String> {
        let (name, verdict) = self.verdict(trial, deadline)?;
        let told = matches!(verdict, Verdict::Failed | Verdict::Broken);
        (told && self.is_ready(trial, deadline) == Some(false)).then_some(name)
    }

    /// What the gate came to, waited for; `None` when the trial is the gate or there is none.
    fn verdict(&self, trial: &PlannedTrial, deadline: &Deadline) -> Option<(String, Verdict)> {
        let name = self.names.get(&key(trial)).filter(|n| **n != trial.name)?;
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(verdict) = verdicts.get(name) {
                return Some((name.clone(), *verdict));
            }
            let slice = deadline.slice()?;
            verdicts = self
                .changed
                .wait_timeout(verdicts, slice)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
