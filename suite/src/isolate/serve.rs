//! The verb `serve`: functions over HTTP, whose guests run in workers of this executable.

use std::io::Write as _;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::Network;
use adamant_isolate::worker::Launch;
use adamant_serve::{Binding, ServeArgs, ServeError, Told, serve};

use super::network::{NetworkArgs, broker, granting};

/// Serves until it is told to stop.
pub(crate) fn run(args: &ServeArgs, network: &NetworkArgs) -> Done {
    let none = network.parsed()?.is_empty();
    let granted = network.grants().to_vec();
    let own = std::env::current_exe().map_err(Failure::broken)?;
    let mut launch = Launch::new(own);
    launch.args = vec!["worker".into()];
    launch.args.extend(granting(&granted).map(Into::into));
    let asked = granted.clone();
    let binding = Binding {
        launch,
        connect: Box::new(move || {
            let wire = if none { None } else { broker(&asked)? };
            wire.map(|(heard, said)| Network::over(heard.into(), said.into()))
                .transpose()
        }),
        granted,
    };
    match serve(args, binding, tell) {
        Ok((_, stopped)) if stopped.unanswered > 0 => Err(Failure::broken(format!(
            "{} requests that were accepted had no answer when the time of the shutdown (`SHUTDOWN_TIMEOUT_MS`) was over",
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
