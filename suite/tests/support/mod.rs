//! What the test targets share: fixture images that are current, sessions on real engines, and collected reports.

pub mod snapshot;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use adamant::{engines, judge, standard};
use adamant_core::discover::PlannedTrial;
use adamant_core::env;
use adamant_core::report::{All, Event, Evidence, Junit, Reporter, Summary, TrialReport};
use adamant_core::run::{Cancel, Options, Session};

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root")
        .to_owned()
}

/// Rebuilds fixture images whose sources changed; a no-op of a moment otherwise.
pub fn current_images() {
    let cargo = env!("CARGO");
    let status = Command::new(cargo)
        .args(["xtask", "images"])
        .current_dir(root())
        .status()
        .expect("cargo starts");
    assert!(
        status.success(),
        "`cargo xtask images` failed; it says why above"
    );
}

/// The engines that run here, by `ADAMANT_ENGINES` or all.
pub fn engine_names() -> Vec<&'static str> {
    engines::names(env::engines().as_deref()).unwrap_or_else(|e| panic!("{e}"))
}

/// Starts a session on real engines; its reports go to `reports/<area>` and to `kept`.
pub fn session(trials: Vec<PlannedTrial>, area: &str, kept: Kept) -> Arc<Session> {
    let cancel = Cancel::default();
    adamant::signal::watch(&cancel).expect("signals can be watched");
    let engines = judge::engines_for(&trials, &cancel).unwrap_or_else(|f| {
        panic!(
            "{}",
            adamant_core::report::text::error(f.error.as_ref(), f.hint.as_deref())
        )
    });
    let reports = root().join("reports").join(area);
    let mut reporters: Vec<Box<dyn Reporter>> =
        vec![Box::new(kept), Box::new(Evidence::new(&reports))];
    // Under nextest each trial is a process of its own, and its JUnit is the report.
    if env::host(env::NEXTEST).is_none() {
        reporters.push(Box::new(Junit::new(&reports)));
        reporters.push(Box::new(Summary::new(&reports, &standard::digest())));
    }
    let options = Options {
        id: judge::run_id(),
        timeout_scale: env::timeout_scale(),
        cancel,
        ..Options::default()
    };
    let session = Session::start(options, engines, trials, Box::new(All(reporters)));
    Arc::new(
        session
            .unwrap_or_else(|e| panic!("{}", adamant_core::report::text::error(&e, e.get_hint()))),
    )
}

/// Keeps every trial's report.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<TrialReport>>>);

impl Kept {
    /// What was kept.
    pub fn reports(&self) -> Vec<TrialReport> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Reporter for Kept {
    fn event(&mut self, event: &Event) {
        if let Event::TrialFinished(report) = event {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((**report).clone());
        }
    }
}
