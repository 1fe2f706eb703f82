//! The standard contract: the cases of this repository, inside the binary.

use std::sync::Arc;

use adamant_core::case::{FaultKind, ParseError};
use adamant_core::discover::{CaseFile, parse_cases};

/// Every case file: its path below `cases/` and its text.
pub const CASES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// The standard cases, parsed: without those that first discover what they judge, which take a boot for each file.
pub fn cases() -> Result<Vec<Arc<CaseFile>>, Vec<ParseError>> {
    let mut cases = all()?;
    cases.retain(|case| !discovers(case));
    Ok(cases)
}

/// All of them.
pub fn all() -> Result<Vec<Arc<CaseFile>>, Vec<ParseError>> {
    parse_cases(CASES)
}

/// Whether a case first discovers what it judges.
#[must_use]
pub fn discovers(case: &CaseFile) -> bool {
    let fault = case.case.boot.as_ref().and_then(|boot| boot.fault);
    fault == Some(FaultKind::DiscoveredArtifactAbsent)
}

/// The digest of the standard cases: which contract a report is about.
#[must_use]
pub fn digest() -> String {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for (path, text) in CASES {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
