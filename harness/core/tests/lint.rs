//! What the lint's findings look like to people and machines: JSON lines, SARIF against its schema, and a snapshot of every rule.

use std::path::PathBuf;

use adamant_core::report::remark::{Remark, Waiver};
use adamant_core::report::{annotation, sarif, script};
use adamant_core::shell::{self, Lint};
use serde_json::Value;

const SCHEMA: &str = include_str!("data/sarif/sarif-schema-2.1.0.json");

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scripts")
}

/// Every finding in every bad script, under the names that a checkout would show.
fn findings() -> Vec<(String, Lint)> {
    shell::rules()
        .map(|rule| {
            let name = format!("fixtures/scripts/{}/bad.sh", rule.id.replace('/', "-"));
            let path = fixtures().join(rule.id.replace('/', "-")).join("bad.sh");
            let text = fs_err::read_to_string(path).expect("each rule has its fixtures");
            let lint = shell::script(&name, text.as_bytes());
            (text, lint)
        })
        .collect()
}

fn valid(log: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator
        .iter_errors(log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn a_log_of_every_rule_is_valid_sarif() {
    let rules: Vec<_> = shell::rules().map(script::rule_text).collect();
    let mut remarks: Vec<Remark> = Vec::new();
    for (_, lint) in findings() {
        remarks.extend(lint.smells.iter().map(script::remark));
    }
    let waiver = Waiver {
        reason: "until the move, ops, 2027-01-01".into(),
    };
    remarks[0].waiver = Some(waiver);
    remarks[1].place = None;
    if let Some(place) = &mut remarks[2].place {
        place.file = "/opt/app dir/ä.sh".into();
    }
    let broken = shell::script("a.sh", b"if x\n");
    let failures: Vec<_> = broken.unparsed.iter().map(script::unread).collect();
    assert!(!failures.is_empty());
    let log = sarif::log("0.1.0", &rules, &remarks, &failures);
    valid(&log);
    valid(&sarif::log("0.1.0", &[], &[], &[]));
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), remarks.len());
    for (result, remark) in results.iter().zip(&remarks) {
        let at = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"][at]["id"],
            remark.rule
        );
    }
    let place = &results[2]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "opt/app%20dir/%C3%A4.sh");
    assert_eq!(place["artifactLocation"]["uriBaseId"], "ROOTFS");
    assert_eq!(
        results[0]["suppressions"][0]["justification"],
        "until the move, ops, 2027-01-01"
    );
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    let prints: std::collections::BTreeSet<String> = results
        .iter()
        .map(|result| result["partialFingerprints"].to_string())
        .collect();
    assert_eq!(
        prints.len(),
        results.len(),
        "two results share a fingerprint"
    );
}

#[test]
fn the_schema_refuses_a_log_that_is_none() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mut log = sarif::log("0.1.0", &[], &[], &[]);
    assert!(validator.is_valid(&log));
    log["runs"][0]["results"] = serde_json::json!([{ "message": {} }]);
    assert!(!validator.is_valid(&log));
}

#[test]
fn a_line_of_json_holds_the_finding() {
    let lint = shell::script(
        "boot.sh",
        b"#!/bin/sh\nsetup() {\n  npm \\\n    ci\n}\nsetup\n",
    );
    let line = serde_json::to_string(&script::json(&lint.smells[0])).unwrap();
    let value: Value = serde_json::from_str(&line).expect("JSON");
    assert!(!line.contains('\n'));
    assert_eq!(value["file"], "boot.sh");
    assert_eq!(
        (value["line"].as_u64(), value["end_line"].as_u64()),
        (Some(3), Some(4))
    );
    assert_eq!(value["rule"], "install/npm");
    assert!(
        value["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("`npm ci`: npm resolves"))
    );
    assert_eq!(
        value["reached_by"],
        serde_json::json!(["boot.sh:6 → setup()"])
    );
}

#[test]
fn a_finding_for_people() {
    let text =
        "#!/bin/sh\nset -e\nrun() {\n\tnpm ci || true\n}\nrun && npm install \\\n  --global x\n";
    let lint = shell::script("boot.sh", text.as_bytes());
    let shown: Vec<String> = lint
        .smells
        .iter()
        .map(|smell| script::finding(smell, Some(text), false))
        .collect();
    insta::assert_snapshot!("people", shown.join("\n"));
    let hostile = shell::script("a\u{1b}[2J.sh", b"npm i '\x1b]0;x\x07'\n");
    let shown = script::finding(&hostile.smells[0], Some("npm i '\u{1b}]0;x\u{7}'\n"), false);
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

/// The whole of what the rules say: one finding of each bad script's first line, and an annotation.
#[test]
fn every_rule_explains_itself() {
    let mut shown = String::new();
    for (rule, (text, lint)) in shell::rules().zip(findings()) {
        let smell = lint
            .smells
            .iter()
            .find(|smell| smell.rule == rule.id)
            .expect("its own finding");
        shown.push_str(&script::finding(smell, Some(&text), false));
        shown.push_str(&annotation(&script::remark(smell)));
        shown.push_str("\n\n");
    }
    insta::assert_snapshot!("rules", shown);
}
