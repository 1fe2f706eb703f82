//! A session on real engines for a test target, with its reports under `reports/<area>`.

use std::sync::Arc;

use adamant::command::Failure;
use adamant::{engines, judge, signal, standard};
use adamant_core::discover::PlannedTrial;
use adamant_core::env;
use adamant_core::report::{All, Evidence, Junit, Reporter, Summary, text};
use adamant_core::run::{Cancel, Options, Session};

use crate::images::root;

/// A target without its engine or images ends here, with the whole chain.
#[expect(clippy::panic, reason = "a test target that cannot judge fails")]
fn fail(failure: &Failure) -> ! {
    panic!(
        "{}",
        text::error(failure.error.as_ref(), failure.hint.as_deref())
    )
}

/// The engines that run here, by `ADAMANT_ENGINES` or all.
pub(crate) fn engine_names() -> Vec<&'static str> {
    engines::names(env::engines().as_deref()).unwrap_or_else(|e| fail(&e.into()))
}

/// Starts a session; the target's own reporters hear of it first.
pub(crate) fn start(
    trials: Vec<PlannedTrial>,
    area: &str,
    mut reporters: Vec<Box<dyn Reporter>>,
) -> Arc<Session> {
    let cancel = Cancel::default();
    signal::watch(&cancel).expect("signals can be watched");
    let connected =
        judge::engines_for(&trials, env::engines().is_some(), &cancel).unwrap_or_else(|f| fail(&f));
    let reports = root().join("reports").join(area);
    reporters.push(Box::new(Evidence::new(&reports)));
    // Under nextest each trial is a process of its own, and its JUnit is the report.
    if env::host(env::NEXTEST).is_none() {
        reporters.push(Box::new(Junit::new(&reports)));
        reporters.push(Box::new(Summary::new(&reports, standard::digest())));
    }
    let options = Options {
        id: judge::run_id(),
        timeout_scale: env::timeout_scale(),
        missing: connected.missing(),
        cancel,
        ..Options::default()
    };
    let session = Session::start(options, connected.engines, trials, Box::new(All(reporters)));
    Arc::new(session.unwrap_or_else(|e| fail(&e.into())))
}
