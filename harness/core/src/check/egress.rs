//! `egress: none` — nobody tries to leave, whether it would succeed or not (PRD-002 §5.5, AC-2).

use std::collections::BTreeMap;
use std::net::IpAddr;

use adamant_probe::sinkhole::addresses_of;
use adamant_probe::{Action, PACKETS, TraceEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::external::{ALIAS, PORT};
use super::trace::{counted, events};
use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Endpoint, Subject};
use crate::engine::{Question, Reached};

const DNS_PORT: u16 = 53;

/// What may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Egress {
    /// Nothing; loopback is not egress.
    None,
    /// Only what goes to an endpoint that the subject declares (`external`, `endpoints`), and only after readiness.
    Declared,
}

impl Check for Egress {
    fn traces(&self) -> bool {
        true
    }

    fn questions(&self, _context: &Context<'_>) -> Vec<Question> {
        vec![Question::Trace]
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let seen = events(boot, 0)?;
        let allowed = match self {
            Self::None => Vec::new(),
            Self::Declared => endpoints(context.subject),
        };
        let ready_ns = match &boot.reached {
            Some(Reached::Ready { at_ns, .. }) => *at_ns,
            _ => u64::MAX,
        };
        let names = names(seen.events);
        let hits: Vec<(&TraceEvent, String)> = seen
            .events
            .iter()
            .filter(|event| event.at_ns < ready_ns || !may_leave(&allowed, &event.action))
            .filter_map(|event| leaves(&names, &event.action).map(|what| (event, what)))
            .collect();
        let Some((first, what)) = hits.first() else {
            return Ok(Vec::new());
        };
        let told = format!("{} {what}, {}", seen.who(&first.actor), seen.when(first));
        let all = counted(
            hits.iter()
                .map(|(event, what)| format!("{} {what}", seen.who(&event.actor))),
        );
        let expected = if allowed.is_empty() {
            "nobody tries to reach anything outside".to_owned()
        } else {
            let declared: Vec<String> = allowed.iter().map(Endpoint::to_string).collect();
            format!(
                "nobody tries to reach anything outside, but {} after readiness",
                declared.join(", ")
            )
        };
        Ok(vec![
            Finding::new(expected, told)
                .coded("egress/attempt")
                .about(all),
        ])
    }
}

/// What the subject declares that it reaches.
fn endpoints(subject: &Subject) -> Vec<Endpoint> {
    let external = subject.external.iter();
    external
        .map(|_| Endpoint::named(ALIAS, PORT))
        .chain(subject.endpoints.iter().cloned())
        .collect()
}

fn may_leave(allowed: &[Endpoint], action: &Action) -> bool {
    match action {
        Action::Resolve { name, .. } => allowed.iter().any(|e| e.is_asked_for(name)),
        Action::Connect { address, port } => {
            // The way to a name leads over a name server; what it is asked is told too.
            let asks = *port == DNS_PORT && allowed.iter().any(Endpoint::has_name);
            let address = address.parse::<IpAddr>();
            asks || address.is_ok_and(|at| allowed.iter().any(|e| e.is_at(at, *port)))
        }
        _ => false,
    }
}

/// The names that were asked for, by the addresses that a made network gives them.
pub(crate) fn names(events: &[TraceEvent]) -> BTreeMap<IpAddr, &str> {
    let asked = events.iter().filter_map(|event| match &event.action {
        Action::Resolve { name, .. } => Some(name.as_str()),
        _ => None,
    });
    asked
        .flat_map(|name| addresses_of(name).map(|address| (address, name)))
        .collect()
}

/// What an action says about leaving.
pub(crate) fn leaves(names: &BTreeMap<IpAddr, &str>, action: &Action) -> Option<String> {
    match action {
        // A name server on loopback is the subject's own.
        Action::Resolve { name, server } => {
            is_outside(server).then(|| format!("asked {server} for the name {name}"))
        }
        Action::Connect { address, .. } if address == PACKETS => {
            Some("opened a packet socket, which sends whatever it likes to any address".to_owned())
        }
        Action::Connect { address, port } if address.starts_with("vsock ") => {
            let context = address.trim_start_matches("vsock ");
            Some(format!(
                "tried to reach port {port} of the machine that this one is a guest of (vsock context {context})"
            ))
        }
        Action::Connect { address, port } => is_outside(address).then(|| {
            let name = address.parse().ok().and_then(|ip| names.get(&ip));
            let shown = if address.contains(':') {
                format!("[{address}]:{port}")
            } else {
                format!("{address}:{port}")
            };
            match name {
                Some(name) => format!("tried to reach {name} ({shown})"),
                None => format!("tried to reach {shown}"),
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
    use adamant_probe::sinkhole::address_of;

    use super::*;

    #[test]
    fn what_has_no_internet_address_leaves_too() {
        for (address, words) in [(PACKETS, "packet socket"), ("vsock 2", "guest of")] {
            let action = Action::Connect {
                address: address.into(),
                port: 9,
            };
            let told = leaves(&BTreeMap::new(), &action).expect("it leaves");
            assert!(told.contains(words), "{told}");
            assert!(!may_leave(&[Endpoint::named("a.example", 9)], &action));
        }
    }

    #[test]
    fn loopback_in_any_spelling_is_not_outside() {
        for inside in ["127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::"] {
            assert!(!is_outside(inside), "{inside}");
        }
        for outside in ["10.0.0.1", "1.2.3.4", "fe80::1", "127.0.0.11", "?"] {
            assert!(is_outside(outside), "{outside}");
        }
    }

    #[test]
    fn a_declared_endpoint_is_reached_by_its_name_and_what_a_made_network_calls_it() {
        let allowed = [Endpoint::named("api.example", 443)];
        let connect = |address: String, port| Action::Connect { address, port };
        let at = address_of("api.example").to_string();
        let name = |name: &str| Action::Resolve {
            name: name.into(),
            server: "198.18.0.53".into(),
        };
        for allowed_action in [
            name("api.example"),
            connect("198.18.0.53".into(), 53),
            connect(at.clone(), 443),
        ] {
            assert!(may_leave(&allowed, &allowed_action), "{allowed_action:?}");
            assert!(!may_leave(&[], &allowed_action));
        }
        for other in [
            name("b.example"),
            connect(at.clone(), 80),
            connect("1.2.3.4".into(), 443),
        ] {
            assert!(!may_leave(&allowed, &other), "{other:?}");
        }
        let names = BTreeMap::from([(IpAddr::from(address_of("api.example")), "api.example")]);
        let told = leaves(&names, &connect(at.clone(), 443)).expect("it leaves");
        assert_eq!(told, format!("tried to reach api.example ({at}:443)"));
    }
}
