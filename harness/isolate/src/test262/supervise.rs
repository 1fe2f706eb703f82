//! Deals the tests out to workers, one per core, and loses no result when one of them dies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::verdict::{Answer, Question, Ran, Verdict};
use crate::worker::{Ending, Launch, Worker, WorkerError};

/// How many tests a worker gets at once: enough that the pipe costs nothing, few enough that the last ones end together.
const BATCH: usize = 24;
/// How long a worker may take to start V8, on a machine with other things to do.
const START: Duration = Duration::from_secs(60);
/// How long a test that runs alone may take: more than the worker gives it, which is to stop it first.
const ALONE: Duration = Duration::from_secs(30);
/// How long a batch may take. In one that takes longer, a test ignores its end.
const TOGETHER: Duration = Duration::from_secs(120);

/// Why the tests could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    /// A worker did not start, or what it says makes no sense.
    #[error("a worker could not be used")]
    Worker(#[from] WorkerError),
    /// A worker started, but cannot run anything.
    #[error("a worker cannot run tests: {0}")]
    Broken(String),
    /// A worker ended by itself, which is a bug of ours and says nothing about the test.
    #[error("the worker failed at `{test}`: {reason}")]
    Failed {
        /// The test that it was at.
        test: String,
        /// How it ended, and its last words.
        reason: String,
    },
}

/// What came of all tests.
#[derive(Debug)]
pub struct Results {
    /// As V8 says its version.
    pub v8: String,
    /// One for each test, in order.
    pub ran: Vec<Ran>,
}

/// Runs `tests` on `workers` processes. `progress` is told how many are done, from any thread.
pub fn supervise(
    tests: &[String],
    launch: &Launch,
    workers: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Results, SuperviseError> {
    let desk = Desk {
        tests,
        launch,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        gathered: Mutex::default(),
        progress,
    };
    let workers = workers.clamp(1, tests.len().div_ceil(BATCH).max(1));
    let ended = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| desk.work())).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_panic| Err(panicked())))
            .collect::<Vec<_>>()
    });
    ended.into_iter().collect::<Result<(), _>>()?;
    let Gathered { v8, mut ran } = desk
        .gathered
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    ran.sort_unstable_by(|one, two| one.test.cmp(&two.test));
    Ok(Results { v8, ran })
}

fn panicked() -> SuperviseError {
    SuperviseError::Broken("the thread that asks it panicked".to_owned())
}

#[derive(Default)]
struct Gathered {
    v8: String,
    ran: Vec<Ran>,
}

/// What the threads share.
struct Desk<'a> {
    tests: &'a [String],
    launch: &'a Launch,
    next: AtomicUsize,
    done: AtomicUsize,
    gathered: Mutex<Gathered>,
    progress: &'a (dyn Fn(usize) + Sync),
}

impl Desk<'_> {
    /// Keeps one worker busy until no tests are left.
    fn work(&self) -> Result<(), SuperviseError> {
        let mut worker = None;
        let end = self.work_with(&mut worker);
        if end.is_err() {
            // The others need not go on.
            self.next.store(self.tests.len(), Ordering::SeqCst);
        }
        end
    }

    fn work_with(&self, worker: &mut Option<Worker>) -> Result<(), SuperviseError> {
        // Started before there is anything to ask, so that all start at the same time.
        self.start(worker)?;
        loop {
            let from = self.next.fetch_add(BATCH, Ordering::SeqCst);
            let Some(rest) = self.tests.get(from..).filter(|rest| !rest.is_empty()) else {
                return Ok(());
            };
            let (batch, _) = rest.split_at(BATCH.min(rest.len()));
            match self.ask(worker, batch, TOGETHER) {
                Ok(ran) => self.gather(ran),
                Err(SuperviseError::Worker(_)) => {
                    for test in batch {
                        let ran = self.alone(worker, test)?;
                        self.gather(vec![ran]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn gather(&self, ran: Vec<Ran>) {
        let done = self.done.fetch_add(ran.len(), Ordering::SeqCst) + ran.len();
        self.gathered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ran
            .extend(ran);
        (self.progress)(done);
    }

    fn start<'w>(&self, worker: &'w mut Option<Worker>) -> Result<&'w mut Worker, SuperviseError> {
        if worker.is_none() {
            let mut started = Worker::start(self.launch)?;
            let v8 = match started.ask(&Question::Ready, START)? {
                Answer::Ready { v8 } => v8,
                Answer::Broken(reason) => return Err(SuperviseError::Broken(reason)),
                Answer::Ran(_) => return Err(mistaken()),
            };
            self.gathered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .v8 = v8;
            *worker = Some(started);
        }
        worker.as_mut().ok_or_else(mistaken)
    }

    /// Asks for these tests. A worker that was lost is taken away; the next question starts another.
    fn ask(
        &self,
        worker: &mut Option<Worker>,
        tests: &[String],
        patience: Duration,
    ) -> Result<Vec<Ran>, SuperviseError> {
        // One that does not even start is no worker lost by a test.
        let started = self.start(worker).map_err(|error| match error {
            SuperviseError::Worker(error) => SuperviseError::Broken(told(&error)),
            other => other,
        })?;
        match started.ask(&Question::Run(tests.to_vec()), patience) {
            Ok(Answer::Ran(ran)) if ran.iter().map(|ran| &ran.test).eq(tests) => Ok(ran),
            Ok(Answer::Broken(reason)) => Err(SuperviseError::Broken(reason)),
            Ok(Answer::Ran(_) | Answer::Ready { .. }) => Err(mistaken()),
            Err(error) => {
                *worker = None;
                Err(error.into())
            }
        }
    }

    /// Runs one test of a batch that a worker was lost with.
    fn alone(&self, worker: &mut Option<Worker>, test: &String) -> Result<Ran, SuperviseError> {
        let reason = match self.ask(worker, std::slice::from_ref(test), ALONE) {
            Ok(ran) => return ran.into_iter().next().ok_or_else(mistaken),
            Err(SuperviseError::Worker(WorkerError::Lost(lost))) => match lost.ending {
                Ending::Killed(_) | Ending::TimedOut => lost.to_string(),
                Ending::Exited(_) => {
                    let error = WorkerError::Lost(lost);
                    return Err(SuperviseError::Failed {
                        test: test.clone(),
                        reason: told(&error),
                    });
                }
            },
            Err(error) => return Err(error),
        };
        let verdict = Verdict::Crashed { reason };
        Ok(Ran {
            test: test.clone(),
            runs: 1,
            verdict,
            features: Vec::new(),
        })
    }
}

fn mistaken() -> SuperviseError {
    SuperviseError::Broken("it answered another question".to_owned())
}

/// How a worker ended, with its last words.
fn told(error: &WorkerError) -> String {
    match error {
        WorkerError::Lost(lost) if !lost.stderr.trim().is_empty() => {
            format!("{lost}: {}", lost.stderr.trim())
        }
        error => error.to_string(),
    }
}
