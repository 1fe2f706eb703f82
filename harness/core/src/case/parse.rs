//! YAML to typed values: size and depth bounded, unknown and repeated keys refused, every error with its place.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

/// The largest file that is read.
const FILE_BYTES: u64 = 1024 * 1024;

/// Where something stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// 1-based, 0 when unknown.
    pub line: u64,
    /// 1-based, 0 when unknown.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)
        } else {
            Ok(())
        }
    }
}

/// Bad input, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What is wrong, and the nearest valid word where a word was wrong.
    pub message: String,
}

impl ParseError {
    /// An error about a whole file.
    pub fn file(file: &Path, message: impl Into<String>) -> Self {
        Self {
            place: Place {
                file: file.to_owned(),
                line: 0,
                column: 0,
            },
            message: message.into(),
        }
    }
}

/// A value with its place in the file it was read from.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// 1-based line, 0 when it was not read from a file.
    pub line: u64,
    /// 1-based column.
    pub column: u64,
    /// The file, when it is not the one that is being read: what was taken from a compose file.
    pub file: Option<PathBuf>,
}

impl<T> At<T> {
    /// Another value at the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At {
            value,
            line: self.line,
            column: self.column,
            file: self.file.clone(),
        }
    }

    /// An error about the value, which stands in `file` unless it was taken from another.
    pub fn error(&self, file: &Path, message: impl Into<String>) -> ParseError {
        let place = Place {
            file: self.file.clone().unwrap_or_else(|| file.to_owned()),
            line: self.line,
            column: self.column,
        };
        ParseError {
            place,
            message: message.into(),
        }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> From<T> for At<T> {
    fn from(value: T) -> Self {
        Self {
            value,
            line: 0,
            column: 0,
            file: None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        let (line, column) = (spanned.referenced.line(), spanned.referenced.column());
        Ok(Self {
            value: spanned.value,
            line,
            column,
            file: None,
        })
    }
}

impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Reads a file of at most 1 MiB as `T`.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T, ParseError> {
    parse_text(&text(file)?, file)
}

/// The same for a file that compose reads too: there, a number that begins with a zero is octal.
pub(super) fn read_compose<T: DeserializeOwned>(file: &Path) -> Result<T, ParseError> {
    parse(&text(file)?, file, true)
}

/// The text of a file of at most 1 MiB.
pub(crate) fn text(file: &Path) -> Result<String, ParseError> {
    let wrong = |message: String| ParseError::file(file, message);
    // Asked first: a fifo or a device would block, a large file would fill memory.
    let meta =
        fs_err::metadata(file).map_err(|e| wrong(format!("cannot be read: {}", e.kind())))?;
    if !meta.is_file() {
        return Err(wrong("is not a regular file".into()));
    }
    if meta.len() > FILE_BYTES {
        return Err(wrong(format!(
            "is {} bytes long; at most {FILE_BYTES} are read",
            meta.len()
        )));
    }
    let bytes = fs_err::read(file).map_err(|e| wrong(format!("cannot be read: {}", e.kind())))?;
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        let mut error = wrong("is not UTF-8 here".into());
        (error.place.line, error.place.column) = (line as u64, 1);
        error
    })
}

/// Parses a text that stands in `file`.
pub fn parse_text<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, ParseError> {
    parse(text, file, false)
}

fn parse<T: DeserializeOwned>(text: &str, file: &Path, octal: bool) -> Result<T, ParseError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_anchors: 0, max_aliases: 0, max_depth: 32, max_documents: 1, max_events: 100_000, max_nodes: 50_000 },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        legacy_octal_numbers: octal,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |l| (l.line(), l.column()));
        let place = Place {
            file: file.to_owned(),
            line,
            column,
        };
        ParseError {
            place,
            message: explain(&bare(&error)),
        }
    })
}

/// The message without the place that the library appends: ours stands in front.
fn bare(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let mut text = text.lines().next().unwrap_or_default().to_owned();
    if let Some(location) = error.location() {
        let tail = format!(" at line {}, column {}", location.line(), location.column());
        text = text.replace(&tail, "");
    }
    let head = text
        .split_once(": ")
        .filter(|(head, _)| head.starts_with("line ") || head.starts_with("error: line "));
    head.map_or(text.clone(), |(_, rest)| rest.to_owned())
}

/// What the library says, in words for the author of the file, with the nearest valid word where a word was wrong.
fn explain(message: &str) -> String {
    for (start, told) in TOLD {
        if message.starts_with(start) {
            return (*told).to_owned();
        }
    }
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        return format!(
            "key `{}` stands twice",
            key.split(',').next().unwrap_or(key)
        );
    }
    let Some(rest) = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"))
    else {
        return message.to_owned();
    };
    let what = if message.starts_with("unknown field") {
        "key"
    } else {
        "word"
    };
    let Some((word, known)) = rest.split_once("`, expected ") else {
        return message.to_owned();
    };
    let known: Vec<&str> = known
        .trim_start_matches("one of ")
        .split(", ")
        .map(|k| k.trim_matches('`'))
        .collect();
    let hint = nearest(word, known.iter().copied())
        .map(|n| format!("; did you mean `{n}`?"))
        .unwrap_or_default();
    format!(
        "unknown {what} `{word}`{hint} (known: {})",
        known.join(", ")
    )
}

/// Beginnings of the library's messages, and what they mean to the author of the file.
const TOLD: &[(&str, &str)] = &[
    (
        "budget breached: Anchors",
        "anchors (`&name`) are not allowed: a file says what it means where it says it",
    ),
    (
        "budget breached: Aliases",
        "aliases (`*name`) are not allowed: a file says what it means where it says it",
    ),
    (
        "budget breached: Documents",
        "a second document (`---`) is not allowed",
    ),
    ("budget breached: Depth", "nested too deeply"),
    ("budget breached", "too large a document"),
    (
        "YAML merge keys are not allowed",
        "merge keys (`<<`) are not allowed: a file says what it means where it says it",
    ),
];

/// The known word that `word` was most likely meant to be.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|k| (strsim::damerau_levenshtein(word, k), k));
    let (distance, best) = scored.min_by_key(|(d, k)| (*d, *k))?;
    (distance <= (word.len().max(best.len()) / 2).max(1)).then_some(best)
}
