//! ES modules over V8's module records: loading, linking, evaluation, `import()` and `import.meta`.
//!
//! Two rules keep V8 13.6 from aborting the process. A module is never linked or evaluated inside the callback of `import()`:
//! that only queues a job. And a module is evaluated at most once: before each evaluation the graph is searched for a module
//! that already failed, whose error is then the answer, because V8 checks (fatally) that a cycle's root did not fail.

mod import;
mod link;
mod load;
mod map;
mod source_phase;
pub(crate) mod staged;
mod synthetic;

pub(crate) use import::{import_entry, import_main};
pub(crate) use link::{require, require_wrapper, stalled};
pub(crate) use load::{keep_code, note_function};
pub(crate) use map::Keep;
pub(crate) use synthetic::sync_builtins;

/// Sets V8's module callbacks.
pub(crate) fn install(isolate: &mut v8::OwnedIsolate) {
    isolate.set_host_import_module_dynamically_callback(import::dynamically);
    isolate.set_host_import_module_with_phase_dynamically_callback(source_phase::dynamically);
    isolate.set_host_initialize_import_meta_object_callback(import::meta);
}
