//! Waiting for an isolate on another thread: whoever does it alone looks before they sleep.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// For how long somebody who waits alone looks for the answer again and again before they sleep: to be woken takes a good part of the time
/// of a warm execution on a machine that has nothing else to do.
const LOOK: Duration = Duration::from_micros(500);

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Somebody who waits for an isolate of this process.
pub(crate) struct Waiting;

impl Waiting {
    pub(crate) fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Looks whether the answer is there, as long as nobody else waits: two of them would take the processor from the isolates.
    pub(crate) fn look<T>(&self, there: impl Fn() -> Option<T>) -> Option<T> {
        static SEVERAL: LazyLock<bool> =
            LazyLock::new(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1));
        let until = Instant::now() + LOOK;
        while *SEVERAL && WAITING.load(Ordering::Relaxed) == 1 && Instant::now() < until {
            if let Some(answer) = there() {
                return Some(answer);
            }
            // Whoever else has something to do on this processor does it.
            std::thread::yield_now();
        }
        None
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}
