//! Each verdict against its snapshot: one file for all engines and all variants.

use std::path::Path;

use adamant_core::redact::volatile;
use adamant_core::report::{TrialReport, text};
use adamant_core::run::Outcome;

use crate::snapshot::accepted;

/// Compares a trial's redacted verdict with `suite/snapshots/<subject>/<case>.snap`.
pub(crate) fn compare(report: &TrialReport) -> Result<(), String> {
    // Not a verdict: why there is none is told by the front end, and must never become a snapshot.
    if matches!(report.outcome, Outcome::Broken { .. }) {
        return Ok(());
    }
    let mut told = volatile(&text::judgment(report));
    if let Some(variant) = &report.variant {
        told = told.replace(variant.as_str(), "[ARTIFACT]");
    }
    accepted(&report.subject, Path::new(&report.case), &told)
}
