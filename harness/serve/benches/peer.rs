//! The execution engine against the same one on isolated-vm and Node 24, in one run: `cargo xtask bench serve [N]`.
//!
//! The same files, the same request, the same answer. Ours is measured twice: isolates on threads, as isolated-vm's are, and in confined
//! processes, as `adamant serve` runs them; the peer twice: as the seed's eleven steps go, and with the modules evaluated before they are
//! asked for, as ours are (`harness/decisions/0051-modules-are-loaded-ahead.md`). The rounds of all four take turns.

#[path = "../../isolate/benches/support/load.rs"]
mod load;
#[path = "../../isolate/benches/support/package.rs"]
mod package;
#[path = "../../isolate/benches/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use adamant_isolate::Stream;
use adamant_isolate::confine::{Limits, Policy};
use adamant_isolate::worker::{Launch, guest};
use adamant_modules::Tree as _;
use adamant_serve::{
    Call, Catalog, Config, Containment, Engine, Events, Guests, Loaded, Packages, Source,
};
use serde::Deserialize;
use support::Samples;

type Failure = Box<dyn std::error::Error>;

/// Executions that are not measured: the caches fill.
const WARM_UP: usize = 50;
/// Isolates whose memory is measured.
const ISOLATES: usize = 10;
/// In how many parts each is measured: what else goes on here slows down all of them.
const ROUNDS: usize = 15;
/// Between an answer and the next request, unless `--rest=MS` says otherwise: time enough for what is done ahead.
const REST: Duration = Duration::from_millis(3);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        Some("__guest") => worker(&args[1..]),
        _ => bench(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(3)
        }
    }
}

/// This executable as a worker.
fn worker(args: &[String]) -> Result<(), Failure> {
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1))
            .ok_or("a worker's argument is missing")
    };
    if !adamant_isolate::startup::adopt(Path::new(value("--startup")?))? {
        return Err("the snapshot is of another executable".into());
    }
    let policy = Policy {
        readable: vec![PathBuf::from(value("--readable")?)],
        limits: Limits {
            memory: Some(value("--memory")?.parse()?),
            ..Limits::default()
        },
    };
    Ok(guest::serve(&policy, value("--modules")?.parse()?, || {
        Ok(None)
    })?)
}

/// What one engine came to.
#[derive(Default)]
struct Figures {
    warm: Samples,
    cold: Samples,
    bytes: Vec<f64>,
    /// The median of each round's warm executions.
    rounds: Vec<f64>,
}

impl Figures {
    /// The median of the rounds.
    fn bytes(&self) -> f64 {
        median(self.bytes.clone()).1
    }

    /// The warm executions of a round.
    fn round(&mut self, warm: impl IntoIterator<Item = Duration>) {
        let mut round = Samples::default();
        for sample in warm {
            round.push(sample);
            self.warm.push(sample);
        }
        self.rounds.push(round.percentile(50));
    }

    /// The ratios of warm medians, round by round: what slows a round down slows down both.
    fn ratios(&self, other: &Self) -> Vec<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        pairs.map(|(ours, theirs)| ours / theirs).collect()
    }
}

/// The least, the middle, the most.
fn median(mut of: Vec<f64>) -> (f64, f64, f64) {
    of.sort_by(f64::total_cmp);
    let at = |n: usize| of.get(n).copied().unwrap_or(f64::NAN);
    (at(0), at(of.len() / 2), at(of.len().saturating_sub(1)))
}

fn bench(args: &[String]) -> Result<(), Failure> {
    let option = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name));
    let count = support::count(3000).div_ceil(ROUNDS);
    let cold = (count / 50).max(3);
    let rest = option("--rest=").map_or(Ok(REST), |ms| ms.parse().map(Duration::from_millis))?;
    let before = load::load();
    let (mut threads, mut processes) = (Figures::default(), Figures::default());
    let (mut steps, mut ahead) = (Figures::default(), Figures::default());
    let peers = option("--node=").zip(option("--modules="));
    for _ in 0..ROUNDS {
        ours(&mut threads, Containment::Thread, rest, count, cold)?;
        ours(&mut processes, Containment::Process, rest, count, cold)?;
        if let Some((node, modules)) = peers {
            let (node, modules) = (Path::new(node), Path::new(modules));
            peer(&mut steps, node, modules, false, rest, count, cold)?;
            peer(&mut ahead, node, modules, true, rest, count, cold)?;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "ten-file function, {ROUNDS} rounds of {count} warm and {cold} cold executions, {} ms between them; load before {before}, after {}",
        rest.as_millis(),
        load::load()
    )?;
    let mut all = vec![("threads", &mut threads), ("processes", &mut processes)];
    if peers.is_some() {
        all.extend([("isolated-vm", &mut steps), ("ahead too", &mut ahead)]);
    }
    for (name, figures) in all {
        writeln!(
            out,
            "{name:>12}  warm {}  {:.0} a second",
            figures.warm.line(),
            1e3 / figures.warm.percentile(50)
        )?;
        writeln!(
            out,
            "{:>12}  cold {}  {:.0} a second",
            "",
            figures.cold.line(),
            1e3 / figures.cold.percentile(50)
        )?;
        writeln!(
            out,
            "{:>12}  {:.1} MiB an isolate",
            "",
            figures.bytes() / f64::from(1 << 20)
        )?;
    }
    if peers.is_none() {
        writeln!(out, "no peer: `cargo xtask bench serve` brings it")?;
        return Ok(());
    }
    for (peer, theirs, goal) in [
        ("isolated-vm", &mut steps, " (goal: warm at most 0.5)"),
        ("isolated-vm that loads ahead too", &mut ahead, ""),
    ] {
        for (name, ours) in [("threads", &mut threads), ("processes", &mut processes)] {
            let (least, ratio, most) = median(ours.ratios(theirs));
            writeln!(
                out,
                "{name} to {peer}: warm p50 {ratio:.2} ({least:.2} to {most:.2} by round), cold p50 {:.2}, memory {:.2}{goal}",
                ours.cold.percentile(50) / theirs.cold.percentile(50),
                ours.bytes() / theirs.bytes()
            )?;
        }
    }
    Ok(())
}

fn engine(containment: Containment) -> Result<(Engine, Loaded, tempfile::TempDir), Failure> {
    let mut config = Config {
        containment,
        ..Config::default()
    };
    config.pool.base = 1;
    config.pool.max = ISOLATES + 1;
    let packages = Packages::new(None)?;
    let mut launch = Launch::new(std::env::current_exe()?);
    launch.args = vec!["__guest".into()];
    let rooms = packages.seats();
    let guests = Guests::new(
        containment,
        config.memory,
        config.modules,
        launch,
        rooms,
        Events::default(),
    );
    let shop = tempfile::tempdir()?;
    lay(shop.path(), "/")?;
    let loaded = packages.fetch(&Source::Directory(shop.path().to_owned()), Some("1"))?;
    let catalog = Catalog::Files(shop.path().to_owned());
    let engine = Engine::new(&config, guests, catalog, packages, Events::default())?;
    Ok((engine, loaded, shop))
}

/// Writes the package's files below `to`.
fn lay(to: &Path, below: &str) -> Result<(), Failure> {
    let files = package::files();
    for entry in files.read_dir(below)? {
        let path = format!("{}/{}", below.trim_end_matches('/'), entry.name);
        if entry.file_type == adamant_modules::FileType::Directory {
            fs_err::create_dir(to.join(&path[1..]))?;
            lay(to, &path)?;
        } else {
            fs_err::write(to.join(&path[1..]), files.read(&path)?)?;
        }
    }
    Ok(())
}

fn ours(
    figures: &mut Figures,
    containment: Containment,
    rest: Duration,
    count: usize,
    cold: usize,
) -> Result<(), Failure> {
    let (engine, package, _shop) = engine(containment)?;
    let mut warm = Vec::with_capacity(count);
    for n in 0..count + WARM_UP {
        let (took, fresh) = execute(&engine, &package, "shop")?;
        if n >= WARM_UP {
            warm.push(took);
        }
        if fresh && n > 0 {
            return Err("a warm execution had a new isolate".into());
        }
        std::thread::park_timeout(rest);
    }
    figures.round(warm);
    // A function that nobody called before, on a full pool: its isolate is made for it.
    for n in 0..cold + ISOLATES {
        let (took, fresh) = execute(&engine, &package, &format!("cold{n}"))?;
        if n >= ISOLATES && fresh {
            figures.cold.push(took);
        }
    }
    drop(engine);
    figures.bytes.push(memory(containment)?);
    Ok(())
}

fn execute(engine: &Engine, package: &Loaded, function: &str) -> Result<(Duration, bool), Failure> {
    let call = Call {
        request: package::request(),
        entry: "/index.js".to_owned(),
        timeout: Duration::from_secs(30),
        ..Call::default()
    };
    let began = Instant::now();
    let done = engine.execute(package, call, function)?;
    let took = began.elapsed();
    if done.execution.output.text(Stream::Stdout) != package::PRINTED {
        return Err("it printed something else".into());
    }
    let response = done.execution.response.ok_or("no answer")?;
    if response.body != package::ANSWER.as_bytes() {
        return Err(format!(
            "another answer: {}",
            String::from_utf8_lossy(&response.body)
        )
        .into());
    }
    Ok((took, done.fresh))
}

/// Resident bytes that each isolate adds, after one execution in each; of processes the part that is theirs alone.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn memory(containment: Containment) -> Result<f64, Failure> {
    let (engine, package, _shop) = engine(containment)?;
    execute(&engine, &package, "first")?;
    let before = resident(containment)?;
    for n in 0..ISOLATES {
        execute(&engine, &package, &format!("f{n}"))?;
    }
    Ok((resident(containment)? as f64 - before as f64) / ISOLATES as f64)
}

/// Of this process; with its children, what they do not share.
fn resident(containment: Containment) -> Result<u64, Failure> {
    let own = std::process::id();
    let mut bytes = private(&format!("/proc/{own}"))?;
    if containment == Containment::Process {
        for task in fs_err::read_dir(format!("/proc/{own}/task"))? {
            let children = fs_err::read_to_string(task?.path().join("children"))?;
            for child in children.split_whitespace() {
                bytes += private(&format!("/proc/{child}"))?;
            }
        }
    }
    Ok(bytes)
}

fn private(process: &str) -> Result<u64, Failure> {
    let text = fs_err::read_to_string(format!("{process}/smaps_rollup"))?;
    let kilobytes = text
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Ok(kilobytes.sum::<u64>() * 1024)
}

/// What the peer tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    warm: Vec<f64>,
    cold: Vec<f64>,
    bytes_per_isolate: f64,
}

fn peer(
    figures: &mut Figures,
    node: &Path,
    modules: &Path,
    ahead: bool,
    rest: Duration,
    count: usize,
    cold: usize,
) -> Result<(), Failure> {
    let mut files = serde_json::Map::new();
    gather("/", &mut files)?;
    let given = serde_json::json!({
        "files": files, "request": package::request(), "answer": package::ANSWER, "printed": package::PRINTED,
        "ahead": ahead, "restMs": rest.as_millis(), "warm": count, "cold": cold, "isolates": ISOLATES,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer/run.js");
    let mut child = Command::new(node)
        .arg("--no-node-snapshot")
        .arg(script)
        .env("NODE_PATH", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .ok_or("no stdin")?
        .write_all(given.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err("the peer failed".into());
    }
    let told: Told = serde_json::from_slice(&output.stdout)?;
    figures.bytes.push(told.bytes_per_isolate);
    let milliseconds = |sample: f64| Duration::from_secs_f64(sample / 1e3);
    figures.round(told.warm.into_iter().map(milliseconds));
    for sample in told.cold {
        figures.cold.push(milliseconds(sample));
    }
    Ok(())
}

fn gather(
    below: &str,
    files: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<(), Failure> {
    let tree = package::files();
    for entry in tree.read_dir(below)? {
        let path = format!("{}/{}", below.trim_end_matches('/'), entry.name);
        if entry.file_type == adamant_modules::FileType::Directory {
            gather(&path, files)?;
        } else {
            let text = String::from_utf8(tree.read(&path)?.to_vec())?;
            files.insert(path, text.into());
        }
    }
    Ok(())
}
