//! Whether the place answers from which the crate would fetch its archive.

use std::process::{Command, Stdio};

const RELEASES: &str = "https://github.com/denoland/rusty_v8/releases/download";
/// Seconds. A place that is slower than this to say a few headers would take minutes for the archive.
const PATIENCE: &str = "5";
const ASK_BY_PYTHON: &str = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='HEAD'), timeout=float(sys.argv[2]))";

/// The address of the archive for this machine.
pub(super) fn archive(version: &str) -> String {
    archive_at(&base(), version)
}

fn archive_at(base: &str, version: &str) -> String {
    let arch = std::env::consts::ARCH;
    format!("{base}/v{version}/librusty_v8_release_{arch}-unknown-linux-gnu.a.gz")
}

/// The crate itself fetches with Python or else curl, so whichever of them is here may ask.
pub(super) fn answers(version: &str) -> bool {
    let url = archive(version);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--head", "--location"]);
    curl.args(["--output", "/dev/null", "--max-time", PATIENCE, &url]);
    let mut python = Command::new("python3");
    python.args(["-c", ASK_BY_PYTHON, &url, PATIENCE]);
    [curl, python].iter_mut().any(|ask| {
        let ask = ask.stdin(Stdio::null()).stdout(Stdio::null());
        ask.stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable is the crate's own; xtask depends on none of our packages"
)]
fn base() -> String {
    std::env::var("RUSTY_V8_MIRROR").unwrap_or_else(|_| RELEASES.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_crates_own() {
        let url = archive_at("https://mirror.example", "136.0.0");
        assert!(url.starts_with("https://mirror.example/v136.0.0/librusty_v8_release_"));
        assert!(url.ends_with("-unknown-linux-gnu.a.gz"));
    }
}
