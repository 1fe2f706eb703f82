//! How text stands on a page: blocks of labelled rows, wrapped and aligned, readable without colour.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// Prose is wrapped here; paths and messages may be longer.
pub(super) const WIDTH: usize = 120;
/// A line of a subject's output is cut here; the evidence has all of it.
const LONGEST: usize = 400;
const INDENT: usize = 6;
const LABEL: usize = 10;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const OURS: Style = AnsiColor::Magenta.on_default().bold();
pub(super) const MEH: Style = AnsiColor::Yellow.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();

/// Whether styles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    /// The text in a style.
    pub(super) fn with(self, style: Style, text: &str) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// What is told about one trial.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The word for its outcome.
    pub(super) word: &'static str,
    pub(super) style: Style,
    pub(super) title: String,
    pub(super) rows: Vec<Part>,
}

/// A piece of a block.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Prose.
    Text(String),
    /// Prose with a label.
    Field(&'static str, String),
    /// A path or a command with a label: never wrapped, so that it can be copied.
    Exact(&'static str, String),
    /// Lines of somebody else below a field.
    Lines(Vec<String>),
}

impl Block {
    /// The block, each line ended.
    pub(super) fn render(&self, paint: Paint) -> String {
        let mut out = format!(
            "{}  {}\n",
            paint.with(self.style, self.word),
            clean(&self.title)
        );
        for row in &self.rows {
            match row {
                Part::Text(text) => lines(
                    &mut out,
                    &" ".repeat(INDENT),
                    INDENT,
                    &wrapped(text, WIDTH - INDENT),
                ),
                Part::Field(label, text) => labelled(
                    &mut out,
                    paint,
                    label,
                    &wrapped(text, WIDTH - INDENT - LABEL),
                ),
                Part::Exact(label, text) => labelled(&mut out, paint, label, &[clean(text)]),
                Part::Lines(text) => {
                    let indent = INDENT + LABEL;
                    let text: Vec<String> =
                        text.iter().flat_map(|t| t.lines()).map(shortened).collect();
                    lines(&mut out, &" ".repeat(indent), indent, &text);
                }
            }
        }
        out
    }
}

fn labelled(out: &mut String, paint: Paint, label: &str, text: &[String]) {
    let padding = " ".repeat(LABEL.saturating_sub(label.len()));
    let first = format!(
        "{}{}{padding}",
        " ".repeat(INDENT),
        paint.with(FAINT, label)
    );
    lines(out, &first, INDENT + LABEL, text);
}

/// Each line behind `first`, or below it; no space at the end of a line.
pub(super) fn lines(out: &mut String, first: &str, indent: usize, text: &[String]) {
    let below = " ".repeat(indent);
    for (number, line) in text.iter().enumerate() {
        let before = if number == 0 { first } else { &below };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", format!("{before}{line}").trim_end());
    }
}

/// Prose in lines of at most `width` columns; its own line breaks and their indents stay.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    text.lines()
        .flat_map(|line| wrap_line(&clean(line), width))
        .collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let own = line.len() - line.trim_start_matches(' ').len();
    let hanging = if own > 0 { own + 2 } else { 0 };
    let mut lines = Vec::new();
    let mut current = " ".repeat(own);
    let mut is_empty = true;
    for word in line.split(' ').filter(|w| !w.is_empty()) {
        if !is_empty && columns(&current) + 1 + columns(word) > width {
            lines.push(std::mem::replace(&mut current, " ".repeat(hanging)));
            is_empty = true;
        }
        if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    lines.push(current);
    lines
}

/// The width of a text on a terminal, as far as it is counted: one column a character.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

fn shortened(line: &str) -> String {
    let line = clean(line);
    let mut chars = line.chars();
    let kept: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        format!("{kept}…")
    } else {
        kept
    }
}

/// Shows what would move a terminal's cursor or hide text: a subject's output is never obeyed.
pub(super) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push_str("    "),
            '\n' | '\r' => shown.push(' '),
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                shown.extend(c.escape_unicode());
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_indents_hang() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrapped("failed to x\n  caused by: a b", 14),
            ["failed to x", "  caused by: a", "    b"]
        );
        assert_eq!(
            wrapped("/a/very/long/path x", 5),
            ["/a/very/long/path", "x"]
        );
        assert!(wrapped("", 5).is_empty());
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(
            clean("a\tb\x1b[31mc\u{202e}"),
            "a    b\\u{1b}[31mc\\u{202e}"
        );
        assert_eq!(shortened(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }
}
