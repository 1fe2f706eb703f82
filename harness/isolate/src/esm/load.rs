//! Loading: from a specifier to a module record in the map.

use std::sync::Arc;

use adamant_modules::{Format, Resolved};

use super::map::{Index, Keep, Kind, Map, Record, TypeAttribute};
use super::synthetic;
use crate::cache::CodeCache;
use crate::commonjs;
use crate::native::modules::{self, throw_coded, throw_described, throw_read_error};
use crate::native::{state, string};
use crate::sources;

/// Import attributes as `(key, value)`.
pub(super) type Attributes = Vec<(String, String)>;

/// Loads what `specifier` means in the module at `referrer`; `None` with an exception pending if that fails.
pub(super) fn load(
    scope: &mut v8::HandleScope<'_>,
    specifier: &str,
    referrer: &str,
    attributes: &Attributes,
) -> Option<Index> {
    let resolver = modules::resolver(scope)?;
    match resolver.import(specifier, referrer) {
        Ok(resolved) => load_resolved(scope, resolved, attributes, false, None),
        Err(error) => {
            throw_described(scope, &error);
            None
        }
    }
}

/// The entry or a required module: a file by its path.
pub(super) fn load_path(
    scope: &mut v8::HandleScope<'_>,
    path: &str,
    is_main: bool,
    content: Option<v8::Local<'_, v8::String>>,
) -> Option<Index> {
    let resolver = modules::resolver(scope)?;
    let url = adamant_modules::path_to_file_url(path);
    // Whoever comes here with content has found out that it is an ES module.
    let format = if content.is_some() {
        Format::Module
    } else {
        resolver.format_of(path)
    };
    let resolved = Resolved::File {
        url,
        path: path.to_owned(),
        format,
    };
    load_resolved(scope, resolved, &Vec::new(), is_main, content)
}

fn load_resolved(
    scope: &mut v8::HandleScope<'_>,
    resolved: Resolved,
    attributes: &Attributes,
    is_main: bool,
    content: Option<v8::Local<'_, v8::String>>,
) -> Option<Index> {
    let (url, format) = match &resolved {
        Resolved::Builtin(id) => (format!("node:{id}"), None),
        Resolved::File { url, format, .. } | Resolved::Data { url, format, .. } => {
            (url.clone(), Some(format.clone()))
        }
    };
    // As in Node, attributes are checked when a module is loaded, not when it is found again.
    let given = type_of(attributes);
    let known = state::<Map>(scope).borrow().entry(&url, &given);
    if known.is_some() {
        return known;
    }
    check(scope, &url, format.as_ref(), attributes)?;
    match resolved {
        Resolved::Builtin(id) => builtin(scope, &url, id),
        Resolved::Data { format, source, .. } => {
            let text = v8::String::new_from_utf8(scope, &source, v8::NewStringType::Normal)?;
            match format {
                Format::Json => json(scope, &url, None, text),
                _ => source_text(scope, &url, None, text, false),
            }
        }
        Resolved::File { path, format, .. } => file(scope, &url, &path, &format, is_main, content),
    }
}

fn file(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    path: &str,
    format: &Format,
    is_main: bool,
    content: Option<v8::Local<'_, v8::String>>,
) -> Option<Index> {
    if let Format::CommonJs = format {
        return common_js(scope, url, path, is_main);
    }
    let text = match content {
        Some(content) => content,
        None => match modules::read(scope, path) {
            Ok(text) => text,
            Err(error) => {
                throw_read_error(scope, &error, path);
                return None;
            }
        },
    };
    match format {
        Format::Json => json(scope, url, Some(path), text),
        Format::Ambiguous if !commonjs::is_module(scope, text, path) => {
            common_js(scope, url, path, is_main)
        }
        Format::Ambiguous => {
            warn_typeless(scope, path);
            source_text(scope, url, Some(path), text, is_main)
        }
        Format::Module => source_text(scope, url, Some(path), text, is_main),
        Format::CommonJs
        | Format::Wasm
        | Format::Addon
        | Format::TypeScript(_)
        | Format::Unknown(_) => {
            let extension = path
                .rfind('.')
                .and_then(|dot| path.get(dot..))
                .unwrap_or(path);
            throw_coded(
                scope,
                "TypeError",
                Some("ERR_UNKNOWN_FILE_EXTENSION"),
                &format!("Unknown file extension \"{extension}\" for {path}"),
            );
            None
        }
    }
}

fn warn_typeless(scope: &mut v8::HandleScope<'_>, path: &str) {
    if let Some(warn) = modules::hook(scope, "typelessWarning") {
        let path = string(scope, path).into();
        let undefined = v8::undefined(scope).into();
        let scope = &mut v8::TryCatch::new(scope);
        let _a_warning_breaks_nothing = warn.call(scope, undefined, &[path]);
    }
}

/// Whether the attributes fit the module; Node's errors otherwise.
fn check(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    format: Option<&Format>,
    attributes: &Attributes,
) -> Option<()> {
    if let Some((key, value)) = attributes.iter().find(|(key, _)| key != "type") {
        let message =
            format!("Import attribute \"{key}\" with value \"{value}\" is not supported in {url}");
        throw_coded(
            scope,
            "TypeError",
            Some("ERR_IMPORT_ATTRIBUTE_UNSUPPORTED"),
            &message,
        );
        return None;
    }
    let given = attributes.first().map(|(_, value)| value.as_str());
    let wanted = matches!(format, Some(Format::Json)).then_some("json");
    if given == wanted {
        return Some(());
    }
    let (code, message) = match (given, wanted) {
        (None, Some(wanted)) => (
            "ERR_IMPORT_ATTRIBUTE_MISSING",
            format!("Module \"{url}\" needs an import attribute of \"type: {wanted}\""),
        ),
        (Some("json"), _) => (
            "ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE",
            format!("Module \"{url}\" is not of type \"json\""),
        ),
        (Some(other), _) => (
            "ERR_IMPORT_ATTRIBUTE_UNSUPPORTED",
            format!("Import attribute \"type\" with value \"{other}\" is not supported in {url}"),
        ),
        (None, None) => return Some(()),
    };
    throw_coded(scope, "TypeError", Some(code), &message);
    None
}

/// The `type` among attributes.
pub(super) fn type_of(attributes: &Attributes) -> TypeAttribute {
    attributes
        .iter()
        .find(|(key, _)| key == "type")
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

fn add(
    scope: &mut v8::HandleScope<'_>,
    module: v8::Local<'_, v8::Module>,
    type_: &str,
    record: Record,
) -> Index {
    let hash = module.get_identity_hash().get();
    state::<Map>(scope)
        .borrow_mut()
        .add(hash, Some(type_.to_owned()), record)
}

fn builtin(scope: &mut v8::HandleScope<'_>, url: &str, id: &str) -> Option<Index> {
    let exports = synthetic::builtin_exports(scope, id)?;
    let names = synthetic::builtin_names(scope, exports);
    let kind = Kind::Builtin {
        id: id.to_owned(),
        names,
    };
    let (module, record) = synthetic::make(scope, url, None, kind, false);
    Some(add(scope, module, "", record))
}

fn common_js(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    path: &str,
    is_main: bool,
) -> Option<Index> {
    let resolver = modules::resolver(scope)?;
    let names: Arc<[String]> = adamant_modules::exports_of(&resolver, path)
        .into_iter()
        .filter(|name| name != "default" && name != synthetic::MODULE_EXPORTS)
        .collect();
    let prepare = modules::hook(scope, "prepareCommonJs")?;
    let guest_path = string(scope, path).into();
    let undefined = v8::undefined(scope).into();
    prepare.call(scope, undefined, &[guest_path])?;
    let kind = Kind::CommonJs {
        path: path.to_owned(),
        names,
    };
    let (module, record) = synthetic::make(scope, url, Some(path.to_owned()), kind, is_main);
    Some(add(scope, module, "", record))
}

fn json(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    path: Option<&str>,
    text: v8::Local<'_, v8::String>,
) -> Option<Index> {
    let parse = modules::hook(scope, "jsonModule")?;
    let undefined: v8::Local<'_, v8::Value> = v8::undefined(scope).into();
    let guest_path = match path {
        Some(path) => string(scope, path).into(),
        None => undefined,
    };
    let value = parse.call(scope, undefined, &[guest_path, text.into()])?;
    let value = v8::Global::new(scope, value);
    let (module, record) = synthetic::make(
        scope,
        url,
        path.map(str::to_owned),
        Kind::Value(value),
        false,
    );
    Some(add(scope, module, "json", record))
}

fn source_text(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    path: Option<&str>,
    text: v8::Local<'_, v8::String>,
    is_main: bool,
) -> Option<Index> {
    let cached = path.and_then(|path| {
        let (cache, key) = commonjs::cache_of(scope, path)?;
        let source = sources::hash(scope, &key, text);
        Some((cache, Keep { key, source }))
    });
    let (module, keep) = compile(scope, url, text, cached)?;
    let record = Record {
        module: v8::Global::new(scope, module),
        url: url.to_owned(),
        path: path.map(str::to_owned),
        kind: Kind::Source,
        is_main,
        requests: None,
        evaluation: None,
        keep,
    };
    Some(add(scope, module, "", record))
}

fn compile<'s>(
    scope: &mut v8::HandleScope<'s>,
    url: &str,
    text: v8::Local<'_, v8::String>,
    cached: Option<(Arc<CodeCache>, Keep)>,
) -> Option<(v8::Local<'s, v8::Module>, Option<Keep>)> {
    let name = string(scope, url);
    let origin = v8::ScriptOrigin::new(
        scope,
        name.into(),
        0,
        0,
        false,
        0,
        None,
        false,
        false,
        true,
        None,
    );
    let code = cached
        .as_ref()
        .and_then(|(cache, keep)| cache.get(&keep.key, keep.source));
    let (mut source, options) = match &code {
        Some(code) => (
            v8::script_compiler::Source::new_with_cached_data(
                text,
                Some(&origin),
                v8::script_compiler::CachedData::new(code),
            ),
            v8::script_compiler::CompileOptions::ConsumeCodeCache,
        ),
        None => (
            v8::script_compiler::Source::new(text, Some(&origin)),
            v8::script_compiler::CompileOptions::NoCompileOptions,
        ),
    };
    let module = v8::script_compiler::compile_module2(
        scope,
        &mut source,
        options,
        v8::script_compiler::NoCacheReason::NoReason,
    )?;
    let rejected = code.is_some()
        && source
            .get_cached_data()
            .is_some_and(v8::CachedData::rejected);
    let keep = cached.and_then(|(cache, keep)| {
        if rejected {
            cache.reject(&keep.key);
        }
        (code.is_none() || rejected).then_some(keep)
    });
    Some((module, keep))
}

/// A small module of our own text, which no specifier finds.
pub(super) fn add_unlisted(
    scope: &mut v8::HandleScope<'_>,
    url: &str,
    text: &str,
    requests: std::collections::HashMap<(String, TypeAttribute), Index>,
) -> Option<Index> {
    let text = string(scope, text);
    let (module, _) = compile(scope, url, text, None)?;
    let record = Record {
        module: v8::Global::new(scope, module),
        url: url.to_owned(),
        path: None,
        kind: Kind::Source,
        is_main: false,
        requests: Some(requests),
        evaluation: None,
        keep: None,
    };
    let hash = module.get_identity_hash().get();
    Some(state::<Map>(scope).borrow_mut().add(hash, None, record))
}

/// The index of a module record.
pub(super) fn index_of(
    scope: &mut v8::HandleScope<'_>,
    module: v8::Local<'_, v8::Module>,
) -> Option<Index> {
    let candidates: Vec<_> = {
        let map = state::<Map>(scope);
        let map = map.borrow();
        map.with_hash(module.get_identity_hash().get())
            .iter()
            .filter_map(|index| Some((*index, map.module(*index)?)))
            .collect()
    };
    candidates
        .into_iter()
        .find(|(_, candidate)| v8::Local::new(scope, candidate) == module)
        .map(|(index, _)| index)
}

/// Remembers a CommonJS function whose code is kept after the execution.
pub(crate) fn note_function(
    scope: &mut v8::HandleScope<'_>,
    function: v8::Local<'_, v8::Function>,
    keep: Keep,
) {
    let function = v8::Global::new(scope, function);
    state::<Map>(scope)
        .borrow_mut()
        .functions
        .push((function, keep));
}

/// Puts the code of this execution's modules into the function-level cache. After they ran, it holds what they really used.
pub(crate) fn keep_code(scope: &mut v8::HandleScope<'_>) {
    let Some((cache, _)) = commonjs::cache_of(scope, "") else {
        return;
    };
    let (functions, modules) = {
        let map = state::<Map>(scope);
        let mut map = map.borrow_mut();
        let modules: Vec<_> = map
            .records
            .iter_mut()
            .filter_map(|record| Some((record.module.clone(), record.keep.take()?)))
            .collect();
        (std::mem::take(&mut map.functions), modules)
    };
    for (function, keep) in functions {
        let scope = &mut v8::HandleScope::new(scope);
        let function = v8::Local::new(scope, function);
        if let Some(code) = function.create_code_cache() {
            cache.insert(keep.key, keep.source, &code);
        }
    }
    for (module, keep) in modules {
        let scope = &mut v8::HandleScope::new(scope);
        let module = v8::Local::new(scope, module);
        // A failed module has lost its script.
        if module.get_status() == v8::ModuleStatus::Evaluated
            && let Some(code) = module.get_unbound_module_script(scope).create_code_cache()
        {
            cache.insert(keep.key, keep.source, &code);
        }
    }
}
