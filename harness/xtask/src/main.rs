//! `cargo xtask`: brings a fresh machine to where plain `cargo run` and `cargo test` work.

mod busybox;
mod debian;
mod digest;
mod engine;
mod failure;
mod images;
mod layout;
mod recipe;
mod services;
mod tree;

use failure::Failure;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask VERB

  images [NAME…]   build the fixture images that are out of date, or just these
  run [ARGS…]      set up, then judge the bundled image: `adamant run ARGS…`
  test [ARGS…]     set up, then `cargo test --workspace ARGS…`";

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
        "run" => {
            engine::require()?;
            images::build(&root, &["agentbox".to_owned()])?;
            let adamant = ["run", "--locked", "--quiet", "-p", "adamant", "--", "run"];
            let subject = "fixtures/images/agentbox/adamant.yaml";
            Err(cargo(&root, &[&adamant[..], &[subject]].concat(), rest))
        }
        "test" => {
            engine::require()?;
            images::build(&root, &[])?;
            Err(cargo(&root, &["test", "--locked", "--workspace"], rest))
        }
        "help" | "--help" | "-h" => {
            say(USAGE);
            Ok(())
        }
        _ => Err(Failure::input(format!("unknown verb `{verb}`\n\n{USAGE}"))),
    }
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
