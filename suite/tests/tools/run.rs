//! One run of a tool: the same files and words for both runtimes, each with what a fresh trial has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use adamant_core::env;
use adamant_core::module::wire::{Answer, Execute, File, Limits, Mode, Package, Request, Terminal};
use adamant_core::module::{Executed, HostPlan, ModuleHost, Seed};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::module::{Adapter, Node};

use super::form::{MOCK, NONCE, Run, Tool};
use super::judge::{Seen, judge};
use super::mock::Mock;
use super::packages::{self, NoPackages};

/// Our executable with V8; naming it makes cargo build it.
const ISOLATE: &str = env!("CARGO_BIN_EXE_adamant-isolate");
/// What one run may take; none takes a tenth of it on a machine that does nothing else.
const WALL: Duration = Duration::from_secs(60);
/// Beside that, until a runtime has started, taken the files and answered.
const PATIENCE: Duration = Duration::from_secs(30);
const OUTPUT_BYTES: u64 = 16 << 20;
const OFF_HEAP_BYTES: u64 = 256 << 20;

/// What all trials share.
#[derive(Debug)]
pub(crate) struct Bench {
    cancel: Cancel,
    node: OnceLock<Result<Node, String>>,
}

/// What came of a trial.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Both tell the same, and the tool ran inside.
    Holds,
    /// It could not be tried here, for this reason.
    Unjudged(String),
    /// The findings, or why there is no answer.
    Wrong(String),
}

impl Bench {
    pub(crate) fn new(cancel: Cancel) -> Self {
        Self {
            cancel,
            node: OnceLock::new(),
        }
    }

    /// Runs and judges one of the tool's runs.
    pub(crate) fn try_out(&self, tool: &Tool, index: usize) -> Verdict {
        let node = match self.node.get_or_init(|| super::node(&self.cancel)) {
            Ok(node) => node,
            Err(why) => return Verdict::Unjudged(why.clone()),
        };
        let found = packages::provide(tool).and_then(|place| packages::files(tool, &place));
        let (files, commands) = match found {
            Ok(found) => found,
            Err(NoPackages::OutOfReach(why)) => return Verdict::Unjudged(why),
            Err(NoPackages::Wrong(why)) => return Verdict::Wrong(why),
        };
        let run = &tool.runs[index];
        let word = format!("n{}", Seed::random());
        let package = Package {
            function: tool.name.clone(),
            hash: word.clone(),
            files,
        };
        let mock = match run.mock.then(Mock::start).transpose() {
            Ok(mock) => mock,
            Err(error) => return Verdict::Wrong(format!("nobody can listen on loopback: {error}")),
        };
        let address = mock.as_ref().map(Mock::host);
        let asked = || mock.as_ref().map(Mock::asked);
        let mut isolate = Adapter::isolate(Path::new(ISOLATE));
        if let Some(address) = &address {
            isolate = isolate.granting(address);
        }
        let pair = plan(tool, run, package, commands, &word, address.as_deref()).and_then(|plan| {
            let inside = (self.execute(&isolate, &plan)?, asked());
            let oracle = match run.refused {
                None => Some(self.execute(node, &plan)?),
                Some(_) => None,
            };
            Ok((plan, inside, (oracle, asked())))
        });
        let (plan, (inside, asked_inside), (oracle, asked_oracle)) = match pair {
            Ok(pair) => pair,
            Err(why) => return Verdict::Wrong(why),
        };
        let oracle_answer = oracle.as_ref().and_then(answer);
        let Some(inside_answer) = answer(&inside) else {
            return Verdict::Wrong("the isolate gave no answer".to_owned());
        };
        if oracle.is_some() && oracle_answer.is_none() {
            return Verdict::Wrong("Node gave no answer".to_owned());
        }
        judge(&Seen {
            run,
            isolate: inside_answer,
            node: oracle_answer,
            sight: &inside.sight,
            word: &word,
            shows_word: tool.nonce.shows_in == run.name,
            decoy_says: &plan.decoy_says,
            asked: asked_inside.zip(asked_oracle),
        })
    }

    fn execute(&self, host: &dyn ModuleHost, plan: &HostPlan) -> Result<Executed, String> {
        let patience = (WALL + PATIENCE * 2).mul_f64(env::timeout_scale().max(1.0));
        host.execute(plan, &Deadline::after(patience, &self.cancel))
            .map_err(|error| {
                let why = text::causes(&error).join(": ");
                format!("`{}` could not be asked: {why}", host.name())
            })
    }
}

fn answer(executed: &Executed) -> Option<&Answer> {
    executed.answers.first().map(|answered| &answered.answer)
}

/// A person who knows that a busy machine needs more time between two keys.
fn unhurried(mut terminal: Terminal) -> Terminal {
    let scale = env::timeout_scale().max(1.0);
    for step in &mut terminal.script {
        let pause = Duration::from_millis(step.after_ms).mul_f64(scale);
        step.after_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    }
    terminal
}

/// What both runtimes are asked.
fn plan(
    tool: &Tool,
    run: &Run,
    mut package: Package,
    decoys: Vec<String>,
    word: &str,
    mock: Option<&str>,
) -> Result<HostPlan, String> {
    let nonce = &tool.nonce;
    let Some(File::Text(text)) = package.files.get_mut(&nonce.file) else {
        return Err(format!(
            "`{}` has no text file `{}` to change",
            tool.name, nonce.file
        ));
    };
    let times = text.matches(&nonce.find).count();
    if times != 1 {
        return Err(format!(
            "`{}` stands {times} times in `{}`; the change needs a text that stands there once",
            nonce.find, nonce.file
        ));
    }
    *text = text.replace(&nonce.find, &nonce.put.replace(NONCE, word));
    let filled = |text: &str| {
        text.replace(MOCK, mock.unwrap_or_default())
            .replace(NONCE, word)
    };
    for (path, text) in tool.files.iter().chain(&run.files) {
        package.files.insert(path.clone(), File::Text(filled(text)));
    }
    let mut env: BTreeMap<String, String> = run
        .env
        .iter()
        .map(|(name, value)| (name.clone(), filled(value)))
        .collect();
    // Relative, so that both have the same one: nothing of the host's user may be read.
    env.entry("HOME".to_owned())
        .or_insert_with(|| "no-home".to_owned());
    let execute = Execute {
        id: 1,
        package,
        request: Request {
            entry: run.entry.clone(),
            mode: if run.entry.ends_with(".mjs") {
                Mode::Esm
            } else {
                Mode::Cjs
            },
            argv: run.argv.clone(),
            env,
            stdin: run.stdin.clone(),
            terminal: run.terminal.clone().map(unhurried),
            request: None,
            limits: Limits {
                wall_ms: u64::try_from(WALL.as_millis()).unwrap_or(u64::MAX),
                heap_bytes: tool.heap_mib << 20,
                off_heap_bytes: OFF_HEAP_BYTES,
                output_bytes: OUTPUT_BYTES,
            },
        },
    };
    Ok(HostPlan {
        name: format!("{}::{}", tool.name, run.name),
        executions: vec![execute],
        decoys,
        decoy_says: format!("a decoy on the host ran: {word}"),
        canary: None,
        patience: PATIENCE.mul_f64(env::timeout_scale().max(1.0)),
        linger: Duration::ZERO,
    })
}
