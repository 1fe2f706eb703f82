//! One execution from its context to its outcome.

use std::ffi::c_void;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::ahead::Prepared;
use crate::control::{self, Control, Stop};
use crate::drive::{Drive, End, FOREVER};
use crate::execution::{Execution, Health, Outcome, Thrown, Timings};
use crate::memory::{self, HeapGuard};
use crate::native::event_loop;
use crate::native::modules::{Answer, ModulesState};
use crate::native::terminal::TerminalState;
use crate::native::{self, state};
use crate::seat::Job;
use crate::{builtins, esm, platform, sources};

/// Sets what an isolate needs for all its executions.
pub(crate) fn install(isolate: &mut v8::OwnedIsolate, guard: &HeapGuard) {
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    isolate.set_capture_stack_trace_for_uncaught_exceptions(false, 0);
    isolate.set_promise_reject_callback(event_loop::on_promise_reject);
    isolate.set_oom_error_handler(memory::out_of_memory);
    isolate.add_near_heap_limit_callback(
        memory::near_heap_limit,
        std::ptr::from_ref(guard).cast_mut().cast::<c_void>(),
    );
    esm::install(isolate);
    builtins::install(isolate);
    sources::install(isolate);
}

/// Runs `job` in a context of its own, gives the result to `reply`, and then keeps the code that V8 made.
pub(crate) fn run(
    isolate: &mut v8::OwnedIsolate,
    guard: &HeapGuard,
    prepared: Prepared,
    job: &Job,
    reply: impl FnOnce(Execution),
) {
    let started = Instant::now();
    let deadline = started
        .checked_add(job.request.limits.wall)
        .unwrap_or(started + FOREVER);
    let control = Arc::new(Control::default());
    guard.watch(Some(Arc::clone(&control)));
    let watch = control::watch(deadline, isolate.thread_safe_handle(), Arc::clone(&control));
    {
        let scope = &mut v8::HandleScope::new(isolate);
        let (context, states) = prepared.take(scope, job, &control);
        let scope = &mut v8::ContextScope::new(scope, context);
        native::util::clear_continuation(scope);
        let terminal = job.request.terminal.as_ref().zip(job.user.take());
        let on_terminal = terminal.is_some();
        if let Some((terminal, user)) = terminal {
            states.insert(TerminalState::of(terminal, user, Arc::clone(&job.sink)));
        }
        let context_done = started.elapsed();
        let guest_started = Instant::now();
        let mut drive = Drive {
            deadline,
            control: Arc::clone(&control),
            mode: job.request.mode,
            on_terminal,
        };
        let end = drive.complete(scope, &job.request.entry);
        drop(watch);
        guard.watch(None);
        let timings = Timings {
            context: context_done,
            run: guest_started.elapsed(),
        };
        let health = health(scope, &control);
        let execution = conclude(scope, &control, end, timings, health, job);
        let reusable = execution.health == Health::Reusable;
        reply(execution);
        // Nobody waits for the rest, which must be done before the next execution begins.
        purge(scope);
        if reusable {
            esm::keep_code(scope);
            builtins::keep_code(scope);
        }
        states.clear();
        context.clear_all_slots();
    }
}

/// Whether the isolate is good for another execution.
fn health(scope: &mut v8::HandleScope<'_>, control: &Control) -> Health {
    let forced = matches!(control.stopped(), Some(Stop::TimedOut | Stop::OutOfMemory));
    // Work in the background (a wasm compilation) would come back in the middle of the next execution.
    let busy = scope.has_pending_background_tasks();
    if forced || busy {
        Health::Corrupted
    } else {
        Health::Reusable
    }
}

/// Clears what this execution left in the isolate.
pub(crate) fn purge(scope: &mut v8::HandleScope<'_>) {
    // Tasks and microtasks that are still queued are guest code: under a pending termination they end at their first
    // instruction, and V8 then drops the rest of the microtasks.
    let platform = platform::start();
    loop {
        scope.terminate_execution();
        if !v8::Platform::pump_message_loop(platform, scope, false) {
            break;
        }
    }
    if let Some(nothing) = v8::Function::new(scope, nothing) {
        scope.enqueue_microtask(nothing);
    }
    scope.perform_microtask_checkpoint();
    scope.cancel_terminate_execution();
}

fn nothing(
    _scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
}

/// What the caller is told.
fn conclude(
    scope: &mut v8::HandleScope<'_>,
    control: &Control,
    end: End,
    timings: Timings,
    health: Health,
    job: &Job,
) -> Execution {
    let answer = std::mem::take(&mut state::<ModulesState>(scope).borrow_mut().answer);
    let (mut response, failed) = match answer {
        Answer::None => (None, None),
        Answer::Response(response) => (Some(response), None),
        Answer::Failed(thrown) => (None, Some(thrown)),
    };
    let (outcome, error) = match (control.stopped(), end) {
        (Some(Stop::Exited(0)), _) => (Outcome::Returned, None),
        (Some(Stop::Exited(code)), _) => (Outcome::Exited(code), None),
        (Some(Stop::OutOfMemory), _) => (Outcome::OutOfMemory, Some(out_of_memory())),
        (Some(Stop::TimedOut), _) | (None, End::Stopped) => {
            (Outcome::TimedOut, Some(timeout(job.request.limits.wall)))
        }
        (None, End::Threw(thrown)) => (Outcome::Threw, Some(thrown)),
        (None, End::Finished(_)) if failed.is_some() => (Outcome::Threw, failed),
        (None, End::Finished(0)) => (Outcome::Returned, None),
        (None, End::Finished(code)) => (Outcome::Exited(code), None),
    };
    if matches!(
        outcome,
        Outcome::TimedOut | Outcome::OutOfMemory | Outcome::Threw
    ) {
        response = None;
    }
    let output = job
        .sink
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    Execution {
        outcome,
        response,
        error,
        output,
        timings,
        health,
    }
}

fn timeout(wall: Duration) -> Thrown {
    Thrown {
        name: Some("Error".to_owned()),
        code: Some("ERR_EXECUTION_TIMEOUT".to_owned()),
        message: format!("Function execution timeout ({}ms)", wall.as_millis()),
        stack: String::new(),
    }
}

fn out_of_memory() -> Thrown {
    Thrown {
        name: Some("Error".to_owned()),
        code: Some("ERR_OUT_OF_MEMORY".to_owned()),
        message: "the memory limit of the isolate was reached".to_owned(),
        stack: String::new(),
    }
}
