//! The verb `adapter`: the reference runtime behind the adapter protocol, as any other runtime is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_core::module::wire::{
    self as wire, Answer, Capability, Chunk, Ended, Execute, File, FromAdapter, Mode, PROTOCOL,
    Ready, Stream, Thrown, ToAdapter, from_hex,
};
use adamant_isolate::confine::{self, Confinement, Policy};
use adamant_isolate::worker::Answers;
use adamant_isolate::{
    Action, CodeCache, Execution, Health, Isolate, Limits, Memory, Network, Outcome, Package,
    Request, Step, Terminal,
};
use adamant_modules::MemoryTree;

use super::network::{self, NetworkArgs};

/// How many modules' compiled code is kept.
const CACHED_MODULES: usize = 1000;

/// Answers until nobody asks any more.
pub(crate) fn serve(network: &NetworkArgs) -> Done {
    let wire = network.start()?;
    let answers = Answers::take().map_err(Failure::broken)?;
    let policy = Policy {
        readable: Vec::new(),
        limits: confine::Limits::default(),
    };
    let confinement = confine::apply(&policy).map_err(Failure::broken)?;
    let network = network::connect(wire)?;
    let mut runtime = Runtime {
        isolate: None,
        network,
        cache: Arc::new(CodeCache::new(CACHED_MODULES)),
    };
    let ready = FromAdapter::Ready(Ready {
        protocol: PROTOCOL,
        name: "adamant-isolate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capabilities: vec![
            Capability::Cjs,
            Capability::Esm,
            Capability::Handler,
            Capability::Limits,
            Capability::Memory,
            Capability::ReadOnly,
            Capability::GuestRoot,
            Capability::Metrics,
            Capability::InVm,
        ],
        tier: tier(&confinement),
    });
    let served = answers.serve_lines(&ready, |question: ToAdapter| {
        let ToAdapter::Execute(execute) = question;
        let answer = runtime.execute(&execute);
        FromAdapter::Answer(Box::new(
            answer.unwrap_or_else(|reason| Answer::ended(execute.id, Ended::Refused, reason)),
        ))
    });
    served.map_err(Failure::broken)?;
    Ok(exit::HELD)
}

/// Each execution is in a process that can be killed (3); with all walls of the kernel around it, 4.
fn tier(confinement: &Confinement) -> u8 {
    if confinement.is_whole() { 4 } else { 3 }
}

struct Runtime {
    isolate: Option<(Memory, Isolate)>,
    network: Option<Network>,
    cache: Arc<CodeCache>,
}

impl Runtime {
    fn execute(&mut self, execute: &Execute) -> Result<Answer, String> {
        let limits = &execute.request.limits;
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let memory = Memory {
            heap: bytes(limits.heap_bytes),
            off_heap: bytes(limits.off_heap_bytes),
        };
        let package = package(&execute.package)?;
        let (memory, mut isolate) = match self.isolate.take() {
            Some((old, isolate)) if old == memory => (memory, isolate),
            _ => {
                let isolate = Isolate::new(memory, Arc::clone(&self.cache));
                let isolate = isolate.map_err(|error| error.to_string())?;
                (memory, isolate.with_network(self.network.clone()))
            }
        };
        let execution = isolate
            .execute(&package, &request(execute))
            .map_err(|error| error.to_string())?;
        if execution.health == Health::Reusable {
            self.isolate = Some((memory, isolate));
        }
        let mut answer = answer(execute.id, execution);
        answer.metrics = self.metrics();
        Ok(answer)
    }

    fn metrics(&self) -> BTreeMap<String, f64> {
        let cache = self.cache.metrics();
        let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let numbers = [
            ("cache_hits", cache.hits),
            ("cache_misses", cache.misses),
            ("cache_evictions", cache.evictions),
            (
                "cache_entries",
                u64::try_from(cache.size).unwrap_or(u64::MAX),
            ),
            (
                "lost_isolates",
                u64::try_from(adamant_isolate::lost_isolates()).unwrap_or(u64::MAX),
            ),
        ];
        numbers
            .into_iter()
            .map(|(name, number)| (name.to_owned(), count(number)))
            .collect()
    }
}

fn package(package: &wire::Package) -> Result<Package, String> {
    let mut tree = MemoryTree::new();
    for (path, file) in &package.files {
        tree = match file {
            File::Text(text) => tree.file(path, text),
            File::Hex(hex) => {
                let bytes =
                    from_hex(hex).ok_or_else(|| format!("`{path}` is not in hex digits"))?;
                tree.file(path, bytes)
            }
            File::Link(target) => tree.symlink(path, target),
        };
    }
    Ok(Package {
        tree: Arc::new(tree),
        hash: package.hash.clone(),
        function_id: package.function.clone(),
    })
}

fn request(execute: &Execute) -> Request {
    let request = &execute.request;
    Request {
        entry: request.entry.clone(),
        mode: match request.mode {
            Mode::Cjs | Mode::Esm => adamant_isolate::Mode::Script,
            Mode::Handler => adamant_isolate::Mode::Handler,
        },
        argv: request.argv.clone(),
        env: request.env.clone(),
        stdin: request.stdin.clone().map(String::into_bytes),
        terminal: request.terminal.as_ref().map(terminal),
        request: request.request.clone(),
        // A case judges what an execution does by itself.
        load_ahead: false,
        limits: Limits {
            wall: Duration::from_millis(request.limits.wall_ms),
            output: usize::try_from(request.limits.output_bytes).unwrap_or(usize::MAX),
        },
    }
}

fn terminal(asked: &wire::Terminal) -> Terminal {
    let step = |step: &wire::Step| Step {
        after_ms: step.after_ms,
        action: match &step.action {
            wire::Action::Expect(text) => Action::Expect(text.clone()),
            wire::Action::Send(keys) => Action::Send(keys.clone().into_bytes()),
            wire::Action::Resize(columns, rows) => Action::Resize(*columns, *rows),
        },
    };
    Terminal {
        columns: asked.columns,
        rows: asked.rows,
        script: asked.script.iter().map(step).collect(),
    }
}

fn answer(id: u64, execution: Execution) -> Answer {
    let code = execution.exit_code();
    let (outcome, detail) = match &execution.outcome {
        Outcome::Returned | Outcome::Exited(0) => (Ended::Returned, String::new()),
        Outcome::Threw => (Ended::Threw, String::new()),
        Outcome::Exited(_) => (Ended::Exited, String::new()),
        Outcome::TimedOut => (Ended::TimedOut, String::new()),
        Outcome::OutOfMemory => (Ended::OutOfMemory, String::new()),
        Outcome::Lost(why) => (Ended::Lost, why.clone()),
        other => (Ended::Lost, format!("{other:?}")),
    };
    let mut answer = Answer::ended(id, outcome, detail);
    answer.exit_code = Some(code);
    answer.truncated = execution.output.cut;
    answer.output = Some(chunks(&execution));
    answer.error = execution.error.map(|e| Thrown {
        name: e.name,
        code: e.code,
        message: e.message,
        stack: e.stack,
    });
    answer.response = execution.response.map(|r| wire::Response {
        status: r.status,
        headers: r.headers,
        body: String::from_utf8_lossy(&r.body).into_owned(),
    });
    answer
}

/// Neighbouring chunks may cut a character in two, so each stream is one text when that happens.
fn chunks(execution: &Execution) -> Vec<Chunk> {
    let stream = |stream| match stream {
        adamant_isolate::Stream::Stdout => Stream::Stdout,
        adamant_isolate::Stream::Stderr => Stream::Stderr,
    };
    let parts = execution.output.chunks.iter();
    let whole: Option<Vec<Chunk>> = parts
        .map(|chunk| {
            let text = std::str::from_utf8(&chunk.bytes).ok()?.to_owned();
            Some(Chunk {
                stream: stream(chunk.stream),
                text,
            })
        })
        .collect();
    whole.unwrap_or_else(|| {
        [
            adamant_isolate::Stream::Stdout,
            adamant_isolate::Stream::Stderr,
        ]
        .map(|s| Chunk {
            stream: stream(s),
            text: execution.output.text(s),
        })
        .into()
    })
}
