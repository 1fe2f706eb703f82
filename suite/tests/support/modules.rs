//! A session of module cases for a test target, with its reports under `reports/<area>`.

use std::path::Path;
use std::sync::Arc;

use adamant::cli::{EngineArgs, PlanArgs};
use adamant::command::Failure;
use adamant::modules::{self, Hosts, Plan};
use adamant::{judge, signal, standard};
use adamant_core::env;
use adamant_core::module::{ModuleTrial, Seed};
use adamant_core::report::{All, Evidence, Junit, Reporter, Summary, text};
use adamant_core::run::{Cancel, ModuleSession, Options};
use libtest_mimic::{Completion, Trial};

/// A target that cannot judge ends here, with the whole chain.
#[expect(clippy::panic, reason = "a test target that cannot judge fails")]
pub(crate) fn fail(failure: &Failure) -> ! {
    panic!(
        "{}",
        text::error(failure.error.as_ref(), failure.hint.as_deref())
    )
}

/// Every case on the engines of `ADAMANT_ENGINES`, or on all; with a command on that adapter alone.
pub(crate) fn plan(adapter: Option<&str>) -> Plan {
    let names = adapter.iter().map(|_| "adapter".to_owned()).collect();
    let adapter = adapter.map(str::to_owned);
    let args = PlanArgs {
        words: vec!["module".to_owned()],
        image: None,
        cases: Vec::new(),
        only_cases: false,
        require: Vec::new(),
        discover: false,
        engines: EngineArgs { names, adapter },
    };
    modules::plan(&args).unwrap_or_else(|f| fail(&f))
}

/// Starts a session whose reports stand under `reports/<area>`.
pub(crate) fn session(plan: Plan, hosts: Hosts, area: &str, cancel: &Cancel) -> Arc<ModuleSession> {
    let seed = Seed::random();
    modules::check(&plan, seed).unwrap_or_else(|f| fail(&f));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root");
    let reports = root.join("reports").join(area);
    let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(Evidence::new(&reports))];
    // Under nextest each trial is a process of its own, and its JUnit is the report.
    if env::host(env::NEXTEST).is_none() {
        reporters.push(Box::new(Junit::new(&reports)));
        reporters.push(Box::new(Summary::new(&reports, standard::module_digest())));
    }
    let options = Options {
        id: judge::run_id(),
        timeout_scale: env::timeout_scale(),
        missing: hosts.missing(),
        cancel: cancel.clone(),
        ..Options::default()
    };
    let packages = plan.catalogue.packages.clone();
    let session = ModuleSession::start(
        options,
        hosts.hosts,
        plan.trials,
        packages,
        seed,
        Box::new(All(reporters)),
    );
    Arc::new(session.unwrap_or_else(|e| fail(&e.into())))
}

/// A flag that SIGINT and SIGTERM raise.
pub(crate) fn cancel() -> Cancel {
    let cancel = Cancel::default();
    signal::watch(&cancel).expect("signals can be watched");
    cancel
}

/// Trials that cannot run here, each with the reason.
pub(crate) fn ignored(trials: Vec<ModuleTrial>, why: &str) -> Vec<Trial> {
    let one = |trial: ModuleTrial| {
        let why = why.to_owned();
        Trial::ignorable_test(trial.name, move || Ok(Completion::ignored_with(why)))
    };
    trials.into_iter().map(one).collect()
}
