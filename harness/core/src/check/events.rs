//! `events: { in-order: […] }` — structured bootstrap events (PRD-002 §5.6): order, number, payload.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::Subject;
use crate::engine::Event;

/// The family's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Events {
    /// All of these are written; every one of a name before the first of the next name.
    #[serde(default)]
    pub in_order: Vec<String>,
    /// Each of these is written exactly once.
    #[serde(default)]
    pub once: Vec<String>,
    /// Each of these is written at least once.
    #[serde(default)]
    pub seen: Vec<String>,
    /// None of these is written.
    #[serde(default)]
    pub never: Vec<String>,
    /// The keys that every event of a name must have, with a value that is not empty.
    #[serde(default)]
    pub with: BTreeMap<String, Vec<String>>,
    /// `CapabilityValidated` names every artifact that is required and switched on.
    #[serde(default)]
    pub every_capability: bool,
    /// Some event names the artifact that the fault made absent.
    #[serde(default)]
    pub names_fault: bool,
    /// Judge only subjects that claim events; a subject without them passes this check.
    #[serde(default)]
    pub if_claimed: bool,
}

impl Check for Events {
    fn asks(&self) -> Result<(), String> {
        let lists = [&self.in_order, &self.once, &self.seen, &self.never];
        let named =
            lists.iter().any(|l| !l.is_empty()) || self.with.values().any(|k| !k.is_empty());
        if named || self.every_capability || self.names_fault {
            Ok(())
        } else {
            Err("it names no event".into())
        }
    }

    fn claims(&self, subject: &Subject) -> Result<(), String> {
        if self.if_claimed {
            return Ok(());
        }
        let claim = subject.events.as_ref().ok_or("events")?;
        if self.every_capability && claim.capability.is_none() {
            return Err("events.capability".into());
        }
        Ok(())
    }

    fn settled(&self, context: &Context<'_>, boot: &Boot) -> bool {
        self.judge(context, boot)
            .is_ok_and(|findings| findings.is_empty())
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let Some(claim) = &context.subject.events else {
            return Ok(Vec::new());
        };
        let events = &boot.log.events;
        let mut findings = self.presence(boot)?;
        findings.extend(self.order(events));
        findings.extend(self.payload(events));
        if self.every_capability {
            let key = claim.capability.as_deref().unwrap_or_default();
            findings.extend(capabilities(context, events, key));
        }
        if let (true, Some(fault)) = (self.names_fault, context.fault) {
            let names = fault.names();
            let tells = events.iter().filter(|e| {
                matches!(
                    e.name.as_str(),
                    "MissingArtifactDetected" | "BootstrapFailed"
                )
            });
            let mut values = tells
                .flat_map(|e| e.fields.values())
                .filter_map(|v| v.as_str());
            let named = values.any(|v| names.iter().any(|n| v == n));
            if !named {
                let expected = format!(
                    "`MissingArtifactDetected` or `BootstrapFailed` names the missing artifact `{}`",
                    fault.id
                );
                findings.push(
                    Finding::new(expected, format!("no event has it: {}", list(events)))
                        .coded("events/artifact-not-named"),
                );
            }
        }
        Ok(findings)
    }
}

impl Events {
    fn presence(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let events = &boot.log.events;
        let count = |name: &str| events.iter().filter(|e| e.name == name).count();
        let mut findings = Vec::new();
        for name in self.in_order.iter().chain(&self.seen) {
            if count(name) == 0 {
                findings.push(
                    Finding::new(
                        format!("event `{name}` is written"),
                        format!("it is not among: {}", list(events)),
                    )
                    .coded("events/missing"),
                );
            }
        }
        for name in &self.once {
            let n = count(name);
            if n != 1 {
                findings.push(
                    Finding::new(
                        format!("event `{name}` is written once"),
                        format!("{n} times"),
                    )
                    .coded("events/not-once"),
                );
            }
        }
        for name in &self.never {
            if count(name) > 0 {
                findings.push(
                    Finding::new(format!("event `{name}` is never written"), list(events))
                        .coded("events/forbidden"),
                );
            } else if let Some(cut) = &boot.log.cut {
                return Err(Unanswered(format!(
                    "the log is not whole, so no event can be said to be absent from it: {cut}"
                )));
            }
        }
        Ok(findings)
    }

    fn order(&self, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for pair in self.in_order.windows(2) {
            let [before, after] = pair else { continue };
            let last = events.iter().rposition(|e| e.name == *before);
            let first = events.iter().position(|e| e.name == *after);
            if let (Some(last), Some(first)) = (last, first)
                && last > first
            {
                let seen = format!(
                    "`{after}` on line {} comes before `{before}` on line {}",
                    events[first].line, events[last].line
                );
                findings.push(
                    Finding::new(
                        format!("every `{before}` is written before the first `{after}`"),
                        seen,
                    )
                    .coded("events/order"),
                );
            }
        }
        findings
    }

    fn payload(&self, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for event in events {
            for key in self.with.get(&event.name).into_iter().flatten() {
                let empty = match event.fields.get(key) {
                    None | Some(serde_json::Value::Null) => true,
                    Some(serde_json::Value::String(text)) => text.is_empty(),
                    Some(_) => false,
                };
                if empty {
                    let line = serde_json::Value::Object(event.fields.clone()).to_string();
                    let finding = Finding::new(
                        format!("event `{}` has `{key}`", event.name),
                        format!("line {} does not", event.line),
                    )
                    .coded("events/payload");
                    findings.push(finding.with([line]));
                }
            }
        }
        findings
    }
}

fn capabilities(context: &Context<'_>, events: &[Event], key: &str) -> Vec<Finding> {
    let announced: Vec<&str> = events
        .iter()
        .filter(|e| e.name == "CapabilityValidated")
        .filter_map(|e| e.fields.get(key)?.as_str())
        .collect();
    let missing: Vec<&str> = context
        .artifacts()
        .filter(|a| a.required)
        .map(|a| a.id.as_str())
        .filter(|id| !announced.contains(id))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let expected = "`CapabilityValidated` announces every required artifact that is switched on";
    vec![
        Finding::new(expected, format!("not announced: {}", missing.join(", ")))
            .coded("events/capability-not-announced"),
    ]
}

/// The names of events in order, for a person.
pub(crate) fn list(events: &[Event]) -> String {
    if events.is_empty() {
        return "no event at all".into();
    }
    let mut names: Vec<(String, usize)> = Vec::new();
    for event in events {
        match names.last_mut() {
            Some((name, n)) if *name == event.name => *n += 1,
            _ => names.push((event.name.clone(), 1)),
        }
    }
    let shown: Vec<String> = names
        .into_iter()
        .map(|(name, n)| {
            if n == 1 {
                name
            } else {
                format!("{name} ×{n}")
            }
        })
        .collect();
    shown.join(", ")
}
