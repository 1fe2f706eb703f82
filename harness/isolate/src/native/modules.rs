//! `native.modules`: resolution, compilation and the answers of a handler, for the loader's JavaScript.

use std::sync::Arc;

use adamant_modules::{RequireContext, ResolveError, Resolver, Warning};

use super::{Room, null_object, state, string};
use crate::cache::CodeCache;
use crate::execution::{Package, Response, Thrown};
use crate::{builtins, commonjs, esm, report, sources};

/// What a handler gave so far.
#[derive(Default)]
pub(crate) enum Answer {
    /// Nothing yet.
    #[default]
    None,
    /// Its response.
    Response(Response),
    /// It failed.
    Failed(Thrown),
}

/// Where the entry's evaluation stands, when it is an ES module.
#[derive(Default, Clone)]
pub(crate) enum MainState {
    /// The entry is no ES module.
    #[default]
    None,
    /// It did not settle yet; the module's index, once it is loaded.
    Pending(Option<usize>),
    /// It settled.
    Settled,
}

/// What the loader of one execution knows.
#[derive(Default)]
pub(crate) struct ModulesState {
    /// What the engine calls in JavaScript.
    pub(crate) hooks: Option<v8::Global<v8::Object>>,
    /// Those of them that every execution calls, taken out before it begins.
    pub(crate) frequent: Vec<(&'static str, v8::Global<v8::Function>)>,
    /// Resolution in the package; shared with later executions of the same content.
    pub(crate) resolver: Option<Arc<Resolver>>,
    /// Where compiled code is kept.
    pub(crate) cache: Option<Arc<CodeCache>>,
    /// `functionId` and `packageHash` of the cache's keys.
    pub(crate) owner: (String, String),
    pub(crate) answer: Answer,
    /// Whether the handler's promise settled.
    pub(crate) settled: bool,
    pub(crate) main: MainState,
    /// The namespace promise of an entry that turned out to be an ES module while it was required.
    pub(crate) main_promise: Option<v8::Global<v8::Promise>>,
    /// Whether a handler's entry awaits the evaluation itself.
    pub(crate) entry_awaited: bool,
    /// Why the entry's evaluation failed: an uncaught error, as soon as the loop sees it.
    pub(crate) fatal: Option<v8::Global<v8::Value>>,
}

impl ModulesState {
    pub(crate) fn new(package: &Package, cache: Arc<CodeCache>) -> Self {
        Self {
            resolver: Some(cache.resolver(package)),
            owner: (package.function_id.clone(), package.hash.clone()),
            cache: Some(cache),
            ..Self::default()
        }
    }
}

/// A function of the bootstrap that the engine calls.
pub(crate) fn hook<'s>(
    scope: &mut v8::HandleScope<'s>,
    name: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    let hooks = {
        let state = state::<ModulesState>(scope);
        let state = state.borrow();
        if let Some((_, function)) = state.frequent.iter().find(|(known, _)| *known == name) {
            return Some(v8::Local::new(scope, function));
        }
        state.hooks.clone()?
    };
    let hooks = v8::Local::new(scope, hooks);
    function_of(scope, hooks, name)
}

/// A function of the hooks.
pub(crate) fn function_of<'s>(
    scope: &mut v8::HandleScope<'s>,
    hooks: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    let name = string(scope, name);
    hooks.get(scope, name.into())?.try_into().ok()
}

/// Resolution in the package that runs.
pub(crate) fn resolver(scope: &mut v8::HandleScope<'_>) -> Option<Arc<Resolver>> {
    state::<ModulesState>(scope).borrow().resolver.clone()
}

pub(crate) fn room() -> Room {
    Room::new("modules")
        .function("compileBuiltin", compile_builtin)
        .function("builtinWords", builtin_words)
        .function("publicBuiltins", public_builtins)
        .function("schemeOnlyBuiltins", scheme_only_builtins)
        .function("descriptionBrand", description_brand)
        .function("isNativeError", is_native_error)
        .function("nodeModulePaths", node_module_paths)
        .function("lookupPaths", lookup_paths)
        .function("findPath", find_path)
        .function("resolveFilename", resolve_filename)
        .function("resolveAgain", resolve_again)
        .function("resolveMain", resolve_main)
        .function("importMetaResolve", import_meta_resolve)
        .function("packageScope", package_scope)
        .function("findPackageJson", find_package_json)
        .function("formatOf", format_of)
        .function("readText", read_text)
        .function("compileCommonJs", compile_common_js)
        .function("compileFile", compile_file)
        .function("compileScript", compile_script)
        .function("importMain", import_main)
        .function("importEntry", import_entry)
        .function("takeMainPromise", take_main_promise)
        .function("requireEsm", require_esm)
        .function("requireWrapper", require_wrapper)
        .function("syncBuiltinExports", sync_builtin_exports)
        .function("request", request)
        .function("respond", respond)
        .function("handlerSettled", handler_settled)
        .function("handlerFailed", handler_failed)
}

type Args<'a> = v8::FunctionCallbackArguments<'a>;
type Return<'a> = v8::ReturnValue<'a>;
type Scope<'s> = v8::HandleScope<'s>;

/// The key that marks what a native returns in place of its value as the description of an error.
const BRAND: &str = "\0adamant error";

fn description_brand(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let brand = string(scope, BRAND);
    rv.set(brand.into());
}

fn compile_builtin<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let id = args.get(0).to_rust_string_lossy(scope);
    if builtins::source(&id).is_none() {
        let message = format!("no builtin `{id}` is embedded");
        let error = super::error(scope, &message);
        scope.throw_exception(error);
    } else if let Some(function) = builtins::compile(scope, &id) {
        rv.set(function.into());
    }
}

fn string_list<'s, T: AsRef<str>>(
    scope: &mut Scope<'s>,
    list: impl IntoIterator<Item = T>,
) -> v8::Local<'s, v8::Array> {
    let list: Vec<v8::Local<'_, v8::Value>> = list
        .into_iter()
        .map(|text| string(scope, text.as_ref()).into())
        .collect();
    v8::Array::new_with_elements(scope, &list)
}

fn builtin_words(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let list = string_list(scope, builtins::words());
    rv.set(list.into());
}

fn public_builtins(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let list = string_list(scope, builtins::public());
    rv.set(list.into());
}

fn scheme_only_builtins(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let list = string_list(scope, builtins::scheme_only());
    rv.set(list.into());
}

fn is_native_error(_scope: &mut Scope<'_>, args: Args<'_>, mut rv: Return<'_>) {
    rv.set_bool(args.get(0).is_native_error());
}

fn put(scope: &mut Scope<'_>, object: v8::Local<'_, v8::Object>, key: &str, value: &str) {
    let key = string(scope, key);
    let value = string(scope, value);
    object.set(scope, key.into(), value.into());
}

/// Describes an error for `internal/modules/errors`: its constructor, message and properties.
pub(crate) fn describe<'s>(
    scope: &mut Scope<'s>,
    error: &ResolveError,
) -> v8::Local<'s, v8::Object> {
    let description = null_object(scope);
    let extra = null_object(scope);
    put(scope, description, "kind", error.kind.name());
    put(scope, description, "message", &error.message);
    if let Some(code) = error.code {
        put(scope, description, "code", code);
    }
    if let Some(json) = &error.json_source {
        put(scope, description, "jsonSource", json);
    }
    let members = [
        ("url", &error.url),
        ("path", &error.path),
        ("requestPath", &error.request_path),
        ("input", &error.input),
        ("module", &error.module),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            put(scope, extra, key, value);
        }
    }
    if let Some(stack) = &error.require_stack {
        let stack = string_list(scope, stack);
        let key = string(scope, "requireStack");
        extra.set(scope, key.into(), stack.into());
    }
    if let Some(cause) = &error.cause {
        let cause = describe(scope, cause);
        let key = string(scope, "cause");
        description.set(scope, key.into(), cause.into());
    }
    let key = string(scope, "extra");
    description.set(scope, key.into(), extra.into());
    let brand = string(scope, BRAND);
    let yes = v8::Boolean::new(scope, true);
    description.set(scope, brand.into(), yes.into());
    description
}

/// Throws what resolution says, as a JavaScript error.
pub(crate) fn throw_described(scope: &mut Scope<'_>, error: &ResolveError) {
    let description = describe(scope, error);
    let Some(make) = hook(scope, "nodeError") else {
        return;
    };
    let undefined = v8::undefined(scope).into();
    if let Some(error) = make.call(scope, undefined, &[description.into()]) {
        scope.throw_exception(error);
    }
}

/// Throws an error with a code, in Node's shape.
pub(crate) fn throw_coded(scope: &mut Scope<'_>, kind: &str, code: Option<&str>, message: &str) {
    let description = null_object(scope);
    for (key, value) in [
        ("kind", Some(kind)),
        ("code", code),
        ("message", Some(message)),
    ] {
        if let Some(value) = value {
            let key = string(scope, key);
            let value = string(scope, value);
            description.set(scope, key.into(), value.into());
        }
    }
    let Some(make) = hook(scope, "nodeError") else {
        return;
    };
    let undefined = v8::undefined(scope).into();
    if let Some(error) = make.call(scope, undefined, &[description.into()]) {
        scope.throw_exception(error);
    }
}

fn set_result(scope: &mut Scope<'_>, rv: &mut Return<'_>, result: Result<String, ResolveError>) {
    match result {
        Ok(text) => {
            let text = string(scope, &text);
            rv.set(text.into());
        }
        Err(error) => {
            let description = describe(scope, &error);
            rv.set(description.into());
        }
    }
}

/// A string argument, if it is one.
fn text_at(scope: &mut Scope<'_>, args: &Args<'_>, position: i32) -> Option<String> {
    let value = args.get(position);
    value.is_string().then(|| value.to_rust_string_lossy(scope))
}

/// A list of strings; what is none is turned into one.
fn list_at(scope: &mut Scope<'_>, args: &Args<'_>, position: i32) -> Option<Vec<String>> {
    let list: v8::Local<'_, v8::Array> = args.get(position).try_into().ok()?;
    let mut texts = Vec::new();
    for index in 0..list.length() {
        let value = list.get_index(scope, index)?;
        texts.push(report::text(scope, value));
    }
    Some(texts)
}

/// Gives the warnings on the way to the callback that emits them.
fn emit_warnings(scope: &mut Scope<'_>, callback: v8::Local<'_, v8::Value>, warnings: &[Warning]) {
    if warnings.is_empty() {
        return;
    }
    if let Ok(callback) = v8::Local::<v8::Function>::try_from(callback) {
        let flat = warnings
            .iter()
            .flat_map(|warning| [warning.code, warning.message.as_str()]);
        let list = string_list(scope, flat);
        let undefined = v8::undefined(scope).into();
        let _thrown_on = callback.call(scope, undefined, &[list.into()]);
    }
}

fn node_module_paths<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let from = args.get(0).to_rust_string_lossy(scope);
    let list = string_list(scope, Resolver::node_module_paths(&from));
    rv.set(list.into());
}

/// `lookupPaths(request, filename, paths)`.
fn lookup_paths<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let request = args.get(0).to_rust_string_lossy(scope);
    let filename = text_at(scope, &args, 1);
    let paths = list_at(scope, &args, 2);
    let context = RequireContext {
        filename: filename.as_deref(),
        module_paths: paths.as_deref(),
        ..RequireContext::default()
    };
    if let Some(found) = resolver.lookup_paths(&request, &context) {
        let list = string_list(scope, found);
        rv.set(list.into());
    }
}

/// `findPath(request, paths, extensions, warn)` → path, `undefined`, or the description of an error.
fn find_path<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let request = args.get(0).to_rust_string_lossy(scope);
    let paths = list_at(scope, &args, 1).unwrap_or_default();
    let extensions = list_at(scope, &args, 2).unwrap_or_default();
    let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
    let context = RequireContext {
        extensions: &extensions,
        ..RequireContext::default()
    };
    let mut warnings = Vec::new();
    let found = resolver.find_path(&request, &paths, &context, &mut warnings);
    emit_warnings(scope, args.get(3), &warnings);
    if let Some(result) = found.transpose() {
        set_result(scope, &mut rv, result);
    }
}

/// `resolveFilename(request, filename, modulePaths, requireStack, explicitPaths, extensions, warn)`.
fn resolve_filename<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let request = args.get(0).to_rust_string_lossy(scope);
    let filename = text_at(scope, &args, 1);
    let module_paths = list_at(scope, &args, 2);
    let stack = list_at(scope, &args, 3);
    let paths = list_at(scope, &args, 4);
    let extensions = list_at(scope, &args, 5).unwrap_or_default();
    let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
    let context = RequireContext {
        filename: filename.as_deref(),
        module_paths: module_paths.as_deref(),
        require_stack: stack.as_deref(),
        paths: paths.as_deref(),
        extensions: &extensions,
        ..RequireContext::default()
    };
    let mut warnings = Vec::new();
    let result = resolver.require_resolve(&request, &context, &mut warnings);
    emit_warnings(scope, args.get(6), &warnings);
    set_result(scope, &mut rv, result);
}

/// `resolveAgain(request, filename)` → the path that a module of which nothing was changed gets, or `undefined` where the long way
/// has more to say: an error, a warning, a builtin.
fn resolve_again<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let request = args.get(0).to_rust_string_lossy(scope);
    let filename = args.get(1).to_rust_string_lossy(scope);
    if let Some(path) = resolver.require_path(&request, &filename) {
        // Internalised: it is a key of the module cache next.
        let path =
            v8::String::new_from_utf8(scope, path.as_bytes(), v8::NewStringType::Internalized);
        if let Some(path) = path {
            rv.set(path.into());
        }
    }
}

/// `resolveMain(entry)` → path of the entry without links, or `undefined`.
fn resolve_main<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let entry = args.get(0).to_rust_string_lossy(scope);
    let entry = if entry.starts_with('/') {
        entry
    } else {
        format!("/{entry}")
    };
    let found = resolver.find_path(&entry, &[], &RequireContext::default(), &mut Vec::new());
    if let Some(result) = found.transpose() {
        set_result(scope, &mut rv, result);
    }
}

fn import_meta_resolve<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let specifier = args.get(0).to_rust_string_lossy(scope);
    let parent = args.get(1).to_rust_string_lossy(scope);
    let result = resolver.import_meta_resolve(&specifier, &parent);
    set_result(scope, &mut rv, result);
}

/// `packageScope(path)` → path of the `package.json` that rules it, or `undefined`.
fn package_scope<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Some(package) = resolver.package_scope(&path) {
        let path = string(scope, package.path());
        rv.set(path.into());
    }
}

/// `findPackageJson(specifier, parentUrl)` → path of the `package.json` of the package that it resolves to.
fn find_package_json<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let specifier = args.get(0).to_rust_string_lossy(scope);
    let parent = args.get(1).to_rust_string_lossy(scope);
    match resolver.import_meta_resolve(&specifier, &parent) {
        Ok(url) => {
            let path = adamant_modules::file_url_to_path(&url).ok();
            if let Some(package) = path.and_then(|path| resolver.package_scope(&path)) {
                let path = string(scope, package.path());
                rv.set(path.into());
            }
        }
        Err(error) => set_result(scope, &mut rv, Err(error)),
    }
}

/// `formatOf(path)` → `commonjs`, `module`, `json`, `wasm`, `ambiguous`, or `undefined` for others.
fn format_of<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    use adamant_modules::Format;
    let Some(resolver) = resolver(scope) else {
        return;
    };
    let path = args.get(0).to_rust_string_lossy(scope);
    let name = match resolver.format_of(&path) {
        Format::CommonJs => "commonjs",
        Format::Module => "module",
        Format::Json => "json",
        Format::Wasm => "wasm",
        Format::Ambiguous => "ambiguous",
        Format::Addon | Format::TypeScript(_) | Format::Unknown(_) => return,
    };
    let name = string(scope, name);
    rv.set(name.into());
}

/// `readText(path)`: a whole file as text; an error like that of `fs.readFileSync`.
fn read_text<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let path = args.get(0).to_rust_string_lossy(scope);
    match read(scope, &path) {
        Ok(text) => rv.set(text.into()),
        Err(error) => throw_read_error(scope, &error, &path),
    }
}

/// The text of a file.
pub(crate) fn read<'s>(
    scope: &mut Scope<'s>,
    path: &str,
) -> std::io::Result<v8::Local<'s, v8::String>> {
    sources::read(scope, path)
}

/// Linux's number for a circle of links, for which the standard library has no stable name.
const ELOOP: i32 = 40;

/// Throws what `fs.readFileSync` would.
pub(crate) fn throw_read_error(scope: &mut Scope<'_>, error: &std::io::Error, path: &str) {
    use std::io::ErrorKind;
    let (code, number, text, call) = match error.kind() {
        _ if error.raw_os_error() == Some(ELOOP) => {
            ("ELOOP", -40, "too many symbolic links encountered", "open")
        }
        ErrorKind::NotFound => ("ENOENT", -2, "no such file or directory", "open"),
        ErrorKind::IsADirectory => ("EISDIR", -21, "illegal operation on a directory", "read"),
        ErrorKind::NotADirectory => ("ENOTDIR", -20, "not a directory", "open"),
        ErrorKind::FileTooLarge => ("EFBIG", -27, "file too large", "read"),
        _ => ("EACCES", -13, "permission denied", "open"),
    };
    let of = if call == "read" {
        String::new()
    } else {
        format!(" '{path}'")
    };
    let error = super::error(scope, &format!("{code}: {text}, {call}{of}"));
    if let Ok(object) = v8::Local::<v8::Object>::try_from(error) {
        let number = v8::Integer::new(scope, number).into();
        let code = string(scope, code).into();
        let call_name = string(scope, call).into();
        let path = string(scope, path).into();
        let mut members = vec![("errno", number), ("code", code), ("syscall", call_name)];
        if call == "open" {
            members.push(("path", path));
        }
        for (key, value) in members {
            let key = string(scope, key);
            object.create_data_property(scope, key.into(), value);
        }
    }
    scope.throw_exception(error);
}

/// `compileCommonJs(content, filename, isCommonJs)` → the wrapper function, or `true` when it reads as an ES module.
fn compile_common_js<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Ok(content) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    let filename = args.get(1).to_rust_string_lossy(scope);
    match commonjs::compile(scope, content, &filename, args.get(2).is_true()) {
        Some(commonjs::Compiled::Function(function)) => rv.set(function.into()),
        Some(commonjs::Compiled::IsModule) => rv.set_bool(true),
        None => {}
    }
}

/// `compileFile(filename)` → the wrapper function of a file that is CommonJS, or `undefined` where the long way has more to say.
fn compile_file<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    use adamant_modules::Format;
    let filename = args.get(0).to_rust_string_lossy(scope);
    let may_be = resolver(scope).is_some_and(|resolver| {
        matches!(
            resolver.format_of(&filename),
            Format::CommonJs | Format::Ambiguous
        )
    });
    if !may_be {
        return;
    }
    let Ok(content) = sources::read(scope, &filename) else {
        return;
    };
    if let Some(function) = commonjs::compile_quietly(scope, content, &filename) {
        rv.set(function.into());
    }
}

/// `compileScript(source, filename)` → its completion value: what `Module.wrap` made, once a package replaced that.
fn compile_script<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let Ok(source) = v8::Local::<v8::String>::try_from(args.get(0)) else {
        return;
    };
    let name = args.get(1);
    let origin =
        v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, false, None);
    let value =
        v8::Script::compile(scope, source, Some(&origin)).and_then(|script| script.run(scope));
    if let Some(value) = value {
        rv.set(value);
    }
}

/// `importMain(path)`: the entry is an ES module.
fn import_main<'s>(scope: &mut Scope<'s>, args: Args<'s>, _rv: Return<'_>) {
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Some(promise) = esm::import_main(scope, &path) {
        let promise = v8::Global::new(scope, promise);
        state::<ModulesState>(scope).borrow_mut().main_promise = Some(promise);
    }
}

/// `importEntry(path)` → promise of the namespace of a handler's module.
fn import_entry<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Some(promise) = esm::import_entry(scope, &path) {
        rv.set(promise.into());
    }
}

fn take_main_promise(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let promise = {
        let state = state::<ModulesState>(scope);
        let mut state = state.borrow_mut();
        state.entry_awaited = true;
        state.main_promise.take()
    };
    if let Some(promise) = promise {
        let promise = v8::Local::new(scope, promise);
        rv.set(promise.into());
    }
}

/// `requireEsm(path, parentPath, content)` → namespace.
fn require_esm<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let path = args.get(0).to_rust_string_lossy(scope);
    let parent = args.get(1).to_rust_string_lossy(scope);
    let content = v8::Local::<v8::String>::try_from(args.get(2)).ok();
    if let Some(namespace) = esm::require(scope, &path, &parent, content) {
        rv.set(namespace);
    }
}

/// `requireWrapper(path)` → namespace of the module with `__esModule: true` beside its exports.
fn require_wrapper<'s>(scope: &mut Scope<'s>, args: Args<'s>, mut rv: Return<'_>) {
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Some(namespace) = esm::require_wrapper(scope, &path) {
        rv.set(namespace);
    }
}

fn sync_builtin_exports(scope: &mut Scope<'_>, _args: Args<'_>, _rv: Return<'_>) {
    let _thrown_on = esm::sync_builtins(scope);
}

/// `request()` → the `req` that was given, as plain data.
fn request(scope: &mut Scope<'_>, _args: Args<'_>, mut rv: Return<'_>) {
    let request = Arc::clone(
        &state::<super::process::ProcessState>(scope)
            .borrow()
            .request,
    );
    let text = match &request.request {
        Some(request) => request.to_string(),
        None => "{}".to_owned(),
    };
    let text = string(scope, &text);
    if let Some(value) = v8::json::parse(scope, text) {
        rv.set(value);
    }
}

/// `respond(status, [name, value, …], text | bytes)`.
fn respond<'s>(scope: &mut Scope<'s>, args: Args<'s>, _rv: Return<'_>) {
    let status = args
        .get(0)
        .uint32_value(scope)
        .and_then(|status| status.try_into().ok());
    let flat = list_at(scope, &args, 1).unwrap_or_default();
    let headers = flat
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [name, value] => Some((name.clone(), value.clone())),
            _ => None,
        })
        .collect();
    let data = args.get(2);
    let body = if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(data) {
        let mut bytes = vec![0; view.byte_length()];
        let copied = view.copy_contents(&mut bytes);
        bytes.truncate(copied);
        bytes
    } else {
        data.to_rust_string_lossy(scope).into_bytes()
    };
    let response = Response {
        status: status.unwrap_or(200),
        headers,
        body,
    };
    let state = state::<ModulesState>(scope);
    let mut state = state.borrow_mut();
    if matches!(state.answer, Answer::None) {
        state.answer = Answer::Response(response);
    }
}

fn handler_settled(scope: &mut Scope<'_>, _args: Args<'_>, _rv: Return<'_>) {
    state::<ModulesState>(scope).borrow_mut().settled = true;
}

fn handler_failed<'s>(scope: &mut Scope<'s>, args: Args<'s>, _rv: Return<'_>) {
    let thrown = report::thrown(scope, args.get(0));
    let state = state::<ModulesState>(scope);
    let mut state = state.borrow_mut();
    state.settled = true;
    state.answer = Answer::Failed(thrown);
}
