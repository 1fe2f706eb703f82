//! A kill storm: containers eight at a time while helpers and harnesses are killed at random; nothing may stay behind.
//!
//! `cargo bench -p adamant-engines --bench soak -- [CONTAINERS | --seconds N] [--seed N]`, 500 containers unless told otherwise.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a soak tells its numbers to whoever runs it"
)]

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use adamant_core::case::Clock;
use adamant_core::engine::{
    BootPlan, Engine, ImageSource, LogCapture, Network, Owner, Question, Until,
};
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::oci::Oci;
use rustix::process::{Pid, Signal, kill_process};

const CONTAINERS: usize = 500;
const AT_ONCE: usize = 8;
/// Containers of one harness, if nobody kills it.
const OF_A_HARNESS: usize = 60;
/// Between two kills, at most.
const QUIET_MS: u64 = 600;
/// One kill in so many is the harness's, the others are helpers'.
const HARNESS_KILLS: u64 = 15;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|w| *w != "--bench")
        .collect();
    let outcome = match words.as_slice() {
        ["--harness", seed] => seed.parse().map_err(Failure::from).and_then(harness),
        ["--reap"] => reap(),
        // `cargo test --benches` only asks whether it starts.
        _ if !std::env::args().any(|word| word == "--bench") => Ok(()),
        words => Storm::read(words).and_then(|storm| storm.run()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What the storm is to be.
struct Storm {
    containers: usize,
    until: Option<Duration>,
    seed: u64,
}

/// What happened.
#[derive(Debug, Default)]
struct Seen {
    begun: usize,
    whole: usize,
    harnesses: usize,
    killed_harnesses: usize,
    killed_helpers: usize,
}

impl Storm {
    fn read(mut words: &[&str]) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let mut storm = Self {
            containers: CONTAINERS,
            until: None,
            seed: u64::from(now.subsec_nanos()) | 1,
        };
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            let mut value = || -> Result<u64, Failure> {
                let (value, rest) = words.split_first().ok_or("a number is missing")?;
                words = rest;
                Ok(value.parse()?)
            };
            match *word {
                "--seconds" => storm.until = Some(Duration::from_secs(value()?)),
                "--seed" => storm.seed = value()? | 1,
                number => storm.containers = number.parse()?,
            }
        }
        Ok(storm)
    }

    fn run(&self) -> Result<(), Failure> {
        let cache = tempfile::Builder::new().prefix("adamant-soak-").tempdir()?;
        let before = Host::look();
        let (clock, mut dice, mut seen) = (Instant::now(), Dice(self.seed), Seen::default());
        let over = |seen: &Seen| match self.until {
            Some(time) => clock.elapsed() >= time,
            None => seen.begun >= self.containers,
        };
        while !over(&seen) {
            seen.harnesses += 1;
            self.storm(&mut dice, cache.path(), &mut seen)?;
        }
        // What helpers still do by themselves they do at once; the rest is the next run's.
        let reaped = own(cache.path(), &["--reap"])?.wait_with_output()?;
        if !reaped.status.success() {
            return Err(String::from_utf8_lossy(&reaped.stderr).into_owned().into());
        }
        let reaped = String::from_utf8_lossy(&reaped.stdout).lines().count();
        println!(
            "{} containers begun, {} seen to their end, in {:.1} s; {} harnesses, {} of them killed; {} helpers killed; \
             {reaped} left for the next run; seed {}",
            seen.begun,
            seen.whole,
            clock.elapsed().as_secs_f64(),
            seen.harnesses,
            seen.killed_harnesses,
            seen.killed_helpers,
            self.seed
        );
        let left = left(cache.path(), &before)?;
        if !left.is_empty() {
            return Err(format!("left behind:\n  {}", left.join("\n  ")).into());
        }
        println!("left behind: nothing");
        Ok(())
    }

    /// One harness, and what befalls it.
    fn storm(&self, dice: &mut Dice, cache: &Path, seen: &mut Seen) -> Result<(), Failure> {
        let seed = dice.below(u64::MAX).to_string();
        let mut child = own(cache, &["--harness", &seed])?;
        let (begun, whole) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let stdout = child.stdout.take().ok_or("no output")?;
        let (count_begun, count_whole) = (begun.clone(), whole.clone());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let count = if line == "begun" {
                    &count_begun
                } else {
                    &count_whole
                };
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let forever = Deadline::for_cleanup(Duration::from_secs(3600));
        while child.try_wait()?.is_none() {
            let _ = forever.pause(Duration::from_millis(dice.below(QUIET_MS)));
            if dice.below(HARNESS_KILLS) == 0 {
                child.kill()?;
                seen.killed_harnesses += 1;
            } else if let Some(helper) = pick(dice, &helpers(cache)) {
                let _ = kill_process(helper, Signal::KILL);
                seen.killed_helpers += 1;
            }
        }
        reader
            .join()
            .map_err(|_panic| "the reader of a harness ended badly")?;
        seen.begun += begun.load(Ordering::SeqCst);
        seen.whole += whole.load(Ordering::SeqCst);
        Ok(())
    }
}

fn own(cache: &Path, words: &[&str]) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .args(words)
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(child)
}

fn pick(dice: &mut Dice, helpers: &[Pid]) -> Option<Pid> {
    let count = u64::try_from(helpers.len())
        .ok()
        .filter(|count| *count > 0)?;
    helpers
        .get(usize::try_from(dice.below(count)).ok()?)
        .copied()
}

fn helpers(cache: &Path) -> Vec<Pid> {
    let dirs = std::fs::read_dir(cache.join("adamant/oci/containers"));
    let dirs = dirs.into_iter().flatten().flatten();
    dirs.filter_map(|dir| {
        let note = std::fs::read_to_string(dir.path().join("shim")).ok()?;
        Pid::from_raw(note.parse().ok()?)
    })
    .collect()
}

/// What a host has of what containers are made of.
#[derive(Debug, Default)]
struct Host {
    mounts: BTreeSet<String>,
}

impl Host {
    fn look() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self {
            mounts: mounts.lines().map(str::to_owned).collect(),
        }
    }
}

/// Directories, control groups, processes and mounts of ours.
fn left(cache: &Path, before: &Host) -> Result<Vec<String>, Failure> {
    let mut left = Vec::new();
    for home in ["containers", "volumes"] {
        let home = cache.join("adamant/oci").join(home);
        for entry in std::fs::read_dir(home).into_iter().flatten() {
            left.push(entry?.path().display().to_string());
        }
    }
    let mut groups = vec![PathBuf::from("/sys/fs/cgroup")];
    groups.extend(
        std::fs::read_dir("/sys/fs/cgroup")?
            .flatten()
            .map(|entry| entry.path()),
    );
    for group in groups.iter().filter(|group| group.is_dir()) {
        for entry in std::fs::read_dir(group)?.flatten() {
            if entry
                .file_name()
                .to_string_lossy()
                .contains("adamant-soak-")
            {
                left.push(entry.path().display().to_string());
            }
        }
    }
    let cache = cache.display().to_string();
    for process in std::fs::read_dir("/proc")?.flatten() {
        let path = process.path();
        let mounts = std::fs::read_to_string(path.join("mountinfo")).unwrap_or_default();
        // A namespace lives as long as a process of it: one that still has our mounts is one that was left.
        if mounts.contains(&cache) {
            left.push(format!("process {} and its namespaces", path.display()));
        }
    }
    let new = Host::look()
        .mounts
        .difference(&before.mounts)
        .cloned()
        .collect::<Vec<_>>();
    left.extend(
        new.into_iter()
            .filter(|mount| mount.contains(&cache))
            .map(|m| format!("mount {m}")),
    );
    Ok(left)
}

fn reap() -> Result<(), Failure> {
    let deadline = Deadline::after(Duration::from_secs(120), &Cancel::default());
    for object in Oci::new().reap(&deadline)? {
        println!("{object}");
    }
    Ok(())
}

/// Runs containers until they are done or it is killed; a container whose helper was killed is an error that is expected.
fn harness(seed: u64) -> Result<(), Failure> {
    let engine = Oci::new();
    let deadline = Deadline::after(Duration::from_secs(600), &Cancel::default());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/shell/image");
    let image = engine.image(&ImageSource::Layout { dir, tag: None }, &deadline)?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..AT_ONCE {
            let (engine, image, next) = (&engine, &image, &next);
            scope.spawn(move || {
                let thread = u64::try_from(thread).unwrap_or(0);
                let mut dice = Dice(seed ^ (0x9e37_79b9_7f4a_7c15 * (thread + 1)) | 1);
                while next.fetch_add(1, Ordering::SeqCst) < OF_A_HARNESS {
                    println!("begun");
                    if one(engine, &image.id, &mut dice).is_ok() {
                        println!("whole");
                    }
                }
            });
        }
    });
    Ok(())
}

fn one(engine: &Oci, image: &str, dice: &mut Dice) -> Result<(), Failure> {
    let deadline = Deadline::after(Duration::from_secs(60), &Cancel::default());
    // Some end by themselves, some change their user, which undoes what ends them with their helper.
    let script = [
        "echo hi",
        "sleep 60",
        "sleep 60 & sleep 60",
        "echo x > /tmp/x; sleep 0.1",
    ];
    let script = script[usize::try_from(dice.below(4))?];
    let plan = BootPlan {
        image: image.to_owned(),
        absent: Vec::new(),
        args: Some(vec![script.to_owned()]),
        env: std::collections::BTreeMap::new(),
        user: (dice.below(2) == 0).then(|| "0".to_owned()),
        workdir: None,
        network: Network::None,
        read_only: false,
        tmpfs: Vec::new(),
        volumes: Vec::new(),
        binds: Vec::new(),
        cap_drop: Vec::new(),
        cap_add: Vec::new(),
        no_new_privileges: false,
        memory: Some(64 << 20),
        pids: Some(32),
        trace: (dice.below(3) == 0).then(|| "/opt/.adamant-control".to_owned()),
        trace_reads: false,
        clock: Clock::Host,
        hold: false,
        owner: Owner {
            run: format!("soak-{}", std::process::id()),
            purpose: env::ENGINES.to_owned(),
            deadline: SystemTime::now() + Duration::from_secs(60),
        },
        poll_ms: 20,
    };
    let instance = engine.start(
        &plan,
        Arc::new(LogCapture::new(Vec::new(), None)),
        &deadline,
    )?;
    let looked = instance.wait(
        &Until::Exit,
        &deadline.within(Duration::from_millis(dice.below(200))),
    );
    let drift = instance.ask(&Question::Drift, &deadline);
    let removed = instance.remove(&Deadline::for_cleanup(Duration::from_secs(60)));
    looked?;
    drift?;
    removed?;
    Ok(())
}
