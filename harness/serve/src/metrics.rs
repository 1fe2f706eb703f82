//! `GET /metrics`: seed 001's JSON, and Prometheus' text for who asks for that.

use std::fmt::Write as _;

use adamant_isolate::CacheMetrics;
use adamant_isolate::pool::{PoolActivity, PoolMetrics};
use serde::{Serialize, Serializer};

use crate::engine::Counts;

/// The seed's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The pool.
    pub isolate_pool: PoolMetrics,
    /// Compiled code.
    pub module_cache: ModuleCacheMetrics,
}

/// `moduleCache` of seed 001.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleCacheMetrics {
    /// Modules whose code is kept now.
    pub size: usize,
    /// Lookups that found code.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Modules dropped because a cache was full.
    pub evictions: u64,
    /// Hits per lookup, 0 without lookups.
    #[serde(serialize_with = "number")]
    pub hit_rate: f64,
}

/// As JavaScript writes numbers: `0`, not `0.0`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn number<S: Serializer>(rate: &f64, to: S) -> Result<S::Ok, S::Error> {
    if *rate == 0.0 {
        to.serialize_u8(0)
    } else if *rate == 1.0 {
        to.serialize_u8(1)
    } else {
        to.serialize_f64(*rate)
    }
}

impl From<CacheMetrics> for ModuleCacheMetrics {
    fn from(cache: CacheMetrics) -> Self {
        Self {
            size: cache.size,
            hits: cache.hits,
            misses: cache.misses,
            evictions: cache.evictions,
            hit_rate: cache.hit_rate(),
        }
    }
}

/// All that is known, for Prometheus.
pub(crate) struct Everything {
    pub(crate) pool: PoolMetrics,
    pub(crate) activity: PoolActivity,
    pub(crate) cache: CacheMetrics,
    pub(crate) counts: Counts,
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// Name, type, help and value.
type Line = (&'static str, &'static str, &'static str, u64);

impl Everything {
    /// In Prometheus' text format, version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let rooms: [&[Line]; 4] = [
            &self.isolates(),
            &self.ends(),
            &self.requests(),
            &self.code(),
        ];
        for (name, kind, help, value) in rooms.into_iter().flatten() {
            head(&mut text, name, kind, help);
            let _a_string_takes_it = writeln!(text, "adamant_{name} {value}");
        }
        let help = "Executions by how they ended.";
        head(&mut text, "executions_total", COUNTER, help);
        for (outcome, count) in self.counts.by_outcome() {
            let _a_string_takes_it = writeln!(
                text,
                "adamant_executions_total{{outcome=\"{outcome}\"}} {count}"
            );
        }
        text
    }

    fn isolates(&self) -> [Line; 6] {
        let (pool, activity) = (&self.pool, &self.activity);
        let now = |number: usize| number as u64;
        [
            ("isolates", GAUGE, "Ready or at work.", now(pool.total)),
            ("isolates_available", GAUGE, "Ready.", now(pool.available)),
            ("isolates_active", GAUGE, "At work.", now(pool.active)),
            (
                "isolates_starting",
                GAUGE,
                "Being made.",
                now(activity.starting),
            ),
            (
                "isolates_ending",
                GAUGE,
                "Being ended.",
                now(activity.ending),
            ),
            (
                "isolates_created_total",
                COUNTER,
                "Became ready.",
                pool.created,
            ),
        ]
    }

    fn ends(&self) -> [Line; 5] {
        let (pool, activity) = (&self.pool, &self.activity);
        [
            (
                "isolates_destroyed_total",
                COUNTER,
                "Taken out.",
                pool.destroyed,
            ),
            (
                "isolates_corrupted_total",
                COUNTER,
                "Came back corrupted.",
                pool.corrupted,
            ),
            (
                "isolates_retired_total",
                COUNTER,
                "Taken out for another function.",
                activity.retired,
            ),
            (
                "isolates_expired_total",
                COUNTER,
                "Taken out because nobody needed them.",
                activity.expired,
            ),
            (
                "isolates_failed_total",
                COUNTER,
                "Could not be made.",
                activity.failed,
            ),
        ]
    }

    fn requests(&self) -> [Line; 5] {
        let activity = &self.activity;
        [
            (
                "isolate_leases_total",
                COUNTER,
                "Times an isolate was lent.",
                activity.leased,
            ),
            (
                "isolate_leases_fresh_total",
                COUNTER,
                "Of those, of one that had run nothing.",
                activity.fresh,
            ),
            (
                "requests_waiting",
                GAUGE,
                "Requests that wait for an isolate.",
                activity.waiting as u64,
            ),
            (
                "requests_refused_total",
                COUNTER,
                "Requests refused because too many waited.",
                activity.refused,
            ),
            (
                "requests_expired_total",
                COUNTER,
                "Requests that waited in vain.",
                activity.timed_out,
            ),
        ]
    }

    fn code(&self) -> [Line; 6] {
        let cache = &self.cache;
        [
            (
                "module_cache_size",
                GAUGE,
                "Modules whose compiled code is kept.",
                cache.size as u64,
            ),
            (
                "module_cache_bytes",
                GAUGE,
                "Bytes of it.",
                cache.bytes as u64,
            ),
            (
                "module_cache_hits_total",
                COUNTER,
                "Lookups that found code.",
                cache.hits,
            ),
            (
                "module_cache_misses_total",
                COUNTER,
                "Lookups that found none.",
                cache.misses,
            ),
            (
                "module_cache_evictions_total",
                COUNTER,
                "Modules dropped from a full cache.",
                cache.evictions,
            ),
            (
                "module_cache_rejected_total",
                COUNTER,
                "Modules whose code V8 refused.",
                cache.rejected,
            ),
        ]
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _a_string_takes_it = write!(
        text,
        "# HELP adamant_{name} {help}\n# TYPE adamant_{name} {kind}\n"
    );
}
