//! Compiles the source of a CommonJS module, and tells when it is an ES module instead.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::cache::CodeCache;
use crate::esm::{self, Keep};
use crate::native::modules::ModulesState;
use crate::native::{state, string};
use crate::{report, sources};

/// What the source of a module turned out to be.
pub(crate) enum Compiled<'s> {
    /// CommonJS: Node's wrapper function.
    Function(v8::Local<'s, v8::Function>),
    /// No CommonJS, but it reads as an ES module.
    IsModule,
}

/// The parameters of Node's wrapper, in its order.
const PARAMETERS: [&str; 5] = ["exports", "require", "module", "__filename", "__dirname"];

/// Messages of V8 that only the syntax of ES modules causes.
const MODULE_SYNTAX: [&str; 3] = [
    "Cannot use import statement outside a module",
    "Unexpected token 'export'",
    "Cannot use 'import.meta' outside a module",
];

/// Messages that CommonJS causes where an ES module may be fine: names of the wrapper declared again, top-level `await`.
const MAYBE_MODULE: [&str; 8] = [
    "Identifier '__filename' has already been declared",
    "Identifier '__dirname' has already been declared",
    "await is only valid in async functions and the top level bodies of modules",
    "Unexpected reserved word",
    "Identifier 'module' has already been declared",
    "Identifier 'exports' has already been declared",
    "Identifier 'require' has already been declared",
    "missing ) after argument list",
];

/// Compiles `content` as the body of Node's wrapper. `None` with an exception pending if it is no JavaScript; a source that
/// must be CommonJS (`.cjs`, `"type": "commonjs"`) is never tried as an ES module.
pub(crate) fn compile<'s>(
    scope: &mut v8::HandleScope<'s>,
    content: v8::Local<'s, v8::String>,
    filename: &str,
    must: bool,
) -> Option<Compiled<'s>> {
    let scope = &mut v8::TryCatch::new(scope);
    if let Some(function) = compile_cached(scope, content, filename) {
        return Some(Compiled::Function(function));
    }
    if !must && !scope.has_terminated() && reads_as_module(scope, content) {
        scope.reset();
        return Some(Compiled::IsModule);
    }
    decorate(scope, true);
    scope.rethrow();
    None
}

/// Compiles `content` as the body of Node's wrapper; `None` without an exception where [`compile`] must say why not.
pub(crate) fn compile_quietly<'s>(
    scope: &mut v8::HandleScope<'s>,
    content: v8::Local<'s, v8::String>,
    filename: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    let scope = &mut v8::TryCatch::new(scope);
    let function = compile_cached(scope, content, filename);
    if function.is_none() && scope.has_terminated() {
        scope.rethrow();
    }
    function
}

/// Whether an ambiguous file is an ES module, by Node's rule: CommonJS if it compiles as such.
pub(crate) fn is_module(
    scope: &mut v8::HandleScope<'_>,
    content: v8::Local<'_, v8::String>,
    filename: &str,
) -> bool {
    let scope = &mut v8::TryCatch::new(scope);
    let compiled = compile_wrapper(scope, content, filename, &PARAMETERS, None).is_some();
    !compiled && !scope.has_terminated() && reads_as_module(scope, content)
}

fn reads_as_module(
    scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>,
    content: v8::Local<'_, v8::String>,
) -> bool {
    let Some(message) = scope.message() else {
        return false;
    };
    let message = message.get(scope).to_rust_string_lossy(scope);
    let has = |list: &[&str]| list.iter().any(|text| message.contains(text));
    if has(&MODULE_SYNTAX) {
        return true;
    }
    // As the body of an asynchronous function it has neither the names nor the ban on `await`.
    has(&MAYBE_MODULE) && {
        let scope = &mut v8::TryCatch::new(scope);
        let content = content.to_rust_string_lossy(scope);
        let wrapped = string(scope, &format!("(async function() {{{content}\n}})();"));
        // Where such a name stands above the first `import` or `export`, those are what is wrong now.
        compile_wrapper(scope, wrapped, "", &[], None).is_some()
            || scope.message().is_some_and(|message| {
                let message = message.get(scope).to_rust_string_lossy(scope);
                MODULE_SYNTAX.iter().any(|text| message.contains(text))
            })
    }
}

/// Puts the place of a syntax error above its stack, as Node does.
pub(crate) fn decorate(scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>, blank: bool) {
    let (Some(error), Some(message)) = (scope.exception(), scope.message()) else {
        return;
    };
    let Ok(object) = v8::Local::<v8::Object>::try_from(error) else {
        return;
    };
    if !error.is_native_error() {
        return;
    }
    let Some(arrow) = report::arrow(scope, message) else {
        return;
    };
    let key = string(scope, "stack");
    let Some(stack) = object
        .get(scope, key.into())
        .filter(|stack| stack.is_string())
    else {
        return;
    };
    let stack = stack.to_rust_string_lossy(scope);
    if !stack.starts_with(&arrow) {
        let blank = if blank { "\n" } else { "" };
        let stack = string(scope, &format!("{arrow}{blank}{stack}"));
        object.set(scope, key.into(), stack.into());
    }
}

/// A hash of the source text: V8's own check of cached code only compares its length.
pub(crate) fn hash(scope: &mut v8::HandleScope<'_>, content: v8::Local<'_, v8::String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let length = content.length();
    if content.is_onebyte() {
        let mut units = vec![0_u8; length];
        content.write_one_byte_v2(scope, 0, &mut units, v8::WriteFlags::empty());
        units.hash(&mut hasher);
    } else {
        let mut units = vec![0_u16; length];
        content.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
        units.hash(&mut hasher);
    }
    hasher.finish()
}

/// The function-level cache and a module's key in it; `None` for a package without an identity.
pub(crate) fn cache_of(
    scope: &mut v8::HandleScope<'_>,
    path: &str,
) -> Option<(Arc<CodeCache>, String)> {
    let state = state::<ModulesState>(scope);
    let state = state.borrow();
    let (function_id, package_hash) = &state.owner;
    let cache = state.cache.as_ref().filter(|cache| cache.keeps())?;
    if package_hash.is_empty() {
        return None;
    }
    Some((
        Arc::clone(cache),
        CodeCache::key(function_id, package_hash, path),
    ))
}

fn compile_cached<'s>(
    scope: &mut v8::HandleScope<'s>,
    content: v8::Local<'_, v8::String>,
    filename: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    let Some((cache, key)) = cache_of(scope, filename) else {
        return compile_wrapper(scope, content, filename, &PARAMETERS, None);
    };
    let source = sources::hash(scope, &key, content);
    let code = cache.get(&key, source);
    let mut rejected = false;
    let function = compile_wrapper(
        scope,
        content,
        filename,
        &PARAMETERS,
        code.as_deref().map(|code| (code, &mut rejected)),
    )?;
    if rejected {
        cache.reject(&key);
    }
    if code.is_none() || rejected {
        esm::note_function(scope, function, Keep { key, source });
    }
    Some(function)
}

fn compile_wrapper<'s>(
    scope: &mut v8::HandleScope<'s>,
    content: v8::Local<'_, v8::String>,
    name: &str,
    parameters: &[&str],
    code: Option<(&[u8], &mut bool)>,
) -> Option<v8::Local<'s, v8::Function>> {
    let name = string(scope, name);
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
        false,
        None,
    );
    let parameters: Vec<_> = parameters.iter().map(|name| string(scope, name)).collect();
    let (mut source, options) = match &code {
        Some((code, _)) => (
            v8::script_compiler::Source::new_with_cached_data(
                content,
                Some(&origin),
                v8::script_compiler::CachedData::new(code),
            ),
            v8::script_compiler::CompileOptions::ConsumeCodeCache,
        ),
        None => (
            v8::script_compiler::Source::new(content, Some(&origin)),
            v8::script_compiler::CompileOptions::NoCompileOptions,
        ),
    };
    let function = v8::script_compiler::compile_function(
        scope,
        &mut source,
        &parameters,
        &[],
        options,
        v8::script_compiler::NoCacheReason::NoReason,
    );
    if let Some((_, rejected)) = code {
        *rejected = source
            .get_cached_data()
            .is_some_and(v8::CachedData::rejected);
    }
    function
}
