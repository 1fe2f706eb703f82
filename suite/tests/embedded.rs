//! `cargo test --test embedded`: the engine without a daemon when it, or its helper, is killed, and when it is the only one.

#[path = "support/images.rs"]
mod images;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use adamant_core::engine::Engine as _;
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::oci::Oci;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A subject that is ready when its command has ended well.
const EXITS: &str = "ready: { exit: { code: 0 }, within: 60s }";
/// A subject that is never ready.
const SLEEPS: &str = "ready: { tcp: { port: 1 }, within: 2m }";
/// How many of our own cases run at once.
const AT_ONCE: usize = 4;

fn main() -> std::process::ExitCode {
    let args = Arguments::from_args();
    if !args.list {
        images::current();
    }
    // One after the other: each looks at what the others would leave.
    let args = Arguments {
        test_threads: Some(1),
        ..args
    };
    type Test = fn() -> Result<(), Failed>;
    let tests: &[(&str, Test)] = &[
        ("without_a_daemon_it_is_the_engine_and_says_so", no_daemon),
        ("who_asks_for_a_daemon_that_is_not_there_is_told", asked_for),
        ("a_missing_executable_is_an_answer", no_executable),
        (
            "where_overlayfs_cannot_write_memory_takes_what_is_written",
            in_memory,
        ),
        ("a_full_disk_is_told_and_leaves_nothing_behind", full_disk),
        ("a_signal_removes_everything", sigterm),
        ("a_killed_run_leaves_nothing", killed_run),
        (
            "a_killed_helper_makes_its_trial_broken_and_leaves_nothing",
            killed_helper,
        ),
        (
            "what_nobody_could_remove_is_removed_by_the_next_run",
            killed_both,
        ),
        ("two_runs_at_once_leave_each_other_alone", two_runs),
    ];
    let trials = tests.iter().map(|(name, test)| {
        Trial::ignorable_test(*name, move || match unable() {
            Some(why) => Ok(Completion::ignored_with(why)),
            None => test().map(|()| Completion::Completed),
        })
    });
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// Why this host cannot run the engine; where it was asked for, that is a failure.
fn unable() -> Option<String> {
    let asked = env::engines().is_some_and(|names| names.iter().any(|name| name == "oci"));
    let error = Oci::new().describe(&patience()).err().filter(|_| !asked)?;
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Some(cause.unwrap_or_else(|| error.to_string()))
}

fn patience() -> Deadline {
    Deadline::after(Duration::from_secs(60), &Cancel::default())
}

/// A directory with a subject of the `shell` image that runs `script`.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new(script: &str, more: &str, cases: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let image = images::root().join("fixtures/images/shell/image");
        let args = serde_json::to_string(&[script]).expect("JSON is YAML");
        let image = image.display();
        let subject = format!("name: shell\nimage: oci:{image}\nrun: {{ args: {args} }}\n{more}\n");
        std::fs::write(dir.path().join("adamant.yaml"), subject).expect("written");
        std::fs::create_dir(dir.path().join("cases")).expect("made");
        for number in 0..cases {
            let text = "spec: T-1\nclauses: [T]\nlevel: MUST\nabout: a\nfix: f\nboot: { network: none, boots: 2 }\n\
                        checks: [{ ready: { within: 2m } }]\n";
            let case = dir.path().join(format!("cases/case-{number}.yaml"));
            std::fs::write(case, text).expect("written");
        }
        Self(dir)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command.current_dir(self.0.path());
        command.args(["run", "--cases", "cases", "--only-cases", "--threads", "4"]);
        command.env(env::ENGINES, "oci");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self) -> (i32, String) {
        told(&self.command().output().expect("adamant starts"))
    }
}

fn told(output: &Output) -> (i32, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let signal = || -output.status.signal().unwrap_or(1);
    let code = output.status.code().unwrap_or_else(signal);
    (code, text(&output.stdout) + &text(&output.stderr))
}

fn expect(seen: &(i32, String), code: i32, parts: &[&str]) -> Result<(), Failed> {
    let (got, text) = seen;
    if *got != code {
        return Err(format!("ended with {got}, expected {code}\n{text}").into());
    }
    match parts.iter().find(|part| !text.contains(**part)) {
        Some(part) => Err(format!("`{part}` is missing\n{text}").into()),
        None => Ok(()),
    }
}

/// What is there of the containers of run `pid`: directories, control groups and processes.
fn objects(pid: u32) -> Vec<String> {
    let of_run = |name: &str| name.contains(&format!("-{pid}-"));
    let mut found = Vec::new();
    let mut look = |dir: &Path| {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.contains("adamant-") && of_run(&name) {
                found.push(entry.path().display().to_string());
            }
        }
    };
    look(&env::cache_dir().join("oci/containers"));
    look(&env::cache_dir().join("oci/volumes"));
    for group in std::fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten()
    {
        look(&group.path());
    }
    look(Path::new("/sys/fs/cgroup"));
    found.extend(
        helpers(pid)
            .into_iter()
            .map(|helper| format!("process {helper}")),
    );
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    found.extend(
        mounts
            .lines()
            .filter(|line| of_run(line))
            .map(str::to_owned),
    );
    found
}

/// The processes that are parents of containers of run `pid`: they leave a note of themselves.
fn helpers(pid: u32) -> Vec<u32> {
    let dirs = std::fs::read_dir(env::cache_dir().join("oci/containers"));
    let dirs = dirs.into_iter().flatten().flatten();
    let notes = dirs.filter(|dir| {
        dir.file_name()
            .to_string_lossy()
            .contains(&format!("-{pid}-"))
    });
    notes
        .filter_map(|dir| {
            std::fs::read_to_string(dir.path().join("shim"))
                .ok()?
                .parse()
                .ok()
        })
        .filter(|helper| PathBuf::from(format!("/proc/{helper}")).exists())
        .collect()
}

fn until(what: &str, reached: impl Fn() -> bool) -> Result<(), Failed> {
    let deadline = patience();
    while deadline.left().is_some() {
        if reached() {
            return Ok(());
        }
        let _ = deadline.pause(Duration::from_millis(20));
    }
    Err(format!("{what}: not within 60 s").into())
}

fn nothing_left(pid: u32) -> Result<(), Failed> {
    let clear = until("everything is removed", || objects(pid).is_empty());
    clear.map_err(|error| format!("{error:?}: {:?}", objects(pid)).into())
}

/// A run in the background; it ends with the test that started it.
struct Running(Option<Child>);

impl Running {
    fn start(bench: &Bench) -> Self {
        Self(Some(bench.command().spawn().expect("adamant starts")))
    }

    fn id(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }

    /// Waits for the end.
    fn finish(mut self) -> (i32, String) {
        let child = self.0.take().expect("only this takes it");
        told(&child.wait_with_output().expect("ended"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A run with containers that sleep, as many as run at once.
fn sleepers() -> Result<(Bench, Running), Failed> {
    let bench = Bench::new("sleep 300", SLEEPS, AT_ONCE);
    let child = Running::start(&bench);
    let pid = child.id();
    // One more may be prepared for the boot after these.
    until("all containers are up", || helpers(pid).len() >= AT_ONCE)?;
    Ok((bench, child))
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "the signal is sent"
    );
}

fn no_daemon() -> Result<(), Failed> {
    let bench = Bench::new("true", EXITS, 1);
    let mut command = bench.command();
    command.env_remove(env::ENGINES);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let seen = told(&command.output().expect("adamant starts"));
    expect(&seen, 0, &["on oci", "no daemon", "1 passed"])
}

fn asked_for() -> Result<(), Failed> {
    let bench = Bench::new("true", EXITS, 1);
    let mut command = bench.command();
    command.env(env::ENGINES, "docker");
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let seen = told(&command.output().expect("adamant starts"));
    expect(&seen, 3, &["/nowhere/docker.sock", "does not exist"])
}

fn no_executable() -> Result<(), Failed> {
    let bench = Bench::new("exec /not/there", EXITS, 1);
    expect(&bench.run(), 1, &["code 127", "1 failed"])
}

/// The cache on overlayfs itself, as in a container: no upper directory and no whiteout can be made there.
fn in_memory() -> Result<(), Failed> {
    const MOUNTED: &str = "set -e; mount --make-rprivate /; mount -t tmpfs t \"$1\"; cd \"$1\"; mkdir l u w m; \
        mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m; \
        XDG_CACHE_HOME=\"$1/m\" exec \"$2\" run \"$3\" --engine oci missing-artifact writes-stay --reports \"$1/reports\"";
    let place = tempfile::tempdir().expect("a directory");
    let subject = images::root().join("fixtures/images/redis/adamant.yaml");
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", MOUNTED, "sh"])
        .arg(place.path());
    command.arg(env!("CARGO_BIN_EXE_adamant")).arg(subject);
    let seen = told(&command.output().expect("unshare starts"));
    expect(
        &seen,
        0,
        &[
            "on oci",
            "1 of 1 fault in required artifacts proven fatal",
            "2 passed",
        ],
    )
}

/// The cache on a disk that is too small, then large enough, then full, then empty again; each time what is left there of layers,
/// of what is unfinished and of containers.
fn full_disk() -> Result<(), Failed> {
    const DISKS: &str = r#"mount --make-rprivate / && mount -t tmpfs -o size=1m t "$1" || exit 1
        export XDG_CACHE_HOME="$1"; program="$2"; shift 2
        try() {
            "$program" "$@" 2>&1; echo "$disk: ended with $?"
            for dir in store/layers/sha256 store/tmp oci/containers; do
                echo "$disk: $(ls -A "$XDG_CACHE_HOME/adamant/$dir" 2>/dev/null | wc -l) in $dir"
            done
        }
        disk=small; try "$@"
        mount -o remount,size=1g "$XDG_CACHE_HOME"; disk=large; try "$@"
        dd if=/dev/zero of="$XDG_CACHE_HOME/filler" bs=64k 2>/dev/null; disk=full; try "$@"
        rm "$XDG_CACHE_HOME/filler"; disk=cleared; try "$@"
    "#;
    let bench = Bench::new("true", EXITS, 1);
    let place = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", DISKS, "sh"])
        .arg(place.path())
        .arg(env!("CARGO_BIN_EXE_adamant"))
        .args(["run", "--cases", "cases", "--only-cases"])
        .current_dir(bench.0.path())
        .env(env::ENGINES, "oci");
    let seen = told(&command.output()?);
    expect(
        &seen,
        0,
        &[
            "small: ended with 3",
            "small: 0 in store/layers/sha256",
            "small: 0 in store/tmp",
            "small: 0 in oci/containers",
            "large: ended with 0",
            "large: 0 in oci/containers",
            "full: ended with 3",
            "No space",
            "full: 0 in store/tmp",
            "full: 0 in oci/containers",
            "is full, or would be with this layer",
            "free some space (`adamant gc --all`)",
            "cleared: ended with 0",
            "cleared: 0 in oci/containers",
        ],
    )
}

fn sigterm() -> Result<(), Failed> {
    let (_bench, child) = sleepers()?;
    let pid = child.id();
    signal(pid, "TERM");
    expect(&child.finish(), 143, &["interrupted"])?;
    nothing_left(pid)
}

fn killed_run() -> Result<(), Failed> {
    let (_bench, child) = sleepers()?;
    let pid = child.id();
    signal(pid, "KILL");
    drop(child);
    // The helpers hear the end of their sockets: no other run is needed, but for the directory of one that had not started yet.
    until("all helpers have removed what is theirs", || {
        helpers(pid).is_empty() && objects(pid).len() <= 1
    })?;
    if !objects(pid).is_empty() {
        let next = Bench::new("true", EXITS, 1);
        expect(&next.run(), 0, &["1 passed"])?;
    }
    nothing_left(pid)
}

fn killed_helper() -> Result<(), Failed> {
    let bench = Bench::new("sleep 300", SLEEPS, 1);
    let child = Running::start(&bench);
    let pid = child.id();
    until("the container is up", || !helpers(pid).is_empty())?;
    // It is only known to run once its process does.
    until("its process runs", || {
        objects(pid).iter().any(|o| o.contains("/sys/fs/cgroup"))
    })?;
    helpers(pid)
        .into_iter()
        .for_each(|helper| signal(helper, "KILL"));
    expect(
        &child.finish(),
        3,
        &["1 broken", "parent process has ended"],
    )?;
    nothing_left(pid)
}

fn killed_both() -> Result<(), Failed> {
    let (_bench, child) = sleepers()?;
    let pid = child.id();
    // Nobody is left to hear anything.
    signal(pid, "STOP");
    helpers(pid)
        .into_iter()
        .for_each(|helper| signal(helper, "KILL"));
    signal(pid, "KILL");
    drop(child);
    if objects(pid).is_empty() {
        return Err("there was nothing left to remove, so this shows nothing".into());
    }
    let next = Bench::new("true", EXITS, 1);
    expect(&next.run(), 0, &["1 passed"])?;
    nothing_left(pid)
}

fn two_runs() -> Result<(), Failed> {
    let slow = Bench::new("sleep 3", EXITS, 1);
    let child = Running::start(&slow);
    let pid = child.id();
    until("the first run's container is up", || {
        !helpers(pid).is_empty()
    })?;
    let next = Bench::new("true", EXITS, 1);
    expect(&next.run(), 0, &["1 passed"])?;
    expect(&child.finish(), 0, &["1 passed"])?;
    nothing_left(pid)
}
