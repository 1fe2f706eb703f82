//! The standard contract: the cases of this repository, inside the binary.

use std::sync::Arc;

use adamant_core::case::{FaultKind, ParseError};
use adamant_core::discover::{CaseFile, parse_cases};
use adamant_core::module::{ModuleCaseFile, Packages, parse_module_cases};

/// Every case file: its path below `cases/` and its text.
pub const CASES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// Every module case: its path below `cases/` and its text.
pub const MODULE_CASES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/module-cases.rs"));

/// Every file of the fixture packages that module cases name: its path below `fixtures/packages/` and its bytes.
pub const PACKAGES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/packages.rs"));

/// The module cases, parsed.
pub fn module_cases() -> Result<Vec<Arc<ModuleCaseFile>>, Vec<ParseError>> {
    parse_module_cases(MODULE_CASES)
}

/// The fixture packages of module cases.
#[must_use]
pub fn module_packages() -> Packages {
    let mut packages = Packages::new();
    for (path, bytes) in PACKAGES {
        if let Some((package, file)) = path.split_once('/') {
            let files = packages.entry(package.to_owned()).or_default();
            files.insert(file.to_owned(), bytes.to_vec());
        }
    }
    packages
}

/// The digest of the module cases and their packages.
#[must_use]
pub fn module_digest() -> String {
    let cases = MODULE_CASES
        .iter()
        .map(|(path, text)| (*path, text.as_bytes()));
    digest_of(cases.chain(PACKAGES.iter().copied()))
}

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
    digest_of(CASES.iter().map(|(path, text)| (*path, text.as_bytes())))
}

fn digest_of<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for (path, bytes) in files {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(bytes);
        hash.update([0]);
    }
    let bytes = hash.finalize();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
