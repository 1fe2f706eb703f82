//! The exit code that a process would have had.

use super::{Gap, Seen};
use crate::check::Finding;

/// What an exit code means.
pub(super) fn judge(wanted: i32, seen: &Seen<'_>) -> Result<Vec<Finding>, Gap> {
    let code = seen.part("exit code (`exit_code`)", seen.answered.answer.exit_code)?;
    if code == wanted {
        return Ok(Vec::new());
    }
    let finding = Finding::new(format!("exit code {wanted}"), format!("exit code {code}"));
    Ok(vec![finding])
}
