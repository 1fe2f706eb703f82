//! `adamant`: judge a container image that claims to be immutable.

use std::process::ExitCode;

fn main() -> ExitCode {
    adamant::cli::main()
}
