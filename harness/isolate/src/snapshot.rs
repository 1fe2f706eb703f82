//! The start-up snapshot: the environment (globals and core builtins) evaluated once in this process, in memory.

use std::sync::OnceLock;

use crate::{builtins, error::EngineError, native, platform, report};

/// Where the snapshot keeps the hooks that the engine calls (`internal/bootstrap/node.js` exports them).
const HOOKS: usize = 0;

/// What V8 matches native callbacks against, when it writes and reads the snapshot.
fn external_references() -> &'static v8::ExternalReferences {
    static REFERENCES: OnceLock<v8::ExternalReferences> = OnceLock::new();
    REFERENCES.get_or_init(|| {
        let mut references = native::external_references();
        references.extend(builtins::external_references());
        v8::ExternalReferences::new(&references)
    })
}

/// Parameters of an isolate whose contexts start with the environment.
pub(crate) fn parameters() -> Result<v8::CreateParams, EngineError> {
    environment().map(parameters_of)
}

static ENVIRONMENT: Blob = OnceLock::new();

/// The snapshot of the environment; made with the first call, unless another process made it.
pub(crate) fn environment() -> Result<&'static [u8], EngineError> {
    blob_of(&ENVIRONMENT, "internal/bootstrap/node")
}

/// Takes `blob` as the snapshot of the environment; whether there was none before.
pub(crate) fn adopt(blob: &'static [u8]) -> bool {
    ENVIRONMENT.set(Ok(blob)).is_ok()
}

/// Parameters of an isolate whose contexts start with the module loader and nothing else.
pub(crate) fn loader_parameters() -> Result<v8::CreateParams, EngineError> {
    static BLOB: Blob = OnceLock::new();
    blob_of(&BLOB, "internal/bootstrap/loader").map(parameters_of)
}

/// A snapshot. Isolates refer to it as long as they live, so it lives as long as the process.
type Blob = OnceLock<Result<&'static [u8], String>>;

fn blob_of(blob: &'static Blob, bootstrap: &'static str) -> Result<&'static [u8], EngineError> {
    match blob.get_or_init(|| make(bootstrap).map(|blob| &*Box::leak(blob))) {
        Ok(blob) => Ok(blob),
        Err(reason) => Err(EngineError::Environment {
            reason: reason.clone(),
        }),
    }
}

fn parameters_of(blob: &'static [u8]) -> v8::CreateParams {
    v8::CreateParams::default()
        .snapshot_blob(blob)
        .external_references(&**external_references())
}

/// The hooks of the current context, which must be fresh: the snapshot gives them once.
pub(crate) fn hooks<'s>(scope: &mut v8::HandleScope<'s>) -> Option<v8::Local<'s, v8::Object>> {
    scope
        .get_context_data_from_snapshot_once::<v8::Object>(HOOKS)
        .ok()
}

/// Makes the snapshot on a thread of its own: V8 wants more stack than a test's thread may have, and a creator isolate must
/// not meet other isolates that this thread has entered.
fn make(bootstrap: &'static str) -> Result<Box<[u8]>, String> {
    platform::start();
    let thread = std::thread::Builder::new()
        .name("adamant-snapshot".to_owned())
        .stack_size(crate::seat::STACK)
        .spawn(move || make_here(bootstrap))
        .map_err(|error| error.to_string())?;
    thread
        .join()
        .map_err(|_panic| "the thread that made it panicked".to_owned())?
}

fn make_here(bootstrap: &str) -> Result<Box<[u8]>, String> {
    let mut isolate = v8::Isolate::snapshot_creator(Some(external_references()), None);
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    let evaluated = {
        let scope = &mut v8::HandleScope::new(&mut isolate);
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let scope = &mut v8::ContextScope::new(scope, context);
        let evaluated = evaluate(scope, bootstrap).map(|hooks| {
            scope.add_context_data(context, hooks);
        });
        // Its Rust side cannot be part of a snapshot.
        context.clear_all_slots();
        scope.set_default_context(context);
        evaluated
    };
    // The blob is made in any case: the crate does not let go of a creator without.
    let blob = isolate.create_blob(v8::FunctionCodeHandling::Keep);
    evaluated?;
    blob.map(|blob| Box::from(&blob[..]))
        .ok_or_else(|| "V8 could not serialise it".to_owned())
}

/// Runs the bootstrap in a bare context and returns the hooks.
fn evaluate<'s>(
    scope: &mut v8::HandleScope<'s>,
    id: &str,
) -> Result<v8::Local<'s, v8::Object>, String> {
    let scope = &mut v8::TryCatch::new(scope);
    let hooks = bootstrap(scope, id);
    match hooks {
        Some(hooks) => {
            scope.perform_microtask_checkpoint();
            Ok(hooks)
        }
        None => Err(describe(scope)),
    }
}

fn bootstrap<'s>(scope: &mut v8::HandleScope<'s>, id: &str) -> Option<v8::Local<'s, v8::Object>> {
    let realm = builtins::compile(scope, "internal/bootstrap/realm")?;
    let native = native::object(scope);
    let undefined = v8::undefined(scope).into();
    let id = native::string(scope, id).into();
    let hooks = realm.call(
        scope,
        undefined,
        &[undefined, undefined, id, native.into(), undefined],
    )?;
    hooks.try_into().ok()
}

fn describe(scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>) -> String {
    let Some(error) = scope.exception() else {
        return "`internal/bootstrap/realm` returned no object".to_owned();
    };
    let place = scope
        .message()
        .and_then(|message| {
            let file = message
                .get_script_resource_name(scope)?
                .to_rust_string_lossy(scope);
            Some(format!(" ({file}:{})", message.get_line_number(scope)?))
        })
        .unwrap_or_default();
    scope.reset();
    let thrown = report::thrown(scope, error);
    let text = if thrown.stack.is_empty() {
        thrown.message
    } else {
        thrown.stack
    };
    format!("{text}{place}")
}
