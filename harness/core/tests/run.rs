//! The runner on the scripted engine: sharing, the gate, faults, and that trouble of ours never passes.

use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adamant_core::case::{Clock, Subject, parse_text};
use adamant_core::discover::{SubjectFile, parse_cases, plan};
use adamant_core::engine::fake::{Calls, Fake, Script};
use adamant_core::engine::{Answer, BootPlan, Exit, Image, ImageSource, Question, Reached, Trace};
use adamant_core::report::{Event, Reporter, TrialReport};
use adamant_core::run::{Options, Outcome, Session, Skip, Verdict};
use adamant_probe::{Action, Actor, CONTROL_ADDRESS, TraceEvent};

struct Silent;

impl Reporter for Silent {
    fn event(&mut self, _event: &Event) {}
}

const SUBJECT: &str = "
name: box
image: none
immutable: [/app]
ready: { http: { port: 80, path: / }, within: 1s }
events: { name: event }
artifacts: [{ id: a, path: /app/a }, { id: b, path: /app/b, required: false }, { id: gone, path: /app/gone }]
expect-fail: [{ case: x/known, reason: known }]
";

fn case(spec: &str, boot: &str, checks: &str) -> String {
    format!(
        "spec: {spec}\nclauses: [C]\nlevel: MUST\nabout: a\nfix: f\nboot: {boot}\nchecks: {checks}\n"
    )
}

fn image() -> Image {
    let mut image = Image {
        id: "sha256:1".into(),
        ..Image::default()
    };
    for path in ["/app", "/app/a", "/app/b"] {
        let kind = if path == "/app" {
            adamant_probe::Kind::Dir
        } else {
            adamant_probe::Kind::File
        };
        let entry = adamant_probe::Entry::new(path, kind, 0o755);
        image.entries.insert(path.into(), entry);
    }
    image
}

fn run(
    subject: &str,
    cases: &[(&str, String)],
    director: impl Fn(&BootPlan) -> Script + Send + Sync + 'static,
) -> (Vec<TrialReport>, Arc<Calls>) {
    run_on(Fake::new(image(), director), subject, cases)
}

fn run_on(fake: Fake, subject: &str, cases: &[(&str, String)]) -> (Vec<TrialReport>, Arc<Calls>) {
    let subject: Subject =
        parse_text(subject, &PathBuf::from("adamant.yaml")).expect("a valid subject");
    let file = SubjectFile {
        path: "adamant.yaml".into(),
        subject,
        image: ImageSource::Daemon("none".into()),
        image_override: None,
        manifest: None,
        env: Default::default(),
        secrets: Default::default(),
    };
    let texts: Vec<(&str, &str)> = cases
        .iter()
        .map(|(id, text)| (*id, text.as_str()))
        .collect();
    let cases = parse_cases(&texts).expect("valid cases");
    let trials = plan(&["fake"], &[Arc::new(file)], &cases);
    let calls = fake.calls();
    let options = Options {
        id: "t".into(),
        timeout_scale: 1.0,
        ..Options::default()
    };
    let session = Session::start(options, vec![Arc::new(fake)], trials, Box::new(Silent))
        .expect("the fake starts");
    let reports = (0..session.trials().len())
        .map(|i| session.run(i))
        .collect();
    session.finish();
    (reports, calls)
}

fn verdicts(reports: &[TrialReport]) -> Vec<(String, Verdict)> {
    reports
        .iter()
        .map(|r| (r.name.clone(), r.outcome.verdict()))
        .collect()
}

/// Nothing has changed, and nobody wrote but the launcher.
fn drift() -> Vec<(Question, Answer)> {
    let mut answers = trace("/tmp/x");
    answers.push((Question::Drift, Answer::Drift(Vec::new())));
    answers
}

#[test]
fn a_manifest_is_changed_where_it_lies_and_one_that_is_invalid_must_end_the_boot() {
    let subject = "
name: box
image: none
ready: { http: { port: 80, path: / }, within: 1s }
manifest: image:/app/a
artifacts: [{ id: x, path: /app/b, when: x }, { id: y, path: /app/gone, when: y }, { id: z, path: /app/b, when: z }]
";
    let ready = "[{ ready: { within: 1s } }]";
    let refused = "[{ exit: { within: 1s, code: non-zero } }, { fatal: names-the-manifest }]";
    let cases = [
        ("x/on", case("X-1", "{ manifest: all-on }", ready)),
        ("x/off", case("X-2", "{ manifest: each-off }", ready)),
        (
            "x/bad",
            case("X-3", "{ manifest: invalid, until: exit }", refused),
        ),
    ];
    let mut image = image();
    image.texts.insert(
        "/app/a".into(),
        b"# kept\nx = true\ny = false\nz = true\n".to_vec(),
    );
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = seen.clone();
    let fake = Fake::new(image, move |plan: &BootPlan| {
        let text = plan.absent.first().and_then(|fault| fault.text.clone());
        let text = text.unwrap_or_default();
        told.lock().expect("not poisoned").push(text.clone());
        // Needs `z`, and takes everything for a manifest.
        if text.contains("z = false") {
            Script {
                reached: Some(Reached::TimedOut {
                    observed: Vec::new(),
                }),
                ..Script::default()
            }
        } else {
            Script::default()
        }
    });
    let (reports, _) = run_on(fake, subject, &cases);
    let verdict = |name: &str| {
        let report = reports.iter().find(|r| r.name.ends_with(name));
        report.map(|r| r.outcome.verdict())
    };
    assert_eq!(verdict("::on"), Some(Verdict::Passed));
    assert_eq!(verdict("::off::x"), Some(Verdict::Passed));
    assert_eq!(verdict("::off::z"), Some(Verdict::Failed));
    // It is off as shipped: nothing would be another boot.
    assert_eq!(verdict("::off::y"), Some(Verdict::Skipped));
    assert_eq!(verdict("::bad::wrong-type"), Some(Verdict::Failed));
    assert_eq!(verdict("::bad::not-parsable"), Some(Verdict::Failed));
    let seen = seen.lock().expect("not poisoned");
    for text in [
        "# kept\nx = true\ny = true\nz = true\n",
        "# kept\nx = false\ny = false\nz = true\n",
        "# kept\nx = \"sometimes\"\ny = false\nz = true\n",
    ] {
        assert!(seen.iter().any(|s| s == text), "{text}: {seen:?}");
    }
}

#[test]
fn trials_under_equal_conditions_share_one_boot_and_it_is_removed_once() {
    let ready = "[{ ready: { within: 1s } }]";
    let cases = [
        ("x/one.yaml", case("S-1", "{ network: none }", ready)),
        (
            "x/two.yaml",
            case(
                "S-2",
                "{ network: none, rootfs: writable }",
                "[{ drift: { unchanged: subject.immutable } }]",
            ),
        ),
        ("x/three.yaml", case("S-3", "{ rootfs: read-only }", ready)),
    ];
    let (reports, calls) = run(SUBJECT, &cases, |_| Script {
        answers: drift(),
        ..Script::default()
    });
    assert!(
        reports.iter().all(|r| r.outcome == Outcome::Passed),
        "{:?}",
        verdicts(&reports)
    );
    // One and two share (a subject that says nothing is deployed with a writable root); three is another condition.
    assert_eq!(
        (calls.started.load(SeqCst), calls.removed.load(SeqCst)),
        (2, 2)
    );
}

#[test]
fn trouble_of_ours_is_broken_and_never_passes() {
    let cases = || {
        [(
            "x/one.yaml",
            case("S-1", "{}", "[{ drift: { unchanged: subject.immutable } }]"),
        )]
    };
    let scripts: [(&str, Script); 4] = [
        (
            "no start",
            Script {
                start_fails: true,
                ..Script::default()
            },
        ),
        (
            "no removal",
            Script {
                remove_fails: true,
                answers: drift(),
                ..Script::default()
            },
        ),
        ("no answer", Script::default()),
        (
            "a panic",
            Script {
                panics: true,
                ..Script::default()
            },
        ),
    ];
    for (name, script) in scripts {
        let (reports, _) = run(SUBJECT, &cases(), move |_| script.clone());
        assert_eq!(
            reports[0].outcome.verdict(),
            Verdict::Broken,
            "{name}: {:?}",
            reports[0].outcome
        );
    }
}

#[test]
fn a_subject_that_is_never_ready_fails_once_and_the_rest_says_not_reached() {
    let cases = [
        ("x/1.yaml", case("S-1", "{}", "[{ ready: { within: 1s } }]")),
        (
            "x/2.yaml",
            case("S-2", "{}", "[{ drift: { unchanged: subject.immutable } }]"),
        ),
    ];
    let (reports, _) = run(SUBJECT, &cases, |_| Script {
        reached: Some(Reached::TimedOut {
            observed: Vec::new(),
        }),
        answers: drift(),
        ..Script::default()
    });
    assert_eq!(reports[0].outcome.verdict(), Verdict::Failed);
    let Outcome::Skipped {
        kind: Skip::NotReached,
        reason,
    } = &reports[1].outcome
    else {
        panic!("{:?}", reports[1].outcome)
    };
    assert!(reason.contains("S-1"), "{reason}");
    // Alone in the run, it has to say itself why it could not look.
    let (reports, _) = run(SUBJECT, &cases[1..], |_| Script {
        reached: Some(Reached::TimedOut {
            observed: Vec::new(),
        }),
        answers: drift(),
        ..Script::default()
    });
    assert_eq!(reports[0].outcome.verdict(), Verdict::Failed);
}

#[test]
fn a_fault_is_one_trial_for_each_artifact_and_each_must_be_fatal() {
    let boot = "{ fault: required-artifact-absent, until: exit, boots: 2 }";
    let checks = "[{ exit: { within: 1s, code: non-zero } }, { fatal: names-the-artifact }, { same: [exit, fatal] }]";
    let cases = [("x/5.yaml", case("S-5", boot, checks))];
    let exited = |code| Reached::Exited {
        exit: Exit {
            code,
            oom_killed: false,
            after_ms: 5,
            refused: None,
        },
        observed: Vec::new(),
    };
    // With nothing absent it gets ready: only then does its end with something absent prove anything.
    let broken = move |plan: &BootPlan, script: Script| {
        if plan.absent.is_empty() {
            Script::default()
        } else {
            script
        }
    };
    let good = move |plan: &BootPlan| {
        let fatal = plan
            .absent
            .iter()
            .map(|f| format!("FATAL: missing {}", f.path));
        let script = Script {
            stdout: fatal.collect(),
            reached: Some(exited(1)),
            ..Script::default()
        };
        broken(plan, script)
    };
    let (reports, calls) = run(SUBJECT, &cases, good);
    let names: Vec<&str> = reports
        .iter()
        .filter_map(|r| r.variant.as_deref())
        .collect();
    assert_eq!(names, ["a", "gone"]);
    assert_eq!(reports[0].outcome, Outcome::Passed);
    // What is absent from the start can prove nothing.
    assert_eq!(reports[1].outcome.verdict(), Verdict::Failed);
    // One boot proves that it gets ready at all, two that its end is the same each time.
    assert_eq!(calls.started.load(SeqCst), 3);
    for (stdout, reached) in [
        ("FATAL: missing /app/a", exited(0)),
        ("FATAL: missing something", exited(1)),
        ("", exited(1)),
    ] {
        let bad = move |plan: &BootPlan| {
            let script = Script {
                stdout: vec![stdout.into()],
                reached: Some(reached.clone()),
                ..Script::default()
            };
            broken(plan, script)
        };
        let (reports, _) = run(SUBJECT, &cases, bad);
        assert_eq!(reports[0].outcome.verdict(), Verdict::Failed, "{stdout:?}");
    }
    // A subject that always ends, naming whatever could be missing, proves nothing.
    let never = move |_: &BootPlan| Script {
        stdout: vec!["FATAL: missing /app/a".into()],
        reached: Some(exited(1)),
        ..Script::default()
    };
    let (reports, _) = run(SUBJECT, &cases, never);
    let not_reached = matches!(
        &reports[0].outcome,
        Outcome::Skipped {
            kind: Skip::NotReached,
            ..
        }
    );
    assert!(not_reached, "{:?}", reports[0].outcome);
}

#[test]
fn a_declared_failure_is_strict_and_an_unclaimed_case_is_skipped() {
    let cases = [
        (
            "x/known.yaml",
            case("S-1", "{}", "[{ ready: { within: 1s } }]"),
        ),
        (
            "x/stop.yaml",
            case(
                "S-2",
                "{}",
                "[{ stop: { signal: subject.stop.signal, within: subject.stop.within, code: subject.stop.code } }]",
            ),
        ),
    ];
    let (reports, _) = run(SUBJECT, &cases, |_| Script {
        reached: Some(Reached::TimedOut {
            observed: Vec::new(),
        }),
        ..Script::default()
    });
    assert_eq!(reports[0].outcome.verdict(), Verdict::ExpectedFailure);
    assert!(
        matches!(&reports[1].outcome, Outcome::Skipped { kind: Skip::NotClaimed, reason } if reason.contains("stop"))
    );
    let (reports, _) = run(SUBJECT, &cases, |_| Script::default());
    assert!(matches!(
        &reports[0].outcome,
        Outcome::UnexpectedPass { .. }
    ));
}

#[test]
fn a_user_that_the_image_does_not_know_is_bad_input_with_its_place() {
    let fits = |user: &str, image: &Image| {
        let text = format!("name: box\nimage: none\nrun:\n  user: {user}\n");
        let subject: Subject =
            parse_text(&text, &PathBuf::from("adamant.yaml")).expect("a valid subject");
        let file = SubjectFile {
            path: "adamant.yaml".into(),
            subject,
            image: ImageSource::Daemon("none".into()),
            image_override: None,
            manifest: None,
            env: Default::default(),
            secrets: Default::default(),
        };
        file.fits(image).map_err(|e| e.to_string())
    };
    let mut known = image();
    let error = fits("0", &known).expect_err("nothing to run");
    assert!(error.contains("neither ENTRYPOINT nor CMD"), "{error}");
    known.config.cmd = vec!["/app/a".into()];
    let etc = adamant_probe::Entry {
        path: "/etc".into(),
        ..known.entries["/app"].clone()
    };
    known.entries.insert("/etc".into(), etc);
    for (path, text) in [
        ("/etc/passwd", "app:x:1000:1001::/:\n"),
        ("/etc/group", "staff:x:50:\n"),
    ] {
        let entry = adamant_probe::Entry {
            path: path.into(),
            ..known.entries["/app/a"].clone()
        };
        known.entries.insert(path.into(), entry);
        known.texts.insert(path.into(), text.into());
    }
    for user in ["app", "app:staff", "7", "7:8", "app:99"] {
        assert_eq!(fits(user, &known), Ok(()), "{user}");
    }
    for user in ["nobody", "app:wheel", "nobody:staff"] {
        let error = fits(user, &known).expect_err(user);
        let expected = format!("adamant.yaml:4:9: user `{user}` is not known");
        assert!(error.starts_with(&expected), "{error}");
    }
    // An image without the files knows numbers only.
    let mut bare = image();
    bare.config.cmd.clone_from(&known.config.cmd);
    assert!(fits("app", &bare).is_err());
    assert_eq!(fits("1000", &bare), Ok(()));
    // A file that was not read may know anyone.
    known.texts.clear();
    assert_eq!(fits("nobody", &known), Ok(()));
}

#[test]
fn a_trial_on_an_engine_that_is_missing_is_broken_and_boots_nothing() {
    let subject: Subject =
        parse_text(SUBJECT, &PathBuf::from("adamant.yaml")).expect("a valid subject");
    let file = Arc::new(SubjectFile {
        path: "adamant.yaml".into(),
        subject,
        image: ImageSource::Daemon("none".into()),
        image_override: None,
        manifest: None,
        env: Default::default(),
        secrets: Default::default(),
    });
    let text = case("S-1", "{}", "[{ ready: { within: 1s } }]");
    let cases = parse_cases(&[("x/known.yaml", text.as_str())]).expect("valid cases");
    let trials = plan(&["fake", "gone"], &[file], &cases);
    let fake = Fake::new(image(), |_| Script::default());
    let calls = fake.calls();
    let options = Options {
        id: "t".into(),
        timeout_scale: 1.0,
        missing: [("gone", (vec!["engine `gone` cannot run here".into()], None))].into(),
        ..Options::default()
    };
    let session = Session::start(options, vec![Arc::new(fake)], trials, Box::new(Silent))
        .expect("the fake starts");
    let reports: Vec<TrialReport> = (0..2).map(|i| session.run(i)).collect();
    // A declared failure does not excuse an engine that is not there.
    let told: Vec<_> = verdicts(&reports);
    assert!(
        told.iter()
            .any(|(n, v)| n.starts_with("gone::") && *v == Verdict::Broken),
        "{told:?}"
    );
    let (report, _) = session.finish();
    assert_eq!(report.totals.exit_code(), 3);
    assert_eq!(calls.started.load(SeqCst), calls.removed.load(SeqCst));
    assert_eq!(calls.started.load(SeqCst), 1);
}

/// What a launcher and its supervisor leave, and then one write.
fn trace(path: &str) -> Vec<(Question, Answer)> {
    let (address, port) = CONTROL_ADDRESS.split_once(':').expect("a port");
    let connect = Action::Connect {
        address: address.into(),
        port: port.parse().expect("a number"),
    };
    let write = |path: &str| Action::Write {
        call: "openat".into(),
        path: path.into(),
        from: None,
    };
    let events = [connect, write("/app/.adamant-control"), write(path)].map(|action| TraceEvent {
        at_ns: 1,
        actor: Actor {
            pid: 1,
            ppid: 0,
            parent: Vec::new(),
            exe: "/bin/x".into(),
            argv: vec!["x".into()],
            uid: 0,
        },
        action,
    });
    let trace = Trace {
        control: "/app/.adamant-control".into(),
        events: events.into(),
        cut: None,
    };
    vec![(Question::Trace, Answer::Trace(trace))]
}

#[test]
fn a_boot_is_traced_when_one_of_those_that_share_it_asks_and_is_observed_first() {
    let cases = [
        (
            "x/one.yaml",
            case(
                "S-1",
                "{ network: none, observe: 200ms }",
                "[{ ready: { within: 1s } }]",
            ),
        ),
        (
            "x/two.yaml",
            case(
                "S-2",
                "{ network: none, observe: 200ms }",
                "[{ writes: { never-under: subject.immutable } }]",
            ),
        ),
        (
            "x/three.yaml",
            case("S-3", "{ network: none }", "[{ ready: { within: 1s } }]"),
        ),
    ];
    let plans = Arc::new(Mutex::new(Vec::new()));
    let seen = plans.clone();
    let began = Instant::now();
    let (reports, _) = run(SUBJECT, &cases, move |plan| {
        seen.lock().expect("whole").push(plan.trace.clone());
        Script {
            answers: trace("/app/x"),
            ..Script::default()
        }
    });
    assert!(began.elapsed() >= Duration::from_millis(200));
    // In order of their ids: one, three, two.
    let verdicts: Vec<Verdict> = reports.iter().map(|r| r.outcome.verdict()).collect();
    assert_eq!(
        verdicts,
        [Verdict::Passed, Verdict::Passed, Verdict::Failed]
    );
    let plans = plans.lock().expect("whole").clone();
    assert_eq!(plans, [Some("/app/.adamant-control".into()), None]);
}

#[test]
fn a_boot_in_1970_is_watched_and_one_whose_launcher_gave_up_proves_nothing() {
    let cases = [(
        "x/one.yaml",
        case(
            "S-1",
            "{ network: none, clock: epoch }",
            "[{ ready: { within: 1s } }]",
        ),
    )];
    let blind = Trace {
        control: "/app/.adamant-control".into(),
        events: Vec::new(),
        cut: None,
    };
    for (answers, expected) in [
        (trace("/tmp/x"), Verdict::Passed),
        (
            vec![(Question::Trace, Answer::Trace(blind))],
            Verdict::Broken,
        ),
    ] {
        let (reports, _) = run(SUBJECT, &cases, move |plan| {
            assert!(plan.clock == Clock::Epoch && plan.trace.is_some());
            Script {
                answers: answers.clone(),
                ..Script::default()
            }
        });
        assert_eq!(reports[0].outcome.verdict(), expected);
    }
}

#[test]
fn where_nobody_can_be_watched_the_case_is_skipped_with_the_reason() {
    let cases = [(
        "x/one.yaml",
        case("S-1", "{ network: none }", "[{ egress: none }]"),
    )];
    let fake = Fake::new(image(), |_| Script::default()).blind("not root");
    let (reports, calls) = run_on(fake, SUBJECT, &cases);
    let Outcome::Skipped { kind, reason } = &reports[0].outcome else {
        panic!("{:?}", reports[0].outcome)
    };
    assert_eq!(*kind, Skip::Unsupported);
    assert_eq!(reason, "not seen: fake cannot trace here: not root");
    assert_eq!(calls.started.load(SeqCst), 0);
}
