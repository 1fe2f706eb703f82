//! The verb `serve`: functions over HTTP, whose guests run in workers of this executable.

use std::io::Write as _;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::worker::Launch;
use adamant_serve::{Binding, ServeArgs, ServeError, Told, serve};

/// Serves until it is told to stop.
pub(crate) fn run(args: &ServeArgs) -> Done {
    let own = std::env::current_exe().map_err(Failure::broken)?;
    let mut launch = Launch::new(own);
    launch.args = vec!["worker".into()];
    match serve(args, Binding { launch }, tell) {
        Ok((_, stopped)) if stopped.unanswered > 0 => Err(Failure::broken(format!(
            "{} requests that were accepted had no answer when the 30s of the shutdown were over",
            stopped.unanswered
        ))),
        // Asked to stop by SIGTERM, stopped: as a supervisor expects it. Ctrl-C ends like every interrupted verb.
        Ok((signal_hook::consts::SIGTERM, _)) => Ok(exit::HELD),
        Ok((signal, _)) => Ok(exit::signal(signal)),
        Err(error) => Err(failure(error)),
    }
}

fn failure(error: ServeError) -> Failure {
    Failure {
        hint: error.hint(),
        code: if error.is_input() {
            exit::BAD_INPUT
        } else {
            exit::COULD_NOT_JUDGE
        },
        error: error.into(),
    }
}

fn tell(told: Told) {
    // Nobody listening is no failure.
    let _ = match told {
        Told::Listening(address) => writeln!(anstream::stdout(), "listening on http://{address}"),
        Told::Line(line) => writeln!(anstream::stderr(), "{line}"),
    };
}
