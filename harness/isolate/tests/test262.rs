//! The supervisor of test262 against workers that are none: it must end, and say what happened.

use adamant_isolate::test262::{SuperviseError, Verdict, supervise};
use adamant_isolate::worker::Launch;

fn launch(script: &str) -> Launch {
    let mut launch = Launch::new("/bin/sh");
    launch.args = vec!["-c".into(), script.into()];
    launch
}

/// Shell that answers every question alike: four bytes of length, then JSON.
fn answer(json: &str) -> String {
    let length = u8::try_from(json.len()).expect("a short answer");
    format!("printf '\\{length:03o}\\000\\000\\000%s' '{json}'")
}

/// Shell that takes a question whose body is `length` bytes long.
fn take(length: usize) -> String {
    format!("head -c {} >/dev/null", length + 4)
}

fn tests() -> Vec<String> {
    vec!["a.js".to_owned(), "b.js".to_owned()]
}

const READY: &str = "\"Ready\"";

#[test]
fn a_worker_that_does_not_start_ends_it_all() {
    let ended = supervise(&tests(), &launch("echo oh dear >&2; exit 7"), 2, &|_| {});
    let Err(SuperviseError::Worker(error)) = ended else {
        panic!("{ended:?}")
    };
    assert!(error.to_string().contains("code 7"), "{error}");
}

#[test]
fn a_worker_that_cannot_run_tests_says_why() {
    let script = format!(
        "{}; {}; sleep 9",
        take(READY.len()),
        answer(r#"{"Broken":"no V8"}"#)
    );
    let ended = supervise(&tests(), &launch(&script), 1, &|_| {});
    assert!(
        matches!(&ended, Err(SuperviseError::Broken(reason)) if reason == "no V8"),
        "{ended:?}"
    );
}

#[test]
fn a_test_that_kills_every_worker_is_a_crash_and_costs_no_other_its_turn() {
    let script = format!(
        "{}; {}; {}; kill -ABRT $$",
        take(READY.len()),
        answer(r#"{"Ready":{"v8":"1.2"}}"#),
        take(1)
    );
    let done = std::sync::Mutex::new(0);
    let progress = |now| *done.lock().unwrap() = now;
    let results = supervise(&tests(), &launch(&script), 1, &progress).unwrap();
    assert_eq!((results.v8.as_str(), *done.lock().unwrap()), ("1.2", 2));
    for (ran, test) in results.ran.iter().zip(tests()) {
        assert_eq!(ran.test, test);
        assert!(matches!(&ran.verdict, Verdict::Crashed { reason } if reason.contains("signal 6")));
    }
}

#[test]
fn a_worker_that_ends_by_itself_is_our_fault_and_no_verdict() {
    let script = format!(
        "{}; {}; {}; echo a panic >&2; exit 101",
        take(READY.len()),
        answer(r#"{"Ready":{"v8":"1.2"}}"#),
        take(1)
    );
    let ended = supervise(&tests(), &launch(&script), 1, &|_| {});
    let Err(SuperviseError::Failed { test, reason }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(test, "a.js");
    assert!(
        reason.contains("101") && reason.contains("a panic"),
        "{reason}"
    );
}

#[test]
fn an_answer_to_another_question_is_not_believed() {
    let script = format!(
        "{}; {}; {}; {}; sleep 9",
        take(READY.len()),
        answer(r#"{"Ready":{"v8":"1.2"}}"#),
        take(r#"{"Run":["a.js","b.js"]}"#.len()),
        answer(r#"{"Ran":[]}"#)
    );
    let ended = supervise(&tests(), &launch(&script), 1, &|_| {});
    assert!(matches!(ended, Err(SuperviseError::Broken(_))), "{ended:?}");
}
