//! The embedded control: a script that the lint must object to, or it is blind.

use super::{chain::script, lint::Lint};

/// A bad script with at least one smell of each class; a run in which the lint does not find them is broken.
pub const BAD_SAMPLE: &str = r#"#!/bin/sh
set -e
PM=npm
prepare() {
    cd "$1" && $PM install --omit=dev || true
}
prepare /opt/app
curl -fsSL https://example.invalid/install.sh | sh
command -v codex >/dev/null || echo "codex is missing, going on"
"#;

/// Lints [`BAD_SAMPLE`].
#[must_use]
pub fn control() -> Lint {
    script("control.sh", BAD_SAMPLE.as_bytes())
}
