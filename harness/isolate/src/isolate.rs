//! An isolate on a thread of its own: executions one after the other, each in a fresh context.

use std::cell::Cell;
use std::convert::Infallible;
use std::os::unix::thread::JoinHandleExt as _;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adamant_network::Network;

use crate::ahead::{self, Habit, Prepared, Refusal};
use crate::cache::CodeCache;
use crate::error::EngineError;
use crate::execution::{Execution, Health, Outcome, Package, Request, Timings};
use crate::memory::{self, Budget, Ceiling, HeapGuard, Memory};
use crate::native::memory::Reservations;
use crate::output::Sink;
use crate::terminal::User;
use crate::{platform, run, snapshot};

/// Stack of a guest's thread: V8 takes at most 984 KiB of it (Node's limit), the rest is for native frames above that.
pub(crate) const STACK: usize = 8 << 20;

/// How much processor time an isolate may take to honour a termination, before it counts as lost: one operation on integers of
/// some megabytes goes on for a second before V8 looks. Not time on the wall, which a busy machine gives to others.
const GRACE: Duration = Duration::from_secs(2);
/// After how many times `GRACE` on the wall nobody waits any longer: sooner than a worker is killed by who waits for it, so that
/// the loss is told as one.
const PATIENCE: u32 = 2;
/// A thread that took less of the processor than this during `GRACE` is not on its way anywhere.
const STIR: Duration = Duration::from_millis(1);

/// For how long somebody who waits alone looks for the answer again and again before they sleep: to be woken takes a good part of the time
/// of a warm execution on a machine that has nothing else to do.
const LOOK: Duration = Duration::from_micros(500);

/// What the isolate's thread is asked to do.
pub(crate) struct Job {
    pub(crate) package: Package,
    pub(crate) request: Arc<Request>,
    pub(crate) sink: Arc<Mutex<Sink>>,
    pub(crate) cache: Arc<CodeCache>,
    pub(crate) network: Option<Network>,
    /// The user of the request's terminal, for whoever runs it.
    pub(crate) user: Cell<Option<User>>,
    reply: mpsc::Sender<Reply>,
}

enum Reply {
    Done(Box<Execution>),
    Lost(String),
}

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
        let budget = Budget::new(memory.off_heap);
        let (jobs, inbox) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("adamant-isolate".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                serve(memory, &budget, inbox, &ready);
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
        let user = request.terminal.as_ref().map(User::new).transpose();
        let user = user.map_err(|error| EngineError::Terminal(Box::new(error)))?;
        let sink = Sink::new(request.limits.output);
        let sink = match &user {
            Some(_) => sink.on_terminal(),
            None => sink,
        };
        let sink = Arc::new(Mutex::new(sink));
        let (reply, answer) = mpsc::channel();
        let job = Job {
            package: package.clone(),
            request: Arc::new(request.clone()),
            sink: Arc::clone(&sink),
            cache: Arc::clone(&self.cache),
            network: self.network.clone(),
            user: Cell::new(user),
            reply,
        };
        if jobs.send(job).is_err() {
            return Err(self.lose());
        }
        match self.wait(&answer, request.limits.wall) {
            Ok(Reply::Done(execution)) => {
                self.corrupted |= execution.health == Health::Corrupted;
                Ok(*execution)
            }
            Ok(Reply::Lost(reason)) => {
                self.lose();
                Ok(lost(format!("V8 ran out of memory in `{reason}`"), &sink))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.lose();
                let wall = request.limits.wall.as_millis();
                Ok(lost(
                    format!("termination was ignored after {wall}ms"),
                    &sink,
                ))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.lose()),
        }
    }

    /// Waits for the answer until the wall-clock limit, and then as long as the isolate may take to notice it.
    fn wait(
        &self,
        answer: &mpsc::Receiver<Reply>,
        wall: Duration,
    ) -> Result<Reply, RecvTimeoutError> {
        let waiting = Waiting::begin();
        let mut outcome = match waiting.look(answer) {
            Err(RecvTimeoutError::Timeout) => answer.recv_timeout(wall),
            outcome => outcome,
        };
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

/// Somebody who waits for an isolate of this process.
struct Waiting;

static WAITING: AtomicUsize = AtomicUsize::new(0);

impl Waiting {
    fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Looks for the answer, as long as nobody else waits: two of them would take the processor from the isolates.
    fn look(&self, answer: &mpsc::Receiver<Reply>) -> Result<Reply, RecvTimeoutError> {
        static SEVERAL: LazyLock<bool> =
            LazyLock::new(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1));
        let until = Instant::now() + LOOK;
        while *SEVERAL && WAITING.load(Ordering::Relaxed) == 1 && Instant::now() < until {
            match answer.try_recv() {
                Ok(reply) => return Ok(reply),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                // Whoever else has something to do on this processor does it.
                Err(TryRecvError::Empty) => std::thread::yield_now(),
            }
        }
        Err(RecvTimeoutError::Timeout)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lost(reason: String, sink: &Mutex<Sink>) -> Execution {
    let output = sink.lock().unwrap_or_else(PoisonError::into_inner).take();
    Execution {
        outcome: Outcome::Lost(reason),
        response: None,
        error: None,
        output,
        timings: Timings::default(),
        health: Health::Corrupted,
    }
}

/// What the isolate's thread works with.
struct Seat {
    isolate: v8::OwnedIsolate,
    guard: Rc<HeapGuard>,
    /// Always one context ahead: the caller of `execute` does not wait for it. None where the isolate may have no memory left for one.
    next: Option<Prepared>,
    habit: Habit,
}

impl Seat {
    fn new(memory: Memory, budget: Arc<Budget>, habit: Habit) -> Result<Self, EngineError> {
        let parameters = snapshot::parameters()?
            .heap_limits(0, memory.heap)
            .array_buffer_allocator(memory::allocator(Arc::clone(&budget)).make_shared());
        let mut isolate = v8::Isolate::new(parameters);
        let guard = Rc::new(HeapGuard::new(isolate.thread_safe_handle()));
        isolate.set_slot(Ceiling {
            guard: Rc::clone(&guard),
            off_heap: memory.off_heap,
        });
        isolate.set_slot(Reservations::new(budget));
        run::install(&mut isolate, &guard);
        let next = Some(ahead::prepare(&mut isolate));
        Ok(Self {
            isolate,
            guard,
            next,
            habit,
        })
    }

    /// The context for `job`.
    fn prepared(&mut self, job: &Job) -> Prepared {
        match self.next.take() {
            Some(prepared) if prepared.suits(job) => return prepared,
            Some(prepared) => prepared.discard(&mut self.isolate),
            None => {}
        }
        ahead::prepare(&mut self.isolate)
    }

    /// Runs `job`; whether its handler should be loaded again before the next one comes.
    fn run(&mut self, job: &Job, memory: Memory) -> bool {
        let prepared = self.prepared(job);
        let mut reusable = false;
        let mut took = Duration::ZERO;
        run::run(&mut self.isolate, &self.guard, prepared, job, |execution| {
            reusable = execution.health == Health::Reusable;
            took = execution.timings.run;
            let _nobody_waits = job.reply.send(Reply::Done(Box::new(execution)));
            // What comes now is for later: whoever was told goes first, where both are on one processor.
            std::thread::yield_now();
        });
        if reusable {
            memory::leave_room(&mut self.isolate, memory.heap);
        }
        // Nobody should use one that is not reusable anyway.
        self.next = reusable.then(|| ahead::prepare(&mut self.isolate));
        let expected = self.habit.expects(job, took);
        reusable && expected
    }

    /// Loads the handler of `job` again. False where the isolate is good for nothing after it.
    fn load_ahead(&mut self, job: &Job) -> bool {
        let Some(prepared) = self.next.take() else {
            return true;
        };
        self.next = match ahead::load(&mut self.isolate, &self.guard, prepared, job) {
            Ok(prepared) => Some(prepared),
            Err(Refusal::Forced) => return false,
            Err(Refusal::Seen) => {
                self.habit.refuse();
                Some(ahead::prepare(&mut self.isolate))
            }
        };
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What was loaded holds its own context alive.
        if let Some(prepared) = self.next.take() {
            prepared.discard(&mut self.isolate);
        }
    }
}

fn serve(
    memory: Memory,
    budget: &Arc<Budget>,
    inbox: mpsc::Receiver<Job>,
    ready: &mpsc::Sender<Result<(), EngineError>>,
) {
    let mut seat = match Seat::new(memory, Arc::clone(budget), Habit::default()) {
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
        let reply = job.reply.clone();
        memory::on_loss(Some(Box::new(move |location| {
            let _nobody_waits = reply.send(Reply::Lost(location));
        })));
        let again = seat.run(&job, memory);
        waiting = inbox.try_recv().ok();
        if again && waiting.is_none() {
            // Nobody waits for it who could be told; whoever asks next is.
            let inbox = Rc::clone(&inbox);
            memory::on_loss(Some(Box::new(move |location| {
                for job in inbox.iter() {
                    let _nobody_waits = job.reply.send(Reply::Lost(location.clone()));
                }
            })));
            if !seat.load_ahead(&job) {
                let mut habit = std::mem::take(&mut seat.habit);
                habit.refuse();
                // Isolates of one thread end before others begin.
                drop(seat);
                match Seat::new(memory, Arc::clone(budget), habit) {
                    Ok(fresh) => seat = fresh,
                    // Its sender finds nobody at the other end.
                    Err(_) => break,
                }
            }
        }
        if waiting.is_none() {
            waiting = inbox.recv().ok();
        }
    }
    memory::on_loss(None);
}
