//! A template: a runtime behind the adapter protocol of module cases, in Rust. Copy it and put your runtime where ours is.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use adamant_isolate::{
    CodeCache, Execution, Isolate, Limits, Memory, Outcome, Package, Request, Stream,
};
use adamant_modules::MemoryTree;
use serde_json::{Value, json};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "{}",
        json!({ "ready": { "protocol": 1, "name": "template", "version": "0", "capabilities": ["cjs", "esm", "limits", "memory", "read-only", "guest-root"], "tier": 1 } })
    )?;
    for line in std::io::stdin().lock().lines() {
        let execute = &serde_json::from_str::<Value>(&line?)?["execute"];
        let answer = answer(&execute["id"], &run(execute)?);
        writeln!(stdout, "{}", json!({ "answer": answer }))?;
    }
    Ok(())
}

/// A new isolate for each execution: nothing can stay behind.
fn run(execute: &Value) -> Result<Execution, Box<dyn std::error::Error>> {
    let (files, request) = (&execute["package"]["files"], &execute["request"]);
    let mut tree = MemoryTree::new();
    for (path, file) in files.as_object().into_iter().flatten() {
        tree = match (
            file["text"].as_str(),
            file["link"].as_str(),
            file["hex"].as_str(),
        ) {
            (Some(text), ..) => tree.file(path, text),
            (_, Some(target), _) => tree.symlink(path, target),
            (.., hex) => tree.file(path, bytes(hex.unwrap_or_default())),
        };
    }
    let package = Package {
        tree: Arc::new(tree),
        hash: String::new(),
        function_id: String::new(),
    };
    let limits = &request["limits"];
    let bytes = |name: &str| {
        limits[name]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(64 << 20)
    };
    let memory = Memory {
        heap: bytes("heap_bytes"),
        off_heap: bytes("off_heap_bytes"),
    };
    let request = Request {
        entry: serde_json::from_value(request["entry"].clone())?,
        argv: serde_json::from_value(request["argv"].clone())?,
        env: serde_json::from_value(request["env"].clone())?,
        stdin: request["stdin"]
            .as_str()
            .map(|text| text.as_bytes().to_vec()),
        limits: Limits {
            wall: Duration::from_millis(limits["wall_ms"].as_u64().unwrap_or(10_000)),
            output: bytes("output_bytes"),
        },
        ..Request::default()
    };
    Ok(Isolate::new(memory, Arc::new(CodeCache::new(0)))?.execute(&package, &request)?)
}

fn answer(id: &Value, execution: &Execution) -> Value {
    let outcome = match &execution.outcome {
        Outcome::Returned | Outcome::Exited(0) => "returned",
        Outcome::Threw => "threw",
        Outcome::Exited(_) => "exited",
        Outcome::TimedOut => "timed-out",
        Outcome::OutOfMemory => "out-of-memory",
        _ => "lost",
    };
    let output = [("stdout", Stream::Stdout), ("stderr", Stream::Stderr)];
    let output = output
        .map(|(name, stream)| json!({ "stream": name, "text": execution.output.text(stream) }));
    json!({ "id": id, "outcome": outcome, "exit_code": execution.exit_code(), "output": output, "truncated": execution.output.cut, "error": execution.error })
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
