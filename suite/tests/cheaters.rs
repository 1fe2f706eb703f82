//! `cargo test --test cheaters`: every bad adapter is caught, by the case that is meant for it; the honest one passes what it claims.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adamant::modules;
use adamant_core::case::read;
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::module::Node;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A bad adapter, and who must catch it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cheat {
    /// Its name in `cheater.mjs`.
    cheat: String,
    /// The case's id.
    case: String,
    /// What the verdict must say.
    finding: String,
}

static TRIED: AtomicUsize = AtomicUsize::new(0);
static CAUGHT: AtomicUsize = AtomicUsize::new(0);

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("suite/ is below the root").to_owned()
}

fn main() {
    let args = Arguments::from_args();
    let file = root().join("fixtures/adapters/cheaters.yaml");
    let cheats: Vec<Cheat> = read(&file).expect("the cheats can be read");
    assert!(!cheats.is_empty(), "there is nobody to catch");
    let deadline = Deadline::after(Duration::from_secs(60), &Cancel::default());
    let node = Node::new().find(&deadline).map(|(node, _)| node);
    let asked = env::engines().is_some_and(|engines| engines.iter().any(|e| e == "node"));
    let trials = cheats.into_iter().flat_map(|cheat| match &node {
        Ok(node) => trials(node, cheat),
        Err(error) => {
            let why = format!(
                "{error}: {:?}",
                std::error::Error::source(error).map(ToString::to_string)
            );
            // Whoever asked for Node must not take its absence for a catch.
            let absent = move || {
                if asked {
                    Err(Failed::from(why))
                } else {
                    Ok(Completion::ignored_with(why))
                }
            };
            vec![Trial::ignorable_test(cheat.cheat, absent)]
        }
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    let (tried, caught) = (TRIED.load(Ordering::SeqCst), CAUGHT.load(Ordering::SeqCst));
    anstream::println!("{caught} of {tried} cheaters caught\n");
    conclusion.exit();
}

fn trials(node: &Path, cheat: Cheat) -> Vec<Trial> {
    let (caught, honest) = (cheat.clone(), cheat.clone());
    let (first, second) = (node.to_owned(), node.to_owned());
    let name = format!("{} is caught by {}", cheat.cheat, cheat.case);
    let control = format!(
        "{} lets the honest one pass, beside {}",
        cheat.case, cheat.cheat
    );
    vec![
        Trial::test(name, move || is_caught(&first, &caught)),
        Trial::test(control, move || passes(&second, &honest)),
    ]
}

/// The verdict of one case on one adapter, with the exit code.
fn judged(node: &Path, adapter: &str, case: &str) -> Result<(i32, Value), Failed> {
    let reports = tempfile::tempdir()?;
    let catalogue = modules::catalogue(&[], false).map_err(|failure| failure.error.to_string())?;
    let found = catalogue.cases.iter().find(|c| c.id == case);
    let found = found.ok_or_else(|| format!("there is no case `{case}`"))?;
    let stem = case.rsplit('/').next().unwrap_or(case);
    let stem = stem
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start_matches('-');
    let name = format!("adapter::module::{}::{stem}", found.case.spec);
    let script = root().join("fixtures/adapters/cheater.mjs");
    let output = Command::new(env!("CARGO_BIN_EXE_adamant"))
        .args([
            "run",
            "--adapter",
            &format!("{} {} {adapter}", node.display(), script.display()),
        ])
        .arg("--reports")
        .arg(reports.path())
        .args(["module", &name])
        .env_remove("ADAMANT_ENGINES")
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary =
        fs_err::read(reports.path().join("summary.json")).map_err(|e| format!("{e}\n{told}"))?;
    let summary: Value = serde_json::from_slice(&summary)?;
    let trials = summary["trials"].as_array().cloned().unwrap_or_default();
    let [trial] = trials.as_slice() else {
        return Err(format!("`{name}` chose {} trials\n{told}", trials.len()).into());
    };
    Ok((output.status.code().unwrap_or(-1), trial.clone()))
}

fn is_caught(node: &Path, cheat: &Cheat) -> Result<(), Failed> {
    TRIED.fetch_add(1, Ordering::SeqCst);
    let (code, trial) = judged(node, &cheat.cheat, &cheat.case)?;
    if code == 0 || trial["outcome"] == "passed" {
        return Err(format!("it passed, with exit code {code}: {trial}").into());
    }
    let wanted = Regex::new(&regex::escape(&cheat.finding))?;
    if wanted.is_match(&trial.to_string()) {
        CAUGHT.fetch_add(1, Ordering::SeqCst);
        Ok(())
    } else {
        Err(format!("nothing says `{}`: {trial:#}", cheat.finding).into())
    }
}

fn passes(node: &Path, cheat: &Cheat) -> Result<(), Failed> {
    let (_, trial) = judged(node, "honest", &cheat.case)?;
    // What it does not claim is skipped, and says so.
    if trial["outcome"] == "passed" || trial["kind"] == "not-claimed" {
        Ok(())
    } else {
        Err(format!("the honest adapter does not pass: {trial:#}").into())
    }
}
