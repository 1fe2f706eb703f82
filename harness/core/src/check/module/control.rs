//! The planted sample of each family: judged once a run, and each must be caught, or nothing the run says can be trusted.

use std::path::Path;
use std::time::Duration;

use super::{ModuleCheckSpec, Seen};
use crate::case::parse_text;
use crate::module::wire::{Answer, Chunk, Ended, Response, Stream, Thrown};
use crate::module::{Answered, HostTrace, ProcessSeen, Sight};

/// What the canary of the sample says.
const SECRET: &str = "n00c0ffee";

/// A check of each family that the sample breaks.
const SAMPLES: &[&str] = &[
    "stdout: { never: [leak] }",
    "stderr: { equal: '' }",
    "order: [second, first]",
    "exports: { has: { a: 2 } }",
    "error: { code: OTHER }",
    "exit-code: 0",
    "ended: { by: [returned] }",
    "response: { status: 200 }",
    "metrics: { cache_hits: { at-least: 1 } }",
    "host-execution: none",
    "canary: unseen",
    "at-rest: { cpu-percent: 50 }",
];

/// An answer that is wrong in every way.
fn bad() -> (Answered, Sight) {
    let mut answer = Answer::ended(1, Ended::Threw, String::new());
    let chunk = |stream, text: &str| Chunk {
        stream,
        text: text.to_owned(),
    };
    answer.output = Some(vec![
        chunk(Stream::Stdout, &format!("first\nsecond\nleak {SECRET}\n")),
        chunk(Stream::Stderr, "trouble\n"),
    ]);
    answer.exit_code = Some(1);
    answer.error = Some(Thrown {
        code: Some("THIS".into()),
        ..Thrown::default()
    });
    answer.response = Some(Response {
        status: 500,
        headers: Vec::new(),
        body: String::new(),
    });
    answer.metrics.insert("cache_hits".into(), 0.0);
    let process = ProcessSeen {
        pid: 2,
        argv: vec!["adapter".into()],
        exec: Some(vec!["node".into()]),
    };
    let trace = HostTrace {
        processes: vec![process],
        idle_cpu: Some((300, 300)),
    };
    let took = Duration::ZERO;
    (Answered { answer, took }, Sight::Seen(trace))
}

/// The families whose sample was not caught, with the reason; empty when all were.
#[must_use]
pub fn blind_module_families() -> Vec<String> {
    let (answered, sight) = bad();
    let exports = serde_json::json!({ "a": 1 });
    let seen = Seen {
        answered: &answered,
        exports: Some(&exports),
        sight: &sight,
        secret: SECRET,
        runtime: "",
    };
    let mut blind = Vec::new();
    for sample in SAMPLES {
        let spec: ModuleCheckSpec =
            parse_text(sample, Path::new("control")).expect("the control checks are valid");
        match spec.judge(&seen) {
            Ok(findings) if !findings.is_empty() => {}
            Ok(_) => blind.push(format!("{} (let its planted sample pass)", spec.name())),
            Err(why) => blind.push(format!(
                "{} (its planted sample was unanswered: {why})",
                spec.name()
            )),
        }
    }
    blind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_caught() {
        assert_eq!(blind_module_families(), Vec::<String>::new());
    }

    #[test]
    fn every_family_has_a_sample() {
        let schema = crate::module::module_schema();
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        let families = schema
            .pointer("/$defs/ModuleCheckSpec/oneOf")
            .and_then(|v| v.as_array());
        let families = families.expect("externally tagged");
        assert_eq!(families.len(), SAMPLES.len());
        for family in families {
            let tag = family
                .pointer("/required/0")
                .and_then(|v| v.as_str())
                .expect("a tag");
            assert!(
                SAMPLES.iter().any(|s| s.starts_with(&format!("{tag}:"))),
                "family `{tag}` has no control"
            );
        }
    }

    #[test]
    fn what_was_not_answered_is_unanswered_unless_the_execution_was_lost() {
        let sight = Sight::Native;
        for (outcome, broken) in [
            (Ended::Returned, true),
            (Ended::Lost, false),
            (Ended::TimedOut, false),
        ] {
            let answered = Answered {
                answer: Answer::ended(1, outcome, String::new()),
                took: Duration::ZERO,
            };
            let seen = Seen {
                answered: &answered,
                exports: None,
                sight: &sight,
                secret: SECRET,
                runtime: "",
            };
            for check in [
                "stdout: { never: [x] }",
                "exit-code: 0",
                "exports: { lacks: [a] }",
                "order: [a, b]",
            ] {
                let spec: ModuleCheckSpec = parse_text(check, Path::new("t")).expect("valid");
                let judged = spec.judge(&seen);
                assert_eq!(judged.is_err(), broken, "{check} {outcome}: {judged:?}");
                assert!(
                    judged.is_err() || judged.is_ok_and(|f| !f.is_empty()),
                    "{check}"
                );
            }
        }
    }
}
