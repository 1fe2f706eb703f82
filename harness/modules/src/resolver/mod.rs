//! Node's module resolution over a [`Tree`]: what `import` and `require` find, and how they fail.

mod builtin;
mod cjs;
mod data_url;
mod error;
mod esm;
mod format;
mod hint;
mod package;
mod target;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::package_json::PackageJson;
use crate::tree::{FileType, Tree};
pub use cjs::RequireContext;
use error::field_name;
pub use error::{ErrorKind, ResolveError, Thrown};
pub use format::{Format, TypeScript};

/// The most entries of one memo; a guest that asks for more names than this starts it anew.
const MAX_MEMO: usize = 1 << 16;

/// What a resolver is made with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Conditions beside Node's own, as `node --conditions` gives them.
    pub conditions: Vec<String>,
    /// The ids of the builtin modules that exist, without `node:`.
    pub builtins: &'static [&'static str],
    /// `node --preserve-symlinks`: a link is not replaced by what it points to.
    pub preserve_symlinks: bool,
}

/// What a specifier means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A builtin module; its id without `node:`.
    Builtin(&'static str),
    /// A file of the tree.
    File {
        /// Its `file:` URL, with the query and hash of the specifier.
        url: String,
        /// Its path.
        path: String,
        /// How it is to be read.
        format: Format,
    },
    /// A `data:` URL.
    Data {
        /// The URL.
        url: String,
        /// How it is to be read.
        format: Format,
        /// Its decoded body.
        source: Arc<[u8]>,
    },
}

/// A warning that Node would emit on the way (`process.emitWarning(message, "DeprecationWarning", code)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Node's code, `DEP0128` and the like.
    pub code: &'static str,
    /// The text.
    pub message: String,
}

/// Node's resolution algorithms over one tree. The tree is taken to be immutable: every answer is remembered, also the
/// negative ones. Safe to share between threads.
#[derive(Debug)]
pub struct Resolver {
    tree: Arc<dyn Tree>,
    builtins: &'static [&'static str],
    import_conditions: Vec<String>,
    require_conditions: Vec<String>,
    preserve_symlinks: bool,
    kinds: Memo<String, Kind>,
    real_paths: Memo<String, String>,
    packages: Memo<String, PackageEntry>,
    imports: Memo<(String, String), Arc<Answer>>,
    requires: Memo<(String, String), Arc<Answer>>,
    formats: Memo<String, Format>,
}

/// An answer with the warnings on its way.
#[derive(Debug)]
struct Answer {
    result: Result<Resolved, ResolveError>,
    warnings: Vec<Warning>,
}

/// What is at a path, as far as resolution cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Nothing,
}

/// What is at the path of a `package.json`.
#[derive(Debug, Clone)]
enum PackageEntry {
    Absent,
    Malformed,
    Present(Arc<PackageJson>),
}

impl Resolver {
    /// A resolver over a tree.
    #[must_use]
    pub fn new(tree: Arc<dyn Tree>, options: Options) -> Self {
        let conditions = |first: [&str; 4]| -> Vec<String> {
            first
                .iter()
                .map(|name| (*name).to_owned())
                .chain(options.conditions.iter().cloned())
                .collect()
        };
        Self {
            tree,
            builtins: options.builtins,
            import_conditions: conditions(["node", "import", "module-sync", "node-addons"]),
            require_conditions: conditions(["require", "node", "node-addons", "module-sync"]),
            preserve_symlinks: options.preserve_symlinks,
            kinds: Memo::default(),
            real_paths: Memo::default(),
            packages: Memo::default(),
            imports: Memo::default(),
            requires: Memo::default(),
            formats: Memo::default(),
        }
    }

    /// The tree.
    #[must_use]
    pub fn tree(&self) -> &Arc<dyn Tree> {
        &self.tree
    }

    /// `import specifier` in the module whose URL is `parent`: the module and how to read it.
    ///
    /// This includes what Node says no to only when it loads: an unknown builtin, scheme or extension.
    pub fn import(&self, specifier: &str, parent: &str) -> Result<Resolved, ResolveError> {
        self.import_warned(specifier, parent, &mut Vec::new())
    }

    /// As [`Resolver::import`], and adds the warnings.
    pub fn import_warned(
        &self,
        specifier: &str,
        parent: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<Resolved, ResolveError> {
        let key = (specifier.to_owned(), parent.to_owned());
        let answer = self.imports.get_or(key, || {
            let mut warnings = Vec::new();
            let result = esm::import(self, specifier, parent, &mut warnings);
            Arc::new(Answer { result, warnings })
        });
        warnings.extend_from_slice(&answer.warnings);
        answer.result.clone()
    }

    /// `import.meta.resolve(specifier)` in the module whose URL is `parent`.
    pub fn import_meta_resolve(
        &self,
        specifier: &str,
        parent: &str,
    ) -> Result<String, ResolveError> {
        esm::resolve(self, specifier, parent, &mut Vec::new()).or_else(|error| {
            match (&error.code, &error.url) {
                // Node answers for what is not there as well: the URL is all that was asked for.
                (Some("ERR_MODULE_NOT_FOUND" | "ERR_UNSUPPORTED_DIR_IMPORT"), Some(url)) => {
                    Ok(url.clone())
                }
                _ => Err(error),
            }
        })
    }

    /// `require(request)` in the CommonJS module `parent_path`.
    pub fn require(&self, request: &str, parent_path: &str) -> Result<Resolved, ResolveError> {
        self.required(request, parent_path).result.clone()
    }

    /// The path of the file that `require(request)` in an unchanged module `parent_path` loads, if it is found without an error
    /// or a warning: an answer that can be had again without its way.
    #[must_use]
    pub fn require_path(&self, request: &str, parent_path: &str) -> Option<String> {
        let answer = self.required(request, parent_path);
        match &answer.result {
            Ok(Resolved::File { path, .. }) if answer.warnings.is_empty() => Some(path.clone()),
            _ => None,
        }
    }

    fn required(&self, request: &str, parent_path: &str) -> Arc<Answer> {
        let key = (request.to_owned(), parent_path.to_owned());
        self.requires.get_or(key, || {
            let mut warnings = Vec::new();
            let result = self.require_in(request, &RequireContext::of(parent_path), &mut warnings);
            Arc::new(Answer { result, warnings })
        })
    }

    /// `require(request)` with everything that a guest can change about it: `module.paths`, `require.resolve`'s `paths`,
    /// `Module._extensions`, the chain of parents. Not remembered as a whole.
    pub fn require_in(
        &self,
        request: &str,
        context: &RequireContext<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Resolved, ResolveError> {
        cjs::require(self, request, context, warnings)
    }

    /// `require.resolve(request)`, that is `Module._resolveFilename`: a path, or the request itself if it is a builtin's.
    pub fn require_resolve(
        &self,
        request: &str,
        context: &RequireContext<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<String, ResolveError> {
        cjs::resolve_filename(self, request, context, warnings)
    }

    /// `Module._findPath(request, paths, isMain)`.
    pub fn find_path(
        &self,
        request: &str,
        paths: &[String],
        context: &RequireContext<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<String>, ResolveError> {
        cjs::find_path(self, request, paths, context, warnings)
    }

    /// `Module._resolveLookupPaths(request, parent)`: where `require` looks; `None` for a builtin.
    #[must_use]
    pub fn lookup_paths(&self, request: &str, context: &RequireContext<'_>) -> Option<Vec<String>> {
        cjs::lookup_paths(self, request, context)
    }

    /// `Module._nodeModulePaths(from)`.
    #[must_use]
    pub fn node_module_paths(from: &str) -> Vec<String> {
        cjs::node_module_paths(from)
    }

    /// The nearest `package.json` above a path, as far as the next `node_modules`; `None` also for one that is malformed.
    #[must_use]
    pub fn package_scope(&self, path: &str) -> Option<Arc<PackageJson>> {
        self.nearest_package(path).ok().flatten()
    }

    /// How `import` reads the file at a path.
    #[must_use]
    pub fn format_of(&self, path: &str) -> Format {
        self.formats.get_or(path.to_owned(), || {
            format::of_import(self, path).unwrap_or(Format::Ambiguous)
        })
    }

    /// Whether an id names a builtin for `require` and `import`: with `node:` or, but for the newer ones, without.
    #[must_use]
    pub fn builtin(&self, id: &str) -> Option<&'static str> {
        builtin::normalize(self.builtins, id)
    }

    fn kind(&self, path: &str) -> Kind {
        self.kinds
            .get_or(path.to_owned(), || match self.tree.metadata(path) {
                Ok(metadata) => match metadata.file_type {
                    FileType::File => Kind::File,
                    FileType::Directory => Kind::Directory,
                    FileType::Symlink | FileType::Special => Kind::Nothing,
                },
                Err(_) => Kind::Nothing,
            })
    }

    /// The path without links; a path that vanished meanwhile stands for itself, and reading it will say why.
    fn real_path(&self, path: &str) -> String {
        self.real_paths.get_or(path.to_owned(), || {
            self.tree
                .real_path(path)
                .unwrap_or_else(|_| path.to_owned())
        })
    }
}

/// Answers by key. The value is made outside the lock: two threads may make the same one, which is harmless.
#[derive(Debug)]
struct Memo<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    fn get_or(&self, key: K, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return value.clone();
        }
        let value = make();
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_MEMO {
            map.clear();
        }
        map.insert(key, value.clone());
        value
    }
}
