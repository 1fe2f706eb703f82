//! `http: { target: subject.livez }` — a response on loopback, asked from inside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered, claimed, value};
use crate::case::{HttpTarget, Pattern, Subject, Var};
use crate::engine::{Answer, Question};

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpCheck {
    /// What is asked, and the status it must answer.
    pub target: Var<HttpTarget>,
    /// Keys that the body, a JSON object, must have.
    #[serde(default)]
    pub json_keys: Vec<String>,
    /// What a line of the body must match.
    #[serde(default)]
    pub body: Option<Pattern>,
}

impl Check for HttpCheck {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        claimed(&self.target, subject)
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let target = value(&self.target, context.subject);
        target
            .map(|t| {
                vec![Question::Http {
                    port: t.port,
                    path: t.path,
                }]
            })
            .unwrap_or_default()
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let target = value(&self.target, context.subject)?;
        let http = boot.answer(0, |a| {
            if let Answer::Http(http) = a {
                Some(http)
            } else {
                None
            }
        })?;
        let asked = format!("GET http://127.0.0.1:{}{}", target.port, target.path);
        if http.status != Some(target.status) {
            let seen = match (&http.error, http.status) {
                (_, Some(status)) => format!("status {status}"),
                (Some(why), None) => why.clone(),
                (None, None) => "no response".into(),
            };
            return Ok(vec![
                Finding::new(format!("{asked} answers {}", target.status), seen)
                    .coded("http/status")
                    .with(http.body.lines().take(4)),
            ]);
        }
        let mut findings = Vec::new();
        if !self.json_keys.is_empty() {
            let body: serde_json::Value = serde_json::from_str(&http.body).unwrap_or_default();
            let missing: Vec<&str> = self
                .json_keys
                .iter()
                .map(String::as_str)
                .filter(|k| body.get(k).is_none())
                .collect();
            if !missing.is_empty() {
                let expected = format!("{asked} answers JSON with {}", self.json_keys.join(", "));
                findings.push(
                    Finding::new(expected, format!("without {}", missing.join(", ")))
                        .coded("http/body")
                        .with(http.body.lines().take(4)),
                );
            }
        }
        if let Some(pattern) = &self.body
            && !http.body.lines().any(|l| pattern.0.is_match(l))
        {
            findings.push(
                Finding::new(
                    format!("{asked} answers a line that matches `{pattern}`"),
                    "no line does",
                )
                .coded("http/body")
                .with(http.body.lines().take(4)),
            );
        }
        Ok(findings)
    }
}
