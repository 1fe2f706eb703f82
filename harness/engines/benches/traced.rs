//! What it costs a boot to be watched: the same boot, traced and not, in interleaved pairs on each engine of this host.
//!
//! `cargo bench -p adamant-engines --bench traced`; the image is built by `cargo xtask images shell`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark tells its numbers to whoever runs it"
)]

#[path = "peer/interval.rs"]
mod interval;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adamant_core::case::Clock;
use adamant_core::engine::{
    BootPlan, Engine, EngineError, Image, ImageSource, LogCapture, Network, Owner, Reached, Until,
};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker::{self, Docker};
use adamant_engines::oci::Oci;

use crate::interval::{interval, median};

/// Interleaved pairs, after one that is not counted.
const PAIRS: usize = 30;
/// What a boot runs: a shell and a few programs, as an entrypoint does, and one line.
const SCRIPT: &str = "for n in 1 2 3 4 5; do /bin/true; done; cat /etc/passwd > /dev/null; echo up";

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|a| a == "--bench") {
        return ExitCode::SUCCESS;
    }
    let mut engines: Vec<Arc<dyn Engine>> = vec![Arc::new(Oci::new())];
    if docker::listens() {
        engines.push(Arc::new(Docker::new()));
    }
    println!(
        "from the request to start until the end of a boot that says one line, {PAIRS} interleaved pairs"
    );
    for engine in engines {
        if let Err(error) = measure(engine.as_ref()) {
            let hint = error.downcast_ref().and_then(EngineError::get_hint);
            eprintln!(
                "error: {}: {}",
                engine.name(),
                text::error(error.as_ref(), hint)
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(engine: &dyn Engine) -> Result<(), Failure> {
    if let Some(why) = engine.blind() {
        return Err(why.into());
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/shell/image");
    let image = engine.image(&ImageSource::Layout { dir, tag: None }, &deadline())?;
    boot(engine, &image, false)?;
    boot(engine, &image, true)?;
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        // Whatever the second of two finds other than the first, it hits both alike.
        let second = number.is_multiple_of(2);
        let first = boot(engine, &image, !second)?;
        let other = boot(engine, &image, second)?;
        pairs.push(if second {
            (other, first)
        } else {
            (first, other)
        });
    }
    engine.close(&deadline())?;
    tell(engine.name(), &pairs);
    Ok(())
}

fn tell(engine: &str, pairs: &[(Duration, Duration)]) {
    let ms = |of: fn(&(Duration, Duration)) -> Duration| {
        let mut times: Vec<f64> = pairs.iter().map(|p| of(p).as_secs_f64() * 1e3).collect();
        median(&mut times)
    };
    let mut ratios: Vec<f64> = pairs
        .iter()
        .map(|(traced, plain)| traced.as_secs_f64() / plain.as_secs_f64())
        .collect();
    let mut over: Vec<f64> = pairs
        .iter()
        .map(|(traced, plain)| (traced.as_secs_f64() - plain.as_secs_f64()) * 1e3)
        .collect();
    let (low, high) = interval(&ratios);
    let (least, most) = interval(&over);
    let verdict = if low <= 1.0 {
        "not measurable"
    } else {
        "measurable"
    };
    println!(
        "  {engine:<8} untraced median {:.1} ms, traced {:.1} ms, ratio {:.3} (95 % interval {low:.3} to {high:.3}), {:+.1} ms ({least:+.1} to {most:+.1}): {verdict}",
        ms(|pair| pair.1),
        ms(|pair| pair.0),
        median(&mut ratios),
        median(&mut over),
    );
}

/// How long one boot takes, its removal not counted.
fn boot(engine: &dyn Engine, image: &Image, traced: bool) -> Result<Duration, Failure> {
    let plan = BootPlan {
        image: image.id.clone(),
        absent: Vec::new(),
        args: Some(vec![SCRIPT.to_owned()]),
        env: Default::default(),
        user: None,
        workdir: None,
        network: Network::None,
        read_only: true,
        tmpfs: Vec::new(),
        volumes: Vec::new(),
        binds: Vec::new(),
        cap_drop: Vec::new(),
        cap_add: Vec::new(),
        // The launcher needs it in a traced boot; so that both are alike, both have it.
        no_new_privileges: true,
        memory: None,
        pids: None,
        trace: traced.then(|| "/opt/.adamant-control".to_owned()),
        trace_reads: false,
        clock: Clock::Host,
        hold: false,
        owner: Owner {
            run: format!("bench-traced-{}", std::process::id()),
            purpose: "benchmark".to_owned(),
            deadline: SystemTime::now() + Duration::from_secs(600),
        },
        poll_ms: 20,
    };
    let log = Arc::new(LogCapture::new(Vec::new(), None));
    let began = Instant::now();
    let instance = engine.start(&plan, log.clone(), &deadline())?;
    let reached = instance.wait(&Until::Exit, &deadline())?;
    let took = began.elapsed();
    instance.remove(&deadline())?;
    match reached {
        Reached::Exited { exit, .. } if exit.code == 0 && log.snapshot().head.contains("up") => {
            Ok(took)
        }
        other => Err(format!("the boot did not end as it should: {other:?}").into()),
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(120), &Cancel::default())
}
