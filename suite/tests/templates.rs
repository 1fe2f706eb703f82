//! `cargo test --test templates`: every module case through the adapter templates of JavaScript and Rust; each holds all that it
//! claims, but for the differences that `fixtures/adapters/templates.yaml` declares with a reason.

#[path = "support/modules.rs"]
mod modules_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use adamant::modules::{self, Plan};
use adamant_core::case::read;
use adamant_core::module::{Declared, ModuleCaseFile};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline, ModuleSession};
use adamant_core::{env, frontend};
use adamant_engines::module::Node;
use libtest_mimic::{Arguments, Trial};
use serde::Deserialize;

/// The templates, by the name that stands before their trials.
const JAVASCRIPT: &str = "template-js";
const RUST: &str = "template-rust";

/// A case that a template is known to fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differs {
    /// [`JAVASCRIPT`] or [`RUST`].
    template: String,
    /// The case's id.
    case: String,
    /// Why.
    reason: String,
}

fn root() -> PathBuf {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
    suite.parent().expect("suite/ is below the root").to_owned()
}

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads = args.test_threads.or(Some(frontend::default_threads()));
    let cancel = modules_support::cancel();
    let node = Node::new().find(&Deadline::after(Duration::from_secs(60), &cancel));
    let required = env::engines().is_some_and(|engines| engines.iter().any(|e| e == "node"));
    let script = root().join("fixtures/adapters/node.mjs");
    let commands = [
        (RUST, Ok(format!("'{}'", rust_template(&args).display()))),
        (
            JAVASCRIPT,
            node.map(|(node, _)| format!("'{}' '{}'", node.display(), script.display())),
        ),
    ];
    let (mut sessions, mut trials) = (Vec::new(), Vec::new());
    for (name, command) in commands {
        let (command, absent) = match command {
            Ok(command) => (command, None),
            // Whoever asked for Node must not take its absence for success.
            Err(error) if required => return judged_nothing(&text::causes(&error).join(": ")),
            Err(error) => ("node".to_owned(), Some(text::causes(&error).join(": "))),
        };
        let plan = named(modules_support::plan(Some(&command)), name, &args);
        if let Some(why) = absent {
            trials.extend(modules_support::ignored(plan.trials, &why));
        } else if args.list {
            trials.extend(plan.trials.iter().map(|t| Trial::test(&t.name, || Ok(()))));
        } else if !plan.trials.is_empty() {
            let session = start(plan, &command, name, &cancel);
            trials.extend(frontend::module_trials(&session, None));
            sessions.push((name, session));
        }
    }
    let conclusion = libtest_mimic::run(&args, trials);
    let chosen = args.filter.is_some() || !args.skip.is_empty() || args.list;
    for (name, session) in sessions {
        let session = Arc::into_inner(session).expect("every trial has ended");
        let (report, errors) = session.finish();
        assert!(errors.is_empty(), "{errors:?}");
        let totals = report.totals;
        anstream::println!("{name}: {totals:?}");
        if !chosen && totals.passed < 100 {
            return judged_nothing(&format!("{name} passes {} cases", totals.passed));
        }
    }
    conclusion.exit_code()
}

/// The template in Rust as an executable: an example of another package, which cargo builds for nobody's test.
fn rust_template(args: &Arguments) -> PathBuf {
    if args.list {
        return PathBuf::from("adapter");
    }
    let mut cargo = Command::new(env!("CARGO"));
    // With the features that `cargo test` of the whole workspace has: there it is built already.
    cargo.args(["build", "--locked", "--workspace", "--example", "adapter"]);
    cargo.arg("--message-format=json-render-diagnostics");
    // What cargo sets for a test would make it build V8 anew.
    cargo.env_remove("OUT_DIR").current_dir(root());
    let built = cargo.stderr(Stdio::inherit()).output();
    let built = built.expect("cargo starts");
    assert!(built.status.success(), "the template in Rust is not built");
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = messages
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let mut made = messages.filter_map(|m| m["executable"].as_str().map(PathBuf::from));
    made.next_back().expect("cargo names the executable")
}

fn judged_nothing(why: &str) -> ExitCode {
    anstream::eprintln!("the templates were not judged: {why}");
    ExitCode::FAILURE
}

fn start(plan: Plan, command: &str, name: &str, cancel: &Cancel) -> Arc<ModuleSession> {
    let area = format!("templates/{name}");
    let hosts = modules::hosts(&plan.engines, Some(command), None, cancel);
    let hosts = hosts.unwrap_or_else(|f| modules_support::fail(&f));
    modules_support::session(plan, hosts, &area, cancel)
}

/// The plan with the template's name in its trials, and with what it is known to fail.
fn named(mut plan: Plan, name: &str, args: &Arguments) -> Plan {
    let file = root().join("fixtures/adapters/templates.yaml");
    let all: Vec<Differs> = read(&file).expect("the differences can be read");
    let of = all.into_iter().filter(|d| d.template == name);
    let mut differs: BTreeMap<String, String> = of.map(|d| (d.case, d.reason)).collect();
    for trial in &mut plan.trials {
        trial.name = trial.name.replacen("adapter", name, 1);
        if let Some(reason) = differs.remove(&trial.case.id) {
            let mut case = ModuleCaseFile::clone(&trial.case);
            let engine = trial.engine.to_owned();
            case.case.expect_fail.push(Declared { engine, reason });
            trial.case = Arc::new(case);
        }
    }
    assert!(differs.is_empty(), "there are no cases {differs:?}");
    plan.trials.retain(|t| frontend::is_chosen(args, &t.name));
    plan
}
