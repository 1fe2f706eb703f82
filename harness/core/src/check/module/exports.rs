//! What the entry of a package exports, as the driver told it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Gap, Seen};
use crate::check::Finding;

/// What is exported. A value that JSON does not have is an object: `{$: undefined}`, `{$: function, name: f}`, `{$: class, name: C}`,
/// `{$: bigint, value: "1"}`, `{$: error, name: TypeError, message: m}`, `{$: Map}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exports {
    /// All of it: `module.exports`, or the namespace.
    #[serde(default)]
    pub equal: Option<Value>,
    /// Exactly these names.
    #[serde(default)]
    pub names: Option<Vec<String>>,
    /// These names with these values; others may be there.
    #[serde(default)]
    pub has: BTreeMap<String, Value>,
    /// None of these names.
    #[serde(default)]
    pub lacks: Vec<String>,
}

impl Exports {
    pub(super) fn asks(&self) -> Result<(), String> {
        if *self == Self::default() {
            Err("it has none of `equal`, `names`, `has`, `lacks`".into())
        } else {
            Ok(())
        }
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Gap> {
        let Some(exports) = seen.exports else {
            // Without its output nothing is known; with it, the driver did not get to its line.
            let _printed = seen.text(crate::module::wire::Stream::Stdout)?;
            let finding = Finding::new("the entry loads and its exports are seen", seen.end());
            return Ok(vec![finding]);
        };
        let mut findings = Vec::new();
        let mut wrong =
            |expected: String, shown: String| findings.push(Finding::new(expected, shown));
        if let Some(equal) = &self.equal
            && !same(equal, exports)
        {
            wrong(format!("the entry exports {equal}"), exports.to_string());
        }
        let empty = serde_json::Map::new();
        let own = exports.as_object().unwrap_or(&empty);
        if let Some(names) = &self.names {
            let mut names = names.clone();
            names.sort_unstable();
            let mut found: Vec<&String> = own.keys().collect();
            found.sort_unstable();
            if found != names.iter().collect::<Vec<_>>() {
                let found: Vec<&str> = found.into_iter().map(String::as_str).collect();
                wrong(
                    format!("the exported names are {}", names.join(", ")),
                    found.join(", "),
                );
            }
        }
        for (name, value) in &self.has {
            match own.get(name) {
                Some(found) if same(value, found) => {}
                Some(found) => wrong(
                    format!("`{name}` is {value}"),
                    format!("`{name}` is {found}"),
                ),
                None => wrong(
                    format!("`{name}` is {value}"),
                    format!("`{name}` is not exported"),
                ),
            }
        }
        for name in self.lacks.iter().filter(|n| own.contains_key(n.as_str())) {
            wrong(
                format!("`{name}` is not exported"),
                format!("`{name}` is {}", own[name.as_str()]),
            );
        }
        Ok(findings)
    }
}

/// Equal as JavaScript means it: 1 and 1.0 are one number, keys have no order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
