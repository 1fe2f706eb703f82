//! The rules: what a command is, judged by its arguments alone.

mod code;
mod fetch;
mod install;
mod kind;
mod named;
mod product;
mod ran;
mod step;
mod swallow;

use std::collections::HashMap;

use serde::Serialize;

pub(super) use code::judge_code;
pub(super) use fetch::{Sink, feeds, keeps, leaves_in, output, sink};
pub(super) use named::named;
pub(super) use ran::interprets;
pub use ran::judge_exec;
pub(super) use step::{Step, does, step};
pub(super) use swallow::{Swallow, is_probe, talks};

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
        .chain(product::RULES)
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

/// The rule that a command breaks when only the run knows its first word, or when that word only runs the others:
/// `$RUNNER apt-get install`, `retry 5 npm ci`.
pub(super) fn judge_behind(argv: &[&str]) -> Option<&'static Rule> {
    let (name, args) = argv.split_first()?;
    if *name == HOLE {
        // `$INTERPRETER -m pip install x`.
        return judge(args.strip_prefix(&["-m"]).unwrap_or(args));
    }
    judge(argv.get(forwards(argv)?..)?)
}

/// Where the command stands that a function or a program runs, by the name of that: `retry 5 npm ci`.
pub(super) fn forwards(argv: &[&str]) -> Option<usize> {
    let (name, args) = argv.split_first()?;
    let runs = [
        "retry", "run", "try", "exec", "exe", "execute", "quiet", "silent", "silently", "spin",
        "attempt", "maybe", "sudo", "as", "with", "time",
    ];
    let says = |part: &str| runs.iter().any(|run| part.eq_ignore_ascii_case(run));
    if !basename(name).split(['_', '-']).any(says) {
        return None;
    }
    let own = |arg: &&&str| {
        arg.starts_with('-') || arg.starts_with(|c: char| c.is_ascii_digit()) || **arg == HOLE
    };
    Some(1 + args.iter().take(4).take_while(own).count())
}

/// Entries of a table by the names of the tools that they are for: a table is asked about every command of a script.
#[derive(Debug)]
struct ByName<T: 'static>(HashMap<&'static str, Vec<&'static T>>);

impl<T> ByName<T> {
    fn of(table: &'static [T], names: fn(&T) -> &'static [&'static str]) -> Self {
        let many = table.iter().map(|entry| names(entry).len()).sum();
        let mut by_name: HashMap<_, Vec<_>> = HashMap::with_capacity(many);
        for entry in table {
            for name in names(entry) {
                by_name.entry(*name).or_default().push(entry);
            }
        }
        Self(by_name)
    }

    /// The entries for a tool, in the order of the table.
    fn get(&self, tool: &str) -> impl Iterator<Item = &'static T> {
        self.0.get(tool).into_iter().flatten().copied()
    }
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
            .any(|arg| matches!(*arg, "--version" | "--help" | "--dry-run" | "--simulate"))
            || matches!(
                self.args,
                ["-v" | "-V" | "-h" | "-version" | "-help"] | ["help" | "version", ..]
            )
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
        let mut words = self.places(values);
        words.retain(|word| *word != HOLE);
        words
    }

    /// The same, with what is only known at run time in its place.
    fn places(&self, values: &str) -> Vec<&'a str> {
        let mut words = Vec::new();
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            let option = arg.is_empty() || arg.starts_with('-');
            if option && values.split(' ').any(|value| value == *arg) {
                args.next();
            } else if !arg.starts_with('-') || *arg == "-" {
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
    let version = name.bytes().skip(1).position(|byte| byte == b'@');
    let name = version.map_or(name, |at| &name[..=at]);
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')) {
        stem @ ("pip" | "gem" | "bundle" | "python" | "easy_install" | "php" | "perl" | "ruby"
        | "npm" | "apk" | "Rscript" | "cpanm") => stem,
        _ => name,
    }
}
