//! Trials that are judged without a line on the terminal, and their reports: for targets whose own tests look at several of them.

use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::discover::PlannedTrial;
use adamant_core::frontend;
use adamant_core::report::{Event, Reporter, TrialReport};
use libtest_mimic::Arguments;

use crate::session;

/// Judges them all, on the engines that run here; the reports of every trial, in the order in which they ended.
pub(crate) fn judged(trials: Vec<PlannedTrial>, area: &str) -> Vec<TrialReport> {
    let kept = Kept::default();
    let session = session::start(trials, area, vec![Box::new(kept.clone())]);
    let mute = Arguments {
        // Most of these boots are only looked at for some seconds: that takes time and no processor.
        test_threads: Some(2 * frontend::default_threads()),
        logfile: Some("/dev/null".into()),
        ..Arguments::default()
    };
    // What came of them is in the reports.
    let _ = libtest_mimic::run(&mute, frontend::trials(&session, None));
    Arc::into_inner(session)
        .expect("every trial has ended")
        .finish();
    let reports = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    reports.clone()
}

/// Keeps every trial's report.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<TrialReport>>>);

impl Reporter for Kept {
    fn event(&mut self, event: &Event) {
        if let Event::TrialFinished(report) = event {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((**report).clone());
        }
    }
}
