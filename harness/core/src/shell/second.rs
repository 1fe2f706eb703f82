//! The second parser: what tree-sitter's grammar cannot read whole, brush-parser may; words stay with the first.
//!
//! Neither parser is enough alone. brush refuses a file whole for one construct that it does not know, and keeps words as
//! text; tree-sitter recovers, but loses its way in some that are plain bash. So the first reads every text, and only
//! where it met trouble the second is asked: it gives the statements, and each word goes back to the first by itself.

use std::{io::Cursor, sync::mpsc, time::Duration};

use brush_parser::{
    Parser, ParserOptions, SourceSpan,
    ast::{
        AndOr, AndOrList, Assignment, AssignmentName, AssignmentValue, Command as Parsed,
        CommandPrefixOrSuffixItem, CompoundCommand, CompoundList, ExtendedTestExpr,
        IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, Program, RedirectList,
        SeparatorOperator, SimpleCommand, Word as RawWord,
    },
};

use super::{
    lower::and_or,
    parse::{plain, word_of},
    substitution::substitutions,
    syntax::{
        Assign, Assignments, Block, Command, HereDoc, Item, Op, Part, Redirect, Span, Stmt, Sub,
        Word,
    },
};

/// Larger texts are left to the first parser.
const MAX_BYTES: usize = 256 << 10;
/// Openings inside one another that the second parser, which recurses, is given.
const MAX_NESTING: usize = 40;
/// Its stack, and its patience: it may backtrack without end.
const STACK: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(2);

/// The statements of a text, or `None` when the second parser does not understand all of it either.
pub(super) fn parse(text: &str, line: u32, byte: usize) -> Option<Block> {
    if text.len() > MAX_BYTES || nesting(text) > MAX_NESTING {
        return None;
    }
    let program = read(text.to_owned())?;
    let mut lower = Lower {
        text,
        line,
        byte,
        starts: text.char_indices().map(|(at, _)| at).collect(),
        lost: false,
    };
    let mut block = Block::new();
    for list in &program.complete_commands {
        block.extend(lower.list(list));
    }
    (!lower.lost).then_some(block)
}

/// Parses in a thread of its own, which is left behind when it does not end.
fn read(text: String) -> Option<Program> {
    let (tell, told) = mpsc::channel();
    let run = move || {
        let options = ParserOptions::default();
        let program = Parser::new(Cursor::new(text), &options).parse_program();
        // Nobody may be waiting any more.
        let _ = tell.send(program.ok());
    };
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(run)
        .ok()?;
    told.recv_timeout(PATIENCE).ok().flatten()
}

/// How deep a text may nest, counted from above: every opening is taken for one.
fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for word in text.split(|c: char| c.is_whitespace() || c == ';') {
        let opens = matches!(word, "if" | "case" | "while" | "until" | "for" | "select");
        let closes = matches!(word, "fi" | "esac" | "done");
        depth += usize::from(opens) + word.matches(['(', '{']).count();
        most = most.max(depth);
        depth = depth.saturating_sub(usize::from(closes) + word.matches([')', '}']).count());
    }
    most.max(text.matches('`').count() / 64)
}

/// From its tree to statements.
struct Lower<'t> {
    text: &'t str,
    line: u32,
    byte: usize,
    /// Where each character begins: the second parser counts characters.
    starts: Vec<usize>,
    /// Set when something was met that cannot be said in statements.
    lost: bool,
}

impl Lower<'_> {
    fn list(&mut self, list: &CompoundList) -> Block {
        let items = list.0.iter();
        items
            .map(|item| Item {
                stmt: self.and_or(&item.0),
                background: matches!(item.1, SeparatorOperator::Async),
            })
            .collect()
    }

    fn and_or(&mut self, list: &AndOrList) -> Stmt {
        let first = self.pipeline(&list.first);
        let rest = list.additional.iter().map(|next| match next {
            AndOr::And(pipeline) => (Op::And, self.pipeline(pipeline)),
            AndOr::Or(pipeline) => (Op::Or, self.pipeline(pipeline)),
        });
        let rest = rest.collect();
        and_or(first, rest)
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Stmt {
        let mut stages: Vec<Stmt> = pipeline.seq.iter().map(|c| self.command(c)).collect();
        let stmt = match stages.len() {
            1 => stages.remove(0),
            _ => Stmt::Pipeline(stages),
        };
        if pipeline.bang {
            Stmt::Not(Box::new(stmt))
        } else {
            stmt
        }
    }

    fn command(&mut self, command: &Parsed) -> Stmt {
        match command {
            Parsed::Simple(simple) => self.simple(simple),
            Parsed::Compound(compound, redirects) => {
                let stmt = self.compound(compound);
                self.redirected(stmt, redirects.as_ref())
            }
            Parsed::Function(function) => {
                let body = self.compound(&function.body.0);
                let body = self.redirected(body, function.body.1.as_ref());
                Stmt::Function {
                    name: function.fname.value.clone(),
                    body: body.into(),
                }
            }
            Parsed::ExtendedTest(test, redirects) => {
                let span = self.span(&test.loc, &test.loc);
                let mut words = vec![Word::literal("test", span.line)];
                self.test(&test.expr, span.line, &mut words);
                let stmt = Stmt::Command(Box::new(Command {
                    assigns: Vec::new(),
                    words,
                    redirects: Vec::new(),
                    span,
                }));
                self.redirected(stmt, redirects.as_ref())
            }
        }
    }

    fn test(&mut self, expr: &ExtendedTestExpr, line: u32, words: &mut Vec<Word>) {
        match expr {
            ExtendedTestExpr::And(a, b) | ExtendedTestExpr::Or(a, b) => {
                self.test(a, line, words);
                let and = matches!(expr, ExtendedTestExpr::And(..));
                words.push(Word::literal(if and { "&&" } else { "||" }, line));
                self.test(b, line, words);
            }
            ExtendedTestExpr::Not(inner) => {
                words.push(Word::literal("!", line));
                self.test(inner, line, words);
            }
            ExtendedTestExpr::Parenthesized(inner) => self.test(inner, line, words),
            ExtendedTestExpr::UnaryTest(predicate, word) => {
                words.push(Word::literal(predicate.to_string(), line));
                let word = self.word(word);
                words.push(word);
            }
            ExtendedTestExpr::BinaryTest(predicate, left, right) => {
                let left = self.word(left);
                words.extend([left, Word::literal(predicate.to_string(), line)]);
                let right = self.word(right);
                words.push(right);
            }
        }
    }

    fn compound(&mut self, compound: &CompoundCommand) -> Stmt {
        match compound {
            CompoundCommand::Arithmetic(arithmetic) => {
                self.arithmetic(&arithmetic.expr.value, &arithmetic.loc)
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                let parts = [&clause.initializer, &clause.condition, &clause.updater];
                let head = parts.into_iter().flatten().map(|expr| Item {
                    stmt: self.arithmetic(&expr.value, &clause.loc),
                    background: false,
                });
                Stmt::Loop {
                    head: head.collect(),
                    body: self.list(&clause.body.list),
                }
            }
            CompoundCommand::BraceGroup(group) => Stmt::Group(self.list(&group.list)),
            CompoundCommand::Subshell(shell) => Stmt::Subshell(self.list(&shell.list)),
            CompoundCommand::ForClause(clause) => {
                let words = clause
                    .values
                    .as_ref()
                    .map(|all| all.iter().map(|w| self.word(w)).collect());
                Stmt::For {
                    name: clause.variable_name.clone(),
                    words,
                    body: self.list(&clause.body.list),
                }
            }
            CompoundCommand::CaseClause(clause) => {
                let word = self.word(&clause.value);
                let exhaustive = clause
                    .cases
                    .iter()
                    .any(|case| case.patterns.iter().any(|p| p.value == "*"));
                let arms = clause.cases.iter().map(|case| {
                    case.cmd
                        .as_ref()
                        .map_or_else(Block::new, |list| self.list(list))
                });
                let arms = arms.collect();
                Stmt::Case {
                    word,
                    arms,
                    exhaustive,
                }
            }
            CompoundCommand::IfClause(clause) => {
                let mut arms = vec![(self.list(&clause.condition), self.list(&clause.then))];
                let mut otherwise = None;
                for branch in clause.elses.iter().flatten() {
                    match &branch.condition {
                        Some(condition) => {
                            arms.push((self.list(condition), self.list(&branch.body)));
                        }
                        None => otherwise = Some(self.list(&branch.body)),
                    }
                }
                Stmt::If { arms, otherwise }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                Stmt::Loop {
                    head: self.list(&clause.0),
                    body: self.list(&clause.1.list),
                }
            }
            CompoundCommand::Coprocess(process) => self.command(&process.body),
        }
    }

    /// Of arithmetic only the substitutions run something.
    fn arithmetic(&mut self, text: &str, at: &SourceSpan) -> Stmt {
        let line = self.line_of(at);
        let word =
            word_of(text, line, self.byte).unwrap_or_else(|| self.unknown(text, line, self.byte));
        let runs = |part: &Part| !matches!(part, Part::Text(_) | Part::Unknown);
        let parts = word.parts.into_iter().filter(runs).collect();
        Stmt::Arithmetic(Word { parts, line })
    }

    fn redirected(&mut self, stmt: Stmt, redirects: Option<&RedirectList>) -> Stmt {
        let Some(redirects) = redirects else {
            return stmt;
        };
        let all = redirects
            .0
            .iter()
            .map(|redirect| self.redirect(redirect))
            .collect();
        Stmt::Redirected(Box::new(stmt), all)
    }

    fn redirect(&mut self, redirect: &IoRedirect) -> Redirect {
        match redirect {
            IoRedirect::File(descriptor, kind, target) => {
                let word = match target {
                    IoFileRedirectTarget::Filename(word)
                    | IoFileRedirectTarget::Duplicate(word) => self.word(word),
                    IoFileRedirectTarget::Fd(number) => {
                        Word::literal(number.to_string(), self.line)
                    }
                    IoFileRedirectTarget::ProcessSubstitution(_, shell) => {
                        self.process(&shell.list, &shell.loc)
                    }
                };
                let writes = matches!(
                    kind,
                    IoFileRedirectKind::Write
                        | IoFileRedirectKind::Append
                        | IoFileRedirectKind::Clobber
                );
                if writes && descriptor.is_none_or(|number| number == 1) {
                    Redirect::Out(word)
                } else {
                    Redirect::Other(word)
                }
            }
            IoRedirect::OutputAndError(word, _) => Redirect::Out(self.word(word)),
            IoRedirect::HereString(_, word) => Redirect::HereString(self.word(word)),
            IoRedirect::HereDocument(_, document) => {
                let text = document.doc.value.clone();
                let (line, offset) = document.doc.loc.as_ref().map_or((self.line, 0), |at| {
                    (self.line_of(at), self.offset(at.start.index))
                });
                let mut subs = Vec::new();
                for found in substitutions(if document.requires_expansion {
                    &text
                } else {
                    ""
                }) {
                    match plain(
                        &found.code,
                        line + found.line,
                        self.byte + offset + found.offset,
                    ) {
                        Some(block) => subs.push(block),
                        None => self.lost = true,
                    }
                }
                Redirect::HereDoc(HereDoc { text, line, subs })
            }
        }
    }

    fn process(&mut self, list: &CompoundList, at: &SourceSpan) -> Word {
        let block = self.list(list);
        Word {
            parts: vec![Part::Sub(Box::new(Sub {
                block,
                quoted: true,
            }))],
            line: self.line_of(at),
        }
    }

    fn simple(&mut self, simple: &SimpleCommand) -> Stmt {
        let before = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        let behind = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        let (mut assigns, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut places: Vec<SourceSpan> = Vec::new();
        let name = simple.word_or_name.as_ref();
        let keyword = name.and_then(declares);
        let mut declared = Assignments {
            keyword: keyword.unwrap_or_default().to_owned(),
            list: Vec::new(),
            names: Vec::new(),
        };
        for (is_prefix, item) in before
            .map(|item| (true, item))
            .chain(behind.map(|item| (false, item)))
        {
            if !is_prefix && words.is_empty() && keyword.is_none() {
                self.name(name, &mut words, &mut places);
            }
            match item {
                CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    redirects.push(self.redirect(redirect));
                }
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if is_prefix => {
                    places.push(assignment.loc.clone());
                    assigns.push(self.assign(assignment));
                }
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if keyword.is_some() => {
                    declared.list.push(self.assign(assignment));
                }
                CommandPrefixOrSuffixItem::AssignmentWord(_, word)
                | CommandPrefixOrSuffixItem::Word(word) => {
                    places.extend(word.loc.clone());
                    if keyword.is_some() {
                        declared.names.push(word.value.clone());
                    } else {
                        let word = self.word(word);
                        words.push(word);
                    }
                }
                CommandPrefixOrSuffixItem::ProcessSubstitution(_, shell) => {
                    places.push(shell.loc.clone());
                    let word = self.process(&shell.list, &shell.loc);
                    words.push(word);
                }
            }
        }
        if keyword.is_some() {
            declared.names.retain(|name| !name.starts_with(['-', '+']));
            return Stmt::Assign(declared);
        }
        if words.is_empty() {
            self.name(name, &mut words, &mut places);
        }
        if words.is_empty() && redirects.is_empty() {
            declared.list = assigns;
            return Stmt::Assign(declared);
        }
        let first = places.iter().min_by_key(|at| at.start.index).cloned();
        let last = places.iter().max_by_key(|at| at.end.index).cloned();
        let mut command = Command {
            assigns,
            words,
            redirects,
            span: self.span(&first.unwrap_or_default(), &last.unwrap_or_default()),
        };
        if name.is_some_and(|name| name.value == "[") {
            as_test(&mut command);
        }
        Stmt::Command(Box::new(command))
    }

    fn name(
        &mut self,
        name: Option<&RawWord>,
        words: &mut Vec<Word>,
        places: &mut Vec<SourceSpan>,
    ) {
        if let Some(name) = name {
            places.extend(name.loc.clone());
            let word = self.word(name);
            words.push(word);
        }
    }

    fn assign(&mut self, assignment: &Assignment) -> Assign {
        let (name, element) = match &assignment.name {
            AssignmentName::VariableName(name) => (name.clone(), false),
            AssignmentName::ArrayElementName(name, _) => (name.clone(), true),
        };
        let start = self.offset(assignment.loc.start.index);
        let end = self.offset(assignment.loc.end.index);
        let mut from = self
            .text
            .get(start..end)
            .and_then(|text| text.find('='))
            .map_or(start, |at| start + at + 1);
        let (array, words) = match &assignment.value {
            AssignmentValue::Scalar(word) => (false, vec![self.word_behind(word, &mut from)]),
            AssignmentValue::Array(all) => (
                true,
                all.iter()
                    .map(|(_, word)| self.word_behind(word, &mut from))
                    .collect(),
            ),
        };
        Assign {
            name,
            append: assignment.append,
            element,
            array,
            words,
        }
    }

    /// A word whose place the second parser does not tell: it is looked for from `from` on, which moves behind it.
    fn word_behind(&mut self, raw: &RawWord, from: &mut usize) -> Word {
        if raw.loc.is_some() {
            return self.word(raw);
        }
        let rest = self.text.get(*from..).unwrap_or_default();
        let at = *from + rest.find(&raw.value).unwrap_or_default();
        *from = at + raw.value.len();
        let above = self
            .text
            .get(..at)
            .unwrap_or_default()
            .matches('\n')
            .count();
        let line = self.line + u32::try_from(above).unwrap_or(u32::MAX);
        word_of(&raw.value, line, self.byte + at)
            .unwrap_or_else(|| self.unknown(&raw.value, line, self.byte + at))
    }

    /// A word, read by the first parser; one that it cannot read is unknown, unless it may run something.
    fn word(&mut self, raw: &RawWord) -> Word {
        let (line, offset) = raw.loc.as_ref().map_or((self.line, 0), |at| {
            (self.line_of(at), self.offset(at.start.index))
        });
        word_of(&raw.value, line, self.byte + offset)
            .unwrap_or_else(|| self.unknown(&raw.value, line, self.byte + offset))
    }

    /// Of a word that was not understood only the substitutions are kept: they run.
    fn unknown(&mut self, text: &str, line: u32, byte: usize) -> Word {
        let mut parts = vec![Part::Unknown];
        for found in substitutions(text) {
            // Each is shorter than the word it stands in: this ends.
            let parsed = super::parse::parse(&found.code, line + found.line, byte + found.offset);
            self.lost |= !parsed.troubles.is_empty();
            parts.push(Part::Sub(Box::new(Sub {
                block: parsed.block,
                quoted: true,
            })));
        }
        self.lost |= text.contains("<(") || text.contains(">(");
        Word { parts, line }
    }

    fn span(&self, first: &SourceSpan, last: &SourceSpan) -> Span {
        let line =
            |line: usize| self.line + u32::try_from(line.saturating_sub(1)).unwrap_or(u32::MAX);
        Span {
            start: self.byte + self.offset(first.start.index),
            end: self.byte + self.offset(last.end.index),
            line: line(first.start.line),
            end_line: line(last.end.line),
        }
    }

    fn line_of(&self, at: &SourceSpan) -> u32 {
        self.span(at, at).line
    }

    fn offset(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }
}

/// The name of a command that declares variables.
fn declares(name: &RawWord) -> Option<&str> {
    let keywords = ["export", "local", "declare", "typeset", "readonly"];
    let name = name.value.as_str();
    keywords.contains(&name).then_some(name)
}

/// `[ -e x ]` is the command `test -e x`.
fn as_test(command: &mut Command) {
    command.words.pop();
    if let Some(first) = command.words.first_mut() {
        *first = Word::literal("test", first.line);
    }
}
