//! A module taken through its stages one by one, for a caller that must tell in which of them it fails.

use super::map::Index;
use super::{link, load};

/// Reads and compiles the module at a guest path; `None` with an exception pending if that fails, as everywhere here.
pub(crate) fn load(scope: &mut v8::HandleScope<'_>, path: &str) -> Option<Index> {
    load::load_path(scope, path, false, None)
}

/// Loads what it imports, and links it all.
pub(crate) fn link(scope: &mut v8::HandleScope<'_>, index: Index) -> Option<()> {
    link::load_graph(scope, index)?;
    link::instantiate(scope, index)
}

/// Evaluates it: the promise of its end.
pub(crate) fn evaluate<'s>(
    scope: &mut v8::HandleScope<'s>,
    index: Index,
) -> Option<v8::Local<'s, v8::Promise>> {
    link::evaluate(scope, index)
}
