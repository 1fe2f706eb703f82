//! The command line from outside: each class of end has its exit code and tells why; none needs an engine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root")
        .to_owned()
}

fn adamant(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    // No engine: what is tested here must not need one.
    command
        .current_dir(dir)
        .args(args)
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .env_remove("ADAMANT_ENGINES");
    command.output().expect("adamant starts")
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn ends(dir: &Path, args: &[&str], code: i32, parts: &[&str]) -> String {
    let output = adamant(dir, args);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{told}");
    for part in parts {
        assert!(told.contains(part), "`{part}` is missing\n{told}");
    }
    told
}

#[test]
fn bad_input_ends_with_2_and_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let write =
        |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    ends(dir.path(), &["run"], 2, &["adamant.yaml", "hint:"]);
    ends(
        dir.path(),
        &["run", "none/adamant.yaml"],
        2,
        &["none/adamant.yaml"],
    );
    write("bad.yaml", "image: x\nimutable: [/a]\n");
    ends(
        dir.path(),
        &["run", "bad.yaml"],
        2,
        &["bad.yaml:2:1", "did you mean `immutable`?"],
    );
    write(
        "good.yaml",
        "image: x\nready: { tcp: { port: 1 }, within: 1s }\n",
    );
    ends(dir.path(), &["run", "good.yaml", "RC-009"], 2, &["RC-009"]);
    ends(
        dir.path(),
        &["run", "good.yaml", "--engine", "rkt"],
        2,
        &["unknown engine `rkt`", "docker"],
    );
    ends(dir.path(), &["run", "--frobnicate"], 2, &["--frobnicate"]);
    std::fs::create_dir(dir.path().join("cases")).expect("made");
    write(
        "cases/one.yaml",
        "spec: X\nclauses: [C]\nlevel: MUST\nabout: a\nfix: f\nboot: {}\nchecks:\n  - redy: {}\n",
    );
    ends(
        dir.path(),
        &["list", "good.yaml", "--cases", "cases"],
        2,
        &["one.yaml:8:5", "did you mean `ready`?"],
    );
    write(
        "unset.yaml",
        "image: x\nrun: { env: { A: '${ADAMANT_TEST_UNSET}' } }\n",
    );
    ends(
        dir.path(),
        &["list", "unset.yaml"],
        2,
        &["ADAMANT_TEST_UNSET"],
    );
}

#[test]
fn init_never_overwrites_and_looks_before_it_boots() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("adamant.yaml");
    std::fs::write(&file, "mine\n").expect("written");
    ends(
        dir.path(),
        &["init", "x"],
        2,
        &["`adamant.yaml` is already there", "--force"],
    );
    ends(
        dir.path(),
        &["init", "x", "-o", "none/x.yaml"],
        2,
        &["`none` is no directory"],
    );
    ends(
        dir.path(),
        &["init", "x", "-o", "."],
        2,
        &["is a directory"],
    );
    ends(
        dir.path(),
        &["init", "sif:x", "-o", "y"],
        2,
        &["`sif:` images are not read", "oci:DIR[:TAG]"],
    );
    ends(
        dir.path(),
        &["init", "x", "-o", "y", "--env", "ADAMANT_TEST_UNSET"],
        2,
        &["is not set"],
    );
    ends(
        dir.path(),
        &["init", "x", "-o", "y", "--within", "soon"],
        2,
        &["soon"],
    );
    // Without an engine nothing is seen, and nothing is written.
    ends(
        dir.path(),
        &["init", "x", "-o", "y", "--engine", "docker"],
        3,
        &["docker"],
    );
    assert!(!dir.path().join("y").exists());
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "mine\n");
}

#[test]
fn run_options_that_no_engine_takes_end_with_2_and_their_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let subject = dir.path().join("adamant.yaml");
    for (run, place) in [
        (
            "mounts: [./none:/data:ro]",
            "adamant.yaml:2:17: mount `./none:/data:ro`",
        ),
        ("mounts: [./none]", "adamant.yaml:2:17: mount `./none`"),
        (
            "cap-add: [NET_ADMN]",
            "adamant.yaml:2:18: unknown capability",
        ),
        ("memory: 1m", "adamant.yaml:2:16: `1m`"),
        ("workdir: app", "adamant.yaml:2:17: `app`"),
        (
            "env: { A: '${ADAMANT_TEST_UNSET}' }",
            "adamant.yaml:2:18: `${ADAMANT_TEST_UNSET}`",
        ),
    ] {
        std::fs::write(&subject, format!("image: x\nrun: {{ {run} }}\n")).expect("written");
        ends(dir.path(), &["run"], 2, &[place]);
    }
}

const BOOTLESS: &str = "spec: T-1\nclauses: [C]\nlevel: MUST\nabout: a\nfix: f\nchecks:\n  - image: { no-setuid: true }\n";

/// A subject and a folder of cases of which one trial's name begins another's.
fn two_cases(dir: &Path) {
    let cases = dir.join("my cases");
    std::fs::create_dir(&cases).expect("made");
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("written");
    write(dir.join("adamant.yaml"), "name: box\nimage: x\n");
    write(cases.join("holds.yaml"), BOOTLESS);
    write(cases.join("holds-too.yaml"), BOOTLESS);
}

#[test]
fn an_engine_that_was_asked_for_and_is_missing_makes_each_trial_broken() {
    let dir = tempfile::tempdir().expect("a directory");
    two_cases(dir.path());
    let chosen = ["--only-cases", "--cases", "my cases"];
    // Known, but without an answer.
    let args = [&["run", "--engine", "docker"], chosen.as_slice()].concat();
    let told = ends(
        dir.path(),
        &args,
        3,
        &["BROKEN", "docker", "hint", "0 skipped, 2 broken"],
    );
    assert!(told.contains("engine `docker` cannot run here"), "{told}");
    let junit = dir.path().join("reports/junit/adamant.xml");
    let junit = std::fs::read_to_string(junit).expect("a JUnit file");
    assert!(
        junit.matches("<error").count() == 2 && !junit.contains("<skipped"),
        "{junit}"
    );
    ends(
        dir.path(),
        &["gc", "--engine", "docker"],
        3,
        &["`docker`", "hint:"],
    );
    ends(
        dir.path(),
        &["run", "--engine", "docker,rkt"],
        2,
        &["`rkt`"],
    );
}

#[test]
fn a_replay_runs_its_trial_and_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    two_cases(dir.path());
    let args = [
        "run",
        "--only-cases",
        "--cases",
        "my cases",
        "--require",
        "T-1",
    ];
    let all = [args.as_slice(), &["--engine", "docker"]].concat();
    ends(dir.path(), &all, 3, &["2 broken"]);
    let evidence = dir.path().join("reports/runs/docker/box/T-1/holds");
    let replay = || std::fs::read_to_string(evidence.join("replay.txt")).expect("a replay");
    let line = replay();
    // As a person does it: the line goes to a shell.
    let shell = |line: &str| {
        let bin = Path::new(env!("CARGO_BIN_EXE_adamant")).parent();
        let output = Command::new("/bin/sh")
            .current_dir(dir.path())
            .args(["-c", line])
            .env("PATH", bin.expect("a directory"))
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env_remove("ADAMANT_ENGINES")
            .output()
            .expect("a shell starts");
        (output.status.code(), told(&output))
    };
    let (code, again) = shell(&line);
    assert!(
        code == Some(3) && again.contains("T-1 holds ") && again.contains("0 skipped, 1 broken"),
        "{again}"
    );
    // It says the same of itself.
    assert_eq!(replay(), line);
    let listed = shell(&line.replacen("adamant run", "adamant list", 1));
    assert_eq!(listed, (Some(0), "docker::box::T-1::holds\n".into()));
    // A part of a name still chooses every trial that has it.
    let part = [
        "list",
        "--only-cases",
        "--cases",
        "my cases",
        "adamant.yaml",
        "hold",
    ];
    assert_eq!(ends(dir.path(), &part, 0, &[]).lines().count(), 2);
}

#[test]
fn an_engine_that_does_not_answer_ends_with_3_and_a_hint() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("adamant.yaml"), "image: x\n").expect("written");
    let docker = |verb| [verb, "--engine", "docker"];
    ends(
        dir.path(),
        &docker("run"),
        3,
        &["docker", "caused by", "hint "],
    );
    ends(dir.path(), &docker("gc"), 3, &["docker"]);
}

#[test]
fn listing_needs_no_engine_and_selectors_choose() {
    let subject = root().join("fixtures/images/agentbox");
    let subject = subject.to_str().expect("UTF-8");
    let all = ends(
        &root(),
        &["list", "--engine", "docker", subject],
        0,
        &[
            "docker::agentbox::RC-002-01::no-network-boot",
            "docker::agentbox::RC-002-05::missing-artifact-is-fatal::codex",
        ],
    );
    let some = ends(&root(), &["list", subject, "RC-002-05"], 0, &["::codex"]);
    assert!(
        some.lines().all(|l| l.contains("RC-002-05")) && some.lines().count() < all.lines().count(),
        "{some}"
    );
    let tagged = ends(
        &root(),
        &["list", subject, "tag:stop"],
        0,
        &["stops-on-sigterm", "saves-on-shutdown"],
    );
    assert_eq!(tagged.lines().count(), 2, "{tagged}");
    // The manifest on the host decides which faults there are: what is switched off must not be fatal.
    assert!(
        all.contains("optional-artifact-is-not-fatal::gemini-cli")
            && !all.contains("missing-artifact-is-fatal::gemini-cli"),
        "{all}"
    );
}

#[test]
fn schemas_and_help_are_data_on_stdout() {
    for of in ["case", "subject"] {
        let output = adamant(&root(), &["schema", of]);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(schema.pointer("/properties").is_some() && output.status.success());
    }
    ends(&root(), &["--help"], 0, &["Exit codes"]);
}

#[test]
fn a_code_a_spec_and_a_case_are_explained_and_a_typo_is_bad_input() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = ends(
        dir.path(),
        &["explain"],
        0,
        &["drift/undeclared", "install/npm"],
    );
    assert!(all.lines().count() > 60, "{all}");
    ends(
        dir.path(),
        &["explain", "drift/undeclared", "RC-002-04"],
        0,
        &[
            "cause",
            "fix",
            "PRD-002",
            "cases/rc-002/04-writes-stay-declared.yaml",
        ],
    );
    ends(
        dir.path(),
        &["explain", "drift"],
        0,
        &["drift/tree-changed", "drift/write-missing"],
    );
    ends(
        dir.path(),
        &["explain", "drift/undeclared", "drift/undeclard"],
        2,
        &["`drift/undeclard`", "did you mean `drift/undeclared`?"],
    );
}

#[test]
fn a_waiver_must_name_a_code_a_case_an_owner_and_a_day() {
    let dir = tempfile::tempdir().expect("a directory");
    for (waiver, told) in [
        (
            "finding: drift/undeclard, reason: r, owner: o, until: 2999-01-01",
            "did you mean `drift/undeclared`?",
        ),
        (
            "finding: drift/undeclared, reason: r, owner: ' ', until: 2999-01-01",
            "empty `owner`",
        ),
        (
            "finding: drift/undeclared, reason: r, owner: o, until: soon",
            "expected `YYYY-MM-DD`",
        ),
        ("finding: drift/undeclared, reason: r, owner: o", "until"),
        (
            "finding: drift/undeclared, reason: r, owner: o, until: 2999-01-01, case: rc-002/none",
            "names no case",
        ),
    ] {
        let text = format!("image: x\nwaivers:\n  - {{ {waiver} }}\n");
        std::fs::write(dir.path().join("adamant.yaml"), text).expect("written");
        ends(dir.path(), &["list"], 2, &["adamant.yaml", told]);
    }
}

#[test]
fn verify_needs_no_engine_and_ends_by_class() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("root/app/tool.sh", "#!/bin/sh\n");
    write("root/m.toml", "[tools]\nweb = true\nother = true\n");
    let contract = "name: s\nimage: rootfs:root\nmanifest: image:/m.toml\nartifacts: [{ id: web, path: /app/WEB, when: tools.web }]\n";
    write("bad.yaml", &contract.replace("WEB", "gone.js"));
    write(
        "good.yaml",
        &contract
            .replace("WEB", "tool.sh")
            .replace("tools.web", "tools.other"),
    );
    write(
        "waived.yaml",
        &format!(
            "{}waivers: [{{ finding: manifest/missing-artifact, reason: r, owner: o, until: 2999-01-01 }}, {{ finding: manifest/unknown-feature, reason: r, owner: o, until: 2999-01-01 }}]\n",
            contract.replace("WEB", "gone.js")
        ),
    );
    ends(
        dir.path(),
        &["verify", "bad.yaml"],
        1,
        &[
            "manifest/missing-artifact",
            "/m.toml:2",
            "`/app/gone.js` is not in the image",
            "fix",
            "manifest/unknown-feature",
            "/m.toml:3",
        ],
    );
    ends(
        dir.path(),
        &["verify", "bad.yaml", "--format", "jsonl"],
        1,
        &[
            "\"kind\":\"finding\"",
            "\"line\":2",
            "\"rule\":\"manifest/missing-artifact\"",
        ],
    );
    ends(
        dir.path(),
        &["verify", "waived.yaml"],
        0,
        &["waived", "2999-01-01"],
    );
    ends(
        dir.path(),
        &["verify", "good.yaml", "--room", "closure"],
        3,
        &["nothing was judged"],
    );
    ends(
        dir.path(),
        &["verify", "none.yaml"],
        2,
        &["none.yaml", "hint:"],
    );
    ends(dir.path(), &["verify", "rootfs:none"], 2, &["rootfs:none"]);
    ends(
        dir.path(),
        &["verify", "root", "--image", "x"],
        2,
        &["--image"],
    );
}

#[test]
fn verify_tells_code_scanning_and_pull_requests_the_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
    };
    std::fs::create_dir(dir.path().join("root")).expect("made");
    write("root/m.toml", "[tools]\nweb = true\n");
    let contract = "name: s\nimage: rootfs:root\nmanifest: image:/m.toml\nartifacts: [{ id: web, path: /gone.js, when: tools.web }]\n";
    write("bad.yaml", contract);
    let waiver = "waivers: [{ finding: manifest/missing-artifact, reason: r, owner: o, until: 2999-01-01 }]\n";
    write("waived.yaml", &format!("{contract}{waiver}"));
    ends(
        dir.path(),
        &["verify", "bad.yaml", "--format", "sarif"],
        1,
        &[
            "\"ruleId\": \"manifest/missing-artifact\"",
            "\"startLine\": 2",
            "\"uri\": \"m.toml\"",
        ],
    );
    ends(
        dir.path(),
        &["verify", "waived.yaml", "--format", "github"],
        0,
        &["::notice file=/m.toml,line=2", "waived: "],
    );
}
