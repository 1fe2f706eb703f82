//! Shared boots: trials under the same conditions wait for one container, and the last one out removes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::check;
use crate::engine::{Instance, LogCapture, Reached, Took, Watch};

/// A container that runs, and what was seen on its way up.
pub(super) struct Booted {
    pub(super) instance: Box<dyn Instance>,
    pub(super) reached: Reached,
    pub(super) started_ns: u64,
    /// How long it took to make and to start it.
    pub(super) took: Took,
    /// Whether its processes are watched.
    pub(super) traced: bool,
    pub(super) log: Arc<LogCapture>,
}

impl Booted {
    /// What a check sees of it, before the answers.
    pub(super) fn seen(&self) -> check::Boot {
        check::Boot {
            reached: Some(self.reached.clone()),
            started_ns: self.started_ns,
            took: self.took,
            log: self.log.snapshot(),
            watches: self.log.watches().to_vec(),
            answers: Vec::new(),
        }
    }
}

/// Which boot a trial shares, by the conditions that make it.
pub(super) type Key = String;

/// What the trials on a boot want of it beside its conditions.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants {
    /// What the log is watched for.
    pub(super) watches: Vec<Watch>,
    /// Whether somebody asks which process did what.
    pub(super) trace: bool,
    /// Whether somebody asks which files were opened for reading.
    pub(super) reads: bool,
    /// How long readiness is waited for at most, where that is less than the subject claims.
    pub(super) patience: Option<Duration>,
}

/// All shared boots of a run.
#[derive(Default)]
pub(super) struct Boots {
    groups: BTreeMap<Key, Group>,
}

/// The trials that share one boot.
struct Group {
    wants: Wants,
    state: Mutex<State>,
}

struct State {
    /// Members that have not left yet.
    left: usize,
    boot: Shared,
}

#[derive(Clone)]
enum Shared {
    NotYet,
    Up(Arc<Booted>),
    Failed(Vec<String>, Option<String>),
}

/// Why there is no boot: an error chain and a hint.
pub(super) type BootFailure = (Vec<String>, Option<String>);

impl Boots {
    /// Registers a member and what it wants.
    pub(super) fn join(&mut self, key: Key, wants: Wants) {
        let group = self.groups.entry(key).or_insert_with(|| Group {
            wants: Wants::default(),
            state: Mutex::new(State {
                left: 0,
                boot: Shared::NotYet,
            }),
        });
        for watch in wants.watches {
            if !group.wants.watches.contains(&watch) {
                group.wants.watches.push(watch);
            }
        }
        group.wants.trace |= wants.trace;
        group.wants.reads |= wants.reads;
        lock(&group.state).left += 1;
    }

    /// The boot, started by the first member that comes; the others wait for it.
    pub(super) fn enter(
        &self,
        key: &Key,
        start: impl FnOnce(Wants) -> Result<Booted, BootFailure>,
    ) -> Result<Arc<Booted>, BootFailure> {
        let group = self
            .groups
            .get(key)
            .expect("every member joined while the run was planned");
        let mut state = lock(&group.state);
        if let Shared::NotYet = state.boot {
            state.boot = match start(group.wants.clone()) {
                Ok(booted) => Shared::Up(Arc::new(booted)),
                Err((chain, hint)) => Shared::Failed(chain, hint),
            };
        }
        match state.boot.clone() {
            Shared::Up(booted) => Ok(booted),
            Shared::Failed(chain, hint) => Err((chain, hint)),
            Shared::NotYet => unreachable!("the first member has just settled it"),
        }
    }

    /// A member goes; the last one gets the boot back to remove it.
    pub(super) fn leave(&self, key: &Key, mine: Option<Arc<Booted>>) -> Option<Booted> {
        let group = self.groups.get(key)?;
        let mut state = lock(&group.state);
        drop(mine);
        state.left = state.left.saturating_sub(1);
        if state.left > 0 {
            return None;
        }
        match std::mem::replace(&mut state.boot, Shared::NotYet) {
            Shared::Up(booted) => Arc::into_inner(booted),
            _ => None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
