//! The first execution of a large package in a fresh isolate, from code cache and without, and the first answer of a new process, from
//! its parent's start-up snapshot and without. `cargo bench -p adamant-isolate --bench cold`
//!
//! The package is one megabyte of plain JavaScript that is generated here, always the same: classes, closures, tables and a
//! few of each that are used at load, as in a bundled library. Each sample has an isolate of its own, made outside of the timed region.

#[path = "support/load.rs"]
mod load;
mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_isolate::startup::{self, Startup};
use adamant_isolate::{CodeCache, Isolate, Memory, Outcome, Package, Request, Stream};
use adamant_modules::MemoryTree;
use load::load;
use support::{Samples, count};

type Failure = Box<dyn std::error::Error>;

/// The first argument of a process that starts an isolate and answers; the second is where its parent's snapshot is, if it gets one.
const CHILD: &str = "__child";

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == CHILD) {
        return child(args.get(1).map(Path::new));
    }
    let rounds = count(25);
    let before = load();
    let source = library(1 << 20)?;
    let package = Package {
        tree: Arc::new(
            MemoryTree::new()
                .file("/library.js", source.as_bytes())
                .file("/index.js", b"console.log(require('./library').checksum())"),
        ),
        hash: "1".to_owned(),
        function_id: "cold".to_owned(),
    };
    let warm = Arc::new(CodeCache::new(10));
    let (_, printed) = first(&package, &warm)?;
    // The code is kept when the answer is out already; the next execution comes after that.
    let mut without = Samples::default();
    let mut with = Samples::default();
    for _ in 0..rounds {
        for (cache, samples) in [
            (Arc::new(CodeCache::new(0)), &mut without),
            (Arc::clone(&warm), &mut with),
        ] {
            let (took, again) = first(&package, &cache)?;
            if again != printed {
                return Err(format!("it printed {again:?} instead of {printed:?}").into());
            }
            samples.push(took);
        }
    }
    let ratio = without.percentile(50) / with.percentile(50);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{rounds} samples of each, {} KiB of source, load {before} before and {} after",
        source.len() / 1024,
        load()
    )?;
    writeln!(out, "without code cache  {}", without.line())?;
    writeln!(
        out,
        "from code cache     {}  {ratio:.1} times faster",
        with.line()
    )?;
    writeln!(out, "code cache: {:?}", warm.metrics())?;
    let (mut own, mut handed) = processes(rounds)?;
    let ratio = own.percentile(50) / handed.percentile(50);
    writeln!(out, "process with a snapshot of its own     {}", own.line())?;
    writeln!(
        out,
        "process with the snapshot of its parent {}  {ratio:.1} times faster",
        handed.line()
    )?;
    Ok(())
}

/// From the start of a process to its end after one small execution, without and with its parent's snapshot.
fn processes(rounds: usize) -> Result<(Samples, Samples), Failure> {
    let startup = Startup::share()?;
    let path = startup.path();
    let (mut own, mut handed) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        for (snapshot, samples) in [(None, &mut own), (Some(&path), &mut handed)] {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(CHILD).args(snapshot);
            let started = Instant::now();
            let output = command.output()?;
            samples.push(started.elapsed());
            if output.stdout != b"42\n" {
                return Err(format!("a process went wrong: {output:?}").into());
            }
        }
    }
    Ok((own, handed))
}

/// One execution in a process that just started.
fn child(snapshot: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = snapshot
        && !startup::adopt(path)?
    {
        return Err("the snapshot is of another executable".into());
    }
    let package = Package {
        tree: Arc::new(MemoryTree::new().file("/index.js", b"console.log(42)")),
        hash: String::new(),
        function_id: String::new(),
    };
    let (_, printed) = first(&package, &Arc::new(CodeCache::new(0)))?;
    std::io::stdout().write_all(printed.as_bytes())?;
    Ok(())
}

/// The first execution in a new isolate, and what it printed.
fn first(package: &Package, cache: &Arc<CodeCache>) -> Result<(Duration, String), Failure> {
    let mut isolate = Isolate::new(Memory::default(), Arc::clone(cache))?;
    let started = Instant::now();
    let execution = isolate.execute(package, &Request::default())?;
    let took = started.elapsed();
    if execution.outcome != Outcome::Returned {
        return Err(format!("it went wrong: {execution:?}").into());
    }
    Ok((took, execution.output.text(Stream::Stdout)))
}

/// Source of at least `size` bytes. A module of it is used when the number in its name divides by eight, the others only define.
fn library(size: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(size + 4096);
    text.push_str("'use strict';\nconst modules = [];\n");
    let mut number = 0_u32;
    while text.len() < size {
        let seed = number.wrapping_mul(2_654_435_761) >> 8;
        write!(
            text,
            "modules.push((function module{number}(exports) {{
  const table{number} = {{ kind: 'node{number}', weight: {seed}, names: ['a{number}', 'b{number}', 'c{number}'] }};
  class Shape{number} {{
    constructor(width, height) {{ this.width = width; this.height = height; this.label = `shape ${{width}} x ${{height}}`; }}
    get area() {{ return this.width * this.height + table{number}.weight % {modulus}; }}
    scale(factor) {{ return new Shape{number}(this.width * factor, this.height * factor); }}
    static of(list) {{ return list.map(([width, height]) => new this(width, height)); }}
  }}
  function visit{number}(node, state) {{
    switch (node.type) {{
      case 'Literal': state.count += node.value; break;
      case 'Binary': visit{number}(node.left, state); visit{number}(node.right, state); break;
      case 'List': for (const item of node.items) {{ if (item !== null) {{ visit{number}(item, state); }} }} break;
      default: throw new TypeError(`module {number}: unknown node ${{node.type}}`);
    }}
    return state;
  }}
  exports.run = (depth) => {{
    let tree = {{ type: 'Literal', value: {seed} % 97 }};
    for (let i = 0; i < depth; i++) {{ tree = i % 2 ? {{ type: 'List', items: [tree, null] }} : {{ type: 'Binary', left: tree, right: {{ type: 'Literal', value: i }} }}; }}
    const areas = Shape{number}.of([[1, 2], [3, 4]]).map((shape) => shape.scale(2).area);
    return visit{number}(tree, {{ count: 0 }}).count + areas.reduce((sum, area) => sum + area, 0) + table{number}.names.length;
  }};
  return exports;
}})({{}}));\n",
            modulus = number % 13 + 1,
        )?;
        number += 1;
    }
    text.push_str(
        "exports.checksum = () => modules.filter((_, i) => i % 8 === 0).reduce((sum, module) => (sum * 31 + module.run(6)) % 1000003, 7);\n",
    );
    Ok(text)
}
