//! The entrypoint lint: what a boot would run, read from its shell scripts before anything starts.
//!
//! A script is parsed to a syntax tree by two parsers that see what the other misses (`parse`, `lower`, `redirect`,
//! `word`; `second`; `execline` for the chains of s6), walked in the order a shell would
//! run it (`walk`, `list`, `assign`, `command`), and each simple command is judged by the rules (`rule`). Other scripts
//! are followed from the same walk (`follow`). Nothing here reads a file or starts a process: the
//! caller hands out the files of the image.

mod assign;
mod chain;
mod code;
mod command;
mod control;
mod execline;
mod expand;
mod fate;
mod follow;
mod idiom;
mod library;
mod lint;
mod list;
mod lower;
mod parse;
mod redirect;
mod rule;
mod scope;
mod second;
mod started;
mod substitution;
mod syntax;
mod trap;
mod walk;
mod word;
mod wrapper;

#[cfg(test)]
mod tests;

pub use chain::{boot_chain, script};
pub use control::{BAD_SAMPLE, control};
pub use follow::not_shell;
pub use lint::{Class, File, Lint, Smell, Unparsed};
pub use rule::{Rule, judge_exec, rules};
pub use started::Started;
