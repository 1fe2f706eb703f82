//! The files of a package as a case writes them: text, bytes, links, repeated texts, and many alike.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::wire::{File, from_hex};

/// The most files that a case may make, and the most bytes: a case that needs more is an attack on the harness.
const FILES_MOST: usize = 200_000;
const BYTES_MOST: usize = 256 << 20;

/// One file: its text, or how it is made.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FileSpec {
    /// Its text.
    Text(String),
    /// How it is made.
    Made(Made),
}

impl<'de> Deserialize<'de> for FileSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand: an untagged enum would not say which word was wrong.
        deserializer.deserialize_any(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = FileSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a file, or one of `hex`, `link`, `repeat`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FileSpec, E> {
        Ok(FileSpec::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FileSpec, A::Error> {
        Made::deserialize(MapAccessDeserializer::new(map)).map(FileSpec::Made)
    }
}

/// How a file is made that is not plain text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Made {
    /// Bytes as pairs of hexadecimal digits; white space is skipped.
    Hex(String),
    /// A symbolic link to this path.
    Link(String),
    /// A text many times, one after the other.
    Repeat(Repeat),
}

/// A text many times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Stands once before.
    #[serde(default)]
    pub before: String,
    /// What is repeated.
    pub text: String,
    /// How often.
    pub times: usize,
    /// Stands once behind.
    #[serde(default)]
    pub after: String,
}

/// Many files that differ in a number: `@I@` in path and text is the number from 0, `@J@` the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Many {
    /// Their path, with `@I@` in it.
    pub path: String,
    /// Their text.
    pub text: String,
    /// How many.
    pub count: usize,
}

/// Adds what a case writes to the files of its package.
pub(super) fn add(
    into: &mut BTreeMap<String, File>,
    files: &BTreeMap<String, FileSpec>,
    many: &[Many],
) -> Result<(), String> {
    for (path, spec) in files {
        let file = match spec {
            FileSpec::Text(text) => File::Text(text.clone()),
            FileSpec::Made(Made::Hex(hex)) => {
                from_hex(hex).ok_or_else(|| format!("file `{path}` is not pairs of hex digits"))?;
                File::Hex(hex.split_whitespace().collect())
            }
            FileSpec::Made(Made::Link(target)) => File::Link(target.clone()),
            FileSpec::Made(Made::Repeat(repeat)) => {
                let bytes = repeat.text.len().saturating_mul(repeat.times);
                if bytes > BYTES_MOST {
                    return Err(format!(
                        "file `{path}` would have {bytes} bytes; at most {BYTES_MOST} are made"
                    ));
                }
                let middle = repeat.text.repeat(repeat.times);
                File::Text(format!("{}{middle}{}", repeat.before, repeat.after))
            }
        };
        absolute(path)?;
        into.insert(path.clone(), file);
    }
    for many in many {
        if many.count > 1 && !many.path.contains("@I@") {
            return Err(format!(
                "`many` makes {} files but its path `{}` has no `@I@`",
                many.count, many.path
            ));
        }
        if many.count > FILES_MOST {
            return Err(format!(
                "`many` makes {} files; at most {FILES_MOST} are made",
                many.count
            ));
        }
        absolute(&many.path)?;
        for number in 0..many.count {
            let fill = |text: &str| {
                text.replace("@I@", &number.to_string())
                    .replace("@J@", &(number + 1).to_string())
            };
            into.insert(fill(&many.path), File::Text(fill(&many.text)));
        }
    }
    Ok(())
}

fn absolute(path: &str) -> Result<(), String> {
    let parts = path.strip_prefix('/').map(|p| p.split('/'));
    let plain =
        |mut parts: std::str::Split<'_, char>| parts.all(|part| !matches!(part, "" | "." | ".."));
    if parts.is_some_and(plain) {
        Ok(())
    } else {
        Err(format!(
            "file `{path}` is not an absolute path without `.`, `..` and empty parts"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_as_written_and_strange_paths_refused() {
        let many = [Many {
            path: "/m/@I@.js".into(),
            text: "require('./@J@')".into(),
            count: 2,
        }];
        let mut made = BTreeMap::new();
        add(&mut made, &BTreeMap::new(), &many).expect("two files");
        assert_eq!(made["/m/1.js"], File::Text("require('./2')".into()));
        for wrong in ["a.js", "/../a", "/a//b", "/", "/a/./b"] {
            let files = BTreeMap::from([(wrong.to_owned(), FileSpec::Text(String::new()))]);
            assert!(add(&mut made, &files, &[]).is_err(), "{wrong}");
        }
    }
}
