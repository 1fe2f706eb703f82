//! The texts of a function's files, kept in the isolate from one execution to the next.

use std::collections::HashMap;

use crate::cache::CodeCache;
use crate::commonjs;
use crate::native::{modules::ModulesState, state, tree};

/// The most UTF-16 units of text that an isolate keeps: they lie in the heap that its guests share.
const MAX_UNITS: usize = 4 << 20;

/// What was read so far, in a slot of the isolate, by `functionId:packageHash:modulePath`: the hash names the content, so a text
/// never shows in another function or version. V8 finds the code that it compiled of a text sooner when it is the same string.
#[derive(Default)]
pub(crate) struct Sources {
    texts: HashMap<String, Text>,
    units: usize,
}

struct Text {
    string: v8::Global<v8::String>,
    /// Made when it is first asked for.
    hash: Option<u64>,
}

/// Makes an isolate remember what it reads.
pub(crate) fn install(isolate: &mut v8::Isolate) {
    isolate.set_slot(Sources::default());
}

/// The key of a file that may be kept: its package has an identity and a cache that keeps anything.
fn key_of(scope: &mut v8::HandleScope<'_>, path: &str) -> Option<String> {
    let state = state::<ModulesState>(scope);
    let state = state.borrow();
    let (function_id, package_hash) = &state.owner;
    let keeps = state.cache.as_ref().is_some_and(|cache| cache.keeps());
    (keeps && !package_hash.is_empty()).then(|| CodeCache::key(function_id, package_hash, path))
}

/// The text of a file of the package that runs.
pub(crate) fn read<'s>(
    scope: &mut v8::HandleScope<'s>,
    path: &str,
) -> std::io::Result<v8::Local<'s, v8::String>> {
    let key = key_of(scope, path);
    if let Some(key) = &key
        && let Some(string) = scope
            .get_slot::<Sources>()
            .and_then(|sources| Some(sources.texts.get(key)?.string.clone()))
    {
        return Ok(v8::Local::new(scope, string));
    }
    let tree = tree(scope).ok_or(std::io::ErrorKind::NotFound)?;
    let bytes = tree.read(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal)
        .ok_or(std::io::ErrorKind::FileTooLarge)?;
    let units = text.length();
    if let Some(key) = key
        && units <= MAX_UNITS / 4
    {
        let string = v8::Global::new(scope, text);
        if let Some(sources) = scope.get_slot_mut::<Sources>() {
            if sources.units + units > MAX_UNITS {
                sources.texts.clear();
                sources.units = 0;
            }
            sources.units += units;
            sources.texts.insert(key, Text { string, hash: None });
        }
    }
    Ok(text)
}

/// The hash of a source text, remembered with a text that is kept; `key` is its key in the function-level cache.
pub(crate) fn hash(
    scope: &mut v8::HandleScope<'_>,
    key: &str,
    content: v8::Local<'_, v8::String>,
) -> u64 {
    let kept = scope
        .get_slot::<Sources>()
        .and_then(|sources| sources.texts.get(key))
        .map(|text| (text.string.clone(), text.hash));
    // A loader of the guest may compile another text under this name.
    let Some((string, known)) = kept.filter(|(string, _)| *string == content) else {
        return commonjs::hash(scope, content);
    };
    if let Some(known) = known {
        return known;
    }
    let string = v8::Local::new(scope, string);
    let made = commonjs::hash(scope, string);
    if let Some(text) = scope
        .get_slot_mut::<Sources>()
        .and_then(|sources| sources.texts.get_mut(key))
    {
        text.hash = Some(made);
    }
    made
}
