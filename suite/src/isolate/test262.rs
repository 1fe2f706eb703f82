//! The verb `test262`: workers run the tests, the baseline judges, the summary tells.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use adamant::cli::Test262Args;
use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::test262::{
    self, Baseline, Checkout, CheckoutError, Counts, Expected, Ran, Results, SuperviseError,
};
use adamant_isolate::worker::Launch;
use serde::Serialize;

use crate::summary::Summary;

/// Where our own baselines are, seen from the root of our checkout.
const BASELINES: &str = "harness/isolate/baselines";

/// Answers as a worker, until nobody asks any more.
pub(crate) fn serve(checkout: &Path) -> Done {
    let checkout = Checkout::open(checkout).map_err(input)?;
    test262::serve(&checkout).map_err(Failure::broken)?;
    Ok(exit::HELD)
}

/// Runs the tests.
pub(crate) fn run(args: &Test262Args) -> Done {
    let checkout = Checkout::open(&args.dir).map_err(input)?;
    let given = match &args.baseline {
        Some(file) => given(file, args.bless)?,
        None => None,
    };
    let mut tests = checkout.tests().map_err(input)?;
    if let Some(filter) = &args.filter {
        tests.retain(|test| test.contains(filter.as_str()));
        if tests.is_empty() {
            return Err(Failure::input(format!(
                "no test has `{filter}` in its path"
            )));
        }
    }
    if tests.is_empty() {
        let root = checkout.root().display();
        return Err(Failure::input(format!("`{root}` has no module tests")));
    }
    let workers = args.threads.map_or_else(cores, usize::from);
    let started = Instant::now();
    let results = supervise(&checkout, &tests, workers)?;
    let took = started.elapsed();
    let baseline = match given {
        Some(baseline) => baseline,
        None => embedded(&results.v8)?,
    };
    let judgment = baseline.judge(&results);
    let commit = checkout.commit();
    if let Some(file) = &args.json {
        let report = Report::new(&results, commit.as_deref(), judgment.counts, &baseline);
        write_json(file, &report)?;
    }
    let summary = Summary {
        commit: commit.as_deref(),
        results: &results,
        judgment: &judgment,
        baseline: &baseline,
        filtered: args.filter.is_some(),
        workers,
        took,
    };
    anstream::print!("{}", summary.text());
    if args.bless && judgment.unreadable.is_empty() {
        let file = blessed(args.baseline.as_deref(), &results.v8)?;
        let blessed = baseline.bless(&results, commit.as_deref(), args.filter.is_none());
        write_json(&file, &blessed)?;
        anstream::println!("wrote `{}`", file.display());
        return Ok(exit::HELD);
    }
    Ok(match (judgment.unreadable.is_empty(), judgment.holds()) {
        (false, _) => exit::BAD_INPUT,
        (true, true) => exit::HELD,
        (true, false) => exit::FINDINGS,
    })
}

fn input(error: CheckoutError) -> Failure {
    Failure {
        error: error.into(),
        hint: Some("DIR is the root of a checkout of tc39/test262".to_owned()),
        code: exit::BAD_INPUT,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn supervise(checkout: &Checkout, tests: &[String], workers: usize) -> Result<Results, Failure> {
    let program = std::env::current_exe().map_err(Failure::broken)?;
    let mut launch = Launch::new(program);
    launch.args = vec!["worker".into(), "--test262".into(), checkout.root().into()];
    let shown = std::io::stderr().is_terminal();
    let most = AtomicUsize::new(0);
    let all = tests.len();
    let progress = |done: usize| {
        // Threads report out of order; the count only goes up.
        if shown && most.fetch_max(done, Ordering::SeqCst) < done {
            let mut err = std::io::stderr().lock();
            let _nobody_looks = write!(err, "\r{done}/{all}");
        }
    };
    let results = test262::supervise(tests, &launch, workers, &progress);
    if shown {
        let _nobody_looks = write!(std::io::stderr(), "\r\x1b[K");
    }
    results.map_err(|error: SuperviseError| Failure::broken(error))
}

/// The baseline in a file. One that is about to be written need not be there yet.
fn given(file: &Path, bless: bool) -> Result<Option<Baseline>, Failure> {
    if bless && !file.exists() {
        return Ok(Some(Baseline::default()));
    }
    let text = fs_err::read_to_string(file).map_err(Failure::input)?;
    match serde_json::from_str(&text) {
        Ok(baseline) => Ok(Some(baseline)),
        Err(error) => Err(Failure::input(format!("`{}`: {error}", file.display()))),
    }
}

fn embedded(v8: &str) -> Result<Baseline, Failure> {
    match Baseline::embedded(v8) {
        Some(baseline) => baseline.map_err(Failure::broken),
        // Nothing is known of it: then every failure is news.
        None => Ok(Baseline::default()),
    }
}

fn blessed(given: Option<&Path>, v8: &str) -> Result<PathBuf, Failure> {
    if let Some(file) = given {
        return Ok(file.to_owned());
    }
    let folder = Path::new(BASELINES);
    if !folder.is_dir() {
        return Err(Failure {
            error: format!("there is no `{BASELINES}` here").into(),
            hint: Some(
                "run it at the root of Adamant's checkout, or name a file with `--baseline`"
                    .to_owned(),
            ),
            code: exit::BAD_INPUT,
        });
    }
    Ok(folder.join(format!("test262-{}.json", test262::series(v8))))
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report<'a> {
    v8: &'a str,
    test262: Option<&'a str>,
    counts: Counts,
    /// Expected failures among the tests that ran.
    expected: BTreeMap<&'a str, &'a Expected>,
    tests: &'a [Ran],
}

impl<'a> Report<'a> {
    fn new(
        results: &'a Results,
        commit: Option<&'a str>,
        counts: Counts,
        baseline: &'a Baseline,
    ) -> Self {
        let expected = results
            .ran
            .iter()
            .filter_map(|ran| Some((ran.test.as_str(), baseline.failures.get(&ran.test)?)));
        Self {
            v8: &results.v8,
            test262: commit,
            counts,
            expected: expected.collect(),
            tests: &results.ran,
        }
    }
}

fn write_json(file: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(Failure::broken)?;
    text.push('\n');
    fs_err::write(file, text).map_err(Failure::input)
}
