//! `egress: none` — nobody tries to leave, whether it would succeed or not (PRD-002 §5.5, AC-2).

use std::net::IpAddr;

use adamant_probe::{Action, TraceEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trace::{counted, events};
use super::{Boot, Check, Context, Finding, Unanswered};
use crate::engine::Question;

/// What may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Egress {
    /// Nothing; loopback is not egress.
    None,
}

impl Check for Egress {
    fn traces(&self) -> bool {
        true
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Trace]
    }

    fn judge(&self, _context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let seen = events(boot, 0)?;
        let hits: Vec<(&TraceEvent, String)> = seen
            .events
            .iter()
            .filter_map(|event| leaves(&event.action).map(|what| (event, what)))
            .collect();
        let Some((first, what)) = hits.first() else {
            return Ok(Vec::new());
        };
        let told = format!("{} {what}, {}", seen.who(&first.actor), seen.when(first));
        let all = counted(
            hits.iter()
                .map(|(event, what)| format!("{} {what}", seen.who(&event.actor))),
        );
        Ok(vec![
            Finding::new("nobody tries to reach anything outside", told)
                .coded("egress/attempt")
                .about(all),
        ])
    }
}

/// What an action says about leaving.
fn leaves(action: &Action) -> Option<String> {
    match action {
        // A name server on loopback is the subject's own.
        Action::Resolve { name, server } => {
            is_outside(server).then(|| format!("asked {server} for the name {name}"))
        }
        Action::Connect { address, port } => is_outside(address).then(|| {
            if address.contains(':') {
                format!("tried to reach [{address}]:{port}")
            } else {
                format!("tried to reach {address}:{port}")
            }
        }),
        _ => None,
    }
}

fn is_outside(address: &str) -> bool {
    match address.parse::<IpAddr>() {
        // Docker's own resolver stands for the one outside.
        Ok(IpAddr::V4(v4)) if v4.octets() == [127, 0, 0, 11] => true,
        // A connect to 0.0.0.0 or :: is one to loopback.
        Ok(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        // What cannot be read as an address was not shown to be loopback.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_in_any_spelling_is_not_outside() {
        for inside in ["127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::"] {
            assert!(!is_outside(inside), "{inside}");
        }
        for outside in ["10.0.0.1", "1.2.3.4", "fe80::1", "127.0.0.11", "?"] {
            assert!(is_outside(outside), "{outside}");
        }
    }
}
