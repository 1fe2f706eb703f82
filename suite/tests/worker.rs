//! `adamant-isolate worker` from outside: a package runs, in a process that says how it is confined and reads nothing else.

#![cfg(feature = "isolate")]

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A worker, asked as the protocol has it: four bytes of length, lowest first, and JSON.
struct Worker(Child);

impl Worker {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant-isolate"));
        command.arg("worker").args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().expect("it starts"))
    }

    fn ask(&mut self, question: &Value) -> Value {
        let body = question.to_string();
        let length = u32::try_from(body.len()).expect("a short question");
        let stdin = self.0.stdin.as_mut().expect("a pipe");
        stdin.write_all(&length.to_le_bytes()).expect("it listens");
        stdin.write_all(body.as_bytes()).expect("it listens");
        let stdout = self.0.stdout.as_mut().expect("a pipe");
        let mut length = [0; 4];
        stdout.read_exact(&mut length).expect("it answers");
        let length = usize::try_from(u32::from_le_bytes(length)).expect("a length");
        let mut answer = vec![0; length];
        stdout.read_exact(&mut answer).expect("it answers");
        serde_json::from_slice(&answer).expect("JSON")
    }

    fn end(mut self) -> Option<i32> {
        drop(self.0.stdin.take());
        self.0.wait().expect("it ends").code()
    }
}

fn printed(execution: &Value) -> String {
    let chunks = execution["execution"]["output"]["chunks"]
        .as_array()
        .expect("chunks");
    let bytes = chunks
        .iter()
        .flat_map(|chunk| chunk["bytes"].as_array().expect("bytes"))
        .filter_map(|byte| u8::try_from(byte.as_u64()?).ok())
        .collect();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn packages_run_one_after_the_other_and_nothing_but_them_is_readable() {
    let package = tempfile::tempdir().expect("a directory");
    std::fs::write(package.path().join("index.js"), "console.log('from disk')").expect("written");
    let secret = tempfile::tempdir().expect("a directory");
    std::fs::write(secret.path().join("index.js"), "console.log('secret')").expect("written");
    let readable = package.path().to_str().expect("UTF-8");
    let mut worker = Worker::start(&["--readable", readable]);
    let confinement = worker.ask(&json!({ "ask": "confinement" }));
    assert_eq!(confinement["confinement"]["seccomp"], true, "{confinement}");
    let inline = worker.ask(&json!({
        "ask": "execute",
        "files": { "inline": {
            "/index.js": "globalThis.left = 1; console.log(require('./a').hi, process.argv[2])",
            "/a.js": "exports.hi = 'hi'",
        } },
        "request": { "argv": ["there"] },
    }));
    assert_eq!(printed(&inline), "hi there\n", "{inline}");
    let next = worker.ask(&json!({
        "ask": "execute",
        "files": { "inline": { "/index.js": "console.log(typeof left)" } },
    }));
    assert_eq!(printed(&next), "undefined\n", "{next}");
    let disk = worker.ask(&json!({ "ask": "execute", "files": { "directory": readable } }));
    assert_eq!(printed(&disk), "from disk\n", "{disk}");
    if confinement["confinement"]["landlock"].is_u64() {
        let out = worker.ask(&json!({ "ask": "execute", "files": { "directory": secret.path() } }));
        assert!(!out.to_string().contains("secret'"), "{out}");
        assert_ne!(out["execution"]["outcome"]["kind"], "returned", "{out}");
    }
    assert_eq!(worker.end(), Some(0));
}

#[test]
fn a_guest_that_v8_gives_up_on_is_told_and_the_next_one_runs() {
    let mut worker = Worker::start(&[]);
    let lost = worker.ask(&json!({
        "ask": "execute",
        "files": { "inline": { "/index.js": "console.log('before'); Array(1e9).fill(0)" } },
    }));
    assert_eq!(lost["execution"]["outcome"]["kind"], "lost", "{lost}");
    assert_eq!(printed(&lost), "before\n", "{lost}");
    // It has another isolate for the next one.
    let next = worker.ask(&json!({
        "ask": "execute",
        "files": { "inline": { "/index.js": "console.log('after')" } },
    }));
    assert_eq!(printed(&next), "after\n", "{next}");
}

#[test]
fn it_goes_when_nobody_asks_any_more_though_it_loads_ahead() {
    let mut worker = Worker::start(&[]);
    let question = json!({
        "ask": "execute",
        "hash": "slow",
        "files": { "inline": {
            "/index.js": "const end = Date.now() + 100; while (Date.now() < end); module.exports = (q, r) => r.send('here')",
        } },
        "request": { "mode": "handler", "load_ahead": true },
    });
    for n in 0..4 {
        let answer = worker.ask(&question);
        assert_eq!(
            answer["execution"]["outcome"]["kind"], "returned",
            "{n}: {answer}"
        );
    }
    // It is in the midst of loading for a fifth one.
    assert_eq!(worker.end(), Some(0));
}

#[test]
fn a_question_that_it_does_not_know_ends_it() {
    let mut worker = Worker::start(&[]);
    // Held open: a worker whose input ends while it has a question aborts.
    let mut stdin = worker.0.stdin.take().expect("a pipe");
    stdin.write_all(b"\x02\0\0\0{}").expect("it listens");
    assert_eq!(worker.0.wait().expect("it ends").code(), Some(3));
    drop(stdin);
}
