//! `native.process`: the state that one execution gives `process`, and its end.

use std::sync::Arc;

use super::{Room, null_object, state, string};
use crate::control::{Control, Stop};
use crate::execution::Request;

/// What `native.process` tells.
#[derive(Default)]
pub(crate) struct ProcessState {
    /// The request that is executed.
    pub(crate) request: Arc<Request>,
    /// Where the wish to stop is left.
    pub(crate) control: Arc<Control>,
}

pub(crate) fn room() -> Room {
    Room::new("process")
        .function("state", process_state)
        .function("exit", exit)
}

/// `state()` → `{ argv, execArgv, env, stdin, title, pid }` of this execution; a new object each time.
fn process_state(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    mut rv: v8::ReturnValue<'_>,
) {
    let request = Arc::clone(&state::<ProcessState>(scope).borrow().request);
    let argv: Vec<v8::Local<'_, v8::Value>> = [EXECUTABLE, request.entry.as_str()]
        .into_iter()
        .chain(request.argv.iter().map(String::as_str))
        .map(|argument| string(scope, argument).into())
        .collect();
    let argv = v8::Array::new_with_elements(scope, &argv);
    let exec_argv = v8::Array::new(scope, 0);
    let env = null_object(scope);
    for (name, value) in &request.env {
        let name = string(scope, name);
        let value = string(scope, value);
        env.set(scope, name.into(), value.into());
    }
    let stdin: v8::Local<'_, v8::Value> = match &request.stdin {
        None => v8::undefined(scope).into(),
        Some(bytes) => bytes_of(scope, bytes),
    };
    let title = string(scope, "node");
    let pid = v8::Integer::new(scope, PID);
    let told = null_object(scope);
    let members: [(&str, v8::Local<'_, v8::Value>); 6] = [
        ("argv", argv.into()),
        ("execArgv", exec_argv.into()),
        ("env", env.into()),
        ("stdin", stdin),
        ("title", title.into()),
        ("pid", pid.into()),
    ];
    for (name, value) in members {
        let name = string(scope, name);
        told.set(scope, name.into(), value);
    }
    rv.set(told.into());
}

/// The path that `process.execPath` shows; nothing is there.
const EXECUTABLE: &str = "/usr/local/bin/node";

/// Nothing of the host is shown: every execution is process 1 of its world.
const PID: i32 = 1;

fn bytes_of<'s>(scope: &mut v8::HandleScope<'s>, bytes: &[u8]) -> v8::Local<'s, v8::Value> {
    let length = bytes.len();
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes.to_vec()).make_shared();
    let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
    match v8::Uint8Array::new(scope, buffer, 0, length) {
        Some(view) => view.into(),
        None => v8::undefined(scope).into(),
    }
}

/// `exit(code)`: ends the execution at once; no guest code, not even a `finally`, runs afterwards.
fn exit(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let code = args.get(0).int32_value(scope).unwrap_or(0);
    state::<ProcessState>(scope)
        .borrow()
        .control
        .stop(Stop::Exited(code));
    scope.terminate_execution();
    // The wish is honoured at the next stack check. Entering JavaScript makes one here, so that the termination is already
    // pending when this call returns, and not one more instruction of the caller runs.
    let source = string(scope, "0");
    let _terminated = v8::Script::compile(scope, source, None).and_then(|script| script.run(scope));
}
