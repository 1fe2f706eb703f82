//! `adamant-probe '<json request>'`: answers one question from inside a container, as JSON lines on stdout.
//! `adamant-probe serve PORT`: is the companion of a subject under test.
//! `adamant-probe launch …`, `adamant-probe watch …`: start a subject so that it is seen, and see it.

mod errno;
mod inside;
mod trace;

use std::io::Write as _;
use std::process::ExitCode;

use adamant_probe::Reply;

use crate::inside::ProbeError;
use crate::inside::out::Out;

/// The request was not given as exactly one argument.
const USAGE: u8 = 2;
/// The request could not be answered; the last line on stdout says why.
const FAILED: u8 = 3;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let [verb, launched @ ..] = arguments.as_slice()
        && verb == "launch"
    {
        trace::launch::launch(launched);
    }
    let texts: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    match texts.as_slice() {
        [verb] if verb == "watch" => watch(None),
        [request] => ask(request),
        [verb, port] if verb == "serve" => match port.parse().map(inside::serve::serve) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => told(FAILED, &format!("failed to serve: {error}")),
            Err(_not_a_port) => told(USAGE, &format!("`{port}` is not a port")),
        },
        [verb, option, fd] if verb == "watch" && option == "--control" => match fd.parse() {
            Ok(fd) => watch(Some(fd)),
            Err(_not_a_number) => told(USAGE, &format!("`{fd}` is not a descriptor")),
        },
        _ => told(
            USAGE,
            "usage: adamant-probe '<json request>' | serve PORT | launch … -- PROGRAM ARGS… | watch [--control FD]",
        ),
    }
}

fn watch(control: Option<i32>) -> ExitCode {
    match trace::watch::watch(control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(FAILED, &format!("failed to watch: {error}")),
    }
}

/// Says why on stderr; nobody may be reading it, the exit code says the same.
fn told(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

fn ask(request: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    let mut out = Out::new(&mut stdout);
    match inside::answer(request, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = error.to_string();
            // When stdout itself is gone, the exit code is all that is left to say.
            let _: Result<(), ProbeError> = out.say(&Reply::Error { message });
            ExitCode::from(FAILED)
        }
    }
}
