//! The reporters on one synthetic run with every kind of outcome, against snapshots.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use adamant_core::case::{Level, Need, Place, Waiver, parse_text};
use adamant_core::check::{Finding, InFile};
use adamant_core::engine::{
    Answer, Change, ChangeKind, Description, Event as LogEvent, Exit, Log, Question, Reached,
};
use adamant_core::redact::{Secrets, volatile};
use adamant_core::report::{
    Asked, BootEvidence, Event, Evidence, Junit, Reporter, RunReport, Scan, Summary, Terminal,
    TrialReport, Verbosity, View, text,
};
use adamant_core::run::{Outcome, PlacedFinding, Skip, Totals, Waived};
use serde_json::json;

const TOKEN: &str = "s3cr3t-value";

fn trial(name: &str, outcome: Outcome) -> TrialReport {
    let parts: Vec<&str> = name.split("::").collect();
    let (subject, spec, stem) = (parts[1], parts[2], parts[3]);
    TrialReport {
        name: name.into(),
        path: parts.iter().collect(),
        engine: if parts[0] == "oci" { "oci" } else { "docker" },
        subject: subject.into(),
        subject_file: PathBuf::from(format!("fixtures/images/{subject}/adamant.yaml")),
        image_source: format!("docker-daemon:{subject}:latest"),
        image_override: None,
        case: format!("{}/01-{stem}", spec[..6].to_lowercase()),
        case_file: PathBuf::from(format!("cases/{}/01-{stem}.yaml", spec[..6].to_lowercase())),
        spec: spec.into(),
        clauses: vec!["PRD-002 §5.4".into(), "PRD-002 AC-3".into()],
        level: Level::Must,
        about: format!("The claim of {stem}, told in one sentence that is long enough to be wrapped at the margin of the page."),
        fix: "Check for the artifact in the entrypoint before anything is started, and end with a message that names it.".into(),
        fault: parts.get(4).map(|_| adamant_core::case::FaultKind::RequiredArtifactAbsent),
        variant: parts.get(4).map(|v| (*v).to_owned()),
        needs: vec![
            Need { cap: Some("NET_BIND_SERVICE".into()), root: false, reason: "nginx listens on port 80".into() },
            Need { cap: None, root: true, reason: "supervisord starts as root and drops to the user of each program afterwards, one by one".into() },
        ],
        waivers: waivers(),
        image: Some(format!("sha256:{}", "4f".repeat(32))),
        platform: Some("linux/amd64".into()),
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        millis: 1234,
        boots: Vec::new(),
        files: Vec::new(),
        measures: Vec::new(),
        losses: Vec::new(),
        replay: ["--cases", "my cases", "--only-cases"].map(str::to_owned).into(),
        secrets: Secrets {
            values: vec![TOKEN.into()],
            ..Secrets::default()
        },
        outcome,
    }
}

/// One that counts, and one that has ended.
fn waivers() -> Vec<Waiver> {
    let text = "
- { finding: exit/wrong-end, reason: the cache moves with release 9, owner: team-runtime, until: 2999-12-31 }
- { finding: drift/undeclared, reason: it was known, owner: somebody, until: 2001-01-01 }
";
    parse_text(text, Path::new("waivers")).expect("waivers")
}

fn finding(expected: &str, seen: &str, detail: &[&str]) -> PlacedFinding {
    let place = Place {
        file: "cases/rc-002/05-missing-artifact-is-fatal.yaml".into(),
        line: 14,
        column: 5,
    };
    let finding = Finding::new(expected, seen).coded("exit/wrong-end");
    PlacedFinding::new("exit", place, finding.with(detail.iter().copied()))
}

fn boot(id: &str) -> BootEvidence {
    let exit = Exit {
        code: 1,
        oom_killed: false,
        after_ms: 612,
        refused: None,
    };
    let change = |path: &str, kind| Change {
        path: path.into(),
        kind,
        now: None,
        detail: String::new(),
    };
    let changes = vec![
        change("/opt/app/node_modules", ChangeKind::Added),
        change("/etc/a\x1b[2Jb", ChangeKind::Deleted),
    ];
    let fields = json!({ "event": "ManifestLoaded", "token": "abc" })
        .as_object()
        .expect("an object")
        .clone();
    BootEvidence {
        id: id.into(),
        reached: Reached::Exited {
            exit,
            observed: Vec::new(),
        },
        started_ns: 1000,
        log: Log {
            head: format!("starting with {TOKEN}\n{{\"event\":\"ManifestLoaded\"}}\n"),
            tail: "FATAL: \x1b[31mred\x1b[0m\tmissing \u{ffff}".into(),
            first_ns: Some(1000),
            bytes: 5000,
            lines: 3,
            matches: Vec::new(),
            events: vec![LogEvent {
                name: "ManifestLoaded".into(),
                at_ns: 2000,
                line: 2,
                stream: adamant_core::engine::Stream::Stdout,
                fields,
            }],
            cut: Some("the stream was closed early".into()),
        },
        asked: vec![
            Asked {
                question: Question::Drift,
                answer: Ok(Answer::Drift(changes)),
            },
            Asked {
                question: Question::Mounts,
                answer: Err("the container has ended".into()),
            },
        ],
        inspect: Some(
            json!({ "Id": id, "Config": { "Env": ["PATH=/bin", "API_TOKEN=xyz", format!("URL=http://u:{TOKEN}@h")] } }),
        ),
    }
}

const FATAL: &str = "docker::agentbox::RC-002-05::missing-artifact-is-fatal";

fn failed() -> TrialReport {
    let token = format!("log: \x1b[31mtoken {TOKEN}\x1b[0m");
    let mut findings = vec![
        finding(
            "process 1 ends with a code other than 0 within 30s when `codex` is absent",
            "it became ready after 612 ms all the same",
            &["log: ready", &token, "… and 3 more"],
        ),
        finding(
            "a line that matches `FATAL:.*missing` and names `codex`",
            "no line matches",
            &[],
        ),
    ];
    findings[1].waiver = Some(Waived {
        accepts: false,
        by: format!("its waiver has ended: {}", waivers()[1]),
    });
    let mut failed = trial(&format!("{FATAL}::codex"), Outcome::Failed { findings });
    failed.boots = vec![boot("4f1c9e0a7b2d"), boot("5a1c9e0a7b2e")];
    failed
}

fn broken() -> TrialReport {
    let chain = vec![
        "failed to start `agentbox`".into(),
        "the daemon answered 500".into(),
        format!("no space left on device while it wrote the layer with {TOKEN}"),
    ];
    let hint = Some("make room with `docker system prune`".into());
    let mut broken = trial(
        "docker::agentbox::RC-003-02::stops-on-sigterm",
        Outcome::Broken { chain, hint },
    );
    broken.image = None;
    broken
}

fn skipped(name: &str, kind: Skip, reason: &str) -> TrialReport {
    let reason = reason.into();
    trial(name, Outcome::Skipped { kind, reason })
}

/// A finding that a waiver accepts, and one whose waiver has ended.
fn waived(name: &str) -> TrialReport {
    let by = waivers()[0].to_string();
    let mut accepted = finding("nothing under /opt changes", "/opt/cache was created", &[]);
    accepted.waiver = Some(Waived {
        accepts: true,
        by: by.clone(),
    });
    let findings = vec![accepted];
    let reason = format!("waived: {by}");
    trial(name, Outcome::ExpectedFailure { reason, findings })
}

/// Every kind of outcome.
fn outcomes() -> Vec<TrialReport> {
    let agentbox = |rest: &str| format!("docker::agentbox::{rest}");
    let reason: String = "the upstream image still writes its cache, see issue 12".into();
    let unclaimed = "not claimed: the subject has no `events`";
    let switched_off = "`tsx` is switched off by the manifest (toolchains.tsx)";
    let cache = finding("nothing under /opt changes", "/opt/cache was created", &[]);
    let declared = Outcome::ExpectedFailure {
        reason: reason.clone(),
        findings: vec![cache],
    };
    vec![
        trial(&agentbox("RC-002-01::no-network-boot"), Outcome::Passed),
        trial(
            &agentbox("RC-002-01::no-network-and-events"),
            Outcome::Passed,
        ),
        trial(&agentbox("RC-002-03::drift"), declared),
        waived(&agentbox("RC-002-04::waived")),
        trial(
            &agentbox("RC-002-04::declared"),
            Outcome::UnexpectedPass { reason },
        ),
        trial(&format!("{FATAL}::node"), Outcome::Passed),
        failed(),
        skipped(&format!("{FATAL}::tsx"), Skip::NotApplicable, switched_off),
        skipped(
            &agentbox("RC-002-06::events-in-order"),
            Skip::NotClaimed,
            unclaimed,
        ),
        skipped(
            &agentbox("RC-002-07::readiness"),
            Skip::NotClaimed,
            unclaimed,
        ),
        skipped(
            &agentbox("RC-003-01::non-root"),
            Skip::NotReached,
            "not reached: RC-002-01 failed",
        ),
        broken(),
        trial("oci::redis::RC-003-01::non-root", Outcome::Passed),
        skipped(
            "oci::redis::RC-003-05::seccomp",
            Skip::Unsupported,
            "this kernel has no seccomp",
        ),
    ]
}

fn description(name: &str, version: &str) -> Description {
    Description {
        name: name.into(),
        version: version.into(),
        platform: "linux/amd64".into(),
    }
}

/// The events of a whole run.
fn run(reports: Vec<TrialReport>) -> Vec<Event> {
    let engines = vec![
        description("docker", "Docker 20.10.24"),
        description("oci", "Linux 6.1.0, no daemon"),
    ];
    let mut totals = Totals::default();
    let mut trials: Vec<String> = reports.iter().map(|r| r.name.clone()).collect();
    trials.push("oci::redis::RC-003-09::never-ran".into());
    let mut events = vec![Event::Started {
        run: "r-1".into(),
        engines,
        trials,
    }];
    for report in reports {
        totals.add(report.outcome.verdict());
        events.push(Event::TrialStarted {
            name: report.name.clone(),
        });
        events.push(Event::TrialFinished(Box::new(report)));
    }
    totals.broken += 1;
    let cleanup = vec![Outcome::Broken {
        chain: vec![
            "failed to remove network `adamant-1`".into(),
            "it is in use".into(),
        ],
        hint: None,
    }];
    events.push(Event::Finished(RunReport {
        run: "r-1".into(),
        totals,
        cleanup,
        interrupted: Some(2),
        millis: 12_345,
    }));
    events
}

fn feed(reporter: &mut dyn Reporter, events: &[Event]) {
    events.iter().for_each(|event| reporter.event(event));
    assert_eq!(reporter.errors(), Vec::<String>::new());
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("text")
    }
}

fn shown(view: View, events: &[Event]) -> (String, String) {
    let (data, talk) = (Shared::default(), Shared::default());
    let mut terminal = Terminal::to(
        Box::new(data.clone()),
        Box::new(talk.clone()),
        view,
        Path::new("reports"),
    );
    feed(&mut terminal, events);
    (data.text(), talk.text())
}

#[test]
fn the_terminal_tells_a_stranger_what_is_wrong() {
    let (data, talk) = shown(
        View {
            verbosity: Verbosity::Verbose,
            ..View::default()
        },
        &run(outcomes()),
    );
    insta::assert_snapshot!("terminal", data);
    insta::assert_snapshot!("terminal-talk", talk);
    assert!(!data.contains(TOKEN) && !data.contains('\x1b'));
    let too_wide: Vec<&str> = data.lines().filter(|l| l.chars().count() > 120).collect();
    assert!(
        too_wide
            .iter()
            .all(|l| l.contains("replay") || l.contains("evidence")),
        "{too_wide:#?}"
    );
}

#[test]
fn colour_changes_no_word_and_quiet_leaves_the_table_out() {
    let events = run(outcomes());
    let (plain, _) = shown(View::default(), &events);
    let (colour, _) = shown(
        View {
            colour: true,
            ..View::default()
        },
        &events,
    );
    let style = regex::Regex::new("\x1b\\[[0-9;]*m").expect("a pattern");
    assert_ne!(plain, colour);
    assert_eq!(style.replace_all(&colour, ""), plain);
    let (quiet, talk) = shown(
        View {
            verbosity: Verbosity::Quiet,
            live: true,
            ..View::default()
        },
        &events,
    );
    assert!(quiet.contains("FAIL") && !quiet.contains("agentbox on docker   docker-daemon"));
    assert!(quiet.ends_with("0 ms\n") || quiet.ends_with(" in 12.3 s\n"));
    assert_eq!(talk, "");
}

#[test]
fn progress_is_one_line_that_is_taken_back() {
    let (_, talk) = shown(
        View {
            live: true,
            ..View::default()
        },
        &run(outcomes()[..2].to_vec()),
    );
    insta::assert_snapshot!("progress", talk.replace('\x1b', "ESC").replace('\r', "CR"));
}

#[test]
fn a_run_that_judged_nothing_says_so() {
    let finished = RunReport {
        run: "r".into(),
        totals: Totals::default(),
        cleanup: Vec::new(),
        interrupted: None,
        millis: 5,
    };
    let (data, _) = shown(View::default(), &[Event::Finished(finished)]);
    assert_eq!(
        data,
        "nothing was judged, so nothing was shown to hold\n0 passed, 0 failed, 0 expected, 0 skipped, 0 broken in 5 ms\n"
    );
}

#[test]
fn a_verdict_reads_alone_and_a_judgment_knows_no_engine() {
    let verdicts: Vec<String> = outcomes().iter().map(text::verdict).collect();
    insta::assert_snapshot!("verdicts", volatile(&verdicts.join("\n")));
    let judgments: Vec<String> = outcomes().iter().map(text::judgment).collect();
    insta::assert_snapshot!("judgments", volatile(&judgments.join("\n")));
    assert!(!judgments.concat().contains("docker::"));
}

#[test]
fn junit_keeps_failures_errors_and_skips_apart_and_is_well_formed() {
    let dir = tempfile::tempdir().expect("a directory");
    feed(&mut Junit::new(dir.path()), &run(outcomes()));
    let xml = fs_err::read_to_string(dir.path().join("junit/adamant.xml")).expect("written");
    let parsed = quick_junit::Report::deserialize_from_str(&xml).expect("well-formed");
    assert_eq!(
        (parsed.tests, parsed.failures, parsed.errors, parsed.skipped),
        (15, 2, 2, 5)
    );
    assert!(!xml.contains(TOKEN));
    assert!(xml.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)));
    // The document's own time is the time of writing.
    let now = regex::Regex::new(r#"(<testsuites [^>]*timestamp=")[^"]*"#).expect("a pattern");
    insta::assert_snapshot!("junit", now.replace(&xml, "${1}[TIME]"));
}

#[test]
fn the_summary_is_for_programs() {
    let dir = tempfile::tempdir().expect("a directory");
    feed(
        &mut Summary::new(dir.path(), "sha256:cafe"),
        &run(outcomes()),
    );
    let json = fs_err::read_to_string(dir.path().join("summary.json")).expect("written");
    assert!(!json.contains(TOKEN));
    let mut value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["trials"].as_array().expect("a list").len(), 14);
    for key in ["started", "finished", "host"] {
        assert!(!value[key].is_null());
        value[key] = json!(format!("[{}]", key.to_uppercase()));
    }
    value["trials"]
        .as_array_mut()
        .expect("a list")
        .retain(|t| t["outcome"] == "failed" || t["outcome"] == "skipped");
    value["trials"].as_array_mut().expect("a list").truncate(2);
    value.sort_all_objects();
    insta::assert_snapshot!(
        "summary",
        serde_json::to_string_pretty(&value).expect("JSON")
    );
}

#[test]
fn a_killed_run_keeps_what_it_had_and_nothing_of_the_run_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let events = run(outcomes());
    let read = |path: &str| fs_err::read_to_string(dir.path().join(path)).expect("written");
    let (mut junit, mut summary) = (Junit::new(dir.path()), Summary::new(dir.path(), "d"));
    feed(&mut junit, &events);
    feed(&mut summary, &events);
    let (mut junit, mut summary) = (Junit::new(dir.path()), Summary::new(dir.path(), "d"));
    for reporter in [&mut junit as &mut dyn Reporter, &mut summary] {
        feed(reporter, &events[..1]);
    }
    assert!(!read("junit/adamant.xml").contains("<testcase"));
    assert!(read("summary.json").contains("\"trials\": []"));
    // Longer than a report may be old.
    let pause = adamant_core::run::Deadline::after(
        Duration::from_secs(9),
        &adamant_core::run::Cancel::default(),
    );
    assert!(pause.pause(Duration::from_millis(600)));
    for reporter in [&mut junit as &mut dyn Reporter, &mut summary] {
        feed(reporter, &events[1..3]);
    }
    assert!(read("junit/adamant.xml").contains("no-network-boot"));
    let json: serde_json::Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    assert_eq!(
        (&json["exit_code"], &json["finished"], &json["planned"]),
        (&json!(null), &json!(null), &json!(15))
    );
    assert_eq!(json["totals"]["passed"], 1);
}

fn listing(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs_err::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .expect("below")
                        .display()
                        .to_string(),
                );
            }
        }
    }
    found.sort();
    found
}

#[test]
fn evidence_is_kept_for_what_did_not_pass_and_redacted() {
    let dir = tempfile::tempdir().expect("a directory");
    feed(&mut Evidence::new(dir.path()), &run(outcomes()));
    let files = listing(dir.path());
    let failed = "runs/docker/agentbox/RC-002-05/missing-artifact-is-fatal/codex";
    let mut all = files.join("\n");
    for name in [
        "answers.json",
        "changes.txt",
        "events.jsonl",
        "inspect.json",
        "log.txt",
        "replay.txt",
        "verdict.txt",
    ] {
        let text = fs_err::read_to_string(dir.path().join(failed).join(name)).expect("written");
        assert!(!text.contains(TOKEN), "{name}");
        all.push_str(&format!("\n\n=== {name}\n{text}").replace('\x1b', "ESC"));
    }
    insta::assert_snapshot!("evidence", all);
}

#[test]
fn a_short_secret_of_the_host_is_in_no_report() {
    let mut report = failed();
    report.secrets = Secrets {
        values: vec!["q7".into(), "1".into()],
        named: [("PIN", "q7"), ("LEVEL", "1")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
    };
    let seen = "a line says `it is q7`, and process 1 ended with code 1";
    report.outcome = Outcome::Failed {
        findings: vec![finding("no line has `q7`", seen, &["log: pin q7"])],
    };
    for boot in &mut report.boots {
        boot.log.head = "pin q7\nLEVEL=1\n{\"event\":\"A\",\"PIN\":\"q7\"}\n".into();
        boot.log.tail.clear();
        let fields = json!({ "event": "A", "PIN": "q7", "LEVEL": 1, "said": "pin q7" });
        boot.log.events[0].fields = fields.as_object().expect("an object").clone();
        boot.inspect = Some(json!({ "Config": { "Env": ["PIN=q7", "LEVEL=1"] }, "Code": 1 }));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let events = run(vec![report]);
    feed(&mut Evidence::new(dir.path()), &events);
    feed(&mut Summary::new(dir.path(), "sha256:cafe"), &events);
    feed(&mut Junit::new(dir.path()), &events);
    let view = View {
        colour: false,
        verbosity: Verbosity::Verbose,
        live: false,
    };
    let (data, talk) = shown(view, &events);
    let mut all = data.clone() + &talk;
    for name in listing(dir.path()) {
        all += &fs_err::read_to_string(dir.path().join(name)).expect("written");
    }
    for hidden in ["q7", "LEVEL=1", "\"LEVEL\":1"] {
        let found: Vec<&str> = all.lines().filter(|l| l.contains(hidden)).collect();
        assert!(found.is_empty(), "{hidden}: {found:?}");
    }
    // Our own words and numbers are still there.
    assert!(data.contains("process 1 ended with code 1"), "{data}");
}

#[test]
fn old_evidence_goes_when_the_trial_passes() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut evidence = Evidence::new(dir.path());
    let mut failed = failed();
    feed(
        &mut evidence,
        &[Event::TrialFinished(Box::new(failed.clone()))],
    );
    let folder = dir.path().join("runs").join(&failed.path);
    fs_err::write(folder.join("stale.txt"), "x").expect("written");
    feed(
        &mut evidence,
        &[Event::TrialFinished(Box::new(failed.clone()))],
    );
    assert!(folder.join("verdict.txt").exists() && !folder.join("stale.txt").exists());
    failed.outcome = Outcome::Passed;
    feed(&mut evidence, &[Event::TrialFinished(Box::new(failed))]);
    assert_eq!(
        fs_err::read_dir(dir.path().join("runs"))
            .expect("a directory")
            .count(),
        0
    );
}

#[test]
fn evidence_never_leaves_its_folder() {
    let dir = tempfile::tempdir().expect("a directory");
    let elsewhere = dir.path().join("elsewhere");
    fs_err::create_dir_all(elsewhere.join("kept")).expect("made");
    let reports = dir.path().join("reports");
    fs_err::create_dir_all(reports.join("runs")).expect("made");
    std::os::unix::fs::symlink(&elsewhere, reports.join("runs/link")).expect("linked");
    let mut evidence = Evidence::new(&reports);
    for path in ["../../elsewhere/kept", "/etc", "", "a/../../b", "link/kept"] {
        let mut report = failed();
        report.path = path.into();
        report.name = format!("name of `{path}`");
        evidence.event(&Event::TrialFinished(Box::new(report)));
    }
    assert_eq!(
        evidence.errors().len(),
        4,
        "three are kept, the others counted"
    );
    assert!(evidence.errors()[0].starts_with("failed to keep the evidence of `name of "));
    assert!(elsewhere.join("kept").is_dir());
    assert_eq!(listing(&elsewhere), Vec::<String>::new());
}

#[test]
fn reports_that_cannot_be_written_are_an_error_and_no_panic() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a-file");
    fs_err::write(&file, "x").expect("written");
    let events = run(outcomes());
    for reporter in [
        &mut Junit::new(&file) as &mut dyn Reporter,
        &mut Summary::new(&file, "d"),
        &mut Evidence::new(&file),
    ] {
        events.iter().for_each(|event| reporter.event(event));
        let errors = reporter.errors();
        assert!(errors[0].contains("\n  caused by: failed to"), "{errors:?}");
    }
}

/// A run's findings as SARIF, valid against the official schema, and as workflow commands.
fn scanned(events: &[Event]) -> (serde_json::Value, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, out) = (dir.path().join("a/findings.sarif"), Shared::default());
    let scan = Scan::new("0.1.0", "/checkout".into()).to_file(path.clone());
    let mut scan = scan.annotating(Box::new(out.clone()));
    feed(&mut scan, events);
    let log = fs_err::read(path).expect("the log is written");
    let log = serde_json::from_slice(&log).expect("it is JSON");
    let schema = serde_json::from_str(include_str!("data/sarif/sarif-schema-2.1.0.json"));
    let validator = jsonschema::validator_for(&schema.expect("JSON")).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&log).map(|e| e.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    (log, out.text())
}

#[test]
fn code_scanning_and_pull_requests_see_every_finding_where_it_stands() {
    let mut smelly = finding("no step installs", "/entrypoint.sh:3: `npm ci`", &[]);
    smelly.finding.at = Some(Box::new(InFile {
        file: "/entrypoint.sh".into(),
        line: 3,
        end_line: 4,
        column: Some(5),
    }));
    let mut reports = outcomes();
    let name = "docker::agentbox::RC-002-03::entrypoint";
    let found = || Outcome::Failed {
        findings: vec![smelly.clone()],
    };
    reports.push(trial(name, found()));
    // The other engine sees the same.
    reports.push(trial(&name.replace("docker", "oci"), found()));
    let mut elsewhere = trial("docker::agentbox::OWN-001::own", found());
    let Outcome::Failed { findings } = &mut elsewhere.outcome else {
        panic!("it failed");
    };
    findings[0].finding.at = None;
    findings[0].place.file = "/checkout/my cases/own.yaml".into();
    reports.push(elsewhere.clone());
    "docker::agentbox::OWN-002::far".clone_into(&mut elsewhere.name);
    let Outcome::Failed { findings } = &mut elsewhere.outcome else {
        panic!("it failed");
    };
    findings[0].place.file = "/elsewhere/far.yaml".into();
    reports.push(elsewhere);
    let (log, annotations) = scanned(&run(reports));

    let results = log["runs"][0]["results"].as_array().expect("results");
    let told: Vec<String> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let (artifact, region) = (&place["artifactLocation"], &place["region"]);
            let of = artifact["uriBaseId"].as_str().unwrap_or("-");
            let kept = result["suppressions"].as_array().map_or("", |_| " waived");
            format!(
                "{of} {}:{}{kept}",
                artifact["uri"].as_str().expect("a uri"),
                region["startLine"]
            )
        })
        .collect();
    let case = "%SRCROOT% cases/rc-002/05-missing-artifact-is-fatal.yaml:14";
    let (declared, own) = (format!("{case} waived"), "%SRCROOT% my%20cases/own.yaml:14");
    assert_eq!(
        told,
        [
            &declared, // by `expect-fail`
            &declared, // by a waiver
            "%SRCROOT% fixtures/images/agentbox/adamant.yaml:1",
            case,
            case,
            "ROOTFS entrypoint.sh:3",
            own,
            "- file:///elsewhere/far.yaml:14"
        ]
    );
    assert_eq!(
        results[5]["locations"][0]["physicalLocation"]["region"]["endLine"],
        4
    );
    for result in results {
        assert!(result["ruleIndex"].is_u64(), "no page explains {result}");
    }
    assert!(
        results[1]["suppressions"][0]["justification"]
            .as_str()
            .is_some_and(|why| why.contains("team-runtime"))
    );
    assert!(
        results[4]["message"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("Not waived: its waiver has ended"))
    );
    // Broken, its clean-up, and the signal: none of them may look like a clean scan.
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );

    let lines: Vec<&str> = annotations.lines().collect();
    assert_eq!(lines.len(), results.len() + 3, "{annotations}");
    let commands = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (commands("::error"), commands("::notice")),
        (9, 2),
        "{annotations}"
    );
    assert!(
        annotations.contains("::error file=/entrypoint.sh,line=3,endLine=4,col=5,"),
        "{annotations}"
    );
    assert!(!annotations.contains(TOKEN) && !log.to_string().contains(TOKEN));
}

#[test]
fn a_log_of_a_run_that_was_killed_does_not_look_clean() {
    let events = run(vec![trial("docker::a::RC-002-01::boots", Outcome::Passed)]);
    let (log, _) = scanned(&events[..2]);
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    let clean = &[
        events[0].clone(),
        Event::Finished(RunReport {
            run: "r-1".into(),
            totals: Totals::default(),
            cleanup: Vec::new(),
            interrupted: None,
            millis: 1,
        }),
    ];
    let (log, annotations) = scanned(clean);
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        true
    );
    assert_eq!(annotations, "");
}
