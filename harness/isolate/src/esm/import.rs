//! `import()`, the entry as an ES module, and `import.meta`.

use super::link;
use super::load::{self, Attributes, index_of};
use super::map::{Index, Map};
use crate::native::event_loop::LoopState;
use crate::native::modules::{MainState, ModulesState, resolver};
use crate::native::{state, string};

/// One module to be loaded, linked and evaluated, when the loop or the microtasks come to it.
struct Job {
    target: Target,
    resolver: v8::Global<v8::PromiseResolver>,
}

enum Target {
    Specifier {
        specifier: String,
        referrer: String,
        attributes: Attributes,
    },
    Path {
        path: String,
        is_main: bool,
    },
}

/// Jobs that wait, by number.
#[derive(Default)]
struct Jobs(std::collections::BTreeMap<u32, Job>, u32);

/// Called by V8 for `import()`. Nothing is linked or evaluated here: see the module's documentation.
pub(super) fn dynamically<'s>(
    scope: &mut v8::HandleScope<'s>,
    _options: v8::Local<'s, v8::Data>,
    referrer: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    list: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let referrer = referrer_url(&referrer.to_rust_string_lossy(scope));
    let specifier = specifier.to_rust_string_lossy(scope);
    let attributes = link::attributes(scope, list, 2);
    // Node reads the text of ES modules and JSON asynchronously, everything else comes with the microtasks.
    let reads = resolver(scope).is_some_and(|resolver| {
        use adamant_modules::{Format, Resolved};
        match resolver.import(&specifier, &referrer) {
            Ok(Resolved::File { url, format, .. }) => {
                !matches!(format, Format::CommonJs)
                    && state::<Map>(scope)
                        .borrow()
                        .entry(&url, if format == Format::Json { "json" } else { "" })
                        .is_none()
            }
            Ok(Resolved::Builtin(_) | Resolved::Data { .. }) | Err(_) => false,
        }
    });
    start(
        scope,
        Target::Specifier {
            specifier,
            referrer,
            attributes,
        },
        reads,
    )
}

/// The URL that specifiers in a script are relative to; scripts are named by path, modules by URL.
pub(super) fn referrer_url(name: &str) -> String {
    if name.starts_with('/') {
        adamant_modules::path_to_file_url(name)
    } else if name.contains(':') && !name.starts_with("node:") {
        name.to_owned()
    } else {
        "file:///".to_owned()
    }
}

/// The entry of a program.
pub(crate) fn import_main<'s>(
    scope: &mut v8::HandleScope<'s>,
    path: &str,
) -> Option<v8::Local<'s, v8::Promise>> {
    state::<ModulesState>(scope).borrow_mut().main = MainState::Pending(None);
    let target = Target::Path {
        path: path.to_owned(),
        is_main: true,
    };
    let promise = start(scope, target, false)?;
    link::shield(scope, promise);
    let settled = v8::Function::new(scope, main_settled)?;
    let failed = v8::Function::new(scope, main_failed)?;
    promise.then2(scope, settled, failed)?;
    Some(promise)
}

fn main_settled(
    scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    state::<ModulesState>(scope).borrow_mut().main = MainState::Settled;
}

fn main_failed(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let error = v8::Global::new(scope, args.get(0));
    let state = state::<ModulesState>(scope);
    let mut state = state.borrow_mut();
    state.main = MainState::Settled;
    // In a handler the one who awaits the entry is told.
    if state.entry_awaited {
        return;
    }
    state.fatal = Some(error);
}

/// The entry of a handler: a promise of its namespace.
pub(crate) fn import_entry<'s>(
    scope: &mut v8::HandleScope<'s>,
    path: &str,
) -> Option<v8::Local<'s, v8::Promise>> {
    start(
        scope,
        Target::Path {
            path: path.to_owned(),
            is_main: true,
        },
        false,
    )
}

fn start<'s>(
    scope: &mut v8::HandleScope<'s>,
    target: Target,
    later: bool,
) -> Option<v8::Local<'s, v8::Promise>> {
    let resolver = v8::PromiseResolver::new(scope)?;
    let promise = resolver.get_promise(scope);
    let job = Job {
        target,
        resolver: v8::Global::new(scope, resolver),
    };
    let number = {
        let jobs = state::<Jobs>(scope);
        let mut jobs = jobs.borrow_mut();
        let number = jobs.1;
        jobs.1 = number.wrapping_add(1);
        jobs.0.insert(number, job);
        number
    };
    let number = v8::Integer::new_from_unsigned(scope, number);
    let run = v8::Function::builder(run)
        .data(number.into())
        .build(scope)?;
    if later {
        let run = v8::Global::new(scope, run);
        state::<LoopState>(scope)
            .borrow_mut()
            .deferred
            .push_back(run);
    } else {
        scope.enqueue_microtask(run);
    }
    Some(promise)
}

/// Does one job: its promise follows the evaluation of the module.
fn run(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let Some(number) = args.data().uint32_value(scope) else {
        return;
    };
    let Some(job) = state::<Jobs>(scope).borrow_mut().0.remove(&number) else {
        return;
    };
    let resolver = v8::Local::new(scope, job.resolver);
    let scope = &mut v8::TryCatch::new(scope);
    let done = load_and_evaluate(scope, &job.target)
        .and_then(|(index, promise)| follow(scope, index, promise, resolver));
    if done.is_none()
        && !scope.has_terminated()
        && let Some(error) = scope.exception()
    {
        scope.reset();
        resolver.reject(scope, error);
    }
}

fn load_and_evaluate<'s>(
    scope: &mut v8::HandleScope<'s>,
    target: &Target,
) -> Option<(Index, v8::Local<'s, v8::Promise>)> {
    let index = match target {
        Target::Specifier {
            specifier,
            referrer,
            attributes,
        } => load::load(scope, specifier, referrer, attributes)?,
        Target::Path { path, is_main } => {
            let index = load::load_path(scope, path, *is_main, None)?;
            let state = state::<ModulesState>(scope);
            let mut state = state.borrow_mut();
            if *is_main && matches!(state.main, MainState::Pending(_)) {
                state.main = MainState::Pending(Some(index));
            }
            index
        }
    };
    link::load_graph(scope, index)?;
    link::instantiate(scope, index)?;
    let promise = link::evaluate(scope, index)?;
    Some((index, promise))
}

/// Resolves with the namespace once the evaluation succeeded, or rejects with its error.
fn follow<'s>(
    scope: &mut v8::HandleScope<'s>,
    index: Index,
    evaluation: v8::Local<'s, v8::Promise>,
    resolver: v8::Local<'s, v8::PromiseResolver>,
) -> Option<()> {
    let module = state::<Map>(scope).borrow().module(index)?;
    let module = v8::Local::new(scope, module);
    let namespace = module.get_module_namespace();
    let number = v8::Number::new(scope, f64::from(u32::try_from(index).ok()?));
    let data = v8::Array::new_with_elements(scope, &[namespace, resolver.into(), number.into()]);
    let succeeded = v8::Function::builder(succeeded)
        .data(data.into())
        .build(scope)?;
    let failed = v8::Function::builder(failed)
        .data(data.into())
        .build(scope)?;
    evaluation.then2(scope, succeeded, failed)?;
    Some(())
}

fn resolver_of<'s>(
    scope: &mut v8::HandleScope<'s>,
    args: &v8::FunctionCallbackArguments<'s>,
) -> Option<(v8::Local<'s, v8::Value>, v8::Local<'s, v8::PromiseResolver>)> {
    let data: v8::Local<'_, v8::Array> = args.data().try_into().ok()?;
    let namespace = data.get_index(scope, 0)?;
    let promise: v8::Local<'_, v8::Promise> = data.get_index(scope, 1)?.try_into().ok()?;
    Some((namespace, as_resolver(promise)))
}

/// In V8 a resolver is its promise; the crate only lacks the way back.
#[expect(
    unsafe_code,
    reason = "the crate has no conversion from a promise to its resolver"
)]
pub(super) fn as_resolver(
    promise: v8::Local<'_, v8::Promise>,
) -> v8::Local<'_, v8::PromiseResolver> {
    // SAFETY: V8's `Promise::Resolver` is the promise object itself, and this one was made as a resolver.
    unsafe { v8::Local::cast_unchecked(v8::Local::<v8::Value>::from(promise)) }
}

fn succeeded<'s>(
    scope: &mut v8::HandleScope<'s>,
    args: v8::FunctionCallbackArguments<'s>,
    _rv: v8::ReturnValue<'_>,
) {
    if let Some((namespace, resolver)) = resolver_of(scope, &args) {
        resolver.resolve(scope, namespace);
    }
}

fn failed<'s>(
    scope: &mut v8::HandleScope<'s>,
    args: v8::FunctionCallbackArguments<'s>,
    _rv: v8::ReturnValue<'_>,
) {
    state::<Map>(scope).borrow_mut().any_failed = true;
    let data = v8::Local::<v8::Array>::try_from(args.data()).ok();
    let index = data
        .and_then(|data| data.get_index(scope, 2))
        .and_then(|index| index.uint32_value(scope))
        .and_then(|index| Index::try_from(index).ok());
    if let Some(index) = index {
        link::explain_failure(scope, index, args.get(0));
    }
    if let Some((_, resolver)) = resolver_of(scope, &args) {
        resolver.reject(scope, args.get(0));
    }
}

/// Called by V8 when a module first asks for `import.meta`.
#[expect(unsafe_code, reason = "V8 calls back without a scope")]
pub(super) extern "C" fn meta(
    context: v8::Local<'_, v8::Context>,
    module: v8::Local<'_, v8::Module>,
    meta: v8::Local<'_, v8::Object>,
) {
    // SAFETY: V8 calls this with the context it gives.
    let scope = &mut unsafe { v8::CallbackScope::new(context) };
    let Some(index) = index_of(scope, module) else {
        return;
    };
    let described = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        map.records
            .get(index)
            .map(|record| (record.url.clone(), record.path.clone(), record.is_main))
    };
    let Some((url, path, is_main)) = described else {
        return;
    };
    let Some(initialize) = link::meta_hook(scope) else {
        return;
    };
    let url = string(scope, &url).into();
    let undefined: v8::Local<'_, v8::Value> = v8::undefined(scope).into();
    let path = match path {
        Some(path) => string(scope, &path).into(),
        None => undefined,
    };
    let is_main = v8::Boolean::new(scope, is_main).into();
    let _thrown_on = initialize.call(scope, undefined, &[meta.into(), url, path, is_main]);
}
