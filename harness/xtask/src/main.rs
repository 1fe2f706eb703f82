//! `cargo xtask`: brings a fresh machine to where plain `cargo run` and `cargo test` work.

mod busybox;
mod cache;
mod debian;
mod digest;
mod engine;
mod failure;
mod images;
mod layout;
mod node;
mod npm;
mod peer;
mod recipe;
mod services;
mod tree;
mod v8;

use failure::Failure;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask VERB

  images [NAME…]   build the fixture images that are out of date, or just these
  v8 [--debian]    see that V8 can be linked; --debian: from Debian's libnode even where GitHub answers
  node             see that Node 24, the oracle of module cases, is in the cache
  run [ARGS…]      set up, then judge the bundled image: `adamant run ARGS…`
  test [ARGS…]     set up, then `cargo test --workspace ARGS…`
  bench serve      the execution engine against the same one on isolated-vm and Node 24
  bench events [N] what a traced call costs: untraced, watched and under strace, interleaved
  bench traced     what it costs a boot to be watched, on each engine
  soak lint [--seconds N] [--seed N]
  soak isolate [EXECUTIONS | --seconds N]
                   10,000 executions in reused isolates, or so many, or for so long: nothing may stay behind
  soak verify [--seconds N] [--seed N] [--only PART]
                   images of broken manifests, packages, lock files, scripts and ELF files, or of those whose path holds PART:
                   no panic, no hang
  soak oci [CONTAINERS | --seconds N]
                   500 containers without a daemon while they and their harnesses are killed: nothing may stay behind
  soak trials [TRIALS]
                   1,000 trials in one run, or so many, each in a container: time and memory grow with their number, not faster
  soak archive [ARCHIVES | --seconds N] [--seed N]
                   10,000 hostile image archives, or so many, or for so long: each is refused or unpacked, and none leaves
  soak workspace [KILLS | --seconds N]
                   200 restores of a workspace, or so many, or for so long, each killed: the old one or the new one, never between
  soak serve [--seconds N]
                   10,000 requests of mixed tenants at 50 at once, or for so long: no answer lost, nothing left, figures exact
  soak tar [--seconds N [--seed N]]
                   half an hour of hostile tars and keys, or so long: no escape, no panic, no hang";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(args: &[String]) -> Result<(), Failure> {
    let root = workspace_root()?;
    let (verb, rest) = args.split_first().ok_or_else(|| Failure::input(USAGE))?;
    match verb.as_str() {
        "images" => images::build(&root, rest),
        "v8" => v8::provide(&root, v8::source(rest)?),
        "node" => node::provide(),
        "run" => run(&root, rest),
        "test" => {
            say_engine()?;
            v8::provide(&root, v8::Source::Nearest)?;
            images::build(&root, &[])?;
            // Where Node is required, `ADAMANT_ENGINES` says so, and the tests do.
            if let Err(failure) = node::provide() {
                say(&format!("{failure}\nmodule cases go on without the oracle"));
            }
            Err(cargo(&root, &["test", "--locked", "--workspace"], rest))
        }
        "soak" => match rest {
            [name, rest @ ..] if name == "isolate" => {
                v8::provide(&root, v8::Source::Nearest)?;
                Err(soak(&root, "adamant-isolate", "soak", rest))
            }
            [name, rest @ ..] if name == "oci" || name == "trials" => {
                images::build(&root, &["shell".to_owned()])?;
                let package = ["adamant-engines", "adamant"][usize::from(name == "trials")];
                Err(soak(&root, package, "soak", rest))
            }
            [name, rest @ ..] if name == "verify" => {
                Err(soak(&root, "adamant-verify", "soak", rest))
            }
            [name, rest @ ..] if name == "archive" => {
                Err(soak(&root, "adamant-engines", "archives", rest))
            }
            [name, rest @ ..] if name == "lint" => Err(soak(&root, "adamant-core", "soak", rest)),
            [name, rest @ ..] if name == "serve" => {
                v8::provide(&root, v8::Source::Nearest)?;
                let test = ["test", "--locked", "-p", "adamant-serve"];
                let words = [&test[..], &["--test", "serve", "--", "soak"]].concat();
                Err(cargo(&root, &words, rest))
            }
            [name, rest @ ..] if name == "workspace" || name == "tar" => {
                let test = ["test", "--locked", "-p", "adamant-store"];
                let words = [&test[..], &["--test", "soak", "--", name]].concat();
                Err(cargo(&root, &words, rest))
            }
            _ => Err(Failure::input(USAGE)),
        },
        "bench" => bench(&root, rest),
        "help" | "--help" | "-h" => {
            say(USAGE);
            Ok(())
        }
        _ => Err(Failure::input(format!("unknown verb `{verb}`\n\n{USAGE}"))),
    }
}

/// Measures one thing against its peers, in one run.
fn bench(root: &Path, rest: &[String]) -> Result<(), Failure> {
    let (package, name, rest) = match rest {
        [name, rest @ ..] if name == "serve" => return peer::bench(root, rest),
        [name, rest @ ..] if name == "events" => ("adamant-probe", name, rest),
        [name, rest @ ..] if name == "traced" => {
            images::build(root, &["shell".to_owned()])?;
            ("adamant-engines", name, rest)
        }
        _ => return Err(Failure::input(USAGE)),
    };
    let words = ["bench", "--locked", "-p", package, "--bench", name, "--"];
    Err(cargo(root, &words, rest))
}

/// A long run of one bench target. Unoptimised: a sum that overflows is to be seen, and the tests have built most of it already.
fn soak(root: &Path, package: &str, target: &str, rest: &[String]) -> Failure {
    let bench = ["bench", "--locked", "--profile", "dev", "-p", package];
    cargo(
        root,
        &[&bench[..], &["--bench", target, "--"]].concat(),
        rest,
    )
}

/// Sets up, and judges the bundled image.
fn run(root: &Path, rest: &[String]) -> Result<(), Failure> {
    say_engine()?;
    images::build(root, &["agentbox".to_owned()])?;
    // Judging containers needs no V8; plain `cargo test` afterwards does.
    if let Err(failure) = v8::provide(root, v8::Source::Nearest) {
        say(&format!("{failure}\nthe container part goes on without V8"));
    }
    let adamant = ["run", "--locked", "--quiet", "-p", "adamant"];
    let alone = ["--no-default-features", "--bin", "adamant", "--", "run"];
    let subject = "fixtures/images/agentbox/adamant.yaml";
    let words = [&adamant[..], &alone, &[subject]].concat();
    Err(cargo(root, &words, rest))
}

/// Which engine will judge, when it is not the one that everybody expects.
fn say_engine() -> Result<(), Failure> {
    if let Some(told) = engine::require()? {
        say(&told);
    }
    Ok(())
}

/// Become cargo, so that exit code and signals are its own; returns only if that failed.
fn cargo(root: &Path, words: &[&str], rest: &[String]) -> Failure {
    let error = Command::new("cargo")
        .args(words)
        .args(rest)
        .current_dir(root)
        .exec();
    Failure::host(format!("cannot start `cargo`: {error}"))
}

fn workspace_root() -> Result<PathBuf, Failure> {
    Ok(fs_err::canonicalize(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
    )?)
}

/// Talk goes to stderr; nobody listening is no failure.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
