//! What must not be shown, or would differ between two runs, replaced by a placeholder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::check::Finding;
use crate::run::{Outcome, PlacedFinding, Waived};

/// Stands where a secret stood.
const SECRET: &str = "[SECRET]";
/// Shorter values are ordinary words and numbers: replacing them everywhere would hide everything else.
const SHORTEST: usize = 4;

/// What a run was given in confidence: it came from the host's environment and is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// The values.
    pub values: Vec<String>,
    /// Variables of the subject's environment that hold one, and their whole texts.
    pub named: BTreeMap<String, String>,
}

/// Replaces the values that a run was given in confidence.
///
/// A value of four and more characters goes wherever it stands. A shorter one is also an ordinary word or number: it goes
/// behind its name, and as a whole word of a text that the subject wrote: its log, its answers, and what our sentences quote.
/// Our own words and numbers stay, so that a host with `1` in a variable still reads `code 1`; one without a letter or digit
/// goes behind its name only.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret within a secret does not leave a rest.
    values: Vec<String>,
    short: Vec<String>,
    /// Names and what stands behind them.
    named: Vec<(String, String)>,
    /// Whether the text is the subject's, not a sentence of ours.
    is_subjects: bool,
}

impl Redactor {
    /// Replaces these values, and what they become inside JSON.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let mut values: Vec<String> = Vec::new();
        for value in &secrets.values {
            values.push(escaped(value));
            // Logs, findings and details carry one line at a time.
            if value.contains('\n') {
                values.extend(value.lines().map(|l| l.trim().to_owned()));
            }
            values.push(value.clone());
        }
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        let is_long = |v: &String| v.chars().count() >= SHORTEST;
        let (values, mut short): (Vec<_>, Vec<_>) = values.into_iter().partition(is_long);
        short.retain(|v| v.contains(char::is_alphanumeric));
        let mut named = Vec::new();
        for (name, value) in secrets.named.iter().filter(|(_, v)| !v.is_empty()) {
            named.push((name.clone(), value.clone()));
            named.push((name.clone(), escaped(value)));
        }
        Self {
            values,
            short,
            named,
            is_subjects: false,
        }
    }

    /// The same for texts that the subject wrote.
    #[must_use]
    pub fn of_subject(&self) -> Self {
        Self {
            is_subjects: true,
            ..self.clone()
        }
    }

    /// The text without the values.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if self.values.is_empty() && self.short.is_empty() && self.named.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = ' ';
        let mut quote = None;
        // One pass: what was put in is never looked at again.
        while let Some(next) = rest.chars().next() {
            let begins_word = !is_word(before);
            let hidden = if let Some((kept, hidden)) =
                self.behind_name(rest).filter(|_| begins_word)
            {
                shown.push_str(&rest[..kept]);
                Some(kept + hidden)
            } else if let Some(value) = self.values.iter().find(|v| rest.starts_with(v.as_str())) {
                Some(value.len())
            } else if self.is_cut_short(rest) {
                Some(rest.len())
            } else if self.is_subjects || quote.is_some() {
                self.short
                    .iter()
                    .find(|v| is_whole(v, before, rest))
                    .map(String::len)
            } else {
                None
            };
            if let Some(hidden) = hidden {
                shown.push_str(SECRET);
                before = rest[..hidden].chars().next_back().unwrap_or(' ');
                rest = &rest[hidden..];
                continue;
            }
            if matches!(next, '`' | '"') {
                quote = match quote {
                    None => Some(next),
                    Some(open) if open == next => None,
                    open => open,
                };
            }
            shown.push(next);
            before = next;
            rest = &rest[next.len_utf8()..];
        }
        shown
    }

    /// How much of the beginning is a name with its `=` or `:`, and how much behind it is that name's value.
    fn behind_name(&self, rest: &str) -> Option<(usize, usize)> {
        self.named.iter().find_map(|(name, value)| {
            let mark = rest.strip_prefix(name.as_str())?.trim_start_matches(QUOTES);
            let mark = mark.trim_start_matches(' ').strip_prefix(['=', ':'])?;
            let found = mark.trim_start_matches(' ').trim_start_matches(QUOTES);
            is_whole(value, ' ', found).then_some((rest.len() - found.len(), value.len()))
        })
    }

    /// Whether all that is left is the beginning of a value: a log that was cut ends in the middle of one.
    fn is_cut_short(&self, rest: &str) -> bool {
        rest.chars().take(SHORTEST).count() == SHORTEST
            && self.values.iter().any(|v| v.starts_with(rest))
    }

    /// The same in every string of a JSON value; also the value of each key or `NAME=value` whose name says that it is secret.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                *text = match self.entry_of(text) {
                    Some(name) => format!("{name}={SECRET}"),
                    None => environment(&self.text(text)).into_owned(),
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, value)| self.entry(&key, value))
                    .collect::<Map<_, _>>();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The name of ours that a text gives a value to, as an entry of an environment does.
    fn entry_of(&self, text: &str) -> Option<&str> {
        let (name, value) = text.split_once('=')?;
        let found = self.named.iter().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(found.0.as_str())
    }

    fn entry(&self, key: &str, mut value: Value) -> (String, Value) {
        self.json(&mut value);
        if NAME.is_match(key) {
            hide_strings(&mut value);
        }
        let is_value = |v: &Value| {
            let mut named = self.named.iter().filter(|(name, _)| name == key);
            let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            named.any(|(_, value)| *value == text)
        };
        if is_value(&value) {
            value = SECRET.into();
        }
        // A key of ours is an ordinary word: only what can be nothing else is replaced in it.
        let keys = Self {
            is_subjects: false,
            ..self.clone()
        };
        (keys.text(key), value)
    }

    /// The outcome without the values.
    #[must_use]
    pub fn outcome(&self, outcome: &Outcome) -> Outcome {
        let findings =
            |findings: &[PlacedFinding]| findings.iter().map(|f| self.finding(f)).collect();
        match outcome {
            Outcome::Passed => Outcome::Passed,
            Outcome::Failed { findings: found } => Outcome::Failed {
                findings: findings(found),
            },
            Outcome::ExpectedFailure {
                reason,
                findings: found,
            } => Outcome::ExpectedFailure {
                reason: self.text(reason),
                findings: findings(found),
            },
            Outcome::UnexpectedPass { reason } => Outcome::UnexpectedPass {
                reason: self.text(reason),
            },
            Outcome::Skipped { kind, reason } => Outcome::Skipped {
                kind: *kind,
                reason: self.text(reason),
            },
            Outcome::Broken { chain, hint } => Outcome::Broken {
                chain: chain.iter().map(|c| self.text(c)).collect(),
                hint: hint.as_deref().map(|h| self.text(h)),
            },
        }
    }

    fn finding(&self, placed: &PlacedFinding) -> PlacedFinding {
        let Finding {
            code,
            expected,
            seen,
            detail,
            things,
            at,
        } = &placed.finding;
        let theirs = self.of_subject();
        let detail = detail.iter().map(|d| theirs.text(d)).collect();
        let things = things.iter().map(|t| theirs.text(t)).collect();
        let waiver = placed.waiver.as_ref().map(|waiver| Waived {
            accepts: waiver.accepts,
            by: self.text(&waiver.by),
        });
        let finding = Finding {
            code: code.clone(),
            expected: self.text(expected),
            seen: self.text(seen),
            detail,
            things,
            at: at.clone(),
        };
        PlacedFinding {
            check: placed.check.clone(),
            place: placed.place.clone(),
            finding,
            waiver,
        }
    }
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether the text begins with the value and is not the middle of a longer word.
fn is_whole(value: &str, before: char, rest: &str) -> bool {
    let Some(after) = rest.strip_prefix(value) else {
        return false;
    };
    let goes_on =
        |a: Option<char>, b: Option<char>| a.is_some_and(is_word) && b.is_some_and(is_word);
    !goes_on(Some(before), value.chars().next())
        && !goes_on(value.chars().next_back(), after.chars().next())
}

/// As the value stands between the quotes of a JSON string.
fn escaped(value: &str) -> String {
    let quoted = Value::String(value.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn hide_strings(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => SECRET.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(hide_strings),
        _ => {}
    }
}

const SAYS: &str = "TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|CREDENTIAL";

static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("(?i){SAYS}")));
static ENTRY: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?is)^(\w*(?:{SAYS})\w*=).+$")));
static ASSIGNMENT: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\b(\w*(?:{SAYS})\w*=)[^\s,;]+")));

/// A string that is one entry of an environment loses all behind the `=`; one that holds assignments, their values.
fn environment(text: &str) -> Cow<'_, str> {
    match ENTRY.replace(text, format!("${{1}}{SECRET}")) {
        Cow::Borrowed(text) => ASSIGNMENT.replace_all(text, format!("${{1}}{SECRET}")),
        hidden @ Cow::Owned(_) => hidden,
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("our own patterns are valid")
}

/// What differs between two runs that saw the same, and the placeholder for it; in this order.
static VOLATILE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?",
            "[TIME]",
        ),
        (
            r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            "[ID]",
        ),
        (r"\bsha256:[0-9a-f]{12,64}\b", "[ID]"),
        (r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b", "[ID]"),
        (r"\b\d+ min \d+ s\b", "[DURATION]"),
        (r"\b\d+(?:\.\d+)? (?:ns|µs|us|ms|s|min)\b", "[DURATION]"),
        (r#"/tmp/[^\s/`'"(),:;]+"#, "/tmp/[PATH]"),
    ]
    .map(|(text, placeholder)| (pattern(text), placeholder))
    .into()
});
static PID: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(pid[ =:]\s?)(\d+)\b"));

/// The text of a snapshot: ids, measured durations (`123 ms`), times, pids but 1 and names below `/tmp` are placeholders.
///
/// A claimed span (`30s`) has no space before its unit and stays, and so do ports. Applied twice it changes nothing more.
#[must_use]
pub fn volatile(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, placeholder) in VOLATILE.iter() {
        text = pattern.replace_all(&text, *placeholder).into_owned();
    }
    let pid = |found: &Captures<'_>| {
        if &found[2] == "1" {
            found[0].to_owned()
        } else {
            format!("{}[PID]", &found[1])
        }
    };
    PID.replace_all(&text, pid).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets(values: &[&str], named: &[(&str, &str)]) -> Secrets {
        Secrets {
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            named: named
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    fn redactor() -> Redactor {
        let values = ["hunter2", "hunter2-long", "a\"b\\c", "abc", "SECRET"];
        Redactor::new(&secrets(&values, &[]))
    }

    #[test]
    fn secret_values_are_replaced_longest_first_and_short_ones_stay_in_our_words() {
        let text = r#"hunter2-long, hunter2; {"k":"a\"b\\c"} abc"#;
        assert_eq!(
            redactor().text(text),
            r#"[SECRET], [SECRET]; {"k":"[SECRET]"} abc"#
        );
        assert_eq!(redactor().text("a\"b\\c SECRET"), "[SECRET] [SECRET]");
        assert_eq!(Redactor::default().text("hunter2"), "hunter2");
    }

    #[test]
    fn a_short_value_goes_behind_its_name_and_as_a_word_of_the_subject() {
        let redactor = Redactor::new(&secrets(
            &["1", "abc", "/"],
            &[
                ("LEVEL", "1"),
                ("PIN", "abc"),
                ("ROOT", "/"),
                ("URL", "x://abc@h"),
            ],
        ));
        for (text, expected) in [
            // A sentence of ours keeps its numbers and words.
            (
                "process 1 ended with code 1, abc",
                "process 1 ended with code 1, abc",
            ),
            (
                "a line has `abc` and \"1\", not `abcd`",
                "a line has `[SECRET]` and \"[SECRET]\", not `abcd`",
            ),
            ("LEVEL=1 PIN=abc", "LEVEL=[SECRET] PIN=[SECRET]"),
            ("LEVEL=12 MYPIN=abc PINS=abc", "LEVEL=12 MYPIN=abc PINS=abc"),
            (
                "declare -x PIN='abc' {\"LEVEL\": \"1\"} ROOT: /",
                "declare -x PIN='[SECRET]' {\"LEVEL\": \"[SECRET]\"} ROOT: [SECRET]",
            ),
            ("URL=x://abc@h /bin/sh", "URL=[SECRET] /bin/sh"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
        assert_eq!(
            redactor
                .of_subject()
                .text("pin abc, /abc/d, abcd, level 1 of 10 /"),
            "pin [SECRET], /[SECRET]/d, abcd, level [SECRET] of 10 /"
        );
        let mut value = json!({
            "Env": ["LEVEL=1", "PIN=abc x", "ROOT=/", "PATH=/bin"],
            "LEVEL": 1, "PIN": "abc", "State": { "ExitCode": 1, "abc": "it said abc" },
        });
        redactor.of_subject().json(&mut value);
        let expected = json!({
            "Env": ["LEVEL=[SECRET]", "PIN=[SECRET]", "ROOT=[SECRET]", "PATH=/bin"],
            "LEVEL": "[SECRET]", "PIN": "[SECRET]", "State": { "ExitCode": 1, "abc": "it said [SECRET]" },
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn a_text_that_was_cut_within_a_secret_does_not_show_its_beginning() {
        assert_eq!(redactor().text("password hunt"), "password [SECRET]");
        assert_eq!(redactor().text("password hun"), "password hun");
        assert_eq!(redactor().text("hunters"), "hunters");
    }

    #[test]
    fn a_secret_of_several_lines_is_replaced_line_by_line() {
        let redactor = Redactor::new(&secrets(&["-----BEGIN-----\nAAAABBBB\n-----END-----"], &[]));
        assert_eq!(redactor.text("log: AAAABBBB"), "log: [SECRET]");
        assert_eq!(
            redactor.text(r"key -----BEGIN-----\nAAAABBBB\n-----END-----"),
            "key [SECRET]"
        );
    }

    #[test]
    fn json_loses_values_whose_name_says_that_they_are_secret() {
        let mut value = json!({
            "Env": ["PATH=/bin", "DB_PASSWORD=a b\nc", "github_token=x", "EMPTY_SECRET="],
            "Config": { "apiKey": "k", "max_tokens": 4096, "credentials": ["u", "p"], "note": "it said hunter2" },
            "Cmd": ["sh", "-c", "exec env API_KEY=abc serve --port 80"],
            "hunter2": null,
        });
        Redactor::new(&secrets(&["hunter2"], &[])).json(&mut value);
        let expected = json!({
            "Env": ["PATH=/bin", "DB_PASSWORD=[SECRET]", "github_token=[SECRET]", "EMPTY_SECRET="],
            "Config": { "apiKey": "[SECRET]", "max_tokens": 4096, "credentials": ["[SECRET]", "[SECRET]"], "note": "it said [SECRET]" },
            "Cmd": ["sh", "-c", "exec env API_KEY=[SECRET] serve --port 80"],
            "[SECRET]": null,
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn what_differs_between_runs_becomes_a_placeholder_and_claims_stay() {
        for (text, expected) in [
            (
                "ready after 612 ms, in 1.2 s or 2 min 5 s",
                "ready after [DURATION], in [DURATION] or [DURATION]",
            ),
            (
                "within 30s of the start, 60 seconds",
                "within 30s of the start, 60 seconds",
            ),
            (
                "image sha256:0123456789abcdef0123456789abcdef",
                "image [ID]",
            ),
            (
                "container 4f1c9e0a7b2d on port 9090",
                "container [ID] on port 9090",
            ),
            (
                "at 2024-05-01T10:20:30.5Z and 2024-05-01 10:20:30",
                "at [TIME] and [TIME]",
            ),
            ("run 123e4567-e89b-12d3-a456-426614174000", "run [ID]"),
            (
                "pid 17 (parent pid 1), PID=230",
                "pid [PID] (parent pid 1), PID=[PID]",
            ),
            (
                "/tmp/.tmpAbC123/oci was created",
                "/tmp/[PATH]/oci was created",
            ),
            (
                "process 1 ended with code 127",
                "process 1 ended with code 127",
            ),
        ] {
            assert_eq!(volatile(text), expected);
            assert_eq!(volatile(&volatile(text)), expected);
        }
    }
}
