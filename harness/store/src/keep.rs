//! `adamant-keep`: who keeps a workspace, alone and static, for the inside of a container.

use std::io::Write as _;
use std::process::ExitCode;

use adamant_store::saver::{KeepArgs, keep};
use clap::Parser;

/// Restore a served workspace, then save it whenever it has changed and rests, and once more when stopped.
#[derive(Debug, Parser)]
#[command(name = "adamant-keep", version)]
struct Cli {
    #[command(flatten)]
    keep: KeepArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Nobody listening is no failure.
    let say = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
    match keep(&cli.keep, say) {
        // Asked to stop, stopped: no failure for whoever supervises us.
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error
                .hint()
                .map_or_else(String::new, |hint| format!("\n\nhint: {hint}"));
            say(&format!("{}{hint}", adamant_store::told(&error)));
            ExitCode::from(if error.is_input() { 2 } else { 3 })
        }
    }
}
