//! Strangers behind the adapter protocol, from outside: the template is held to all that it claims, and each way of not keeping
//! to the protocol has its verdict, its words and its exit code.

#![cfg(feature = "isolate")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A case that any runtime can answer.
const CASE: &str = "
spec: CJS-99
clauses: [here]
about: it prints
files: { /index.js: console.log('@NONCE@') }
checks:
  - stdout: { lines: ['@NONCE@'] }
";

const READY: &str = r#"{"ready":{"protocol":1,"name":"stranger","capabilities":["cjs"]}}"#;

fn root() -> PathBuf {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
    suite.parent().expect("suite/ is below the root").to_owned()
}

fn adamant(args: &[&str], reports: &Path) -> (Option<i32>, String) {
    // Beside it stands `adamant-isolate`, which this makes cargo build.
    assert!(Path::new(env!("CARGO_BIN_EXE_adamant-isolate")).is_file());
    let output = Command::new(env!("CARGO_BIN_EXE_adamant"))
        .args(args)
        .current_dir(root())
        .env_remove("ADAMANT_ENGINES")
        .env("ADAMANT_REPORTS", reports)
        .output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.expect("adamant starts");
    let told = [stdout, stderr]
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .concat();
    (status.code(), told)
}

/// Runs one case on an adapter that is a shell script.
#[track_caller]
fn stranger(script: &str, case: &str, code: i32, parts: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let write =
        |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    write("cases.yaml", case);
    write("adapter.sh", script);
    let cases = dir.path().to_str().expect("UTF-8");
    let command = format!("sh {cases}/adapter.sh");
    let args = [
        "run",
        "--adapter",
        &command,
        "module",
        "--cases",
        cases,
        "--only-cases",
    ];
    let (ended, told) = adamant(&args, &dir.path().join("reports"));
    assert_eq!(ended, Some(code), "{told}");
    for part in parts {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    dir
}

/// A line as it is: some shells' `echo` reads escapes.
fn says(line: &str) -> String {
    format!("printf '%s\\n' '{line}'\n")
}

fn answers(answer: &str) -> String {
    format!("{}read line\n{}read line\n", says(READY), says(answer))
}

#[test]
fn a_command_that_is_no_adapter_is_told_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = |command: &str| adamant(&["run", "--adapter", command, "module", "CJS"], dir.path());
    let (code, told) = run("no-such-command-anywhere");
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("`no-such-command-anywhere` is not on `PATH`"),
        "{told}"
    );
    let (code, told) = run("echo hello");
    assert_eq!(code, Some(3), "{told}");
    assert!(
        told.contains("its first line is not a `ready` line") && told.contains("hint:"),
        "{told}"
    );
    let (code, told) = run("sh -c 'echo trouble >&2; exit 7'");
    assert_eq!(code, Some(3), "{told}");
    assert!(
        told.contains("code 7") && told.contains("trouble"),
        "{told}"
    );
    let (code, told) = run(r#"echo '{"ready":{"protocol":2,"name":"x","capabilities":[]}}'"#);
    assert_eq!(code, Some(3), "{told}");
    assert!(
        told.contains("speaks protocol 2, and this harness speaks 1"),
        "{told}"
    );
}

#[test]
fn an_answer_that_is_none_is_broken() {
    stranger(
        &answers("nonsense"),
        CASE,
        3,
        &["BROKEN", "it is no answer", "nonsense"],
    );
    let other = r#"{"answer":{"id":7,"outcome":"returned"}}"#;
    stranger(
        &answers(other),
        CASE,
        3,
        &["it has the id 7, which was not asked"],
    );
    // It says that all is well, and nothing else: nothing was judged.
    let empty = r#"{"answer":{"id":1,"outcome":"returned"}}"#;
    stranger(
        &answers(empty),
        CASE,
        3,
        &["the answer has no standard output"],
    );
}

#[test]
fn a_runtime_that_dies_or_prints_something_else_fails() {
    let dies = format!("{}read line\necho last words >&2\nexit 9\n", says(READY));
    let dir = stranger(
        &dies,
        CASE,
        1,
        &[
            "its process exited with code 9",
            "runtime: last words",
            "bundle",
        ],
    );
    let bundle = dir
        .path()
        .join("reports/runs/adapter/module/CJS-99/cases/bundle");
    let line = std::fs::read_to_string(bundle.join("execution-1.jsonl")).expect("a replay bundle");
    assert!(line.starts_with(r#"{"execute":{"id":1,"#), "{line}");
    for file in [
        "case.yaml",
        "run.json",
        "answer-1.json",
        "package-1/index.js",
        "runtime-stderr.txt",
    ] {
        assert!(bundle.join(file).is_file(), "{file}");
    }
    // Output that was recorded in another run has another nonce.
    let recorded = r#"{"answer":{"id":1,"outcome":"returned","exit_code":0,"output":[{"stream":"stdout","text":"n0123456789abcdef\n"}]}}"#;
    stranger(
        &answers(recorded),
        CASE,
        1,
        &["FAIL", "cases.yaml:7:5", "module/stdout", "--seed"],
    );
}

/// What a runtime says in its distress stands in the verdict, whether it answers, dies or cannot be understood.
#[test]
fn what_a_runtime_writes_to_standard_error_stands_in_the_verdict() {
    let complains = |answer: &str| {
        let numbers: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
        let trouble = format!(
            "printf '%s\\n' {} 'out of leaf nodes' >&2\n",
            numbers.join(" ")
        );
        format!(
            "{}read line\n{trouble}{}read line\n",
            says(READY),
            says(answer)
        )
    };
    let case = CASE.replace("@NONCE@", "hi");
    let wrong = r#"{"answer":{"id":1,"outcome":"returned","exit_code":0,"output":[{"stream":"stdout","text":"ho\n"}]}}"#;
    let told = ["runtime: out of leaf nodes", "runtime: 20"];
    let dir = stranger(&complains(wrong), &case, 1, &told);
    let junit = std::fs::read_to_string(dir.path().join("reports/junit/adamant.xml"));
    let junit = junit.expect("a JUnit report");
    assert!(junit.contains("runtime: out of leaf nodes"), "{junit}");
    // Only its end: the beginning is in the bundle.
    assert!(!junit.contains("runtime: 2\n"), "{junit}");
    for broken in ["nonsense", r#"{"answer":{"id":1,"outcome":"returned"}}"#] {
        stranger(
            &complains(broken),
            &case,
            3,
            &[&["BROKEN"], &told[..]].concat(),
        );
    }
    let quiet = complains(&wrong.replace("ho", "hi"));
    stranger(&quiet, &case, 0, &["1 passed"]);
}

#[test]
fn a_runtime_that_starts_a_program_fails_whatever_it_answers() {
    let case = CASE.replace("@NONCE@", "hi");
    let right = r#"{"answer":{"id":1,"outcome":"returned","exit_code":0,"output":[{"stream":"stdout","text":"hi\n"}]}}"#;
    stranger(&answers(right), &case, 0, &["1 passed"]);
    let shells = format!(
        "{}read line\n/bin/sh -c 'exit 0'\n{}read line\n",
        says(READY),
        says(right)
    );
    stranger(
        &shells,
        &case,
        1,
        &[
            "after its `ready` line no program is started",
            "started `/",
            "sh",
        ],
    );
    // Before it is ready it may start what it likes.
    let early = format!("/bin/sh -c 'exit 0'\n{}", answers(right));
    stranger(&early, &case, 0, &["1 passed"]);
    // A copy of itself is no program; a case that asks sees it all the same.
    let forks = format!("{}read line\n(:)\n{}read line\n", says(READY), says(right));
    stranger(
        &forks,
        &format!("{case}  - host-execution: none\n"),
        1,
        &["was made"],
    );
    stranger(
        &answers(right),
        &format!("{case}  - host-execution: none\n"),
        0,
        &["1 passed"],
    );
}

#[test]
fn a_runtime_that_claims_nothing_is_not_judged_and_that_is_no_success() {
    let nothing = answers("{}").replace("[\"cjs\"]", "[]");
    stranger(
        &nothing,
        CASE,
        3,
        &["does not claim `cjs`", "nothing was judged"],
    );
}

#[test]
fn bad_cases_are_bad_input_with_their_place() {
    let none = "exit 1";
    stranger(
        none,
        &CASE.replace("files:", "fils:"),
        2,
        &["cases.yaml:5:1", "did you mean `files`?"],
    );
    stranger(
        none,
        &CASE.replace("stdout", "stdot"),
        2,
        &["cases.yaml:7:5", "did you mean `stdout`?"],
    );
    stranger(
        none,
        &CASE.replace("lines: ['@NONCE@']", ""),
        2,
        &["check `stdout` asks for nothing"],
    );
    stranger(
        none,
        &CASE.replace("CJS-99", "cjs"),
        2,
        &["`spec` is `cjs`"],
    );
    stranger(
        none,
        &CASE.replace("files:", "package: gret\nfiles:"),
        2,
        &["cases.yaml:5:10", "did you mean `greet`?"],
    );
    stranger(
        none,
        &CASE.replace("/index.js:", "../index.js:"),
        2,
        &["not an absolute path"],
    );
}

#[test]
fn another_major_of_node_is_refused_by_name() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let fake = dir.path().join("node");
    std::fs::write(&fake, "#!/bin/sh\necho v22.1.0\n").expect("written");
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).expect("set");
    for (engines, code) in [(Some("node"), 3), (None, 0)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command
            .args(["run", "module", "CJS-01", "--reports"])
            .arg(dir.path().join("reports"));
        command
            .env_remove("ADAMANT_ENGINES")
            .env("ADAMANT_NODE", &fake);
        if let Some(engines) = engines {
            command.env("ADAMANT_ENGINES", engines);
        }
        let output = command
            .current_dir(root())
            .output()
            .expect("adamant starts");
        let told = [output.stdout, output.stderr]
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .concat();
        // Asked for, it is broken; else the run goes on without the oracle, and says so.
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(
            told.contains("is Node v22.1.0, and the oracle is 24"),
            "{told}"
        );
    }
}

#[test]
fn engines_of_images_are_not_engines_of_modules() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, part) in [
        (
            &["run", "module", "--engine", "docker"][..],
            "`docker` cannot run module cases",
        ),
        (
            &["run", "module", "--engine", "adapter"],
            "`--adapter` does not say which",
        ),
        (
            &["run", "--adapter", "x", "--engine", "node", "module"],
            "leave `adapter` out",
        ),
        (
            &["run", "--adapter", "x", "fixtures/images/bare"],
            "`--adapter` is for module cases",
        ),
        (
            &["run", "module", "CJS-98"],
            "`CJS-98` chooses no module case",
        ),
        (&["run", "module", "--seed", "xyz"], "`xyz` is not a seed"),
        (
            &["run", "fixtures/images/bare", "module"],
            "does not stand first",
        ),
        (
            &["run", "fixtures/images/bare", "--engine", "node"],
            "`node` cannot run images",
        ),
    ] {
        let (code, told) = adamant(args, dir.path());
        assert_eq!(code, Some(2), "{args:?} {told}");
        assert!(told.contains(part), "{args:?} `{part}` is missing\n{told}");
    }
}

#[test]
fn a_comparison_shows_both_values() {
    let dir = tempfile::tempdir().expect("a directory");
    let other = r#"{"answer":{"id":1,"outcome":"returned","exit_code":0,"output":[{"stream":"stdout","text":"other\n"}]}}"#;
    std::fs::write(dir.path().join("a.sh"), answers(other)).expect("written");
    let cases = dir.path().join("cases");
    std::fs::create_dir(&cases).expect("made");
    std::fs::write(cases.join("a.yaml"), CASE.replace("@NONCE@", "hi")).expect("written");
    let adapter = format!("adapter:sh {}/a.sh", dir.path().display());
    let cases = cases.to_str().expect("UTF-8");
    let args = [
        "compare",
        "--module",
        "isolate",
        &adapter,
        "--cases",
        cases,
        "--only-cases",
    ];
    let (code, told) = adamant(&args, dir.path());
    assert_eq!(code, Some(1), "{told}");
    for part in [
        "differs  CJS-99::a",
        "standard output of execution 1",
        "isolate  hi",
        "adapter  other",
        "0 same, 1 differ",
    ] {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    let (code, told) = adamant(&["compare", "--module", "isolate", "isolat"], dir.path());
    assert_eq!(code, Some(2), "{told}");
}
