//! A subject's manifest as a trial changes it: its features switched on or off, or a text that it must be refused for.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{Manifest, ManifestError};

/// What the manifest in the image says when the subject boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ManifestState {
    /// What it says in the image.
    #[default]
    AsShipped,
    /// Every feature that the subject knows is switched on.
    AllOn,
    /// Each feature that the subject knows is switched off in turn, one trial for each.
    EachOff,
    /// It must be refused: once it cannot be parsed, once a feature is neither true nor false.
    Invalid,
}

impl ManifestState {
    /// The two ways of [`Self::Invalid`], as variants of a trial.
    pub const WAYS: [&str; 2] = ["not-parsable", "wrong-type"];
}

/// What ends every text that is TOML, YAML or JSON.
const GARBAGE: &str = "\n]} this is no manifest\n";

impl Manifest {
    /// The text of a manifest in which each of these flags has this value; all else stays as it is written in TOML, and is
    /// written anew in YAML and JSON.
    ///
    /// # Errors
    ///
    /// The text is no manifest, or a flag is not one of its.
    pub fn with(path: &str, text: &str, flags: &[(&str, Value)]) -> Result<String, ManifestError> {
        let manifest = Self::parse(path, text)?;
        let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if matches!(suffix, "json" | "yaml" | "yml") {
            let mut whole = manifest.into_value();
            for (flag, value) in flags {
                let place = place(&mut whole, flag).ok_or_else(|| unknown(flag))?;
                place.clone_from(value);
            }
            // JSON is YAML, too.
            return Ok(format!("{whole:#}\n"));
        }
        let table = DeTable::parse(text).map_err(|error| ManifestError::Parse {
            path: path.to_owned(),
            format: "TOML",
            why: error.message().to_owned(),
        })?;
        let mut spans = Vec::new();
        booleans(table.get_ref(), "", &mut spans);
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for (flag, value) in flags {
            let enabled = format!("{flag}.enabled");
            let found = spans.iter().find(|(key, _)| key == flag || *key == enabled);
            let (_, span) = found.ok_or_else(|| unknown(flag))?;
            edits.push((span.clone(), value.to_string()));
        }
        edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = text.to_owned();
        for (span, value) in edits {
            text.replace_range(span, &value);
        }
        Ok(text)
    }

    /// The text of a manifest that must be refused, in one of [`ManifestState::WAYS`]; `flag` is one of its.
    ///
    /// # Errors
    ///
    /// The text is no manifest itself, or the flag is not one of its.
    pub fn spoiled(path: &str, text: &str, way: &str, flag: &str) -> Result<String, ManifestError> {
        if way == ManifestState::WAYS[1] {
            return Self::with(path, text, &[(flag, "sometimes".into())]);
        }
        Self::parse(path, text)?;
        Ok(format!("{text}{GARBAGE}"))
    }
}

fn unknown(flag: &str) -> ManifestError {
    ManifestError::Flag {
        flag: flag.to_owned(),
    }
}

/// The boolean of a flag, itself or its table's `enabled`.
fn place<'a>(whole: &'a mut Value, flag: &str) -> Option<&'a mut Value> {
    let at = flag
        .split('.')
        .try_fold(whole, |value, key| value.get_mut(key))?;
    if at.is_object() {
        at.get_mut("enabled")
    } else {
        Some(at)
    }
}

/// Every boolean with its dotted path and its place in the text.
fn booleans(table: &DeTable<'_>, above: &str, found: &mut Vec<(String, Range<usize>)>) {
    for (key, value) in table {
        let dot = if above.is_empty() { "" } else { "." };
        let path = format!("{above}{dot}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Boolean(_) => found.push((path, value.span())),
            DeValue::Table(inner) => booleans(inner, &path, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flag_changes_and_nothing_else_of_the_text() {
        let text =
            "# kept\n[a]\nb = true # why\nc = { enabled = false, x = 1 }\n[a.d]\nenabled=true\n";
        let with = |flag, on: bool| Manifest::with("m.toml", text, &[(flag, on.into())]);
        assert_eq!(
            with("a.b", false),
            Ok(text.replace("b = true", "b = false"))
        );
        assert_eq!(
            with("a.c", true),
            Ok(text.replace("enabled = false", "enabled = true"))
        );
        assert_eq!(
            with("a.d", false),
            Ok(text.replace("enabled=true", "enabled=false"))
        );
        assert!(with("a.x", true).is_err());
        let both = Manifest::with(
            "m.toml",
            text,
            &[("a.b", false.into()), ("a.d", false.into())],
        );
        let both = Manifest::parse("m.toml", &both.expect("TOML")).expect("TOML");
        assert_eq!(
            (both.flag("a.b"), both.flag("a.d"), both.flag("a.c")),
            (Ok(false), Ok(false), Ok(false))
        );
        for (path, text) in [
            ("m.json", "{\"a\": {\"b\": true, \"c\": 1}}"),
            ("m.yaml", "a:\n  b: true\n  c: 1\n"),
        ] {
            let off = Manifest::with(path, text, &[("a.b", false.into())]).expect("a manifest");
            let off = Manifest::parse(path, &off).expect("still one");
            assert_eq!(off.flag("a.b"), Ok(false));
        }
    }

    #[test]
    fn what_is_spoiled_is_refused_by_whoever_reads_it() {
        for (path, text) in [
            ("m.toml", "[a]\nb = true\n"),
            ("m.json", "{\"a\": {\"b\": true}}"),
            ("m.yaml", "a:\n  b: true\n"),
        ] {
            let cut = Manifest::spoiled(path, text, "not-parsable", "a.b").expect("spoiled");
            assert!(Manifest::parse(path, &cut).is_err(), "{cut}");
            let wrong = Manifest::spoiled(path, text, "wrong-type", "a.b").expect("spoiled");
            let wrong = Manifest::parse(path, &wrong).expect("it parses");
            assert!(wrong.flag("a.b").is_err());
        }
    }
}
