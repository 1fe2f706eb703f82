//! What the tests of the runtime share: packages from text and executions of them.

use std::sync::Arc;

use adamant_isolate::{CodeCache, Execution, Isolate, Memory, Package, Request};
use adamant_modules::MemoryTree;

/// A package of these files.
pub(crate) fn package(files: &[(&str, &str)]) -> Package {
    let tree = files.iter().fold(MemoryTree::new(), |tree, (path, text)| {
        tree.file(path, text.as_bytes())
    });
    Package {
        tree: Arc::new(tree),
        hash: String::new(),
        function_id: "test".to_owned(),
    }
}

/// An isolate with its own cache.
pub(crate) fn isolate() -> Isolate {
    Isolate::new(Memory::default(), Arc::new(CodeCache::new(100))).expect("an isolate starts")
}

/// Runs `/index.js` (or another entry) as a script.
pub(crate) fn script(files: &[(&str, &str)], entry: &str) -> Execution {
    let request = Request {
        entry: entry.to_owned(),
        ..Request::default()
    };
    isolate()
        .execute(&package(files), &request)
        .expect("the isolate answers")
}
