//! `cargo test --test trouble`: what strange subjects, signals and a dying daemon do to us, on a real Docker.

#[path = "support/images.rs"]
mod images;

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

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
        ("a_gigabyte_of_output_is_judged_whole", gigabyte),
        ("binary_output_and_endless_lines_do_no_harm", binary),
        ("an_image_that_does_not_exist_is_bad_input", no_image),
        ("a_user_that_the_image_does_not_know_is_bad_input", no_user),
        ("a_missing_executable_is_an_answer", no_executable),
        ("swapping_the_image_turns_the_exit_code", swapped),
        (
            "an_unwritable_reports_folder_keeps_the_verdict",
            unwritable_reports,
        ),
        ("sigterm_ends_the_run_with_its_reports", sigterm),
        ("what_a_killed_run_left_is_reaped_by_the_next", killed),
        ("two_runs_at_once_leave_each_other_alone", two_runs),
        (
            "a_supervisor_that_dies_makes_trials_broken",
            dead_supervisor,
        ),
        (
            "a_supervisor_that_dies_makes_trials_broken_without_a_daemon_too",
            dead_supervisor_without_a_daemon,
        ),
        ("a_traced_boot_ends_as_its_subject_does", traced_end),
        ("a_daemon_that_dies_makes_trials_broken", dead_daemon),
        ("a_daemon_that_hangs_makes_trials_broken", hung_daemon),
    ];
    let trials = tests
        .iter()
        .map(|(name, test)| {
            Trial::ignorable_test(*name, move || match no_daemon() {
                Some(why) => Ok(Completion::ignored_with(why)),
                None => test().map(|()| Completion::Completed),
            })
        })
        .collect();
    libtest_mimic::run(&args, trials).exit_code()
}

/// Why there is no daemon to make trouble for; where one was asked for, that is a failure.
fn no_daemon() -> Option<&'static str> {
    let asked = env::engines().is_some_and(|names| names.iter().any(|name| name == "docker"));
    let why = "no Docker socket answers; what a run without a daemon leaves is shown by `embedded`";
    (!asked && !docker::listens()).then_some(why)
}

/// A directory with a subject of the `shell` image that runs `script`.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn shell(script: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let image = images::root().join("fixtures/images/shell/image");
        let args = serde_json::to_string(&[script]).expect("JSON is YAML");
        let subject = format!(
            "name: shell\nimage: oci:{}\nrun: {{ args: {args} }}\n{more}\n",
            image.display()
        );
        std::fs::write(dir.path().join("adamant.yaml"), subject).expect("written");
        Self { dir }
    }

    fn case(&self, name: &str, boot: &str, checks: &str) {
        let cases = self.dir.path().join("cases");
        std::fs::create_dir_all(&cases).expect("made");
        let text = format!(
            "spec: T-1\nclauses: [T]\nlevel: MUST\nabout: a\nfix: f\nboot: {boot}\nchecks: {checks}\n"
        );
        std::fs::write(cases.join(format!("{name}.yaml")), text).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command.current_dir(self.dir.path()).arg("run").args(args);
        command.env(env::ENGINES, "docker");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        code(&self.command(args).output().expect("adamant starts"))
    }

    fn report(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join("reports").join(name)).unwrap_or_default()
    }
}

fn code(output: &Output) -> (i32, String) {
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (
        output
            .status
            .code()
            .unwrap_or_else(|| -output.status.signal().unwrap_or(1)),
        told,
    )
}

fn expect(seen: &(i32, String), code: i32, parts: &[&str]) -> Result<(), Failed> {
    let (got, told) = seen;
    if *got != code {
        return Err(format!("ended with {got}, expected {code}\n{told}").into());
    }
    match parts.iter().find(|p| !told.contains(**p)) {
        Some(part) => Err(format!("`{part}` is missing\n{told}").into()),
        None => Ok(()),
    }
}

const ONLY: &[&str] = &["--only-cases", "--cases", "cases"];
const EXITS: &str = "ready: { exit: { code: 0 }, within: 2m }";

fn gigabyte() -> Result<(), Failed> {
    let bench = Bench::shell(
        "head -c 1000000000 /dev/zero | tr '\\0' 'x'; echo; echo the last line",
        EXITS,
    );
    bench.case(
        "gigabyte",
        "{ network: none }",
        "[{ output: { contains: '^the last line$' } }, { output: { never: 'y' } }]",
    );
    expect(&bench.run(ONLY), 0, &["1 passed"])
}

fn binary() -> Result<(), Failed> {
    let bench = Bench::shell(
        "head -c 3000000 /dev/urandom; printf '\\nFATAL \\000\\377\\n'; echo '\u{1b}[31mred'",
        EXITS,
    );
    bench.case(
        "binary",
        "{ network: none }",
        "[{ output: { never: '^FATAL' } }]",
    );
    let seen = bench.run(ONLY);
    expect(&seen, 1, &["FATAL", "1 failed"])?;
    let junit = bench.report("junit/adamant.xml");
    if junit.contains('\u{1b}') || junit.contains('\0') || !junit.contains("<failure") {
        return Err("the JUnit file has illegal characters or no failure".into());
    }
    Ok(())
}

fn no_image() -> Result<(), Failed> {
    let bench = Bench::shell("true", EXITS);
    let subject = bench.dir.path().join("adamant.yaml");
    std::fs::write(&subject, "image: adamant.test/none:1\n").expect("written");
    expect(&bench.run(&[]), 2, &["adamant.test/none:1", "hint:"])?;
    std::fs::write(&subject, "image: oci:nowhere\n").expect("written");
    expect(&bench.run(&[]), 2, &["nowhere"])
}

fn no_user() -> Result<(), Failed> {
    let bench = Bench::shell("true", EXITS);
    bench.case("user", "{ network: none }", "[{ ready: { within: 9s } }]");
    let file = bench.dir.path().join("adamant.yaml");
    let with = |user: &str| {
        let text = std::fs::read_to_string(&file).expect("read");
        let text = text.replace("run: { ", &format!("run: {{ user: {user}, "));
        std::fs::write(&file, text).expect("written");
    };
    with("nobody-knows-me");
    let seen = bench.run(ONLY);
    expect(
        &seen,
        2,
        &["adamant.yaml:3:14: user `nobody-knows-me` is not known"],
    )?;
    if !bench.report("summary.json").is_empty() {
        return Err("something ran before the user was refused".into());
    }
    Ok(())
}

fn no_executable() -> Result<(), Failed> {
    let bench = Bench::shell("true", EXITS);
    let image = images::root().join("fixtures/images/bare/image");
    let subject = format!(
        "name: gone\nimage: oci:{}\nready: {{ http: {{ port: 8080, path: /ready }}, within: 9s }}\nartifacts: [{{ id: bare, path: /bare }}]\n",
        image.display()
    );
    std::fs::write(bench.dir.path().join("adamant.yaml"), subject).expect("written");
    bench.case(
        "gone",
        "{ fault: required-artifact-absent, until: exit }",
        "[{ exit: { within: 5s, code: 127 } }]",
    );
    expect(&bench.run(ONLY), 0, &["1 passed"])
}

fn swapped() -> Result<(), Failed> {
    let root = images::root();
    let subject = root.join("fixtures/images/agentbox");
    let dir = tempfile::tempdir().expect("a directory");
    let run = |image: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command
            .args([
                "run",
                subject.to_str().expect("UTF-8"),
                "RC-002-03",
                "--reports",
            ])
            .arg(dir.path());
        if let Some(image) = image {
            command.arg("--image").arg(format!(
                "oci:{}",
                root.join("fixtures/images")
                    .join(image)
                    .join("image")
                    .display()
            ));
        }
        code(&command.output().expect("adamant starts"))
    };
    expect(&run(None), 0, &["4 passed"])?;
    expect(
        &run(Some("planted-installs-at-boot")),
        1,
        &["npm install", "/entrypoint.sh"],
    )
}

fn unwritable_reports() -> Result<(), Failed> {
    // A full disk: a device that takes nothing stands where the reports would go.
    let bench = Bench::shell("exit 3", EXITS);
    bench.case("fails", "{ network: none }", "[{ ready: { within: 2s } }]");
    let full = bench.dir.path().join("full");
    std::fs::create_dir(&full).expect("made");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "none"])
        .arg(&full)
        .status();
    if !mounted.is_ok_and(|s| s.success()) {
        return Err("a tiny tmpfs could not be mounted; this test needs root on Linux".into());
    }
    std::fs::write(full.join("filler"), vec![0; 4096]).expect("written");
    let seen = bench.run(&[ONLY, &["--reports", "full"]].concat());
    drop(Command::new("umount").arg(&full).status());
    expect(&seen, 3, &["FAIL", "code 3", "1 failed", "warning"])
}

/// The containers that a run made; other runs on this daemon are none of our business.
fn objects(run: u32) -> Result<Vec<String>, Failed> {
    let output = Command::new("docker")
        .args([
            "--host",
            "unix:///var/run/docker.sock",
            "ps",
            "-a",
            "--format",
            "{{.Names}}",
            "--filter",
        ])
        .arg(format!("label=dev.adamant.pid={run}"))
        .output()
        .map_err(|e| format!("docker's own client is needed to look: {e}"))?;
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.lines().map(str::to_owned).collect())
}

fn nothing_left(run: u32) -> Result<(), Failed> {
    let left = objects(run)?;
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("left behind: {left:?}").into())
    }
}

fn until(what: &str, reached: impl Fn() -> Result<bool, Failed>) -> Result<(), Failed> {
    let deadline = Deadline::after(Duration::from_secs(60), &Cancel::default());
    while deadline.left().is_some() {
        if reached()? {
            return Ok(());
        }
        let _ = deadline.pause(Duration::from_millis(100));
    }
    Err(format!("{what}: not within 60 s").into())
}

/// A run of `adamant` in the background; it ends with the test that started it.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("adamant starts"))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|s| s.success()), "the signal is sent");
    }

    /// Waits for the end; both streams are read meanwhile.
    fn finish(mut self) -> (i32, String) {
        let mut told = String::new();
        let mut out = self.0.stdout.take().expect("piped");
        let mut err = self.0.stderr.take().expect("piped");
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        let _ = out.read_to_string(&mut told);
        told.push_str(&reader.join().expect("read"));
        let status = self.0.wait().expect("ended");
        let code = status
            .code()
            .unwrap_or_else(|| -status.signal().unwrap_or(1));
        (code, told)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Eight cases that boot eight containers which never get ready.
fn sleepers() -> Bench {
    let bench = Bench::shell("sleep 300", "ready: { tcp: { port: 1 }, within: 2m }");
    for number in 0..8 {
        bench.case(
            &format!("sleeper-{number}"),
            "{ boots: 2 }",
            "[{ ready: { within: 2m } }]",
        );
    }
    bench
}

fn sigterm() -> Result<(), Failed> {
    let bench = sleepers();
    let child = Running::start(&mut bench.command(&[ONLY, &["--threads", "8"]].concat()));
    let run = child.id();
    until("eight containers are up", || Ok(objects(run)?.len() >= 8))?;
    child.signal("TERM");
    let start = Instant::now();
    let seen = child.finish();
    expect(&seen, 143, &["interrupted"])?;
    if start.elapsed() > Duration::from_secs(30) {
        return Err(format!("it took {:?} to end", start.elapsed()).into());
    }
    if !bench.report("summary.json").contains("\"broken\"")
        || !bench.report("junit/adamant.xml").contains("<error")
    {
        return Err("the reports of the interrupted run are not there".into());
    }
    nothing_left(run)
}

fn killed() -> Result<(), Failed> {
    let bench = sleepers();
    let child = Running::start(&mut bench.command(&[ONLY, &["--threads", "8"]].concat()));
    let run = child.id();
    until("eight containers are up", || Ok(objects(run)?.len() >= 8))?;
    child.signal("KILL");
    child.finish();
    let next = Bench::shell("true", EXITS);
    next.case("fine", "{ network: none }", "[{ ready: { within: 9s } }]");
    expect(&next.run(ONLY), 0, &["1 passed"])?;
    nothing_left(run)
}

fn two_runs() -> Result<(), Failed> {
    let slow = Bench::shell("sleep 6", EXITS);
    slow.case("slow", "{ network: none }", "[{ ready: { within: 30s } }]");
    let child = Running::start(&mut slow.command(ONLY));
    let run = child.id();
    until("the first run's container is up", || {
        Ok(!objects(run)?.is_empty())
    })?;
    let next = Bench::shell("true", EXITS);
    next.case("fine", "{ network: none }", "[{ ready: { within: 9s } }]");
    expect(&next.run(ONLY), 0, &["1 passed"])?;
    expect(&child.finish(), 0, &["1 passed"])?;
    nothing_left(run)
}

const WATCHED: &str = "{ network: none, observe: 20s }";

/// The process that watches a boot of the run `run`.
fn supervisor(run: u32) -> Option<u32> {
    let of_run = |dir: &Path| {
        let status = std::fs::read_to_string(dir.join("status")).unwrap_or_default();
        let words = std::fs::read(dir.join("cmdline")).unwrap_or_default();
        status.contains(&format!("PPid:\t{run}\n")) && words.windows(6).any(|w| w == b"\0watch")
    };
    let mut processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes.find_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse().ok()?;
        of_run(&entry.path()).then_some(pid)
    })
}

fn dead_supervisor() -> Result<(), Failed> {
    supervisor_dies("docker")
}

fn dead_supervisor_without_a_daemon() -> Result<(), Failed> {
    supervisor_dies("oci")
}

fn supervisor_dies(engine: &str) -> Result<(), Failed> {
    // It writes all the time, so that the end of its supervisor ends it too: that must not look like its fault.
    let script = "echo up; while :; do : > /tmp/x; sleep 0.1; done";
    let bench = Bench::shell(script, "ready: { output: { matches: up }, within: 30s }");
    bench.case("egress", WATCHED, "[{ egress: none }]");
    bench.case(
        "output",
        WATCHED,
        "[{ output: { never: nothing } }, { drift: { only: [/] } }]",
    );
    let child = Running::start(bench.command(ONLY).env(env::ENGINES, engine));
    let run = child.id();
    until("a supervisor is at work", || Ok(supervisor(run).is_some()))?;
    if engine == "docker" {
        until("its container is up", || Ok(!objects(run)?.is_empty()))?;
    }
    let pause = Deadline::after(Duration::from_secs(3), &Cancel::default());
    let _ = pause.pause(Duration::from_secs(2));
    let killed =
        supervisor(run).map(|pid| Command::new("kill").args(["-9", &pid.to_string()]).status());
    assert!(
        killed.is_some_and(|s| s.is_ok_and(|s| s.success())),
        "killed"
    );
    expect(
        &child.finish(),
        3,
        &["the supervisor has ended", "0 passed, 0 failed", "2 broken"],
    )?;
    nothing_left(run)
}

fn traced_end() -> Result<(), Failed> {
    let bench = Bench::shell("exit 7", "ready: { tcp: { port: 1 }, within: 30s }");
    bench.case("egress", WATCHED, "[{ egress: none }]");
    expect(&bench.run(ONLY), 1, &["ended with code 7"])?;
    let image = images::root().join("fixtures/images/bare/image");
    let subject = format!(
        "name: gone\nimage: oci:{}\nready: {{ http: {{ port: 8080, path: /ready }}, within: 9s }}\nartifacts: [{{ id: bare, path: /bare }}]\n",
        image.display()
    );
    std::fs::write(bench.dir.path().join("adamant.yaml"), subject).expect("written");
    std::fs::remove_file(bench.dir.path().join("cases/egress.yaml")).expect("removed");
    bench.case(
        "gone",
        "{ fault: required-artifact-absent, until: exit }",
        "[{ exit: { within: 5s, code: 127 } }, { egress: none }]",
    );
    expect(&bench.run(ONLY), 0, &["1 passed"])
}

/// A daemon of this test's own, so that it can die without harm to anyone.
struct Daemon {
    child: Child,
    dir: PathBuf,
}

impl Daemon {
    fn start(dir: &Path) -> Result<Self, Failed> {
        let at = |name: &str| dir.join(name).display().to_string();
        // In a network namespace of its own: with `--bridge none` it would remove the host's bridge.
        let child = Command::new("unshare")
            .args(["--net", "--", "dockerd"])
            .args([
                "--host",
                &format!("unix://{}", at("docker.sock")),
                "--data-root",
                &at("data"),
                "--exec-root",
                &at("exec"),
            ])
            .args([
                "--pidfile",
                &at("pid"),
                "--bridge",
                "none",
                "--iptables=false",
                "--ip-masq=false",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::from(
                std::fs::File::create(dir.join("log")).expect("a log"),
            ))
            .spawn()
            .map_err(|e| format!("dockerd is needed to let one die: {e}"))?;
        let daemon = Self {
            child,
            dir: dir.to_owned(),
        };
        until("a private dockerd answers", || {
            Ok(std::os::unix::net::UnixStream::connect(daemon.dir.join("docker.sock")).is_ok())
        })?;
        Ok(daemon)
    }
}

impl Daemon {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|s| s.success()), "the signal is sent");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // Its containerd and shims are children of its own making; they name its directory.
        drop(
            Command::new("pkill")
                .args(["-KILL", "-f"])
                .arg(self.dir.join("exec"))
                .status(),
        );
        drop(
            Command::new("umount")
                .arg("-l")
                .arg(self.dir.join("data"))
                .stderr(Stdio::null())
                .status(),
        );
    }
}

fn dead_daemon() -> Result<(), Failed> {
    let dir = tempfile::Builder::new()
        .prefix("adamant-dockerd")
        .tempdir_in("/var/tmp")
        .expect("a directory");
    let mut daemon = Daemon::start(dir.path())?;
    let bench = sleepers();
    let socket = format!("unix://{}", dir.path().join("docker.sock").display());
    let child = Running::start(
        bench
            .command(&[ONLY, &["--threads", "4"]].concat())
            .env("DOCKER_HOST", &socket),
    );
    let up = || {
        let output = Command::new("docker")
            .args(["--host", &socket, "ps", "-q"])
            .output()
            .map_err(|e| e.to_string())?;
        Ok(output.stdout.iter().filter(|b| **b == b'\n').count() >= 2)
    };
    let reached = until("containers are up", up);
    drop(daemon.child.kill());
    drop(daemon.child.wait());
    let seen = child.finish();
    reached.map_err(|e| format!("{}\n{}", e.message().unwrap_or_default(), seen.1))?;
    expect(&seen, 3, &["BROKEN", "0 passed, 0 failed"])?;
    let junit = bench.report("junit/adamant.xml");
    if junit.matches("<error").count() < 8 || junit.contains("<failure") {
        return Err(format!("the JUnit file does not have eight errors\n{junit}").into());
    }
    Ok(())
}

/// A subject that would be waited for by its output or its end, on a daemon that stops answering meanwhile.
fn hung_daemon() -> Result<(), Failed> {
    let dir = tempfile::Builder::new()
        .prefix("adamant-dockerd")
        .tempdir_in("/var/tmp")
        .expect("a directory");
    let daemon = Daemon::start(dir.path())?;
    let socket = format!("unix://{}", dir.path().join("docker.sock").display());
    let benches = [
        "ready: { output: { matches: '^up$' }, within: 12s }",
        "ready: { exit: { code: 0 }, within: 12s }",
    ]
    .map(|ready| {
        let bench = Bench::shell("echo started; sleep 300", ready);
        bench.case("hangs", "{ network: none }", "[{ ready: { within: 12s } }]");
        bench
    });
    let runs = benches
        .each_ref()
        .map(|bench| Running::start(bench.command(ONLY).env("DOCKER_HOST", &socket)));
    let up = || {
        let output = Command::new("docker")
            .args(["--host", &socket, "ps", "-q"])
            .output()
            .map_err(|e| e.to_string())?;
        Ok(output.stdout.iter().filter(|b| **b == b'\n').count() >= 2)
    };
    let reached = until("both containers are up", up);
    daemon.signal("STOP");
    // Longer than the wait and the look at the record after it; then it goes on, so that everything can be removed.
    let patience = Deadline::after(Duration::from_secs(60), &Cancel::default());
    let _ = patience.pause(Duration::from_secs(25));
    daemon.signal("CONT");
    for (run, bench) in runs.into_iter().zip(&benches) {
        let seen = run.finish();
        if let Err(error) = &reached {
            return Err(format!("{}\n{}", error.message().unwrap_or_default(), seen.1).into());
        }
        expect(&seen, 3, &["BROKEN", "0 passed, 0 failed"])?;
        let junit = bench.report("junit/adamant.xml");
        if !junit.contains("<error") || junit.contains("<failure") {
            return Err(format!("the JUnit file has no error\n{junit}").into());
        }
    }
    Ok(())
}
