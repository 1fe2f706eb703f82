//! Containment: clocks, memory, output, exits, and what an isolate is good for afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::tests_outside_test_module,
    reason = "an integration test"
)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_isolate::{
    Action, CodeCache, Execution, Health, Isolate, Limits, Memory, Mode, Outcome, Request, Step,
    Stream, Terminal,
};
use support::{isolate, package, script};

/// Runs a script in `isolate` with this many milliseconds.
fn timed(isolate: &mut Isolate, source: &str, milliseconds: u64) -> Execution {
    let limits = Limits {
        wall: Duration::from_millis(milliseconds),
        ..Limits::default()
    };
    let request = Request {
        limits,
        ..Request::default()
    };
    isolate
        .execute(&package(&[("/index.js", source)]), &request)
        .unwrap()
}

fn stdout(execution: &Execution) -> String {
    execution.output.text(Stream::Stdout)
}

#[test]
fn prints_and_returns() {
    let execution = script(
        &[("/index.js", "console.log('a', 1); console.error('b');")],
        "/index.js",
    );
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
    assert_eq!(stdout(&execution), "a 1\n");
    assert_eq!(execution.output.text(Stream::Stderr), "b\n");
    assert_eq!(execution.health, Health::Reusable);
}

/// V8 asks for more room while its heap is full of what is dead: more often the busier the machine.
#[test]
fn garbage_of_earlier_executions_is_not_memory_in_use() {
    let leaves =
        "globalThis.garbage = Array.from({ length: 1e5 }, (_, i) => ({ i })); console.log('ran');";
    let busy: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let memory = Memory {
                    heap: 64 << 20,
                    ..Memory::default()
                };
                let mut isolate = Isolate::new(memory, Arc::new(CodeCache::new(1))).unwrap();
                for execution in 0..100 {
                    let ended = timed(&mut isolate, leaves, 20_000);
                    assert_eq!(ended.outcome, Outcome::Returned, "execution {execution}");
                }
            })
        })
        .collect();
    for thread in busy {
        thread.join().unwrap();
    }
}

#[test]
fn the_wall_clock_covers_everything() {
    let storms = [
        ("loop", "for(;;);"),
        ("allocating loop", "let k;for(;;){k=new Array(1000)}"),
        ("finally", "for(;;){try{for(;;);}finally{continue}}"),
        ("promises", "(async () => { for(;;) await null })()"),
        ("never", "setInterval(() => {}, 1000)"),
        ("ticks", "const f = () => process.nextTick(f); f()"),
        ("immediates", "const f = () => setImmediate(f); f()"),
        ("microtasks", "const f = () => queueMicrotask(f); f()"),
        ("regular expression", "/^(a+)+$/.test('a'.repeat(40) + 'b')"),
        (
            "atomics",
            "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)",
        ),
        ("exit listener", "process.on('exit', () => { for(;;); })"),
        (
            "getter of the thrown",
            "throw { get message() { for(;;); } }",
        ),
    ];
    for (name, source) in storms {
        let started = Instant::now();
        let execution = timed(&mut isolate(), source, 250);
        let took = started.elapsed();
        assert_eq!(
            execution.outcome,
            Outcome::TimedOut,
            "{name}: {execution:?}"
        );
        assert_eq!(
            execution.error.unwrap().message,
            "Function execution timeout (250ms)",
            "{name}"
        );
        assert_eq!(execution.health, Health::Corrupted, "{name}");
        assert!(
            took >= Duration::from_millis(250),
            "{name} ended after {took:?}"
        );
        assert!(took < Duration::from_millis(2000), "{name} took {took:?}");
    }
}

#[test]
fn output_before_the_deadline_is_kept() {
    let execution = timed(&mut isolate(), "console.log('before'); for(;;);", 200);
    assert_eq!(stdout(&execution), "before\n");
}

#[test]
fn a_stopped_isolate_runs_again_without_the_old_termination() {
    let mut isolate = isolate();
    assert_eq!(
        timed(&mut isolate, "for(;;);", 100).outcome,
        Outcome::TimedOut
    );
    let next = timed(&mut isolate, "console.log('alive')", 5000);
    assert_eq!(next.outcome, Outcome::Returned, "{next:?}");
    assert_eq!(stdout(&next), "alive\n");
}

#[test]
fn exit_is_final() {
    let mut isolate = isolate();
    let source = "try { process.exit(7) } finally { console.log('never') } console.log('never');";
    let execution = timed(&mut isolate, source, 5000);
    assert_eq!(execution.outcome, Outcome::Exited(7), "{execution:?}");
    assert_eq!(stdout(&execution), "");
    assert_eq!(execution.health, Health::Reusable);
    // Neither its microtasks nor its listeners reach the next tenant.
    let source = "Promise.resolve().then(() => console.log('late')); setTimeout(() => console.log('late'), 1); process.exit()";
    assert_eq!(timed(&mut isolate, source, 5000).outcome, Outcome::Returned);
    let next = timed(
        &mut isolate,
        "setTimeout(() => console.log('clean'), 20)",
        5000,
    );
    assert_eq!(stdout(&next), "clean\n");
}

#[test]
fn not_one_instruction_runs_after_exit() {
    // A builtin that never ends by itself; all that its call needs is at hand, so nothing looks for a termination on the way.
    let source =
        "const exit = process.reallyExit, { apply } = Reflect, { includes } = Array.prototype;
        const endless = { length: 2 ** 53 - 1 }, one = [1];
        exit(3); apply(includes, endless, one);";
    let execution = timed(&mut isolate(), source, 2000);
    assert_eq!(execution.outcome, Outcome::Exited(3), "{execution:?}");
    assert_eq!(execution.health, Health::Reusable);
}

#[test]
fn exit_code_is_kept() {
    let execution = script(&[("/index.js", "process.exitCode = 3")], "/index.js");
    assert_eq!(execution.outcome, Outcome::Exited(3), "{execution:?}");
}

/// A handler that left nothing behind ends in one call; what one left is done all the same.
#[test]
fn a_handler_comes_to_its_end_with_what_it_left() {
    let cases = [
        ("", Outcome::Returned, ""),
        (
            "setImmediate(() => console.log('immediate'));",
            Outcome::Returned,
            "immediate\n",
        ),
        (
            "process.nextTick(() => console.log('tick')); Promise.resolve().then(() => console.log('then'));",
            Outcome::Returned,
            "tick\nthen\n",
        ),
        (
            "require('fs').stat(__filename, () => console.log('looked'));",
            Outcome::Returned,
            "looked\n",
        ),
        (
            "process.on('exit', (code) => { console.log('exit', code); Promise.resolve().then(() => console.log('then')); });",
            Outcome::Returned,
            "exit 0\nthen\n",
        ),
        (
            "process.on('exit', () => { process.nextTick(() => console.log('never')); setImmediate(() => console.log('never')); });",
            Outcome::Returned,
            "",
        ),
        ("process.exitCode = 3;", Outcome::Exited(3), ""),
        (
            "process.on('exit', () => { process.exitCode = 4; });",
            Outcome::Exited(4),
            "",
        ),
        (
            "process.on('exit', () => { throw new Error('late'); });",
            Outcome::Threw,
            "",
        ),
        (
            "process.on('uncaughtException', (error) => console.log(error.message)); process.on('exit', () => { throw new Error('late'); });",
            Outcome::Returned,
            "late\n",
        ),
        (
            "process.emit = (name) => console.log('told', name);",
            Outcome::Returned,
            "told exit\n",
        ),
    ];
    let mut isolate = isolate();
    for (leaves, outcome, printed) in cases {
        let source = format!(
            "module.exports = (request, response) => {{ {leaves} response.end('done'); }};"
        );
        let request = Request {
            mode: Mode::Handler,
            ..Request::default()
        };
        let package = package(&[("/index.js", source.as_str())]);
        let execution = isolate.execute(&package, &request).unwrap();
        assert_eq!(execution.outcome, outcome, "{leaves}: {execution:?}");
        assert_eq!(stdout(&execution), printed, "{leaves}: {execution:?}");
        let answered = execution.response.map(|response| response.body);
        let threw = outcome == Outcome::Threw;
        assert_eq!(answered, (!threw).then(|| b"done".to_vec()), "{leaves}");
    }
}

#[test]
fn nothing_stays_between_executions() {
    let mut isolate = isolate();
    let dirty = "globalThis.left = 1; Array.prototype.left = 2; Object.prototype.left = 3; Math.random = () => 4;
        process.env.LEFT = '5'; require('path').left = 6; process.on('exit', () => {}); RegExp('(a)').exec('a');
        require('module').left = 7;";
    let dirtied = timed(&mut isolate, dirty, 5000);
    assert_eq!(dirtied.outcome, Outcome::Returned, "{dirtied:?}");
    let look = "console.log(typeof left, [].left, {}.left, Math.random() === 4, process.env.LEFT, require('path').left,
        process.listenerCount('exit'), RegExp.$1, require('module').left, Object.keys(require.cache).length)";
    let seen = timed(&mut isolate, look, 5000);
    assert_eq!(
        stdout(&seen),
        "undefined undefined undefined false undefined undefined 0  undefined 1\n",
        "{seen:?}"
    );
}

/// What a context calls before anybody waits for it is a module that is loaded, a line that is printed, an answer that is given.
#[test]
fn nothing_shows_of_what_a_context_did_before() {
    let look = "const Module = require('module');
        console.log(Object.keys(Module._extensions), Object.keys(Module._cache), Object.keys(Module._pathCache));
        console.log(module.children, process.mainModule === module, [RegExp.$1, RegExp.lastMatch, RegExp.input]);
        console.log(process.listenerCount('error'), process.exitCode, Object.keys(globalThis).includes('rehearse'));";
    let seen = timed(&mut isolate(), look, 5000);
    assert_eq!(
        stdout(&seen),
        "[ '.js', '.json', '.node' ] [ '/index.js' ] []\n[] true [ '', '', '' ]\n0 undefined false\n",
        "{seen:?}"
    );
}

#[test]
fn the_heap_is_limited() {
    let bombs = [
        "let a=[];for(;;)a.push(new Array(1000))",
        "let s='x';for(;;)s+=s+JSON.stringify(s).slice(0, 1 << 20)",
        "const m=new Map();for(let i=0;;i++)m.set(i,{i})",
        "const f=[];for(;;)f.push(new Function('return '+f.length))",
    ];
    for bomb in bombs {
        let memory = Memory {
            heap: 48 << 20,
            ..Memory::default()
        };
        let mut isolate = Isolate::new(memory, Arc::new(CodeCache::new(0))).unwrap();
        let execution = timed(&mut isolate, bomb, 20_000);
        // A string that V8 refuses to make is an error of the guest's.
        assert!(
            matches!(execution.outcome, Outcome::OutOfMemory | Outcome::Threw),
            "{bomb}: {execution:?}"
        );
    }
}

#[test]
fn an_abort_of_v8_loses_the_isolate_but_not_the_process() {
    let before = adamant_isolate::lost_isolates();
    let mut isolate = isolate();
    let execution = timed(
        &mut isolate,
        "console.log('kept'); Array(1e9).fill(0)",
        20_000,
    );
    assert!(
        matches!(execution.outcome, Outcome::Lost(_)),
        "{execution:?}"
    );
    assert_eq!(stdout(&execution), "kept\n");
    assert!(isolate.is_lost());
    assert!(adamant_isolate::lost_isolates() > before);
    let next = script(&[("/index.js", "console.log(1)")], "/index.js");
    assert_eq!(next.outcome, Outcome::Returned);
}

#[test]
fn a_builtin_that_ignores_termination_loses_the_isolate() {
    let mut isolate = isolate();
    let started = Instant::now();
    let source = "Array.prototype.includes.call({length: 2**53 - 1}, 1)";
    let execution = timed(&mut isolate, source, 200);
    assert!(
        matches!(execution.outcome, Outcome::Lost(_)),
        "{execution:?}"
    );
    // Two seconds of the processor, which it shares with the other tests.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn memory_outside_the_heap_is_limited() {
    let bombs = [
        (
            "buffers",
            "const a=[];for(let i=0;i<40;i++)a.push(new Uint8Array(50<<20).fill(1))",
        ),
        (
            "resizable",
            "const a=[];for(let i=0;i<20;i++){const b=new ArrayBuffer(1,{maxByteLength:100<<20});b.resize(100<<20);new Uint8Array(b).fill(1);a.push(b)}",
        ),
        (
            "growable",
            "const a=[];for(let i=0;i<20;i++){const b=new SharedArrayBuffer(1,{maxByteLength:100<<20});b.grow(100<<20);new Uint8Array(b).fill(1);a.push(b)}",
        ),
        (
            "wasm",
            "const a=[];for(let i=0;i<60;i++)a.push(new WebAssembly.Memory({initial:1000}))",
        ),
        (
            "wasm grow",
            "const m=new WebAssembly.Memory({initial:1,maximum:60000});for(let i=0;i<60;i++)m.grow(1000)",
        ),
        (
            "wasm shared",
            "const a=[];for(let i=0;i<20;i++)a.push(new WebAssembly.Memory({initial:1000,maximum:1000,shared:true}))",
        ),
        (
            "wasm declared",
            "const m=new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,5,4,1,0,0xe8,7,7,5,1,1,109,2,0]));
             const a=[];for(let i=0;i<60;i++){const x=new WebAssembly.Instance(m);new Uint8Array(x.exports.m.buffer).fill(1);a.push(x)}",
        ),
        (
            "escape by constructor",
            "const C=new Uint8Array(1).buffer.constructor;const a=[];for(let i=0;i<20;i++)a.push(new C(1,{maxByteLength:100<<20}))",
        ),
    ];
    for (name, bomb) in bombs {
        let execution = timed(
            &mut isolate(),
            &format!("{bomb}\nconsole.log('not refused')"),
            20_000,
        );
        assert_ne!(stdout(&execution), "not refused\n", "{name}");
        let name_of = execution
            .error
            .as_ref()
            .and_then(|error| error.name.clone());
        assert!(
            execution.outcome == Outcome::OutOfMemory || name_of.as_deref() == Some("RangeError"),
            "{name}: {execution:?}"
        );
    }
}

#[test]
fn memory_comes_back_when_it_is_garbage() {
    let source = "for(let i=0;i<40;i++) new Uint8Array(50<<20); for(let i=0;i<40;i++) new ArrayBuffer(1,{maxByteLength:50<<20}); console.log('ok')";
    let execution = timed(&mut isolate(), source, 20_000);
    assert_eq!(stdout(&execution), "ok\n", "{execution:?}");
}

#[test]
fn wrapped_constructors_look_like_the_originals() {
    let source = "const b = new ArrayBuffer(8, {maxByteLength: 16}); b.resize(12);
        console.log(ArrayBuffer.name, ArrayBuffer.length, b.byteLength, b.constructor === ArrayBuffer, b instanceof ArrayBuffer,
          ArrayBuffer.isView(new Uint8Array(1)), b.slice(2).byteLength, String(ArrayBuffer), Object.keys(ArrayBuffer).length);
        class Sub extends ArrayBuffer {} console.log(new Sub(4) instanceof Sub, new Sub(4).slice(1) instanceof Sub, new Sub(4).byteLength);
        try { ArrayBuffer(1) } catch (e) { console.log(e.name, e.message) }
        try { new ArrayBuffer(-1) } catch (e) { console.log(e.name, e.message) }
        console.log(SharedArrayBuffer.name, SharedArrayBuffer.length, new SharedArrayBuffer(8).byteLength, structuredClone(new ArrayBuffer(3)).byteLength);
        console.log(WebAssembly.Memory.name, WebAssembly.Memory.length, new WebAssembly.Memory({initial: 1}).buffer.byteLength, new WebAssembly.Memory({initial: 1}).grow(1))";
    let execution = script(&[("/index.js", source)], "/index.js");
    assert_eq!(
        stdout(&execution),
        "ArrayBuffer 1 12 true true true 10 function () { [native code] } 0\ntrue true 4\n\
         TypeError Constructor ArrayBuffer requires 'new'\nRangeError Invalid array buffer length\n\
         SharedArrayBuffer 1 8 3\nMemory 1 65536 1\n",
        "{execution:?}"
    );
}

#[test]
fn output_is_bounded_and_marked() {
    let request = Request {
        limits: Limits {
            output: 1000,
            ..Limits::default()
        },
        ..Request::default()
    };
    let source = "for (let i = 0; i < 100000; i++) console.log('line ' + i); console.error('x'.repeat(1 << 22))";
    let execution = isolate()
        .execute(&package(&[("/index.js", source)]), &request)
        .unwrap();
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
    assert!(execution.output.cut);
    let bytes: usize = execution
        .output
        .chunks
        .iter()
        .map(|chunk| chunk.bytes.len())
        .sum();
    assert_eq!(bytes, 1000);
    assert!(stdout(&execution).starts_with("line 0\nline 1\n"));
}

#[test]
fn deep_recursion_is_an_error_of_the_guest() {
    let source = "const f = (n) => f(n + 1) + 1; try { f(0) } catch (e) { console.log(e.name) }
        try { JSON.parse('['.repeat(1e6)) } catch (e) { console.log(e.name) }
        try { new Function('['.repeat(1e5)) } catch (e) { console.log(e.name) }";
    let execution = script(&[("/index.js", source)], "/index.js");
    assert_eq!(
        stdout(&execution),
        "RangeError\nSyntaxError\nRangeError\n",
        "{execution:?}"
    );
}

#[test]
fn webassembly_runs_also_asynchronously() {
    let source = "const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,42,11]);
        WebAssembly.instantiate(bytes).then(({ instance }) => console.log(instance.exports.f()));";
    let execution = script(&[("/index.js", source)], "/index.js");
    assert_eq!(stdout(&execution), "42\n", "{execution:?}");
    assert_eq!(execution.health, Health::Reusable);
}

/// Runs a script on a terminal whose user does this.
fn on_terminal(isolate: &mut Isolate, source: &str, script: Vec<Action>) -> Execution {
    let script = script.into_iter().map(|action| Step {
        after_ms: 0,
        action,
    });
    let request = Request {
        terminal: Some(Terminal {
            script: script.collect(),
            ..Terminal::default()
        }),
        limits: Limits {
            wall: Duration::from_secs(2),
            ..Limits::default()
        },
        ..Request::default()
    };
    isolate
        .execute(&package(&[("/index.js", source)]), &request)
        .unwrap()
}

#[test]
fn a_terminal_belongs_to_one_execution() {
    let mut isolate = isolate();
    let source = "const { stdin } = process; console.log(stdin.isTTY, process.stdout.isTTY);
        if (stdin.isTTY) { stdin.setRawMode(true); stdin.once('data', (d) => { console.log(String(d)); process.exit(0); }); }";
    let user = vec![
        Action::Pattern("true \\w+".to_owned()),
        Action::Send(b"x".to_vec()),
    ];
    let execution = on_terminal(&mut isolate, source, user);
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
    assert_eq!(stdout(&execution), "true true\r\nx\r\n");
    let execution = timed(&mut isolate, source, 2000);
    assert_eq!(stdout(&execution), "undefined undefined\n");
}

#[test]
fn nobody_at_the_terminal_is_waited_for_until_the_wall() {
    let mut isolate = isolate();
    let source = "process.stdin.on('data', () => {}); console.error('waiting');";
    let waited = Action::Expect("never shown".to_owned());
    let execution = on_terminal(&mut isolate, source, vec![waited]);
    assert_eq!(execution.outcome, Outcome::TimedOut, "{execution:?}");
    assert_eq!(stdout(&execution), "waiting\r\n");
    // What does not read does not wait, whatever the user would still do.
    let typed = Action::Send(b"x".to_vec());
    let execution = on_terminal(&mut support::isolate(), "process.stdin.isTTY", vec![typed]);
    assert_eq!(execution.outcome, Outcome::Returned, "{execution:?}");
}

#[test]
fn a_pattern_that_is_none_is_refused_before_anything_runs() {
    let request = Request {
        terminal: Some(Terminal {
            script: vec![Step {
                after_ms: 0,
                action: Action::Pattern("(".to_owned()),
            }],
            ..Terminal::default()
        }),
        ..Request::default()
    };
    let files = [("/index.js", "")];
    let refused = isolate().execute(&package(&files), &request).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "failed to read a pattern in the script of the terminal"
    );
}
