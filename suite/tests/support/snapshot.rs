//! A text against its snapshot, reviewed with `cargo insta review`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Compares a text with the snapshot of that name below `suite/snapshots/<subject>`.
pub(crate) fn accepted(subject: &str, case: &Path, told: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("snapshots")
        .join(subject)
        .join(case.parent().unwrap_or(Path::new("")));
    let name = case
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let accepted = insta::Snapshot::from_file(&folder.join(format!("{name}.snap"))).ok();
    let accepted = accepted
        .and_then(|s| Some(s.as_text()?.to_string()))
        .unwrap_or_default();
    if accepted.trim_end() == told.trim_end() {
        return Ok(());
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let kept = catch_unwind(AssertUnwindSafe(|| {
        settings.bind(|| insta::assert_snapshot!(name.as_str(), told));
    }));
    if kept.is_ok() {
        // INSTA_UPDATE accepted it.
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(accepted.as_str(), told);
    let diff = diff.unified_diff().header("accepted", "seen").to_string();
    Err(format!(
        "the verdict differs from its snapshot; look at it with `cargo insta review`\n{diff}"
    ))
}
