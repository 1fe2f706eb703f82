//! `native.loop`: the clock, the deferred callbacks, the microtasks and the rejections that the event loop stands on.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Room, state};

/// What the loop of one execution waits for on the Rust side.
pub(crate) struct LoopState {
    start: Instant,
    /// Callbacks for the next poll phase.
    pub(crate) deferred: VecDeque<v8::Global<v8::Function>>,
    /// Rejected promises without a handler, in order of their rejection.
    pub(crate) rejections: Vec<(v8::Global<v8::Promise>, v8::Global<v8::Value>)>,
    /// Promises that were handed out as unhandled and got a handler since.
    pub(crate) handled: Vec<v8::Global<v8::Promise>>,
}

impl Default for LoopState {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            deferred: VecDeque::new(),
            rejections: Vec::new(),
            handled: Vec::new(),
        }
    }
}

impl LoopState {
    /// Milliseconds since the start of the context.
    pub(crate) fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1e3
    }
}

pub(crate) fn room() -> Room {
    Room::new("loop")
        .function("now", now)
        .function("defer", defer)
        .function("runMicrotasks", run_microtasks)
        .function("enqueueMicrotask", enqueue_microtask)
        .function("takeRejections", take_rejections)
        .function("takeHandledRejections", take_handled)
}

fn now(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let now = state::<LoopState>(scope).borrow().now();
    rv.set_double(now);
}

/// `defer(callback)`: runs it in the next poll phase; the loop stays alive until then.
fn defer(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    if let Ok(callback) = v8::Local::<v8::Function>::try_from(args.get(0)) {
        let callback = v8::Global::new(scope, callback);
        state::<LoopState>(scope)
            .borrow_mut()
            .deferred
            .push_back(callback);
    }
}

fn run_microtasks(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    scope.perform_microtask_checkpoint();
}

fn enqueue_microtask(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    if let Ok(callback) = v8::Local::<v8::Function>::try_from(args.get(0)) {
        scope.enqueue_microtask(callback);
    }
}

/// `takeRejections()`: `[promise, reason, promise, reason, …]` of what was rejected without a handler since the last call.
fn take_rejections(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let taken = std::mem::take(&mut state::<LoopState>(scope).borrow_mut().rejections);
    let mut flat: Vec<v8::Local<'_, v8::Value>> = Vec::with_capacity(taken.len() * 2);
    for (promise, reason) in taken {
        flat.push(v8::Local::new(scope, promise).into());
        flat.push(v8::Local::new(scope, reason));
    }
    let list = v8::Array::new_with_elements(scope, &flat);
    rv.set(list.into());
}

/// `takeHandledRejections()`: promises that [`take_rejections`] gave out and that got a handler since.
fn take_handled(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let taken = std::mem::take(&mut state::<LoopState>(scope).borrow_mut().handled);
    let flat: Vec<v8::Local<'_, v8::Value>> = taken
        .into_iter()
        .map(|promise| v8::Local::new(scope, promise).into())
        .collect();
    let list = v8::Array::new_with_elements(scope, &flat);
    rv.set(list.into());
}

/// Called by V8 whenever a promise is rejected without a handler, or gets one late.
#[expect(unsafe_code, reason = "V8 calls back without a scope")]
pub(crate) unsafe extern "C" fn on_promise_reject(message: v8::PromiseRejectMessage<'_>) {
    // SAFETY: V8 calls this on the isolate's thread with a context entered; the message lives during the call.
    let scope = &mut unsafe { v8::CallbackScope::new(&message) };
    let promise = message.get_promise();
    match message.get_event() {
        v8::PromiseRejectEvent::PromiseRejectWithNoHandler => {
            let reason = message
                .get_value()
                .unwrap_or_else(|| v8::undefined(scope).into());
            let promise = v8::Global::new(scope, promise);
            let reason = v8::Global::new(scope, reason);
            state::<LoopState>(scope)
                .borrow_mut()
                .rejections
                .push((promise, reason));
        }
        v8::PromiseRejectEvent::PromiseHandlerAddedAfterReject => {
            let promise = v8::Global::new(scope, promise);
            let state = state::<LoopState>(scope);
            let mut state = state.borrow_mut();
            let before = state.rejections.len();
            state.rejections.retain(|(waiting, _)| *waiting != promise);
            if state.rejections.len() == before {
                state.handled.push(promise);
            }
        }
        // Node's multipleResolves is deprecated and not offered.
        v8::PromiseRejectEvent::PromiseRejectAfterResolved
        | v8::PromiseRejectEvent::PromiseResolveAfterResolved => {}
    }
}
