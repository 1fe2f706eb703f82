//! The planted sample of each family: judged once a run, and each must be caught, or nothing the run says can be trusted.

use std::collections::BTreeSet;
use std::path::Path;

use adamant_probe::{
    Action, Actor, CONTROL_ADDRESS, CommandResult, Entry, Http, Kind, Mount, Port, Process,
    TraceEvent,
};

use super::workspace::control as workspace;
use super::{Boot, CheckSpec, Context, Finding, Unanswered};
use crate::case::{Subject, parse_text};
use crate::engine::{
    Answer, Change, ChangeKind, Event, Exit, Image, LineMatch, Loss, LossSeen, Reached, Stopped,
    Stream, Took, Trace,
};

/// A subject that claims everything.
const SUBJECT: &str = "
name: control
image: none
immutable: [/app]
writable: [/data]
writes: [/data/sentinel]
ready: { http: { port: 80, path: /ready }, within: 1s }
livez: { port: 80, path: /livez }
metrics: { port: 81, path: /metrics }
entrypoint: { path: /entrypoint.sh }
events: { stream: stdout, name: event, capability: capability }
artifacts: [{ id: tool, command: [tool, --version], version: '1' }]
programs: [{ id: program, matches: program }]
stop: { within: 1s }
budgets: { ready: p95 < 800ms }
manifest: image:/app/manifest.toml
secrets: [/data/key]
external: { env: URL, http: { port: 80, path: /external } }
run: { cap-add: [SYS_ADMIN], env: { DAEMON_TOKEN: a-token-for-the-control } }
workspace:
  daemon: { port: 9000, root: /data/root, app: { http: { port: 3000, path: / }, within: 1s } }
  keeper: { daemon-port: 9000, every: 1s, rest: 2s, store: /data/main.tar }
";

/// One family's sample.
struct Sample {
    check: &'static str,
    boots: Vec<Boot>,
}

/// The families whose sample was not caught, with the reason; empty when all were.
#[must_use]
pub fn blind_families() -> Vec<String> {
    let mut subject: Subject =
        parse_text(SUBJECT, Path::new("control")).expect("the control subject is valid");
    // As reading a subject file fills it in.
    if let Some(claim) = &mut subject.workspace {
        claim.token = Some("a-token-for-the-control".into());
    }
    let enabled = BTreeSet::from(["tool".to_owned()]);
    let image = image();
    let context = Context {
        subject: &subject,
        image: &image,
        enabled: &enabled,
        fault: subject.artifacts().next(),
    };
    let mut blind = Vec::new();
    let judged_for_us = if super::verify::is_provided() {
        verified()
    } else {
        Vec::new()
    };
    let workspaces = workspaces(&context);
    for sample in samples().into_iter().chain(judged_for_us).chain(workspaces) {
        let spec: CheckSpec =
            parse_text(sample.check, Path::new("control")).expect("the control checks are valid");
        match caught(&spec, &context, sample.boots) {
            Ok(findings) if !findings.is_empty() => {}
            Ok(_) => blind.push(format!("`{}` let its control pass", spec.name())),
            Err(why) => blind.push(format!(
                "`{}` could not judge its control: {why}",
                spec.name()
            )),
        }
    }
    blind
}

fn caught(
    spec: &CheckSpec,
    context: &Context<'_>,
    mut boots: Vec<Boot>,
) -> Result<Vec<Finding>, Unanswered> {
    let check = spec.check();
    for boot in &mut boots {
        boot.watches = check.watches(context.subject);
        boot.log.matches.resize(boot.watches.len(), (0, Vec::new()));
        if boot.log.head.contains("npm install") {
            let line = LineMatch {
                line: 1,
                stream: Stream::Stdout,
                text: "npm install".into(),
            };
            boot.log
                .matches
                .iter_mut()
                .for_each(|m| *m = (1, vec![line.clone()]));
        }
    }
    let mut findings = check.judge(context, &boots[0])?;
    if boots.len() > 1 {
        findings.extend(check.judge_all(context, &boots)?);
    }
    Ok(findings)
}

fn image() -> Image {
    let mut image = Image::default();
    let setuid = Entry {
        mode: 0o4755,
        ..entry("/bin/su", "a")
    };
    let app = Entry {
        kind: Kind::Dir,
        ..entry("/app", "c")
    };
    for e in [
        setuid,
        app,
        Entry {
            mode: 0o755,
            ..entry("/entrypoint.sh", "b")
        },
    ] {
        image.entries.insert(e.path.clone(), e);
    }
    if let Some(script) = image.entries.get_mut("/entrypoint.sh") {
        script.size = crate::shell::BAD_SAMPLE.len() as u64;
    }
    with_addon(&mut image);
    // A health check that starts a program that is not there.
    image.config.healthcheck = ["CMD", "node", "/app/health.mjs"].map(str::to_owned).into();
    image.texts.insert(
        "/entrypoint.sh".into(),
        crate::shell::BAD_SAMPLE.as_bytes().to_vec(),
    );
    image
}

/// A runtime, and beside the program that it runs a package whose addon was never built.
fn with_addon(image: &mut Image) {
    // The header alone of an ELF file for x86-64.
    let mut runtime = vec![0; 64];
    runtime[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    for (at, value) in [(16, 3), (18, 62), (20, 1), (52, 64), (54, 56), (58, 64)] {
        runtime[at] = value;
    }
    for dir in [
        "/usr",
        "/usr/bin",
        "/app/node_modules",
        "/app/node_modules/addon",
    ] {
        let kind = Kind::Dir;
        let dir = Entry {
            kind,
            ..entry(dir, "c")
        };
        image.entries.insert(dir.path.clone(), dir);
    }
    for (path, bytes) in [
        ("/usr/bin/node", runtime),
        ("/app/node_modules/addon/binding.gyp", b"{}".to_vec()),
        (
            "/app/node_modules/addon/package.json",
            br#"{ "main": "i.js" }"#.to_vec(),
        ),
    ] {
        let (mode, size) = (0o755, bytes.len() as u64);
        let file = Entry {
            mode,
            size,
            ..entry(path, "d")
        };
        image.entries.insert(path.to_owned(), file);
        image.texts.insert(path.to_owned(), bytes);
    }
}

fn entry(path: &str, sha256: &str) -> Entry {
    Entry {
        path: path.into(),
        kind: Kind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 1,
        target: None,
        sha256: Some(sha256.into()),
    }
}

fn exited(code: i64) -> Reached {
    Reached::Exited {
        exit: Exit {
            code,
            oom_killed: false,
            after_ms: 10,
            refused: None,
        },
        observed: Vec::new(),
    }
}

fn ready() -> Boot {
    Boot {
        reached: Some(Reached::Ready {
            at_ns: 0,
            observed: Vec::new(),
        }),
        ..Boot::default()
    }
}

fn answers(answers: Vec<Answer>) -> Vec<Boot> {
    vec![Boot {
        answers: answers.into_iter().map(Ok).collect(),
        ..ready()
    }]
}

fn process(pid: i32) -> Process {
    Process {
        pid,
        ppid: 0,
        argv: vec!["program".into()],
        state: "S".into(),
        start_ticks: 1,
        uid: [0; 4],
        gid: [0; 4],
        cap_eff: u64::MAX >> 23,
        cap_bnd: u64::MAX >> 23,
        no_new_privs: false,
        seccomp: 0,
        listens: Vec::new(),
    }
}

fn command(exit: i32) -> Answer {
    let result = CommandResult {
        argv: vec!["tool".into()],
        exit: Some(exit),
        signal: None,
        timed_out: false,
        stdout: String::new(),
        stderr: String::new(),
        micros: 1,
    };
    Answer::Commands(vec![result])
}

fn http(status: u16) -> Answer {
    Answer::Http(Http {
        status: Some(status),
        headers: Vec::new(),
        body: String::new(),
        error: None,
    })
}

fn event(name: &str, at_ns: u64) -> Event {
    Event {
        name: name.into(),
        at_ns,
        line: 1,
        stream: Stream::Stdout,
        fields: serde_json::Map::new(),
    }
}

fn with_events(events: Vec<Event>) -> Vec<Boot> {
    let mut boot = ready();
    boot.log.events = events;
    vec![boot]
}

/// Samples of what the front end judges for us; without a judge there is no verdict of theirs to be trusted.
fn verified() -> Vec<Sample> {
    let checks = [
        "verify: manifest",
        "verify: closure",
        "verify: environment",
        "verify: packaging",
        "verify: addons",
    ];
    let sample = |check| Sample {
        check,
        boots: vec![Boot::default()],
    };
    checks.map(sample).into()
}

/// A daemon and a keeper that do everything wrong.
fn workspaces(context: &Context<'_>) -> Vec<Sample> {
    let parts = workspace::PARTS.iter();
    parts
        .map(|(check, part)| Sample {
            check,
            boots: answers(workspace::answers(*part, context)),
        })
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one table: a line for each sample")]
fn samples() -> Vec<Sample> {
    let sample = |check, boots| Sample { check, boots };
    let late = || {
        vec![Boot {
            reached: Some(Reached::TimedOut {
                observed: Vec::new(),
            }),
            ..Boot::default()
        }]
    };
    let mut loud = ready();
    loud.log.head = "npm install".into();
    let change = |path: &str| Change {
        path: path.into(),
        kind: ChangeKind::Added,
        now: None,
        detail: String::new(),
    };
    let drift = |path| {
        answers(vec![
            Answer::Drift(vec![change(path)]),
            Answer::Entries(vec![("/data/sentinel".into(), None)]),
        ])
    };
    let root = Mount {
        target: "/".into(),
        fstype: "overlay".into(),
        source: "overlay".into(),
        options: vec!["rw".into()],
        read_only: false,
    };
    let secret = || {
        answers(vec![Answer::Entries(vec![(
            "/data/key".into(),
            Some(entry("/data/key", "k")),
        )])])
        .remove(0)
    };
    let stopped = Stopped {
        exit: Exit {
            code: 137,
            oom_killed: false,
            after_ms: 1,
            refused: None,
        },
        took_ms: 2000,
        killed: true,
    };
    vec![
        sample("ready: { within: subject.ready.within }", late()),
        sample("output: { never: npm install }", vec![loud]),
        sample(
            "events: { in-order: [BootstrapStarted, BootstrapCompleted] }",
            with_events(vec![
                event("BootstrapCompleted", 0),
                event("BootstrapStarted", 1),
            ]),
        ),
        sample(
            "events: { with: { BootstrapPhaseCompleted: [phase] } }",
            with_events(vec![event("BootstrapPhaseCompleted", 0)]),
        ),
        sample(
            "events: { every-capability: true }",
            with_events(Vec::new()),
        ),
        sample(
            "before-ready: [BootstrapCompleted]",
            with_events(vec![event("BootstrapCompleted", 60_000_000_000)]),
        ),
        sample(
            "exit: { within: 1s, code: non-zero }",
            vec![Boot {
                reached: Some(exited(0)),
                ..Boot::default()
            }],
        ),
        sample("fatal: names-the-artifact", late()),
        sample("fatal: names-the-manifest", late()),
        sample(
            "same: [exit]",
            vec![
                Boot {
                    reached: Some(exited(1)),
                    ..Boot::default()
                },
                Boot {
                    reached: Some(exited(2)),
                    ..Boot::default()
                },
            ],
        ),
        sample(
            "losses: noticed",
            answers(vec![Answer::Losses(vec![loss()])]),
        ),
        sample("settles: { within: 1s }", late()),
        sample("cold-start: subject.budgets", vec![slow(), slow()]),
        sample(
            "same: [ports]",
            vec![
                answers(vec![Answer::Ports(Vec::new())]).remove(0),
                listens(),
            ],
        ),
        sample("artifacts: resolvable", vec![Boot::default()]),
        sample("artifacts: present", answers(vec![command(127)])),
        sample(
            "drift: { unchanged: subject.immutable }",
            drift("/app/cache"),
        ),
        sample("drift: { only: subject.writable }", drift("/var/lib/state")),
        sample(
            "drift: { never-created: [node_modules] }",
            drift("/data/a/node_modules"),
        ),
        sample("drift: { written: subject.writes }", drift("/data/other")),
        sample("entrypoint: installs-nothing", vec![Boot::default()]),
        sample("entrypoint: swallows-nothing", vec![Boot::default()]),
        sample(
            "processes: { non-root: true }",
            answers(vec![Answer::Processes(vec![process(1)])]),
        ),
        sample(
            "processes: { no-capabilities: true }",
            answers(vec![Answer::Processes(vec![process(1)])]),
        ),
        sample(
            "processes: { no-new-privileges: true }",
            answers(vec![Answer::Processes(vec![process(1)])]),
        ),
        sample(
            "processes: { seccomp: true }",
            answers(vec![Answer::Processes(vec![process(1)])]),
        ),
        sample(
            "mounts: { read-only-root: true }",
            answers(vec![Answer::Mounts(vec![root])]),
        ),
        sample("image: { non-root: true }", vec![Boot::default()]),
        sample("image: { no-setuid: true }", vec![Boot::default()]),
        sample(
            "programs: { alive-for: 1s }",
            answers(vec![
                Answer::Processes(vec![process(7)]),
                Answer::Processes(vec![process(8)]),
            ]),
        ),
        sample("http: { target: subject.livez }", answers(vec![http(503)])),
        sample(
            "stop: { signal: SIGTERM, within: 1s, code: 0 }",
            answers(vec![Answer::Stopped(stopped)]),
        ),
        sample(
            "secrets: { paths: subject.secrets }",
            vec![secret(), secret()],
        ),
        sample("exceptions: only-add", vec![Boot::default()]),
        sample("commands: [{ run: [tool] }]", answers(vec![command(1)])),
        sample("files: [{ path: /none }]", vec![Boot::default()]),
        sample(
            "refuses-writes: subject.immutable",
            answers(vec![
                Answer::Written(vec![("/app".into(), None)]),
                Answer::Mounts(Vec::new()),
            ]),
        ),
        sample(
            "external: after-readiness",
            answers(vec![
                http(200),
                Answer::Joined,
                http(200),
                Answer::Peers(Vec::new()),
            ]),
        ),
        sample(
            "writes: { never-under: subject.immutable }",
            traced(write("/app/x")),
        ),
        sample(
            "writes: { never-named: [node_modules] }",
            traced(write("/data/node_modules")),
        ),
        sample("egress: none", traced(connect("10.1.2.3", 443))),
        sample("egress: declared", traced(connect("10.1.2.3", 443))),
        sample("execs: { hides-no-failure: true }", failed()),
        sample(
            "execs: { never: [install] }",
            traced(exec(&["npm", "install"])),
        ),
        sample(
            "execs: { never: [fetch] }",
            traced(exec(&["curl", "-fsSLO", "http://registry.test/x"])),
        ),
    ]
}

/// A file that nobody misses.
fn loss() -> Loss {
    Loss {
        path: "/app/x".into(),
        seen: LossSeen::Nothing,
    }
}

/// A boot that took a second.
fn slow() -> Boot {
    Boot {
        reached: Some(Reached::Ready {
            at_ns: 1_000_000_000,
            observed: Vec::new(),
        }),
        took: Took {
            asked_ns: Some(0),
            ..Took::default()
        },
        ..Boot::default()
    }
}

/// A boot that listens.
fn listens() -> Boot {
    let port = Port {
        protocol: "tcp".into(),
        address: ([0, 0, 0, 0], 80).into(),
    };
    answers(vec![Answer::Ports(vec![port])]).remove(0)
}

/// A boot on whose way up a command failed.
fn failed() -> Vec<Boot> {
    let mut boots = traced(exec(&["mv", "a", "b"]));
    if let Some(Ok(Answer::Trace(trace))) = boots[0].answers.first_mut() {
        trace.events[2].actor.pid = 7;
        let mut exit = trace.events[2].clone();
        exit.action = Action::Exit { code: 1 };
        trace.events.push(exit);
    }
    boots[0].reached = Some(Reached::Ready {
        at_ns: 10,
        observed: Vec::new(),
    });
    boots
}

/// A boot whose trace saw its control, and then this.
fn traced(action: Action) -> Vec<Boot> {
    let control = "/app/.adamant-control";
    let (address, port) = CONTROL_ADDRESS
        .split_once(':')
        .expect("an address and a port");
    let port = port.parse().expect("a port");
    let actions = [connect(address, port), write(control), action];
    let events = actions.map(|action| TraceEvent {
        at_ns: 1,
        actor: Actor {
            pid: 1,
            ppid: 0,
            parent: Vec::new(),
            exe: "/bin/sh".into(),
            argv: vec!["/entrypoint.sh".into()],
            uid: 0,
        },
        action,
    });
    answers(vec![Answer::Trace(Trace {
        control: control.into(),
        events: events.into(),
        cut: None,
    })])
}

fn write(path: &str) -> Action {
    Action::Write {
        call: "openat".into(),
        path: path.into(),
        from: None,
    }
}

fn connect(address: &str, port: u16) -> Action {
    Action::Connect {
        address: address.into(),
        port,
    }
}

fn exec(argv: &[&str]) -> Action {
    Action::Exec {
        path: format!("/usr/bin/{}", argv[0]),
        argv: argv.iter().map(|&word| word.into()).collect(),
        refused: None,
        runs: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_caught() {
        assert_eq!(blind_families(), Vec::<String>::new());
    }

    #[test]
    fn every_family_has_a_sample() {
        let schema = crate::case::case_schema();
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        let families = schema
            .pointer("/$defs/CheckSpec/oneOf")
            .and_then(|v| v.as_array())
            .expect("externally tagged");
        for family in families {
            let tag = family
                .pointer("/required/0")
                .and_then(|v| v.as_str())
                .expect("a tag");
            let mut checks = samples()
                .into_iter()
                .chain(verified())
                .map(|sample| sample.check)
                .chain(workspace::PARTS.iter().map(|(check, _)| *check));
            assert!(
                checks.any(|check| check.starts_with(&format!("{tag}:"))),
                "family `{tag}` has no control"
            );
        }
    }
}
