//! Warm executions against a bare V8 context. `cargo bench -p adamant-isolate --bench warm -- [ROUNDS]`
//!
//! Each sample is one turn of a tight loop on one isolate, as its caller sees it: from before the request is built until the turn
//! after it may begin. The isolate makes the next context while the caller already has its answer; the next turn waits for that,
//! so every context that is used is inside a timed region, and so is keeping the code. Nothing runs in parallel.
//! The last line is what a caller waits who leaves the isolate a rest in between: there the next context is made in the pause.

#[path = "support/load.rs"]
mod load;
mod support;

#[path = "support/package.rs"]
mod package;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_isolate::{
    CodeCache, Execution, Health, Isolate, Memory, Mode, Outcome, Package, Request, Stream,
};
use adamant_modules::MemoryTree;
use load::load;
use support::{Samples, count};

type Failure = Box<dyn std::error::Error>;

/// Turns of one kind before the next kind has its turns: a round takes a few milliseconds, so all kinds see the same machine.
const TURNS: usize = 8;

fn main() -> Result<(), Failure> {
    let rounds = count(250);
    let before = load();
    let cache = Arc::new(CodeCache::new(1000));
    let mut isolate = Isolate::new(Memory::default(), Arc::clone(&cache))?;
    let mut bare = v8::Isolate::new(v8::CreateParams::default());

    let empty = Package {
        tree: Arc::new(MemoryTree::new().file("/index.js", b"")),
        hash: "empty".to_owned(),
        function_id: "bench".to_owned(),
    };
    let shop = Package {
        tree: Arc::new(package::files()),
        hash: "shop".to_owned(),
        function_id: "bench".to_owned(),
    };
    let handler = Request {
        mode: Mode::Handler,
        request: Some(package::request()),
        ..Request::default()
    };
    let script = Request::default();

    let mut figures = Figures::default();
    for round in 0..=rounds {
        // The first round warms up: it compiles what the others take from the cache.
        let mut warm_up = Figures::default();
        let kept = if round == 0 {
            &mut warm_up
        } else {
            &mut figures
        };
        for _ in 0..TURNS {
            kept.floor.push(bare_turn(&mut bare)?);
        }
        settled(&mut isolate, &empty, &script)?;
        for _ in 0..TURNS {
            let started = Instant::now();
            check(&isolate.execute(&empty, &script)?, "")?;
            kept.environment.push(started.elapsed());
        }
        settled(&mut isolate, &shop, &handler)?;
        for _ in 0..TURNS {
            let (took, guest) = function_turn(&mut isolate, &shop, &handler)?;
            kept.functions.push(took);
            kept.guest.push(guest);
        }
        for _ in 0..TURNS {
            rest();
            kept.rested
                .push(function_turn(&mut isolate, &shop, &handler)?.0);
        }
    }
    writeln!(
        std::io::stdout(),
        "{} samples of each, load {before} before and {} after",
        rounds * TURNS,
        load()
    )?;
    figures.print()?;
    writeln!(std::io::stdout(), "code cache: {:?}", cache.metrics())?;
    Ok(())
}

/// What the isolate has time for between two requests that do not follow on each other's heels.
const REST: Duration = Duration::from_millis(4);

/// A whole rest: a token that a channel left for this thread would end the first park at once.
fn rest() {
    let started = Instant::now();
    while let Some(left) = REST.checked_sub(started.elapsed()) {
        std::thread::park_timeout(left);
    }
}

#[derive(Default)]
struct Figures {
    floor: Samples,
    environment: Samples,
    functions: Samples,
    guest: Samples,
    rested: Samples,
}

impl Figures {
    fn print(&mut self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let base = self.floor.percentile(50);
        for (name, samples) in [
            ("bare V8 context and script", &mut self.floor),
            (
                "context with the environment, empty script",
                &mut self.environment,
            ),
            ("ten-file package with console and fs", &mut self.functions),
            (
                "  of that, guest code from entry to answer",
                &mut self.guest,
            ),
            (
                "the same after a rest: its context is ready",
                &mut self.rested,
            ),
        ] {
            let ratio = samples.percentile(50) / base;
            writeln!(out, "{name:<44} {}  {ratio:.2} x bare", samples.line())?;
        }
        Ok(())
    }
}

/// One answer of the handler: how long its caller waited, and how long guest code took of that.
fn function_turn(
    isolate: &mut Isolate,
    shop: &Package,
    handler: &Request,
) -> Result<(Duration, Duration), Failure> {
    let started = Instant::now();
    let execution = isolate.execute(shop, handler)?;
    let took = started.elapsed();
    check(&execution, package::PRINTED)?;
    let guest = execution.timings.run;
    let body = execution.response.map(|response| response.body);
    if body.as_deref() == Some(package::ANSWER.as_bytes()) {
        Ok((took, guest))
    } else {
        Err(format!("the handler answered {body:?}").into())
    }
}

/// One execution outside of the timed region, so that a kind does not pay for what the kind before it left to do.
fn settled(isolate: &mut Isolate, package: &Package, request: &Request) -> Result<(), Failure> {
    isolate.execute(package, request)?;
    Ok(())
}

/// The least that V8 does for a script in a context of its own.
fn bare_turn(isolate: &mut v8::OwnedIsolate) -> Result<Duration, Failure> {
    let started = Instant::now();
    let scope = &mut v8::HandleScope::new(isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let source = v8::String::new(scope, "1 + 1").ok_or("no string")?;
    let result = v8::Script::compile(scope, source, None)
        .and_then(|script| script.run(scope))
        .and_then(|value| value.int32_value(scope));
    if result == Some(2) {
        Ok(started.elapsed())
    } else {
        Err("V8 cannot add".into())
    }
}

/// A benchmark of something that does not work is worth nothing.
fn check(execution: &Execution, printed: &str) -> Result<(), Failure> {
    if execution.outcome != Outcome::Returned
        || execution.health != Health::Reusable
        || execution.output.text(Stream::Stdout) != printed
    {
        return Err(format!("it went wrong: {execution:?}").into());
    }
    Ok(())
}
