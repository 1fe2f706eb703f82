//! A pool of warm isolates: made ahead, lent one request at a time, replaced when they come back corrupted.
//!
//! What is pooled is the caller's: an [`crate::Isolate`], or a process with one in it. `state` decides, the threads here only carry
//! out and wait; whoever waits is told by a channel, so nobody polls.

mod clock;
mod metrics;
mod state;
#[cfg(test)]
mod tests;

pub use clock::{Clock, Hand};
pub use metrics::{PoolActivity, PoolMetrics};

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::execution::Health;
use state::{Job, State};

/// Why an isolate could not be made.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// How many isolates are made or ended at once.
const HANDS: usize = 4;

/// How long a closed pool waits for the last isolates to be gone, beyond its grace.
const LAST: Duration = Duration::from_secs(5);

/// Who may get an isolate that ran for a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// The same function only.
    #[default]
    Function,
    /// Any function: every execution has its own context, but one process or heap.
    Any,
}

/// The size of a pool (defaults: seed 001).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Isolates that are kept warm.
    pub base: usize,
    /// The most that there ever are, those being made or ended included.
    pub max: usize,
    /// How long one above the base may be ready without being used.
    pub idle: Duration,
    /// Who may get a used one.
    pub reuse: Reuse,
    /// The most requests that wait.
    pub waiting: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: 5,
            max: 20,
            idle: Duration::from_secs(300),
            reuse: Reuse::Function,
            waiting: 1000,
        }
    }
}

/// Why a request got no isolate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// As many wait as may.
    #[error("{0} requests wait for an isolate already")]
    Full(usize),
    /// Its patience is over.
    #[error("no isolate became free within {}ms", .0.as_millis())]
    TimedOut(Duration),
    /// The pool shuts down.
    #[error("the pool of isolates is shutting down")]
    Closed,
    /// None could be made.
    #[error("failed to make an isolate")]
    Start(#[source] StartError),
}

/// What became of a pool that was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// Requests that still waited and were turned away.
    pub refused: usize,
    /// Isolates that were still at work. Their leases end them.
    pub abandoned: usize,
}

/// A pool. Dropped, it lets nobody wait and ends what is ready; its threads go when that is done.
pub struct Pool<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    clock: Clock,
    /// There is a job, or an earlier time to look again.
    work: Condvar,
    /// Something came to its end.
    calm: Condvar,
}

impl<T: Send + 'static> Pool<T> {
    /// A pool that warms up in the background. `make` makes an isolate; it is called on threads of the pool, several at a time.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        settings: Settings,
        clock: Clock,
        make: impl Fn() -> Result<T, StartError> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(settings)),
            clock,
            work: Condvar::new(),
            calm: Condvar::new(),
        });
        let bell = Arc::downgrade(&shared);
        shared.clock.subscribe(move || {
            if let Some(shared) = bell.upgrade() {
                let _nobody_is_between_looking_and_waiting = shared.lock();
                shared.work.notify_all();
                shared.calm.notify_all();
            }
        });
        // From here on a failure closes what was started.
        let pool = Self { shared };
        let make = Arc::new(make);
        for _ in 0..HANDS.min(settings.max).max(1) {
            let shared = Arc::clone(&pool.shared);
            let make = Arc::clone(&make);
            std::thread::Builder::new()
                .name("adamant-pool".to_owned())
                .spawn(move || shared.work(&*make))?;
        }
        pool.shared.change(State::settle);
        Ok(pool)
    }

    /// An isolate for a request of `function`, as soon as it is this request's turn.
    ///
    /// # Errors
    /// When too many wait, none came in time, none can be made, or the pool shuts down.
    pub fn acquire(&self, function: &str, patience: Duration) -> Result<Lease<T>, AcquireError> {
        let (reply, answer) = mpsc::channel();
        self.shared
            .change(|state, now| state.request(function, now, patience, reply));
        let grant = answer.recv().unwrap_or(Err(AcquireError::Closed))?;
        Ok(Lease {
            shared: Arc::clone(&self.shared),
            function: function.to_owned(),
            isolate: Some(grant.isolate),
            fresh: grant.fresh,
        })
    }

    /// Its figures now.
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        self.shared.lock().metrics()
    }

    /// What else it did.
    #[must_use]
    pub fn activity(&self) -> PoolActivity {
        self.shared.lock().activity()
    }

    /// Takes no more requests, lets those that it has taken come to their end within `grace`, and ends all isolates that are not at
    /// work then.
    pub fn shutdown(&self, grace: Duration) -> Shutdown {
        let until = self.shared.clock.now() + grace;
        self.shared.change(|state, now| state.drain(false, now));
        let state = self.shared.wait(until, State::is_calm);
        let metrics = state.metrics();
        let shutdown = Shutdown {
            refused: state.activity().waiting,
            abandoned: metrics.active,
        };
        drop(state);
        self.shared.change(|state, now| state.drain(true, now));
        let until = self.shared.clock.now() + LAST;
        drop(self.shared.wait(until, State::is_empty));
        shutdown
    }
}

impl<T: Send + 'static> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("metrics", &self.metrics())
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Drop for Pool<T> {
    fn drop(&mut self) {
        self.shared.change(|state, now| state.drain(true, now));
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes whom that concerns.
    fn change(&self, change: impl FnOnce(&mut State<T>, Instant)) {
        let mut state = self.lock();
        let now = self.clock.now();
        let next = state.next(now);
        change(&mut state, now);
        let earlier = state
            .next(now)
            .is_some_and(|n| next.is_none_or(|old| n < old));
        if !state.jobs.is_empty() || earlier || state.is_closed() {
            self.work.notify_all();
        }
        if state.is_calm() {
            self.calm.notify_all();
        }
    }

    fn wait(&self, until: Instant, done: impl Fn(&State<T>) -> bool) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        while !done(&state) && self.clock.now() < until {
            state = self.clock.wait(&self.calm, state, Some(until));
        }
        state
    }

    /// What a thread of the pool does all its life.
    fn work(&self, make: &(dyn Fn() -> Result<T, StartError> + Send + Sync)) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                self.carry_out(job, make);
                state = self.lock();
                continue;
            }
            // What is still lent comes back to be ended.
            if state.is_closed() && state.is_empty() && state.is_calm() {
                return;
            }
            let next = state.next(self.clock.now());
            if next.is_none_or(|next| next > self.clock.now()) {
                state = self.clock.wait(&self.work, state, next);
            }
            // Whatever woke us: what is due is done here.
            state.settle(self.clock.now());
            if state.is_calm() {
                self.calm.notify_all();
            }
        }
    }

    fn carry_out(&self, job: Job<T>, make: &(dyn Fn() -> Result<T, StartError> + Send + Sync)) {
        match job {
            Job::Start => {
                let made = catch_unwind(AssertUnwindSafe(make))
                    .unwrap_or_else(|_reported| Err("the making of it panicked".into()));
                self.change(|state, now| match made {
                    Ok(isolate) => state.started(isolate, now),
                    Err(error) => state.not_started(error, now),
                });
            }
            Job::End(isolate) => {
                let _reported = catch_unwind(AssertUnwindSafe(|| drop(isolate)));
                self.change(State::ended);
            }
        }
        self.calm.notify_all();
    }
}

/// An isolate that is lent to one request. Dropped without [`Lease::release`], it counts as corrupted.
pub struct Lease<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    function: String,
    /// There until it is given back.
    isolate: Option<T>,
    fresh: bool,
}

impl<T: Send + 'static> Lease<T> {
    /// Whether it ran nothing before this.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Gives it back.
    pub fn release(mut self, health: Health) {
        self.give_back(health);
    }

    fn give_back(&mut self, health: Health) {
        let Some(isolate) = self.isolate.take() else {
            return;
        };
        let function = std::mem::take(&mut self.function);
        self.shared
            .change(|state, now| state.release(isolate, function, health, now));
    }
}

impl<T: Send + 'static> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.isolate
            .as_ref()
            .expect("it is there until the lease is given back")
    }
}

impl<T: Send + 'static> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.isolate
            .as_mut()
            .expect("it is there until the lease is given back")
    }
}

impl<T: Send + 'static> Drop for Lease<T> {
    fn drop(&mut self) {
        self.give_back(Health::Corrupted);
    }
}

impl<T: Send + 'static> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("function", &self.function)
            .field("fresh", &self.fresh)
            .finish_non_exhaustive()
    }
}
