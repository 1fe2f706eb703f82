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

/// Name, type, help and value.
type Line = (&'static str, &'static str, &'static str, u64);

impl Everything {
    /// In Prometheus' text format, version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let Self {
            pool,
            activity,
            cache,
            counts,
        } = self;
        let lines: [Line; 22] = [
            (
                "isolates",
                "gauge",
                "Isolates ready or at work.",
                pool.total as u64,
            ),
            (
                "isolates_available",
                "gauge",
                "Isolates that are ready.",
                pool.available as u64,
            ),
            (
                "isolates_active",
                "gauge",
                "Isolates at work.",
                pool.active as u64,
            ),
            (
                "isolates_starting",
                "gauge",
                "Isolates being made.",
                activity.starting as u64,
            ),
            (
                "isolates_ending",
                "gauge",
                "Isolates being ended.",
                activity.ending as u64,
            ),
            (
                "isolates_created_total",
                "counter",
                "Isolates that became ready.",
                pool.created,
            ),
            (
                "isolates_destroyed_total",
                "counter",
                "Isolates taken out.",
                pool.destroyed,
            ),
            (
                "isolates_corrupted_total",
                "counter",
                "Isolates that came back corrupted.",
                pool.corrupted,
            ),
            (
                "isolates_retired_total",
                "counter",
                "Isolates taken out for another function.",
                activity.retired,
            ),
            (
                "isolates_expired_total",
                "counter",
                "Isolates taken out because nobody needed them.",
                activity.expired,
            ),
            (
                "isolates_failed_total",
                "counter",
                "Isolates that could not be made.",
                activity.failed,
            ),
            (
                "isolate_leases_total",
                "counter",
                "Times an isolate was lent.",
                activity.leased,
            ),
            (
                "isolate_leases_fresh_total",
                "counter",
                "Of those, of one that had run nothing.",
                activity.fresh,
            ),
            (
                "requests_waiting",
                "gauge",
                "Requests that wait for an isolate.",
                activity.waiting as u64,
            ),
            (
                "requests_refused_total",
                "counter",
                "Requests refused because too many waited.",
                activity.refused,
            ),
            (
                "requests_expired_total",
                "counter",
                "Requests that waited in vain.",
                activity.timed_out,
            ),
            (
                "module_cache_size",
                "gauge",
                "Modules whose compiled code is kept.",
                cache.size as u64,
            ),
            (
                "module_cache_bytes",
                "gauge",
                "Bytes of it.",
                cache.bytes as u64,
            ),
            (
                "module_cache_hits_total",
                "counter",
                "Lookups that found code.",
                cache.hits,
            ),
            (
                "module_cache_misses_total",
                "counter",
                "Lookups that found none.",
                cache.misses,
            ),
            (
                "module_cache_evictions_total",
                "counter",
                "Modules dropped from a full cache.",
                cache.evictions,
            ),
            (
                "module_cache_rejected_total",
                "counter",
                "Modules whose code V8 refused.",
                cache.rejected,
            ),
        ];
        let mut text = String::new();
        for (name, kind, help, value) in lines {
            head(&mut text, name, kind, help);
            let _a_string_takes_it = writeln!(text, "adamant_{name} {value}");
        }
        head(
            &mut text,
            "executions_total",
            "counter",
            "Executions by how they ended.",
        );
        for (outcome, count) in counts.by_outcome() {
            let _a_string_takes_it = writeln!(
                text,
                "adamant_executions_total{{outcome=\"{outcome}\"}} {count}"
            );
        }
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _a_string_takes_it = write!(
        text,
        "# HELP adamant_{name} {help}\n# TYPE adamant_{name} {kind}\n"
    );
}
