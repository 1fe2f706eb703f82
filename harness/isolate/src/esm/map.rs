//! The module map of one execution: every module once, by URL and type.

use std::collections::HashMap;
use std::sync::Arc;

/// The `type` attribute of an import: empty or `json`.
pub(crate) type TypeAttribute = String;

/// Index of a module in its [`Map`].
pub(crate) type Index = usize;

/// What a module is made of.
#[derive(Clone)]
pub(crate) enum Kind {
    /// Source text.
    Source,
    /// A CommonJS module, which runs when the import evaluates; with the names it is linked by.
    CommonJs {
        /// Its path.
        path: String,
        /// The names that were detected, without `default` and `module.exports`.
        names: Arc<[String]>,
    },
    /// A value that is there already: JSON.
    Value(v8::Global<v8::Value>),
    /// A builtin.
    Builtin {
        /// Its id without `node:`.
        id: String,
        /// Its names, without `default`.
        names: Arc<[String]>,
    },
}

/// A module and what is known of it.
pub(crate) struct Record {
    pub(crate) module: v8::Global<v8::Module>,
    pub(crate) url: String,
    /// Guest path, for a file.
    pub(crate) path: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) is_main: bool,
    /// What its imports mean, once all of them are loaded.
    pub(crate) requests: Option<HashMap<(String, TypeAttribute), Index>>,
    /// The promise of its evaluation, once it was evaluated as a root.
    pub(crate) evaluation: Option<v8::Global<v8::Promise>>,
    /// Where its code goes in the function-level cache, if it was compiled without it.
    pub(crate) keep: Option<Keep>,
}

/// Where code goes that was compiled from source.
#[derive(Clone)]
pub(crate) struct Keep {
    pub(crate) key: String,
    pub(crate) source: u64,
}

/// Every module of one execution.
#[derive(Default)]
pub(crate) struct Map {
    pub(crate) records: Vec<Record>,
    by_key: HashMap<(String, TypeAttribute), Index>,
    by_hash: HashMap<i32, Vec<Index>>,
    /// Wrappers that give `require()` of an ES module its `__esModule`, by URL.
    pub(crate) wrappers: HashMap<String, Index>,
    /// CommonJS functions whose code is to be kept.
    pub(crate) functions: Vec<(v8::Global<v8::Function>, Keep)>,
    /// Whether any evaluation failed: only then graphs must be searched before the next one.
    pub(crate) any_failed: bool,
}

impl Map {
    pub(crate) fn entry(&self, url: &str, type_: &str) -> Option<Index> {
        self.by_key
            .get(&(url.to_owned(), type_.to_owned()))
            .copied()
    }

    /// Adds a module; one without a type is found by its URL only through `wrappers` or its index.
    pub(crate) fn add(&mut self, hash: i32, type_: Option<TypeAttribute>, record: Record) -> Index {
        let index = self.records.len();
        self.by_hash.entry(hash).or_default().push(index);
        if let Some(type_) = type_ {
            self.by_key.insert((record.url.clone(), type_), index);
        }
        self.records.push(record);
        index
    }

    /// Candidates for a module: those with its identity hash.
    pub(crate) fn with_hash(&self, hash: i32) -> &[Index] {
        self.by_hash.get(&hash).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn module(&self, index: Index) -> Option<v8::Global<v8::Module>> {
        self.records.get(index).map(|record| record.module.clone())
    }
}
