//! What an isolate does before it is asked: a handler cannot tell, but for the clock.
#![expect(
    clippy::unwrap_used,
    clippy::tests_outside_test_module,
    reason = "an integration test"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adamant_isolate::{
    CodeCache, Execution, Health, Isolate, Limits, Memory, Mode, Outcome, Package, Request, Stream,
};
use support::{isolate, script};

/// Mostly enough for one of these packages to be loaded.
const REST: Duration = Duration::from_millis(100);

fn rest(time: Duration) {
    let began = Instant::now();
    while let Some(left) = time.checked_sub(began.elapsed()) {
        std::thread::park_timeout(left);
    }
}

fn package(files: &[(&str, &str)]) -> Package {
    let names: Vec<&str> = files.iter().flat_map(|(_, text)| [*text]).collect();
    Package {
        hash: names.concat(),
        ..support::package(files)
    }
}

fn request(entry: &str) -> Request {
    Request {
        entry: entry.to_owned(),
        mode: Mode::Handler,
        request: Some(serde_json::json!({ "url": "/" })),
        load_ahead: true,
        limits: Limits {
            wall: Duration::from_secs(10),
            ..Limits::default()
        },
        ..Request::default()
    }
}

fn body(execution: &Execution) -> String {
    let response = execution.response.as_ref();
    let response = response.ok_or_else(|| format!("no answer: {execution:?}"));
    String::from_utf8(response.unwrap().body.clone()).unwrap()
}

fn milliseconds() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis()
}

/// Answers with the moment at which it was loaded, by its own clock.
const COMMON: (&str, &str) = (
    "/index.js",
    "const at = Date.now(); let calls = 0; module.exports = (req, res) => res.send(`${at} ${++calls}`);",
);
const MODULE: (&str, &str) = (
    "/index.mjs",
    "import { at } from './at.mjs'; let calls = 0; export default (req, res) => res.send(`${at} ${++calls}`);",
);
const AT: (&str, &str) = (
    "/at.mjs",
    "await null; export const at = await Promise.resolve(Date.now());",
);

/// Calls the same handler `times` times with a rest after each, and tells of each whether it was loaded before it was asked.
fn ahead(isolate: &mut Isolate, package: &Package, request: &Request, times: usize) -> Vec<bool> {
    let mut told = Vec::new();
    for _ in 0..times {
        let before = milliseconds();
        let execution = isolate.execute(package, request).unwrap();
        let text = body(&execution);
        let (at, calls) = text.split_once(' ').unwrap();
        // Each has its own modules all the same.
        assert_eq!(calls, "1", "{text}");
        told.push(at.parse::<u128>().unwrap() < before);
        rest(REST);
    }
    told
}

#[test]
fn a_handler_asked_for_twice_in_a_row_is_loaded_before_the_third_asks() {
    for (entry, files) in [
        ("/index.js", vec![COMMON]),
        ("/index.mjs", vec![MODULE, AT]),
    ] {
        let package = package(&files);
        let (mut isolate, asked) = (isolate(), request(entry));
        assert_eq!(ahead(&mut isolate, &package, &asked, 2), [false; 2]);
        assert!(soon(&mut isolate, &package, &asked), "{entry}");
    }
}

/// Whether it is loaded ahead once the machine finds the time.
fn soon(isolate: &mut Isolate, package: &Package, request: &Request) -> bool {
    (0..100).any(|_| ahead(isolate, package, request, 1) == [true])
}

#[test]
fn nothing_is_loaded_that_nobody_will_ask_for() {
    let shop = package(&[COMMON]);
    let mut quiet = request("/index.js");
    quiet.load_ahead = false;
    assert_eq!(ahead(&mut isolate(), &shop, &quiet, 4), [false; 4]);
    // Without a name nobody knows that it is the same package.
    let nameless = support::package(&[COMMON]);
    let asked = request("/index.js");
    assert_eq!(ahead(&mut isolate(), &nameless, &asked, 4), [false; 4]);
    // In turn with another one.
    let mut isolate = isolate();
    let other = package(&[(
        "/index.js",
        "module.exports = (req, res) => res.send('0 1');",
    )]);
    for _ in 0..3 {
        assert_eq!(ahead(&mut isolate, &shop, &asked, 1), [false]);
        isolate.execute(&other, &asked).unwrap();
    }
}

/// What was loaded for one is nothing for another: its variables, its arguments, its entry.
#[test]
fn what_was_loaded_is_used_for_the_same_only() {
    let package = package(&[
        (
            "/index.js",
            "const { GREETING } = process.env; const [, , ...argv] = process.argv;
            module.exports = (req, res) => res.send([__filename, GREETING, ...argv, req.query.n].join(' '));",
        ),
        ("/other.js", "module.exports = require('./index.js');"),
    ]);
    let mut isolate = isolate();
    let mut calls = 0;
    let mut ask = |request: &Request| {
        calls += 1;
        let mut request = request.clone();
        request.request = Some(serde_json::json!({ "url": format!("/?n={calls}") }));
        let text = body(&isolate.execute(&package, &request).unwrap());
        rest(REST);
        text
    };
    let mut asked = request("/index.js");
    for n in 1..=3 {
        assert_eq!(ask(&asked), format!("/index.js  {n}"));
    }
    asked.env = BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]);
    for n in 4..=6 {
        assert_eq!(ask(&asked), format!("/index.js hello {n}"));
    }
    asked.argv = vec!["--fast".to_owned()];
    for n in 7..=9 {
        assert_eq!(ask(&asked), format!("/index.js hello --fast {n}"));
    }
    asked.env.clear();
    assert_eq!(ask(&asked), "/index.js  --fast 10");
}

/// What modules do beside exporting a function, by the name that a failure shows.
const PACKAGES: &[(&str, &str)] = &[
    (
        "prints",
        "console.log('loading'); console.error('really'); process.stdout.write('x');",
    ),
    (
        "ticks",
        "process.nextTick(() => { module.exports.said = 'tick' }); process.nextTick(() => console.log('tick'));",
    ),
    (
        "microtasks",
        "Promise.resolve().then(() => { console.log('then') }).then(() => console.log('later'));",
    ),
    (
        "timer",
        "setTimeout(() => console.log('never'), 60_000).unref(); setTimeout(() => {}, 5);",
    ),
    ("immediate", "setImmediate(() => console.log('immediate'));"),
    (
        "file",
        "require('fs').readFile('/index.js', (error, text) => console.log('read', text.length > 1));",
    ),
    ("rejection", "Promise.reject(new Error('nobody'));"),
    (
        "handled later",
        "const p = Promise.reject(1); setImmediate(() => p.catch(() => {}));",
    ),
    (
        "throws",
        "console.log('before'); throw new TypeError('broken');",
    ),
    ("exits", "console.log('before'); process.exit(3);"),
    (
        "exit code",
        "process.exitCode = 4; process.on('exit', (code) => console.log('exit', code));",
    ),
    (
        "network",
        "fetch('http://127.0.0.1:1/').catch((error) => console.log(error.cause?.code ?? error.name));",
    ),
    (
        "old network",
        "require('http').get('http://127.0.0.1:1/').on('error', (error) => console.log(error.code));",
    ),
    ("warning", "process.emitWarning('careful');"),
    (
        "stdin",
        "process.stdin.on('data', () => {}).on('end', () => console.log('end of input'));",
    ),
    (
        "next import",
        "import('./next.mjs').then(({ next }) => console.log(next));",
    ),
    (
        "context",
        "new (require('async_hooks').AsyncLocalStorage)().enterWith({ a: 1 });",
    ),
    (
        "globals",
        "globalThis.calls = (globalThis.calls ?? 0) + 1; console.log(calls); Array.prototype.last = 1;",
    ),
    (
        "bad export",
        "Object.defineProperty(module, 'exports', { get() { console.log('got'); return { __esModule: true, get default() { console.log('default'); return () => {} } } } });",
    ),
    (
        "expression",
        "/(l)o/.test('loading'); console.log(RegExp.$1);",
    ),
];

/// Whether they can be loaded ahead or not, what they answer and print is the same with each call.
#[test]
fn a_guest_cannot_tell() {
    let send = "module.exports = (req, res) => res.send(String(module.exports.said)); module.exports.said = '-';";
    for (name, source) in PACKAGES {
        let files = [
            ("/index.js", &*format!("{send}\n{source}")),
            ("/next.mjs", "export const next = 'next';"),
        ];
        let package = package(&files);
        let mut first = None;
        for load_ahead in [false, true] {
            let mut isolate = isolate();
            for call in 0..4 {
                let mut asked = request("/index.js");
                asked.load_ahead = load_ahead;
                let execution = isolate.execute(&package, &asked).unwrap();
                let Execution {
                    outcome,
                    response,
                    error,
                    output,
                    health,
                    ..
                } = execution;
                let seen = (outcome, response, error, output, health);
                let expected = first.get_or_insert_with(|| seen.clone());
                assert_eq!(&seen, expected, "{name}, call {call}, {load_ahead}");
                rest(Duration::from_millis(30));
            }
        }
    }
}

/// What stands in the stack of an error does not depend on when its function was loaded.
/// V8 collects while it loads ahead, and what the evaluation left to microtasks still waits for the call of the handler.
#[test]
fn a_collection_runs_no_microtask() {
    let package = package(&[(
        "/index.js",
        "let ran = false;
         Promise.resolve().then(() => { ran = true; });
         for (let n = 0, all; n < 2e5; n++) all = { n, all: n % 100 ? all : undefined };
         module.exports = (req, res) => res.send(`${ran}`);",
    )]);
    let (mut isolate, asked) = (isolate(), request("/index.js"));
    for n in 0..40 {
        let execution = isolate.execute(&package, &asked).unwrap();
        assert_eq!(body(&execution), "false", "{n}");
        rest(REST / 2);
    }
}

#[test]
fn errors_look_the_same() {
    for (entry, source) in [
        (
            "/index.js",
            "module.exports = function handler() { throw new Error('no'); };",
        ),
        (
            "/index.mjs",
            "export default function handler() { throw new Error('no'); }",
        ),
    ] {
        let package = package(&[(entry, source)]);
        let mut isolate = isolate();
        let mut stacks = Vec::new();
        for _ in 0..3 {
            let execution = isolate.execute(&package, &request(entry)).unwrap();
            stacks.push(execution.error.unwrap().stack);
            rest(REST);
        }
        assert_eq!(stacks[0], stacks[2], "{entry}");
    }
}

/// A handler whose second call waits until its modules, loaded again, do something else than before.
fn turns_bad(after: Duration, then: &str) -> Package {
    let turn = milliseconds() + after.as_millis();
    package(&[(
        "/index.js",
        &format!(
            "if (Date.now() > {turn}) {{ {then} }}
            module.exports = (req, res) => {{ while (req.query.wait && Date.now() <= {turn}); res.send('good'); }};"
        ),
    )])
}

fn spoil(isolate: &mut Isolate, then: &str) -> Package {
    let package = turns_bad(Duration::from_millis(350), then);
    let mut asked = request("/index.js");
    assert_eq!(body(&isolate.execute(&package, &asked).unwrap()), "good");
    asked.request = Some(serde_json::json!({ "url": "/?wait=1" }));
    assert_eq!(body(&isolate.execute(&package, &asked).unwrap()), "good");
    package
}

/// How long somebody waits who asks for another package while `then` is loaded ahead; nothing where the machine was too busy for that.
fn meanwhile(isolate: &mut Isolate, then: &str) -> Option<(Execution, Duration)> {
    spoil(isolate, then);
    rest(REST);
    let other = package(&[COMMON]);
    let began = Instant::now();
    let execution = isolate.execute(&other, &request("/index.js")).unwrap();
    let took = began.elapsed();
    (took > 3 * REST).then_some((execution, took))
}

#[test]
fn modules_that_never_come_to_an_end_spoil_nothing() {
    let mut seen = (0..10).map(|_| {
        let mut isolate = isolate();
        let seen = meanwhile(&mut isolate, "for (;;);");
        seen.map(|seen| (isolate, seen))
    });
    let (mut isolate, (execution, took)) = seen.find_map(|seen| seen).unwrap();
    assert_eq!(execution.health, Health::Reusable);
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(!isolate.is_lost());
    // And the next one that can be loaded ahead is.
    let other = package(&[COMMON]);
    assert!(soon(&mut isolate, &other, &request("/index.js")));
}

#[test]
fn modules_that_fill_the_memory_spoil_nothing() {
    let memory = Memory {
        heap: 48 << 20,
        ..Memory::default()
    };
    let mut isolate = Isolate::new(memory, Arc::new(CodeCache::new(10))).unwrap();
    let fills = "const a = []; for (;;) a.push(new Array(1000));";
    let package = spoil(&mut isolate, fills);
    rest(Duration::from_secs(2));
    // It is told where somebody asks for it, as if nothing had been tried.
    let execution = isolate.execute(&package, &request("/index.js")).unwrap();
    assert_eq!(execution.outcome, Outcome::OutOfMemory, "{execution:?}");
    assert_eq!(execution.output.text(Stream::Stderr), "");
}

/// Of another package too: it is the isolate that is gone.
#[test]
fn an_abort_of_v8_is_told_to_who_asks_next() {
    let mut seen = (0..10).map(|_| {
        let mut isolate = isolate();
        let seen = meanwhile(&mut isolate, "Array(1e9).fill(0);");
        seen.map(|(execution, _)| (isolate, execution))
    });
    let (isolate, execution) = seen.find_map(|seen| seen).unwrap();
    // Not that it did not answer in time: who only waits finds that out by itself.
    assert!(
        matches!(&execution.outcome, Outcome::Lost(reason) if reason.starts_with("V8 ran out of memory in ")),
        "{execution:?}"
    );
    assert!(isolate.is_lost());
    let next = script(&[("/index.js", "console.log(1)")], "/index.js");
    assert_eq!(next.outcome, Outcome::Returned);
}

/// Whoever gives an isolate back does not wait for ever for what it does ahead.
#[test]
fn an_isolate_ends_in_the_midst_of_it() {
    let mut isolate = isolate();
    spoil(
        &mut isolate,
        "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);",
    );
    let began = Instant::now();
    drop(isolate);
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}
