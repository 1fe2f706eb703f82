//! Syntax tree to statements.

use std::cell::RefCell;

use tree_sitter::{Node, TreeCursor};

use super::{
    parse::{for_each, kind, row},
    syntax::{Assign, Assignments, Block, Command, Item, Op, Span, Stmt, Word},
};

/// Nesting that is followed; deeper text is reported, so that no script exhausts the stack.
const MAX_DEPTH: u32 = 64;

/// Words that a shell never takes as a command; one in that place means that the grammar lost its way.
const RESERVED: [&str; 12] = [
    "!", "}", "{", "do", "done", "then", "else", "elif", "fi", "esac", "in", "]]",
];

/// What is to be said of a command's name, when it is none.
pub(super) fn misplaced(name: &str) -> Option<String> {
    RESERVED
        .contains(&name)
        .then(|| format!("`{name}` stands where a command should"))
}

/// Lowers one text; what it does not understand it lists.
pub(super) struct Lower<'t> {
    pub(super) text: &'t str,
    line: u32,
    pub(super) byte: usize,
    depth: u32,
    /// Whether the tree has errors, which are listed from the tree.
    fell: bool,
    /// Kept from node to node: it allocates.
    cursor: RefCell<TreeCursor<'t>>,
    pub(super) troubles: Vec<(u32, String)>,
}

impl<'t> Lower<'t> {
    pub(super) fn new(text: &'t str, root: Node<'t>, line: u32, byte: usize) -> Self {
        Self {
            text,
            line,
            byte,
            depth: 0,
            fell: root.has_error(),
            cursor: RefCell::new(root.walk()),
            troubles: Vec::new(),
        }
    }

    pub(super) fn into_troubles(self) -> Vec<(u32, String)> {
        self.troubles
    }

    pub(super) fn program(&mut self, root: Node<'t>) -> Block {
        self.items(&self.children(root))
    }

    pub(super) fn children(&self, node: Node<'t>) -> Vec<Node<'t>> {
        node.children(&mut self.cursor.borrow_mut()).collect()
    }

    pub(super) fn source(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(super) fn line(&self, node: Node<'_>) -> u32 {
        self.line + row(node)
    }

    /// The statements among `nodes`; keywords and separators fall away, `&` is kept.
    pub(super) fn items(&mut self, nodes: &[Node<'t>]) -> Block {
        let mut block = Block::new();
        for node in nodes {
            if node.is_named() && kind(node) != "comment" && !node.is_missing() {
                block.push(Item {
                    stmt: self.stmt(*node),
                    background: false,
                });
            } else if kind(node) == "&"
                && let Some(last) = block.last_mut()
            {
                last.background = true;
            }
        }
        block
    }

    pub(super) fn stmt(&mut self, node: Node<'t>) -> Stmt {
        if !self.enter(node) {
            return Stmt::Group(Block::new());
        }
        let stmt = self.statement(node);
        self.depth -= 1;
        stmt
    }

    /// Counts one level of nesting; false, and a trouble, when it is one too many.
    pub(super) fn enter(&mut self, node: Node<'_>) -> bool {
        if self.depth >= MAX_DEPTH {
            self.trouble(node, "it is nested too deep");
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn trouble(&mut self, node: Node<'_>, why: &str) {
        self.troubles.push((self.line(node), why.to_owned()));
    }

    fn statement(&mut self, node: Node<'t>) -> Stmt {
        match kind(&node) {
            "command" => self.command(node),
            "test_command" => self.test(node),
            "variable_assignment" | "variable_assignments" | "declaration_command" => {
                self.assignments(node)
            }
            "unset_command" => Stmt::Group(Block::new()),
            "negated_command" => {
                let inner = self.children(node).into_iter().find(Node::is_named);
                Stmt::Not(Box::new(
                    inner.map_or_else(|| Stmt::Group(Block::new()), |n| self.stmt(n)),
                ))
            }
            "list" => self.list(node),
            "pipeline" => Stmt::Pipeline(self.members(node)),
            "redirected_statement" => self.redirected(node),
            "subshell" => Stmt::Subshell(self.items(&self.children(node))),
            "compound_statement" if self.source(node).starts_with("((") => {
                Stmt::Arithmetic(self.embedded(node))
            }
            "if_statement" => self.conditional(node),
            "while_statement" | "c_style_for_statement" => self.repeat(node),
            "for_statement" => self.each(node),
            "case_statement" => self.case(node),
            "function_definition" => self.function(node),
            // `{ … }`, and an error node with whole statements inside: they run in this shell.
            _ => Stmt::Group(self.items(&self.children(node))),
        }
    }

    pub(super) fn members(&mut self, node: Node<'t>) -> Vec<Stmt> {
        let named = self
            .children(node)
            .into_iter()
            .filter(|n| n.is_named() && kind(n) != "comment");
        named.map(|n| self.stmt(n)).collect()
    }

    /// `a && b || c` leans left in the tree, as deep as it is long: unrolled.
    fn list(&mut self, node: Node<'t>) -> Stmt {
        let mut rest = Vec::new();
        let mut left = node;
        while kind(&left) == "list" {
            let parts: Vec<_> = self
                .children(left)
                .into_iter()
                .filter(|n| kind(n) != "comment")
                .collect();
            let [first, op, right] = parts.as_slice() else {
                break;
            };
            rest.push((operator(kind(op)), *right));
            left = *first;
        }
        if kind(&left) == "list" {
            return Stmt::Group(self.members(left).into_iter().map(foreground).collect());
        }
        let first = self.stmt(left);
        rest.reverse();
        let mut list = Vec::new();
        for (op, right) in rest {
            push_list(&mut list, op, self.stmt(right));
        }
        and_or(first, list)
    }

    fn command(&mut self, node: Node<'t>) -> Stmt {
        let mut command = self.bare_command(node);
        let mut cursor = node.walk();
        let mut end = usize::MAX;
        for child in node.children(&mut cursor) {
            // The grammar cuts `'a'\b` into two words; without a blank between them they are one.
            let before = std::mem::replace(&mut end, child.end_byte());
            let touches = before == child.start_byte();
            // Now and then the grammar takes two lines for one command, without an error.
            let gap = self
                .text
                .get(before..child.start_byte())
                .unwrap_or_default();
            if gap.contains('\n') && gap.replace("\\\n", "").contains('\n') {
                self.trouble(child, "a command goes on where its line has ended");
            }
            match kind(&child) {
                "variable_assignment" => command.assigns.push(self.assign(child)),
                "file_redirect" | "herestring_redirect" => self.redirect(child, &mut command),
                "command_name" => {
                    if !self.fell
                        && let Some(why) = misplaced(self.source(child))
                    {
                        self.trouble(child, &why);
                    }
                    let name = child.child(0).unwrap_or(child);
                    let word = self.word(name);
                    command.words.push(word);
                }
                "subshell" => {
                    self.trouble(child, "a subshell stands where an argument should");
                }
                "comment" | "ERROR" => {}
                _ => {
                    let mut word = self.word(child);
                    match command.words.last_mut() {
                        Some(last) if touches => last.parts.append(&mut word.parts),
                        _ => command.words.push(word),
                    }
                }
            }
        }
        Stmt::Command(Box::new(command))
    }

    pub(super) fn bare_command(&self, node: Node<'_>) -> Command {
        let end_row = u32::try_from(node.end_position().row).unwrap_or(u32::MAX);
        let span = Span {
            start: self.byte + node.start_byte(),
            end: self.byte + node.end_byte(),
            line: self.line(node),
            end_line: self.line + end_row,
        };
        Command {
            assigns: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            span,
        }
    }

    /// `[ -e x ]` becomes the command `test -e x`, operators in reading order.
    fn test(&mut self, node: Node<'t>) -> Stmt {
        let mut command = self.bare_command(node);
        command.words.push(Word::literal("test", command.span.line));
        let mut stack: Vec<_> = self.children(node).into_iter().rev().collect();
        while let Some(next) = stack.pop() {
            let word = match kind(&next) {
                "unary_expression"
                | "binary_expression"
                | "ternary_expression"
                | "postfix_expression"
                | "parenthesized_expression" => {
                    stack.extend(self.children(next).into_iter().rev());
                    continue;
                }
                "[" | "]" | "[[" | "]]" | "comment" => continue,
                _ if !next.is_named() || kind(&next) == "test_operator" => {
                    Word::literal(self.source(next), self.line(next))
                }
                _ => self.word(next),
            };
            command.words.push(word);
        }
        Stmt::Command(Box::new(command))
    }

    fn assignments(&mut self, node: Node<'t>) -> Stmt {
        let mut all = Assignments {
            keyword: String::new(),
            list: Vec::new(),
            names: Vec::new(),
        };
        if kind(&node) == "variable_assignment" {
            all.list.push(self.assign(node));
            return Stmt::Assign(all);
        }
        for child in self.children(node) {
            match kind(&child) {
                "variable_assignment" => all.list.push(self.assign(child)),
                "variable_name" => all.names.push(self.source(child).to_owned()),
                "comment" | "ERROR" => {}
                _ if !child.is_named() => self.source(child).clone_into(&mut all.keyword),
                _ => {
                    let word = self.word(child);
                    all.list.extend(quoted_assignment(word));
                }
            }
        }
        Stmt::Assign(all)
    }

    fn assign(&mut self, node: Node<'t>) -> Assign {
        let target = node.child_by_field_name("name");
        let element = target.is_some_and(|n| kind(&n) == "subscript");
        let name = target.map(|n| self.source(n)).unwrap_or_default();
        let name = name.split('[').next().unwrap_or_default().to_owned();
        let append = self.children(node).iter().any(|n| kind(n) == "+=");
        let value = node.child_by_field_name("value");
        let array = value.is_some_and(|n| kind(&n) == "array");
        let words = match value {
            Some(n) if array => {
                let named = self
                    .children(n)
                    .into_iter()
                    .filter(|n| n.is_named() && kind(n) != "comment");
                named.map(|n| self.word(n)).collect()
            }
            Some(n) => vec![self.word(n)],
            None => vec![Word::literal("", self.line(node))],
        };
        Assign {
            name,
            append,
            element,
            array,
            words,
        }
    }

    fn conditional(&mut self, node: Node<'t>) -> Stmt {
        let nodes = self.children(node);
        let clause = |n: &Node<'_>| matches!(kind(n), "elif_clause" | "else_clause");
        let end = nodes.iter().position(clause).unwrap_or(nodes.len());
        let (head, clauses) = nodes.split_at(end);
        let mut arms = vec![self.arm(head)];
        let mut otherwise = None;
        for clause in clauses {
            match kind(clause) {
                "elif_clause" => arms.push(self.arm(&self.children(*clause))),
                "else_clause" => otherwise = Some(self.items(&self.children(*clause))),
                _ => {}
            }
        }
        Stmt::If { arms, otherwise }
    }

    fn arm(&mut self, nodes: &[Node<'t>]) -> (Block, Block) {
        let then = nodes
            .iter()
            .position(|n| kind(n) == "then")
            .unwrap_or(nodes.len());
        let (condition, body) = nodes.split_at(then);
        (self.items(condition), self.items(body))
    }

    fn repeat(&mut self, node: Node<'t>) -> Stmt {
        let Some(body) = node.child_by_field_name("body") else {
            return Stmt::Group(self.items(&self.children(node)));
        };
        let before: Vec<_> = self
            .children(node)
            .into_iter()
            .filter(|n| n.id() != body.id())
            .collect();
        let head = if kind(&node) == "while_statement" {
            self.items(&before)
        } else {
            before
                .into_iter()
                .map(|n| foreground(Stmt::Arithmetic(self.embedded(n))))
                .collect()
        };
        Stmt::Loop {
            head,
            body: self.items(&self.children(body)),
        }
    }

    fn each(&mut self, node: Node<'t>) -> Stmt {
        let name = node
            .child_by_field_name("variable")
            .map(|n| self.source(n))
            .unwrap_or_default();
        let words = self
            .children(node)
            .iter()
            .any(|n| kind(n) == "in")
            .then(|| {
                let mut cursor = node.walk();
                let values: Vec<_> = node.children_by_field_name("value", &mut cursor).collect();
                values
                    .into_iter()
                    .filter(Node::is_named)
                    .map(|n| self.word(n))
                    .collect()
            });
        let body = node
            .child_by_field_name("body")
            .map(|node| self.children(node))
            .unwrap_or_default();
        Stmt::For {
            name: name.to_owned(),
            words,
            body: self.items(&body),
        }
    }

    fn case(&mut self, node: Node<'t>) -> Stmt {
        let word = node
            .child_by_field_name("value")
            .map(|n| self.word(n))
            .unwrap_or_default();
        let mut arms = Vec::new();
        let mut exhaustive = false;
        for item in self
            .children(node)
            .into_iter()
            .filter(|n| kind(n) == "case_item")
        {
            let nodes = self.children(item);
            let close = nodes.iter().position(|n| kind(n) == ")").unwrap_or(0);
            let (patterns, body) = nodes.split_at(close);
            exhaustive |= patterns.iter().any(|n| self.source(*n) == "*");
            arms.push(self.items(body));
        }
        Stmt::Case {
            word,
            arms,
            exhaustive,
        }
    }

    fn function(&mut self, node: Node<'t>) -> Stmt {
        let name = node
            .child_by_field_name("name")
            .map(|n| self.source(n))
            .unwrap_or_default();
        let body = match node.child_by_field_name("body") {
            Some(body) => self.stmt(body),
            None => Stmt::Group(Block::new()),
        };
        Stmt::Function {
            name: name.to_owned(),
            body: body.into(),
        }
    }

    /// A word of nothing but the substitutions below `node`.
    pub(super) fn embedded(&mut self, node: Node<'t>) -> Word {
        let mut found = Vec::new();
        for_each(node, |n| {
            let sub = matches!(kind(&n), "command_substitution" | "process_substitution");
            if sub {
                found.push(n);
            }
            !sub
        });
        let parts = found
            .into_iter()
            .map(|n| self.substitution(n, true))
            .collect();
        Word {
            parts,
            line: self.line(node),
        }
    }
}

pub(super) fn operator(kind: &str) -> Op {
    if kind == "||" { Op::Or } else { Op::And }
}

fn foreground(stmt: Stmt) -> Item {
    Item {
        stmt,
        background: false,
    }
}

pub(super) fn and_or(first: Stmt, rest: Vec<(Op, Stmt)>) -> Stmt {
    match first {
        _ if rest.is_empty() => first,
        Stmt::AndOr(first, mut head) => {
            head.extend(rest);
            Stmt::AndOr(first, head)
        }
        first => Stmt::AndOr(Box::new(first), rest),
    }
}

pub(super) fn push_list(list: &mut Vec<(Op, Stmt)>, op: Op, stmt: Stmt) {
    match stmt {
        Stmt::AndOr(first, rest) => {
            list.push((op, *first));
            list.extend(rest);
        }
        stmt => list.push((op, stmt)),
    }
}

/// `export "PM=npm"` assigns as well; any other word is kept for the substitutions inside it.
fn quoted_assignment(word: Word) -> Option<Assign> {
    let line = word.line;
    let (name, words) = match word.as_literal() {
        Some(text) if text.starts_with(['-', '+']) => return None,
        Some(text) => {
            let (name, value) = text.split_once('=')?;
            (name.to_owned(), vec![Word::literal(value, line)])
        }
        None => (String::new(), vec![word]),
    };
    Some(Assign {
        name,
        append: false,
        element: false,
        array: false,
        words,
    })
}
