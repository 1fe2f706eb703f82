//! `adamant test262`: has `adamant-isolate`, which stands beside us and has V8, run the module tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Done, Failure};
use crate::cli::Test262Args;
use crate::exit;

/// The executable with V8.
const ISOLATE: &str = "adamant-isolate";

/// Runs it, and ends as it ends.
pub fn run(args: &Test262Args) -> Done {
    use std::os::unix::process::ExitStatusExt as _;

    let program = beside().map_err(|error| missing(&error))?;
    let mut command = Command::new(&program);
    command.arg("test262");
    let option = |command: &mut Command, name: &str, value: Option<&OsStr>| {
        if let Some(value) = value {
            command.arg(name).arg(value);
        }
    };
    option(
        &mut command,
        "--filter",
        args.filter.as_deref().map(OsStr::new),
    );
    option(
        &mut command,
        "--json",
        args.json.as_deref().map(Path::as_os_str),
    );
    option(
        &mut command,
        "--baseline",
        args.baseline.as_deref().map(Path::as_os_str),
    );
    let threads = args.threads.map(|threads| threads.to_string());
    option(
        &mut command,
        "--threads",
        threads.as_deref().map(OsStr::new),
    );
    if args.bless {
        command.arg("--bless");
    }
    // Behind `--`, so that no directory is taken for an option.
    command.arg("--").arg(&args.dir);
    let status = command
        .status()
        .map_err(|error| missing(&describe(&program, &error)))?;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(u8::try_from(code).unwrap_or(exit::COULD_NOT_JUDGE)),
        (None, Some(signal @ (signal_hook::consts::SIGINT | signal_hook::consts::SIGTERM))) => {
            Ok(exit::signal(signal))
        }
        (None, signal) => Err(Failure::broken(format!(
            "`{ISOLATE}` was killed by signal {}",
            signal.unwrap_or_default()
        ))),
    }
}

/// Where it must be: nothing else that has the same name is ours.
pub(crate) fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name(ISOLATE);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("`{}` is not there", program.display()))
    }
}

fn describe(program: &Path, error: &std::io::Error) -> String {
    format!("`{}` does not start: {error}", program.display())
}

pub(crate) fn missing(reason: &str) -> Failure {
    Failure {
        error: format!("the executable with V8 is missing: {reason}").into(),
        hint: Some(format!(
            "`{ISOLATE}` must stand beside `adamant`; `cargo build -p adamant` makes both"
        )),
        code: exit::COULD_NOT_JUDGE,
    }
}
