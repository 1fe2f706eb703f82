//! What ran outside of the runtime while it had a package: nothing may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::check::{Finding, Unanswered};
use crate::module::{ProcessSeen, Sight};

/// What may run on the host, from the runtime's `ready` line on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostExecution {
    /// No program is started and no process is made.
    None,
}

impl HostExecution {
    pub(super) fn judge(self, seen: &Seen<'_>) -> Result<Vec<Finding>, Unanswered> {
        match self {
            Self::None => judge_sight(seen.sight, true),
        }
    }
}

/// `forks`: whether a process that was only made counts too.
pub(super) fn judge_sight(sight: &Sight, forks: bool) -> Result<Vec<Finding>, Unanswered> {
    let trace = match sight {
        Sight::Seen(trace) => trace,
        Sight::Blind(why) => {
            return Err(Unanswered(format!(
                "nobody could see which processes the runtime made: {why}"
            )));
        }
        Sight::Native => {
            return Err(Unanswered(
                "the runtime is a process of the host, which is not watched".into(),
            ));
        }
    };
    let counted: Vec<&ProcessSeen> = trace
        .processes
        .iter()
        .filter(|p| forks || p.exec.is_some())
        .collect();
    let Some(first) = counted.first() else {
        return Ok(Vec::new());
    };
    let what = match &first.exec {
        Some(exec) => format!("process {} started `{}`", first.pid, exec.join(" ")),
        None => format!(
            "process {} was made, running `{}`",
            first.pid,
            first.argv.join(" ")
        ),
    };
    let lines = counted.iter().map(|p| match &p.exec {
        Some(exec) => format!(
            "pid {} [{}] exec {}",
            p.pid,
            p.argv.join(" "),
            exec.join(" ")
        ),
        None => format!("pid {} [{}]", p.pid, p.argv.join(" ")),
    });
    let finding = Finding::new(
        "the package runs inside of the runtime: after its `ready` line no program is started on the host",
        what,
    );
    Ok(vec![finding.with(lines)])
}
