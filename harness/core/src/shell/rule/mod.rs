//! The rules: what a command is, judged by its arguments alone.

mod fetch;
mod install;
mod ran;
mod swallow;

use serde::Serialize;

pub(super) use fetch::{Sink, feeds, output, sink};
pub use ran::judge_argv;
pub(super) use swallow::{Swallow, is_probe};

use super::{idiom::basename, lint::Class, scope::HOLE};

/// A rule, as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id; the part before the slash is its class.
    pub id: &'static str,
    /// Its class.
    pub class: Class,
    /// The clause of the contract that it stands on.
    pub clause: &'static str,
    /// Why a command of this kind is a smell.
    pub explain: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// Every rule, in a stable order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    install::RULES
        .iter()
        .chain(fetch::RULES)
        .chain(swallow::RULES)
}

/// The rule that a command breaks by what it is, if any.
pub(super) fn judge(argv: &[&str]) -> Option<&'static Rule> {
    let call = Invoked::new(argv)?;
    // `npx tool --version` asks the tool, which is fetched first.
    if let Some(rule) = install::package_runner(&call) {
        return Some(rule);
    }
    if call.only_asks() {
        return None;
    }
    install::judge(&call).or_else(|| fetch::judge(&call))
}

/// A command line taken apart: the tool, and what is asked of it.
#[derive(Debug)]
struct Invoked<'a> {
    /// The tool without its directory and version: `pip` for `/usr/bin/pip3.11`.
    tool: &'a str,
    args: &'a [&'a str],
}

impl<'a> Invoked<'a> {
    fn new(argv: &'a [&'a str]) -> Option<Self> {
        let (name, args) = argv.split_first()?;
        let tool = tool_name(name);
        (!tool.is_empty() && !tool.contains(HOLE)).then_some(Self { tool, args })
    }

    /// `--version` and `--help` do nothing, wherever they stand.
    fn only_asks(&self) -> bool {
        self.own_args()
            .iter()
            .any(|arg| matches!(*arg, "--version" | "--help"))
            || matches!(self.args, ["-v" | "-V" | "-h"] | ["help" | "version", ..])
            || matches!(self.args, [_, .., "-h"])
    }

    /// The arguments before `--`: what follows belongs to another command.
    fn own_args(&self) -> &'a [&'a str] {
        let end = self
            .args
            .iter()
            .position(|arg| *arg == "--")
            .unwrap_or(self.args.len());
        self.args.get(..end).unwrap_or_default()
    }

    fn has(&self, flags: &[&str]) -> bool {
        self.own_args().iter().any(|arg| flags.contains(arg))
    }

    /// The arguments that are no options; `values` are the options that take the next argument.
    /// A hole that stands alone may be an option: it is passed over.
    fn words(&self, values: &str) -> Vec<&'a str> {
        let mut words = Vec::new();
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            if values.split(' ').any(|value| value == *arg) {
                args.next();
            } else if (!arg.starts_with('-') || *arg == "-") && *arg != HOLE {
                words.push(*arg);
            }
        }
        words
    }
}

/// The name of a tool: `/usr/bin/pip3.11` is `pip`, `playwright@1.50` is `playwright`.
fn tool_name(name: &str) -> &str {
    // The scope of an npm package is part of its name.
    let name = if name.starts_with('@') {
        name
    } else {
        basename(name)
    };
    let name = name
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == '@')
        .map_or(name, |(at, _)| &name[..at]);
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')) {
        stem @ ("pip" | "gem" | "bundle" | "python" | "easy_install" | "php" | "perl" | "ruby"
        | "npm") => stem,
        _ => name,
    }
}
