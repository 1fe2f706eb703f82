//! Stopping an execution from outside: the reason, kept beside the isolate, and the watchdog that watches the clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::memory;

/// Why an execution was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time is over.
    TimedOut,
    /// Its memory is used up.
    OutOfMemory,
    /// It asked for it: `process.exit(code)`.
    Exited(i32),
}

/// The first reason to stop, shared between an execution, the watchdog and V8's memory callbacks.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// 0 while it may run; else the reason in the upper and the exit code in the lower half.
    reason: AtomicU64,
}

impl Control {
    /// Records the reason if it is the first; the caller then terminates the execution.
    pub(crate) fn stop(&self, stop: Stop) {
        let word = match stop {
            Stop::TimedOut => 1 << 32,
            Stop::OutOfMemory => 2 << 32,
            Stop::Exited(code) => (3 << 32) | u64::from(code.cast_unsigned()),
        };
        let _already = self
            .reason
            .compare_exchange(0, word, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Why it must stop, if it must.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        let word = self.reason.load(Ordering::SeqCst);
        match word >> 32 {
            1 => Some(Stop::TimedOut),
            2 => Some(Stop::OutOfMemory),
            3 => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the lower half is the code"
                )]
                let code = word as u32;
                Some(Stop::Exited(code.cast_signed()))
            }
            _ => None,
        }
    }
}

/// How often the memory of what runs is looked at.
const SAMPLING: Duration = Duration::from_millis(20);

struct Watched {
    deadline: Instant,
    isolate: v8::IsolateHandle,
    control: Arc<Control>,
}

#[derive(Default)]
struct Watchdog {
    watched: Mutex<Watches>,
    changed: Condvar,
}

#[derive(Default)]
struct Watches {
    entries: HashMap<u64, Watched>,
    /// When the watchdog looks again by itself; `None` while it sleeps until it is called.
    next_look: Option<Instant>,
}

/// For how long it goes on looking when nothing runs: as long as executions follow each other, none has to wake it.
const RESTLESS: Duration = Duration::from_secs(1);

/// Keeps one execution under watch until it is dropped.
pub(crate) struct Watch(u64);

/// Terminates the isolate at `deadline`, unless the watch is dropped before. Nothing of it arrives after the drop returned.
pub(crate) fn watch(deadline: Instant, isolate: v8::IsolateHandle, control: Arc<Control>) -> Watch {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let watchdog = watchdog();
    let mut watched = watchdog
        .watched
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    watched.entries.insert(
        id,
        Watched {
            deadline,
            isolate,
            control,
        },
    );
    let sleeps = watched.next_look.is_none_or(|look| deadline < look);
    drop(watched);
    if sleeps {
        watchdog.changed.notify_one();
    }
    Watch(id)
}

impl Drop for Watch {
    fn drop(&mut self) {
        watchdog()
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
            .remove(&self.0);
    }
}

fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<&'static Watchdog> = OnceLock::new();
    WATCHDOG.get_or_init(|| {
        let watchdog: &'static Watchdog = Box::leak(Box::default());
        // A machine that gives no thread gives no timeout either, and isolates need threads themselves: theirs fail first.
        let _thread = std::thread::Builder::new()
            .name("adamant-watchdog".to_owned())
            .spawn(move || patrol(watchdog));
        watchdog
    })
}

#[expect(
    clippy::infinite_loop,
    reason = "the watchdog lives as long as the process"
)]
fn patrol(watchdog: &Watchdog) {
    let mut watched = watchdog
        .watched
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut idle_since = None;
    loop {
        let now = Instant::now();
        // Held under the lock: a dropped watch has either fired or never will.
        watched.entries.retain(|_, entry| {
            let due = entry.deadline <= now;
            if due {
                entry.control.stop(Stop::TimedOut);
                entry.isolate.terminate_execution();
            } else {
                entry
                    .isolate
                    .request_interrupt(memory::sample, std::ptr::null_mut());
            }
            !due
        });
        let soonest = watched.entries.values().map(|entry| entry.deadline).min();
        let patience = if let Some(deadline) = soonest {
            idle_since = None;
            Some(deadline.saturating_duration_since(now).min(SAMPLING))
        } else {
            let since = *idle_since.get_or_insert(now);
            (now.saturating_duration_since(since) < RESTLESS).then_some(SAMPLING)
        };
        watched.next_look = patience.and_then(|patience| now.checked_add(patience));
        watched = if let Some(patience) = patience {
            watchdog
                .changed
                .wait_timeout(watched, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        } else {
            idle_since = None;
            watchdog
                .changed
                .wait(watched)
                .unwrap_or_else(PoisonError::into_inner)
        };
    }
}
