//! `adamant test262` from outside, on a small checkout of our own: what is found, what is told, how it ends.

#![cfg(feature = "isolate")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A checkout with one test for each way to run, to hold and to fail.
fn checkout() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/isolate/tests/data/test262");
    std::fs::canonicalize(root).expect("the checkout is there")
}

fn adamant(args: &[&str]) -> Output {
    adamant_at(Path::new(env!("CARGO_BIN_EXE_adamant")), args)
}

fn adamant_at(program: &Path, args: &[&str]) -> Output {
    // Beside it stands `adamant-isolate`, which this makes cargo build.
    assert!(Path::new(env!("CARGO_BIN_EXE_adamant-isolate")).is_file());
    let mut command = Command::new(program);
    command.arg("test262").args(args).args(["--threads", "2"]);
    command.output().expect("adamant starts")
}

/// Standard output without what is another each time; standard error must be empty.
#[track_caller]
fn told(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    assert!(errors.is_empty(), "{errors}");
    let time = regex::Regex::new(r"in \d+\.\d\d s").expect("a pattern");
    let version = regex::Regex::new(r"on V8 \S+").expect("a pattern");
    let text = time.replace_all(&text, "in 0.00 s");
    version.replace_all(&text, "on V8 1.2.3").into_owned()
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(part), "`{part}` is missing\n{errors}");
    assert!(output.stdout.is_empty());
}

#[test]
fn every_flag_and_phase_holds_where_it_should_and_a_crash_costs_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let nothing = dir.path().join("nothing.json");
    let empty = r#"{"v8":"1","test262":null,"confirmed":"","missing":{},"failures":{},
        "counts":{"tests":0,"runs":0,"passed":0,"engine":0,"node":0,"loader":0}}"#;
    std::fs::write(&nothing, empty).expect("written");
    let checkout = checkout();
    let checkout = checkout.to_str().expect("UTF-8");
    let nothing = nothing.to_str().expect("UTF-8");
    let text = told(&adamant(&[checkout, "--baseline", nothing]), 1);
    insta::assert_snapshot!("found", text);
}

#[test]
fn what_is_blessed_holds_and_what_heals_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let baseline = dir.path().join("baseline.json");
    let file = baseline.to_str().expect("UTF-8");
    let json = dir.path().join("results.json");
    let checkout = checkout();
    let checkout = checkout.to_str().expect("UTF-8");
    let blessed = told(&adamant(&[checkout, "--baseline", file, "--bless"]), 0);
    assert!(blessed.contains("wrote `"), "{blessed}");
    let again = [
        checkout,
        "--baseline",
        file,
        "--json",
        json.to_str().expect("UTF-8"),
    ];
    insta::assert_snapshot!("blessed", told(&adamant(&again), 0));
    let read = |file: &Path| -> serde_json::Value {
        let text = std::fs::read_to_string(file).expect("written");
        serde_json::from_str(&text).expect("JSON")
    };
    let results = read(&json);
    let tests = results["tests"].as_array().expect("a list");
    let crash = tests.iter().find(|test| {
        test["test"]
            .as_str()
            .is_some_and(|t| t.ends_with("crash.js"))
    });
    assert_eq!(crash.expect("it ran")["verdict"], "crashed");
    // A failure that is expected of a test that holds.
    let mut expected = read(&baseline);
    expected["failures"]["test/language/import/json.js"] =
        serde_json::json!({ "class": "engine", "reason": "needs `json-modules`" });
    std::fs::write(&baseline, expected.to_string()).expect("written");
    let healed = told(
        &adamant(&[checkout, "--baseline", file, "--filter", "/import/"]),
        1,
    );
    insta::assert_snapshot!("healed", healed);
}

#[test]
fn bad_input_ends_with_2_and_says_what_is_missing() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path();
    let at = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    refused(&adamant(&[&at(&root.join("nowhere"))]), 2, "nowhere");
    refused(&adamant(&[&at(root)]), 2, "harness/assert.js");
    std::fs::create_dir_all(root.join("harness")).expect("made");
    for name in ["assert.js", "sta.js"] {
        std::fs::write(root.join("harness").join(name), "0;").expect("written");
    }
    refused(&adamant(&[&at(root)]), 2, "test/language/module-code");
    let folder = root.join("test/language/import");
    std::fs::create_dir_all(&folder).expect("made");
    refused(&adamant(&[&at(root)]), 2, "no module tests");
    std::fs::write(folder.join("a.js"), "/*---\nflags: [sometimes]\n---*/").expect("written");
    refused(&adamant(&[&at(root), "--filter", "none"]), 2, "`none`");
    refused(
        &adamant(&[&at(root), "--baseline", &at(&root.join("b.json"))]),
        2,
        "b.json",
    );
    let text = told(&adamant(&[&at(root)]), 2);
    assert!(
        text.contains("BAD  test/language/import/a.js") && text.contains("sometimes"),
        "{text}"
    );
}

#[test]
fn without_the_executable_with_v8_it_says_where_that_must_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let alone = dir.path().join("adamant");
    std::fs::copy(env!("CARGO_BIN_EXE_adamant"), &alone).expect("copied");
    let checkout = checkout();
    let output = adamant_at(&alone, &[checkout.to_str().expect("UTF-8")]);
    refused(&output, 3, "`adamant-isolate` must stand beside `adamant`");
}

#[test]
fn only_the_executable_for_it_needs_v8() {
    let needs = |program: &str| -> bool {
        let bytes = std::fs::read(program).expect("it was built");
        let name = b"InitializePlatform";
        bytes.windows(name.len()).any(|window| window == name)
    };
    assert!(needs(env!("CARGO_BIN_EXE_adamant-isolate")));
    assert!(!needs(env!("CARGO_BIN_EXE_adamant")));
}
