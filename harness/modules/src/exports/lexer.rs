//! The lexer: one pass over the bytes that tells code from comments, strings, templates and regular expressions, and hands
//! the places where exports may be written to the patterns.
//!
//! Positions are signed, because "before the first byte" is a position that the decisions below look at; reading outside the
//! text gives NUL.

use std::collections::HashSet;

use super::CjsExports;
use super::unescape::unescape;

/// The deepest nesting of templates.
const MAX_TEMPLATES: usize = 2048;
/// The deepest nesting of brackets: what the counter of Node holds. Node itself crashes far below.
const MAX_DEPTH: usize = 65_535;
/// The most `var x = require(…)` at top level that are remembered.
pub(super) const MAX_BINDINGS: usize = 255;

/// The text cannot be followed, or is no CommonJS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What was open at a depth. An entry outlives its bracket: a slash after the closing one looks at it.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    /// The last byte of the token before the bracket.
    before: isize,
    /// It is the brace of a class body.
    class: bool,
}

#[derive(Debug)]
pub(super) struct Lexer<'s> {
    source: &'s [u8],
    pub(super) position: isize,
    end: isize,
    /// The last byte of the last token.
    last_token: isize,
    brackets: Vec<Bracket>,
    depth: usize,
    /// The depths of the templates around; `template` is the innermost.
    templates: Vec<Option<usize>>,
    template: Option<usize>,
    class_follows: bool,
    last_slash_divides: bool,
    failed: bool,
    names: Vec<String>,
    seen: HashSet<Vec<u8>>,
    pub(super) reexports: Vec<String>,
    /// `var id = require(specifier)` at top level: id and specifier with its quotes.
    pub(super) bindings: Vec<(&'s [u8], &'s [u8])>,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s [u8]) -> Self {
        Self {
            source,
            position: -1,
            end: isize::try_from(source.len()).unwrap_or(isize::MAX),
            last_token: -1,
            brackets: Vec::new(),
            depth: 0,
            templates: Vec::new(),
            template: None,
            class_follows: false,
            last_slash_divides: false,
            failed: false,
            names: Vec::new(),
            seen: HashSet::new(),
            reexports: Vec::new(),
            bindings: Vec::new(),
        }
    }

    /// Reads the whole text.
    pub(super) fn run(mut self) -> Result<CjsExports, Unreadable> {
        self.skip_shebang();
        while self.advance() {
            let byte = self.byte();
            if is_space(byte) || self.depth == 0 && self.top_level(byte) || self.token(byte)? {
                continue;
            }
            self.last_token = self.position;
        }
        if self.failed || self.template.is_some() || self.depth != 0 {
            return Err(Unreadable);
        }
        Ok(CjsExports {
            names: self.names,
            reexports: self.reexports,
        })
    }

    fn skip_shebang(&mut self) {
        if !self.source.starts_with(b"#!") {
            return;
        }
        let line = self
            .source
            .iter()
            .position(|byte| is_line_end(*byte))
            .unwrap_or(self.source.len());
        self.position = isize::try_from(line).unwrap_or(self.end);
        self.last_token = self.position;
    }

    /// What is looked for outside all brackets only. True if the byte is dealt with.
    fn top_level(&mut self, byte: u8) -> bool {
        let start = self.position;
        match byte {
            b'i' => {
                if start + 6 < self.end && self.is_at(start, b"import") && self.keyword_start(start)
                {
                    self.import();
                }
            }
            b'r' => {
                if let Some(specifier) = self.require()
                    && self.keyword_start(start)
                {
                    self.bind(start - 1, specifier);
                }
            }
            b'_' => self.interop(start),
            _ => return false,
        }
        self.last_token = self.position;
        true
    }

    /// `_interopRequireWildcard(require(…))`, `__export(require(…))` and `__exportStar(require(…))`.
    fn interop(&mut self, start: isize) {
        const WILDCARD: &[u8] = b"_interopRequireWildcard";
        let starts = self.keyword_start(start) || self.at(start - 1) == b'.';
        if !starts {
            return;
        }
        if start + 23 < self.end && self.is_at(start, WILDCARD) {
            self.position += 23;
            if self.byte() == b'(' {
                self.open(self.last_token);
                self.position += 1;
                if let Some(specifier) = self.require()
                    && self.keyword_start(start)
                {
                    self.bind(start - 1, specifier);
                }
            }
        } else if start + 8 < self.end && self.is_at(start, b"__export") {
            self.position += 8;
            if self.position + 4 < self.end && self.is_at(self.position, b"Star") {
                self.position += 4;
            }
            if self.byte() == b'(' {
                self.open(self.last_token);
                if self.at(self.position + 1) == b'r' {
                    self.position += 1;
                    if let Some(specifier) = self.require() {
                        self.add_reexport(specifier);
                    }
                }
            }
        }
    }

    /// A token anywhere. True if it was a comment, which is none.
    fn token(&mut self, byte: u8) -> Result<bool, Unreadable> {
        let start = self.position;
        match byte {
            b'e' if start + 6 < self.end
                && self.is_at(start, b"export")
                && self.keyword_start(start) =>
            {
                if start + 7 < self.end && self.at(start + 6) == b's' {
                    self.exports(false);
                } else if self.depth == 0 {
                    self.export();
                }
            }
            b'c' if self.keyword_start(start)
                && self.is_at(start, b"class")
                && is_space(self.at(start + 5)) =>
            {
                self.class_follows = true;
            }
            b'm' if start + 6 < self.end
                && self.is_at(start, b"module")
                && self.keyword_start(start) =>
            {
                self.module_exports();
            }
            b'O' if start + 6 < self.end
                && self.is_at(start, b"Object")
                && self.keyword_start(start) =>
            {
                self.object(self.depth == 0);
            }
            b'(' => self.open(self.last_token),
            b'{' => {
                let class = std::mem::take(&mut self.class_follows);
                self.open(self.last_token);
                if let Some(bracket) = self.brackets.get_mut(self.depth - 1) {
                    bracket.class = class;
                }
            }
            b')' => self.depth = self.depth.checked_sub(1).ok_or(Unreadable)?,
            b'}' => self.close_brace()?,
            b'\'' | b'"' => self.string(byte),
            b'`' => self.template(),
            b'/' => match self.at(start + 1) {
                b'/' => {
                    self.line_comment();
                    return Ok(true);
                }
                b'*' => {
                    self.block_comment();
                    return Ok(true);
                }
                _ if self.regex_may_start() => {
                    self.regular_expression();
                    self.last_slash_divides = false;
                }
                _ => self.last_slash_divides = true,
            },
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            Err(Unreadable)
        } else {
            Ok(false)
        }
    }

    fn open(&mut self, before: isize) {
        let empty = Bracket {
            before: -1,
            class: false,
        };
        if self.brackets.len() <= self.depth {
            self.brackets.resize(self.depth + 1, empty);
        }
        if let Some(bracket) = self.brackets.get_mut(self.depth) {
            bracket.before = before;
        }
        self.depth += 1;
    }

    fn close_brace(&mut self) -> Result<(), Unreadable> {
        let closed = self.depth;
        self.depth = closed.checked_sub(1).ok_or(Unreadable)?;
        if self.template == Some(closed) {
            self.template = self.templates.pop().flatten();
            self.template();
        } else if self.template.is_some_and(|template| self.depth < template) {
            return Err(Unreadable);
        }
        Ok(())
    }

    /// Whether a slash here begins a regular expression, and is not a division.
    fn regex_may_start(&self) -> bool {
        let last = self.last_token;
        if last < 0 {
            return true;
        }
        let before = self.at(last - 1);
        let bracket = self.brackets.get(self.depth).copied().unwrap_or(Bracket {
            before: -1,
            class: false,
        });
        match self.at(last) {
            0 => true,
            b'.' if before.is_ascii_digit() => false,
            b'+' | b'-' if before == self.at(last) && last > 0 => false,
            byte if is_expression_punctuator(byte) => true,
            b')' => self.ends_keyword(bracket.before, &[b"while", b"for", b"if"]),
            b'}' => bracket.before < 0 || self.ends_expression(bracket.before) || bracket.class,
            b'/' => self.last_slash_divides,
            _ => self.ends_keyword(last, EXPRESSION_KEYWORDS),
        }
    }

    /// Whether a brace after this token begins a block.
    fn ends_expression(&self, position: isize) -> bool {
        match self.at(position) {
            b'>' => self.at(position - 1) == b'=',
            b';' | b')' => true,
            _ => self.ends_keyword(position, &[b"catch", b"finally", b"else"]),
        }
    }

    /// Whether one of the keywords ends at a position.
    pub(super) fn ends_keyword(&self, position: isize, keywords: &[&[u8]]) -> bool {
        keywords.iter().any(|keyword| {
            let start = position + 1 - isize::try_from(keyword.len()).unwrap_or(0);
            self.is_at(start, keyword) && self.keyword_start(start)
        })
    }

    pub(super) fn keyword_start(&self, position: isize) -> bool {
        position == 0 || is_boundary(self.at(position - 1))
    }

    /// `import` at top level: fine as a call, the end otherwise.
    fn import(&mut self) {
        let start = self.position;
        self.position += 6;
        match self.skip_space() {
            b'(' => self.open(start),
            b'.' => {
                self.position += 1;
                self.skip_space();
                if self.is_at(self.position, b"meta")
                    && !is_identifier_part(self.at(self.position + 4))
                {
                    self.fail();
                }
            }
            b'"' | b'\'' | b'{' | b'*' => self.fail(),
            _ if self.position == start + 6 => {}
            _ => self.fail(),
        }
    }

    /// `export` at top level.
    fn export(&mut self) {
        self.position += 6;
        let start = self.position;
        let byte = self.skip_space();
        if self.position != start || is_punctuator(byte) {
            self.fail();
        }
    }

    pub(super) fn add_name(&mut self, literal: &[u8]) {
        let Some(name) = literal_value(literal) else {
            return;
        };
        if !self.seen.contains(&name) {
            self.names.push(String::from_utf8_lossy(&name).into_owned());
            self.seen.insert(name);
        }
    }

    pub(super) fn add_reexport(&mut self, literal: &[u8]) {
        if let Some(specifier) = literal_value(literal) {
            self.reexports
                .push(String::from_utf8_lossy(&specifier).into_owned());
        }
    }

    /// The text cannot be right: nothing of it counts, so the rest need not be read.
    pub(super) fn fail(&mut self) {
        self.failed = true;
        self.position = self.end + 1;
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    pub(super) fn at(&self, position: isize) -> u8 {
        usize::try_from(position)
            .ok()
            .and_then(|index| self.source.get(index))
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn byte(&self) -> u8 {
        self.at(self.position)
    }

    /// To the next byte; the NUL behind the last one is still given.
    fn advance(&mut self) -> bool {
        let more = self.position < self.end && !self.failed;
        self.position += 1;
        more
    }

    pub(super) fn is_at(&self, position: isize, text: &[u8]) -> bool {
        usize::try_from(position).is_ok_and(|index| {
            self.source
                .get(index..)
                .is_some_and(|rest| rest.starts_with(text))
        })
    }

    pub(super) fn slice(&self, from: isize, to: isize) -> &'s [u8] {
        let index = |position| usize::try_from(position).unwrap_or(0);
        self.source.get(index(from)..index(to)).unwrap_or_default()
    }

    /// Over white space and comments, to the next byte of a token.
    pub(super) fn skip_space(&mut self) -> u8 {
        while self.position < self.end {
            match self.byte() {
                b'/' => match self.at(self.position + 1) {
                    b'/' => self.line_comment(),
                    b'*' => self.block_comment(),
                    _ => return b'/',
                },
                byte if is_space(byte) => {}
                byte => return byte,
            }
            self.position += 1;
        }
        0
    }

    /// To the end of the line.
    fn line_comment(&mut self) {
        while self.advance() && !is_line_end(self.byte()) {}
    }

    /// To the slash that ends the comment.
    fn block_comment(&mut self) {
        self.position += 1;
        while self.advance() {
            if self.byte() == b'*' && self.at(self.position + 1) == b'/' {
                self.position += 1;
                return;
            }
        }
    }

    /// To the quote that ends the string.
    pub(super) fn string(&mut self, quote: u8) {
        while self.advance() {
            match self.byte() {
                byte if byte == quote => return,
                b'\\' => {
                    self.position += 1;
                    if self.byte() == b'\r' && self.at(self.position + 1) == b'\n' {
                        self.position += 1;
                    }
                }
                byte if is_line_end(byte) => break,
                _ => {}
            }
        }
        self.fail();
    }

    /// To the slash that ends the expression; the flags read as a word.
    fn regular_expression(&mut self) {
        let mut in_class = false;
        while self.advance() {
            match self.byte() {
                b'/' if !in_class => return,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\\' => self.position += 1,
                byte if is_line_end(byte) => break,
                _ => {}
            }
        }
        self.fail();
    }

    /// To the end of the template, or into its next substitution.
    fn template(&mut self) {
        while self.advance() {
            match self.byte() {
                b'$' if self.at(self.position + 1) == b'{' => {
                    self.position += 1;
                    if self.templates.len() >= MAX_TEMPLATES {
                        break;
                    }
                    self.templates.push(self.template);
                    self.depth += 1;
                    self.template = Some(self.depth);
                    return;
                }
                b'`' => return,
                b'\\' => self.position += 1,
                _ => {}
            }
        }
        self.fail();
    }
}

const EXPRESSION_KEYWORDS: &[&[u8]] = &[
    b"void",
    b"yield",
    b"else",
    b"case",
    b"delete",
    b"instanceof",
    b"typeof",
    b"in",
    b"return",
    b"do",
    b"debugger",
    b"await",
    b"new",
    b"throw",
];

/// The value of an identifier, or of a string literal with its quotes.
fn literal_value(literal: &[u8]) -> Option<Vec<u8>> {
    let inside = match literal {
        [b'\'' | b'"', inside @ .., _] => inside,
        identifier => identifier,
    };
    if inside.contains(&b'\\') {
        unescape(inside)
    } else {
        Some(inside.to_vec())
    }
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | b' ')
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

const fn is_punctuator(byte: u8) -> bool {
    matches!(byte, b'!' | b'%' | b'&' | b'('..=b'/' | b':'..=b'?' | b'[' | b']' | b'^' | b'{'..=b'~')
}

/// Punctuators after which an expression begins.
const fn is_expression_punctuator(byte: u8) -> bool {
    is_punctuator(byte) && !matches!(byte, b')' | b']' | b'}' | b'/')
}

const fn is_boundary(byte: u8) -> bool {
    is_space(byte) || is_punctuator(byte) && byte != b'.'
}

pub(super) const fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | 0x80..)
}

pub(super) const fn is_identifier_part(byte: u8) -> bool {
    is_identifier_start(byte) || byte.is_ascii_digit()
}
