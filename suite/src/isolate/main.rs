//! `adamant-isolate`: the executable that links V8; `adamant` starts it for whatever needs the reference module loader.

mod adapter;
mod network;
mod serve;
mod summary;
mod test262;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use adamant::cli::{self, Test262Args};
use adamant::exit;
use clap::{Parser, Subcommand};

/// The part of Adamant that links V8. `adamant` starts it; its verbs are no interface for people.
#[derive(Debug, Parser)]
#[command(name = "adamant-isolate", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Answer questions on standard input, confined by the kernel: run packages, or tests of test262.
    Worker(WorkerArgs),
    /// Speak the adapter protocol of module cases on standard input and output, confined by the kernel.
    Adapter(network::NetworkArgs),
    /// Ask the network for a confined process at the other end of standard input.
    Broker(network::NetworkArgs),
    /// Serve functions over HTTP, each execution in an isolate of a pool.
    #[command(name = "serve", bin_name = "adamant serve")]
    Serve(ServeVerb),
    /// Run the module tests of test262.
    Test262(Test262Args),
}

/// What a worker may do.
#[derive(Debug, clap::Args)]
struct WorkerArgs {
    /// A directory whose packages it may read.
    #[arg(long, value_name = "DIR")]
    readable: Vec<PathBuf>,
    /// The most private writable memory of the whole process.
    #[arg(long, value_name = "BYTES")]
    memory: Option<u64>,
    /// How many modules' compiled code it keeps.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    modules: usize,
    /// The start-up snapshot of whoever starts it.
    #[arg(long, value_name = "FILE")]
    startup: Option<PathBuf>,
    /// Run tests of this checkout of test262, and no packages.
    #[arg(long, value_name = "DIR", conflicts_with = "readable")]
    test262: Option<PathBuf>,
    #[command(flatten)]
    network: network::NetworkArgs,
}

/// What is served, and what its functions may reach.
#[derive(Debug, clap::Args)]
struct ServeVerb {
    #[command(flatten)]
    serve: adamant_serve::ServeArgs,
    #[command(flatten)]
    network: network::NetworkArgs,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() {
                exit::BAD_INPUT
            } else {
                exit::HELD
            };
            let printed = error.print().is_ok();
            return ExitCode::from(if printed { code } else { exit::COULD_NOT_JUDGE });
        }
    };
    cli::end(match &cli.verb {
        Verb::Worker(WorkerArgs {
            test262: Some(checkout),
            ..
        }) => test262::serve(checkout),
        Verb::Worker(args) => worker::serve(args),
        Verb::Adapter(network) => adapter::serve(network),
        Verb::Broker(network) => network::serve(network),
        Verb::Serve(args) => serve::run(&args.serve, &args.network),
        Verb::Test262(args) => test262::run(args),
    })
}
