//! `cargo test --test modules`: every module case on our isolates and, where it is present, on Node 24, through libtest-mimic.

#[path = "support/answers.rs"]
mod answers;
#[path = "support/modules.rs"]
mod modules_support;
#[path = "support/runtimes.rs"]
mod runtimes;
#[path = "support/snapshot.rs"]
mod snapshot;

use std::process::ExitCode;
use std::sync::Arc;

use adamant_core::frontend;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    let mut plan = modules_support::plan(None);
    plan.trials.retain(|t| frontend::is_chosen(&args, &t.name));
    if args.list || plan.trials.is_empty() {
        let listed = plan.trials.iter().map(|t| Trial::test(&t.name, || Ok(())));
        return libtest_mimic::run(&args, listed.collect()).exit_code();
    }
    args.test_threads = args.test_threads.or(Some(frontend::default_threads()));
    let (session, absent) = runtimes::start(plan, &modules_support::cancel());
    let mut trials = frontend::module_trials(&session, Some(Arc::new(answers::compare)));
    trials.extend(absent);
    let conclusion = libtest_mimic::run(&args, trials);
    let session = Arc::into_inner(session).expect("every trial has ended");
    let (report, errors) = session.finish();
    assert!(
        report.cleanup.is_empty() && errors.is_empty(),
        "{:?} {errors:?}",
        report.cleanup
    );
    conclusion.exit_code()
}
