//! Reads the monotonic clock and counts down to a deadline.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds: the same clock as outside, unless the container has a time namespace.
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}

/// A moment after which nothing is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// The moment `wait` from now.
    pub(super) fn after(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    /// The moment `ms` milliseconds from now.
    pub(super) fn after_ms(ms: u64) -> Self {
        Self::after(Duration::from_millis(ms))
    }

    /// What is left, or `None` when the moment has come.
    pub(super) fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// Does nothing for `wait`.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks at what gives no sign of its own; each caller has a deadline"
)]
pub(super) fn pause(wait: Duration) {
    std::thread::sleep(wait);
}
