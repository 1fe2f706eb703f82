//! The entrypoint lint: what a boot would run, read from its shell scripts before anything starts.
//!
//! A script is parsed to a syntax tree (`parse`, `lower`, `redirect`, `word`), walked in the order a shell would
//! run it (`walk`, `list`, `assign`, `command`), and each simple command is judged by the rules (`rule`). Other scripts
//! are followed from the same walk (`follow`). Nothing here reads a file or starts a process: the
//! caller hands out the files of the image.

mod assign;
mod chain;
mod code;
mod command;
mod control;
mod expand;
mod follow;
mod idiom;
mod lint;
mod list;
mod lower;
mod parse;
mod redirect;
mod rule;
mod scope;
mod started;
mod substitution;
mod syntax;
mod walk;
mod word;
mod wrapper;

#[cfg(test)]
mod tests;

pub use chain::{boot_chain, script};
pub use control::{BAD_SAMPLE, control};
pub use lint::{Class, File, Lint, Smell, Unparsed};
pub use rule::{Rule, judge_argv, rules};
pub use started::Started;
