//! The outcome rule: what a trial came to, and what it means for libtest, JUnit and the exit code.

use serde::{Deserialize, Serialize};

use crate::case::Place;
use crate::check::{COLD_START, Finding};

/// The code of a case that the subject's file declares to fail, and that held.
pub(crate) const HELD: &str = "expect-fail/held";

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Every check held.
    Passed,
    /// The subject is wrong.
    Failed {
        /// What is wrong; never empty.
        findings: Vec<PlacedFinding>,
    },
    /// The subject is wrong, and its file says that this is known.
    ExpectedFailure {
        /// Why it is accepted.
        reason: String,
        /// What is wrong.
        findings: Vec<PlacedFinding>,
    },
    /// The subject's file says that this fails, and it held.
    UnexpectedPass {
        /// Why it was thought to fail.
        reason: String,
    },
    /// Nothing was judged, for a reason that is the subject's or the host's.
    Skipped {
        /// Which kind of reason.
        kind: Skip,
        /// The reason.
        reason: String,
    },
    /// We could not judge.
    Broken {
        /// The error and its causes, outermost first.
        chain: Vec<String>,
        /// What the reader can do about it.
        hint: Option<String>,
    },
}

/// Why a trial was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The subject does not claim what the case is about.
    NotClaimed,
    /// The boot never reached the state that the case starts from, and another trial says why.
    NotReached,
    /// The fault does not apply to this subject.
    NotApplicable,
    /// This host cannot do it.
    Unsupported,
}

/// A finding with the check that made it and the line of the case that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlacedFinding {
    /// The family's tag.
    pub check: String,
    /// The line of the case.
    pub place: Place,
    /// What was expected and seen.
    #[serde(flatten)]
    pub finding: Finding,
    /// What the subject's waivers make of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waived>,
}

/// What a waiver makes of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// Whether the finding is accepted; else `by` says why the waiver does not do.
    pub accepts: bool,
    /// The waiver, for a person: reason, owner and last day.
    pub by: String,
}

impl PlacedFinding {
    /// The finding of a check, with its family's code unless it has a closer one.
    #[must_use]
    pub fn new(check: &str, place: Place, mut finding: Finding) -> Self {
        if finding.code.is_empty() {
            finding.code = check.to_owned().into();
        }
        Self {
            check: check.to_owned(),
            place,
            finding,
            waiver: None,
        }
    }

    /// Whether a waiver accepts it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.waiver.as_ref().is_some_and(|waiver| waiver.accepts)
    }
}

/// The five words of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Held.
    Passed,
    /// Findings, or declared to fail but passed.
    Failed,
    /// Findings that were declared.
    ExpectedFailure,
    /// Nothing was judged.
    Skipped,
    /// Could not judge.
    Broken,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Passed => Verdict::Passed,
            Self::Failed { .. } | Self::UnexpectedPass { .. } => Verdict::Failed,
            Self::ExpectedFailure { .. } => Verdict::ExpectedFailure,
            Self::Skipped { .. } => Verdict::Skipped,
            Self::Broken { .. } => Verdict::Broken,
        }
    }

    /// The findings, when there are any.
    #[must_use]
    pub fn findings(&self) -> &[PlacedFinding] {
        match self {
            Self::Failed { findings } | Self::ExpectedFailure { findings, .. } => findings,
            _ => &[],
        }
    }

    /// Whether it failed by nothing but a budget that was exceeded.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        match self {
            Self::Failed { findings } => findings.iter().all(|f| f.check == COLD_START),
            _ => false,
        }
    }

    /// Broken by an error and its causes.
    pub(crate) fn broken(error: &(dyn std::error::Error + 'static), hint: Option<String>) -> Self {
        let mut chain = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        Self::Broken { chain, hint }
    }

    /// What the subject's declaration makes of the outcome.
    pub(crate) fn declared(self, reason: Option<&str>) -> Self {
        match (self, reason) {
            (Self::Failed { findings }, Some(reason)) => Self::ExpectedFailure {
                reason: reason.to_owned(),
                findings,
            },
            (Self::Passed, Some(reason)) => Self::UnexpectedPass {
                reason: reason.to_owned(),
            },
            (outcome, _) => outcome,
        }
    }
}

/// How many trials came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Held.
    pub passed: usize,
    /// Findings.
    pub failed: usize,
    /// Declared findings.
    pub expected: usize,
    /// Nothing judged.
    pub skipped: usize,
    /// Could not judge.
    pub broken: usize,
    /// How many of `failed` exceed a budget and are wrong in nothing else.
    pub budgets: usize,
}

impl Totals {
    /// Counts the outcome of one more trial.
    pub fn note(&mut self, outcome: &Outcome) {
        self.add(outcome.verdict());
        self.budgets += usize::from(outcome.is_over_budget());
    }

    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::ExpectedFailure => self.expected += 1,
            Verdict::Skipped => self.skipped += 1,
            Verdict::Broken => self.broken += 1,
        }
    }

    /// 0 held · 1 findings · 3 could not judge, or nothing was judged · 4 only budgets were exceeded. 3 stands before 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.broken > 0 || self.passed + self.failed + self.expected == 0 {
            3
        } else if self.failed > self.budgets {
            1
        } else if self.failed > 0 {
            4
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Outcome {
        let place = Place {
            file: "c.yaml".into(),
            line: 1,
            column: 1,
        };
        Outcome::Failed {
            findings: vec![PlacedFinding::new("ready", place, Finding::new("a", "b"))],
        }
    }

    #[test]
    fn a_declared_failure_is_strict() {
        assert_eq!(
            failed().declared(Some("known")).verdict(),
            Verdict::ExpectedFailure
        );
        assert_eq!(
            Outcome::Passed.declared(Some("known")).verdict(),
            Verdict::Failed
        );
        assert_eq!(failed().declared(None).verdict(), Verdict::Failed);
        let broken = Outcome::Broken {
            chain: vec!["x".into()],
            hint: None,
        };
        assert_eq!(broken.declared(Some("known")).verdict(), Verdict::Broken);
    }

    #[test]
    fn the_exit_code_puts_broken_before_failed_and_never_calls_nothing_a_success() {
        let totals = |passed, failed, expected, skipped, broken| Totals {
            passed,
            failed,
            expected,
            skipped,
            broken,
            budgets: 0,
        };
        for (totals, code) in [
            (
                Totals {
                    budgets: 1,
                    ..totals(5, 1, 0, 0, 0)
                },
                4,
            ),
            (
                Totals {
                    budgets: 1,
                    ..totals(5, 2, 0, 0, 0)
                },
                1,
            ),
            (
                Totals {
                    budgets: 1,
                    ..totals(5, 1, 0, 0, 1)
                },
                3,
            ),
            (totals(1, 0, 0, 0, 0), 0),
            (totals(1, 0, 0, 5, 0), 0),
            (totals(0, 0, 1, 0, 0), 0),
            (totals(5, 1, 0, 0, 0), 1),
            (totals(5, 1, 0, 0, 1), 3),
            (totals(0, 0, 0, 3, 0), 3),
            (totals(0, 0, 0, 0, 0), 3),
        ] {
            assert_eq!(totals.exit_code(), code, "{totals:?}");
        }
    }
}
