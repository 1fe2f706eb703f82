//! The only place that waits: a point in time that ends every wait, and a flag that ends all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// How long one wait may sleep before it looks at the cancel flag again.
const SLICE: Duration = Duration::from_millis(100);

/// Set once by a signal; every wait of the run ends within a moment of it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicI32>);

impl Cancel {
    /// Cancels the run for this signal number.
    pub fn set(&self, signal: i32) {
        self.0.store(signal, Ordering::SeqCst);
    }

    /// The signal that cancelled the run.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }
}

/// When a wait must end.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Instant,
    cancel: Cancel,
}

impl Deadline {
    /// `patience` from now.
    #[must_use]
    pub fn after(patience: Duration, cancel: &Cancel) -> Self {
        let now = Instant::now();
        // A claim of centuries is not ours to refuse; a day is as good as for ever.
        let at = now
            .checked_add(patience)
            .unwrap_or_else(|| now + Duration::from_secs(86_400));
        Self {
            at,
            cancel: cancel.clone(),
        }
    }

    /// The earlier of this and `patience` from now.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        let other = Self::after(patience, &self.cancel);
        Self {
            at: self.at.min(other.at),
            cancel: self.cancel.clone(),
        }
    }

    /// A deadline that a cancelled run does not shorten: removal must go on after Ctrl-C.
    #[must_use]
    pub fn for_cleanup(patience: Duration) -> Self {
        Self::after(patience, &Cancel::default())
    }

    /// What is left; `None` when the time is up or the run was cancelled.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        if self.is_cancelled() {
            return None;
        }
        let left = self.at.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The next piece of a wait; `None` when the time is up or the run was cancelled.
    #[must_use]
    pub fn slice(&self) -> Option<Duration> {
        self.left().map(|left| left.min(SLICE))
    }

    /// Whether a signal ended the run.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.signal().is_some()
    }

    /// Waits for a while on purpose, such as to observe a container; answers whether it was not cut short.
    #[must_use]
    pub fn pause(&self, time: Duration) -> bool {
        let until = self.within(time);
        while let Some(slice) = until.slice() {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that waits"
            )]
            std::thread::sleep(slice);
        }
        !self.is_cancelled() && self.left().is_some()
    }
}
