//! An isolate on the thread that made it: one execution after the other, and between them what the next one may want.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use adamant_network::Network;

use crate::ahead::{self, Habit, Prepared, Refusal};
use crate::cache::CodeCache;
use crate::error::EngineError;
use crate::execution::{Execution, Health, Outcome, Package, Request, Timings};
use crate::memory::{self, Budget, Ceiling, HeapGuard, Memory};
use crate::native::memory::Reservations;
use crate::output::Sink;
use crate::terminal::User;
use crate::{run, snapshot};

/// Stack of a guest's thread: V8 takes at most 984 KiB of it (Node's limit), the rest is for native frames above that.
pub(crate) const STACK: usize = 8 << 20;

/// Takes the result of a job, once; from within V8 where that is lost.
pub(crate) type Reply = mpsc::Sender<Box<Execution>>;

/// What an isolate is asked to do.
pub(crate) struct Job {
    pub(crate) package: Package,
    pub(crate) request: Arc<Request>,
    pub(crate) sink: Arc<Mutex<Sink>>,
    pub(crate) cache: Arc<CodeCache>,
    pub(crate) network: Option<Network>,
    /// The user of the request's terminal, for whoever runs it.
    pub(crate) user: Cell<Option<User>>,
    pub(crate) reply: Reply,
}

impl Job {
    /// One whose result goes to `reply`.
    pub(crate) fn new(
        package: Package,
        request: Arc<Request>,
        cache: Arc<CodeCache>,
        network: Option<Network>,
        reply: Reply,
    ) -> Result<Self, EngineError> {
        let user = request.terminal.as_ref().map(User::new).transpose();
        let user = user.map_err(|error| EngineError::Terminal(Box::new(error)))?;
        let sink = Sink::new(request.limits.output);
        let sink = match &user {
            Some(_) => sink.on_terminal(),
            None => sink,
        };
        Ok(Self {
            package,
            request,
            sink: Arc::new(Mutex::new(sink)),
            cache,
            network,
            user: Cell::new(user),
            reply,
        })
    }

    /// Tells whoever waits for it how it ended.
    pub(crate) fn answer(&self, execution: Execution) {
        answer(&self.reply, execution);
    }

    /// Tells whoever waits for it should V8 give up.
    fn when_lost(&self) -> memory::OnLoss {
        let (reply, sink) = (self.reply.clone(), Arc::clone(&self.sink));
        Box::new(move |location| answer(&reply, lost(out_of_memory(&location), &sink)))
    }
}

fn answer(reply: &Reply, execution: Execution) {
    // Whoever asked may have given the isolate up by now.
    let _nobody_waits = reply.send(Box::new(execution));
}

/// Why a guest is lost when V8 gave up at `location`.
pub(crate) fn out_of_memory(location: &str) -> String {
    format!("V8 ran out of memory in `{location}`")
}

/// An execution that nobody will hear of again, with what it printed so far.
pub(crate) fn lost(reason: String, sink: &Mutex<Sink>) -> Execution {
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

/// An isolate, and what was done for the next job.
pub(crate) struct Seat {
    isolate: v8::OwnedIsolate,
    guard: Rc<HeapGuard>,
    memory: Memory,
    budget: Arc<Budget>,
    /// Always one context ahead: whoever asks does not wait for it. None where the isolate may have no memory left for one.
    next: Option<Prepared>,
    habit: Habit,
}

impl Seat {
    /// A new isolate from the start-up snapshot.
    pub(crate) fn new(memory: Memory) -> Result<Self, EngineError> {
        Self::within(memory, Budget::new(memory.off_heap), Habit::default())
    }

    fn within(memory: Memory, budget: Arc<Budget>, habit: Habit) -> Result<Self, EngineError> {
        let parameters = snapshot::parameters()?
            .heap_limits(0, memory.heap)
            .array_buffer_allocator(memory::allocator(Arc::clone(&budget)).make_shared());
        let mut isolate = v8::Isolate::new(parameters);
        let guard = Rc::new(HeapGuard::new(isolate.thread_safe_handle()));
        isolate.set_slot(Ceiling {
            guard: Rc::clone(&guard),
            off_heap: memory.off_heap,
        });
        isolate.set_slot(Reservations::new(Arc::clone(&budget)));
        run::install(&mut isolate, &guard);
        let next = Some(ahead::prepare(&mut isolate));
        Ok(Self {
            isolate,
            guard,
            memory,
            budget,
            next,
            habit,
        })
    }

    /// Runs `job` and then, unless somebody `waits` by that time, loads its handler for the next one; `orphaned` is called where V8 gives
    /// up after the reply. The isolate may be another one after it.
    ///
    /// # Errors
    /// When there is none any more.
    pub(crate) fn answer(
        mut self,
        job: &Job,
        waits: impl FnOnce() -> bool,
        orphaned: memory::OnLoss,
    ) -> Result<Self, EngineError> {
        let again = self.run(job, orphaned);
        if !again || waits() || self.load_ahead(job) {
            return Ok(self);
        }
        let (memory, budget) = (self.memory, Arc::clone(&self.budget));
        let mut habit = std::mem::take(&mut self.habit);
        habit.refuse();
        // Isolates of one thread end before others begin.
        drop(self);
        Self::within(memory, budget, habit)
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
    fn run(&mut self, job: &Job, orphaned: memory::OnLoss) -> bool {
        memory::on_loss(Some(job.when_lost()));
        let prepared = self.prepared(job);
        let mut reusable = false;
        let mut took = Duration::ZERO;
        run::run(&mut self.isolate, &self.guard, prepared, job, |execution| {
            reusable = execution.health == Health::Reusable;
            took = execution.timings.run;
            job.answer(execution);
            memory::on_loss(Some(orphaned));
            // What comes now is for later: whoever was told goes first, where both are on one processor.
            std::thread::yield_now();
        });
        if reusable {
            memory::leave_room(&mut self.isolate, self.memory.heap);
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
        memory::on_loss(None);
    }
}
