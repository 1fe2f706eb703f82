//! What a handler answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::TextClaim;
use super::{Gap, Seen};
use crate::check::Finding;

/// A response; every key that is written must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResponseClaim {
    /// Its HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// These headers, by name in lower case; `null` for one that is not there.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Its body as text.
    #[serde(default)]
    pub body: Option<TextClaim>,
    /// Its body as JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// That there is none.
    #[serde(default)]
    pub none: bool,
}

impl ResponseClaim {
    pub(super) fn asks(&self) -> Result<(), String> {
        if *self == Self::default() {
            return Err("it has none of `status`, `headers`, `body`, `json`, `none`".into());
        }
        if self.none
            && *self
                != (Self {
                    none: true,
                    ..Self::default()
                })
        {
            return Err("`none` stands beside what a response would have".into());
        }
        self.body.as_ref().map_or(Ok(()), TextClaim::asks)
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Gap> {
        let answer = &seen.answered.answer;
        let Some(response) = &answer.response else {
            if self.none {
                return Ok(Vec::new());
            }
            let finding = Finding::new(
                "the handler answers",
                format!("no response; {}", seen.end()),
            );
            return Ok(vec![finding]);
        };
        if self.none {
            let seen = format!("status {} with {:?}", response.status, response.body);
            return Ok(vec![Finding::new("no response", seen)]);
        }
        let mut findings = Vec::new();
        let body = || [format!("body: {}", response.body)];
        if let Some(status) = self.status.filter(|s| *s != response.status) {
            let found = format!("status {}", response.status);
            findings.push(Finding::new(format!("status {status}"), found).with(body()));
        }
        for (name, wanted) in &self.headers {
            let found = response
                .headers
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name));
            let found = found.map(|(_, value)| value.clone());
            if found != *wanted {
                let shown = |value: &Option<String>| match value {
                    Some(value) => format!("`{name}: {value}`"),
                    None => format!("no header `{name}`"),
                };
                findings.push(Finding::new(shown(wanted), shown(&found)));
            }
        }
        if let Some(claim) = &self.body {
            findings.extend(claim.judge("the body", &response.body));
        }
        if let Some(json) = &self.json {
            match serde_json::from_str::<Value>(&response.body) {
                Ok(found) if super::exports::same(json, &found) => {}
                Ok(found) => findings.push(Finding::new(
                    format!("the body is {json}"),
                    found.to_string(),
                )),
                Err(_) => findings.push(
                    Finding::new(format!("the body is {json}"), "it is no JSON").with(body()),
                ),
            }
        }
        Ok(findings)
    }
}
