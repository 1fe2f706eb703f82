//! The service of seed 000, three times: what `verify` says of its image before boot is what happens when it is booted.

#[path = "support/images.rs"]
mod images;

use std::process::{Command, Output};

/// The symbol that Bun's imitation of V8 lacks, as the seed met it.
const SYMBOL: &str = "v8::ValueSerializer::Delegate::HasCustomHostObject";
const MANGLED: &str = "_ZN2v815ValueSerializer8Delegate19HasCustomHostObject";

fn adamant(words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .current_dir(images::root())
        .args(words)
        .output()
        .expect("adamant starts");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    (status.code().expect("no signal"), told)
}

fn verify(image: &str) -> (i32, String) {
    adamant(&["verify", &format!("fixtures/images/{image}")])
}

/// What a boot ends with, and its evidence: the terminal shows the end of a log only.
fn boot(image: &str) -> (i32, String) {
    let subject = format!("fixtures/images/{image}/adamant.yaml");
    let dir = tempfile::tempdir().expect("a directory");
    let reports = dir.path().display().to_string();
    let (code, mut told) = adamant(&[
        "run",
        &subject,
        "--cases",
        "fixtures/cases",
        "--only-cases",
        "--reports",
        &reports,
    ]);
    let mut pending = vec![dir.path().to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                told.push_str(&String::from_utf8_lossy(
                    &std::fs::read(path).expect("evidence"),
                ));
            }
        }
    }
    (code, told)
}

#[test]
fn on_node_both_hold() {
    images::current();
    let (code, told) = verify("execute-node");
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("1 package with addons") && told.contains("named import"),
        "{told}"
    );
    let (code, told) = boot("execute-node");
    assert_eq!(code, 0, "{told}");
}

#[test]
fn on_bun_both_name_the_symbol() {
    images::current();
    let (code, told) = verify("execute-bun");
    assert_eq!(code, 1, "{told}");
    for part in [
        SYMBOL,
        "isolated-vm.abi147.glibc.node",
        "native/undefined-symbol",
        "package/wrong-runtime",
        "/entrypoint.sh:3",
    ] {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    let (code, told) = boot("execute-bun");
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("undefined symbol") && told.contains(MANGLED),
        "{told}"
    );
}

#[test]
fn an_answer_that_hides_the_failure_is_one() {
    images::current();
    let (code, told) = verify("execute-unavailable");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains(SYMBOL), "{told}");
    let (code, told) = boot("execute-unavailable");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("RuntimeUnavailable"), "{told}");
}
