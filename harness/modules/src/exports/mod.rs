//! Which names a CommonJS module offers to `import`, found without running it.
//!
//! Node 24 asks a lexer that recognises the shapes in which people and compilers write exports. What it misses is as much part
//! of the behaviour as what it finds, so this is the same detection, heuristics included.

mod follow;
mod lexer;
mod pattern;
mod unescape;

pub use follow::{ExportNames, exports_of};

/// What the text of a CommonJS module says about its exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CjsExports {
    /// The names, each once, in the order of their detection.
    pub names: Vec<String>,
    /// The specifiers of modules whose names are exported as well.
    pub reexports: Vec<String>,
}

/// The exports that the text of a CommonJS module shows: linear in its length. A text that the lexer cannot follow, or that is
/// an ES module, shows none. A byte order mark is not skipped, as Node does not skip it.
#[must_use]
pub fn cjs_exports(source: &str) -> CjsExports {
    lexer::Lexer::new(source.as_bytes())
        .run()
        .unwrap_or_default()
}
