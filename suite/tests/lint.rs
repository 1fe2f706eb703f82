//! `adamant lint` from outside: formats, exit codes, what is named and not judged, and this repository's own scripts.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root")
        .to_owned()
}

fn lint(dir: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_adamant"))
        .current_dir(dir)
        .arg("lint")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adamant starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A run that ends before it reads its input closes the pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("bad.sh", "#!/bin/sh\nset -e\nnpm ci || true\n");
    write("good.sh", "#!/bin/sh\nexec node server.js\n");
    write(
        "sub/run",
        "#!/command/execlineb -P\nforeground { apk add curl }\nnginx\n",
    );
    write(
        "sub/boot.py",
        "#!/usr/bin/env python3\nprint('npm install')\n",
    );
    write("sub/notes.txt", "npm install\n");
    write(".git/hooks/x.sh", "npm install\n");
    write("broken.sh", "npm ci\nif x; then\n");
    dir
}

#[test]
fn exit_codes_say_what_came_of_it() {
    let dir = tree();
    for (args, code) in [
        (&["good.sh"][..], 0),
        (&["bad.sh"], 1),
        (&["bad.sh", "good.sh"], 1),
        (&["gone.sh"], 2),
        (&["bad.sh", "gone.sh"], 2),
        (&[], 2),
        (&["--format", "xml", "bad.sh"], 2),
        (&["broken.sh"], 3),
        (&["bad.sh", "broken.sh"], 3),
        (&["sub/boot.py"], 3),
        (&["."], 3),
    ] {
        let output = lint(dir.path(), args, "");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}\n{}",
            err(&output)
        );
        if code == 2 {
            assert_eq!(out(&output), "", "{args:?}");
        }
    }
    let gone = err(&lint(dir.path(), &["gone.sh"], ""));
    assert!(gone.contains("gone.sh"), "{gone}");
}

#[test]
fn people_see_the_place_the_reason_and_what_was_left_out() {
    let dir = tree();
    let output = lint(dir.path(), &["."], "");
    let (told, talk) = (out(&output), err(&output));
    for part in [
        "./bad.sh:3:1: install/npm",
        "   3 | npm ci || true",
        "     | ^^^^^^",
        "fix ",
        "clause  PRD-002",
        "./sub/run:2:14: install/apk",
    ] {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    for part in [
        "not linted: ./sub/boot.py: a script for `python3`",
        "not read: ./broken.sh:",
        "4 findings in 3 of 4 scripts: 3 install, 1 swallow; 1 script not read whole; 1 file not shell",
    ] {
        assert!(talk.contains(part), "`{part}` is missing\n{talk}");
    }
    assert!(!told.contains('\u{1b}'), "colour in a pipe");
    assert!(!told.contains(".git/"), "version control was linted");
}

#[test]
fn json_lines_are_findings_and_nothing_else() {
    let dir = tree();
    let output = lint(
        dir.path(),
        &["--format", "jsonl", "bad.sh", "broken.sh", "sub/boot.py"],
        "",
    );
    let lines: Vec<Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let rules: Vec<_> = lines
        .iter()
        .map(|value| {
            (
                value["file"].as_str(),
                value["line"].as_u64(),
                value["rule"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        rules,
        [
            (Some("bad.sh"), Some(3), Some("install/npm")),
            (Some("bad.sh"), Some(3), Some("swallow/or-true")),
            (Some("broken.sh"), Some(1), Some("install/npm")),
        ]
    );
}

#[test]
fn standard_input_is_a_script() {
    let output = lint(
        Path::new("/"),
        &["--format", "github", "-"],
        "#!/bin/sh\npip install x\n",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        out(&output).starts_with(
            "::error file=-,line=2,endLine=2,col=1,title=install/pip::`pip install x`: "
        )
    );
}

#[test]
fn code_scanning_gets_one_log_even_of_nothing() {
    let dir = tree();
    for (args, results) in [
        (&["--format", "sarif", "bad.sh"], 2),
        (&["--format", "sarif", "good.sh"], 0),
    ] {
        let log: Value = serde_json::from_str(&out(&lint(dir.path(), args, ""))).expect("JSON");
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(
            log["runs"][0]["results"].as_array().map(Vec::len),
            Some(results)
        );
    }
}

#[test]
fn the_boot_of_an_image_is_followed_through_its_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write(
        "root/entrypoint.sh",
        "#!/bin/sh\nset -e\n. /opt/lib.sh\nprepare\nexec node /app.js\n",
    );
    write("root/opt/lib.sh", "prepare() {\n  pip install x\n}\n");
    write("root/unused.sh", "#!/bin/sh\nnpm ci\n");
    write(
        "adamant.yaml",
        "image: rootfs:root\nentrypoint: { path: /entrypoint.sh }\n",
    );
    let output = lint(dir.path(), &["--image", ".", "--format", "jsonl"], "");
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let found: Value = serde_json::from_str(&out(&output)).expect("one finding");
    assert_eq!(
        (&found["file"], &found["line"]),
        (&"/opt/lib.sh".into(), &2.into())
    );
    assert_eq!(found["reached_by"][0], "/entrypoint.sh:4 → prepare()");
    assert!(
        err(&output).contains("1 finding in 1 of 2 scripts"),
        "{}",
        err(&output)
    );
    // An image that nothing says how to start has no boot to judge, and one that is not there is bad input.
    let nothing = lint(dir.path(), &["--image", "rootfs:root"], "");
    assert_eq!(nothing.status.code(), Some(3), "{}", err(&nothing));
    let gone = lint(dir.path(), &["--image", "rootfs:gone"], "");
    assert_eq!(gone.status.code(), Some(2), "{}", err(&gone));
    let both = lint(dir.path(), &["--image", ".", "root"], "");
    assert_eq!(both.status.code(), Some(2), "{}", err(&both));
}

#[test]
fn scripts_of_a_directory_are_read_together() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in [
        (
            "start.sh",
            "#!/bin/sh\nset -e\nTOOL=npm\n. ./setup.sh\nprepare\n",
        ),
        ("setup.sh", "prepare() {\n  $TOOL ci\n}\n"),
    ] {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    let together = lint(dir.path(), &["."], "");
    assert!(out(&together).contains("setup.sh:2"), "{}", out(&together));
    assert_eq!(together.status.code(), Some(1));
    let alone = lint(dir.path(), &["setup.sh"], "");
    assert_eq!(alone.status.code(), Some(0), "{}", out(&alone));
}

/// The scripts that are kept here: what CI runs must not smell. Fixtures are bad on purpose; images are judged by their cases.
#[test]
fn our_own_scripts_are_clean() {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists");
    assert!(listed.status.success(), "{}", err(&listed));
    let names = out(&listed);
    let ours = names
        .split('\0')
        .filter(|name| !name.is_empty() && !name.starts_with("fixtures/"));
    let is_script = |name: &&str| {
        let text = std::fs::read(root().join(name)).unwrap_or_default();
        name.ends_with(".sh")
            || (text.starts_with(b"#!")
                && text
                    .split(|b| *b == b'\n')
                    .next()
                    .is_some_and(|line| line.ends_with(b"sh")))
    };
    let scripts: Vec<&str> = ours.filter(is_script).collect();
    assert!(scripts.contains(&".ci/run"), "{scripts:?}");
    let output = lint(&root(), &scripts, "");
    // The machine that CI runs on is bare: installing there is what the script is for.
    let found: Vec<String> = out(&output)
        .lines()
        .filter(|line| {
            line.contains(": install/") || line.contains(": fetch/") || line.contains(": swallow/")
        })
        .map(str::to_owned)
        .collect();
    let expected: Vec<&String> = found
        .iter()
        .filter(|line| line.starts_with(".ci/run:") && line.ends_with(": install/apt"))
        .collect();
    assert_eq!(found.len(), expected.len(), "{}", out(&output));
    assert!(!err(&output).contains("not read"), "{}", err(&output));
}
