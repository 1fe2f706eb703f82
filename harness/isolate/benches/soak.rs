//! Many executions in reused isolates: nothing may stay from one to the next, neither in the context nor in memory.
//! `cargo bench -p adamant-isolate --bench soak -- [EXECUTIONS | --seconds N]`, 10,000 executions unless told otherwise.
//!
//! Two isolates take turns. In each, an execution that leaves behind whatever a program can is followed by one that looks for it.
//! Memory: the resident set's lowest value in each window of executions (garbage comes and goes between collections), and the
//! line of least squares through those of the second half.

#[path = "support/load.rs"]
mod load;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_isolate::{CodeCache, Health, Isolate, Memory, Package, Request, Stream};
use adamant_modules::MemoryTree;
use load::load;

type Failure = Box<dyn std::error::Error>;

/// Executions per window.
const WINDOW: usize = 100;

/// The most that an execution may leave in memory, in bytes.
const ALLOWED: f64 = 1024.0;

const LEAVE: &str = "
const state = require('./state');
state.count++;
globalThis.left = new Array(1000).fill(state);
globalThis[Symbol.for('left')] = 1;
Array.prototype.left = Object.prototype.left = 2;
Math.random = () => 3;
JSON.parse = Promise.prototype.then = String.prototype.trim = () => 4;
process.env.LEFT = '5';
process.exitCode = 6;
require('path').left = require('fs').left = 7;
process.on('exit', () => { globalThis.late = 8; });
/(a)/.exec('a');
const { AsyncLocalStorage } = require('async_hooks');
new AsyncLocalStorage().enterWith(9);
setInterval(() => console.log('late'), 1);
setTimeout(() => console.log('late'), 1);
setImmediate(() => console.log('late'));
process.nextTick(() => console.log('late'));
Promise.resolve().constructor.resolve(10);
queueMicrotask(() => console.log('late'));
import('./late.mjs');
new FinalizationRegistry(() => console.log('late')).register({}, 0);
Buffer.alloc(10000, 'left');
process.exit(6);
";

const LOOK: &str = "
const seen = [
  require('./state').count, typeof left, typeof late, globalThis[Symbol.for('left')], [].left, {}.left, Math.random() === 3,
  JSON.parse('[11]')[0], ' a '.trim(), process.env.LEFT, process.exitCode, require('path').left, require('fs').left,
  process.listenerCount('exit'), RegExp.$1, Object.keys(require.cache).length, Buffer.allocUnsafe(64).some((byte) => byte !== 0),
  process.getActiveResourcesInfo().length,
];
Promise.resolve('then').then((text) => setTimeout(() => console.log(JSON.stringify([...seen, text])), 2));
";

/// What a program sees that nothing came before.
const CLEAN: &str = "[0,\"undefined\",\"undefined\",null,null,null,false,11,\"a\",null,null,null,null,0,\"\",2,false,0,\"then\"]\n";

enum Until {
    Executions(usize),
    Time(Duration),
}

fn main() -> Result<(), Failure> {
    let until = until()?;
    let cache = Arc::new(CodeCache::new(100));
    let mut isolates = [
        Isolate::new(Memory::default(), Arc::clone(&cache))?,
        Isolate::new(Memory::default(), Arc::clone(&cache))?,
    ];
    let leave = package("leave", LEAVE);
    let look = package("look", LOOK);
    let request = Request::default();
    let started = Instant::now();
    let mut executions = 0;
    let mut windows = Vec::new();
    let mut lowest = u64::MAX;
    loop {
        for isolate in &mut isolates {
            let left = isolate.execute(&leave, &request)?;
            let printed = left.output.text(Stream::Stdout);
            if left.exit_code() != 6 || left.health != Health::Reusable || !printed.is_empty() {
                return Err(format!("execution {executions} went wrong: {left:?}").into());
            }
            let seen = isolate.execute(&look, &request)?;
            if seen.output.text(Stream::Stdout) != CLEAN || seen.health != Health::Reusable {
                return Err(format!(
                    "execution {} sees what {executions} left: {seen:?}",
                    executions + 1
                )
                .into());
            }
            executions += 2;
            lowest = lowest.min(resident()?);
            if executions % WINDOW == 0 {
                windows.push(std::mem::replace(&mut lowest, u64::MAX));
            }
        }
        if match until {
            Until::Executions(count) => executions >= count,
            Until::Time(duration) => started.elapsed() >= duration,
        } {
            break;
        }
    }
    let second_half = windows.get(windows.len() / 2..).unwrap_or_default();
    let slope = slope(second_half);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{executions} executions in {:.1} s, none saw anything of another; load {}",
        started.elapsed().as_secs_f64(),
        load()
    )?;
    for (number, low) in windows
        .iter()
        .enumerate()
        .step_by((windows.len() / 10).max(1))
    {
        writeln!(
            out,
            "  after {:>6}: {:.1} MiB resident",
            (number + 1) * WINDOW,
            mebibytes(*low)
        )?;
    }
    writeln!(
        out,
        "resident memory grows {slope:.0} bytes an execution over the second half ({} windows of {WINDOW}); allowed: {ALLOWED:.0}",
        second_half.len()
    )?;
    if second_half.len() < 4 {
        return Err("too few executions to tell how memory grows".into());
    }
    if slope > ALLOWED {
        return Err("memory stays behind".into());
    }
    Ok(())
}

fn until() -> Result<Until, Failure> {
    let mut args = std::env::args().skip(1);
    let mut until = Until::Executions(10_000);
    while let Some(argument) = args.next() {
        if argument == "--seconds" {
            let seconds = args.next().ok_or("--seconds takes a number")?.parse()?;
            until = Until::Time(Duration::from_secs(seconds));
        } else if argument != "--bench" {
            until = Until::Executions(argument.parse()?);
        }
    }
    Ok(until)
}

fn package(name: &str, index: &str) -> Package {
    Package {
        tree: Arc::new(
            MemoryTree::new()
                .file("/index.js", index.as_bytes())
                .file("/state.js", b"exports.count = 0;")
                .file("/late.mjs", b"console.log('late');"),
        ),
        hash: name.to_owned(),
        function_id: "soak".to_owned(),
    }
}

/// Resident bytes of this process.
fn resident() -> Result<u64, Failure> {
    let text = fs_err::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).ok_or("no such column")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Bytes per execution, by least squares over the windows.
#[expect(clippy::cast_precision_loss, reason = "a regression")]
fn slope(windows: &[u64]) -> f64 {
    let count = windows.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = windows.iter().map(|low| *low as f64).sum::<f64>() / count;
    let mut above = 0.0;
    let mut below = 0.0;
    for (position, low) in windows.iter().enumerate() {
        let x = position as f64 - middle;
        above += x * (*low as f64 - mean);
        below += x * x;
    }
    above / below / WINDOW as f64
}
