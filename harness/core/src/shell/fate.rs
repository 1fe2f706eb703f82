//! What becomes of a failure that nothing stands behind: `set +e`, a condition, the background, a branch that only talks.

use std::borrow::Cow;

use super::{
    expand::Field,
    rule::Swallow,
    syntax::{Block, Item, Op, Part, Stmt, VarOp, Word},
    trap::GUARD,
    walk::{At, Walk},
};

/// The options of `set` that matter here: the variable that keeps one, which no script can name, its name and its letter.
const OPTIONS: [(&str, &str, Option<char>); 2] = [
    (ERREXIT, "errexit", Some('e')),
    (PIPEFAIL, "pipefail", None),
];
pub(super) const ERREXIT: &str = "-errexit";
pub(super) const PIPEFAIL: &str = "-pipefail";

impl Walk<'_> {
    /// Whether a shell option is on, off, or was never set.
    pub(super) fn option(&self, variable: &str) -> Option<bool> {
        let of = |variable: &str| {
            let values = self.scope.known(variable)?;
            // Where the ways that lead here differ, the stricter one counts.
            Some(values.iter().flatten().any(|value| value == "on"))
        };
        let own = of(variable);
        // A trap on `ERR` that ends the shell does what `set -e` does.
        if variable == ERREXIT && own != Some(true) {
            return of(GUARD).or(own);
        }
        own
    }

    /// `set -euo pipefail`, `set +e`, `set -o errexit`.
    pub(super) fn options(&mut self, args: &[Field]) {
        let mut args = args.iter().map(|arg| arg.text.as_str());
        while let Some(arg) = args.next() {
            let Some(on) = arg
                .starts_with('-')
                .then_some(true)
                .or(arg.starts_with('+').then_some(false))
            else {
                return;
            };
            if arg == "--" {
                return;
            }
            let letters = arg.get(1..).unwrap_or_default();
            let named = if letters.contains('o') {
                args.next()
            } else {
                None
            };
            for (variable, name, letter) in OPTIONS {
                if named == Some(name) || letter.is_some_and(|letter| letters.contains(letter)) {
                    self.scope.set_one(variable, if on { "on" } else { "off" });
                }
            }
        }
    }

    /// The options of a `#!` line or of a shell's own arguments.
    pub(super) fn shebang_options(&mut self, text: &str) {
        let Some(line) = text.strip_prefix("#!").and_then(|rest| rest.lines().next()) else {
            return;
        };
        let words: Vec<Field> = line
            .split_ascii_whitespace()
            .skip_while(|word| !word.starts_with('-'))
            .map(|word| Field {
                text: word.to_owned(),
                word: 0,
            })
            .collect();
        self.options(&words);
    }

    /// What hides the failure of a statement that has no handler of its own.
    pub(super) fn lost(&self, item: &Item, rest: &[Item], at: At) -> Option<Swallow> {
        if item.background {
            if is_stopped(rest) {
                return None;
            }
            let named = self.unit.asks("wait -n") || is_named(rest);
            return (!named || !self.unit.waits()).then_some(Swallow::Background);
        }
        let (next, last) = (rest.first(), rest.is_empty());
        if let Some(next) = next.filter(|next| asks_status(&next.stmt)) {
            let ends = self.option(ERREXIT) == Some(true) && !at.checked;
            return self.only_told(&next.stmt).filter(|_| !ends);
        }
        match self.option(ERREXIT) {
            Some(true) if !at.checked && !last && self.only_praised(&item.stmt) => {
                Some(Swallow::Condition)
            }
            Some(true) if at.checked && !last => Some(Swallow::Condition),
            Some(false) if !at.checked => Some(Swallow::ErrexitOff),
            _ => None,
        }
    }

    /// `migrate && echo done`: `set -e` does not end the shell when the first of them fails, and nothing depends on it.
    fn only_praised(&self, stmt: &Stmt) -> bool {
        let Stmt::AndOr(first, rest) = stmt else {
            return false;
        };
        // What a function of the script leaves undone is told where that stands.
        let Stmt::Command(command) = &**first else {
            return false;
        };
        let own = command.words.first().and_then(Word::as_literal);
        let own = own.is_some_and(|name| !self.scope.functions(&name).is_empty());
        !own && rest
            .iter()
            .all(|(op, next)| *op == Op::And && self.swallows(next, 0) == Some(Swallow::Echo))
    }

    /// `if [ $? -ne 0 ]; then echo failed; fi`: the status is looked at, and what follows is talk.
    fn only_told(&self, stmt: &Stmt) -> Option<Swallow> {
        let Stmt::If { arms, otherwise } = stmt else {
            return None;
        };
        let [(head, body)] = arms.as_slice() else {
            return None;
        };
        let [
            Item {
                stmt: Stmt::Command(test),
                ..
            },
        ] = head.as_slice()
        else {
            return None;
        };
        let words: Vec<Option<Cow<'_, str>>> = test.words.iter().map(Word::as_literal).collect();
        let [_, None, Some(operator), Some(zero)] = words.as_slice() else {
            return None;
        };
        let answer = match (&**operator, &**zero) {
            ("-ne" | "!=" | "-gt", "0") => Some(body),
            ("-eq" | "=" | "==", "0") => otherwise.as_ref(),
            _ => None,
        };
        self.talks(answer?).then_some(Swallow::IfMessage)
    }

    /// Whether a block does nothing but print; one that waits may be about to try again.
    fn talks(&self, block: &Block) -> bool {
        let hides = self.hides(block, 0).unwrap_or_default();
        !block.iter().any(sets_flag) && !hides.is_empty() && !hides.contains(&Swallow::Idle)
    }

    /// What an `if` makes of the failure of the step that it asks: nothing, when the branch that answers only talks.
    pub(super) fn unanswered(
        &self,
        head: &Block,
        body: &Block,
        otherwise: Option<&Block>,
        arms: usize,
    ) -> Option<Swallow> {
        let asked = &head.last()?.stmt;
        let negated = match asked {
            Stmt::Not(_) => true,
            Stmt::AndOr(_, rest) => {
                if rest.iter().any(|(op, _)| *op == Op::Or) {
                    return None;
                }
                matches!(rest.last(), Some((_, Stmt::Not(_))))
            }
            _ => false,
        };
        if arms > 1 {
            return None;
        }
        match (negated, otherwise) {
            (true, _) => self.talks(body).then_some(Swallow::IfMessage),
            // `if step; then done=1; else echo failed; fi`: a flag that is not set says that it failed.
            (false, Some(otherwise)) => {
                (self.talks(otherwise) && !body.iter().any(sets_flag)).then_some(Swallow::IfMessage)
            }
            (false, None) => (!ends(body)).then_some(Swallow::Condition),
        }
    }
}

/// A flag that someone may ask for.
fn sets_flag(item: &Item) -> bool {
    matches!(item.stmt, Stmt::Assign(_))
}

/// `true` and `:`.
pub(super) fn always(head: &Block) -> bool {
    constant(head, &["true", ":"])
}

/// `false`.
pub(super) fn never(head: &Block) -> bool {
    constant(head, &["false"])
}

/// A loop that goes on for ever, or as long as it sleeps.
pub(super) fn endless(head: &Block) -> bool {
    constant(head, &["true", ":", "sleep"]) || constant_test(head)
}

/// `[ 1 ]`, `[[ true ]]`.
fn constant_test(head: &Block) -> bool {
    let [
        Item {
            stmt: Stmt::Command(command),
            ..
        },
    ] = head.as_slice()
    else {
        return false;
    };
    let words: Option<Vec<Cow<'_, str>>> = command.words.iter().map(Word::as_literal).collect();
    words.is_some_and(
        |words| matches!(words.as_slice(), [test, one] if test == "test" && !one.is_empty()),
    )
}

fn constant(head: &Block, names: &[&str]) -> bool {
    let [
        Item {
            stmt: Stmt::Command(command),
            ..
        },
    ] = head.as_slice()
    else {
        return false;
    };
    let name = command.words.first().and_then(Word::as_literal);
    name.is_some_and(|name| names.contains(&&*name))
}

/// Whether a block leaves the function, the loop or the shell somewhere.
fn ends(block: &Block) -> bool {
    block.iter().any(|item| match &item.stmt {
        Stmt::Command(command) => {
            let name = command.words.first().and_then(Word::as_literal);
            name.is_some_and(|name| {
                matches!(&*name, "exit" | "return" | "break" | "continue" | "exec")
            })
        }
        Stmt::Group(block) => ends(block),
        // A flag is set that someone may ask for.
        Stmt::Assign(_) => true,
        _ => false,
    })
}

/// Whether the job that was sent to the background just before is remembered by its number, for someone to wait for.
fn is_named(rest: &[Item]) -> bool {
    // The next job takes `$!` away.
    let end = rest.iter().position(|item| item.background);
    let until = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    until.iter().any(|item| asks_for(&item.stmt, "!"))
}

/// `helper & pid=$!; …; kill "$pid"`: the boot ends the job itself when it has done with it.
fn is_stopped(rest: &[Item]) -> bool {
    let end = rest.iter().position(|item| item.background);
    let until = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let kept = until.iter().find_map(|item| match &item.stmt {
        Stmt::Assign(all) => all.list.iter().find_map(|assign| {
            let keeps = assign.words.iter().any(|word| in_word(word, "!"));
            keeps.then_some(assign.name.as_str())
        }),
        _ => None,
    });
    kept.is_some_and(|name| rest.iter().any(|item| kills(&item.stmt, name)))
}

/// `kill "$name"`, with or without an answer to its failure.
fn kills(stmt: &Stmt, name: &str) -> bool {
    match stmt {
        Stmt::Command(command) => {
            let tool = command.words.first().and_then(Word::as_literal);
            tool.is_some_and(|tool| tool == "kill")
                && command.words.iter().any(|word| in_word(word, name))
        }
        Stmt::AndOr(first, _) => kills(first, name),
        Stmt::Redirected(inner, _) => kills(inner, name),
        _ => false,
    }
}

/// Whether a statement looks at `$?`.
fn asks_status(stmt: &Stmt) -> bool {
    asks_for(stmt, "?")
}

/// Whether a statement begins by looking at a variable.
fn asks_for(stmt: &Stmt, name: &str) -> bool {
    let in_word = |word: &Word| in_word(word, name);
    let asks_status = |stmt: &Stmt| asks_for(stmt, name);
    let first_asks = |block: &Block| first_asks(block, name);
    match stmt {
        Stmt::Command(command) => {
            command.words.iter().any(&in_word)
                || command.assigns.iter().flat_map(|a| &a.words).any(&in_word)
        }
        Stmt::Assign(all) => all
            .list
            .iter()
            .flat_map(|assign| &assign.words)
            .any(in_word),
        Stmt::AndOr(first, _) => asks_status(first),
        Stmt::Pipeline(stages) => stages.first().is_some_and(asks_status),
        Stmt::Not(inner) | Stmt::Redirected(inner, _) => asks_status(inner),
        Stmt::Group(block) | Stmt::Subshell(block) => first_asks(block),
        Stmt::If { arms, .. } => arms.first().is_some_and(|(head, _)| first_asks(head)),
        Stmt::Loop { head, .. } => first_asks(head),
        Stmt::Case { word, .. } => in_word(word),
        Stmt::Arithmetic(_) | Stmt::For { .. } | Stmt::Function { .. } => false,
    }
}

fn first_asks(block: &Block, name: &str) -> bool {
    block.first().is_some_and(|item| asks_for(&item.stmt, name))
}

fn in_word(word: &Word, name: &str) -> bool {
    word.parts.iter().any(|part| match part {
        Part::Var(var) => {
            var.name == name
                || match &var.op {
                    VarOp::Default(word) | VarOp::Instead(word) | VarOp::Other(word) => {
                        in_word(word, name)
                    }
                    VarOp::Plain | VarOp::Directory | VarOp::Last => false,
                }
        }
        Part::Text(_) | Part::Sub(_) | Part::Unknown => false,
    })
}

/// Whether a statement surely ends the function or the shell with a failure: `return 1`, `exit 2`, `false`.
pub(super) fn fails(stmt: &Stmt) -> bool {
    let Stmt::Command(command) = stmt else {
        return false;
    };
    let mut words = command.words.iter().map(Word::as_literal);
    match words.next().flatten().as_deref() {
        Some("return" | "exit") => words
            .next()
            .is_some_and(|status| status.is_some_and(|status| status != "0")),
        Some("false") => true,
        _ => false,
    }
}
