//! `cargo test --test reproduce`: a trial that fails in one checkout is reproduced from the S3 store in another, on every engine.

#[path = "support/bucket.rs"]
mod bucket;
#[path = "support/images.rs"]
mod images;
#[expect(dead_code, reason = "only the engines' names are of interest here")]
#[path = "support/session.rs"]
mod session;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::process::{Command, ExitCode, Output};

use adamant_core::env;
use bucket::Bucket;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if !args.list {
        images::current();
    }
    let engines = if args.list {
        vec!["oci"]
    } else {
        session::engine_names()
    };
    let trials = vec![
        Trial::test("a_failing_trial_is_reproduced_from_the_store", {
            let engines = engines.clone();
            move || from_the_store(&engines)
        }),
        Trial::test("a_failing_trial_is_reproduced_from_its_evidence", {
            let engine = engines[0];
            move || from_evidence(engine)
        }),
        Trial::test("a_shell_is_opened_in_what_failed", {
            let engines = engines.clone();
            move || shells(&engines)
        }),
        Trial::test("a_shell_that_cannot_be_opened_is_told", move || {
            no_shell(engines[0])
        }),
        Trial::test("what_is_no_bundle_is_bad_input", no_bundle),
    ];
    libtest_mimic::run(&args, trials).exit_code()
}

/// A subject that is ready only when its workspace says so.
const SUBJECT: &str = r#"
name: keeper-of-state
image: oci:IMAGE
run:
  args: ['grep -q good /work/state/current && echo up && exec sleep 600; echo "FATAL: the state is not good"; exit 4']
  mounts: ['./work:/work:ro']
ready: { output: { matches: '^up$' }, within: 10s }
"#;

const CASE: &str = "spec: T-1\nclauses: [T]\nlevel: MUST\nabout: It gets ready.\nfix: Repair the state.\nboot: { network: none }\nchecks: [{ ready: { within: subject.ready.within } }]\n";

/// A checkout whose workspace is in this state.
fn checkout(state: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the directory")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let image = images::root().join("fixtures/images/shell/image");
    write(
        "adamant.yaml",
        &SUBJECT.replace("IMAGE", &image.display().to_string()),
    );
    write("work/state/current", state);
    write("cases/gets-ready.yaml", CASE);
    dir
}

fn command(dir: &Path, engine: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    command
        .current_dir(dir)
        .args(args)
        .env(env::ENGINES, engine)
        .env_remove("DATA_DIR");
    command
}

fn adamant(
    dir: &Path,
    engine: &str,
    store: Option<&Bucket>,
    args: &[&str],
) -> (i32, String, String) {
    let mut command = command(dir, engine, args);
    if let Some(store) = store {
        store.configure(&mut command);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("adamant starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

const RUN: &[&str] = &[
    "run",
    "--only-cases",
    "--cases",
    "cases",
    "--keep-workspaces",
];

/// The finding of the only trial, from the summary.
fn finding(dir: &Path) -> Result<serde_json::Value, Failed> {
    let text = std::fs::read_to_string(dir.join("reports/summary.json"))?;
    let summary: serde_json::Value = serde_json::from_str(&text)?;
    let found = find(&summary, "findings").ok_or("the summary has no findings")?;
    Ok(found)
}

fn find(value: &serde_json::Value, key: &str) -> Option<serde_json::Value> {
    match value {
        serde_json::Value::Object(map) => map
            .get(key)
            .cloned()
            .or_else(|| map.values().find_map(|v| find(v, key))),
        serde_json::Value::Array(all) => all.iter().find_map(|v| find(v, key)),
        _ => None,
    }
}

fn expect(what: &str, ended: &(i32, String, String), code: i32, part: &str) -> Result<(), Failed> {
    let told = format!("{}{}", ended.1, ended.2);
    if ended.0 == code && told.contains(part) {
        return Ok(());
    }
    Err(format!(
        "{what} ended with {}, expected {code} and `{part}`\n{told}",
        ended.0
    )
    .into())
}

fn from_the_store(engines: &[&'static str]) -> Result<(), Failed> {
    let store = Bucket::on(engines)?;
    let first = checkout("rotten\n");
    let failed = adamant(first.path(), engines[0], Some(&store), RUN);
    expect("the first run", &failed, 1, "FATAL: the state is not good")?;
    let wanted = finding(first.path())?;
    let key = failed
        .2
        .lines()
        .find_map(|line| line.strip_prefix("kept: adamant reproduce "))
        .ok_or_else(|| format!("no key was told\n{}", failed.2))?
        .to_owned();
    // The other checkout's own workspace is good, and the first one's machine is gone.
    drop(first);
    let other = checkout("good\n");
    let own = adamant(other.path(), engines[0], Some(&store), RUN);
    expect("the other checkout", &own, 0, "1 passed")?;
    for engine in engines {
        let again = adamant(other.path(), engine, Some(&store), &["reproduce", &key]);
        expect(
            "the reproduction",
            &again,
            1,
            "FATAL: the state is not good",
        )?;
        let seen = finding(other.path())?;
        if seen != wanted {
            return Err(format!("on {engine}: {seen:#}\nwas: {wanted:#}").into());
        }
    }
    let gone = adamant(
        other.path(),
        engines[0],
        Some(&store),
        &["reproduce", "adamant/none/none"],
    );
    expect(
        "a key that is not there",
        &gone,
        2,
        "nothing is stored under",
    )
}

fn from_evidence(engine: &'static str) -> Result<(), Failed> {
    let dir = checkout("rotten\n");
    let failed = adamant(dir.path(), engine, None, RUN);
    expect("the first run", &failed, 1, "FATAL: the state is not good")?;
    let evidence = failed
        .2
        .lines()
        .find_map(|line| line.strip_prefix("kept: adamant reproduce "))
        .ok_or_else(|| format!("no evidence was told\n{}", failed.2))?
        .to_owned();
    // What is kept is what it was, not what it is now.
    std::fs::write(dir.path().join("work/state/current"), "good\n")?;
    std::fs::remove_dir_all(dir.path().join("cases"))?;
    let again = adamant(
        dir.path(),
        engine,
        None,
        &["reproduce", &evidence, "--reports", "again"],
    );
    expect(
        "the reproduction",
        &again,
        1,
        "FATAL: the state is not good",
    )
}

/// The evidence of the only trial, which does not pass.
fn failed(dir: &Path, engine: &str, part: &str) -> Result<String, Failed> {
    let failed = adamant(dir, engine, None, RUN);
    expect("the run", &failed, 1, part)?;
    let evidence = failed
        .2
        .lines()
        .find_map(|line| line.strip_prefix("kept: adamant reproduce "));
    Ok(evidence
        .ok_or_else(|| format!("no evidence was told\n{}", failed.2))?
        .to_owned())
}

/// What is announced right before the shell.
const OPENED: &str = "`exit` ends it and removes the container";

fn shells(engines: &[&'static str]) -> Result<(), Failed> {
    let ended = checkout("rotten\n");
    let waits = checkout("good\n");
    let subject = waits.path().join("adamant.yaml");
    let text = std::fs::read_to_string(&subject)?;
    let text = text
        .replace("echo up &&", "echo waits &&")
        .replace("10s", "1s");
    std::fs::write(&subject, text)?;
    for engine in engines {
        let evidence = failed(ended.path(), engine, "FATAL: the state is not good")?;
        let seen = shell(
            (ended.path(), engine, &evidence),
            "cat /work/state/current; tr '\\0' ' ' </proc/1/cmdline; touch /work/x || echo $((6 * 7)) refused; exit 7\n",
        )?;
        told(
            &seen,
            &[
                "the subject ended with exit code 4",
                "it is started by: /bin/sh -c 'grep -q good",
                "  | FATAL: the state is not good",
                "rotten",
                "/probe hold",
                "42 refused",
                "the shell ended with 7",
            ],
        )?;
        let evidence = failed(waits.path(), engine, "a line of output matches")?;
        let seen = shell(
            (waits.path(), engine, &evidence),
            "sleep 1; stty size; tty; tr '\\0' ' ' </proc/1/cmdline; test -t 0 && echo $((6 * 7)) terminal; exit\n",
        )?;
        let size = format!("{} {}", terminal::SIZE.1, terminal::SIZE.0);
        told(
            &seen,
            &[
                "the subject did not get ready in time, and goes on running",
                &size,
                "/dev/pts/",
                "sleep 600",
                "42 terminal",
                "the shell ended with 0",
            ],
        )?;
    }
    Ok(())
}

/// What a person sees who types this into the shell; the verb ends with 0.
fn shell((dir, engine, evidence): (&Path, &str, &str), typed: &str) -> Result<String, Failed> {
    let command = command(
        dir,
        engine,
        &["reproduce", evidence, "--shell", "--reports", "again"],
    );
    let (code, screen) = terminal::person(command, &[(OPENED, typed)])?;
    if code != 0 {
        return Err(format!("on {engine} it ended with {code}, expected 0\n{screen}").into());
    }
    Ok(screen)
}

fn told(screen: &str, wanted: &[&str]) -> Result<(), Failed> {
    // What is typed is on the screen too; what the shell makes of it is not there before.
    match wanted.iter().find(|wanted| !screen.contains(**wanted)) {
        None => Ok(()),
        Some(missing) => Err(format!("expected `{missing}` on the screen:\n{screen}").into()),
    }
}

fn no_shell(engine: &'static str) -> Result<(), Failed> {
    let dir = checkout("rotten\n");
    let subject = dir.path().join("adamant.yaml");
    let text = std::fs::read_to_string(&subject)?;
    std::fs::write(
        &subject,
        text.replace("images/shell/image", "images/workspace-daemon/image"),
    )?;
    let evidence = failed(dir.path(), engine, "a line of output matches")?;
    let piped = adamant(
        dir.path(),
        engine,
        None,
        &["reproduce", &evidence, "--shell"],
    );
    expect(
        "without a terminal",
        &piped,
        2,
        "`--shell` needs a terminal",
    )?;
    let command = command(dir.path(), engine, &["reproduce", &evidence, "--shell"]);
    let (code, screen) = terminal::person(command, &[])?;
    if code != 3 || !screen.contains("the image has none of /bin/bash") {
        return Err(format!("it ended with {code}, expected 3 and why\n{screen}").into());
    }
    let two = format!(
        "{engine},{}",
        if engine == "oci" { "docker" } else { "oci" }
    );
    let args = ["reproduce", &evidence, "--shell", "--engine", &two];
    let (code, screen) = terminal::person(self::command(dir.path(), engine, &args), &[])?;
    if code == 2 && screen.contains("`--shell` opens one shell") {
        return Ok(());
    }
    Err(format!("with two engines it ended with {code}, expected 2\n{screen}").into())
}

fn no_bundle() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let path = dir.path();
    let ends = |args: &[&str], part: &str| {
        let ended = adamant(path, "oci", None, args);
        expect(&args.join(" "), &ended, 2, part)
    };
    ends(
        &["reproduce", "nowhere"],
        "is neither the evidence of a trial",
    )?;
    ends(&["reproduce", "acme/shop/main"], "no store is configured")?;
    std::fs::create_dir(path.join("evidence"))?;
    ends(
        &["reproduce", "evidence"],
        "`evidence` has no `reproduce.tar`",
    )?;
    std::fs::write(path.join("evidence/reproduce.tar"), "no tar")?;
    ends(&["reproduce", "evidence"], "is no bundle")?;
    let left = std::fs::read_dir(path)?.count();
    if left == 1 {
        Ok(())
    } else {
        Err(format!("{left} entries were left, expected the evidence alone").into())
    }
}
