//! The whole of RC-002 on one image: without a daemon, on one, and as a shell script over `docker`; whole processes, interleaved.
//!
//! `cargo bench -p adamant --bench suite [-- ROUNDS]`; it takes root, a daemon, and the image that `cargo xtask images agentbox` builds.
#![expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
/// Engines, in the order in which they are measured; the script comes last.
const ENGINES: [&str; 2] = ["docker", "oci"];

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    let rounds = std::env::args().find_map(|word| word.parse().ok());
    let rounds: usize = rounds.filter(|rounds| *rounds > 0).unwrap_or(ROUNDS);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root");
    let dir = tempfile::tempdir().expect("a directory");
    let ours = |engine: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command
            .arg("run")
            .arg(root.join("fixtures/images/agentbox/adamant.yaml"))
            .args(["RC-002", "--quiet", "--engine", engine, "--reports"])
            .arg(dir.path().join(engine));
        command
    };
    // What is only done once: the daemon gets the image, the store its layers.
    for engine in ENGINES {
        timed(&mut ours(engine));
    }
    let summary = |engine: &str| -> serde_json::Value {
        let path = dir.path().join(engine).join("summary.json");
        serde_json::from_str(&std::fs::read_to_string(path).expect("a summary")).expect("JSON")
    };
    let image = summary("docker");
    let image = image.pointer("/trials/0/image").and_then(|v| v.as_str());
    let mut script = Command::new("sh");
    script
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer/rc-002.sh"))
        .arg(image.expect("the image's id"));
    let mut times = [const { Vec::new() }; 3];
    let mut lines = 0;
    for _ in 0..rounds {
        for (engine, times) in ENGINES.iter().zip(&mut times) {
            times.push(timed(&mut ours(engine)).0);
        }
        let (took, said) = timed(&mut script);
        times[2].push(took);
        lines = said.lines().filter(|line| line.starts_with("ok ")).count();
    }
    println!("RC-002 on agentbox, {rounds} interleaved rounds of whole processes");
    let passed = |engine: &str| {
        let summary = summary(engine);
        let trials = summary["trials"].as_array().expect("trials");
        let passed = |trial: &&serde_json::Value| trial["outcome"] == "passed";
        trials.iter().filter(passed).count()
    };
    let [docker, oci, script] = times.map(median);
    let row = |name: &str, took: Duration, judged: String| {
        println!(
            "  {name:<28} median {:>6.1} s   {judged}",
            took.as_secs_f64()
        );
    };
    row(
        "adamant run, docker",
        docker,
        format!("{} trials passed", passed("docker")),
    );
    row(
        "adamant run, oci",
        oci,
        format!("{} trials passed", passed("oci")),
    );
    row(
        "shell script over docker",
        script,
        format!("{lines} lines held, nothing of who tried what"),
    );
    let ratio = |over: Duration| over.as_secs_f64() / oci.as_secs_f64();
    println!(
        "  oci is faster by             {:.1} than docker, {:.1} than the script",
        ratio(docker),
        ratio(script)
    );
    ExitCode::SUCCESS
}

fn timed(command: &mut Command) -> (Duration, String) {
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    let took = start.elapsed();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    (took, text(&output.stdout))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
