//! The runtimes of the `modules` target: our isolates, and Node 24 where it is present.

use std::path::Path;
use std::sync::Arc;

use adamant::modules::{self, Plan};
use adamant_core::report::text;
use adamant_core::run::{Cancel, ModuleSession};
use libtest_mimic::Trial;

use crate::modules_support::{fail, ignored, session};

/// Our executable with V8; naming it makes cargo build it.
const ISOLATE: &str = env!("CARGO_BIN_EXE_adamant-isolate");

/// Starts a session. Trials on a Node that nobody asked for and that is not here are ignored, each with the reason.
pub(crate) fn start(mut plan: Plan, cancel: &Cancel) -> (Arc<ModuleSession>, Vec<Trial>) {
    let isolate = Some(Path::new(ISOLATE));
    let mut hosts =
        modules::hosts(&plan.engines, None, isolate, cancel).unwrap_or_else(|f| fail(&f));
    let mut absent = Vec::new();
    if !plan.required
        && let Some(error) = hosts.missing.remove("node")
    {
        let why = text::causes(&error).join(": ");
        let (gone, here) = plan.trials.into_iter().partition(|t| t.engine == "node");
        plan.trials = here;
        absent = ignored(gone, &why);
    }
    (session(plan, hosts, "modules", cancel), absent)
}
