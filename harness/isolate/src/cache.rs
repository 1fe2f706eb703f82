//! The function-level cache: code that V8 made while a module ran, kept for the next execution of the same function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use adamant_modules::{Options, Resolver};
use serde::{Deserialize, Serialize};

use crate::builtins;
use crate::execution::Package;

/// What the cache did so far. `hits + misses` is the number of lookups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheMetrics {
    /// Entries now.
    pub size: usize,
    /// Bytes of code in them.
    pub bytes: usize,
    /// Lookups that found code.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Entries dropped because the cache was full.
    pub evictions: u64,
    /// Entries that V8 refused (another version or other flags) and that were dropped for it.
    pub rejected: u64,
}

impl CacheMetrics {
    /// Hits per lookup, 0 without lookups.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            0.0
        } else {
            self.hits as f64 / lookups as f64
        }
    }
}

/// Compiled code by `functionId:packageHash:modulePath`, least recently used first out. A key names the function and the
/// content, so code never crosses from one function or version to another.
#[derive(Debug)]
pub struct CodeCache {
    entries: Mutex<Entries>,
    capacity: usize,
    /// What was resolved in a package, by `functionId:packageHash`.
    resolvers: Mutex<HashMap<String, Arc<Resolver>>>,
}

/// The most packages whose resolutions are remembered.
const MAX_RESOLVERS: usize = 64;

#[derive(Debug, Default)]
struct Entries {
    code: HashMap<String, Entry>,
    clock: u64,
    metrics: CacheMetrics,
}

#[derive(Debug)]
struct Entry {
    code: Arc<[u8]>,
    /// Hash of the source it was made from: V8 itself only compares the length.
    source: u64,
    used: u64,
}

impl CodeCache {
    /// A cache of at most `capacity` modules; 0 keeps none.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            capacity,
            resolvers: Mutex::default(),
        }
    }

    /// Whether it keeps anything at all.
    pub(crate) fn keeps(&self) -> bool {
        self.capacity > 0
    }

    /// Resolution in a package. It is remembered from one execution to the next, as the hash names the content; a package
    /// without a hash is looked at anew each time.
    pub(crate) fn resolver(&self, package: &Package) -> Arc<Resolver> {
        let make = || {
            let options = Options {
                builtins: builtins::all(),
                ..Options::default()
            };
            Arc::new(Resolver::new(Arc::clone(&package.tree), options))
        };
        if package.hash.is_empty() || self.capacity == 0 {
            return make();
        }
        let key = format!("{}:{}", package.function_id, package.hash);
        let mut resolvers = self
            .resolvers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(resolver) = resolvers.get(&key) {
            return Arc::clone(resolver);
        }
        if resolvers.len() >= MAX_RESOLVERS {
            resolvers.clear();
        }
        let resolver = make();
        resolvers.insert(key, Arc::clone(&resolver));
        resolver
    }

    /// What it did so far.
    #[must_use]
    pub fn metrics(&self) -> CacheMetrics {
        self.lock().metrics
    }

    /// The key of a module.
    pub(crate) fn key(function_id: &str, package_hash: &str, path: &str) -> String {
        format!("{function_id}:{package_hash}:{path}")
    }

    /// Code made from a source with this hash.
    pub(crate) fn get(&self, key: &str, source: u64) -> Option<Arc<[u8]>> {
        let mut entries = self.lock();
        entries.clock += 1;
        let clock = entries.clock;
        let found = entries
            .code
            .get_mut(key)
            .filter(|entry| entry.source == source)
            .map(|entry| {
                entry.used = clock;
                Arc::clone(&entry.code)
            });
        match &found {
            Some(_) => entries.metrics.hits += 1,
            None => entries.metrics.misses += 1,
        }
        found
    }

    /// Keeps code, dropping what was not used for longest if there is no room.
    pub(crate) fn insert(&self, key: String, source: u64, code: &[u8]) {
        if self.capacity == 0 {
            return;
        }
        let mut entries = self.lock();
        entries.clock += 1;
        let entry = Entry {
            code: Arc::from(code),
            source,
            used: entries.clock,
        };
        entries.metrics.bytes += entry.code.len();
        if let Some(old) = entries.code.insert(key, entry) {
            entries.metrics.bytes -= old.code.len();
        }
        while entries.code.len() > self.capacity {
            // A linear search: it happens only when a full cache learns something new, beside a compilation.
            let Some(oldest) = entries
                .code
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone())
            else {
                break;
            };
            if let Some(old) = entries.code.remove(&oldest) {
                entries.metrics.bytes -= old.code.len();
                entries.metrics.evictions += 1;
            }
        }
        entries.metrics.size = entries.code.len();
    }

    /// Drops code that V8 refused.
    pub(crate) fn reject(&self, key: &str) {
        let mut entries = self.lock();
        if let Some(old) = entries.code.remove(key) {
            entries.metrics.bytes -= old.code.len();
            entries.metrics.rejected += 1;
            entries.metrics.size = entries.code.len();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::CodeCache;

    #[test]
    fn the_least_recently_used_goes_first_and_all_is_counted() {
        let cache = CodeCache::new(2);
        cache.insert("a".to_owned(), 1, b"aa");
        cache.insert("b".to_owned(), 1, b"b");
        assert!(cache.get("a", 1).is_some());
        cache.insert("c".to_owned(), 1, b"c");
        assert!(cache.get("b", 1).is_none(), "`b` was used least recently");
        assert!(cache.get("a", 1).is_some());
        assert!(
            cache.get("a", 2).is_none(),
            "another source under the same key"
        );
        cache.reject("a");
        let metrics = cache.metrics();
        assert_eq!((metrics.size, metrics.bytes), (1, 1));
        assert_eq!((metrics.hits, metrics.misses), (2, 2));
        assert_eq!((metrics.evictions, metrics.rejected), (1, 1));
        assert!((metrics.hit_rate() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn no_capacity_keeps_nothing() {
        let cache = CodeCache::new(0);
        cache.insert("a".to_owned(), 1, b"a");
        assert!(cache.get("a", 1).is_none());
    }
}
