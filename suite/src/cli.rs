//! The command line: what can be typed, and the exit code of what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use adamant_core::report::text;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{command, exit};

/// Judge a container image that claims to be immutable.
#[derive(Debug, Parser)]
#[command(
    name = "adamant",
    version,
    about,
    after_help = "Exit codes: 0 held · 1 findings · 2 bad input · 3 could not judge · 128+n signal n"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Colour the output.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Boot subjects under the contract and judge them.
    Run(RunArgs),
    /// Show the trials that `run` would run; touches no engine.
    List(PlanArgs),
    /// Remove what dead or expired runs left on the engines.
    Gc(EngineArgs),
    /// Run the module tests of test262 on the reference module loader.
    Test262(Test262Args),
    /// Tell what a finding's code, a spec or a case means and how to fix it; without a word, list every code.
    Explain {
        /// A code (`drift/undeclared`), a family of codes (`drift`), a spec (`RC-002-04`) or a case.
        #[arg(value_name = "CODE|SPEC|CASE")]
        words: Vec<String>,
    },
    /// Print a JSON Schema for editors.
    Schema {
        /// Of which file.
        #[arg(value_enum)]
        of: SchemaOf,
    },
}

/// Which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A case file.
    Case,
    /// The subject file `adamant.yaml`.
    Subject,
}

/// What is judged.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// Subject files (or their directories), then selectors: a spec (`RC-002-05`), a case id, `tag:x`, or part of a trial's name.
    #[arg(value_name = "SUBJECT|SELECTOR")]
    pub words: Vec<String>,
    /// Judge this image under the subject's contract instead of its own.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Further cases beside the standard contract.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// Leave the standard contract out: only the cases of `--cases`.
    #[arg(long, requires = "cases")]
    pub only_cases: bool,
    /// A spec or family whose binding claims must be judged: there, `not claimed` and `not reached` are failures.
    #[arg(long, value_name = "SPEC")]
    pub require: Vec<String>,
    /// On which engines.
    #[command(flatten)]
    pub engines: EngineArgs,
}

/// Which engines.
#[derive(Debug, Clone, Args)]
pub struct EngineArgs {
    /// Exactly these engines, each required (also `ADAMANT_ENGINES`).
    #[arg(long = "engine", value_name = "NAME", value_delimiter = ',')]
    pub names: Vec<String>,
}

/// How a run is done.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// What is judged.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Where reports are written (also `ADAMANT_REPORTS`).
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// How many trials run at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// Only what did not pass, and the last lines.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// A line for every trial.
    #[arg(short, long)]
    pub verbose: bool,
}

/// How test262 is run.
#[derive(Debug, Clone, Args)]
pub struct Test262Args {
    /// A checkout of test262.
    pub dir: PathBuf,
    /// Only tests with this text in their path.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Write what came of every test to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Expected failures from this file instead of those that come with us for the V8 that runs.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the expected failures anew, from what fails now: to the file of `--baseline`, or below
    /// `harness/isolate/baselines` of Adamant's own checkout.
    #[arg(long)]
    pub bless: bool,
    /// How many worker processes run at once; as many as there are cores unless it is given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Parses, runs, and tells what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are answers, not errors.
            let code = if error.use_stderr() {
                exit::BAD_INPUT
            } else {
                exit::HELD
            };
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::from(exit::COULD_NOT_JUDGE)
            };
        }
    };
    let done = match &cli.verb {
        Verb::Run(args) => command::run::run(args, cli.color),
        Verb::List(args) => command::list::run(args),
        Verb::Gc(args) => command::gc::run(args),
        Verb::Test262(args) => command::test262::run(args),
        Verb::Explain { words } => command::explain::run(words),
        Verb::Schema { of } => command::schema::run(*of),
    };
    end(done)
}

/// Tells why a verb ended early; the exit code of what it came to.
#[must_use]
pub fn end(done: command::Done) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            anstream::eprintln!(
                "{}",
                text::error(failure.error.as_ref(), failure.hint.as_deref())
            );
            ExitCode::from(failure.code)
        }
    }
}
