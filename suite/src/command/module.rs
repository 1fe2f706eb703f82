//! `adamant run module`: runs module cases on runtimes, judges them, reports.

use std::sync::Arc;

use adamant_core::run::{Cancel, ModuleSession, Options};
use adamant_core::{env, frontend};

use super::run::{end, reporters, reports, run_quietly};
use super::{Done, Failure};
use crate::cli::{Colour, RunArgs};
use crate::{judge, modules, standard};

/// Runs it.
pub fn run(args: &RunArgs, colour: Colour, cancel: Cancel) -> Done {
    let seed = modules::seed(args.seed.as_deref())?;
    let mut plan = modules::plan(&args.plan)?;
    modules::check(&plan, seed)?;
    let adapter = args.plan.engines.adapter.as_deref();
    let mut hosts = modules::hosts(&plan.engines, adapter, None, &cancel)?;
    if !plan.required {
        // Nobody asked for Node: where it is not, the run goes on and says so.
        if let Some(error) = hosts.missing.remove("node") {
            plan.trials.retain(|t| t.engine != "node");
            let chain = adamant_core::report::text::causes(&error).join(": ");
            anstream::eprintln!("note: not judged on `node`, the oracle: {chain}");
        }
        if let Some((_, error)) = hosts.missing.pop_first() {
            return Err(error.into());
        }
    }
    if plan.trials.is_empty() {
        return Err(Failure::input("there is no module case to judge"));
    }
    let reports = reports(args);
    let mut replay = args.plan.replay();
    if let Some(command) = adapter {
        replay.extend(["--adapter".to_owned(), command.to_owned()]);
    }
    let options = Options {
        id: judge::run_id(),
        require: args.plan.require.clone(),
        timeout_scale: env::timeout_scale(),
        missing: hosts.missing(),
        replay,
        cancel,
        ..Options::default()
    };
    let reporter = reporters(args, colour, &reports, &standard::module_digest(), None);
    let packages = plan.catalogue.packages.clone();
    let session =
        ModuleSession::start(options, hosts.hosts, plan.trials, packages, seed, reporter)?;
    let session = Arc::new(session);
    run_quietly(args, frontend::module_trials(&session, None));
    let session = Arc::into_inner(session).expect("every trial has ended and dropped its share");
    Ok(end(session.finish()))
}
