//! The clock of a pool: the system's, or one whose hand a test moves.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tells the time, and waits for it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    #[default]
    System,
    Driven(Arc<Face>),
}

struct Face {
    start: Instant,
    passed: Mutex<Duration>,
    /// Who waits for this clock, and is to look again when it moves.
    bells: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Face")
            .field("passed", &lock(&self.passed))
            .finish_non_exhaustive()
    }
}

/// Moves a driven clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<Face>);

impl Clock {
    /// The system's monotonic clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until its hand is moved.
    #[must_use]
    pub fn driven() -> (Self, Hand) {
        let face = Arc::new(Face {
            start: Instant::now(),
            passed: Mutex::default(),
            bells: Mutex::default(),
        });
        (Self(Kind::Driven(Arc::clone(&face))), Hand(face))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Kind::System => Instant::now(),
            Kind::Driven(face) => face.start + *lock(&face.passed),
        }
    }

    /// Has `bell` rung whenever a hand moves this clock; the system's moves without.
    pub(super) fn subscribe(&self, bell: impl Fn() + Send + Sync + 'static) {
        if let Kind::Driven(face) = &self.0 {
            lock(&face.bells).push(Box::new(bell));
        }
    }

    /// Waits until `condition` is notified, or until the time has come; the caller looks again either way.
    pub(super) fn wait<'l, T>(
        &self,
        condition: &Condvar,
        guard: MutexGuard<'l, T>,
        until: Option<Instant>,
    ) -> MutexGuard<'l, T> {
        match (&self.0, until) {
            (Kind::System, Some(until)) => {
                let left = until.saturating_duration_since(Instant::now());
                condition
                    .wait_timeout(guard, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            _ => condition
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl Hand {
    /// Moves the clock on, and has everybody look at it.
    pub fn advance(&self, time: Duration) {
        *lock(&self.0.passed) += time;
        for bell in &*lock(&self.0.bells) {
            bell();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
