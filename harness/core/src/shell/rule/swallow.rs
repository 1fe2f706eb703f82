//! Rules for failures that the boot ignores: a missing artifact must be fatal.

use super::{Rule, tool_name};
use crate::shell::lint::Class;

const CLAUSE: &str = "PRD-002 §5.4: silent fallback is not acceptable for bootstrap-critical work";
const FIX: &str = "let it fail: `… || { echo \"FATAL: missing …\" >&2; exit 1; }`, or gate it on the feature's flag";

const fn rule(id: &'static str, explain: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Swallow,
        clause: CLAUSE,
        explain,
        fix: FIX,
    }
}

/// In the order of [`Swallow`].
pub(super) static RULES: &[Rule] = &[
    rule(
        "swallow/or-true",
        "`|| true` hides the failure of a step that the boot needs",
    ),
    rule(
        "swallow/or-colon",
        "`|| :` hides the failure of a step that the boot needs",
    ),
    rule(
        "swallow/or-echo",
        "a message is printed and the boot goes on without what it needs",
    ),
];

/// What stands behind `||` instead of a reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::shell) enum Swallow {
    True,
    Colon,
    Echo,
}

impl Swallow {
    /// The handler that a command is, if it is one that only hides.
    pub(in crate::shell) fn of(name: &str) -> Option<Self> {
        match tool_name(name) {
            "true" => Some(Self::True),
            ":" => Some(Self::Colon),
            "echo" | "printf" | "logger" => Some(Self::Echo),
            _ => None,
        }
    }

    pub(in crate::shell) fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}

/// Whether a command asks if an artifact is there: `test -x`, `which`, `codex --version`.
pub(in crate::shell) fn is_probe(argv: &[&str]) -> bool {
    let Some((name, args)) = argv.split_first() else {
        return false;
    };
    match tool_name(name) {
        "test" | "[" => {
            // Whether something may be written, or is not there, says nothing about an artifact.
            let asks =
                |arg: &&str| matches!(*arg, "-e" | "-f" | "-d" | "-x" | "-s" | "-L" | "-h" | "-r");
            args.first().is_some_and(asks) && !args.contains(&"!")
        }
        "which" | "type" | "hash" => !args.is_empty(),
        "echo" | "printf" | "grep" | "sed" | "awk" | "exec" | "set" => false,
        _ => {
            let asks = |arg: &&str| matches!(*arg, "--version" | "--help");
            args.iter().any(asks) || matches!(args, ["-V" | "-v" | "version"])
        }
    }
}
