//! A session of module cases for a test target, with its reports under `reports/modules`.

use std::path::Path;
use std::sync::Arc;

use adamant::cli::{EngineArgs, PlanArgs};
use adamant::command::Failure;
use adamant::modules::{self, Plan};
use adamant::{judge, signal, standard};
use adamant_core::env;
use adamant_core::module::{ModuleTrial, Seed};
use adamant_core::report::{All, Evidence, Junit, Reporter, Summary, text};
use adamant_core::run::{Cancel, ModuleSession, Options};
use libtest_mimic::{Completion, Trial};

/// Our executable with V8; naming it makes cargo build it.
const ISOLATE: &str = env!("CARGO_BIN_EXE_adamant-isolate");

/// A target that cannot judge ends here, with the whole chain.
#[expect(clippy::panic, reason = "a test target that cannot judge fails")]
fn fail(failure: &Failure) -> ! {
    panic!(
        "{}",
        text::error(failure.error.as_ref(), failure.hint.as_deref())
    )
}

/// Every case on the engines of `ADAMANT_ENGINES`, or on all.
pub(crate) fn plan() -> Plan {
    let args = PlanArgs {
        words: vec!["module".to_owned()],
        image: None,
        cases: Vec::new(),
        only_cases: false,
        require: Vec::new(),
        discover: false,
        engines: EngineArgs {
            names: Vec::new(),
            adapter: None,
        },
    };
    modules::plan(&args).unwrap_or_else(|f| fail(&f))
}

/// Starts a session. Trials on a Node that nobody asked for and that is not here are ignored, each with the reason.
pub(crate) fn start(mut plan: Plan) -> (Arc<ModuleSession>, Vec<Trial>) {
    let cancel = Cancel::default();
    signal::watch(&cancel).expect("signals can be watched");
    let seed = Seed::random();
    modules::check(&plan, seed).unwrap_or_else(|f| fail(&f));
    let isolate = Some(Path::new(ISOLATE));
    let mut hosts =
        modules::hosts(&plan.engines, None, isolate, &cancel).unwrap_or_else(|f| fail(&f));
    let mut absent = Vec::new();
    if !plan.required
        && let Some(error) = hosts.missing.remove("node")
    {
        let why = text::causes(&error).join(": ");
        let (gone, here) = plan.trials.into_iter().partition(|t| t.engine == "node");
        plan.trials = here;
        absent = ignored(gone, &why);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root");
    let reports = root.join("reports/modules");
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
        cancel,
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
    (
        Arc::new(session.unwrap_or_else(|e| fail(&e.into()))),
        absent,
    )
}

fn ignored(trials: Vec<ModuleTrial>, why: &str) -> Vec<Trial> {
    let one = |trial: ModuleTrial| {
        let why = why.to_owned();
        Trial::ignorable_test(trial.name, move || Ok(Completion::ignored_with(why)))
    };
    trials.into_iter().map(one).collect()
}
