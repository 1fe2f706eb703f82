//! `external: after-readiness` — ready without the endpoint outside; reachable once it is there (PRD-002 §5.5).

use adamant_probe::Http;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::{Answer, Question};

/// The host name under which a companion joins the subject's network.
pub const ALIAS: &str = "endpoint.adamant.test";
/// The port on which it answers.
pub const PORT: u16 = 8080;

/// When the endpoint is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum External {
    /// After readiness, and only then.
    AfterReadiness,
}

impl Check for External {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        subject
            .external
            .as_ref()
            .map(drop)
            .ok_or_else(|| "external".into())
    }

    fn disturbs(&self) -> bool {
        true
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let Some(external) = &context.subject.external else {
            return Vec::new();
        };
        let ask = Question::Http {
            port: external.http.port,
            path: external.http.path.clone(),
        };
        vec![
            ask.clone(),
            Question::Companion {
                alias: ALIAS.into(),
                port: PORT,
            },
            ask,
            Question::CompanionPeers,
        ]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let external = context
            .subject
            .external
            .as_ref()
            .ok_or_else(|| Unanswered("the subject claims no external endpoint".into()))?;
        let http = |index| {
            boot.answer(index, |a| {
                if let Answer::Http(http) = a {
                    Some(http)
                } else {
                    None
                }
            })
        };
        let (before, after) = (http(0)?, http(2)?);
        boot.answer(1, |a| matches!(a, Answer::Joined).then_some(()))?;
        let peers = boot.answer(3, |a| {
            if let Answer::Peers(peers) = a {
                Some(peers)
            } else {
                None
            }
        })?;
        let path = &external.http.path;
        let wanted = external.http.status;
        let shown = |h: &Http| {
            h.status.map_or_else(
                || h.error.clone().unwrap_or_else(|| "no response".into()),
                |s| format!("status {s}"),
            )
        };
        let mut findings = Vec::new();
        if before.status == Some(wanted) {
            let expected = format!("GET {path} fails while no endpoint is reachable");
            findings.push(
                Finding::new(
                    expected,
                    format!("status {wanted}: the answer does not come from the endpoint"),
                )
                .coded("external/invented"),
            );
        }
        if after.status != Some(wanted) {
            let expected = format!(
                "GET {path} answers {wanted} once the endpoint in `{}` is reachable",
                external.env
            );
            findings.push(
                Finding::new(expected, shown(after))
                    .coded("external/not-reached")
                    .with(after.body.lines().take(4)),
            );
        } else if peers.is_empty() {
            // An answer that anybody could have given proves nothing about the endpoint.
            let expected = format!("GET {path} makes the subject connect to the endpoint");
            findings.push(
                Finding::new(
                    expected,
                    format!("status {wanted}, and nobody connected to {ALIAS}:{PORT}"),
                )
                .coded("external/not-used"),
            );
        }
        Ok(findings)
    }
}
