//! `import source` and `import.source()`: no kind of module that we load has a source object, and Node says so after loading it.

use super::import::referrer_url;
use super::map::Map;
use super::{link, load};
use crate::native::modules::throw_coded;
use crate::native::{state, string};

/// Called by V8 for `import.source()`. As with `import()`, nothing is done here but to queue a job.
pub(super) fn dynamically<'s>(
    scope: &mut v8::HandleScope<'s>,
    _options: v8::Local<'s, v8::Data>,
    referrer: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    _phase: v8::ModuleImportPhase,
    list: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let referrer = referrer_url(&referrer.to_rust_string_lossy(scope));
    let referrer = string(scope, &referrer);
    let resolver = v8::PromiseResolver::new(scope)?;
    let mut data: Vec<v8::Local<'_, v8::Value>> =
        vec![resolver.into(), referrer.into(), specifier.into()];
    for (key, value) in link::attributes(scope, list, 2) {
        data.push(string(scope, &key).into());
        data.push(string(scope, &value).into());
    }
    let data = v8::Array::new_with_elements(scope, &data);
    let job = v8::Function::builder(run).data(data.into()).build(scope)?;
    scope.enqueue_microtask(job);
    Some(resolver.get_promise(scope))
}

fn run(
    scope: &mut v8::HandleScope<'_>,
    args: v8::FunctionCallbackArguments<'_>,
    _rv: v8::ReturnValue<'_>,
) {
    let Ok(data) = v8::Local::<v8::Array>::try_from(args.data()) else {
        return;
    };
    let mut items = Vec::new();
    for position in 0..data.length() {
        items.extend(data.get_index(scope, position));
    }
    let [resolver, referrer, specifier, attributes @ ..] = items.as_slice() else {
        return;
    };
    let Ok(promise) = v8::Local::<v8::Promise>::try_from(*resolver) else {
        return;
    };
    let resolver = super::import::as_resolver(promise);
    let referrer = referrer.to_rust_string_lossy(scope);
    let specifier = specifier.to_rust_string_lossy(scope);
    let attributes = attributes
        .chunks_exact(2)
        .map(|pair| (text(scope, pair.first()), text(scope, pair.last())))
        .collect();
    let scope = &mut v8::TryCatch::new(scope);
    if let Some(index) = load::load(scope, &specifier, &referrer, &attributes) {
        let url = state::<Map>(scope)
            .borrow()
            .records
            .get(index)
            .map(|record| record.url.clone());
        refuse(scope, &url.unwrap_or(specifier));
    }
    if !scope.has_terminated()
        && let Some(error) = scope.exception()
    {
        scope.reset();
        resolver.reject(scope, error);
    }
}

fn text(scope: &mut v8::HandleScope<'_>, value: Option<&v8::Local<'_, v8::Value>>) -> String {
    value
        .map(|value| value.to_rust_string_lossy(scope))
        .unwrap_or_default()
}

/// Called by V8 for each `import source` while it links: the graph is loaded.
#[expect(unsafe_code, reason = "V8 calls back without a scope")]
pub(super) fn resolve<'a>(
    context: v8::Local<'a, v8::Context>,
    specifier: v8::Local<'a, v8::String>,
    list: v8::Local<'a, v8::FixedArray>,
    referrer: v8::Local<'a, v8::Module>,
) -> Option<v8::Local<'a, v8::Object>> {
    // SAFETY: V8 calls this with the context it gives.
    let scope = &mut unsafe { v8::CallbackScope::new(context) };
    let specifier = specifier.to_rust_string_lossy(scope);
    let type_ = load::type_of(&link::attributes(scope, list, 3));
    let url = load::index_of(scope, referrer).and_then(|referrer| {
        let map = state::<Map>(scope);
        let map = map.borrow();
        let requests = map.records.get(referrer)?.requests.as_ref()?;
        let target = requests.get(&(specifier.clone(), type_))?;
        Some(map.records.get(*target)?.url.clone())
    });
    refuse(scope, &url.unwrap_or(specifier));
    None
}

fn refuse(scope: &mut v8::HandleScope<'_>, url: &str) {
    let message = format!("Source phase import object is not defined for module '{url}'");
    throw_coded(
        scope,
        "SyntaxError",
        Some("ERR_SOURCE_PHASE_NOT_DEFINED"),
        &message,
    );
}
