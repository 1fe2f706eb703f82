//! `exit: { within: 30s, code: non-zero }` — process 1 ends in time with a code.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Span;
use crate::engine::Reached;

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExitCheck {
    /// How long it may take.
    pub within: Span,
    /// The code.
    pub code: Code,
}

/// An exit code, or any but zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// `non-zero`.
    NonZero,
    /// This one.
    Is(i64),
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "non-zero" => Ok(Self::NonZero),
            text => text.parse().map(Self::Is).map_err(|_not_a_number| {
                de::Error::custom(format!("`{text}` is neither an exit code nor `non-zero`"))
            }),
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NonZero => serializer.serialize_str("non-zero"),
            Self::Is(code) => serializer.serialize_i64(*code),
        }
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "non-zero" }, { "type": "integer" }] })
    }
}

impl Check for ExitCheck {
    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let wanted = match self.code {
            Code::NonZero => "a code other than 0".to_owned(),
            Code::Is(code) => format!("code {code}"),
        };
        let why = context
            .fault
            .map(|a| format!(" when `{}` is absent", a.id))
            .unwrap_or_default();
        let expected = format!("process 1 ends with {wanted} within {}{why}", self.within);
        let reached = boot
            .reached
            .as_ref()
            .ok_or_else(|| Unanswered("the container was never waited for".into()))?;
        let seen = match reached {
            Reached::Exited { exit, .. } => {
                let right = match self.code {
                    Code::NonZero => exit.code != 0,
                    Code::Is(code) => exit.code == code,
                };
                if right && exit.after_ms <= self.within.millis() {
                    return Ok(Vec::new());
                }
                format!(
                    "it ended with code {} after {} ms",
                    exit.code, exit.after_ms
                )
            }
            Reached::Ready { at_ns, .. } => format!(
                "it became ready after {} ms all the same",
                boot.since_start_ms(*at_ns)
            ),
            Reached::TimedOut { .. } => format!("it still runs after {}", self.within),
        };
        Ok(vec![
            Finding::new(expected, seen)
                .coded("exit/wrong-end")
                .with(super::ready::last_lines(&boot.log)),
        ])
    }
}
