//! What a module trial leaves that did not pass: everything that another machine needs to see it again.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::host::{Executed, HostDescription};
use super::plan::{Prepared, Seed};
use super::wire::{File, ToAdapter, from_hex};

/// A package above this size stands in its execution's line alone.
const UNPACKED_MOST: usize = 4 << 20;

/// A file of a trial's evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Below the trial's folder.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The bundle: the case as it was in this run, each execution as a line of the adapter protocol, its package unpacked, what
/// was answered, who answered, and the seed.
#[must_use]
pub fn bundle(
    prepared: &Prepared,
    host: &HostDescription,
    seed: Seed,
    case_text: &str,
    executed: Option<&Executed>,
) -> Vec<BundleFile> {
    let mut files = Vec::new();
    let mut put = |path: String, bytes: Vec<u8>| {
        files.push(BundleFile {
            path: Path::new("bundle").join(path),
            bytes,
        });
    };
    put("case.yaml".into(), case_text.as_bytes().to_vec());
    let sight = executed.map(|e| &e.sight);
    let who = json!({ "engine": host, "seed": seed.to_string(), "nonce": prepared.nonce, "seen_from_outside": sight });
    put("run.json".into(), pretty(&who));
    for execution in &prepared.plan.executions {
        let id = execution.id;
        let line = ToAdapter::Execute(Box::new(execution.clone()));
        let mut line = serde_json::to_vec(&line).expect("an execution is plain data");
        line.push(b'\n');
        let small = line.len() <= UNPACKED_MOST;
        put(format!("execution-{id}.jsonl"), line);
        for (path, file) in execution.package.files.iter().filter(|_| small) {
            let bytes = match file {
                File::Text(text) => text.clone().into_bytes(),
                File::Hex(hex) => from_hex(hex).unwrap_or_default(),
                // Links stand in the execution's line: one that leads out of the bundle must not be made here.
                File::Link(_) => continue,
            };
            put(format!("package-{id}{path}"), bytes);
        }
    }
    for answered in executed.iter().flat_map(|e| &e.answers) {
        put(
            format!("answer-{}.json", answered.answer.id),
            pretty(answered),
        );
    }
    if let Some(stderr) = executed.map(|e| &e.stderr).filter(|s| !s.is_empty()) {
        put("runtime-stderr.txt".into(), stderr.clone().into_bytes());
    }
    files
}

fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("what was seen is plain data");
    text.push(b'\n');
    text
}
