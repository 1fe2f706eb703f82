//! What stands before the processes of a boot that is watched, and whether a boot can be made at all, before anything is.

use adamant_core::case::Clock;
use adamant_core::engine::{BootPlan, EngineError, ErrorKind};
use fs_err as fs;

use crate::ask::encode;

use adamant_probe::{MOUNT_PATH, Request};

/// Whether what the plan names is there, and what it asks for can be made.
pub(crate) fn possible(plan: &BootPlan) -> Result<(), EngineError> {
    for bind in &plan.binds {
        fs::symlink_metadata(&bind.source).map_err(|error| {
            let attempt = format!("mount `{}` at `{}`", bind.source.display(), bind.target);
            EngineError::new(ErrorKind::Input, attempt).caused_by(error)
        })?;
    }
    let made = [
        (
            plan.network.profile().is_some(),
            "make a network for a boot",
        ),
        (
            plan.clock == Clock::Epoch,
            "tell a boot another time of day",
        ),
    ];
    match made.iter().find(|(asked, _)| *asked) {
        Some((_, attempt)) if plan.trace.is_none() => Err(EngineError::new(
            ErrorKind::Unsupported,
            *attempt,
        )
        .caused_by("who does that is the supervisor of a traced boot, and this one is not traced")),
        _ => Ok(()),
    }
}

/// What stands before the program of a traced boot; it tries to write `control`, if there is one.
fn launcher<'p>(plan: &BootPlan, control: Option<&'p str>) -> impl Iterator<Item = &'p str> {
    let control = control
        .into_iter()
        .flat_map(|path| ["--control-write", path]);
    let epoch = (plan.clock == Clock::Epoch).then_some("--epoch");
    let words = [MOUNT_PATH, "launch"].into_iter().chain(control);
    words.chain(epoch)
}

/// What a traced boot is started as, when the subject's own is `own`.
pub(crate) fn launched(plan: &BootPlan, control: &str, own: &[String]) -> Vec<String> {
    let reads = plan.trace_reads.then_some("--reads");
    let words = launcher(plan, Some(control)).chain(reads).chain(["--"]);
    words
        .map(str::to_owned)
        .chain(own.iter().cloned())
        .collect()
}

/// The probe for one request. What it runs for the subject in a traced boot is watched too: a launcher stands before it.
pub(crate) fn probe(request: &Request, plan: &BootPlan) -> Vec<String> {
    let own = [MOUNT_PATH.to_owned(), encode(request)];
    let for_the_subject = matches!(request, Request::Commands { .. } | Request::Mcp { .. });
    if plan.trace.is_none() || !for_the_subject {
        return own.into();
    }
    let words = launcher(plan, None).chain(["--"]);
    words.map(str::to_owned).chain(own).collect()
}
