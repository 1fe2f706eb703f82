//! `adamant-workspace`: the daemon alone, static, for the inside of a container.

use std::io::Write as _;
use std::process::ExitCode;

use adamant_store::daemon::{ServeArgs, Told, serve};
use clap::Parser;

/// Serve a workspace: snapshots of it, and restores into it.
#[derive(Debug, Parser)]
#[command(name = "adamant-workspace", version)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let tell = |told: Told| {
        // Nobody listening is no failure.
        let _ = match told {
            Told::Listening(address) => {
                writeln!(std::io::stdout(), "listening on http://{address}")
            }
            Told::Line(line) => writeln!(std::io::stderr(), "{line}"),
        };
    };
    match serve(&cli.serve, tell) {
        // Asked to stop, stopped: no failure for whoever supervises us.
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error
                .hint()
                .map_or_else(String::new, |hint| format!("\n\nhint: {hint}"));
            let _ = writeln!(std::io::stderr(), "{}{hint}", adamant_store::told(&error));
            ExitCode::from(if error.is_input() { 2 } else { 3 })
        }
    }
}
