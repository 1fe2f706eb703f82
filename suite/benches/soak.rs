//! A thousand trials in one run, each in a container of its own: time and memory grow with their number and no faster.
//!
//! `cargo bench -p adamant --bench soak [-- TRIALS]` (`cargo xtask soak trials`), 1,000 unless told otherwise; a quarter and a
//! half of them are run first, to compare with.
#![expect(
    clippy::print_stdout,
    reason = "a soak tells its numbers to whoever runs it"
)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use adamant_core::run::Deadline;

const TRIALS: usize = 1000;
/// A trial of the largest run may cost so many times what one of the smallest does.
const MOST: f64 = 1.5;
/// Between two looks at how much memory a run has taken.
const LOOK: Duration = Duration::from_millis(20);

/// What a run took.
struct Seen {
    trials: usize,
    seconds: f64,
    /// The most memory at a time, in KiB.
    peak: u64,
}

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    let trials = std::env::args().find_map(|word| word.parse().ok());
    let trials: usize = trials.filter(|trials| *trials >= 8).unwrap_or(TRIALS);
    let dir = tempfile::tempdir().expect("a directory");
    // The first run unpacks the image.
    run(dir.path(), 1);
    let seen: Vec<Seen> = [trials / 4, trials / 2, trials]
        .map(|trials| run(dir.path(), trials))
        .into();
    for seen in &seen {
        println!(
            "{:>5} trials: {:>7.1} s, {:>5.1} ms a trial, at most {} MiB",
            seen.trials,
            seen.seconds,
            seen.each() * 1000.0,
            seen.peak / 1024
        );
    }
    let time = seen[2].each() / seen[0].each();
    let slope = |from: &Seen, to: &Seen| {
        to.peak.saturating_sub(from.peak) as f64 / (to.trials - from.trials) as f64
    };
    let (before, after) = (slope(&seen[0], &seen[1]), slope(&seen[1], &seen[2]));
    println!(
        "a trial of the last run takes {time:.2} times what one of the first did, and {after:.1} KiB more each (before: {before:.1})"
    );
    // Below a page a trial nothing grows that could be told from chance.
    let is_linear = time <= MOST && after <= (before * MOST).max(4.0);
    if is_linear {
        return ExitCode::SUCCESS;
    }
    println!("FAILED: that is more than {MOST} times");
    ExitCode::FAILURE
}

impl Seen {
    fn each(&self) -> f64 {
        self.seconds / self.trials as f64
    }
}

fn run(dir: &Path, trials: usize) -> Seen {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root");
    let here = dir.join(trials.to_string());
    let cases = here.join("cases");
    std::fs::create_dir_all(&cases).expect("a folder");
    let image = root.join("fixtures/images/shell/image");
    let subject = format!(
        "image: oci:{}\nready: {{ exit: {{ code: 3 }}, within: 60s }}\nrun: {{ args: ['echo up; exit 3'] }}\n",
        image.display()
    );
    std::fs::write(here.join("adamant.yaml"), subject).expect("written");
    for number in 0..trials {
        let case = format!(
            "spec: SOAK-{number}\nclauses: [SOAK]\nlevel: MUST\nabout: It ends with 3, for the time number {number}.\nfix: none\nboot: {{ network: none, until: exit }}\nchecks:\n  - exit: {{ within: 60s, code: 3 }}\n"
        );
        std::fs::write(cases.join(format!("trial-{number}.yaml")), case).expect("written");
    }
    let clock = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_adamant"))
        .arg("run")
        .arg(here.join("adamant.yaml"))
        .args(["--engine", "oci", "--only-cases", "--quiet", "--cases"])
        .arg(&cases)
        .arg("--reports")
        .arg(here.join("reports"))
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let forever = Deadline::for_cleanup(Duration::from_secs(7200));
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().expect("a child") {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let seen = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = seen.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(seen.unwrap_or(0));
        let _ = forever.pause(LOOK);
    };
    let seconds = clock.elapsed().as_secs_f64();
    assert!(
        ended.success(),
        "a run of {trials} trials ended with {ended}"
    );
    let summary = std::fs::read_to_string(here.join("reports/summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    let judged = summary["trials"].as_array().expect("trials");
    let passed = judged
        .iter()
        .filter(|trial| trial["outcome"] == "passed")
        .count();
    assert_eq!(passed, trials, "not every trial was judged, and passed");
    Seen {
        trials,
        seconds,
        peak,
    }
}
