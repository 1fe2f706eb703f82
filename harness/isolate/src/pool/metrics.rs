//! The figures of a pool: the six of seed 001, and what an operator asks next.

use serde::{Deserialize, Serialize};

/// `isolatePool` of seed 001. At any moment `total = available + active = created - destroyed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolMetrics {
    /// Isolates that are ready or at work.
    pub total: usize,
    /// Of those, ready.
    pub available: usize,
    /// Of those, at work.
    pub active: usize,
    /// Isolates that came back corrupted so far, and were replaced.
    pub corrupted: u64,
    /// Isolates that became ready so far.
    pub created: u64,
    /// Isolates taken out so far, for whatever reason.
    pub destroyed: u64,
}

/// What a pool did beside that, since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolActivity {
    /// Isolates that are being made now.
    pub starting: usize,
    /// Isolates whose resources are being given back now.
    pub ending: usize,
    /// Requests that wait for an isolate now.
    pub waiting: usize,
    /// Leases given.
    pub leased: u64,
    /// Of those, of an isolate that had run nothing before.
    pub fresh: u64,
    /// Healthy isolates taken out because another function needed their place.
    pub retired: u64,
    /// Isolates above the base taken out because nobody needed them.
    pub expired: u64,
    /// Isolates that could not be made.
    pub failed: u64,
    /// Requests turned away because too many waited.
    pub refused: u64,
    /// Requests that waited in vain.
    pub timed_out: u64,
}
