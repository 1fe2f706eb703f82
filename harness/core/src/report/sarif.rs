//! Remarks as a SARIF 2.1.0 log, in the form that GitHub's code scanning takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::remark::{Level, Place, Remark, RuleText};
use crate::redact::volatile;

/// The schema that a log names.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// How the address of a file of the host begins that is in no checkout.
pub(super) const ON_HOST: &str = "file://";
/// Results that GitHub takes in one run; of more it shows none.
pub const MAX_RESULTS: usize = 25_000;

/// A log of one run.
///
/// `rules` are the rules that remarks may stand on; `remarks` become results, in their order, and `failures` (what could
/// not be judged) notifications of the tool, which then did not end successfully.
#[must_use]
pub fn log(version: &str, rules: &[RuleText], remarks: &[Remark], failures: &[Remark]) -> Value {
    let index: BTreeMap<&str, usize> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| (rule.id.as_str(), at))
        .collect();
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = remarks
        .iter()
        .take(MAX_RESULTS)
        .map(|remark| result(remark, &index, &mut seen))
        .collect();
    let mut notifications: Vec<Value> = failures.iter().map(notification).collect();
    if remarks.len() > MAX_RESULTS {
        let text = format!("{} of {} findings are shown", MAX_RESULTS, remarks.len());
        notifications.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "adamant",
                "semanticVersion": version,
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(rule: &RuleText) -> Value {
    let help = format!("{}.\n\n{}\n\nFix: {}.", rule.explain, rule.clause, rule.fix);
    let markdown = format!(
        "{}.\n\n*{}*\n\n**Fix**: {}.",
        rule.explain, rule.clause, rule.fix
    );
    let family = rule.id.split('/').next().unwrap_or_default();
    json!({
        "id": rule.id,
        "shortDescription": { "text": format!("{}.", sentence(&rule.explain)) },
        "fullDescription": { "text": format!("{}. {}.", sentence(&rule.explain), rule.clause) },
        "help": { "text": help, "markdown": markdown },
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": [family], "precision": "high", "problem.severity": "error" },
    })
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// `seen` counts equal fingerprints, so that the same command twice in a file stays two alerts.
fn result(
    remark: &Remark,
    index: &BTreeMap<&str, usize>,
    seen: &mut BTreeMap<String, usize>,
) -> Value {
    let mut result = Map::new();
    if !remark.rule.is_empty() {
        result.insert("ruleId".into(), json!(remark.rule));
    }
    if let Some(at) = index.get(remark.rule.as_str()) {
        result.insert("ruleIndex".into(), json!(at));
    }
    let mut text = remark.message.clone();
    for hop in &remark.reached_by {
        // Writing to a string cannot fail.
        let _ = write!(text, "\nReached by {hop}.");
    }
    result.insert("level".into(), json!(level(remark.level)));
    result.insert("message".into(), json!({ "text": text }));
    let locations: Vec<Value> = remark.place.iter().map(location).collect();
    result.insert("locations".into(), Value::Array(locations));
    let print = fingerprint(remark);
    let count = seen.entry(print.clone()).or_default();
    *count += 1;
    result.insert(
        "partialFingerprints".into(),
        json!({ "adamant/v1": format!("{print}:{count}") }),
    );
    if let Some(waiver) = &remark.waiver {
        let suppression =
            json!({ "kind": "external", "status": "accepted", "justification": waiver.reason });
        result.insert("suppressions".into(), json!([suppression]));
    }
    Value::Object(result)
}

/// Independent of the line and of what differs from run to run, so that an alert survives an edit above it and the next run.
fn fingerprint(remark: &Remark) -> String {
    let file = remark.place.as_ref().map_or("", |place| &place.file);
    let text = format!("{}\0{file}\0{}", remark.rule, volatile(&remark.message));
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn notification(remark: &Remark) -> Value {
    let locations: Vec<Value> = remark.place.iter().map(location).collect();
    json!({
        "level": level(remark.level),
        "message": { "text": remark.message },
        "locations": locations,
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn location(place: &Place) -> Value {
    let mut region = Map::new();
    region.insert("startLine".into(), json!(place.line.max(1)));
    if let Some(column) = place.column {
        region.insert("startColumn".into(), json!(column.max(1)));
    }
    region.insert(
        "endLine".into(),
        json!(place.end_line.max(place.line).max(1)),
    );
    json!({ "physicalLocation": { "artifactLocation": artifact(&place.file), "region": region } })
}

/// A path of the checkout is relative to its root; one inside an image has no place there, and says so.
fn artifact(file: &str) -> Value {
    if let Some(host) = file.strip_prefix(ON_HOST) {
        return json!({ "uri": format!("{ON_HOST}{}", uri(host)) });
    }
    match file.strip_prefix('/') {
        Some(inside) => json!({ "uri": uri(inside), "uriBaseId": "ROOTFS" }),
        None => {
            json!({ "uri": uri(file.strip_prefix("./").unwrap_or(file)), "uriBaseId": "%SRCROOT%" })
        }
    }
}

/// A relative URI reference: everything but RFC 3986's unreserved characters and `/` is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
