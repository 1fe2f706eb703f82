//! Runs every script under `tests/terminal/` with the user of `<name>.json` at its terminal, and compares what that shows, byte for
//! byte, with what a real one showed when Node 24 ran the script: `<name>.out`, which `oracle.py` writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use adamant_isolate::{CodeCache, Isolate, Memory, Package, Request, Stream, Terminal};
use adamant_modules::DirectoryTree;
use libtest_mimic::{Arguments, Failed, Trial};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    argv: Vec<String>,
    terminal: Terminal,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal");
    let mut scenarios: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("the scripts can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    scenarios.sort();
    let trials = scenarios
        .into_iter()
        .map(|scenario| {
            let name = scenario.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("terminal::{name}");
            Trial::test(name, move || run(&scenario))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(file: &Path) -> Result<(), Failed> {
    let expected = std::fs::read_to_string(file.with_extension("out"))?;
    let scenario: Scenario = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let package = Package {
        tree: Arc::new(DirectoryTree::open(
            file.parent().expect("the scripts have a folder"),
        )?),
        hash: String::new(),
        function_id: "terminal".to_owned(),
    };
    let request = Request {
        entry: format!("/{stem}.cjs"),
        argv: scenario.argv,
        env: scenario.env,
        terminal: Some(scenario.terminal),
        ..Request::default()
    };
    let mut isolate = Isolate::new(Memory::default(), Arc::new(CodeCache::new(0)))?;
    let execution = isolate.execute(&package, &request)?;
    let shown = execution.output.text(Stream::Stdout);
    let seen = format!("{shown}\n[exit {}]\n", execution.exit_code());
    if seen == expected {
        return Ok(());
    }
    Err(format!(
        "- Node, + ours\n- {expected:?}\n+ {seen:?}\n{:?} {:?}",
        execution.outcome, execution.error
    )
    .into())
}
