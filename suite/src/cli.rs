//! The command line: what can be typed, and the exit code of what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use adamant_core::case::Span;
use adamant_core::report::text;
use adamant_engines::store::Sourcing;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{command, exit};

/// Judge a container image that claims to be immutable.
#[derive(Debug, Parser)]
#[command(
    name = "adamant",
    version,
    about,
    after_help = "Exit codes: 0 held · 1 findings · 2 bad input · 3 could not judge · 4 only budgets exceeded · 128+n signal n"
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
    /// Read entrypoint scripts and tell what they install, fetch or swallow; needs no image.
    Lint(LintArgs),
    /// Show the trials that `run` would run; touches no engine.
    List(PlanArgs),
    /// Prove from an image alone that what it switches on can run: nothing is started.
    Verify(VerifyArgs),
    /// Run the same cases on two engines and show how their answers differ.
    Compare(CompareArgs),
    /// Boot an image, watch it, and write the subject file that it deserves.
    Init(InitArgs),
    /// Remove what dead or expired runs left on the engines, and what nobody has used for 30 days from the store of images.
    Gc(GcArgs),
    /// Serve functions over HTTP, each execution in an isolate of a pool; `adamant serve --help` tells more.
    #[command(disable_help_flag = true)]
    Serve {
        /// What `adamant-isolate serve` takes.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARG"
        )]
        args: Vec<std::ffi::OsString>,
    },
    /// Run the module tests of test262 on the reference module loader.
    Test262(Test262Args),
    /// Boot the subject of a trial that was kept, with the same inputs, and judge the same case again.
    #[cfg(feature = "workspace")]
    Reproduce(ReproduceArgs),
    /// Serve a workspace, keep it in a store, restore it.
    #[cfg(feature = "workspace")]
    #[command(subcommand)]
    Workspace(command::workspace::Workspace),
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
    /// A module case file.
    ModuleCase,
}

/// What is judged.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// Subject files (or their directories), or the word `module` for module loaders; then selectors: a spec (`RC-002-05`), a
    /// case id, `tag:x`, or part of a trial's name.
    #[arg(value_name = "SUBJECT|module|SELECTOR")]
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
    /// Also take away, one by one, each file that a watched boot uses: a boot for each.
    #[arg(long)]
    pub discover: bool,
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
    /// Judge the runtime that this command starts and that speaks the adapter protocol; with `module`.
    #[arg(long, value_name = "COMMAND")]
    pub adapter: Option<String>,
}

/// Which engines are compared, and on what.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Compare module loaders; nothing else can be compared yet.
    #[arg(long, required = true)]
    pub module: bool,
    /// The first: `isolate`, `node` or `adapter:COMMAND`.
    #[arg(value_name = "ENGINE")]
    pub first: String,
    /// The second.
    #[arg(value_name = "ENGINE")]
    pub second: String,
    /// Only these cases; selectors as `run` takes them.
    #[arg(value_name = "SELECTOR")]
    pub words: Vec<String>,
    /// Further module cases.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// Leave the cases of this build out: only those of `--cases`.
    #[arg(long, requires = "cases")]
    pub only_cases: bool,
    /// The seed of the words that nobody can know beforehand.
    #[arg(long, value_name = "HEX")]
    pub seed: Option<String>,
}

/// How images are found.
#[derive(Debug, Clone, Default, Args)]
pub struct SourcingArgs {
    /// Pull from registries: `docker://REF`, and references that neither the daemon nor the store has.
    #[arg(long)]
    pub pull: bool,
    /// Of an image for several platforms, take this one instead of the engine's own.
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = platform)]
    pub platform: Option<String>,
}

/// What is observed, and where it is written.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The image: a reference, `docker://REF`, `oci:DIR[:TAG]`, `docker-archive:FILE` or `rootfs:DIR`.
    pub image: String,
    /// Where the subject file is written; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "adamant.yaml")]
    pub output: PathBuf,
    /// Replace a file that is already there.
    #[arg(long)]
    pub force: bool,
    /// Add to its environment; without a value it is this host's, and the file names it only.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// The longest that one boot is watched until it settles.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = Span::parse)]
    pub within: Span,
    /// How its image is found.
    #[command(flatten)]
    pub sourcing: SourcingArgs,
    /// On which engine; the first of them.
    #[command(flatten)]
    pub engines: EngineArgs,
    /// What replaces the image's `CMD`.
    #[arg(last = true, value_name = "ARG")]
    pub args: Vec<String>,
}

impl InitArgs {
    /// How its image is found.
    #[must_use]
    pub fn sourcing(&self) -> Sourcing {
        self.sourcing.sourcing()
    }
}

impl SourcingArgs {
    /// For an engine.
    #[must_use]
    pub fn sourcing(&self) -> Sourcing {
        Sourcing {
            pull: self.pull,
            platform: self.platform.clone(),
        }
    }
}

fn platform(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    if matches!(parts.len(), 2 | 3) && parts.iter().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is no platform; expected `linux/amd64` or `linux/arm/v7`"
        ))
    }
}

/// What is cleared.
#[derive(Debug, Clone, Args)]
pub struct GcArgs {
    /// On which engines.
    #[command(flatten)]
    pub engines: EngineArgs,
    /// Everything in the store of images that no live run uses, however lately it was used.
    #[arg(long)]
    pub all: bool,
}

/// How a run is done.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// What is judged.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How images are found.
    #[command(flatten)]
    pub sourcing: SourcingArgs,
    /// Where reports are written (also `ADAMANT_REPORTS`).
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Write every finding to this file as one SARIF 2.1.0 log, as code scanning takes it.
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// End with every finding as GitHub's workflow commands on standard output, which become annotations.
    #[arg(long)]
    pub annotations: bool,
    /// How many trials run at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
    /// For module cases: the seed of the words that nobody can know beforehand; a replay has it.
    #[arg(long, value_name = "HEX")]
    pub seed: Option<String>,
    /// Keep with the evidence of a trial that does not pass what `adamant reproduce` needs: its case, its subject file and the
    /// files that it names, workspaces as they were before the run. Where a store is configured, there too.
    #[arg(long)]
    pub keep_workspaces: bool,
    /// Only what did not pass, and the last lines.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// A line for every trial.
    #[arg(short, long)]
    pub verbose: bool,
}

/// What is reproduced, and where.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "`SANDBOX_SNAPSHOTS_BUCKET` selects an S3 store, else `DATA_DIR` a directory: the same variables as for `adamant workspace`."
)]
pub struct ReproduceArgs {
    /// The folder of a trial's evidence, the file `reproduce.tar` in it, or the key that `run --keep-workspaces` told.
    #[arg(value_name = "EVIDENCE|KEY")]
    pub what: String,
    /// Open a shell in the container instead of judging the case again: the same profile, faults and workspace, as the subject's
    /// user. Where the subject has ended, in a container like its own in which nothing runs.
    #[arg(long)]
    pub shell: bool,
    /// The image, where it is not to be found as it was named when the trial failed.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// How images are found.
    #[command(flatten)]
    pub sourcing: SourcingArgs,
    /// On which engines; the one that the trial failed on when none is named.
    #[command(flatten)]
    pub engines: EngineArgs,
    /// Where reports are written (also `ADAMANT_REPORTS`).
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

/// What is verified.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// A subject file (or its directory); or an image without one: a reference, an OCI layout, an archive, a root file system.
    #[arg(value_name = "SUBJECT|IMAGE", default_value = "adamant.yaml")]
    pub what: String,
    /// Verify this image under the subject's contract instead of its own.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Only these rooms.
    #[arg(long = "room", value_name = "ROOM", value_enum, value_delimiter = ',')]
    pub rooms: Vec<RoomName>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = VerifyFormat::Text)]
    pub format: VerifyFormat,
    /// Where images come from.
    #[command(flatten)]
    pub sourcing: SourcingArgs,
}

/// A room of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoomName {
    /// Features of the manifest against artifacts.
    Manifest,
    /// Executables, interpreters, libraries, lock files.
    Closure,
    /// Paths in the environment, health check and supervisor files.
    Environment,
    /// JavaScript imports, bundles and runtimes.
    Packaging,
    /// Native addons.
    Addons,
}

/// How a verification is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Jsonl,
    /// One SARIF 2.1.0 log, as code scanning takes it.
    Sarif,
    /// GitHub's workflow commands, which become annotations.
    Github,
}

/// What is linted, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Scripts, or directories of them (read for what has a shell's `#!` line or extension); `-` is standard input.
    #[arg(value_name = "FILE|DIR", required_unless_present = "image")]
    pub paths: Vec<PathBuf>,
    /// The boot of this image instead, followed through all of its scripts: a subject file (or its directory), or an image as
    /// `verify` takes it.
    #[arg(long, value_name = "SUBJECT|IMAGE", conflicts_with = "paths")]
    pub image: Option<String>,
    /// How its image is found.
    #[command(flatten)]
    pub sourcing: SourcingArgs,
    /// How findings are written to standard output.
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
}

/// How findings of the lint are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people: the source line, the rule, why, and what to do.
    Text,
    /// One JSON object a finding.
    Jsonl,
    /// One SARIF 2.1.0 log, as code scanning takes it.
    Sarif,
    /// GitHub's workflow commands, which become annotations.
    Github,
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
        Verb::Lint(args) => command::lint::run(args, cli.color),
        Verb::List(args) => command::list::run(args),
        Verb::Verify(args) => command::verify::run(args, cli.color),
        Verb::Compare(args) => command::compare::run(args),
        Verb::Init(args) => command::init::run(args),
        Verb::Gc(args) => command::gc::run(args),
        Verb::Serve { args } => command::serve::run(args),
        Verb::Test262(args) => command::test262::run(args),
        #[cfg(feature = "workspace")]
        Verb::Reproduce(args) => command::reproduce::run(args, cli.color),
        #[cfg(feature = "workspace")]
        Verb::Workspace(what) => command::workspace::run(what),
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
