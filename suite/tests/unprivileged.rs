//! `cargo test --test unprivileged`: who may speak to a daemon and is not root sees what root sees, by a supervisor in a
//! container beside the subject.

#[path = "support/images.rs"]
mod images;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::Duration;

use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

const SOCKET: &str = "/var/run/docker.sock";
/// The kernel's user for nobody, who is no other process's here.
const NOBODY: u32 = 65_534;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if !args.list {
        images::current();
    }
    // One after the other: each looks at what the others would leave.
    let args = Arguments {
        test_threads: Some(1),
        ..args
    };
    type Test = fn(&Bench) -> Result<(), Failed>;
    let tests: &[(&str, Test)] = &[
        ("what_a_subject_tries_is_seen_without_root", seen),
        ("a_network_is_made_without_root", network),
        ("a_supervisor_beside_that_dies_makes_trials_broken", killed),
    ];
    let trials = tests.iter().map(|(name, test)| {
        Trial::ignorable_test(*name, move || match absence() {
            Some(why) => Ok(Completion::ignored_with(why)),
            None => test(&Bench::new()).map(|()| Completion::Completed),
        })
    });
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// Why nobody can be let run here without root; where a daemon was asked for, that is a failure.
fn absence() -> Option<&'static str> {
    let asked = env::engines().is_some_and(|names| names.iter().any(|name| name == "docker"));
    let why = "no Docker socket answers, so there is no daemon that would be root instead";
    (!asked && !docker::listens()).then_some(why)
}

/// A directory of nobody's, with all that a run needs.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let at = dir.path();
        std::fs::set_permissions(at, PermissionsExt::from_mode(0o755)).expect("a mode");
        // What was built and checked out may lie where only root can go.
        std::fs::copy(env!("CARGO_BIN_EXE_adamant"), at.join("adamant")).expect("copied");
        copy(
            &images::root().join("fixtures/images/shell/image"),
            &at.join("image"),
        );
        for name in ["cases", "home", "tmp"] {
            std::fs::create_dir(at.join(name)).expect("made");
        }
        let bench = Self { dir };
        bench.subject("true");
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn subject(&self, script: &str) {
        let args = serde_json::to_string(&[script]).expect("JSON is YAML");
        let text = format!(
            "name: shell\nimage: oci:image\nimmutable: [/opt]\nready: {{ output: {{ matches: up }}, within: 60s }}\nrun: {{ args: {args} }}\n"
        );
        std::fs::write(self.path().join("adamant.yaml"), text).expect("written");
    }

    fn case(&self, name: &str, boot: &str, checks: &str) {
        let text = format!(
            "spec: T-1\nclauses: [T]\nlevel: MUST\nabout: a\nfix: f\nboot: {boot}\nchecks: {checks}\n"
        );
        let path = self.path().join("cases").join(format!("{name}.yaml"));
        std::fs::write(path, text).expect("written");
    }

    /// A run as nobody, who is in the group of the daemon's socket and has no capability.
    fn start(&self) -> Child {
        let own = Command::new("chown")
            .args(["-R", &format!("{NOBODY}:{NOBODY}")])
            .arg(self.path())
            .status();
        assert!(own.is_ok_and(|s| s.success()), "it takes root to be nobody");
        let group = std::fs::metadata(SOCKET).expect("a socket").gid();
        Command::new("setpriv")
            .args([
                "--reuid".to_owned(),
                NOBODY.to_string(),
                "--regid".to_owned(),
                NOBODY.to_string(),
                "--groups".to_owned(),
                group.to_string(),
                "--inh-caps=-all".to_owned(),
            ])
            .arg(self.path().join("adamant"))
            .args(["run", "--only-cases", "--cases", "cases"])
            .current_dir(self.path())
            .env_remove("XDG_CACHE_HOME")
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("tmp"))
            .env(env::ENGINES, "docker")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setpriv is installed")
    }

    fn run(&self) -> Output {
        self.start().wait_with_output().expect("adamant ends")
    }

    /// Nothing of ours may be left of a run, neither with the daemon nor in its directory for temporary files.
    fn nothing_left(&self, run: u32) -> Result<(), Failed> {
        let objects = objects(run);
        let files: Vec<PathBuf> = std::fs::read_dir(self.path().join("tmp"))
            .expect("readable")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        if objects.is_empty() && files.is_empty() {
            return Ok(());
        }
        Err(format!("left behind: {objects:?} {files:?}").into())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).expect("copied");
            chown(&to, Some(NOBODY), Some(NOBODY)).expect("given away");
        }
    }
}

/// The names of the containers of a run.
fn objects(run: u32) -> Vec<String> {
    let filter = format!("label=dev.adamant.pid={run}");
    let host = format!("unix://{SOCKET}");
    let output = Command::new("docker")
        .args(["--host", &host, "ps", "-a", "--format", "{{.Names}}"])
        .args(["--filter", &filter])
        .output()
        .expect("docker's own client is needed to look");
    let names = String::from_utf8_lossy(&output.stdout);
    names.lines().map(str::to_owned).collect()
}

fn expect(output: &Output, code: i32, parts: &[&str]) -> Result<(), Failed> {
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.code() != Some(code) {
        return Err(format!("ended with {}, expected {code}\n{told}", output.status).into());
    }
    // Where a line of a report ends is not what it says.
    let said = told.split_whitespace().collect::<Vec<_>>().join(" ");
    match parts.iter().find(|part| !said.contains(**part)) {
        Some(part) => Err(format!("`{part}` is missing\n{told}").into()),
        None => Ok(()),
    }
}

fn seen(bench: &Bench) -> Result<(), Failed> {
    let traced = "{ network: none, observe: 1s }";
    bench.case("egress", traced, "[{ egress: none }]");
    bench.case("writes", traced, "[{ writes: { never-under: [/opt] } }]");
    bench.subject("echo up; sleep 60");
    let child = bench.start();
    let run = child.id();
    expect(
        &child.wait_with_output().expect("ended"),
        0,
        &["2 passed, 0 failed"],
    )?;
    bench.nothing_left(run)?;
    bench.subject(
        "(: > /opt/nope) 2> /dev/null; /opt/agentbox/libexec/fixture-services beacon 203.0.113.7:443 2> /dev/null; echo up; sleep 60",
    );
    expect(
        &bench.run(),
        1,
        &[
            "0 passed, 2 failed",
            "fixture-services (pid ",
            "tried to reach 203.0.113.7:443",
            "opened for writing /opt/nope",
            "child of /bin/sh -c",
        ],
    )
}

fn network(bench: &Bench) -> Result<(), Failed> {
    let made = "{ network: sinkhole, observe: 1s }";
    bench.case("egress", made, "[{ egress: none }]");
    bench.subject(
        "/opt/agentbox/libexec/fixture-services beacon registry.example:443 && echo up; sleep 60",
    );
    // That it is up at all shows that the name had an address, and that somebody accepted there.
    expect(
        &bench.run(),
        1,
        &["asked 198.18.0.53 for the name registry.example"],
    )
}

fn killed(bench: &Bench) -> Result<(), Failed> {
    let traced = "{ network: none, observe: 20s }";
    bench.case("egress", traced, "[{ egress: none }]");
    bench.subject("echo up; sleep 60");
    let child = bench.start();
    let run = child.id();
    let deadline = Deadline::after(Duration::from_secs(120), &Cancel::default());
    let watching = || {
        objects(run)
            .into_iter()
            .find(|name| name.ends_with("-watch"))
    };
    // The subject's own container comes after it, and is up when it has handed over.
    while objects(run).len() < 2 && deadline.pause(Duration::from_millis(100)) {}
    let _ = deadline.pause(Duration::from_secs(2));
    let watching = watching();
    let killed = watching.as_ref().map(|name| {
        Command::new("docker")
            .args(["--host", &format!("unix://{SOCKET}"), "kill", name])
            .output()
    });
    let ended = child.wait_with_output().expect("ended");
    let killed = killed.ok_or("no container watches")?;
    assert!(killed.is_ok_and(|o| o.status.success()), "killed");
    expect(
        &ended,
        3,
        &["the supervisor has ended", "0 passed, 0 failed", "1 broken"],
    )?;
    bench.nothing_left(run)
}
