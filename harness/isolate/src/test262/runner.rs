//! Runs tests one after the other in a warm isolate, each run in realms of its own.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_modules::{Options, Resolver, Tree};

use super::front_matter::{Flag, FrontMatter, Phase};
use super::host::{self, Host};
use super::verdict::{Mode, Verdict};
use crate::control::{self, Control, Stop};
use crate::error::EngineError;
use crate::memory::{self, Budget, HeapGuard, Memory};
use crate::native::memory::Reservations;
use crate::native::string;
use crate::{builtins, esm, platform, report, run, snapshot};

/// How long one run of a test may take.
const WALL: Duration = Duration::from_secs(10);

/// What the loader and the harness share between runs.
pub(super) struct Runner {
    tree: Arc<dyn Tree>,
    resolver: Arc<Resolver>,
    wall: Duration,
    /// Made when it is needed: V8 wants the one before to be gone by then.
    engine: Option<Engine>,
}

/// A warm isolate. The scripts go before the isolate they belong to, the guard after it.
struct Engine {
    /// Harness files that were compiled, by name.
    harness: HashMap<String, v8::Global<v8::UnboundScript>>,
    isolate: v8::OwnedIsolate,
    guard: Box<HeapGuard>,
}

/// Why a run did not do what its test demands.
enum Failure {
    /// The test says so.
    Test(String),
    /// The harness is not as a test needs it.
    Harness(String),
}

impl Runner {
    /// Starts V8. Whatever makes an isolate unusable ends this process, and whoever supervises it sees that.
    pub(super) fn new(tree: Arc<dyn Tree>) -> Result<Self, EngineError> {
        platform::start();
        memory::on_loss(Some(Box::new(|_location| std::process::abort())));
        let options = Options {
            builtins: builtins::all(),
            ..Options::default()
        };
        let resolver = Arc::new(Resolver::new(Arc::clone(&tree), options));
        Ok(Self {
            tree,
            resolver,
            wall: WALL,
            engine: Some(Engine::new()?),
        })
    }

    /// Runs a test in all the modes that it asks for; how many that were, and what came of it.
    pub(super) fn test(&mut self, path: &str) -> (u32, Verdict, Vec<String>) {
        let source = match self.read(&format!("/{path}")) {
            Ok(source) => source,
            Err(reason) => return (0, Verdict::Unreadable { reason }, Vec::new()),
        };
        let matter = match FrontMatter::parse(&source) {
            Ok(matter) => matter,
            Err(reason) => return (0, Verdict::Unreadable { reason }, Vec::new()),
        };
        let mut runs = 0;
        for mode in modes(&matter) {
            runs += 1;
            match self.run(&format!("/{path}"), &source, &matter, *mode) {
                Ok(()) => {}
                Err(Failure::Test(reason)) => {
                    return (
                        runs,
                        Verdict::Failed {
                            mode: *mode,
                            reason,
                        },
                        matter.features,
                    );
                }
                Err(Failure::Harness(reason)) => {
                    return (runs, Verdict::Unreadable { reason }, matter.features);
                }
            }
        }
        (runs, Verdict::Passed, matter.features)
    }

    fn read(&self, path: &str) -> Result<String, String> {
        match self.tree.read(path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => Err(format!("cannot read `{path}`: {error}")),
        }
    }

    fn run(
        &mut self,
        path: &str,
        source: &str,
        matter: &FrontMatter,
        mode: Mode,
    ) -> Result<(), Failure> {
        let scripts = self.harness(matter)?;
        let control = Arc::new(Control::default());
        let wall = self.wall;
        let (tree, resolver) = (Arc::clone(&self.tree), Arc::clone(&self.resolver));
        let Engine { isolate, guard, .. } = self.engine()?;
        guard.watch(Some(Arc::clone(&control)));
        let deadline = Instant::now() + wall;
        let watch = control::watch(deadline, isolate.thread_safe_handle(), Arc::clone(&control));
        isolate.set_allow_atomics_wait(!matter.has(Flag::CanBlockIsFalse));
        let host = Host::new(tree, resolver, path);
        isolate.set_slot(Rc::clone(&host));
        let ended = {
            let scope = &mut v8::HandleScope::new(isolate);
            let ended = match host.realm(scope) {
                Some(context) => {
                    let scope = &mut v8::ContextScope::new(scope, context);
                    let run = Run {
                        path,
                        source,
                        matter,
                        mode,
                        host: &host,
                        control: &control,
                    };
                    run.complete(scope, &scripts)
                }
                None => Err(Failure::Harness(
                    "the environment could not be made".to_owned(),
                )),
            };
            host.clear(scope);
            ended
        };
        drop(watch);
        guard.watch(None);
        match control.stopped() {
            None => ended,
            Some(stop) => {
                // What was stopped by force may have left something behind.
                drop(scripts);
                self.engine = None;
                Err(Failure::Test(match stop {
                    Stop::TimedOut => format!("it did not end within {} s", wall.as_secs()),
                    Stop::OutOfMemory => "it ran out of memory".to_owned(),
                    Stop::Exited(code) => format!("it ended the process with code {code}"),
                }))
            }
        }
    }

    fn engine(&mut self) -> Result<&mut Engine, Failure> {
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::new().map_err(|error| Failure::Harness(error.to_string()))?,
        };
        Ok(self.engine.insert(engine))
    }

    /// The harness files of a test, compiled.
    fn harness(
        &mut self,
        matter: &FrontMatter,
    ) -> Result<Vec<v8::Global<v8::UnboundScript>>, Failure> {
        if matter.has(Flag::Raw) {
            return Ok(Vec::new());
        }
        let done = matter.has(Flag::Async).then_some("doneprintHandle.js");
        let names = ["assert.js", "sta.js"].into_iter().chain(done);
        let names = names.chain(matter.includes.iter().map(String::as_str));
        names.map(|name| self.harness_file(name)).collect()
    }

    fn harness_file(&mut self, name: &str) -> Result<v8::Global<v8::UnboundScript>, Failure> {
        if let Some(script) = self.engine()?.harness.get(name) {
            return Ok(script.clone());
        }
        let path = format!("/harness/{name}");
        let text = self.read(&path).map_err(Failure::Harness)?;
        let engine = self.engine()?;
        let scope = &mut v8::HandleScope::new(&mut engine.isolate);
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let scope = &mut v8::ContextScope::new(scope, context);
        let scope = &mut v8::TryCatch::new(scope);
        let text = string(scope, &text);
        let Some(script) = host::compile(scope, text, &path) else {
            let error = describe(scope).text;
            return Err(Failure::Harness(format!("`{path}` is no script: {error}")));
        };
        let script = script.get_unbound_script(scope);
        let script = v8::Global::new(scope, script);
        engine.harness.insert(name.to_owned(), script.clone());
        Ok(script)
    }
}

impl Engine {
    fn new() -> Result<Self, EngineError> {
        let limits = Memory::default();
        let budget = Budget::new(limits.off_heap);
        let parameters = snapshot::loader_parameters()?
            .heap_limits(0, limits.heap)
            .array_buffer_allocator(memory::allocator(Arc::clone(&budget)).make_shared());
        let mut isolate = v8::Isolate::new(parameters);
        let guard = Box::new(HeapGuard::new(isolate.thread_safe_handle()));
        isolate.set_slot(Reservations::new(budget));
        run::install(&mut isolate, &guard);
        Ok(Self {
            harness: HashMap::new(),
            isolate,
            guard,
        })
    }
}

fn modes(matter: &FrontMatter) -> &'static [Mode] {
    if matter.has(Flag::Module) {
        &[Mode::Module]
    } else if matter.has(Flag::Raw) || matter.has(Flag::NoStrict) {
        &[Mode::Sloppy]
    } else if matter.has(Flag::OnlyStrict) {
        &[Mode::Strict]
    } else {
        &[Mode::Sloppy, Mode::Strict]
    }
}

/// One run of a test.
struct Run<'a> {
    path: &'a str,
    source: &'a str,
    matter: &'a FrontMatter,
    mode: Mode,
    host: &'a Rc<Host>,
    control: &'a Control,
}

/// Where and with what a test threw.
struct Thrown {
    /// The name of the error's constructor.
    name: Option<String>,
    text: String,
}

type Stage = Result<(), (Phase, Thrown)>;

impl Run<'_> {
    fn complete(
        &self,
        scope: &mut v8::HandleScope<'_>,
        scripts: &[v8::Global<v8::UnboundScript>],
    ) -> Result<(), Failure> {
        let scope = &mut v8::TryCatch::new(scope);
        for script in scripts {
            let script = v8::Local::new(scope, script).bind_to_current_context(scope);
            if script.run(scope).is_none() {
                return Err(Failure::Harness(format!(
                    "the harness threw {}",
                    describe(scope).text
                )));
            }
        }
        let stage = match self.mode {
            Mode::Module => self.module(scope),
            Mode::Sloppy => self.script(scope, self.source),
            Mode::Strict => self.script(scope, &format!("\"use strict\";\n{}", self.source)),
        };
        self.judge(stage).map_err(Failure::Test)
    }

    fn script(&self, scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>, source: &str) -> Stage {
        let text = string(scope, source);
        let Some(script) = host::compile(scope, text, self.path) else {
            return Err((Phase::Parse, describe(scope)));
        };
        if script.run(scope).is_none() {
            return Err((Phase::Runtime, describe(scope)));
        }
        self.settle(scope);
        Ok(())
    }

    fn module(&self, scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>) -> Stage {
        let Some(module) = esm::staged::load(scope, self.path) else {
            return Err((Phase::Parse, describe(scope)));
        };
        if esm::staged::link(scope, module).is_none() {
            return Err((Phase::Resolution, describe(scope)));
        }
        let Some(promise) = esm::staged::evaluate(scope, module) else {
            return Err((Phase::Runtime, describe(scope)));
        };
        self.settle(scope);
        match promise.state() {
            v8::PromiseState::Fulfilled => Ok(()),
            v8::PromiseState::Rejected => {
                let error = promise.result(scope);
                Err((Phase::Runtime, thrown(scope, error)))
            }
            // One that is over when it prints may leave its promise open.
            v8::PromiseState::Pending if self.matter.has(Flag::Async) => Ok(()),
            v8::PromiseState::Pending => {
                let text = "the module's evaluation never settled".to_owned();
                Err((Phase::Runtime, Thrown { name: None, text }))
            }
        }
    }

    /// Runs microtasks, deferred callbacks and V8's tasks until nothing is left.
    fn settle(&self, scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>) {
        loop {
            scope.perform_microtask_checkpoint();
            if self.control.stopped().is_some() {
                return;
            }
            let deferred = self.host.take_deferred();
            let none = deferred.is_empty();
            for (context, callback) in deferred {
                let context = v8::Local::new(scope, context);
                let scope = &mut v8::ContextScope::new(scope, context);
                let scope = &mut v8::TryCatch::new(scope);
                let callback = v8::Local::new(scope, callback);
                let undefined = v8::undefined(scope).into();
                // What it throws has gone to the promise it works for.
                let _done = callback.call(scope, undefined, &[]);
                scope.perform_microtask_checkpoint();
            }
            if none && !v8::Platform::pump_message_loop(platform::start(), scope, false) {
                return;
            }
        }
    }

    fn judge(&self, stage: Stage) -> Result<(), String> {
        match (&self.matter.negative, stage) {
            (None, Err((phase, thrown))) => Err(format!("{} ({})", thrown.text, phase.name())),
            (Some(negative), Err((phase, thrown))) => {
                if phase == negative.phase && thrown.name.as_deref() == Some(&*negative.name) {
                    return Ok(());
                }
                Err(format!(
                    "expected a {} ({}), got {} ({})",
                    negative.name,
                    negative.phase.name(),
                    thrown.text,
                    phase.name()
                ))
            }
            (Some(negative), Ok(())) => Err(format!(
                "expected a {} ({}), but nothing was thrown",
                negative.name,
                negative.phase.name()
            )),
            (None, Ok(())) if self.matter.has(Flag::Async) => self.judge_printed(),
            (None, Ok(())) => Ok(()),
        }
    }

    fn judge_printed(&self) -> Result<(), String> {
        let printed = self.host.printed();
        if let Some(failure) = printed
            .iter()
            .find_map(|line| line.strip_prefix("Test262:AsyncTestFailure:"))
        {
            return Err(failure.to_owned());
        }
        if printed
            .iter()
            .any(|line| line == "Test262:AsyncTestComplete")
        {
            return Ok(());
        }
        Err("it never said that it was complete".to_owned())
    }
}

/// The exception that is pending.
fn describe(scope: &mut v8::TryCatch<'_, v8::HandleScope<'_>>) -> Thrown {
    let Some(error) = scope.exception() else {
        return Thrown {
            name: None,
            text: "a failure without an error".to_owned(),
        };
    };
    scope.reset();
    thrown(scope, error)
}

fn thrown(scope: &mut v8::HandleScope<'_>, error: v8::Local<'_, v8::Value>) -> Thrown {
    let scope = &mut v8::TryCatch::new(scope);
    let name = v8::Local::<v8::Object>::try_from(error)
        .ok()
        .and_then(|error| {
            let key = string(scope, "constructor");
            let constructor: v8::Local<'_, v8::Object> =
                error.get(scope, key.into())?.try_into().ok()?;
            let key = string(scope, "name");
            Some(
                constructor
                    .get(scope, key.into())?
                    .to_rust_string_lossy(scope),
            )
        });
    scope.reset();
    Thrown {
        name,
        text: report::text(scope, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adamant_modules::MemoryTree;

    fn test(runner: &mut Runner, name: &str) -> Verdict {
        runner.test(name).1
    }

    #[test]
    fn a_test_that_does_not_end_is_stopped_and_the_next_one_runs() {
        let text = |flags: &str, text: &str| format!("/*---\nflags: [{flags}]\n---*/\n{text}");
        let tree = MemoryTree::new()
            .file("/package.json", r#"{"type":"module"}"#)
            .file("/loop.js", text("raw", "for (;;);"))
            .file(
                "/microtasks.js",
                text("raw", "(function f() { Promise.resolve().then(f); })();"),
            )
            .file(
                "/memory.js",
                text(
                    "raw",
                    "const all = []; for (;;) all.push([1, 2, 3, all.length]);",
                ),
            )
            .file("/fine.js", text("module, raw", "export default await 1;"))
            .file("/plain.js", "0;");
        let mut runner = Runner::new(Arc::new(tree)).unwrap();
        runner.wall = Duration::from_secs(1);
        for name in ["loop.js", "microtasks.js"] {
            let Verdict::Failed { reason, .. } = test(&mut runner, name) else {
                panic!("`{name}`")
            };
            assert!(reason.contains("did not end within 1 s"), "{reason}");
            assert_eq!(test(&mut runner, "fine.js"), Verdict::Passed);
        }
        runner.wall = WALL;
        let Verdict::Failed { reason, .. } = test(&mut runner, "memory.js") else {
            panic!()
        };
        assert!(reason.contains("out of memory"), "{reason}");
        assert_eq!(test(&mut runner, "fine.js"), Verdict::Passed);
        for name in ["plain.js", "absent.js"] {
            assert!(matches!(
                test(&mut runner, name),
                Verdict::Unreadable { .. }
            ));
        }
    }
}
