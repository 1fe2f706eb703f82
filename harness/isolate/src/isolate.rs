//! An isolate on a thread of its own, for callers on any other.

use std::convert::Infallible;
use std::os::unix::thread::JoinHandleExt as _;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

use adamant_network::Network;

use crate::cache::CodeCache;
use crate::error::EngineError;
use crate::execution::{Execution, Health, Outcome, Package, Request};
use crate::memory::Memory;
use crate::seat::{self, Job, STACK, Seat};
use crate::waiting::Waiting;
use crate::{platform, snapshot};

/// How much processor time an isolate may take to honour a termination, before it counts as lost: in a loop that calls nothing V8
/// looks once in some hundred rounds, of milliseconds each at worst. Not time on the wall, which a busy machine gives to others.
const GRACE: Duration = Duration::from_secs(2);
/// After how many times `GRACE` on the wall nobody waits any longer: sooner than a worker is killed by who waits for it, so that
/// the loss is told as one.
const PATIENCE: u32 = 2;
/// A thread that took less of the processor than this during `GRACE` is not on its way anywhere.
const STIR: Duration = Duration::from_millis(1);

/// A warm isolate. Executions share nothing but compiled code: each has its own context, made from the start-up snapshot.
#[derive(Debug)]
pub struct Isolate {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread has come to its end.
    ended: mpsc::Receiver<Infallible>,
    cache: Arc<CodeCache>,
    /// The wire to a broker; without one, guests have no network.
    network: Option<Network>,
    /// Whether its thread may never come to an end.
    corrupted: bool,
}

static LOST: AtomicUsize = AtomicUsize::new(0);

/// How many isolates of this process were lost so far; each keeps a parked thread and its memory.
#[must_use]
pub fn lost_isolates() -> usize {
    LOST.load(Ordering::SeqCst)
}

impl Isolate {
    /// Starts a thread with an isolate from the start-up snapshot, and returns when it is ready.
    pub fn new(memory: Memory, cache: Arc<CodeCache>) -> Result<Self, EngineError> {
        platform::start();
        // Made outside of the thread, so that a failure is ours to report.
        let parameters = snapshot::parameters()?;
        drop(parameters);
        let (jobs, inbox) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("adamant-isolate".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                serve(memory, inbox, &ready);
                drop(alive);
            })
            .map_err(EngineError::Thread)?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self {
                jobs: Some(jobs),
                thread: Some(thread),
                ended,
                cache,
                network: None,
                corrupted: false,
            }),
            Ok(Err(error)) => Err(error),
            Err(mpsc::RecvError) => Err(EngineError::Lost),
        }
    }

    /// Lets guests ask the broker of `network`, which judges where they may go.
    #[must_use]
    pub fn with_network(mut self, network: Option<Network>) -> Self {
        self.network = network;
        self
    }

    /// Runs one request. The isolate is good for another one unless the execution's [`Health`] says otherwise.
    pub fn execute(
        &mut self,
        package: &Package,
        request: &Request,
    ) -> Result<Execution, EngineError> {
        let jobs = self.jobs.as_ref().ok_or(EngineError::Lost)?;
        let (reply, answer) = mpsc::channel();
        let job = Job::new(
            package.clone(),
            Arc::new(request.clone()),
            Arc::clone(&self.cache),
            self.network.clone(),
            reply,
        )?;
        let sink = Arc::clone(&job.sink);
        if jobs.send(job).is_err() {
            return Err(self.lose());
        }
        match self.wait(&answer, request.limits.wall) {
            Ok(execution) => {
                if let Outcome::Lost(_) = execution.outcome {
                    self.lose();
                }
                self.corrupted |= execution.health == Health::Corrupted;
                Ok(*execution)
            }
            Err(RecvTimeoutError::Timeout) => {
                self.lose();
                let wall = request.limits.wall.as_millis();
                let reason = format!("termination was ignored after {wall}ms");
                Ok(seat::lost(reason, &sink))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.lose()),
        }
    }

    /// Waits for the answer until the wall-clock limit, and then as long as the isolate may take to notice it.
    fn wait(
        &self,
        answer: &mpsc::Receiver<Box<Execution>>,
        wall: Duration,
    ) -> Result<Box<Execution>, RecvTimeoutError> {
        let waiting = Waiting::begin();
        let there = || match answer.try_recv() {
            Err(TryRecvError::Empty) => None,
            Ok(execution) => Some(Ok(execution)),
            Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
        };
        let mut outcome = waiting
            .look(there)
            .unwrap_or_else(|| answer.recv_timeout(wall));
        let since = self.processor_time();
        let mut used = Duration::ZERO;
        for _ in 0..PATIENCE {
            if !matches!(outcome, Err(RecvTimeoutError::Timeout)) {
                break;
            }
            outcome = answer.recv_timeout(GRACE);
            let now = self.processor_time().saturating_sub(since);
            if now >= GRACE || now.saturating_sub(used) < STIR {
                break;
            }
            used = now;
        }
        outcome
    }

    /// What its thread has taken of the processor so far; nothing where that cannot be told.
    fn processor_time(&self) -> Duration {
        let Some(thread) = &self.thread else {
            return Duration::ZERO;
        };
        let mut clock = 0;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        #[expect(unsafe_code, reason = "no wrapper reads another thread's clock")]
        // SAFETY: the thread is not joined, so its name is valid; both calls write to what lives as long as they do.
        let told = unsafe {
            libc::pthread_getcpuclockid(thread.as_pthread_t(), &raw mut clock) == 0
                && libc::clock_gettime(clock, &raw mut time) == 0
        };
        if !told {
            return Duration::ZERO;
        }
        let seconds = Duration::from_secs(time.tv_sec.unsigned_abs());
        seconds.saturating_add(Duration::from_nanos(time.tv_nsec.unsigned_abs()))
    }

    /// Whether the isolate can still execute.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.jobs.is_none()
    }

    fn lose(&mut self) -> EngineError {
        if self.jobs.take().is_some() {
            LOST.fetch_add(1, Ordering::SeqCst);
        }
        // Never joined: it may never end.
        self.thread.take();
        EngineError::Lost
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take()
            && !self.corrupted
        {
            // What it does ahead may never come to an end either.
            match self.ended.recv_timeout(GRACE * PATIENCE) {
                Err(RecvTimeoutError::Timeout) => _ = LOST.fetch_add(1, Ordering::SeqCst),
                _ => _ = thread.join(),
            }
        }
    }
}

fn serve(
    memory: Memory,
    inbox: mpsc::Receiver<Job>,
    ready: &mpsc::Sender<Result<(), EngineError>>,
) {
    let mut seat = match Seat::new(memory) {
        Ok(seat) => seat,
        Err(error) => {
            let _nobody_waits = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    let inbox = Rc::new(inbox);
    let mut waiting = inbox.recv().ok();
    while let Some(job) = waiting.take() {
        let look = || {
            waiting = inbox.try_recv().ok();
            waiting.is_some()
        };
        let later = Rc::clone(&inbox);
        // Nobody waits who could be told; whoever asks next is.
        let orphaned = Box::new(move |location: String| {
            for job in later.iter() {
                job.answer(seat::lost(seat::out_of_memory(&location), &job.sink));
            }
        });
        // Who asks for an isolate that is no more finds nobody at the other end.
        let Ok(same) = seat.answer(&job, look, orphaned) else {
            return;
        };
        seat = same;
        if waiting.is_none() {
            waiting = inbox.recv().ok();
        }
    }
}
