//! A parsed text and its place: a file, a here-document, the argument of `sh -c`.

use std::{borrow::Cow, rc::Rc};

use super::{
    execline,
    expand::Field,
    parse::{Parsed, clean, parse},
    scope::HOLE,
    syntax::{Block, Span},
    walk::{At, Flow, Frame, Walk},
};

/// Characters of a command's text that a report shows.
const MAX_TEXT: usize = 200;

/// A parsed text.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) id: usize,
    pub(super) file: String,
    text: String,
    /// For a text inside a command: the lines of that command.
    within: Option<(u32, u32)>,
    first_line: u32,
    pub(super) block: Block,
}

impl Unit {
    pub(super) fn empty() -> Self {
        Self {
            id: 0,
            file: String::new(),
            text: String::new(),
            within: None,
            first_line: 1,
            block: Block::new(),
        }
    }

    /// Whether the text names a variable or a word anywhere.
    pub(super) fn asks(&self, word: &str) -> bool {
        self.text.contains(word)
    }

    /// Whether a job of the background is waited for by its number, so that its status is known.
    pub(super) fn waits(&self) -> bool {
        self.text.match_indices("wait ").any(|(at, wait)| {
            let before = self
                .text
                .get(..at)
                .and_then(|text| text.chars().next_back());
            let rest = self
                .text
                .get(at + wait.len()..)
                .unwrap_or_default()
                .trim_start();
            !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
                && rest.starts_with(['$', '"', '%', '-', '1', '2', '3'])
        })
    }

    pub(super) fn first_line(&self) -> u32 {
        self.first_line
    }

    pub(super) fn within_lines(&self) -> Option<(u32, u32)> {
        self.within
    }

    /// First and last line of a span in the file.
    pub(super) fn lines(&self, span: Span) -> (u32, u32) {
        (self.line(span.line), self.line(span.end_line))
    }

    fn line(&self, line: u32) -> u32 {
        self.within
            .map_or(line, |(first, last)| line.clamp(first, last))
    }

    /// First column and width of a span in characters; unknown when the text stands inside a command.
    pub(super) fn columns(&self, span: Span) -> (Option<u32>, Option<u32>) {
        let (Some(before), Some(own)) = (
            self.text.get(..span.start),
            self.text.get(span.start..span.end),
        ) else {
            return (None, None);
        };
        if self.within.is_some() || self.file.is_empty() {
            return (None, None);
        }
        let count = |text: &str| u32::try_from(text.chars().count()).ok();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let column = count(line).map(|column| column + 1);
        (column, count(own).filter(|_| !own.contains('\n')))
    }

    /// The text of a span on one line.
    pub(super) fn source(&self, span: Span) -> String {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        let mut text = Cow::Borrowed(text);
        if text.contains('\n') {
            text = Cow::Owned(text.replace("\\\n", " "));
        }
        if text.contains(HOLE) {
            text = Cow::Owned(text.replace(HOLE, "…"));
        }
        let words: Vec<_> = text.split_whitespace().collect();
        let text = words.join(" ");
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// A text to be read as a script.
#[derive(Debug)]
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
    /// The line of the file on which the text begins.
    pub(super) line: u32,
    /// The lines that its commands may stand on, when the text may come from elsewhere.
    pub(super) within: Option<(u32, u32)>,
}

/// Whether a whole file is written in execline: by its `#!` line, or as the `up` file of a service of s6-rc.
fn is_execline(source: &Source<'_>, text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let named = line.starts_with("#!") && line.contains("execlineb");
    let service =
        source.file.contains("s6-rc.d/") && source.file.ends_with("/up") && !line.starts_with("#!");
    source.within.is_none() && source.line == 1 && (named || service)
}

impl Walk<'_> {
    /// Parses a text once, however often it is run.
    pub(super) fn parsed(&mut self, source: &Source<'_>) -> Rc<Unit> {
        let key = (source.file.to_owned(), source.line, source.text.to_owned());
        if let Some(unit) = self.units.get(&key) {
            return Rc::clone(unit);
        }
        let text = clean(source.text.as_bytes());
        let parsed = if is_execline(source, &text) {
            let (block, troubles) = execline::parse(&text, source.line, 0);
            Parsed { block, troubles }
        } else {
            parse(&text, source.line, 0)
        };
        let unit = Rc::new(Unit {
            id: self.units.len() + 1,
            file: source.file.to_owned(),
            text,
            within: source.within,
            first_line: source.line,
            block: parsed.block,
        });
        for (line, why) in parsed.troubles {
            self.unparsed(source.file, unit.line(line), why);
        }
        self.units.insert(key, Rc::clone(&unit));
        unit
    }

    /// A unit of text that is no script: only shown.
    pub(super) fn shown(&mut self, file: &str, text: &str) -> Rc<Unit> {
        let unit = Rc::new(Unit {
            file: file.to_owned(),
            text: text.to_owned(),
            ..Unit::empty()
        });
        self.unit = Rc::clone(&unit);
        unit
    }

    /// Runs a text in this shell.
    pub(super) fn run_source(&mut self, source: &Source<'_>, at: At) -> Flow {
        let blank = |c: char| c.is_whitespace() || HOLE.contains(c);
        if source.text.chars().all(blank) {
            return Flow::Next;
        }
        let unit = self.parsed(source);
        // The same text in the same state does the same: this also ends an `eval` of itself.
        let key = (unit.id, at, self.scope.generation);
        if let Some(flow) = self.ran.get(&key) {
            return *flow;
        }
        self.ran.insert(key, Flow::Next);
        let flow = self.in_unit(&unit, |walk| walk.block(&unit.block, at));
        self.ran.insert(key, flow);
        flow
    }

    pub(super) fn in_unit(&mut self, unit: &Rc<Unit>, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let outer = std::mem::replace(&mut self.unit, Rc::clone(unit));
        let flow = run(self);
        self.unit = outer;
        flow
    }

    /// Runs the argument of a command as code, in this shell (`eval`) or in one of its own (`sh -c`).
    pub(super) fn run_argument(&mut self, text: &str, line: u32, origin: &Frame, at: At) -> Flow {
        let within = Some(origin.unit.lines(origin.span));
        self.run_source(
            &Source {
                file: &origin.unit.file,
                text,
                line,
                within,
            },
            at,
        )
    }

    /// `sh -c CODE NAME ARGS`.
    pub(super) fn run_shell_code(
        &mut self,
        code: &Field,
        args: &[Field],
        line: u32,
        origin: &Frame,
        at: At,
    ) {
        self.frames.push(origin.clone());
        self.subshell(|walk| {
            let mut texts = args.iter().map(|arg| arg.text.clone());
            walk.scope
                .set_one("0", texts.next().unwrap_or_else(|| "sh".to_owned()));
            walk.scope.set("@", vec![texts.collect()]);
            walk.run_argument(&code.text, line, origin, at)
        });
        self.frames.pop();
    }
}
