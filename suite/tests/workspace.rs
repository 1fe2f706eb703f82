//! The verb `workspace` from outside: bad input and half configurations end with 2 before anything is done, and what is saved comes back.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const TOKEN: &str = "a-token-of-these-tests";

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    command.current_dir(dir).arg("workspace").args(args);
    // Only what a test sets.
    for name in ["BUCKET", "REGION", "PREFIX", "ENDPOINT", "FORCE_PATH_STYLE"] {
        command.env_remove(format!("SANDBOX_SNAPSHOTS_{name}"));
    }
    command.env_remove("DATA_DIR").env_remove("DAEMON_TOKEN");
    command
}

#[track_caller]
fn ends(mut command: Command, code: i32, parts: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("adamant starts");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    assert_eq!(status.code(), Some(code), "{command:?}\n{told}");
    for part in parts {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    String::from_utf8_lossy(&stdout).into_owned()
}

/// A daemon that is killed with the test.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(dir: &Path, name: &str) -> Self {
        let mut child = command(dir, &["serve", name, "--listen", "127.0.0.1:0"])
            .env("DAEMON_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("adamant starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its first line");
        let address = line.trim().strip_prefix("listening on ");
        let address = address.expect("its address").to_owned();
        Self { child, address }
    }

    fn stop(mut self, signal: Signal) -> Option<i32> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_daemon_that_cannot_serve_says_why_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let serve = |args: &[&str], token: Option<&str>| {
        let mut command = command(dir.path(), &[&["serve"], args].concat());
        command.envs(token.map(|token| ("DAEMON_TOKEN", token)));
        command
    };
    ends(serve(&["root"], None), 2, &["`DAEMON_TOKEN`", "hint:"]);
    ends(serve(&["root"], Some("short")), 2, &["`DAEMON_TOKEN`"]);
    ends(serve(&["none/root"], Some(TOKEN)), 2, &["none"]);
    ends(
        serve(&["root", "--listen", "nowhere"], Some(TOKEN)),
        2,
        &["--listen"],
    );
    ends(
        serve(&["root", "--accept", "anything"], Some(TOKEN)),
        2,
        &["foreign-owners", "case-collisions", "outward-links"],
    );
    let taken = Served::start(dir.path(), "taken");
    let address = taken.address.strip_prefix("http://").expect("an address");
    ends(
        serve(&["root", "--listen", address], Some(TOKEN)),
        2,
        &["cannot listen on", address],
    );
    assert!(!dir.path().join("root").exists());
}

#[test]
fn bad_input_and_half_a_configuration_end_with_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let keep = |verb: &str, args: &[&str], env: &[(&str, &str)]| {
        let mut command = command(dir.path(), &[&[verb], args].concat());
        command.envs(env.iter().copied());
        command
    };
    let token = ("DAEMON_TOKEN", TOKEN);
    let data = ("DATA_DIR", "data");
    for verb in ["keep", "save", "restore"] {
        ends(
            keep(verb, &["acme/shop"], &[token, data]),
            2,
            &["`acme/shop`", "ORGANISATION/PROJECT/BRANCH"],
        );
        ends(
            keep(verb, &["acme/shop/main"], &[data]),
            2,
            &["`DAEMON_TOKEN` is not set", "hint:"],
        );
        ends(
            keep(verb, &["acme/shop/main"], &[token]),
            2,
            &[
                "no store is configured",
                "hint: set `SANDBOX_SNAPSHOTS_BUCKET`",
            ],
        );
        ends(
            keep(
                verb,
                &["acme/shop/main", "--daemon", "localhost:9000"],
                &[token, data],
            ),
            2,
            &["`localhost:9000` is not the http:// address of a daemon"],
        );
        ends(
            keep(
                verb,
                &["acme/shop/main"],
                &[token, ("SANDBOX_SNAPSHOTS_REGION", "eu-west-1")],
            ),
            2,
            &["`SANDBOX_SNAPSHOTS_BUCKET` is not set, but `SANDBOX_SNAPSHOTS_REGION` is"],
        );
    }
    ends(
        keep("head", &["acme/shop/main"], &[data]),
        2,
        &["nothing is stored under `acme/shop/main.tar`"],
    );
    std::fs::write(dir.path().join("config.json"), "{\n  half").expect("written");
    ends(
        keep(
            "keep",
            &["acme/shop/main", "--config", "config.json"],
            &[token, data],
        ),
        2,
        &["`config.json` is no configuration", "line 2"],
    );
    ends(
        keep(
            "keep",
            &["acme/shop/main", "--config", "none.json"],
            &[token, data],
        ),
        2,
        &["`none.json` is no configuration"],
    );
}

#[test]
fn a_daemon_that_is_not_there_is_no_bad_input() {
    let dir = tempfile::tempdir().expect("a directory");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    for args in [
        &["save", "acme/shop/main", "--daemon", &address][..],
        &[
            "keep",
            "acme/shop/main",
            "--daemon",
            &address,
            "--wait",
            "0",
        ],
    ] {
        let mut command = command(dir.path(), args);
        command.env("DAEMON_TOKEN", TOKEN).env("DATA_DIR", "data");
        ends(command, 3, &[&address]);
    }
}

#[test]
fn what_is_saved_comes_back_and_a_wrong_token_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| dir.path().join(name).join("notes");
    std::fs::create_dir(dir.path().join("first")).expect("made");
    std::fs::write(file("first"), "to be kept").expect("written");
    let (first, second) = (
        Served::start(dir.path(), "first"),
        Served::start(dir.path(), "second"),
    );
    let keep = |verb: &str, served: &Served, token: &str| {
        let mut command = command(
            dir.path(),
            &[verb, "acme/shop/main", "--daemon", &served.address],
        );
        command.env("DAEMON_TOKEN", token).env("DATA_DIR", "data");
        command
    };
    ends(
        keep("save", &first, "another-token-altogether"),
        3,
        &["answered 401"],
    );
    ends(keep("restore", &second, TOKEN), 2, &["nothing is stored"]);
    let saved = ends(keep("save", &first, TOKEN), 0, &["\"saved\":true"]);
    let saved: serde_json::Value = serde_json::from_str(&saved).expect("data alone on stdout");
    let mut head = command(dir.path(), &["head", "acme/shop/main"]);
    head.env("DATA_DIR", "data");
    let head = ends(head, 0, &[]);
    let head: serde_json::Value = serde_json::from_str(&head).expect("data alone on stdout");
    assert_eq!(saved["sha256"], head["sha256"]);
    ends(keep("restore", &second, TOKEN), 0, &["\"files\":1"]);
    let back = std::fs::read_to_string(file("second")).expect("restored");
    assert_eq!(back, "to be kept");
    // A supervisor's way to stop it is no failure; an interrupt is told as one.
    assert_eq!(first.stop(Signal::TERM), Some(0));
    assert_eq!(second.stop(Signal::INT), Some(130));
}
