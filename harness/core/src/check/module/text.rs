//! A claim about a text: what it is, has, or never has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Pattern;
use crate::check::Finding;

/// What a text must be; every key that is written must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TextClaim {
    /// It is exactly this.
    #[serde(default)]
    pub equal: Option<String>,
    /// Its lines are exactly these.
    #[serde(default)]
    pub lines: Option<Vec<String>>,
    /// Each of these stands somewhere in it.
    #[serde(default)]
    pub contains: Vec<String>,
    /// A line matches each of these.
    #[serde(default)]
    pub matches: Vec<Pattern>,
    /// None of these stands anywhere in it.
    #[serde(default)]
    pub never: Vec<String>,
}

impl TextClaim {
    pub(super) fn asks(&self) -> Result<(), String> {
        if self
            .contains
            .iter()
            .chain(&self.never)
            .any(String::is_empty)
        {
            return Err("an empty text stands in every text".into());
        }
        if *self == Self::default() {
            return Err("it has none of `equal`, `lines`, `contains`, `matches`, `never`".into());
        }
        Ok(())
    }

    pub(super) fn judge(&self, what: &str, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let wrong = |expected: String, seen: String| {
            let lines = text.lines().map(|line| format!("{what}: {line}"));
            Finding::new(expected, seen).with(lines)
        };
        if let Some(equal) = &self.equal
            && text != equal
        {
            findings.push(wrong(
                format!("{what} is {equal:?}"),
                difference(equal, text),
            ));
        }
        if let Some(lines) = &self.lines {
            let wanted: String = lines.iter().flat_map(|l| [l.as_str(), "\n"]).collect();
            // A last line without its end is a line all the same.
            if text != wanted && format!("{text}\n") != wanted {
                findings.push(wrong(
                    format!("the lines of {what} are {lines:?}"),
                    difference(&wanted, text),
                ));
            }
        }
        for part in self.contains.iter().filter(|p| !text.contains(p.as_str())) {
            findings.push(wrong(
                format!("{what} contains {part:?}"),
                "it does not".into(),
            ));
        }
        for pattern in &self.matches {
            if !text.lines().any(|line| pattern.0.is_match(line)) {
                findings.push(wrong(
                    format!("a line of {what} matches `{pattern}`"),
                    "none does".into(),
                ));
            }
        }
        for part in self.never.iter().filter(|p| text.contains(p.as_str())) {
            findings.push(wrong(
                format!("{what} never contains {part:?}"),
                "it does".into(),
            ));
        }
        findings
    }
}

/// The first line in which two texts differ.
fn difference(wanted: &str, text: &str) -> String {
    if text.is_empty() {
        return "nothing".into();
    }
    let (mut expected, mut seen) = (wanted.split('\n'), text.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        match (expected.next(), seen.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                return format!("line {number} is {b:?} where {a:?} was expected");
            }
            (Some(a), None) => return format!("it ends before line {number}, {a:?}"),
            (None, Some(b)) => return format!("line {number}, {b:?}, is too much"),
            (None, None) => return "another text".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_by_its_first_difference() {
        assert_eq!(
            difference("a\nb\n", "a\nc\n"),
            "line 2 is \"c\" where \"b\" was expected"
        );
        assert_eq!(difference("a\nb", "a"), "it ends before line 2, \"b\"");
        assert_eq!(difference("a", "a\n"), "line 2, \"\", is too much");
        assert_eq!(difference("a", ""), "nothing");
    }

    #[test]
    fn lines_need_no_last_line_break_but_equal_does() {
        let lines = TextClaim {
            lines: Some(vec!["a".into(), "b".into()]),
            ..TextClaim::default()
        };
        assert!(lines.judge("it", "a\nb\n").is_empty() && lines.judge("it", "a\nb").is_empty());
        assert_eq!(lines.judge("it", "a\n\nb\n").len(), 1);
        let equal = TextClaim {
            equal: Some("a\n".into()),
            ..TextClaim::default()
        };
        assert_eq!(equal.judge("it", "a").len(), 1);
    }
}
