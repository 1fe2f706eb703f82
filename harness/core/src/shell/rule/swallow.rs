//! Rules for failures that the boot ignores: a missing artifact or an undone step must be fatal.

use super::{Rule, step::Step, tool_name};
use crate::shell::lint::Class;

const CLAUSE: &str = "PRD-002 §5.4: silent fallback is not acceptable for bootstrap-critical work";
const FIX: &str =
    "let it fail: `… || { echo \"FATAL: …\" >&2; exit 1; }`, or gate it on the feature's flag";

const fn rule(id: &'static str, explain: &'static str, fix: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Swallow,
        clause: CLAUSE,
        explain,
        fix,
    }
}

/// In the order of [`Swallow`].
pub(super) static RULES: &[Rule] = &[
    rule(
        "swallow/or-true",
        "`|| true` hides the failure of a step that the boot needs",
        FIX,
    ),
    rule(
        "swallow/or-colon",
        "`|| :` hides the failure of a step that the boot needs",
        FIX,
    ),
    rule(
        "swallow/or-echo",
        "a message is printed and the boot goes on without what it needs",
        FIX,
    ),
    rule(
        "swallow/or-idle",
        "what is done instead always succeeds, and the boot goes on without what it needs",
        FIX,
    ),
    rule(
        "swallow/or-success",
        "the failure of a step ends the function or the boot with status 0, as if it had been done",
        "end with a status that says so: `|| exit 1`, or `|| return 1` where the caller looks",
    ),
    rule(
        "swallow/if-message",
        "when the step fails, the branch that answers prints a message and the boot goes on",
        "end that branch with `exit 1`",
    ),
    rule(
        "swallow/condition",
        "inside a condition `set -e` is off: the failure of this step changes nothing",
        "take the step out of the condition, or answer its failure: `… || exit 1`",
    ),
    rule(
        "swallow/errexit-off",
        "`set +e` is in force and nobody looks at the status of this step",
        "keep `set -e`, or look: `… || exit 1`",
    ),
    rule(
        "swallow/pipeline",
        "without `pipefail` a pipe has the status of its last command: the failure of this step is lost",
        "`set -o pipefail`, or write to a file and look at the status",
    ),
    rule(
        "swallow/background",
        "the step runs in the background and nobody asks how it ended",
        "run it in the foreground, or `wait \"$pid\" || exit 1`",
    ),
];

/// What makes a failure disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::shell) enum Swallow {
    True,
    Colon,
    Echo,
    /// A wait, the date, a test of nothing.
    Idle,
    Success,
    IfMessage,
    Condition,
    ErrexitOff,
    Pipeline,
    Background,
}

impl Swallow {
    /// The handler that a command is, if it is one that only hides.
    pub(in crate::shell) fn of(argv: &[&str]) -> Option<Self> {
        let (name, args) = argv.split_first()?;
        match tool_name(name) {
            "true" => Some(Self::True),
            ":" => Some(Self::Colon),
            "echo" | "printf" | "logger" | "cat" | "tail" | "print" => Some(Self::Echo),
            "sleep" if waits(args) => Some(Self::Idle),
            // Setting the clock is work, and fails in a container.
            "date"
                if !args
                    .iter()
                    .any(|arg| arg.starts_with("-s") || arg.starts_with("--set")) =>
            {
                Some(Self::Idle)
            }
            "test" if matches!(args, [one] if !one.is_empty()) => Some(Self::Idle),
            "return" | "exit" if args == ["0"] => Some(Self::Success),
            name if talks(name) => Some(Self::Echo),
            _ => None,
        }
    }

    pub(in crate::shell) fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }

    /// Whether it was written behind the step itself: `|| true`.
    pub(in crate::shell) fn is_explicit(self) -> bool {
        matches!(self, Self::True | Self::Colon | Self::Echo)
    }

    /// Whether the failure of a step of this kind must not disappear in this way.
    pub(in crate::shell) fn hides(self, step: Step) -> bool {
        match step {
            Step::Work => true,
            Step::Service => self.is_explicit() || matches!(self, Self::IfMessage | Self::Success),
            Step::Unknown => self.is_explicit(),
            Step::Tolerable => false,
        }
    }
}

/// Whether a `sleep` comes to its end soon: one of hours holds the boot for someone to look.
fn waits(args: &[&str]) -> bool {
    let holds = |arg: &&str| arg.starts_with("inf") || arg.ends_with(['h', 'd']);
    !args.is_empty() && !args.iter().any(holds)
}

/// A library's function that only prints, by its name: `log_warn`, `bashio::log.warning`. One that is called `error`,
/// `fatal` or `die` often ends the boot.
pub(in crate::shell) fn talks(name: &str) -> bool {
    let name = name.trim_start_matches('_').to_ascii_lowercase();
    // There a `fatal` is a level of the log, and `bashio::exit.nok` ends.
    if name.starts_with("bashio::log.") {
        return true;
    }
    let ends = ["fatal", "die", "exit", "abort", "fail", "panic"];
    if ends.iter().any(|end| name.contains(end)) {
        return false;
    }
    let parts: Vec<&str> = name
        .split(['_', '-', ':', '.'])
        .filter(|part| !part.is_empty())
        .collect();
    [
        "log", "warn", "warning", "info", "notice", "msg", "message", "debug", "print", "logger",
        "note",
    ]
    .iter()
    .any(|word| parts.contains(word))
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
            args.first().is_some_and(asks)
                && !args.contains(&"!")
                && args
                    .get(1)
                    .is_some_and(|path| args.first() == Some(&"-x") || is_artifact(path))
        }
        "which" | "type" | "hash" => !args.is_empty(),
        "echo" | "printf" | "grep" | "sed" | "awk" | "exec" | "set" => false,
        _ => {
            let asks = |arg: &&str| matches!(*arg, "--version" | "--help");
            args.iter().any(asks) || matches!(args, ["-V" | "-v" | "version"])
        }
    }
}

/// Whether a path is one that ships with an image: not state, not configuration that an operator may leave out.
fn is_artifact(path: &str) -> bool {
    let state = [
        "/var/", "/tmp/", "/run/", "/data", "/config", "/etc/", "/home/", "/root/", "/mnt/",
        "/proc/", "/sys/", "/dev/",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
    let settings = [
        "env", "conf", "cfg", "ini", "yml", "yaml", "json", "toml", "xml", "lock", "pid", "sock",
        "pem", "crt", "key", "log", "txt", "sql", "db", "sqlite", "sqlite3",
    ];
    path.starts_with('/')
        && !state.iter().any(|dir| path.starts_with(dir))
        && !name.starts_with('.')
        && !settings.contains(&kind)
}
