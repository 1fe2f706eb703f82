//! `adamant workspace`: serves a workspace, and keeps it in the store that the environment names.

use std::io::Write as _;

use adamant_store::daemon::{ServeError, Told, serve};
use adamant_store::saver::{KeepArgs, KeepError, OnceArgs, head, keep, restore, save};
use clap::Subcommand;

use super::{Done, Failure};
use crate::exit;

/// What is done with a workspace.
#[derive(Debug, Clone, Subcommand)]
pub enum Workspace {
    /// Serve a directory: snapshots of it, and restores into it, over HTTP.
    Serve(adamant_store::daemon::ServeArgs),
    /// Restore a served workspace, then save it whenever it has changed and rests, and once more when stopped.
    Keep(KeepArgs),
    /// Save a served workspace now.
    Save(OnceArgs),
    /// Restore a served workspace now; it is as before when that fails.
    Restore(OnceArgs),
    /// Show what the store has under a key, as JSON.
    Head {
        /// `ORGANISATION/PROJECT/BRANCH`.
        key: String,
    },
}

/// Does it.
pub fn run(what: &Workspace) -> Done {
    match what {
        Workspace::Serve(args) => Ok(stopped(serve(args, tell)?)),
        Workspace::Keep(args) => Ok(stopped(keep(args, |line| say(line))?)),
        Workspace::Save(args) => {
            let saved = save(args)?;
            data(&saved)
        }
        Workspace::Restore(args) => {
            let restored = restore(args)?;
            data(&restored)
        }
        Workspace::Head { key } => {
            let found = head(key)?;
            data(&found)
        }
    }
}

/// Asked to stop by SIGTERM, stopped: as a supervisor expects it. Ctrl-C ends like every interrupted verb.
fn stopped(signal: i32) -> u8 {
    if signal == signal_hook::consts::SIGTERM {
        exit::HELD
    } else {
        exit::signal(signal)
    }
}

fn tell(told: Told) {
    match told {
        // Nobody listening is no failure.
        Told::Listening(address) => {
            let _ = writeln!(anstream::stdout(), "listening on http://{address}");
        }
        Told::Line(line) => say(&line),
    }
}

fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn data(line: &str) -> Done {
    writeln!(anstream::stdout(), "{line}").map_err(Failure::broken)?;
    Ok(exit::HELD)
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self {
            hint: error.hint(),
            code: if error.is_input() {
                exit::BAD_INPUT
            } else {
                exit::COULD_NOT_JUDGE
            },
            error: error.into(),
        }
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        Self {
            hint: error.hint(),
            code: if error.is_input() {
                exit::BAD_INPUT
            } else {
                exit::COULD_NOT_JUDGE
            },
            error: error.into(),
        }
    }
}
