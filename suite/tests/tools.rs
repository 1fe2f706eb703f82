//! `cargo test --test tools`: real command-line tools of npm in our isolates and on Node 24, which must tell the same.

#[path = "tools/form.rs"]
mod form;
#[path = "tools/judge.rs"]
mod judge;
#[path = "tools/mock.rs"]
mod mock;
#[path = "tools/packages.rs"]
mod packages;
#[path = "tools/run.rs"]
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adamant::signal;
use adamant_core::case::read;
use adamant_core::env;
use adamant_core::frontend;
use adamant_core::module::ModuleHost as _;
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::module::Node;
use form::Tool;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use run::{Bench, Verdict};

/// How long Node may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(20);

fn tools() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("suite/ is below the root")
        .join("fixtures/tools")
}

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = args.test_threads.or(Some(frontend::default_threads()));
    let cancel = Cancel::default();
    if !args.list {
        signal::watch(&cancel).expect("signals can be watched");
    }
    let asked = env::engines().is_some_and(|engines| engines.iter().any(|e| e == "node"));
    let bench = Arc::new(Bench::new(cancel));
    let mut trials = judge::controls();
    for dir in folders() {
        let file = dir.join("tool.yaml");
        // A file that cannot be read must not hide the others.
        match read::<Tool>(&file)
            .map_err(|e| text::causes(&e).join(": "))
            .and_then(|tool| tool.checked(&dir))
        {
            Ok(tool) => trials.extend(of(&Arc::new(tool), &bench, asked)),
            Err(why) => trials.push(Trial::test(format!("tools::{}", name(&dir)), move || {
                Err(Failed::from(why))
            })),
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn folders() -> Vec<PathBuf> {
    let entries = fs_err::read_dir(tools()).expect("fixtures/tools can be read");
    let mut dirs: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    dirs.sort();
    assert!(!dirs.is_empty(), "there is no tool");
    dirs
}

fn name(dir: &Path) -> String {
    dir.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A trial for each run of a tool.
fn of(tool: &Arc<Tool>, bench: &Arc<Bench>, asked: bool) -> Vec<Trial> {
    let one = |index: usize| {
        let (tool, bench) = (Arc::clone(tool), Arc::clone(bench));
        let name = format!("tools::{}::{}", tool.name, tool.runs[index].name);
        Trial::ignorable_test(name, move || match bench.try_out(&tool, index) {
            Verdict::Holds => Ok(Completion::Completed),
            // Whoever asked for Node, as CI does, must not take its absence, or npm's, for a pass.
            Verdict::Unjudged(why) if !asked => Ok(Completion::ignored_with(why)),
            Verdict::Unjudged(why) | Verdict::Wrong(why) => Err(why.into()),
        })
    };
    (0..tool.runs.len()).map(one).collect()
}

/// Node 24, or why it is not here.
fn node(cancel: &Cancel) -> Result<Node, String> {
    let node = Node::new();
    let deadline = Deadline::after(PATIENCE.mul_f64(env::timeout_scale()), cancel);
    node.describe(&deadline)
        .map(|_| ())
        .map_err(|e| text::causes(&e).join(": "))?;
    Ok(node)
}
