//! The embedded sources of our JavaScript builtins, and their compilation with a code cache that the process shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::native::string;

/// `(id, source)` of every file under `js/`, sorted by id; each source is wrapped into a function expression.
static SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The sources as V8 reads them where they stand, in the executable: a snapshot then holds their addresses, not their text, and
/// no context copies them. `None` for a source that is not ASCII, which is copied.
fn external() -> &'static [Option<v8::OneByteConst>] {
    static EXTERNAL: OnceLock<&'static [Option<v8::OneByteConst>]> = OnceLock::new();
    EXTERNAL.get_or_init(|| {
        let sources: Box<[_]> = SOURCES
            .iter()
            .map(|(_, source)| {
                source
                    .is_ascii()
                    .then(|| v8::String::create_external_onebyte_const(source.as_bytes()))
            })
            .collect();
        Box::leak(sources)
    })
}

/// What the snapshot may refer to.
pub(crate) fn external_references() -> impl Iterator<Item = v8::ExternalReference<'static>> {
    external()
        .iter()
        .flatten()
        .map(|source| v8::ExternalReference {
            pointer: std::ptr::from_ref(source).cast_mut().cast(),
        })
}

/// The order in which Node lists its builtin modules, for `module.builtinModules`.
const ORDER: &[&str] = &[
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "inspector/promises",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Builtins that exist only under their `node:` name.
const SCHEME_ONLY: &[&str] = &["sea", "sqlite", "test", "test/reporters"];

/// The source of a builtin, as it is compiled.
pub(crate) fn source(id: &str) -> Option<&'static str> {
    SOURCES
        .binary_search_by(|(candidate, _)| (*candidate).cmp(id))
        .ok()
        .and_then(|index| SOURCES.get(index))
        .map(|(_, source)| *source)
}

/// Every word of the builtins' sources that could name an intrinsic, which all have a capital inside or in front.
pub(crate) fn words() -> Vec<&'static str> {
    let mut words: Vec<&'static str> = SOURCES
        .iter()
        .flat_map(|(_, source)| source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.bytes().any(|byte| byte.is_ascii_uppercase()))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The builtins that a guest may load by their bare name, in Node's order. Only what exists is listed.
pub(crate) fn public() -> &'static [&'static str] {
    static PUBLIC: OnceLock<Vec<&'static str>> = OnceLock::new();
    PUBLIC.get_or_init(|| {
        ORDER
            .iter()
            .copied()
            .filter(|id| source(id).is_some())
            .collect()
    })
}

/// The builtins that exist only under `node:`, without that prefix.
pub(crate) fn scheme_only() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        SCHEME_ONLY
            .iter()
            .copied()
            .filter(|id| source(id).is_some())
            .collect()
    })
}

/// Both, for resolution.
pub(crate) fn all() -> &'static [&'static str] {
    static ALL: OnceLock<Vec<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| public().iter().chain(scheme_only()).copied().collect())
}

type Cache = Mutex<HashMap<&'static str, Arc<[u8]>>>;

/// Code that some isolate of this process made, for those that come after it.
fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(Cache::default)
}

/// The builtins that an isolate compiled so far, in a slot of it. A script without a context is bound to each new one for
/// nothing, and whatever V8 compiled of it lazily is there already.
#[derive(Default)]
pub(crate) struct Compiled {
    scripts: HashMap<&'static str, v8::Global<v8::UnboundScript>>,
    /// What was compiled since the last [`keep_code`].
    fresh: Vec<&'static str>,
}

/// Makes an isolate remember what it compiles.
pub(crate) fn install(isolate: &mut v8::Isolate) {
    isolate.set_slot(Compiled::default());
}

/// Keeps the code of what was compiled, after it ran: then the functions that were called are in it.
pub(crate) fn keep_code(scope: &mut v8::HandleScope<'_>) {
    let Some(compiled) = scope.get_slot_mut::<Compiled>() else {
        return;
    };
    for id in std::mem::take(&mut compiled.fresh) {
        let script = scope
            .get_slot::<Compiled>()
            .and_then(|compiled| compiled.scripts.get(id))
            .cloned();
        let code = script.and_then(|script| v8::Local::new(scope, script).create_code_cache());
        if let Some(code) = code {
            cache()
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id)
                .or_insert_with(|| Arc::from(&code[..]));
        }
    }
}

/// Compiles a builtin into a function of `(exports, require, module, native, primordials)`; `None` with an exception pending
/// when its source is no JavaScript, or without one when there is no such builtin.
pub(crate) fn compile<'s>(
    scope: &mut v8::HandleScope<'s>,
    id: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    let index = SOURCES
        .binary_search_by(|(candidate, _)| (*candidate).cmp(id))
        .ok()?;
    let (id, _) = *SOURCES.get(index)?;
    let known = scope
        .get_slot::<Compiled>()
        .and_then(|compiled| compiled.scripts.get(id))
        .cloned();
    let script = if let Some(known) = known {
        v8::Local::new(scope, known)
    } else {
        let script = compile_script(scope, index)?;
        let global = v8::Global::new(scope, script);
        // There is no slot while the snapshot is made.
        if let Some(compiled) = scope.get_slot_mut::<Compiled>() {
            compiled.scripts.insert(id, global);
            compiled.fresh.push(id);
        }
        script
    };
    script
        .bind_to_current_context(scope)
        .run(scope)?
        .try_into()
        .ok()
}

fn compile_script<'s>(
    scope: &mut v8::HandleScope<'s>,
    index: usize,
) -> Option<v8::Local<'s, v8::UnboundScript>> {
    let (id, text) = *SOURCES.get(index)?;
    let name = string(scope, &format!("node:{id}"));
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
    let text = match external().get(index).and_then(Option::as_ref) {
        Some(external) => v8::String::new_from_onebyte_const(scope, external)?,
        None => string(scope, text),
    };
    let cached = cache()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(id)
        .map(Arc::clone);
    let (mut source, options) = match &cached {
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
    v8::script_compiler::compile_unbound_script(
        scope,
        &mut source,
        options,
        v8::script_compiler::NoCacheReason::NoReason,
    )
}
