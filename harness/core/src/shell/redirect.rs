//! Syntax tree to redirections, here-documents above all.

use tree_sitter::Node;

use super::{
    lower::{Lower, and_or, operator, push_list},
    parse::{kind, parse},
    substitution::{Code, substitutions},
    syntax::{Command, HereDoc, Op, Redirect, Stmt},
};

impl<'t> Lower<'t> {
    pub(super) fn redirected(&mut self, node: Node<'t>) -> Stmt {
        let mut stmt = match node.child_by_field_name("body") {
            Some(body) => self.stmt(body),
            None => Stmt::Command(Box::new(self.bare_command(node))),
        };
        for child in self.children(node) {
            match kind(&child) {
                "heredoc_redirect" => stmt = self.heredoc(child, stmt),
                "file_redirect" | "herestring_redirect" => {
                    let mut holder = self.bare_command(child);
                    self.redirect(child, &mut holder);
                    stmt = attach(stmt, holder);
                }
                _ => {}
            }
        }
        stmt
    }

    /// The grammar takes the words after a redirection's target for further targets: they are arguments.
    pub(super) fn redirect(&mut self, node: Node<'t>, command: &mut Command) {
        let mut targets = self
            .children(node)
            .into_iter()
            .filter(|n| n.is_named() && kind(n) != "file_descriptor");
        let Some(target) = targets.next() else { return };
        let word = self.word(target);
        // What goes to standard error is talk, not output.
        let talk = self
            .children(node)
            .iter()
            .any(|n| kind(n) == "file_descriptor" && self.source(*n) != "1");
        let operator = self.children(node).into_iter().find(|n| !n.is_named());
        command
            .redirects
            .push(match operator.map(|n| kind(&n)).unwrap_or_default() {
                ">" | ">>" | ">|" | "&>" | "&>>" if !talk => Redirect::Out(word),
                "<<<" => Redirect::HereString(word),
                _ => Redirect::Other(word),
            });
        for extra in targets {
            let word = self.word(extra);
            command.words.push(word);
        }
    }

    /// A here-document; what stands behind it on its line hangs below it in the tree.
    fn heredoc(&mut self, node: Node<'t>, body: Stmt) -> Stmt {
        let mut holder = self.bare_command(node);
        let mut tail = Vec::new();
        let (mut delimiter, mut text) = ("", None);
        let mut op = None;
        for child in self.children(node) {
            match kind(&child) {
                "heredoc_start" => delimiter = self.source(child),
                "heredoc_body" => text = Some(child),
                "heredoc_end" if self.source(child).trim().is_empty() && !delimiter.is_empty() => {
                    self.trouble(
                        node,
                        &format!("the here-document `{delimiter}` is not closed"),
                    );
                }
                "heredoc_end" | "<<" | "<<-" | "file_descriptor" | "\n" | "comment" | "ERROR" => {}
                "file_redirect" | "herestring_redirect" => self.redirect(child, &mut holder),
                "&&" | "||" => op = Some(operator(kind(&child))),
                "pipeline" => tail.push((None, self.members(child))),
                _ if op.is_some() => tail.push((op.take(), vec![self.stmt(child)])),
                _ => {
                    let word = self.word(child);
                    holder.words.push(word);
                }
            }
        }
        if let Some(body) = text {
            holder
                .redirects
                .push(Redirect::HereDoc(self.heredoc_text(body, delimiter)));
        }
        let mut stmt = attach(body, holder);
        for (op, members) in tail {
            stmt = join(stmt, op, members);
        }
        stmt
    }

    fn heredoc_text(&mut self, node: Node<'t>, delimiter: &str) -> HereDoc {
        let text = self.source(node);
        let line = self.line(node);
        let quoted = delimiter.contains(['\'', '"', '\\']);
        // The tree misses substitutions in here-documents, so its own are not used.
        let found = if quoted {
            Vec::new()
        } else {
            substitutions(text)
        };
        let mut subs = Vec::new();
        for Code {
            code,
            offset,
            line: inner,
        } in found
        {
            if !self.enter(node) {
                break;
            }
            let parsed = parse(&code, line + inner, self.byte + node.start_byte() + offset);
            self.leave();
            self.troubles.extend(parsed.troubles);
            subs.push(parsed.block);
        }
        HereDoc {
            text: text.to_owned(),
            line,
            subs,
        }
    }
}

/// Puts what stands behind a here-document where the shell reads it: after the whole, or into its last pipe.
fn join(stmt: Stmt, op: Option<Op>, members: Vec<Stmt>) -> Stmt {
    let Some(op) = op else {
        return match stmt {
            Stmt::Pipeline(mut stages) => {
                stages.extend(members);
                Stmt::Pipeline(stages)
            }
            Stmt::AndOr(first, mut rest) => {
                if let Some((op, last)) = rest.pop() {
                    rest.push((op, join(last, None, members)));
                }
                Stmt::AndOr(first, rest)
            }
            first => Stmt::Pipeline(std::iter::once(first).chain(members).collect()),
        };
    };
    let mut rest = Vec::new();
    for member in members {
        push_list(&mut rest, op, member);
    }
    and_or(stmt, rest)
}

/// Gives the redirections (and stray arguments) of `holder` to the command that has them: the last one.
fn attach(stmt: Stmt, mut holder: Command) -> Stmt {
    match stmt {
        Stmt::Command(mut command) => {
            command.words.append(&mut holder.words);
            command.redirects.append(&mut holder.redirects);
            Stmt::Command(command)
        }
        Stmt::Not(inner) => Stmt::Not(Box::new(attach(*inner, holder))),
        Stmt::Pipeline(mut stages) => {
            let last = stages.pop().map(|last| attach(last, holder));
            stages.extend(last);
            Stmt::Pipeline(stages)
        }
        Stmt::AndOr(first, mut rest) => {
            let last = rest.pop().map(|(op, last)| (op, attach(last, holder)));
            rest.extend(last);
            Stmt::AndOr(first, rest)
        }
        // Several redirections of one compound statement stay one level.
        Stmt::Redirected(inner, mut redirects) => {
            redirects.append(&mut holder.redirects);
            Stmt::Redirected(inner, redirects)
        }
        other => Stmt::Redirected(Box::new(other), holder.redirects),
    }
}
