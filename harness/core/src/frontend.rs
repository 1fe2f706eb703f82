//! One plan, two doors: the session's trials as libtest-mimic trials, for `cargo test` and for `adamant run`.

use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::report::{TrialReport, text};
use crate::run::{ModuleSession, Outcome, Session};

/// Judges a finished trial once more, such as against a snapshot; the error makes a passing trial fail.
pub type Afterwards = dyn Fn(&TrialReport) -> Result<(), String> + Send + Sync;

/// The session's trials for libtest-mimic; each runs its trial and answers by the outcome rule.
pub fn trials(session: &Arc<Session>, afterwards: Option<Arc<Afterwards>>) -> Vec<Trial> {
    let names = session.trials().iter().map(|t| t.name.clone()).collect();
    let session = session.clone();
    of(names, Arc::new(move |index| session.run(index)), afterwards)
}

/// The same for a session of module cases.
pub fn module_trials(
    session: &Arc<ModuleSession>,
    afterwards: Option<Arc<Afterwards>>,
) -> Vec<Trial> {
    let names = session.trials().iter().map(|t| t.name.clone()).collect();
    let session = session.clone();
    of(names, Arc::new(move |index| session.run(index)), afterwards)
}

/// Runs the trial of a number.
type Run = dyn Fn(usize) -> TrialReport + Send + Sync;

fn of(names: Vec<String>, run: Arc<Run>, afterwards: Option<Arc<Afterwards>>) -> Vec<Trial> {
    let one = |(index, name): (usize, String)| {
        let (run, afterwards) = (run.clone(), afterwards.clone());
        Trial::ignorable_test(name, move || {
            let report = run(index);
            if let Some(after) = &afterwards {
                after(&report)?;
            }
            match &report.outcome {
                Outcome::Passed | Outcome::ExpectedFailure { .. } => Ok(Completion::Completed),
                Outcome::Skipped { reason, .. } => Ok(Completion::ignored_with(reason)),
                Outcome::Failed { .. }
                | Outcome::UnexpectedPass { .. }
                | Outcome::Broken { .. } => Err(text::verdict(&report).into()),
            }
        })
    };
    names.into_iter().enumerate().map(one).collect()
}

/// Whether libtest-mimic's own filters leave a trial in; asked while planning, because trials share boots.
#[must_use]
pub fn is_chosen(args: &Arguments, name: &str) -> bool {
    let probe = Trial::test(name, || Ok(()));
    !args.is_filtered_out(&probe)
}

/// How many trials run at once when nobody says: boots wait more than they compute.
#[must_use]
pub fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (cores * 2).clamp(2, 8)
}
