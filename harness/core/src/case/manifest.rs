//! The subject's own manifest: which features are switched on.

use serde_json::Value;

/// A parsed manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest(Value);

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not in the format of its suffix.
    #[error("manifest `{path}` is not {format}: {why}")]
    Parse {
        /// Where it is.
        path: String,
        /// `TOML`, `YAML` or `JSON`.
        format: &'static str,
        /// The parser's message.
        why: String,
    },
    /// A flag that an artifact names does not exist or is not a boolean.
    #[error("manifest has no flag `{flag}` that is true or false")]
    Flag {
        /// The dotted path.
        flag: String,
    },
}

impl Manifest {
    /// Parses by the path's suffix; TOML when it has none that is known.
    pub fn parse(path: &str, text: &str) -> Result<Self, ManifestError> {
        let wrong = |format, why: String| ManifestError::Parse {
            path: path.to_owned(),
            format,
            why,
        };
        let suffix = path.rsplit_once('.').map_or("", |(_, s)| s);
        let value = match suffix {
            "json" => serde_json::from_str(text).map_err(|e| wrong("JSON", e.to_string()))?,
            "yaml" | "yml" => {
                serde_saphyr::from_str(text).map_err(|e| wrong("YAML", e.to_string()))?
            }
            _ => toml::from_str(text)
                .map_err(|e: toml::de::Error| wrong("TOML", e.message().to_owned()))?,
        };
        Ok(Self(value))
    }

    pub(super) fn into_value(self) -> Value {
        self.0
    }

    /// Every boolean that is there, by its dotted path and in order.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, bool)> {
        let mut flags = Vec::new();
        let mut pending = vec![(String::new(), &self.0)];
        while let Some((path, value)) = pending.pop() {
            match value {
                Value::Bool(on) => flags.push((path, *on)),
                Value::Object(table) => pending.extend(table.iter().map(|(key, value)| {
                    let dot = if path.is_empty() { "" } else { "." };
                    (format!("{path}{dot}{key}"), value)
                })),
                _ => {}
            }
        }
        flags.sort();
        flags
    }

    /// The flag at a dotted path: a boolean, or a table with a boolean `enabled`.
    pub fn flag(&self, dotted: &str) -> Result<bool, ManifestError> {
        let at = dotted
            .split('.')
            .try_fold(&self.0, |value, key| value.get(key));
        let flag = match at {
            Some(Value::Object(table)) => table.get("enabled").and_then(Value::as_bool),
            Some(value) => value.as_bool(),
            None => None,
        };
        flag.ok_or_else(|| ManifestError::Flag {
            flag: dotted.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_booleans_or_tables_with_enabled() {
        let manifest = Manifest::parse(
            "m.toml",
            "[a]\nb = true\n[a.c]\nenabled = false\n[a.d]\nx = 1",
        )
        .expect("TOML");
        assert_eq!(manifest.flag("a.b"), Ok(true));
        assert_eq!(manifest.flag("a.c"), Ok(false));
        assert!(manifest.flag("a.d").is_err());
        assert!(manifest.flag("a.e").is_err());
        assert_eq!(
            manifest.flags(),
            [("a.b".to_owned(), true), ("a.c.enabled".to_owned(), false)]
        );
        assert!(Manifest::parse("m.json", "{").is_err());
    }
}
