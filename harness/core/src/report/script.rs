//! The lint's findings for people and for machines: a place with its source line, a JSON object, a neutral remark.

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

use super::layout::{BAD, FAINT, Paint, clean, columns};
use super::remark::{Level, Place, Remark, RuleText};
use crate::shell::{Rule, Smell, Unparsed};

/// Source lines shown of one command.
const MAX_LINES: u32 = 6;

/// One finding as it stands on a line of `--format jsonl`.
#[derive(Debug, Serialize)]
struct Record<'a> {
    file: &'a str,
    line: u32,
    end_line: u32,
    rule: &'a str,
    message: Message<'a>,
    reached_by: &'a [String],
    text: &'a str,
    clause: &'a str,
    fix: &'a str,
}

/// A finding as one JSON object.
#[must_use]
pub fn json(smell: &Smell) -> impl Serialize + '_ {
    Record {
        file: &smell.file,
        line: smell.line,
        end_line: smell.end_line,
        rule: smell.rule,
        message: Message(smell),
        reached_by: &smell.reached_by,
        text: &smell.text,
        clause: smell.clause,
        fix: smell.fix,
    }
}

/// What is wrong, in one sentence.
#[derive(Debug)]
struct Message<'a>(&'a Smell);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.0.text, self.0.explain)
    }
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A finding in the neutral form.
#[must_use]
pub fn remark(smell: &Smell) -> Remark {
    Remark {
        rule: smell.rule.to_owned(),
        level: Level::Error,
        message: format!("{}. Fix: {}", Message(smell), smell.fix),
        place: Some(Place {
            file: smell.file.clone(),
            line: smell.line,
            end_line: smell.end_line,
            column: smell.column,
        }),
        reached_by: smell.reached_by.clone(),
        waiver: None,
    }
}

/// What could not be read, in the neutral form.
#[must_use]
pub fn unread(unparsed: &Unparsed) -> Remark {
    Remark {
        rule: String::new(),
        level: Level::Warning,
        message: format!(
            "the script could not be read whole: {}; what stands there was not judged",
            unparsed.why
        ),
        place: Some(Place {
            file: unparsed.file.clone(),
            line: unparsed.line,
            end_line: unparsed.line,
            column: None,
        }),
        reached_by: Vec::new(),
        waiver: None,
    }
}

/// A rule in the neutral form.
#[must_use]
pub fn rule_text(rule: &Rule) -> RuleText {
    RuleText {
        id: rule.id.to_owned(),
        explain: rule.explain.to_owned(),
        fix: rule.fix.to_owned(),
        clause: rule.clause.to_owned(),
    }
}

/// A finding for a person. `source` is the text of its file, when it is at hand.
#[must_use]
pub fn finding(smell: &Smell, source: Option<&str>, colour: bool) -> String {
    let paint = Paint(colour);
    let place = match smell.column {
        Some(column) => format!("{}:{}:{column}", smell.file, smell.line),
        None => format!("{}:{}", smell.file, smell.line),
    };
    // Writing to a string cannot fail.
    let mut out = format!("{}: {}\n", clean(&place), paint.with(BAD, smell.rule));
    let shown: Vec<(u32, &str)> = source.map_or_else(Vec::new, |text| {
        let from = smell.line.saturating_sub(1) as usize;
        let lines = text.lines().skip(from);
        let count = (smell.end_line - smell.line + 1).min(MAX_LINES);
        (smell.line..).zip(lines).take(count as usize).collect()
    });
    let gutter = shown
        .last()
        .map_or(4, |(number, _)| number.to_string().len().max(4));
    let bar = paint.with(FAINT, "|");
    for (number, line) in &shown {
        let _ = writeln!(out, "{number:>gutter$} {bar} {}", clean(line).trim_end());
        if let Some(under) = underline(smell, *number, line, shown.len()) {
            let _ = writeln!(out, "{:>gutter$} {bar} {}", "", paint.with(BAD, &under));
        }
    }
    if shown.is_empty() {
        let _ = writeln!(out, "{:>gutter$} {bar} {}", "", clean(&smell.text));
    }
    let mut row = |label: &str, text: &str| {
        let label = paint.with(FAINT, &format!("{label:<7}"));
        let _ = writeln!(out, "{:>gutter$} {label} {}", "", clean(text));
    };
    row("why", smell.explain);
    row("clause", smell.clause);
    row("fix", smell.fix);
    if !smell.reached_by.is_empty() {
        row("via", &smell.reached_by.join(", "));
    }
    out
}

/// Carets below a command of one line.
fn underline(smell: &Smell, number: u32, line: &str, lines: usize) -> Option<String> {
    let column = smell
        .column
        .filter(|_| lines == 1 && number == smell.line)? as usize;
    let (before, rest): (String, String) = (
        line.chars().take(column - 1).collect(),
        line.chars().skip(column - 1).collect(),
    );
    let width = smell.width.filter(|_| smell.line == smell.end_line)? as usize;
    let marked: String = rest.chars().take(width).collect();
    let blank = " ".repeat(columns(&clean(&before)));
    Some(format!(
        "{blank}{}",
        "^".repeat(columns(&clean(&marked)).max(1))
    ))
}
