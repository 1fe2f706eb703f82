//! `adamant-probe '<json request>'`: answers one question from inside a container, as JSON lines on stdout.
//! `adamant-probe serve PORT`: is the companion of a subject under test.
//! `adamant-probe hold`: waits in a subject's place, so that somebody can look around in its container.
//! `adamant-probe launch …`, `adamant-probe watch …`: start a subject so that it is seen, and see it.

mod errno;
mod inside;
mod trace;

use std::borrow::Cow;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use adamant_probe::Reply;
use adamant_probe::sinkhole::Profile;

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
        [verb, options @ ..] if verb == "watch" => match Watched::read(options) {
            Ok(watched) => watch(&watched),
            Err(message) => told(USAGE, &message),
        },
        [verb] if verb == "hold" => hold(),
        [request] => ask(request),
        [verb, port] if verb == "serve" => match port.parse().map(inside::serve::serve) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => told(FAILED, &format!("failed to serve: {error}")),
            Err(_not_a_port) => told(USAGE, &format!("`{port}` is not a port")),
        },
        _ => told(
            USAGE,
            "usage: adamant-probe '<json request>' | serve PORT | hold | launch … -- PROGRAM ARGS… | watch [--control FD | --meet DIR] [--network PROFILE]",
        ),
    }
}

/// Until the container is removed.
fn hold() -> ! {
    loop {
        std::thread::park();
    }
}

/// How a supervisor works.
#[derive(Debug, Default)]
struct Watched {
    /// The pipe of the engine.
    control: Option<i32>,
    /// The directory where launchers and the engine are met instead.
    meet: Option<PathBuf>,
    /// The network that is made for the subject.
    network: Option<Profile>,
}

impl Watched {
    fn read(options: &[Cow<'_, str>]) -> Result<Self, String> {
        let mut watched = Self::default();
        for option in options.chunks(2) {
            match option {
                [name, fd] if name == "--control" => {
                    let fd = fd
                        .parse()
                        .map_err(|_not_a_number| format!("`{fd}` is not a descriptor"))?;
                    watched.control = Some(fd);
                }
                [name, dir] if name == "--meet" => watched.meet = Some(PathBuf::from(&**dir)),
                [name, word] if name == "--network" => {
                    let profile = Profile::of(word);
                    watched.network =
                        Some(profile.ok_or_else(|| format!("`{word}` is no network"))?);
                }
                _ => return Err(format!("`{}` is no option with a value", option.join(" "))),
            }
        }
        Ok(watched)
    }
}

fn watch(watched: &Watched) -> ExitCode {
    let watching = match &watched.meet {
        Some(dir) => trace::watch::meet(dir, watched.network),
        None => trace::watch::watch(watched.control, watched.network),
    };
    match watching {
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
