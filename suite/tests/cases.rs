//! `cargo test --test cases`: the standard contract on the fixture images, on every engine, through libtest-mimic.

#[path = "support/images.rs"]
mod images;
#[path = "support/session.rs"]
mod session;
#[path = "support/snapshot.rs"]
mod snapshot;
#[path = "support/verdict.rs"]
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;

use adamant::standard;
use adamant_core::discover::{plan, read_subject};
use adamant_core::frontend;
use libtest_mimic::Arguments;

/// The images that must hold.
const SUBJECTS: &[&str] = &[
    "agentbox",
    "bare",
    "nginx",
    "redis",
    "workspace-daemon",
    "workspace-keeper",
    "workspace-peer-daemon",
    "workspace-peer-keeper",
];

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    let images = images::root().join("fixtures/images");
    let subjects: Vec<_> = SUBJECTS
        .iter()
        .map(|name| read_subject(&images.join(name), None).expect("a valid subject"))
        .collect();
    let mut trials = plan(
        &session::engine_names(),
        &subjects,
        &standard::cases().expect("valid cases"),
    );
    trials.retain(|t| frontend::is_chosen(&args, &t.name));
    if args.list || trials.is_empty() {
        let listed = trials
            .iter()
            .map(|t| libtest_mimic::Trial::test(&t.name, || Ok(())))
            .collect();
        return libtest_mimic::run(&args, listed).exit_code();
    }
    images::current();
    args.test_threads = args.test_threads.or(Some(frontend::default_threads()));
    let session = session::start(trials, "cases", Vec::new());
    let snapshots: Arc<frontend::Afterwards> = Arc::new(verdict::compare);
    let conclusion = libtest_mimic::run(&args, frontend::trials(&session, Some(snapshots)));
    let session = Arc::into_inner(session).expect("every trial has ended");
    let (report, errors) = session.finish();
    assert!(
        report.cleanup.is_empty() && errors.is_empty(),
        "{:?} {errors:?}",
        report.cleanup
    );
    conclusion.exit_code()
}
