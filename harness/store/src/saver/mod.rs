//! The saver: every 30 s it asks each daemon, and saves what has changed and rests; at the end it saves everything.

mod client;
mod clock;
mod front;
mod verify;

pub use client::{Daemon, SaveError};
pub use clock::{Clock, Hands};
pub use front::{KeepArgs, KeepError, OnceArgs, head, keep, restore, save};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::Key;
use crate::objects::{Sealed, Store};
use crate::routes::Restored;
use verify::Verify;

/// How often and how patiently (seed 002).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one tick to the next: 30 s.
    pub every: Duration,
    /// How long a workspace must rest before it is saved: 60 s.
    pub rest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30),
            rest: Duration::from_secs(60),
        }
    }
}

/// The kernel stamps files with a clock that lags by some milliseconds: a change may seem as much earlier than it was.
const GRAIN: Duration = Duration::from_millis(20);

/// What came of one workspace in one tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in use.
    Active,
    /// Nothing changed since it was saved or restored.
    Unchanged,
    /// It is empty: nothing is stored, what was stored stays.
    Empty,
    /// Stored.
    Saved(Sealed),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("in use"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Empty => f.write_str("empty, nothing is stored"),
            Self::Saved(seal) => write!(f, "saved: {} bytes, sha256 {}", seal.size, seal.sha256),
        }
    }
}

/// The outcomes of one round.
pub type Round = Vec<(Key, Result<Outcome, SaveError>)>;

/// A workspace that is kept.
#[derive(Debug, Clone)]
struct Kept {
    daemon: Daemon,
    /// When the last save that succeeded *began*, on our clock: what changes while it is under way is saved by the next.
    watermark: Option<Duration>,
}

/// Keeps workspaces.
#[derive(Debug)]
pub struct Saver {
    store: Store,
    clock: Clock,
    pace: Pace,
    kept: Mutex<BTreeMap<Key, Kept>>,
    ticking: AtomicBool,
}

impl Saver {
    /// A saver that keeps nothing yet.
    #[must_use]
    pub fn new(store: Store, clock: Clock, pace: Pace) -> Self {
        Self {
            store,
            clock,
            pace,
            kept: Mutex::default(),
            ticking: AtomicBool::new(false),
        }
    }

    /// Keeps a workspace from now on. One that is kept already stays as saved as it is.
    pub fn track(&self, key: Key, daemon: Daemon) {
        let mut kept = self.kept();
        let watermark = kept.get(&key).and_then(|k| k.watermark);
        kept.insert(key, Kept { daemon, watermark });
    }

    /// Keeps it no longer; what is stored stays.
    pub fn untrack(&self, key: &Key) {
        self.kept().remove(key);
    }

    /// Restores a workspace before it is configured; `None` when nothing is stored for it. What was restored need not be saved.
    ///
    /// # Errors
    /// When the store or the daemon fails. The workspace is as before, and its boot can go on: whoever calls decides.
    pub async fn restore(&self, key: &Key, daemon: &Daemon) -> Result<Option<Restored>, SaveError> {
        let Some(download) = self.store.get(key).await? else {
            return Ok(None);
        };
        let restored = daemon.restore(download).await?;
        let now = self.clock.now();
        if let Some(kept) = self.kept().get_mut(key) {
            kept.watermark = Some(now);
        }
        Ok(Some(restored))
    }

    /// Asks every daemon once; `None` when a tick is still under way, for two never overlap.
    pub async fn tick(&self) -> Option<Round> {
        if self.ticking.swap(true, Ordering::AcqRel) {
            return None;
        }
        // Given back however the tick ends: it may be cancelled.
        let _turn = Turn(&self.ticking);
        let mut round = Round::new();
        for (key, kept) in self.all() {
            let outcome = self.when_due(&key, &kept).await;
            round.push((key, outcome));
        }
        Some(round)
    }

    /// Ticks until `stop`, telling each round. What is under way at `stop` is given up; `save_all` does it again.
    pub async fn run(&self, stop: impl Future<Output = ()>, mut tell: impl FnMut(&Round)) {
        let mut stop = std::pin::pin!(stop);
        let mut next = self.clock.now() + self.pace.every;
        loop {
            let round = async {
                self.clock.until(next).await;
                self.tick().await
            };
            let round = tokio::select! {
                () = &mut stop => return,
                round = round => round,
            };
            // A tick that took longer than its time is followed by the next whole one, never by all that were missed.
            let now = self.clock.now();
            while next <= now {
                next += self.pace.every;
            }
            if let Some(round) = round {
                tell(&round);
            }
        }
    }

    /// Saves everything, changed or not, resting or not; what is not done at the deadline is an error.
    pub async fn save_all(&self, within: Duration) -> Round {
        let until = tokio::time::Instant::now() + within;
        let places = Arc::new(Semaphore::new(4));
        let saves = self.all().into_iter().map(|(key, kept)| {
            let places = places.clone();
            async move {
                let patiently = async {
                    let _place = places.acquire().await;
                    loop {
                        match self.save(&key, &kept).await {
                            Err(error) if error.is_passing() && !is_refused(&error) => {
                                let pause = Duration::from_millis(500);
                                if tokio::time::Instant::now() + pause >= until {
                                    return Err(error);
                                }
                                tokio::time::sleep(pause).await;
                            }
                            other => return other,
                        }
                    }
                };
                let saved = tokio::time::timeout_at(until, patiently).await;
                let outcome = saved.unwrap_or(Err(SaveError::Deadline(within)));
                (key, outcome)
            }
        });
        futures_util::future::join_all(saves).await
    }

    async fn when_due(&self, key: &Key, kept: &Kept) -> Result<Outcome, SaveError> {
        let idle = kept.daemon.idle().await?;
        if idle < self.pace.rest {
            return Ok(Outcome::Active);
        }
        // Taken after the answer, the last change seems later than it was, never earlier: rather one save too many.
        let now = self.clock.now();
        let unchanged = kept.watermark.is_some_and(|at| at + idle >= now + GRAIN);
        if unchanged {
            return Ok(Outcome::Unchanged);
        }
        self.save(key, kept).await
    }

    async fn save(&self, key: &Key, kept: &Kept) -> Result<Outcome, SaveError> {
        let began = self.clock.now();
        let outcome = match kept.daemon.create().await? {
            None => Outcome::Empty,
            Some(mut snapshot) => {
                let mut upload = self.store.put(key).await?;
                let verify = Verify::new();
                while let Some(piece) = snapshot.next().await? {
                    upload.write(&piece).await?;
                    if !verify.add(piece).await {
                        break;
                    }
                }
                verify.verdict().await?;
                Outcome::Saved(upload.finish().await?)
            }
        };
        if let Some(kept) = self.kept().get_mut(key) {
            kept.watermark = kept.watermark.max(Some(began));
        }
        Ok(outcome)
    }

    fn all(&self) -> Vec<(Key, Kept)> {
        let kept = self.kept();
        kept.iter()
            .map(|(key, kept)| (key.clone(), kept.clone()))
            .collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody listens there any more: the workspace is gone, and asking again is waiting for nothing.
fn is_refused(error: &SaveError) -> bool {
    matches!(error, SaveError::Unreachable { source, .. } if source.is_connect())
}

struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
