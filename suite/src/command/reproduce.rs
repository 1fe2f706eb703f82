//! `adamant reproduce`: boots the subject of a kept trial with the same inputs and judges the same case again.

use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::Terminal;
use adamant_core::report::Reporter;
use adamant_core::run::{Cancel, Deadline, Options, Session};
use adamant_core::{env, frontend};

use super::run::{end, reporters, run_quietly};
use super::{Done, Failure};
use crate::cli::{Colour, ReproduceArgs, RunArgs};
use crate::reproduce::{Bundle, BundleError, shell};
use crate::{engines, exit, judge, signal, standard};

/// Does it.
pub fn run(args: &ReproduceArgs, colour: Colour) -> Done {
    if args.shell && !Terminal::is_there() {
        let mut failure = Failure::input("`--shell` needs a terminal on standard input and output");
        failure.hint =
            Some("without it the case is judged again; over ssh, `-t` makes a terminal".into());
        return Err(failure);
    }
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    let bundle = Bundle::find(&args.what)?;
    let asked = args.engines.asked();
    let names = asked
        .clone()
        .unwrap_or_else(|| vec![bundle.record.engine.clone()]);
    let trials = bundle.plan(&engines::names(Some(&names))?, args.image.as_deref())?;
    // The engine that it failed on may not be here: whoever asked for none is told which to ask for.
    let connected =
        judge::engines_from(&trials, asked.is_some(), &args.sourcing.sourcing(), &cancel)?;
    tell_other_image(&bundle, &connected, &trials, &cancel)?;
    if args.shell {
        return shell::open(&bundle, connected, trials, cancel);
    }
    let run = run_args(args);
    let reports = super::run::reports(&run);
    let options = Options {
        id: judge::run_id(),
        timeout_scale: env::timeout_scale(),
        missing: connected.missing(),
        cancel,
        ..Options::default()
    };
    let reporter: Box<dyn Reporter> = reporters(&run, colour, &reports, &standard::digest(), None);
    let session = Session::start(options, connected.engines, trials, reporter)?;
    let session = Arc::new(session);
    run_quietly(&run, frontend::trials(&session, None));
    let session = Arc::into_inner(session).expect("every trial has ended and dropped its share");
    Ok(end(session.finish()))
}

/// A finding that goes away with another image was not reproduced.
fn tell_other_image(
    bundle: &Bundle,
    connected: &engines::Connected,
    trials: &[adamant_core::discover::PlannedTrial],
    cancel: &Cancel,
) -> Result<(), Failure> {
    let (Some(was), Some(trial)) = (&bundle.record.image_id, trials.first()) else {
        return Ok(());
    };
    for engine in &connected.engines {
        let patience = Duration::from_secs(60).mul_f64(env::timeout_scale());
        let image = engine.image(&trial.subject.image, &Deadline::after(patience, cancel))?;
        if image.id != *was {
            anstream::eprintln!(
                "warning: the image is {}, and the trial failed on {was}",
                image.id
            );
        }
    }
    Ok(())
}

/// As `run` would be called for it.
fn run_args(args: &ReproduceArgs) -> RunArgs {
    RunArgs {
        plan: crate::cli::PlanArgs {
            words: Vec::new(),
            image: args.image.clone(),
            cases: Vec::new(),
            only_cases: false,
            discover: false,
            require: Vec::new(),
            engines: args.engines.clone(),
        },
        sourcing: args.sourcing.clone(),
        reports: args.reports.clone(),
        threads: None,
        seed: None,
        quiet: false,
        verbose: false,
        keep_workspaces: false,
        sarif: None,
        annotations: false,
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self {
            hint: error.hint(),
            code: if error.is_input() {
                exit::BAD_INPUT
            } else {
                exit::COULD_NOT_JUDGE
            },
            error: error.into(),
        }
    }
}
