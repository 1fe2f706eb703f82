//! What a trial costs over the bare lifecycle of its container: interleaved pairs against `peer`, compared pair by pair.
//!
//! `cargo bench -p adamant-engines --bench overhead`; the image is built by `cargo xtask images bare`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark tells its numbers to whoever runs it"
)]

#[path = "peer/interval.rs"]
mod interval;
mod peer;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_core::discover::{PlannedTrial, SubjectFile, parse_cases, plan, read_subject};
use adamant_core::engine::{Engine, EngineError, ErrorKind};
use adamant_core::report::{Evidence, TrialReport, text};
use adamant_core::run::{Options, Session, Verdict};
use adamant_engines::docker::Docker;

use crate::interval::{interval, median};
use crate::peer::Peer;

/// Interleaved pairs, after one that is not counted.
const PAIRS: usize = 30;
/// What a trial may cost over the bare lifecycle.
const LIMIT: f64 = 1.10;
/// The trial: what the peer looks at, and nothing that it does not.
const CASE: &str = "
spec: BENCH-1
clauses: [BENCH]
level: MUST
about: The subject is ready, alive and not root.
fix: none
boot: { network: none }
checks:
  - ready: { within: 10s }
  - http: { target: subject.livez }
  - processes: { non-root: true }
";

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|a| a == "--bench") {
        return ExitCode::SUCCESS;
    }
    match measure() {
        Ok(verdict) => verdict,
        Err(error) => {
            let hint = error.downcast_ref().and_then(EngineError::get_hint);
            eprintln!("error: {}", text::error(error.as_ref(), hint));
            ExitCode::FAILURE
        }
    }
}

/// One of ours: the trial alone, and the session around it with the connection, the search for leftovers and the close.
struct Took {
    trial: Duration,
    session: Duration,
}

fn measure() -> Result<ExitCode, Failure> {
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/bare");
    if !image.join("image/index.json").is_file() {
        let missing = EngineError::new(ErrorKind::Input, "find the fixture image `bare`");
        return Err(missing
            .hint("build it with `cargo xtask images bare`")
            .into());
    }
    let subject = read_subject(&image, None)?;
    let reports = tempfile::tempdir()?;
    // The first run loads the image, which both then find in the daemon.
    let (first, _) = ours(&subject, reports.path())?;
    let peer = Peer::connect(&first.image.ok_or("the trial does not name its image")?)?;
    peer.lifecycle()?;
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        // Whatever the second of two finds other than the first, it hits both alike.
        let pair = if number.is_multiple_of(2) {
            let took = ours(&subject, reports.path())?.1;
            (took, timed(&peer)?)
        } else {
            let bare = timed(&peer)?;
            (ours(&subject, reports.path())?.1, bare)
        };
        pairs.push(pair);
    }
    Ok(tell(&pairs))
}

fn tell(pairs: &[(Took, Duration)]) -> ExitCode {
    let ms = |times: Vec<Duration>| {
        let mut times: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
        median(&mut times)
    };
    let ratios = |of: fn(&Took) -> Duration| -> Vec<f64> {
        let ratio = |(ours, bare): &(Took, Duration)| of(ours).as_secs_f64() / bare.as_secs_f64();
        pairs.iter().map(ratio).collect()
    };
    println!("one trial against the bare lifecycle of its container, {PAIRS} interleaved pairs");
    let bare = ms(pairs.iter().map(|(_, bare)| *bare).collect());
    println!("  bare lifecycle   median {bare:.1} ms");
    let trial = row(
        "trial",
        ms(pairs.iter().map(|(t, _)| t.trial).collect()),
        ratios(|t| t.trial),
    );
    row(
        "whole session",
        ms(pairs.iter().map(|(t, _)| t.session).collect()),
        ratios(|t| t.session),
    );
    // A busy machine widens the interval; only an interval that is all above proves anything.
    if trial > LIMIT {
        println!("a trial costs more than {LIMIT:.2} of the bare lifecycle");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints one row; answers the lower end of the interval of its ratio.
fn row(name: &str, ms: f64, mut ratios: Vec<f64>) -> f64 {
    let (low, high) = interval(&ratios);
    let ratio = median(&mut ratios);
    let (first, third) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
    println!(
        "  {name:<16} median {ms:.1} ms, ratio {ratio:.3} (95 % interval {low:.3} to {high:.3}, quartiles {first:.3} and {third:.3})"
    );
    low
}

/// One trial in a session of its own, with an engine that has never connected, as `adamant run` has it.
fn ours(subject: &Arc<SubjectFile>, reports: &Path) -> Result<(TrialReport, Took), Failure> {
    let trials = trials(subject)?;
    let options = Options {
        id: "bench".into(),
        timeout_scale: 1.0,
        ..Options::default()
    };
    let engines: Vec<Arc<dyn Engine>> = vec![Arc::new(Docker::new())];
    let began = Instant::now();
    let session = Session::start(options, engines, trials, Box::new(Evidence::new(reports)))?;
    let started = Instant::now();
    let report = session.run(0);
    let trial = started.elapsed();
    let (closed, unreported) = session.finish();
    let took = Took {
        trial,
        session: began.elapsed(),
    };
    if report.outcome.verdict() != Verdict::Passed {
        return Err(text::verdict(&report).into());
    }
    if !closed.cleanup.is_empty() || !unreported.is_empty() {
        return Err(format!(
            "the session did not close: {:?} {unreported:?}",
            closed.cleanup
        )
        .into());
    }
    Ok((report, took))
}

fn trials(subject: &Arc<SubjectFile>) -> Result<Vec<PlannedTrial>, Failure> {
    let cases = parse_cases(&[("bench/overhead.yaml", CASE)]);
    let cases = cases.map_err(|errors| format!("{errors:?}"))?;
    Ok(plan(&["docker"], std::slice::from_ref(subject), &cases))
}

fn timed(peer: &Peer) -> Result<Duration, Failure> {
    let began = Instant::now();
    peer.lifecycle()?;
    Ok(began.elapsed())
}
