//! Syntax tree to words: quotes removed, expansions named.

use tree_sitter::Node;

use super::{
    lower::Lower,
    parse::kind,
    syntax::{Block, Part, Sub, Var, VarOp, Word},
};

impl<'t> Lower<'t> {
    pub(super) fn word(&mut self, node: Node<'t>) -> Word {
        Word {
            parts: self.parts(node, false),
            line: self.line(node),
        }
    }

    fn parts(&mut self, node: Node<'t>, quoted: bool) -> Vec<Part> {
        let text = self.source(node);
        match kind(&node) {
            "raw_string" => vec![Part::Text(inside(text, 1).to_owned())],
            "ansi_c_string" => vec![Part::Text(unescape_ansi(inside(
                text.trim_start_matches('$'),
                1,
            )))],
            "string" => self.string(node),
            "translated_string" => self
                .children(node)
                .last()
                .map(|n| self.string(*n))
                .unwrap_or_default(),
            "concatenation" => self.concatenation(node, quoted),
            "simple_expansion" => {
                let name = text.trim_start_matches('$').replace("\\\n", "");
                vec![Part::Var(Box::new(Var {
                    name,
                    quoted,
                    all: false,
                    op: VarOp::Plain,
                }))]
            }
            "expansion" => vec![self.expansion(node, quoted)],
            "command_substitution" | "process_substitution" => {
                vec![self.substitution(node, quoted)]
            }
            _ if node.named_child_count() == 0 && !text.contains(['{', '}']) => {
                vec![Part::Text(unescape(text))]
            }
            "word" | "command_name" | "extglob_pattern" | "regex" => {
                vec![Part::Text(unescape(text))]
            }
            _ => {
                let mut parts = self.embedded(node).parts;
                parts.push(Part::Unknown);
                parts
            }
        }
    }

    fn concatenation(&mut self, node: Node<'t>, quoted: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        for child in self.children(node) {
            match kind(&child) {
                "``" | "comment" => {}
                _ => parts.extend(self.parts(child, quoted)),
            }
        }
        parts
    }

    /// A double-quoted string. The grammar drops blanks and newlines between its pieces, so the literal
    /// text is taken from between the expansions.
    fn string(&mut self, node: Node<'t>) -> Vec<Part> {
        let end = node.end_byte()
            - usize::from(self.source(node).len() > 1 && self.source(node).ends_with('"'));
        let mut from = node.start_byte() + 1;
        // An empty string is a word of its own.
        let mut parts = vec![Part::Text(String::new())];
        for child in self.children(node) {
            if !child.is_named() || matches!(kind(&child), "string_content" | "comment") {
                continue;
            }
            let source = self.source(child);
            let begin = child.start_byte() + (source.len() - source.trim_start().len());
            parts.push(Part::Text(unescape_quoted(
                self.text.get(from..begin).unwrap_or_default(),
            )));
            parts.extend(self.parts(child, true));
            from = child.end_byte();
        }
        parts.push(Part::Text(unescape_quoted(
            self.text.get(from..end).unwrap_or_default(),
        )));
        // `"$@"` alone is as many words as there are, even none.
        let many = |part: &Part| matches!(part, Part::Var(var) if var.all || var.name == "@");
        if parts
            .iter()
            .filter(|part| !matches!(part, Part::Text(text) if text.is_empty()))
            .all(many)
        {
            parts.retain(many);
        }
        if parts.is_empty() {
            parts.push(Part::Text(String::new()));
        }
        parts
    }

    pub(super) fn substitution(&mut self, node: Node<'t>, quoted: bool) -> Part {
        let block = if self.enter(node) {
            let block = self.items(&self.children(node));
            self.leave();
            block
        } else {
            Block::new()
        };
        Part::Sub(Box::new(Sub { block, quoted }))
    }

    /// `${…}`.
    fn expansion(&mut self, node: Node<'t>, quoted: bool) -> Part {
        let nodes = self.children(node);
        let named = |n: &Node<'_>| {
            matches!(
                kind(n),
                "variable_name" | "special_variable_name" | "subscript"
            )
        };
        let unknown = |op| {
            Part::Var(Box::new(Var {
                name: String::new(),
                quoted,
                all: false,
                op,
            }))
        };
        let Some(at) = nodes.iter().position(named) else {
            return unknown(VarOp::Other(self.embedded(node)));
        };
        let (before, [target, after @ ..]) = nodes.split_at(at) else {
            return unknown(VarOp::Other(self.embedded(node)));
        };
        // `${#x}` and `${!x}` are not the value of `x`.
        if before.len() > 1 {
            return unknown(VarOp::Other(self.embedded(node)));
        }
        let source = self.source(*target);
        let (name, index) = source.split_once('[').unwrap_or((source, ""));
        let index = index.trim_end_matches(']');
        let all = matches!(index, "@" | "*");
        let operator = after.first().map(|n| self.source(*n)).unwrap_or_default();
        let rest = after
            .get(1..after.len().saturating_sub(1))
            .unwrap_or_default();
        let op = match operator {
            _ if !all && !matches!(index, "" | "0") => VarOp::Other(self.embedded(node)),
            "}" | "" => VarOp::Plain,
            ":-" | "-" | ":=" | "=" => VarOp::Default(self.joined(rest, quoted)),
            ":+" | "+" => VarOp::Instead(self.joined(rest, quoted)),
            "%" if self.span(rest) == "/*" => VarOp::Directory,
            "##" if self.span(rest) == "*/" => VarOp::Last,
            _ => VarOp::Other(self.embedded(node)),
        };
        Part::Var(Box::new(Var {
            name: name.to_owned(),
            quoted,
            all,
            op,
        }))
    }

    fn joined(&mut self, nodes: &[Node<'t>], quoted: bool) -> Word {
        let mut word = Word::default();
        for node in nodes {
            word.parts.extend(self.parts(*node, quoted));
        }
        word
    }

    fn span(&self, nodes: &[Node<'t>]) -> &'t str {
        let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else {
            return "";
        };
        self.text
            .get(first.start_byte()..last.end_byte())
            .unwrap_or_default()
    }
}

fn inside(text: &str, quote: usize) -> &str {
    text.get(quote..text.len().saturating_sub(quote))
        .unwrap_or_default()
}

/// Unquoted text: a backslash keeps the next character, and joins two lines.
fn unescape(text: &str) -> String {
    unescape_with(text, |_| true)
}

/// Text in double quotes: a backslash works only before what would be special.
fn unescape_quoted(text: &str) -> String {
    unescape_with(text, |next| matches!(next, '"' | '\\' | '$' | '`' | '\n'))
}

fn unescape_with(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match chars.peek() {
            Some(&next) if char == '\\' && special(next) => {
                chars.next();
                if next != '\n' {
                    out.push(next);
                }
            }
            _ => out.push(char),
        }
    }
    out
}

/// `$'…'`: the escapes that could spell a command.
fn unescape_ansi(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('x') => out.extend(number(&mut chars, 16, 2, 0)),
            Some('u') => out.extend(number(&mut chars, 16, 4, 0)),
            Some('U') => out.extend(number(&mut chars, 16, 8, 0)),
            Some(digit @ '0'..='7') => {
                out.extend(number(&mut chars, 8, 2, digit.to_digit(8).unwrap_or(0)));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn number(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    most: u32,
    first: u32,
) -> Option<char> {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        chars.next();
    }
    char::from_u32(value)
}
