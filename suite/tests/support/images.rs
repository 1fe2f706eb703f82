//! Fixture images that are current, wherever a test target is started from.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
    suite.parent().expect("suite/ is below the root").to_owned()
}

/// Rebuilds fixture images whose sources changed; a no-op of a moment otherwise.
pub(crate) fn current() {
    let mut xtask = Command::new(env!("CARGO"));
    xtask.args(["xtask", "images"]).current_dir(root());
    let status = xtask.status().expect("cargo starts");
    assert!(
        status.success(),
        "`cargo xtask images` failed; it says why above"
    );
}
