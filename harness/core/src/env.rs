//! Every environment variable that Adamant reads.

use std::path::PathBuf;

/// `ADAMANT_ENGINES`: a comma-separated list; exactly these engines run, and each must.
pub const ENGINES: &str = "ADAMANT_ENGINES";
/// `ADAMANT_TIMEOUT_SCALE`: scales our own patience, never a number that a case or subject claims.
pub const TIMEOUT_SCALE: &str = "ADAMANT_TIMEOUT_SCALE";
/// `ADAMANT_REPORTS`: where reports are written instead of `reports/`.
pub const REPORTS: &str = "ADAMANT_REPORTS";
/// `ADAMANT_NODE`: the executable of Node 24, the oracle of module cases.
pub const NODE: &str = "ADAMANT_NODE";
/// `NO_COLOR`: no colour, whatever the terminal.
pub const NO_COLOR: &str = "NO_COLOR";
/// `NEXTEST`: set by cargo-nextest, which runs each trial in its own process and writes its own JUnit.
pub const NEXTEST: &str = "NEXTEST";

/// The value of a variable of the host, when it is set and is text.
#[must_use]
pub fn host(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the environment"
    )]
    std::env::var(name).ok()
}

/// The engines asked for, when any are.
#[must_use]
pub fn engines() -> Option<Vec<String>> {
    let text = host(ENGINES).filter(|t| !t.trim().is_empty())?;
    Some(
        text.split(',')
            .map(str::trim)
            .filter(|e| !e.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// How much patience is scaled: 1 unless set to a number from 0.1 to 100.
#[must_use]
pub fn timeout_scale() -> f64 {
    host(TIMEOUT_SCALE)
        .and_then(|t| t.parse().ok())
        .filter(|s| (0.1..=100.0).contains(s))
        .unwrap_or(1.0)
}

/// Where the user's cache is: `$XDG_CACHE_HOME/adamant` or `~/.cache/adamant`.
#[must_use]
pub fn cache_dir() -> PathBuf {
    let base = host("XDG_CACHE_HOME")
        .filter(|d| d.starts_with('/'))
        .map(PathBuf::from);
    base.or_else(|| Some(PathBuf::from(host("HOME")?).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("adamant")
}
