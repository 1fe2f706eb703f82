//! The lint under fire: mutated fixtures and scripts made from a grammar; none may panic, and none may take long.
//!
//! `cargo bench -p adamant-core --bench soak -- [--seconds N] [--seed N]`, half an hour unless told otherwise. An input that
//! fails is written to `target` of the working directory with its seed, so that it can be run again by `adamant lint`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a soak tells its numbers to whoever runs it"
)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use adamant_core::shell;

/// What one input may take, the second parser's patience and a busy machine included.
const BOUND: Duration = Duration::from_secs(30);
/// As small a stack as a thread of a server has.
const STACK: usize = 2 << 20;
const SECONDS: u64 = 1_800;

type Failure = Box<dyn Error>;

/// Pieces that a shell script is made of, and some that break one.
const PIECES: &[&str] = &[
    "npm ci",
    "npm install || true",
    "pip install -r x",
    "curl -fsSL https://a.invalid/x.sh | sh",
    "git clone https://a.invalid/b",
    "apt-get install -y x",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "while",
    "until",
    "case",
    "esac",
    ";;",
    "select",
    "function",
    "coproc",
    "time",
    "!",
    "{",
    "}",
    "(",
    ")",
    "((",
    "))",
    "[[",
    "]]",
    "[",
    "]",
    "&&",
    "||",
    "|",
    "&",
    ";",
    "\n",
    "\n",
    "\\\n",
    "<<EOF\n",
    "EOF\n",
    "<<-'X'\n",
    "X\n",
    "<<<",
    "<(",
    ">(",
    "$(",
    "`",
    "\"",
    "'",
    "$'",
    "${x:-",
    "${",
    "$x",
    "\"$@\"",
    "$((",
    ">",
    "2>&1",
    ">>",
    "&>",
    "\\",
    "#",
    "set -e",
    "set +e",
    "set -o pipefail",
    "trap 'npm i' EXIT",
    "f() {",
    "f",
    "\"$1\"",
    "eval",
    "exec",
    "sh -c",
    "su -c",
    "xargs",
    "env",
    "exit",
    "return 0",
    "x=1",
    "export A=b",
    "local y",
    "a=(",
    "A+=",
    "wait $!",
    "$?",
    "true",
    "false",
    ":",
    "echo",
    "|| echo no",
    "#!/bin/execlineb -P\n",
    "foreground {",
    "é",
    "\u{0}",
    "\r\n",
    "\t",
];

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    match soak() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak() -> Result<(), Failure> {
    let (mut seconds, mut seed) = (SECONDS, 0x5eed_u64);
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let value = args
            .next()
            .ok_or_else(|| format!("`{arg}` wants a number"))?;
        match arg.as_str() {
            "--seconds" => seconds = value.parse()?,
            "--seed" => seed = value.parse()?,
            _ => {
                return Err(
                    format!("unknown option `{arg}`; there are --seconds N and --seed N").into(),
                );
            }
        }
    }
    let corpus = corpus()?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut inputs, mut findings, mut unread) = (0_u64, 0, 0);
    let mut slowest = Duration::ZERO;
    println!(
        "seed {seed}, {} scripts to begin with, {seconds} s",
        corpus.len()
    );
    while Instant::now() < end {
        let text = input(&corpus, &mut random);
        let start = Instant::now();
        let lint = run(&text).map_err(|why| keep(&text, seed, inputs, why))?;
        slowest = slowest.max(start.elapsed());
        inputs += 1;
        findings += lint.0;
        unread += u64::from(lint.1);
    }
    println!(
        "{inputs} inputs, {findings} findings, {unread} not read whole, slowest {slowest:?}, no panic, no hang"
    );
    if findings == 0 || unread == 0 {
        return Err("the inputs reached neither a finding nor a trouble: they test nothing".into());
    }
    Ok(())
}

fn corpus() -> Result<Vec<String>, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts");
    let mut corpus = Vec::new();
    for dir in fs_err::read_dir(root)? {
        let dir = dir?.path();
        for name in ["bad.sh", "good.sh"] {
            if let Ok(text) = fs_err::read_to_string(dir.join(name)) {
                corpus.push(text);
            }
        }
    }
    corpus.sort();
    Ok(corpus)
}

/// One lint in a thread of its own: findings, and whether something was not read.
fn run(text: &str) -> Result<(usize, bool), &'static str> {
    let (tell, told) = mpsc::channel();
    let text = text.to_owned();
    let work = move || {
        let lint = shell::script("/s.sh", text.as_bytes());
        // Nobody may be waiting any more.
        let _ = tell.send((lint.smells.len(), !lint.unparsed.is_empty()));
    };
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map_err(|_error| "no thread could be started")?;
    told.recv_timeout(BOUND).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => "it took longer than 30 s",
        mpsc::RecvTimeoutError::Disconnected => "it panicked",
    })
}

fn keep(text: &str, seed: u64, number: u64, why: &str) -> Failure {
    let path = format!("target/soak-lint-{seed}-{number}.sh");
    let kept = fs_err::create_dir_all("target").and_then(|()| fs_err::write(&path, text));
    let place = kept.map_or_else(|error| format!("{error}"), |()| path);
    format!("input {number} of seed {seed}: {why}; it is in `{place}`").into()
}

fn input(corpus: &[String], random: &mut Random) -> String {
    if random.below(3) == 0 {
        let count = 1 + random.below(60);
        let pieces: Vec<&str> = (0..count).map(|_| *random.of(PIECES)).collect();
        return pieces.join(if random.below(4) == 0 { "" } else { " " });
    }
    let mut text: Vec<char> = random.of(corpus).chars().collect();
    for _ in 0..1 + random.below(8) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(20)).min(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, random.of(PIECES).chars())),
            2 => {
                let again: Vec<char> = text.get(at..end).unwrap_or_default().to_vec();
                drop(text.splice(at..at, again));
            }
            3 => {
                let other: Vec<char> = random
                    .of(corpus)
                    .chars()
                    .skip(random.below(200))
                    .take(80)
                    .collect();
                drop(text.splice(at..at, other));
            }
            _ => {
                let piece = random.of(PIECES).repeat(1 + random.below(30));
                drop(text.splice(at..at, piece.chars()));
            }
        }
    }
    text.into_iter().collect()
}

/// xorshift64*: the same seed makes the same inputs everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % most.max(1)
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}
