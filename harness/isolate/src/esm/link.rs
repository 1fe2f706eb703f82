//! Linking and evaluation: whole graphs, each module at most once, and `require()` of ES modules.

use std::collections::{HashMap, HashSet};

use super::load::{self, Attributes, index_of, type_of};
use super::map::{Index, Kind, Map};
use super::source_phase;
use crate::commonjs;
use crate::native::modules::{self, throw_coded};
use crate::native::{state, string};
use crate::report;

/// Reads V8's list of attributes: key, value and, in a static import, the offset.
pub(super) fn attributes(
    scope: &mut v8::HandleScope<'_>,
    list: v8::Local<'_, v8::FixedArray>,
    stride: usize,
) -> Attributes {
    let mut attributes = Vec::new();
    for position in (0..list.length()).step_by(stride) {
        let mut text = |position| -> Option<String> {
            let text: v8::Local<'_, v8::String> = list.get(scope, position)?.try_into().ok()?;
            Some(text.to_rust_string_lossy(scope))
        };
        if let (Some(key), Some(value)) = (text(position), text(position + 1)) {
            attributes.push((key, value));
        }
    }
    attributes
}

/// Loads everything that `root` imports, directly or not; `None` with an exception pending if anything fails.
pub(super) fn load_graph(scope: &mut v8::HandleScope<'_>, root: Index) -> Option<()> {
    let mut waiting = vec![root];
    while let Some(index) = waiting.pop() {
        let (module, url) = {
            let map = state::<Map>(scope);
            let map = map.borrow();
            let record = map.records.get(index)?;
            if record.requests.is_some() {
                continue;
            }
            (record.module.clone(), record.url.clone())
        };
        let scope = &mut v8::HandleScope::new(scope);
        let module = v8::Local::new(scope, module);
        let list = module.get_module_requests();
        let mut requests = HashMap::new();
        let mut found = Vec::new();
        for position in 0..list.length() {
            let request: v8::Local<'_, v8::ModuleRequest> =
                list.get(scope, position)?.try_into().ok()?;
            let specifier = request.get_specifier().to_rust_string_lossy(scope);
            let attributes = attributes(scope, request.get_import_attributes(), 3);
            let type_ = type_of(&attributes);
            let target = load::load(scope, &specifier, &url, &attributes)?;
            requests.insert((specifier, type_), target);
            found.push(target);
        }
        if let Some(record) = state::<Map>(scope).borrow_mut().records.get_mut(index) {
            record.requests = Some(requests);
        }
        // The first import first, as Node starts them.
        waiting.extend(found.into_iter().rev());
    }
    Some(())
}

/// Links what is imported; Node's words for a name that `root` itself wants of a CommonJS module that does not offer it.
pub(super) fn instantiate(scope: &mut v8::HandleScope<'_>, root: Index) -> Option<()> {
    link(scope, root, true)
}

/// Node explains neither what `require` links nor what a module further down the graph asks for.
fn link(scope: &mut v8::HandleScope<'_>, root: Index, is_import: bool) -> Option<()> {
    let module = state::<Map>(scope).borrow().module(root)?;
    let module = v8::Local::new(scope, module);
    if module.get_status() != v8::ModuleStatus::Uninstantiated {
        return Some(());
    }
    let scope = &mut v8::TryCatch::new(scope);
    if module
        .instantiate_module2(scope, resolve, source_phase::resolve)
        .is_some()
    {
        return Some(());
    }
    if !scope.has_terminated() {
        if is_import {
            explain(scope, root);
        }
        commonjs::decorate(scope, false);
    }
    scope.rethrow();
    None
}

/// Called by V8 for each import while it links: the graph is loaded, so this only looks up.
#[expect(unsafe_code, reason = "V8 calls back without a scope")]
fn resolve<'a>(
    context: v8::Local<'a, v8::Context>,
    specifier: v8::Local<'a, v8::String>,
    list: v8::Local<'a, v8::FixedArray>,
    referrer: v8::Local<'a, v8::Module>,
) -> Option<v8::Local<'a, v8::Module>> {
    // SAFETY: V8 calls this with the context it gives.
    let scope = &mut unsafe { v8::CallbackScope::new(context) };
    let referrer = index_of(scope, referrer)?;
    let specifier = specifier.to_rust_string_lossy(scope);
    let type_ = type_of(&attributes(scope, list, 3));
    let module = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        let requests = map.records.get(referrer)?.requests.as_ref()?;
        map.module(*requests.get(&(specifier, type_))?)?
    };
    Some(v8::Local::new(scope, module))
}

/// Rewrites V8's error for a missing export, if the module that lacks it is CommonJS and `root` imports it.
fn explain(scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>, root: Index) -> Option<()> {
    let error: v8::Local<'_, v8::Object> = scope.exception()?.try_into().ok()?;
    let place = scope.message()?;
    let key = string(scope, "message");
    let message = error.get(scope, key.into())?.to_rust_string_lossy(scope);
    let rest = message.strip_prefix("The requested module '")?;
    let (specifier, rest) = rest.split_once("' does not provide an export named '")?;
    let name = rest.strip_suffix('\'')?;
    let importer = place
        .get_script_resource_name(scope)?
        .to_rust_string_lossy(scope);
    let is_common_js = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        let importer = map
            .records
            .get(root)
            .filter(|record| record.url == importer)?;
        let target = importer
            .requests
            .as_ref()?
            .get(&(specifier.to_owned(), String::new()))?;
        matches!(map.records.get(*target)?.kind, Kind::CommonJs { .. })
    };
    if !is_common_js {
        return None;
    }
    let line = place.get_source_line(scope)?.to_rust_string_lossy(scope);
    let destructuring = line
        .find('{')
        .zip(line.rfind('}'))
        .and_then(|(open, close)| line.get(open..=close))
        .map(|list| format!("const {} = pkg;\n", renamed(list)))
        .unwrap_or_default();
    let text = format!(
        "Named export '{name}' not found. The requested module '{specifier}' is a CommonJS module, which may not support all \
         module.exports as named exports.\nCommonJS modules can always be imported via the default export, for example \
         using:\n\nimport pkg from '{specifier}';\n{destructuring}"
    );
    // The header of the stack is written when it is first read.
    let stack_key = string(scope, "stack");
    let stack = error
        .get(scope, stack_key.into())?
        .to_rust_string_lossy(scope);
    let frames: String = stack
        .lines()
        .filter(|line| line.starts_with("    at "))
        .fold(String::new(), |mut all, line| {
            all.push('\n');
            all.push_str(line);
            all
        });
    let stack = string(scope, &format!("SyntaxError: {text}{frames}"));
    error.set(scope, stack_key.into(), stack.into());
    let text = string(scope, &text);
    error.set(scope, key.into(), text.into());
    Some(())
}

/// `{ a as b }` as a destructuring pattern.
fn renamed(list: &str) -> String {
    let mut out = String::new();
    let mut rest = list;
    while let Some(at) = rest.find(" as ") {
        let (before, after) = rest.split_at(at);
        out.push_str(before.trim_end());
        out.push_str(": ");
        rest = after.strip_prefix(" as ").unwrap_or(after).trim_start();
    }
    out.push_str(rest);
    out
}

/// Evaluates a linked module once; later calls give the same promise.
pub(super) fn evaluate<'s>(
    scope: &mut v8::HandleScope<'s>,
    root: Index,
) -> Option<v8::Local<'s, v8::Promise>> {
    let (module, before, search) = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        let record = map.records.get(root)?;
        (
            record.module.clone(),
            record.evaluation.clone(),
            map.any_failed,
        )
    };
    if let Some(before) = before {
        return Some(v8::Local::new(scope, before));
    }
    let module = v8::Local::new(scope, module);
    let failed = if search || any_rejected(scope) {
        failure_in(scope, root)
    } else {
        None
    };
    let promise: v8::Local<'_, v8::Promise> = match failed {
        Some(error) => {
            let resolver = v8::PromiseResolver::new(scope)?;
            resolver.reject(scope, error);
            resolver.get_promise(scope)
        }
        None => module.evaluate(scope)?.try_into().ok()?,
    };
    shield(scope, promise);
    let kept = v8::Global::new(scope, promise);
    if let Some(record) = state::<Map>(scope).borrow_mut().records.get_mut(root) {
        record.evaluation = Some(kept);
    }
    Some(promise)
}

/// Says in the error of a failed evaluation that the names of CommonJS do not exist here, if that is why it failed.
pub(super) fn explain_failure(
    scope: &mut v8::HandleScope<'_>,
    root: Index,
    error: v8::Local<'_, v8::Value>,
) {
    if !error.is_native_error() {
        return;
    }
    let (Some(explain), Some(url)) = (
        modules::hook(scope, "explainNotDefined"),
        state::<Map>(scope)
            .borrow()
            .records
            .get(root)
            .map(|record| record.url.clone()),
    ) else {
        return;
    };
    let url = string(scope, &url).into();
    let awaits = awaits_itself(scope, root);
    let awaits = v8::Boolean::new(scope, awaits).into();
    let undefined = v8::undefined(scope).into();
    let scope = &mut v8::TryCatch::new(scope);
    let _a_patched_error_stays_as_it_is = explain.call(scope, undefined, &[error, url, awaits]);
}

/// Whether the asynchrony of a graph comes from its root: V8 only tells that of graphs.
fn awaits_itself(scope: &mut v8::HandleScope<'_>, root: Index) -> bool {
    let below: Vec<_> = state::<Map>(scope)
        .borrow()
        .records
        .get(root)
        .iter()
        .filter_map(|record| record.requests.as_ref())
        .flat_map(HashMap::values)
        .copied()
        .collect();
    let mut is_async = |index: Index| {
        let module = state::<Map>(scope).borrow().module(index);
        module.is_some_and(|module| v8::Local::new(scope, module).is_graph_async())
    };
    is_async(root) && !below.into_iter().any(is_async)
}

/// Keeps `then` on a promise of ours from asking `constructor[Symbol.species]`, which a guest can patch.
pub(super) fn shield(scope: &mut v8::HandleScope<'_>, promise: v8::Local<'_, v8::Promise>) {
    let key = string(scope, "constructor");
    let undefined = v8::undefined(scope).into();
    promise.create_data_property(scope, key.into(), undefined);
}

/// Whether an evaluation failed so far. It is remembered: from then on graphs are searched.
fn any_rejected(scope: &mut v8::HandleScope<'_>) -> bool {
    let evaluations: Vec<_> = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        map.records
            .iter()
            .filter_map(|record| record.evaluation.clone())
            .collect()
    };
    let rejected = evaluations
        .into_iter()
        .any(|promise| v8::Local::new(scope, promise).state() == v8::PromiseState::Rejected);
    if rejected {
        state::<Map>(scope).borrow_mut().any_failed = true;
    }
    rejected
}

/// The modules that `root` reaches, itself first.
fn reachable(scope: &mut v8::HandleScope<'_>, root: Index) -> Vec<v8::Global<v8::Module>> {
    let map = state::<Map>(scope);
    let map = map.borrow();
    let mut seen = HashSet::from([root]);
    let mut waiting = vec![root];
    let mut modules = Vec::new();
    while let Some(index) = waiting.pop() {
        let Some(record) = map.records.get(index) else {
            continue;
        };
        modules.push(record.module.clone());
        let mut next: Vec<_> = record
            .requests
            .iter()
            .flat_map(HashMap::values)
            .copied()
            .collect();
        next.sort_unstable();
        waiting.extend(next.into_iter().filter(|index| seen.insert(*index)));
    }
    modules
}

/// The error of a module in the graph that failed before: what evaluating `root` comes to, which V8 must not be asked again.
fn failure_in<'s>(
    scope: &mut v8::HandleScope<'s>,
    root: Index,
) -> Option<v8::Local<'s, v8::Value>> {
    for module in reachable(scope, root) {
        let module = v8::Local::new(scope, module);
        if module.get_status() == v8::ModuleStatus::Errored {
            let error = module.get_exception();
            return Some(v8::Local::new(scope, error));
        }
    }
    None
}

/// `require()` of an ES module: its namespace, or an exception pending.
pub(crate) fn require<'s>(
    scope: &mut v8::HandleScope<'s>,
    path: &str,
    parent: &str,
    content: Option<v8::Local<'_, v8::String>>,
) -> Option<v8::Local<'s, v8::Value>> {
    let index = load::load_path(scope, path, false, content)?;
    load_graph(scope, index)?;
    if let Some(message) = cycle_in(scope, index, path, parent) {
        throw_coded(scope, "Error", Some("ERR_REQUIRE_CYCLE_MODULE"), &message);
        return None;
    }
    link(scope, index, false)?;
    let module = state::<Map>(scope).borrow().module(index)?;
    let module = v8::Local::new(scope, module);
    if module.get_status() != v8::ModuleStatus::Errored && module.is_graph_async() {
        let from = if parent.is_empty() {
            String::new()
        } else {
            format!("\n  From {parent} ")
        };
        let message = format!(
            "require() cannot be used on an ESM graph with top-level await. Use import() instead. To see where the top-level \
             await comes from, use --experimental-print-required-tla.{from}\n  Requiring {path} "
        );
        throw_coded(scope, "Error", Some("ERR_REQUIRE_ASYNC_MODULE"), &message);
        return None;
    }
    let promise = evaluate(scope, index)?;
    match promise.state() {
        v8::PromiseState::Rejected => {
            state::<Map>(scope).borrow_mut().any_failed = true;
            // The error goes to the one who requires: it is no unhandled rejection.
            let quiet = v8::Function::new(scope, quiet)?;
            promise.catch(scope, quiet)?;
            let error = promise.result(scope);
            explain_failure(scope, index, error);
            scope.throw_exception(error);
            None
        }
        v8::PromiseState::Fulfilled | v8::PromiseState::Pending => {
            let namespace = module.get_module_namespace();
            Some(v8::Local::new(scope, namespace))
        }
    }
}

/// What is wrong with requiring `root` now: it, or something that it imports, is in the middle of its evaluation.
fn cycle_in(
    scope: &mut v8::HandleScope<'_>,
    root: Index,
    path: &str,
    parent: &str,
) -> Option<String> {
    let from = |name: &str| match name {
        "" => String::new(),
        name => format!(" (from {name})"),
    };
    let mut seen = HashSet::from([root]);
    let mut waiting = vec![(root, None::<(String, Index)>)];
    while let Some((index, import)) = waiting.pop() {
        let (module, common_js, requests) = {
            let map = state::<Map>(scope);
            let map = map.borrow();
            let Some(record) = map.records.get(index) else {
                continue;
            };
            let common_js = match &record.kind {
                Kind::CommonJs { path, .. } => Some(path.clone()),
                _ => None,
            };
            let requests: Vec<_> = record
                .requests
                .iter()
                .flatten()
                .map(|((specifier, _), target)| (*target, specifier.clone()))
                .collect();
            (record.module.clone(), common_js, requests)
        };
        let evaluating = v8::Local::new(scope, module).get_status() == v8::ModuleStatus::Evaluating;
        let Some((specifier, importer)) = import else {
            if evaluating {
                return Some(format!(
                    "Cannot require() ES Module {path} in a cycle.{} A cycle involving require(esm) is not allowed to \
                     maintain invariants mandated by the ECMAScript specification. Try making at least part of the \
                     dependency in the graph lazily loaded.",
                    from(parent)
                ));
            }
            push_requests(&mut waiting, &mut seen, requests, index);
            continue;
        };
        let kind = if evaluating {
            "Module"
        } else if common_js.is_some_and(|path| is_executing(scope, &path)) {
            "CommonJS Module"
        } else {
            push_requests(&mut waiting, &mut seen, requests, index);
            continue;
        };
        let importer = state::<Map>(scope)
            .borrow()
            .records
            .get(importer)
            .and_then(|record| record.path.clone())
            .unwrap_or_default();
        return Some(format!(
            "Cannot import {kind} {specifier} in a cycle.{}",
            from(&importer)
        ));
    }
    None
}

/// Puts what a module imports on the list, so that what was loaded first comes first.
fn push_requests(
    waiting: &mut Vec<(Index, Option<(String, Index)>)>,
    seen: &mut HashSet<Index>,
    mut requests: Vec<(Index, String)>,
    importer: Index,
) {
    requests.sort_unstable();
    for (target, specifier) in requests.into_iter().rev() {
        if seen.insert(target) {
            waiting.push((target, Some((specifier, importer))));
        }
    }
}

/// Whether a CommonJS module has begun to run and is not through.
fn is_executing(scope: &mut v8::HandleScope<'_>, path: &str) -> bool {
    let Some(asked) = modules::hook(scope, "isExecuting") else {
        return false;
    };
    let path = string(scope, path).into();
    let undefined = v8::undefined(scope).into();
    asked
        .call(scope, undefined, &[path])
        .is_some_and(|answer| answer.is_true())
}

fn quiet(
    _scope: &mut v8::HandleScope<'_>,
    _args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
}

/// What `require()` gives for a module with a default export: all its exports and `__esModule`.
pub(crate) fn require_wrapper<'s>(
    scope: &mut v8::HandleScope<'s>,
    path: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let original = load::load_path(scope, path, false, None)?;
    let url = adamant_modules::path_to_file_url(path);
    let known = state::<Map>(scope).borrow().wrappers.get(&url).copied();
    let index = match known {
        Some(index) => index,
        None => {
            let requests = HashMap::from([(("original".to_owned(), String::new()), original)]);
            let index = load::add_unlisted(
                scope,
                "node:internal/require_wrapper",
                "export * from 'original'; export { default } from 'original'; export const __esModule = true;",
                requests,
            )?;
            state::<Map>(scope).borrow_mut().wrappers.insert(url, index);
            index
        }
    };
    instantiate(scope, index)?;
    evaluate(scope, index)?;
    let module = state::<Map>(scope).borrow().module(index)?;
    let module = v8::Local::new(scope, module);
    let namespace = module.get_module_namespace();
    Some(v8::Local::new(scope, namespace))
}

/// Node's warning about an entry whose top-level await never settled.
pub(crate) fn stalled(scope: &mut v8::HandleScope<'_>, main: Option<usize>) -> Option<String> {
    let module = state::<Map>(scope).borrow().module(main?)?;
    let module = v8::Local::new(scope, module);
    let mut text = String::new();
    for (_, message) in module.get_stalled_top_level_await_message(scope) {
        if let Some(arrow) = report::arrow(scope, message) {
            text.push_str("Warning: Detected unsettled top-level await at ");
            text.push_str(&arrow);
            text.push_str("\n\n");
        }
    }
    Some(text)
}

/// The hook that makes `import.meta`.
pub(super) fn meta_hook<'s>(
    scope: &mut v8::HandleScope<'s>,
) -> Option<v8::Local<'s, v8::Function>> {
    modules::hook(scope, "importMeta")
}
