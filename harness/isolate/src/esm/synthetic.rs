//! Modules without source text: CommonJS, JSON and builtins as ES modules.

use std::sync::Arc;

use super::load::index_of;
use super::map::{Kind, Map, Record};
use crate::native::{modules, state, string};

/// Makes the module record of something that is no source text.
pub(super) fn make<'s>(
    scope: &mut v8::HandleScope<'s>,
    url: &str,
    path: Option<String>,
    kind: Kind,
    is_main: bool,
) -> (v8::Local<'s, v8::Module>, Record) {
    let mut names: Vec<v8::Local<'_, v8::String>> = Vec::new();
    match &kind {
        Kind::CommonJs {
            names: detected, ..
        } => {
            names.extend(detected.iter().map(|name| string(scope, name)));
            names.push(string(scope, "default"));
            names.push(string(scope, MODULE_EXPORTS));
        }
        Kind::Builtin { names: members, .. } => {
            names.extend(members.iter().map(|name| string(scope, name)));
            names.push(string(scope, "default"));
        }
        Kind::Value(_) | Kind::Source => names.push(string(scope, "default")),
    }
    let name = string(scope, url);
    let module = v8::Module::create_synthetic_module(scope, name, &names, evaluate);
    let record = Record {
        module: v8::Global::new(scope, module),
        url: url.to_owned(),
        path,
        kind,
        is_main,
        requests: Some(std::collections::HashMap::new()),
        evaluation: None,
        keep: None,
    };
    (module, record)
}

/// The export under which Node gives the whole of a CommonJS module.
pub(super) const MODULE_EXPORTS: &str = "module.exports";

/// Called by V8 when a synthetic module is evaluated.
#[expect(unsafe_code, reason = "V8 calls back without a scope")]
fn evaluate<'a>(
    context: v8::Local<'a, v8::Context>,
    module: v8::Local<'a, v8::Module>,
) -> Option<v8::Local<'a, v8::Value>> {
    // SAFETY: V8 calls this with the context it gives.
    let scope = &mut unsafe { v8::CallbackScope::new(context) };
    let index = index_of(scope, module)?;
    let (kind, is_main) = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        let record = map.records.get(index)?;
        (record.kind.clone(), record.is_main)
    };
    match kind {
        Kind::CommonJs { path, names } => common_js(scope, module, &path, &names, is_main)?,
        Kind::Value(value) => {
            let value = v8::Local::new(scope, value);
            export(scope, module, "default", value)?;
        }
        Kind::Builtin { id, names } => builtin(scope, module, &id, &names)?,
        Kind::Source => {}
    }
    let resolver = v8::PromiseResolver::new(scope)?;
    let undefined = v8::undefined(scope);
    resolver.resolve(scope, undefined.into());
    Some(resolver.get_promise(scope).into())
}

fn export(
    scope: &mut v8::HandleScope<'_>,
    module: v8::Local<'_, v8::Module>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let name = string(scope, name);
    module
        .set_synthetic_module_export(scope, name, value)
        .map(drop)
}

fn common_js(
    scope: &mut v8::HandleScope<'_>,
    module: v8::Local<'_, v8::Module>,
    path: &str,
    names: &[String],
    is_main: bool,
) -> Option<()> {
    let evaluate = modules::hook(scope, "evaluateCommonJs")?;
    let path = string(scope, path).into();
    let list: Vec<v8::Local<'_, v8::Value>> = names
        .iter()
        .map(|name| string(scope, name).into())
        .collect();
    let list = v8::Array::new_with_elements(scope, &list).into();
    let is_main = v8::Boolean::new(scope, is_main).into();
    let undefined = v8::undefined(scope).into();
    let values = evaluate.call(scope, undefined, &[path, list, is_main])?;
    let values: v8::Local<'_, v8::Array> = values.try_into().ok()?;
    let whole = values.get_index(scope, 0)?;
    for (position, name) in (1..).zip(names) {
        let value = values.get_index(scope, position)?;
        export(scope, module, name, value)?;
    }
    export(scope, module, "default", whole)?;
    export(scope, module, MODULE_EXPORTS, whole)
}

fn builtin(
    scope: &mut v8::HandleScope<'_>,
    module: v8::Local<'_, v8::Module>,
    id: &str,
    names: &[String],
) -> Option<()> {
    let exports = builtin_exports(scope, id)?;
    if let Ok(object) = v8::Local::<v8::Object>::try_from(exports) {
        for name in names {
            let key = string(scope, name);
            let value = {
                // A getter that refuses does not keep the others from being there.
                let scope = &mut v8::TryCatch::new(scope);
                object.get(scope, key.into())
            };
            let value = value.unwrap_or_else(|| v8::undefined(scope).into());
            export(scope, module, name, value)?;
        }
    }
    export(scope, module, "default", exports)
}

/// The exports of a builtin, loaded if need be.
pub(super) fn builtin_exports<'s>(
    scope: &mut v8::HandleScope<'s>,
    id: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let load = modules::hook(scope, "builtinExports")?;
    let id = string(scope, id).into();
    let undefined = v8::undefined(scope).into();
    load.call(scope, undefined, &[id])
}

/// The names that `import { … } from 'builtin'` finds: the own enumerable string keys.
pub(super) fn builtin_names(
    scope: &mut v8::HandleScope<'_>,
    exports: v8::Local<'_, v8::Value>,
) -> Arc<[String]> {
    let mut names = Vec::new();
    if let Ok(object) = v8::Local::<v8::Object>::try_from(exports)
        && let Some(keys) = object.get_own_property_names(
            scope,
            v8::GetPropertyNamesArgsBuilder::new()
                .mode(v8::KeyCollectionMode::OwnOnly)
                .property_filter(
                    v8::PropertyFilter::ONLY_ENUMERABLE | v8::PropertyFilter::SKIP_SYMBOLS,
                )
                .key_conversion(v8::KeyConversionMode::ConvertToString)
                .build(),
        )
    {
        for position in 0..keys.length() {
            if let Some(key) = keys.get_index(scope, position) {
                let key = key.to_rust_string_lossy(scope);
                if key != "default" {
                    names.push(key);
                }
            }
        }
    }
    names.into()
}

/// `module.syncBuiltinESMExports()`: builtins that were imported show what their objects hold now.
pub(crate) fn sync_builtins(scope: &mut v8::HandleScope<'_>) -> Option<()> {
    let builtins: Vec<_> = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        map.records
            .iter()
            .filter_map(|record| match &record.kind {
                Kind::Builtin { id, names } => {
                    Some((record.module.clone(), id.clone(), Arc::clone(names)))
                }
                _ => None,
            })
            .collect()
    };
    for (module, id, names) in builtins {
        let module = v8::Local::new(scope, module);
        if module.get_status() == v8::ModuleStatus::Evaluated {
            builtin(scope, module, &id, &names)?;
        }
    }
    Some(())
}
