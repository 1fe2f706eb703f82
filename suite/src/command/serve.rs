//! `adamant serve`: becomes `adamant-isolate serve`, which stands beside us and has V8.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::Done;
use super::test262::{beside, missing};

/// Becomes it, so that signals and the exit code are its own; returns only if that failed.
pub fn run(args: &[OsString]) -> Done {
    let program = beside().map_err(|error| missing(&error))?;
    let error = Command::new(&program).arg("serve").args(args).exec();
    Err(missing(&format!(
        "`{}` does not start: {error}",
        program.display()
    )))
}
