//! `trap`: code that runs later, a guard that ends the boot when a step fails, or one that makes the failure look like success.

use super::{
    expand::Field,
    rule::Swallow,
    syntax::Command,
    walk::{At, Walk},
};

/// The option under which the walk remembers whether a trap on `ERR` ends the shell.
pub(super) const GUARD: &str = "-errtrap";

impl Walk<'_> {
    /// `trap HANDLER SIGNAL…`.
    pub(super) fn trap(&mut self, command: &Command, args: &[Field]) {
        let Some(at) = args.iter().position(|arg| arg.text != "--") else {
            return;
        };
        let (handler, signals) = (&args[at], &args[at + 1..]);
        if signals.is_empty() {
            return;
        }
        let names = |wanted: &[&str]| {
            let is = |signal: &str| wanted.iter().any(|w| signal.eq_ignore_ascii_case(w));
            signals.iter().any(|signal| is(&signal.text))
        };
        let text = handler.text.as_str();
        let silent = text.is_empty() || text == "-";
        if names(&["ERR"]) {
            let guard =
                (silent || self.ends_shell(text)).then_some(if silent { "off" } else { "on" });
            if let Some(guard) = guard {
                self.scope.set_one(GUARD, guard);
            }
        }
        if silent {
            return;
        }
        let origin = self.origin(command, handler.word);
        // `exit 0` on `ERR`, and on `EXIT` or its number, ends every boot well, however it went.
        if names(&["ERR", "EXIT", "0"]) && ends_well(text) {
            let at = At {
                swallow: Some(Swallow::Success),
                ..At::default()
            };
            self.hidden(Swallow::Success, &origin, at);
        }
        self.traps.push((handler.text.clone(), origin));
    }

    /// Whether a handler ends the shell: it says so, or it is a function, which is there to do so.
    fn ends_shell(&self, handler: &str) -> bool {
        let words = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '{' | '}');
        let mut words = handler.split(words);
        let first = words.clone().find(|word| !word.is_empty());
        words.any(|word| word == "exit")
            || first.is_some_and(|name| !self.scope.functions(name).is_empty())
    }
}

/// Whether the last thing that a handler does is `exit 0`, with no condition around it.
fn ends_well(handler: &str) -> bool {
    let handler = handler.trim().trim_end_matches(';').trim_end();
    let last = handler.rsplit([';', '\n']).next().unwrap_or_default();
    let plain = !handler.contains("if ") && !handler.contains("case ");
    plain && last.split_whitespace().eq(["exit", "0"])
}

#[cfg(test)]
mod tests {
    use crate::shell::script;

    fn smells(text: &str) -> Vec<(u32, &'static str)> {
        let lint = script("/s.sh", text.as_bytes());
        lint.smells.iter().map(|s| (s.line, s.rule)).collect()
    }

    #[test]
    fn a_guard_that_is_taken_away_hides_failures() {
        let off = [(4, "swallow/errexit-off")];
        let migrate = |first: &str, second: &str| {
            smells(&format!(
                "#!/bin/bash\n{first}\n{second}\npython manage.py migrate\nexec gunicorn app\n"
            ))
        };
        assert_eq!(migrate("trap 'exit 1' ERR", "trap '' ERR"), off);
        assert_eq!(migrate("trap 'echo failed; exit 1' ERR", "trap - ERR"), off);
        assert_eq!(migrate(":", "trap '' ERR"), off);
        // `set -e` needs no trap, and a trap stands in for it.
        assert_eq!(migrate("set -e", "trap '' ERR"), []);
        assert_eq!(migrate("set +e", "trap 'exit 1' ERR"), []);
        assert_eq!(migrate("trap '' TERM INT", "trap cleanup EXIT"), []);
    }

    #[test]
    fn a_trap_that_ends_every_boot_well_is_a_smell_itself() {
        for (trap, told) in [
            ("trap 'exit 0' ERR", true),
            ("trap 'echo bye; exit 0' EXIT", true),
            ("trap 'rm -f /tmp/x; exit 0;' 0", true),
            ("trap 'exit 0' TERM", false),
            ("trap 'exit 1' ERR", false),
            ("trap 'if done; then exit 0; fi' EXIT", false),
            ("trap 'exit $?' EXIT", false),
        ] {
            let told = if told {
                vec![(2, "swallow/or-success")]
            } else {
                vec![]
            };
            assert_eq!(
                smells(&format!("set -e\n{trap}\nexec node x.js\n")),
                told,
                "{trap}"
            );
        }
    }
}
