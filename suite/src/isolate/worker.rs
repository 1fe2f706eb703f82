//! The verb `worker`: runs packages for whoever asks, in a process that the kernel confines.

use std::io::Write as _;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::Network;
use adamant_isolate::confine::{Limits, Policy};
use adamant_isolate::startup;
use adamant_isolate::worker::guest;

use super::WorkerArgs;

/// Answers until nobody asks any more.
pub(crate) fn serve(args: &WorkerArgs) -> Done {
    if let Some(startup) = &args.startup
        && let Err(error) = startup::adopt(startup)
    {
        // It costs time and nothing else: the worker makes its own.
        let _ = writeln!(
            anstream::stderr(),
            "the start-up snapshot `{}` is of no use: {error}",
            startup.display()
        );
    }
    let wire = args.network.start()?;
    let policy = Policy {
        readable: args.readable.clone(),
        limits: Limits {
            memory: args.memory,
            ..Limits::default()
        },
    };
    let connect = || {
        wire.map(|(heard, said)| Network::over(heard.into(), said.into()))
            .transpose()
    };
    guest::serve(&policy, args.modules, connect).map_err(Failure::broken)?;
    Ok(exit::HELD)
}
