//! A developer's door: runs a package as `node` would. `cargo run -p adamant-isolate --example run -- [--heap MIB] [--terminal SCRIPT.json] [--env NAME=VALUE]… DIR entry.js args…`

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use adamant_isolate::{CodeCache, Isolate, Limits, Memory, Package, Request, Stream};
use adamant_modules::DirectoryTree;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).peekable();
    let mut memory = Memory::default();
    let mut env = BTreeMap::new();
    let mut terminal = None;
    while let Some(option) = args.next_if(|word| word.starts_with("--")) {
        let value = args.next().ok_or("an option needs its value")?;
        match (option.as_str(), value.split_once('=')) {
            ("--terminal", _) => {
                terminal = Some(serde_json::from_str(&std::fs::read_to_string(&value)?)?);
            }
            ("--heap", _) => memory.heap = value.parse::<usize>()? << 20,
            ("--env", Some((name, value))) => {
                env.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(format!("`{option} {value}` is no option").into()),
        }
    }
    let (Some(directory), Some(entry)) = (args.next(), args.next()) else {
        return Err(
            "usage: run [--heap MIB] [--terminal SCRIPT.json] [--env NAME=VALUE]… DIR ENTRY [ARG]…"
                .into(),
        );
    };
    let package = Package {
        tree: Arc::new(DirectoryTree::open(directory.as_ref())?),
        hash: String::new(),
        function_id: "run".to_owned(),
    };
    let request = Request {
        entry: format!("/{}", entry.trim_start_matches('/')),
        argv: args.collect(),
        env,
        terminal,
        limits: Limits {
            output: 64 << 20,
            ..Limits::default()
        },
        ..Request::default()
    };
    let mut isolate = Isolate::new(memory, Arc::new(CodeCache::new(0)))?;
    let execution = isolate.execute(&package, &request)?;
    for chunk in &execution.output.chunks {
        match chunk.stream {
            Stream::Stdout => std::io::stdout().write_all(&chunk.bytes)?,
            Stream::Stderr => std::io::stderr().write_all(&chunk.bytes)?,
        }
    }
    if !matches!(execution.outcome, adamant_isolate::Outcome::Returned) {
        writeln!(std::io::stderr(), "[{:?}]", execution.outcome)?;
    }
    Ok(ExitCode::from(u8::try_from(execution.exit_code() & 0xff)?))
}
