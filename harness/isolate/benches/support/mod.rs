//! What the benchmarks share: samples with their percentiles, and how many are taken.

use std::time::Duration;

/// Durations of one kind of work.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The value that `percent` of the samples do not exceed, in milliseconds.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        self.0
            .get(last * percent / 100)
            .map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e3)
    }

    /// `min … p50 … p99 …` in milliseconds.
    pub(crate) fn line(&mut self) -> String {
        format!(
            "min {:.3}  p50 {:.3}  p99 {:.3} ms",
            self.percentile(0),
            self.percentile(50),
            self.percentile(99)
        )
    }
}

/// The first number among the arguments (cargo adds `--bench`), or `default`.
pub(crate) fn count(default: usize) -> usize {
    std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(default)
}
