//! `&&`, `||` and `|`: whose failure is hidden, and what a pipe hands on.

use std::{borrow::Cow, rc::Rc};

use super::{
    command, expand,
    fate::PIPEFAIL,
    rule::{self, Sink, Swallow},
    syntax::{Block, Command, Item, Op, Redirect, Stmt, Word},
    walk::{At, Flow, Walk},
    wrapper::{self, Call},
};

impl Walk<'_> {
    /// `a && b || c`: each member's failure goes to the next `||`.
    pub(super) fn and_or(&mut self, first: &Stmt, rest: &[(Op, Stmt)], at: At) -> Flow {
        let mut fates = self.fates(rest, at).into_iter();
        let flow = self.run(first, fates.next().unwrap_or(at));
        if flow != Flow::Next {
            return flow;
        }
        for ((_, member), at) in rest.iter().zip(fates) {
            self.maybe(|walk| walk.run(member, at));
        }
        Flow::Next
    }

    /// What becomes of the failure of each member; told from the last to the first.
    fn fates(&self, rest: &[(Op, Stmt)], at: At) -> Vec<At> {
        let mut fate = at;
        let mut fates = vec![fate];
        for (index, (op, next)) in rest.iter().enumerate().rev() {
            fate = match op {
                Op::Or => {
                    // `|| echo … && exit 1` does end the boot.
                    let ends = rest
                        .get(index + 1)
                        .is_some_and(|(op, next)| *op == Op::And && self.leaves(next));
                    // `migrate && break || true`: the loop goes on until it is done.
                    let before = rest.get(..index).unwrap_or_default().iter().rev();
                    let answered = before
                        .take_while(|(op, _)| *op == Op::And)
                        .any(|(_, member)| leaves_loop(member));
                    // `|| sleep 5 && install`, and a wait in a loop: it is tried again.
                    let then = rest.get(index + 1).filter(|(op, _)| *op == Op::And);
                    let again =
                        at.again || then.is_some_and(|(_, next)| self.swallows(next, 0).is_none());
                    let swallow = self.swallows(next, 0).filter(|swallow| {
                        !(ends || answered || *swallow == Swallow::Idle && again)
                    });
                    At {
                        swallow,
                        probe: !at.value,
                        checked: true,
                        site: None,
                        ..at
                    }
                }
                // `[ -e x ] && use x || true`: the test decides, it does not fail. Probes in a row are one.
                Op::And => At {
                    probe: fate.probe && self.probes(next),
                    ..fate
                },
            };
            fates.push(fate);
        }
        fates.reverse();
        fates
    }

    /// The handler that a statement behind `||` is, if all that it does is hide the failure.
    pub(super) fn swallows(&self, stmt: &Stmt, calls: u32) -> Option<Swallow> {
        match stmt {
            Stmt::Command(command) => {
                let name = command.words.first()?.as_literal()?;
                match self.scope.functions(&name) {
                    [] => {
                        let words = command
                            .words
                            .iter()
                            .map(|word| word.as_literal().unwrap_or_default());
                        let words: Vec<Cow<'_, str>> = words.collect();
                        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
                        Swallow::of(&words).filter(|_| !writes_file(&command.redirects))
                    }
                    [one] if calls < 4 => {
                        let body = self
                            .functions
                            .get(*one)
                            .map(|function| Rc::clone(&function.body))?;
                        // Log functions ask for a level, take arguments apart and call one another.
                        if rule::talks(&name) && !self.may_end(&body, calls) {
                            return Some(Swallow::Echo);
                        }
                        self.swallows(&body, calls + 1)
                    }
                    _ => None,
                }
            }
            Stmt::Group(block) | Stmt::Subshell(block) => {
                // A flag that is set remembers the failure; a local name does not outlive the message.
                let sets = |item: &Item| matches!(&item.stmt, Stmt::Assign(all) if !matches!(all.keyword.as_str(), "local" | "declare" | "typeset"));
                if block.iter().any(sets) {
                    return None;
                }
                self.hides(block, calls)?.into_iter().max()
            }
            Stmt::Redirected(inner, redirects) => self
                .swallows(inner, calls)
                .filter(|_| !writes_file(redirects)),
            Stmt::Pipeline(stages) => self.swallows(stages.first()?, calls),
            // `! false`
            Stmt::Not(inner) if matches!(&**inner, Stmt::Command(command) if is_false(command)) => {
                Some(Swallow::Idle)
            }
            _ => None,
        }
    }

    /// What each statement of a block hides, if that is all that they do; assignments aside.
    pub(super) fn hides(&self, block: &Block, calls: u32) -> Option<Vec<Swallow>> {
        let mut all: Vec<Swallow> = Vec::new();
        for item in block {
            if matches!(item.stmt, Stmt::Assign(_)) {
                continue;
            }
            // Behind a message, a `return` without a status says that all is well.
            let well = calls == 0 && !all.is_empty() && returns(&item.stmt);
            let swallow = well.then_some(Swallow::Success);
            all.push(swallow.or_else(|| self.swallows(&item.stmt, calls))?);
        }
        Some(all)
    }

    /// Whether something in a statement may end the shell, or the function with a failure.
    fn may_end(&self, stmt: &Stmt, calls: u32) -> bool {
        let block = |block: &Block| block.iter().any(|item| self.may_end(&item.stmt, calls));
        match stmt {
            Stmt::Command(command) => {
                let mut words = command.words.iter().map(Word::as_literal);
                let Some(Some(name)) = words.next() else {
                    return true;
                };
                match &*name {
                    "return" => words
                        .next()
                        .is_some_and(|status| status.as_deref() != Some("0")),
                    "exit" | "exec" | "kill" | "eval" | "." | "source" | "false" => true,
                    _ => match self.scope.functions(&name) {
                        [] => rule::step(&[&*name]) != rule::Step::Tolerable,
                        _ if calls >= 4 => true,
                        all => all.iter().any(|id| {
                            let function = self.functions.get(*id);
                            function.is_none_or(|f| self.may_end(&f.body, calls + 1))
                        }),
                    },
                }
            }
            Stmt::Assign(_) | Stmt::Arithmetic(_) | Stmt::Function { .. } => false,
            Stmt::AndOr(first, rest) => {
                self.may_end(first, calls) || rest.iter().any(|(_, s)| self.may_end(s, calls))
            }
            Stmt::Pipeline(stages) => stages.iter().any(|s| self.may_end(s, calls)),
            Stmt::Not(inner) | Stmt::Redirected(inner, _) => self.may_end(inner, calls),
            Stmt::Group(body) | Stmt::Subshell(body) | Stmt::For { body, .. } => block(body),
            Stmt::If { arms, otherwise } => {
                arms.iter().any(|(head, body)| block(head) || block(body))
                    || otherwise.as_ref().is_some_and(block)
            }
            Stmt::Loop { head, body } => block(head) || block(body),
            Stmt::Case { arms, .. } => arms.iter().any(block),
        }
    }

    /// Whether a statement surely ends the function or the shell, or fails.
    fn leaves(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Command(command) => {
                let name = command.words.first().and_then(Word::as_literal);
                name.is_some_and(|name| {
                    matches!(&*name, "exit" | "return" | "false" | "exec" | "kill")
                        || !self.scope.functions(&name).is_empty()
                })
            }
            Stmt::Group(block) => block.iter().any(|item| self.leaves(&item.stmt)),
            _ => false,
        }
    }

    /// Whether a function runs `"$@"` as a command somewhere.
    pub(super) fn runs_arguments(&self, id: usize) -> bool {
        fn in_block(block: &Block) -> bool {
            block.iter().any(|item| runs(&item.stmt))
        }
        fn runs(stmt: &Stmt) -> bool {
            match stmt {
                Stmt::Command(command) => command.words.first().is_some_and(Word::is_arguments),
                Stmt::AndOr(first, rest) => runs(first) || rest.iter().any(|(_, s)| runs(s)),
                Stmt::Pipeline(stages) => stages.iter().any(runs),
                Stmt::Not(inner) | Stmt::Redirected(inner, _) => runs(inner),
                Stmt::Group(body) | Stmt::Subshell(body) | Stmt::For { body, .. } => in_block(body),
                Stmt::If { arms, otherwise } => {
                    arms.iter()
                        .any(|(head, body)| in_block(head) || in_block(body))
                        || otherwise.as_ref().is_some_and(in_block)
                }
                Stmt::Loop { head, body } => in_block(head) || in_block(body),
                Stmt::Case { arms, .. } => arms.iter().any(in_block),
                Stmt::Assign(_) | Stmt::Arithmetic(_) | Stmt::Function { .. } => false,
            }
        }
        self.functions
            .get(id)
            .is_some_and(|function| runs(&function.body))
    }

    fn probes(&self, stmt: &Stmt) -> bool {
        let Stmt::Command(command) = stmt else {
            return false;
        };
        let lists = expand::command(&command.words, &self.scope);
        lists
            .first()
            .is_some_and(|argv| match wrapper::unwrap(argv).call {
                Call::Probe => true,
                Call::Command { argv, .. } => command::is_probe(&argv),
                _ => false,
            })
    }

    pub(super) fn pipeline(&mut self, stages: &[Stmt], at: At) {
        let mut feeds = Vec::new();
        let mut later = None;
        for stage in stages.iter().rev() {
            feeds.push(later.or(at.feeds));
            later = later.max(self.sink(stage));
        }
        // Where a condition asks, it asks what the last command of the pipe found.
        let lost = !at.value
            && !at.checked
            && self.option(PIPEFAIL) != Some(true)
            && !self.unit.asks("PIPESTATUS");
        let last = stages.len().saturating_sub(1);
        let fates = stages.iter().zip(feeds.into_iter().rev()).enumerate();
        for (position, (stage, feeds)) in fates {
            // What reads a download notices that there is none; its own rule says the rest.
            let lost = lost && position < last && feeds.is_none();
            let own = at.swallow.filter(|swallow| {
                position == last || *swallow != Swallow::IfMessage && *swallow != Swallow::Condition
            });
            let swallow = own.or(lost.then_some(Swallow::Pipeline));
            self.subshell(|walk| {
                walk.run(
                    stage,
                    At {
                        feeds,
                        swallow,
                        ..at
                    },
                )
            });
        }
    }

    /// What a statement does with its standard input.
    fn sink(&self, stmt: &Stmt) -> Option<Sink> {
        match stmt {
            Stmt::Command(command) => {
                let lists = expand::command(&command.words, &self.scope);
                lists
                    .iter()
                    .filter_map(|argv| command::sink(command, argv))
                    .max()
            }
            Stmt::Group(block) | Stmt::Subshell(block) => {
                block.iter().filter_map(|item| self.sink(&item.stmt)).max()
            }
            Stmt::AndOr(first, rest) => {
                let all = std::iter::once(&**first).chain(rest.iter().map(|(_, stmt)| stmt));
                all.filter_map(|stmt| self.sink(stmt)).max()
            }
            Stmt::Redirected(inner, _) => self.sink(inner),
            _ => None,
        }
    }
}

fn is_false(command: &Command) -> bool {
    let name = command.words.first().and_then(Word::as_literal);
    name.is_some_and(|name| name == "false")
}

/// `return` without a status.
fn returns(stmt: &Stmt) -> bool {
    let Stmt::Command(command) = stmt else {
        return false;
    };
    let [word] = command.words.as_slice() else {
        return false;
    };
    word.as_literal().is_some_and(|name| name == "return")
}

/// `break` and `continue`.
fn leaves_loop(stmt: &Stmt) -> bool {
    let Stmt::Command(command) = stmt else {
        return false;
    };
    let name = command.words.first().and_then(Word::as_literal);
    name.is_some_and(|name| matches!(&*name, "break" | "continue"))
}

fn writes_file(redirects: &[Redirect]) -> bool {
    redirects.iter().any(|redirect| {
        matches!(redirect, Redirect::Out(word) if !word.as_literal().is_some_and(|path| path.starts_with("/dev/")))
    })
}
