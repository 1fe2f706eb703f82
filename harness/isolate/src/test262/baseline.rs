//! What is expected to fail with a version of V8, and why: engine faults, kept apart from ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::supervise::Results;
use super::verdict::{Ran, Verdict};

/// Baselines that come with us, by the version of V8 (major and minor) that they are for.
const EMBEDDED: &[(&str, &str)] = &[("13.6", include_str!("../../baselines/test262-13.6.json"))];

/// The expected failures with one version of V8.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The version of V8 that it was made with.
    pub v8: String,
    /// The commit of test262 that it was made with, when that was known.
    pub test262: Option<String>,
    /// How it is known that a fault of class `engine` is the engine's.
    pub confirmed: String,
    /// What came of the whole checkout.
    pub counts: Counts,
    /// Features that this V8 does not have, each with the reason: a test that needs one is expected to fail.
    pub missing: BTreeMap<String, String>,
    /// The expected failures, by test.
    pub failures: BTreeMap<String, Expected>,
}

/// Totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tests.
    pub tests: usize,
    /// Runs of them: each in one mode or in two.
    pub runs: usize,
    /// Tests that did what they demand.
    pub passed: usize,
    /// Tests that failed as expected, by a fault of the engine.
    pub engine: usize,
    /// Tests that failed as expected, because Node 24 decided otherwise than test262.
    pub node: usize,
    /// Tests that failed as expected, by a fault of our loader.
    pub loader: usize,
}

/// An expected failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whose fault it is.
    pub class: Class,
    /// What the fault is.
    pub reason: String,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// V8's: stock Node with the same V8 fails too.
    Engine,
    /// Node's: its loader behaves so by intent, and ours does what Node's does.
    Node,
    /// Our loader's.
    Loader,
}

/// Results against a baseline.
#[derive(Debug, Default)]
pub struct Judgment<'a> {
    /// Totals.
    pub counts: Counts,
    /// Tests that failed and should not have.
    pub failed: Vec<&'a Ran>,
    /// Tests that passed and are expected to fail.
    pub passed: Vec<&'a Ran>,
    /// Tests that could not be run at all.
    pub unreadable: Vec<&'a Ran>,
}

impl Judgment<'_> {
    /// Whether everything came as expected.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && self.passed.is_empty() && self.unreadable.is_empty()
    }
}

/// The part of a version of V8 that baselines are kept by: `13.6` of `13.6.233.17-node.53`.
#[must_use]
pub fn series(v8: &str) -> &str {
    let end = v8
        .match_indices('.')
        .nth(1)
        .map_or(v8.len(), |(end, _)| end);
    v8.get(..end).unwrap_or(v8)
}

impl Baseline {
    /// The baseline that comes with us for this V8.
    #[must_use]
    pub fn embedded(v8: &str) -> Option<Result<Self, serde_json::Error>> {
        let series = series(v8);
        EMBEDDED
            .iter()
            .find(|(version, _)| *version == series)
            .map(|(_, text)| serde_json::from_str(text))
    }

    /// Judges results.
    #[must_use]
    pub fn judge<'a>(&self, results: &'a Results) -> Judgment<'a> {
        let mut judgment = Judgment::default();
        let counts = &mut judgment.counts;
        for ran in &results.ran {
            counts.tests += 1;
            counts.runs += usize::try_from(ran.runs).unwrap_or(usize::MAX);
            let expected = self.failures.get(&ran.test).map(|expected| expected.class);
            match (&ran.verdict, expected) {
                (Verdict::Passed, expected) => {
                    counts.passed += 1;
                    if expected.is_some() {
                        judgment.passed.push(ran);
                    }
                }
                (Verdict::Unreadable { .. }, _) => judgment.unreadable.push(ran),
                (_, None) => judgment.failed.push(ran),
                (_, Some(Class::Engine)) => counts.engine += 1,
                (_, Some(Class::Node)) => counts.node += 1,
                (_, Some(Class::Loader)) => counts.loader += 1,
            }
        }
        judgment
    }

    /// The baseline that expects these results. What was expected before keeps its class and reason; a new failure is the
    /// engine's if its test needs a feature that is missing, else ours until someone shows otherwise. Tests that were not
    /// run (`--filter`) stay as they are.
    #[must_use]
    pub fn bless(&self, results: &Results, commit: Option<&str>, whole: bool) -> Self {
        let mut blessed = self.clone();
        if whole {
            blessed.failures.clear();
        }
        for ran in &results.ran {
            let reason = match &ran.verdict {
                Verdict::Passed | Verdict::Unreadable { .. } => {
                    blessed.failures.remove(&ran.test);
                    continue;
                }
                Verdict::Failed { reason, .. } | Verdict::Crashed { reason } => reason,
            };
            let expected = self.failures.get(&ran.test).cloned().unwrap_or_else(|| {
                let feature = ran
                    .features
                    .iter()
                    .find(|name| self.missing.contains_key(*name));
                match feature {
                    Some(feature) => Expected {
                        class: Class::Engine,
                        reason: format!("needs `{feature}`"),
                    },
                    None => Expected {
                        class: Class::Loader,
                        reason: reason.clone(),
                    },
                }
            });
            blessed.failures.insert(ran.test.clone(), expected);
        }
        blessed.v8.clone_from(&results.v8);
        if whole {
            blessed.test262 = commit.map(str::to_owned);
            blessed.counts = blessed.judge(results).counts;
        }
        blessed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_serves_a_series_of_v8() {
        assert_eq!(series("13.6.233.17-node.53"), "13.6");
        assert_eq!(series("13.6"), "13.6");
        assert!(Baseline::embedded("13.6.233.8").unwrap().is_ok());
        assert!(Baseline::embedded("14.0.1").is_none());
    }

    #[test]
    fn no_expected_failure_is_ours() {
        let baseline = Baseline::embedded("13.6").unwrap().unwrap();
        let ours: Vec<_> = baseline
            .failures
            .iter()
            .filter(|(_, failure)| failure.class == Class::Loader)
            .collect();
        assert!(ours.is_empty(), "{ours:?}");
        assert_eq!(baseline.counts.loader, 0);
    }

    fn ran(test: &str, verdict: Verdict, features: &[&str]) -> Ran {
        let features = features.iter().map(ToString::to_string).collect();
        Ran {
            test: test.to_owned(),
            runs: 1,
            verdict,
            features,
        }
    }

    #[test]
    fn blessing_keeps_reasons_and_what_was_not_run() {
        let failed = || Verdict::Crashed {
            reason: "it died".to_owned(),
        };
        let mut before = Baseline::default();
        before
            .missing
            .insert("import-defer".to_owned(), "not in this V8".to_owned());
        let kept = Expected {
            class: Class::Engine,
            reason: "a bug".to_owned(),
        };
        for test in ["a", "gone", "healed"] {
            before.failures.insert(test.to_owned(), kept.clone());
        }
        let results = Results {
            v8: "1.2.3".to_owned(),
            ran: vec![
                ran("a", failed(), &[]),
                ran("b", failed(), &["import-defer"]),
                ran("c", failed(), &["let"]),
                ran("healed", Verdict::Passed, &[]),
            ],
        };
        let part = before.bless(&results, Some("cafe"), false);
        let classes: Vec<_> = part
            .failures
            .iter()
            .map(|(test, failure)| (test.as_str(), failure.class))
            .collect();
        let (engine, loader) = (Class::Engine, Class::Loader);
        assert_eq!(
            classes,
            [
                ("a", engine),
                ("b", engine),
                ("c", loader),
                ("gone", engine)
            ]
        );
        assert_eq!((part.failures["a"].clone(), part.test262), (kept, None));
        let whole = before.bless(&results, Some("cafe"), true);
        assert!(!whole.failures.contains_key("gone"));
        assert_eq!(whole.test262.as_deref(), Some("cafe"));
        let counts = Counts {
            tests: 4,
            runs: 4,
            passed: 1,
            engine: 2,
            node: 0,
            loader: 1,
        };
        assert_eq!(whole.counts, counts);
        assert!(whole.judge(&results).holds());
        let judgment = before.judge(&results);
        assert_eq!((judgment.failed.len(), judgment.passed.len()), (2, 1));
    }
}
