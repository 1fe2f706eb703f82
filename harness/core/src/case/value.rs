//! The scalars of a case and a subject: a span of time and a pattern, each checked where it is written.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest span that a claim can mean: nobody waits longer for a verdict.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A span of time: `500ms`, `60s`, `2m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// Reads `500ms`, `60s` or `2m`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let wrong = || {
            format!(
                "`{text}` is not a span of time; expected a whole number and `ms`, `s` or `m`, such as `60s`"
            )
        };
        let number: u64 = text[..digits].parse().map_err(|_not_a_number| wrong())?;
        let millis = match &text[digits..] {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            _ => None,
        };
        let span = Duration::from_millis(millis.ok_or_else(wrong)?);
        // Nothing can happen in no time: such a claim fails whatever the subject does.
        if span.is_zero() || span > LONGEST {
            return Err(format!(
                "`{text}` is no time that can be waited for; expected more than nothing and at most `1440m`, a day"
            ));
        }
        Ok(Self(span))
    }

    /// In milliseconds.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.millis();
        if ms.is_multiple_of(60_000) && ms > 0 {
            write!(f, "{}m", ms / 60_000)
        } else if ms.is_multiple_of(1000) {
            write!(f, "{}s", ms / 1000)
        } else {
            write!(f, "{ms}ms")
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m)$", "description": "A span of time: `500ms`, `60s`, `2m`." })
    }
}

/// A regular expression in the syntax of the `regex` crate, matched against one line.
#[derive(Debug, Clone)]
pub struct Pattern(pub Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(de::Error::custom(
                "a pattern is empty and would match everything",
            ));
        }
        // The regex crate's messages draw the pattern over several lines; the last one says what is wrong.
        let wrong = |e: regex::Error| {
            let text = e.to_string();
            text.lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned()
        };
        Regex::new(&text).map(Self).map_err(|e| {
            de::Error::custom(format!(
                "`{text}` is not a regular expression: {}",
                wrong(e)
            ))
        })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "description": "A regular expression, matched against one line." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_the_same() {
        for text in ["500ms", "60s", "1ms", "2m", "1440m"] {
            let expected = if text == "60s" { "1m" } else { text };
            assert_eq!(Span::parse(text).expect("parses").to_string(), expected);
        }
        for wrong in [
            "",
            "60",
            "s",
            "-1s",
            "1h",
            "1.5s",
            "99999999999999999999s",
            "18446744073709551615m",
            "0s",
            "0ms",
            "00m",
            "1441m",
            "86401s",
        ] {
            assert!(Span::parse(wrong).is_err(), "{wrong}");
        }
    }
}
