//! What is done for an execution before anybody asks for it: its context, and the modules of a handler that is called again.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::control::{self, Control, Stop};
use crate::drive::Drive;
use crate::execution::{Mode, Package, Request};
use crate::memory::HeapGuard;
use crate::native::console::SharedSink;
use crate::native::event_loop::LoopState;
use crate::native::modules::{MainState, ModulesState};
use crate::native::network::NetworkState;
use crate::native::process::ProcessState;
use crate::native::{self, States, state};
use crate::output::Sink;
use crate::seat::Job;
use crate::{run, snapshot};

/// How long the modules may take to be loaded ahead: for so long somebody may wait who asks for something else meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// A context with the whole environment in which nothing ran yet, or the modules of a handler up to its call.
pub(crate) struct Prepared {
    context: v8::Global<v8::Context>,
    hooks: Option<v8::Global<v8::Object>>,
    frequent: Vec<(&'static str, v8::Global<v8::Function>)>,
    loaded: Option<Loaded>,
}

/// The hooks that most executions call.
const FREQUENT: [&str; 8] = [
    "runHandler",
    "tick",
    "exitIfIdle",
    "timers",
    "immediates",
    "alive",
    "beforeExit",
    "exit",
];

/// Makes a context for the next job, ahead of it.
pub(crate) fn prepare(isolate: &mut v8::OwnedIsolate) -> Prepared {
    let scope = &mut v8::HandleScope::new(isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let hooks = snapshot::hooks(scope).filter(|hooks| ready(scope, *hooks).is_some());
    let mut frequent = Vec::with_capacity(FREQUENT.len());
    for name in FREQUENT {
        if let Some(hooks) = hooks
            && let Some(function) = native::modules::function_of(scope, hooks, name)
        {
            frequent.push((name, v8::Global::new(scope, function)));
        }
    }
    let hooks = hooks.map(|hooks| v8::Global::new(scope, hooks));
    // A collection that this made necessary comes now, and not where somebody waits; nor once a guest's microtasks wait in the context.
    run::purge(scope);
    Prepared {
        context: v8::Global::new(scope, context),
        hooks,
        frequent,
        loaded: None,
    }
}

/// Guards what V8 only adds to a context when it comes from a snapshot, and calls what every execution calls first. An environment
/// where that fails gets no hooks, so no guest runs in it.
fn ready(scope: &mut v8::HandleScope<'_>, hooks: v8::Local<'_, v8::Object>) -> Option<()> {
    let undefined = v8::undefined(scope).into();
    for name in ["guardShared", "guardWebAssembly", "rehearse"] {
        let guard = native::modules::function_of(scope, hooks, name)?;
        guard.call(scope, undefined, &[])?;
    }
    Some(())
}

impl Prepared {
    /// Whether `job` may run in it.
    pub(crate) fn suits(&self, job: &Job) -> bool {
        self.loaded.as_ref().is_none_or(|loaded| {
            job.request.load_ahead && loaded.asked.is(&job.package, &job.request)
        })
    }

    /// Its context, with the state of `job` on it.
    pub(crate) fn take<'s>(
        mut self,
        scope: &mut v8::HandleScope<'s, ()>,
        job: &Job,
        control: &Arc<Control>,
    ) -> (v8::Local<'s, v8::Context>, Rc<States>) {
        let context = v8::Local::new(scope, &self.context);
        let states = match self.loaded.take() {
            Some(loaded) => {
                loaded.tell(&job.sink);
                loaded.states.set_tree(Arc::clone(&job.package.tree));
                loaded.states
            }
            None => self.states(&job.package, job),
        };
        states.insert(SharedSink(Arc::clone(&job.sink)));
        states.insert(ProcessState {
            request: Arc::clone(&job.request),
            control: Arc::clone(control),
        });
        states.insert(NetworkState::over(job.network.clone()));
        context.set_slot(Rc::clone(&states));
        (context, states)
    }

    /// States in which nothing ran yet.
    fn states(&mut self, package: &Package, job: &Job) -> Rc<States> {
        let states = Rc::new(States::new(Arc::clone(&package.tree)));
        let mut modules = ModulesState::new(package, Arc::clone(&job.cache));
        modules.hooks = self.hooks.take();
        modules.frequent = std::mem::take(&mut self.frequent);
        states.insert(modules);
        states.insert(LoopState::default());
        states
    }

    /// Gives up what was loaded, for good.
    pub(crate) fn discard(self, isolate: &mut v8::OwnedIsolate) {
        if let Some(loaded) = self.loaded {
            let scope = &mut v8::HandleScope::new(isolate);
            let context = v8::Local::new(scope, self.context);
            let scope = &mut v8::ContextScope::new(scope, context);
            end(scope, &loaded.states);
        }
    }
}

/// Nothing of what ran in this context will run on.
fn end(scope: &mut v8::HandleScope<'_>, states: &States) {
    run::purge(scope);
    states.clear();
    scope.get_current_context().clear_all_slots();
}

/// What two executions have in common that can share their preparation: all that a guest sees before its handler is called.
pub(crate) struct Asked {
    package: Package,
    /// Without what the handler is given.
    request: Arc<Request>,
}

impl Asked {
    fn of(package: &Package, request: &Request) -> Self {
        Self {
            package: package.clone(),
            request: Arc::new(Request {
                entry: request.entry.clone(),
                mode: request.mode,
                argv: request.argv.clone(),
                env: request.env.clone(),
                ..Request::default()
            }),
        }
    }

    fn is(&self, package: &Package, request: &Request) -> bool {
        let of = &self.request;
        self.package.hash == package.hash
            && self.package.function_id == package.function_id
            && (of.mode, &of.entry, &of.argv) == (request.mode, &request.entry, &request.argv)
            && of.env == request.env
            && request.stdin.is_none()
            && request.terminal.is_none()
    }
}

/// What an isolate was asked last, and whether it pays to do it again ahead.
#[derive(Default)]
pub(crate) struct Habit {
    last: Option<Asked>,
    /// It was tried, and cannot be done so that the guest would not notice.
    refused: bool,
}

impl Habit {
    /// Whether what `job` asked should be loaded again before the next one asks: it was asked twice in a row, and did not take `took`
    /// too long.
    pub(crate) fn expects(&mut self, job: &Job, took: Duration) -> bool {
        let Job {
            package, request, ..
        } = job;
        let nameless = package.hash.is_empty();
        if !request.load_ahead || request.mode != Mode::Handler || nameless {
            self.last = None;
            return false;
        }
        if !self.last.as_ref().is_some_and(|l| l.is(package, request)) {
            self.last = Some(Asked::of(package, request));
            self.refused = false;
            return false;
        }
        !self.refused && took < PATIENCE / 2
    }

    /// It could not be done ahead.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }
}

/// The modules of a handler, evaluated, and everything that came with it.
struct Loaded {
    asked: Asked,
    states: Rc<States>,
    /// What they printed.
    sink: Arc<Mutex<Sink>>,
}

impl Loaded {
    /// What was printed is printed.
    fn tell(&self, sink: &Mutex<Sink>) {
        let printed = self
            .sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in &printed.chunks {
            sink.write(chunk.stream, &chunk.bytes);
        }
    }
}

/// Why nothing was loaded ahead; the context is gone.
pub(crate) enum Refusal {
    /// It fails, reaches outside, or leaves work behind: then it happens where somebody asked for it.
    Seen,
    /// It had to be stopped by force: nothing else may run in the isolate.
    Forced,
}

/// Evaluates the modules of the handler that `job` called, up to the call. Whatever could be seen from outside, or would go otherwise at
/// another time, is a refusal.
pub(crate) fn load(
    isolate: &mut v8::OwnedIsolate,
    guard: &HeapGuard,
    mut prepared: Prepared,
    job: &Job,
) -> Result<Prepared, Refusal> {
    let deadline = Instant::now() + PATIENCE;
    let control = Arc::new(Control::default());
    guard.watch(Some(Arc::clone(&control)));
    let watch = control::watch(deadline, isolate.thread_safe_handle(), Arc::clone(&control));
    let scope = &mut v8::HandleScope::new(isolate);
    let context = v8::Local::new(scope, &prepared.context);
    let scope = &mut v8::ContextScope::new(scope, context);
    native::util::clear_continuation(scope);
    let asked = Asked::of(&job.package, &job.request);
    let sink = Arc::new(Mutex::new(Sink::new(job.request.limits.output)));
    let states = prepared.states(&asked.package, job);
    states.insert(SharedSink(Arc::clone(&sink)));
    let given = |request: &Arc<Request>| ProcessState {
        request: Arc::clone(request),
        control: Arc::clone(&control),
    };
    states.insert(given(&job.request));
    states.insert(NetworkState::default());
    context.set_slot(Rc::clone(&states));
    let mut drive = Drive {
        deadline,
        control: Arc::clone(&control),
        mode: Mode::Handler,
        on_terminal: false,
    };
    let rehearsed = drive.call(scope, "rehearseRequest", &[]).is_ok();
    states.insert(given(&asked.request));
    let loaded =
        rehearsed && drive.load(scope, &asked.request.entry) && is_quiet(scope, &mut drive);
    drop(watch);
    guard.watch(None);
    let busy = scope.has_pending_background_tasks();
    let stopped = control.stopped();
    if loaded && !busy && stopped.is_none() {
        prepared.loaded = Some(Loaded {
            asked,
            states,
            sink,
        });
        return Ok(prepared);
    }
    end(scope, &states);
    let forced = busy || matches!(stopped, Some(Stop::TimedOut | Stop::OutOfMemory));
    Err(if forced {
        Refusal::Forced
    } else {
        Refusal::Seen
    })
}

/// Whether nothing was begun that somebody outside could have noticed, or that time goes on with.
fn is_quiet(scope: &mut v8::HandleScope<'_>, drive: &mut Drive) -> bool {
    let idle = drive
        .call(scope, "isIdle", &[])
        .is_ok_and(|idle| idle.is_true());
    let waits = {
        let state = state::<LoopState>(scope);
        let state = state.borrow();
        !state.deferred.is_empty() || !state.rejections.is_empty() || !state.handled.is_empty()
    };
    let pending = matches!(
        state::<ModulesState>(scope).borrow().main,
        MainState::Pending(_)
    );
    idle && !waits && !pending && !state::<NetworkState>(scope).borrow().was_asked()
}
