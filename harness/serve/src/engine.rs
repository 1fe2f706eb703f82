//! `execute(package, context, functionId)`: seed 001's eleven steps, each where its comment is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use adamant_isolate::pool::{
    AcquireError, Clock, Lease, Pool, PoolActivity, PoolMetrics, Settings, Shutdown,
};
use adamant_isolate::{CacheMetrics, Execution, Limits, Mode, Outcome, Request};
use serde_json::Value;
use thiserror::Error;

use crate::catalog::{Catalog, CatalogError, Function};
use crate::config::Config;
use crate::events::{Event, Events};
use crate::metrics::{Everything, Report};
use crate::package::{Loaded, PackageError, Packages};
use crate::seat::{Guests, Seat};

/// The most that a function may print.
const OUTPUT: usize = 1 << 20;

/// The context of one execution: the request that it answers, and its environment.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Members of `req`: `method`, `url`, `path`, `headers`, `query`, `params`, `body`, `ip`, `hostname`, `protocol`.
    pub request: Value,
    /// The module with the handler.
    pub entry: String,
    /// `process.env`.
    pub env: BTreeMap<String, String>,
    /// Its wall clock.
    pub timeout: Duration,
}

/// An execution and how it came about.
#[derive(Debug)]
pub struct Done {
    /// What became of it.
    pub execution: Execution,
    /// How long it waited for its isolate.
    pub waited: Duration,
    /// How long it had that, with all that lies between us and the guest.
    pub took: Duration,
    /// Whether the isolate ran nothing before.
    pub fresh: bool,
}

/// Why there was no execution.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// There is no such function.
    #[error("there is no function `{0}`")]
    Unknown(String),
    /// It could not be known.
    #[error("cannot tell whether there is a function `{id}`")]
    Catalog {
        /// Its name.
        id: String,
        /// Why not.
        source: CatalogError,
    },
    /// Its package could not be had.
    #[error("function `{id}` has no package that can be run")]
    Package {
        /// Its name.
        id: String,
        /// Why not.
        source: PackageError,
    },
    /// No isolate.
    #[error(transparent)]
    Isolate(#[from] AcquireError),
    /// The isolate could not try it.
    #[error("the isolate could not try it")]
    Failed(#[source] adamant_isolate::pool::StartError),
}

impl ExecuteError {
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::Catalog { .. } => "catalog",
            Self::Package { .. } => "package",
            Self::Isolate(AcquireError::Full(_)) => "full",
            Self::Isolate(AcquireError::TimedOut(_)) => "no-isolate",
            Self::Isolate(AcquireError::Closed) => "closed",
            Self::Isolate(_) => "no-start",
            Self::Failed(_) => "failed",
        }
    }
}

/// How executions ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    returned: u64,
    threw: u64,
    exited: u64,
    timed_out: u64,
    out_of_memory: u64,
    lost: u64,
    refused: u64,
}

impl Counts {
    pub(crate) fn by_outcome(&self) -> [(&'static str, u64); 7] {
        [
            ("returned", self.returned),
            ("threw", self.threw),
            ("exited", self.exited),
            ("timed-out", self.timed_out),
            ("out-of-memory", self.out_of_memory),
            ("lost", self.lost),
            ("refused", self.refused),
        ]
    }

    fn count(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Returned => &mut self.returned,
            Outcome::Threw => &mut self.threw,
            Outcome::Exited(_) => &mut self.exited,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::OutOfMemory => &mut self.out_of_memory,
            _ => &mut self.lost,
        };
        *count += 1;
    }
}

/// An outcome in a word, as in metrics and events.
pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Returned => "returned",
        Outcome::Threw => "threw",
        Outcome::Exited(_) => "exited",
        Outcome::TimedOut => "timed-out",
        Outcome::OutOfMemory => "out-of-memory",
        _ => "lost",
    }
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    pool: Pool<Seat>,
    guests: Arc<Guests>,
    catalog: Catalog,
    packages: Packages,
    timeout: Duration,
    wait: Duration,
    load_ahead: bool,
    counts: Mutex<Counts>,
    events: Events,
}

impl Engine {
    /// An engine whose pool warms up in the background; `told` hears when the base is warm, or why it is not.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        config: &Config,
        guests: Guests,
        catalog: Catalog,
        packages: Packages,
        events: Events,
    ) -> std::io::Result<Self> {
        let guests = Arc::new(guests);
        let settings: Settings = config.pool;
        let makers = Arc::clone(&guests);
        let pool = Pool::new(settings, Clock::system(), move || makers.seat())?;
        Ok(Self {
            pool,
            guests,
            catalog,
            packages,
            timeout: config.timeout,
            wait: config.wait,
            load_ahead: config.load_ahead,
            counts: Mutex::default(),
            events,
        })
    }

    /// Finds a function, and has it answer a request.
    ///
    /// # Errors
    /// When there was no execution.
    pub fn invoke(&self, id: &str, request: Value) -> Result<Done, ExecuteError> {
        self.find(id)
            .and_then(|(function, package)| {
                let call = Call {
                    request,
                    entry: function.entry,
                    env: function.env,
                    timeout: function.timeout.unwrap_or(self.timeout).min(self.timeout),
                };
                self.execute(&package, call, id)
            })
            .inspect_err(|error| {
                self.counts().refused += 1;
                self.events.tell(&Event::Refused {
                    function: id,
                    reason: error.word(),
                });
            })
    }

    fn find(&self, id: &str) -> Result<(Function, Loaded), ExecuteError> {
        // 1. Metadata, with the package's hash, and the environment.
        let function = self.catalog.function(id);
        let function = function
            .map_err(|source| ExecuteError::Catalog {
                id: id.to_owned(),
                source,
            })?
            .ok_or_else(|| ExecuteError::Unknown(id.to_owned()))?;
        // 2. The package, from where it is or from the cache.
        let package = self
            .packages
            .fetch(&function.package, function.hash.as_deref())
            .map_err(|source| ExecuteError::Package {
                id: id.to_owned(),
                source,
            })?;
        Ok((function, package))
    }

    /// Executes a package for a function.
    ///
    /// # Errors
    /// When there was no execution.
    pub fn execute(
        &self,
        package: &Loaded,
        context: Call,
        function_id: &str,
    ) -> Result<Done, ExecuteError> {
        let arrived = Instant::now();
        // 3. An isolate of the pool, this function's own or a new one.
        let mut lease = self.acquire(function_id)?;
        let waited = arrived.elapsed();
        // 4. The execution context: what the guest will see.
        let request = Request {
            entry: context.entry,
            mode: Mode::Handler,
            env: context.env,
            request: Some(context.request),
            load_ahead: self.load_ahead,
            limits: Limits {
                wall: context.timeout,
                output: OUTPUT,
            },
            ..Request::default()
        };
        let (fresh, isolate) = (lease.is_fresh(), lease.number());
        let began = Instant::now();
        // 5 to 9, in the isolate: a fresh context with its environment, the module with its imports, the check that it exports a
        // function, the call under the clock, the response and what was printed.
        let done = lease.execute(package, function_id, request);
        let took = began.elapsed();
        // 10. The isolate goes back, or is replaced.
        let execution = match done {
            Ok(execution) => execution,
            Err(error) => {
                drop(lease);
                return Err(ExecuteError::Failed(error));
            }
        };
        lease.release(execution.health);
        // 11. The books, and the result.
        self.counts().count(&execution.outcome);
        self.events.tell(&Event::Executed {
            function: function_id,
            isolate,
            outcome: word(&execution.outcome),
            corrupted: execution.health == adamant_isolate::Health::Corrupted,
            fresh,
            waited_us: waited.as_micros(),
            run_us: took.as_micros(),
        });
        Ok(Done {
            execution,
            waited,
            took,
            fresh,
        })
    }

    /// An isolate that lives: one whose process died while it rested is nobody's execution.
    fn acquire(&self, function_id: &str) -> Result<Lease<Seat>, AcquireError> {
        let until = Instant::now() + self.wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let lease = self.pool.acquire(function_id, left)?;
            if lease.is_alive() {
                return Ok(lease);
            }
            drop(lease);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool's figures.
    #[must_use]
    pub fn pool(&self) -> (PoolMetrics, PoolActivity) {
        (self.pool.metrics(), self.pool.activity())
    }

    /// The caches' figures.
    #[must_use]
    pub fn cache(&self) -> CacheMetrics {
        self.guests.cache()
    }

    /// What makes its isolates.
    #[must_use]
    pub fn guests(&self) -> &Guests {
        &self.guests
    }

    /// Seed 001's metrics.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            isolate_pool: self.pool.metrics(),
            module_cache: self.cache().into(),
        }
    }

    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn prometheus(&self) -> String {
        Everything {
            pool: self.pool.metrics(),
            activity: self.pool.activity(),
            cache: self.cache(),
            counts: *self.counts(),
        }
        .text()
    }

    /// Lets what was taken on come to its end within `grace`, then ends the pool.
    pub fn shutdown(&self, grace: Duration) -> Shutdown {
        self.pool.shutdown(grace)
    }
}
