//! `adamant run`: boots the subjects, judges them, reports.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use adamant_core::discover::PlannedTrial;
use adamant_core::report::{
    All, Evidence, Junit, Reporter, RunReport, Scan, Summary, Terminal, Verbosity,
};
use adamant_core::run::{Cancel, Options, Session};
use adamant_core::{env, frontend};
use libtest_mimic::Arguments;

use super::{Done, Failure};
use crate::cli::{Colour, RunArgs};
use crate::{exit, judge, modules, signal, standard};

/// Runs it.
pub fn run(args: &RunArgs, colour: Colour) -> Done {
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    if modules::are_asked(&args.plan.words)? {
        return super::module::run(args, colour, cancel);
    }
    modules::refuse_module_options(args)?;
    let trials = judge::plan(&args.plan)?;
    let asked = args.plan.engines.asked().is_some();
    let connected = judge::engines_from(&trials, asked, &args.sourcing.sourcing(), &cancel)?;
    let reports = reports(args);
    let options = Options {
        id: judge::run_id(),
        require: args.plan.require.clone(),
        timeout_scale: env::timeout_scale(),
        missing: connected.missing(),
        replay: args.plan.replay(),
        cancel,
        ..Options::default()
    };
    let kept = kept(args, &trials, &reports, &options.id)?;
    let reporter = reporters(args, colour, &reports, &standard::digest(), kept);
    let session = Arc::new(Session::start(
        options,
        connected.engines,
        trials,
        reporter,
    )?);
    run_quietly(args, frontend::trials(&session, None));
    let session = Arc::into_inner(session).expect("every trial has ended and dropped its share");
    Ok(end(session.finish()))
}

/// Who keeps what trials that do not pass need to be seen again, where somebody asked for it.
#[cfg(feature = "workspace")]
fn kept(
    args: &RunArgs,
    trials: &[PlannedTrial],
    reports: &std::path::Path,
    run: &str,
) -> Result<Option<Box<dyn Reporter>>, Failure> {
    if !args.keep_workspaces {
        return Ok(None);
    }
    let keeper = crate::reproduce::Keeper::open(trials, reports, run)?;
    Ok(Some(Box::new(keeper)))
}

#[cfg(not(feature = "workspace"))]
fn kept(
    args: &RunArgs,
    _trials: &[PlannedTrial],
    _reports: &std::path::Path,
    _run: &str,
) -> Result<Option<Box<dyn Reporter>>, Failure> {
    if args.keep_workspaces {
        return Err(Failure::input(
            "`--keep-workspaces` needs the feature `workspace`, without which this Adamant was built",
        ));
    }
    Ok(None)
}

/// Where the reports go.
pub(super) fn reports(args: &RunArgs) -> PathBuf {
    let named = args.reports.clone();
    named
        .or_else(|| env::host(env::REPORTS).map(PathBuf::from))
        .unwrap_or_else(|| "reports".into())
}

/// libtest-mimic runs the trials and stays mute: our reporters print, the exit code comes from the outcomes.
pub(super) fn run_quietly(args: &RunArgs, trials: Vec<libtest_mimic::Trial>) {
    let threads = args
        .threads
        .map_or_else(frontend::default_threads, usize::from);
    let quiet = Arguments {
        test_threads: Some(threads),
        logfile: Some("/dev/null".into()),
        ..Arguments::default()
    };
    let _ = libtest_mimic::run(&quiet, trials);
}

/// The exit code of a finished run.
pub(super) fn end((report, errors): (RunReport, Vec<String>)) -> u8 {
    for error in &errors {
        anstream::eprintln!("warning: {error}");
    }
    match report.interrupted {
        Some(number) => exit::signal(number),
        None if !errors.is_empty() => exit::COULD_NOT_JUDGE,
        None => report.totals.exit_code(),
    }
}

/// Everybody who hears of a run; `digest` tells one state of the cases from another.
pub(super) fn reporters(
    args: &RunArgs,
    colour: Colour,
    reports: &std::path::Path,
    digest: &str,
    kept: Option<Box<dyn Reporter>>,
) -> Box<dyn Reporter> {
    let colour = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            std::io::stdout().is_terminal() && env::host(env::NO_COLOR).is_none_or(|v| v.is_empty())
        }
    };
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let mut all: Vec<Box<dyn Reporter>> = vec![Box::new(Evidence::new(reports))];
    // After the evidence, which begins each trial's folder anew; before who tells where it is.
    all.extend(kept);
    let rest: [Box<dyn Reporter>; 2] = [
        Box::new(Summary::new(reports, digest)),
        Box::new(Terminal::new(colour, verbosity, reports)),
    ];
    all.extend(rest);
    // nextest writes its own JUnit, and runs each trial in a process that would overwrite ours.
    if env::host(env::NEXTEST).is_none() {
        all.push(Box::new(Junit::new(reports)));
    }
    if args.sarif.is_some() || args.annotations {
        all.push(Box::new(scan(args)));
    }
    Box::new(All(all))
}

/// Findings for code scanning and for a pull request; their places are told from where the run was started.
fn scan(args: &RunArgs) -> Scan {
    let here = std::env::current_dir().unwrap_or_default();
    let mut scan = Scan::new(env!("CARGO_PKG_VERSION"), here);
    if let Some(path) = &args.sarif {
        scan = scan.to_file(path.clone());
    }
    if args.annotations {
        scan = scan.annotating(Box::new(std::io::stdout()));
    }
    scan
}
