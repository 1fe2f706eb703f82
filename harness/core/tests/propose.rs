//! What scripted observations become: each line with its reason, nothing that was not seen, and what cannot be told said.

use std::collections::BTreeMap;
use std::sync::Arc;

use adamant_core::case::{Subject, parse_text};
use adamant_core::engine::{Change, ChangeKind, Exit, Image, LineMatch, Log, Stopped, Stream};
use adamant_core::propose::{
    Absent, Candidate, Ended, Look, Observation, Proposal, Service, propose,
};
use adamant_probe::{Action, Actor, CommandResult, Entry, Http, Kind, Process, TraceEvent};

fn entry(path: &str, kind: Kind, mode: u32, sha256: &str) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode,
        uid: 1000,
        gid: 1000,
        size: 1,
        target: None,
        sha256: (kind == Kind::File).then(|| sha256.to_owned()),
    }
}

fn image(files: &[&str], dirs: &[&str]) -> Image {
    let mut image = Image {
        id: format!("sha256:{}", "ab".repeat(32)),
        platform: "linux/amd64".into(),
        ..Image::default()
    };
    for (path, kind) in files
        .iter()
        .map(|path| (*path, Kind::File))
        .chain(dirs.iter().map(|path| (*path, Kind::Dir)))
    {
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/')
            && !parent.is_empty()
        {
            let dir = entry(parent, Kind::Dir, 0o755, "");
            image.entries.entry(parent.to_owned()).or_insert(dir);
            above = parent;
        }
        image
            .entries
            .insert(path.to_owned(), entry(path, kind, 0o755, "0"));
    }
    image
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn event(pid: i32, argv: &str, action: Action) -> TraceEvent {
    TraceEvent {
        at_ns: 1,
        actor: Actor {
            pid,
            ppid: 0,
            parent: Vec::new(),
            exe: String::new(),
            argv: words(argv),
            uid: 1000,
        },
        action,
    }
}

fn exec(pid: i32, path: &str, argv: &str) -> TraceEvent {
    let action = Action::Exec {
        path: path.into(),
        argv: words(argv),
        refused: None,
        runs: Vec::new(),
    };
    event(pid, "launcher", action)
}

fn wrote(argv: &str, path: &str) -> TraceEvent {
    let action = Action::Write {
        call: "openat".into(),
        path: path.into(),
        from: None,
    };
    event(1, argv, action)
}

fn process(pid: i32, argv: &str, uid: u32) -> Process {
    Process {
        pid,
        argv: words(argv),
        state: "S".into(),
        start_ticks: 7,
        uid: [uid; 4],
        ..Process::default()
    }
}

fn added(path: &str, mode: u32, sha256: &str) -> Change {
    Change {
        path: path.into(),
        kind: ChangeKind::Added,
        now: Some(entry(path, Kind::File, mode, sha256)),
        detail: String::new(),
    }
}

fn answers(statuses: &[(&str, u16)]) -> Vec<(String, Http)> {
    let answer = |(path, status): &(&str, u16)| {
        let http = Http {
            status: Some(*status),
            headers: Vec::new(),
            body: "requests_total 4\n".into(),
            error: None,
        };
        ((*path).to_owned(), http)
    };
    statuses.iter().map(answer).collect()
}

fn exit(code: i64) -> Exit {
    Exit {
        code,
        oom_killed: false,
        after_ms: 1200,
        refused: None,
    }
}

const NOWHERE: &str = "/adamant-asks-for-nothing";

/// One boot of it.
fn look(secret: &str) -> Look {
    Look {
        settled: true,
        watched_ms: 4200,
        ready_ms: Some(850),
        ready_processes: vec![process(1, "node /srv/shop/server.js", 1000)],
        processes: vec![process(1, "node /srv/shop/server.js", 1000)],
        events: vec![
            exec(1, "/entrypoint.sh", "/entrypoint.sh"),
            exec(5, "/usr/bin/date", "date +%s"),
            wrote("/bin/sh /entrypoint.sh", "/run/shop/key"),
            exec(1, "/usr/bin/node", "node /srv/shop/server.js"),
            wrote("node /srv/shop/server.js", "/run/shop/pid"),
            wrote("node /srv/shop/server.js", "/tmp/upload/1"),
        ],
        changes: vec![
            added("/run/shop/key", 0o600, secret),
            added("/run/shop/pid", 0o644, "p"),
        ],
        at_ready: vec![
            added("/run/shop/key", 0o600, secret),
            added("/run/shop/pid", 0o644, "p"),
        ],
        services: vec![
            Service {
                port: 8080,
                process: "server.js".into(),
                answers: answers(&[
                    (NOWHERE, 404),
                    ("/", 404),
                    ("/ready", 404),
                    ("/healthz", 204),
                    ("/livez", 200),
                ]),
            },
            Service {
                port: 9100,
                process: "server.js".into(),
                answers: answers(&[(NOWHERE, 404), ("/", 200), ("/metrics", 200)]),
            },
        ],
        stopped: Some(Stopped {
            exit: exit(143),
            took_ms: 90,
            killed: false,
        }),
        ..Look::default()
    }
}

/// What became of boots without this and that.
fn without() -> Vec<Absent> {
    let candidate = |id: &str, path: &str, command: Option<&str>| Candidate {
        id: id.into(),
        path: path.into(),
        command: command.map(str::to_owned),
        why: "it ran until the end".into(),
    };
    let absent = |candidate, ended| Absent { candidate, ended };
    let ended = |fatal: Option<&str>, last: &str| Ended::Exit {
        exit: exit(1),
        fatal: fatal.map(str::to_owned),
        last: Some(last.to_owned()),
        events: None,
    };
    vec![
        absent(
            candidate("node", "/usr/bin/node", Some("node")),
            ended(Some("FATAL: node missing"), "x"),
        ),
        absent(
            candidate("shop", "/srv/shop/server.js", None),
            ended(None, "Error: Cannot find module '/srv/shop/server.js'"),
        ),
        absent(
            candidate("date", "/usr/bin/date", Some("date")),
            Ended::Ready,
        ),
        absent(
            candidate("slow", "/srv/shop/slow", None),
            Ended::Neither(30_000),
        ),
    ]
}

/// A server that writes its state, a secret and a pid file, and answers on 8080.
fn server() -> Observation {
    let mut image = image(
        &[
            "/entrypoint.sh",
            "/usr/bin/node",
            "/usr/bin/date",
            "/srv/shop/server.js",
        ],
        &["/var/lib/shop", "/run/shop", "/tmp"],
    );
    image.config.env = vec!["PATH=/usr/bin".into()];
    image.config.exposed = ["8080/tcp".to_owned()].into();
    image.config.volumes = ["/var/lib/shop".to_owned()].into();
    let said = CommandResult {
        argv: words("node --version"),
        exit: Some(0),
        signal: None,
        timed_out: false,
        stdout: "v24.1.0\n".into(),
        stderr: String::new(),
        micros: 1,
    };
    Observation {
        named: "shop:1".into(),
        image: Arc::new(image),
        engine: "docker (Docker 20.10)".into(),
        open: look("1"),
        sealed: Some(look("2")),
        without: without(),
        versions: BTreeMap::from([("node".to_owned(), said)]),
        ..Observation::default()
    }
}

fn proposed(observation: &Observation) -> Proposal {
    let proposal = propose(observation).expect("a proposal");
    let read: Result<Subject, _> = parse_text(&proposal.text, std::path::Path::new("adamant.yaml"));
    read.expect("it reads back")
        .validate()
        .expect("it is consistent");
    proposal
}

fn shown(proposal: &Proposal) -> String {
    let lines = |title: &str, lines: &[String]| {
        lines
            .iter()
            .map(|line| format!("{title}: {line}\n"))
            .collect::<String>()
    };
    format!(
        "{}---\n{}{}",
        proposal.text,
        lines("fault", &proposal.faults),
        lines("open", &proposal.open)
    )
}

#[test]
fn a_server_is_proposed_line_by_line() {
    insta::assert_snapshot!("server", shown(&proposed(&server())));
}

#[test]
fn what_was_seen_against_the_contract_is_said_and_not_excused() {
    let mut seen = server();
    let sealed = seen.sealed.as_mut().expect("two boots");
    sealed.ready_ms = None;
    sealed.exit = Some(exit(1));
    sealed.log.head = "starting\ncannot open /srv/shop/cache/x\n".into();
    sealed.stopped = None;
    for look in [&mut seen.open, sealed] {
        look.events
            .push(wrote("node /srv/shop/server.js", "/srv/shop/cache/x"));
        look.events.push(wrote("node /srv/shop/server.js", "/etc"));
        let connect = Action::Connect {
            address: "192.0.2.7".into(),
            port: 443,
        };
        look.events.push(event(1, "npm install", connect));
    }
    seen.open.processes[0].uid = [0; 4];
    seen.open.settled = false;
    seen.blind = None;
    let proposal = proposed(&seen);
    insta::assert_snapshot!("faults", shown(&proposal));
    let read: Subject = parse_text(&proposal.text, std::path::Path::new("x")).expect("reads");
    assert!(
        read.immutable.contains(&"/srv/shop".to_owned()),
        "the tree is claimed all the same"
    );
    assert!(
        !read.writable.iter().any(|w| w.starts_with("/srv")),
        "and not excused as writable"
    );
    assert!(read.stop.is_none() && read.programs.is_empty() && read.needs.is_empty());
}

#[test]
fn nothing_is_claimed_that_was_not_seen() {
    // It runs, listens nowhere, writes nothing, says nothing.
    let silent = Observation {
        named: "oci:a b#c".into(),
        image: Arc::new(image(&["/app"], &[])),
        engine: "fake".into(),
        blind: Some("it takes Linux 5.9".into()),
        open: Look {
            settled: true,
            processes: vec![process(1, "/app", 0)],
            ..Look::default()
        },
        ..Observation::default()
    };
    insta::assert_snapshot!("silent", shown(&proposed(&silent)));
    // A line that speaks of it is better than nothing.
    let mut speaks = silent.clone();
    speaks.open.log.head = "booting\n2026-11-21 12:00 worker 7 is ready (3 queues)\nidle\n".into();
    let text = proposed(&speaks).text;
    assert!(
        text.contains(r"ready: { output: { matches: 'ready \(\d+ queues\)' }"),
        "{text}"
    );
    // It does its work and goes.
    let mut job = silent.clone();
    job.open.exit = Some(exit(0));
    let read = proposed(&job).text;
    assert!(read.contains("ready: { exit: { code: 0 }"), "{read}");
    // It fails: no contract can be read from that.
    job.open.exit = Some(exit(3));
    let why = propose(&job).expect_err("nothing to propose");
    assert!(why.contains("ended by itself with 3"), "{why}");
}

#[test]
fn a_server_that_answers_everything_says_nothing_by_it() {
    let mut seen = server();
    for look in [&mut seen.open, seen.sealed.as_mut().expect("two boots")] {
        let all =
            [NOWHERE, "/", "/ready", "/healthz", "/livez", "/metrics"].map(|path| (path, 200));
        look.services[0].answers = answers(&all);
        look.services.truncate(1);
    }
    let text = proposed(&seen).text;
    assert!(
        text.contains("path: /, status: 200") && text.contains("as it answers any path"),
        "{text}"
    );
    assert!(
        text.contains("not claimed: `livez`") && text.contains("not claimed: `metrics`"),
        "{text}"
    );
    // Whoever speaks no HTTP is waited for by its port, the exposed one first.
    for look in [&mut seen.open, seen.sealed.as_mut().expect("two boots")] {
        let service = |port| Service {
            port,
            process: "redis".into(),
            answers: Vec::new(),
        };
        look.services = vec![service(5000), service(8080)];
    }
    let text = proposed(&seen).text;
    assert!(text.contains("ready: { tcp: { port: 8080 }"), "{text}");
}

#[test]
fn events_are_claimed_where_a_bootstrap_wrote_them() {
    let mut seen = server();
    seen.open.log = Log {
        head: "{\"kind\":\"BootstrapStarted\"}\n{\"kind\":\"BootstrapCompleted\"}\n".into(),
        matches: [0, 0, 1]
            .map(|count| {
                let line = LineMatch {
                    line: 1,
                    stream: Stream::Stderr,
                    text: String::new(),
                };
                (count, vec![line])
            })
            .into(),
        ..Log::default()
    };
    let text = proposed(&seen).text;
    assert!(
        text.contains("events: { stream: stderr, format: json, name: kind }"),
        "{text}"
    );
    seen.open.log.head = "{\"msg\":\"hello\"}\n".into();
    let text = proposed(&seen).text;
    assert!(
        text.contains("not claimed: `events`: 1 line of its output were JSON"),
        "{text}"
    );
}
