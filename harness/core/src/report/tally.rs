//! Many trials folded to what a reader counts: cases, specs, families and artifacts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TrialReport;
use crate::case::{FaultKind, Level, Need, Waiver};
use crate::redact::Redactor;
use crate::run::{Outcome, Skip};

/// What some trials came to together: the smallest of theirs, which is the one that says most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    Broken,
    Failed,
    Expected,
    Partly,
    Held,
    NotClaimed,
    NotReached,
    NotApplicable,
    Unsupported,
}

impl Standing {
    pub(super) const ALL: [Self; 9] = [
        Self::Broken,
        Self::Failed,
        Self::Expected,
        Self::Partly,
        Self::Held,
        Self::NotClaimed,
        Self::NotReached,
        Self::NotApplicable,
        Self::Unsupported,
    ];

    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Held,
            Outcome::Failed { .. } | Outcome::UnexpectedPass { .. } => Self::Failed,
            Outcome::ExpectedFailure { .. } => Self::Expected,
            Outcome::Broken { .. } => Self::Broken,
            Outcome::Skipped {
                kind: Skip::NotClaimed,
                ..
            } => Self::NotClaimed,
            Outcome::Skipped {
                kind: Skip::NotReached,
                ..
            } => Self::NotReached,
            Outcome::Skipped {
                kind: Skip::NotApplicable,
                ..
            } => Self::NotApplicable,
            Outcome::Skipped {
                kind: Skip::Unsupported,
                ..
            } => Self::Unsupported,
        }
    }
}

/// What the closing table needs of one trial.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) engine: &'static str,
    pub(super) subject: String,
    pub(super) spec: String,
    pub(super) case: String,
    pub(super) stem: String,
    pub(super) fault: Option<FaultKind>,
    pub(super) variant: Option<String>,
    pub(super) level: Level,
    pub(super) standing: Standing,
    /// Why it was skipped.
    pub(super) skipped: Option<String>,
    pub(super) needs: Vec<Need>,
    /// The subject's waivers, and what each accepted in this trial.
    pub(super) waivers: Vec<(Waiver, usize)>,
    pub(super) image_source: String,
    pub(super) image: Option<String>,
    pub(super) platform: Option<String>,
}

impl Row {
    pub(super) fn of(report: &TrialReport) -> Self {
        let skipped = match &report.outcome {
            Outcome::Skipped { reason, .. } => Some(Redactor::new(&report.secrets).text(reason)),
            _ => None,
        };
        Self {
            engine: report.engine,
            subject: report.subject.clone(),
            spec: report.spec.clone(),
            case: report.case.clone(),
            stem: report
                .name
                .split("::")
                .nth(3)
                .unwrap_or(&report.case)
                .to_owned(),
            fault: report.fault,
            variant: report.variant.clone(),
            level: report.level,
            standing: Standing::of(&report.outcome),
            skipped,
            needs: report.needs.clone(),
            waivers: report
                .waivers
                .iter()
                .map(|w| (w.clone(), accepted(w, report)))
                .collect(),
            image_source: report.image_source.clone(),
            image: report.image.clone(),
            platform: report.platform.clone(),
        }
    }
}

impl Row {
    /// Whether something binding was not judged: what else was judged of its spec is not all of it.
    fn is_gap(&self) -> bool {
        let unjudged = matches!(
            self.standing,
            Standing::NotClaimed | Standing::NotReached | Standing::Unsupported
        );
        self.level == Level::Must && unjudged
    }
}

/// How many findings of a trial a waiver accepts.
fn accepted(waiver: &Waiver, report: &TrialReport) -> usize {
    let by = waiver.to_string();
    let findings = report.outcome.findings().iter();
    findings
        .filter(|f| f.finding.code == waiver.finding)
        .filter(|f| f.waiver.as_ref().is_some_and(|w| w.accepts && w.by == by))
        .count()
}

/// The document that a spec belongs to: `RC-002-05` to `RC-002`, `BOOTSTRAP-01` to `BOOTSTRAP`.
pub(super) fn family(spec: &str) -> &str {
    match spec.rsplit_once('-') {
        // A requirement's number has two digits, a document's three.
        Some((family, number))
            if number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            family
        }
        _ => spec,
    }
}

/// How many specs of a family came to what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Family {
    pub(super) specs: usize,
    #[serde(flatten)]
    pub(super) standings: BTreeMap<Standing, usize>,
}

/// Every family. A spec holds when all its judged trials passed, and nothing binding was left unjudged.
pub(super) fn families(rows: &[Row]) -> BTreeMap<String, Family> {
    let mut specs: BTreeMap<&str, Standing> = BTreeMap::new();
    for row in rows {
        specs
            .entry(&row.spec)
            .and_modify(|s| *s = row.standing.min(*s))
            .or_insert(row.standing);
    }
    for row in rows.iter().filter(|r| r.is_gap()) {
        specs.entry(&row.spec).and_modify(|s| {
            *s = if *s == Standing::Held {
                Standing::Partly
            } else {
                *s
            }
        });
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for (spec, standing) in specs {
        let family = families.entry(family(spec).to_owned()).or_default();
        family.specs += 1;
        *family.standings.entry(standing).or_default() += 1;
    }
    families
}

/// How many artifacts a fault was proven on, of how many to which one applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Artifacts {
    pub(super) proven: usize,
    pub(super) of: usize,
}

/// The trials that made an artifact absent by this kind of fault.
pub(super) fn artifacts<'a>(
    rows: impl IntoIterator<Item = &'a Row>,
    fault: Option<FaultKind>,
) -> Artifacts {
    let mut artifacts = Artifacts::default();
    for row in rows
        .into_iter()
        .filter(|r| r.variant.is_some() && r.standing != Standing::NotApplicable)
        .filter(|r| r.fault == fault)
    {
        artifacts.of += 1;
        artifacts.proven += usize::from(row.standing == Standing::Held);
    }
    artifacts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_the_document_of_a_spec() {
        for (spec, expected) in [
            ("RC-002-05", "RC-002"),
            ("RC-002", "RC-002"),
            ("BOOTSTRAP-01", "BOOTSTRAP"),
            ("BOOTSTRAP", "BOOTSTRAP"),
            ("A-b", "A-b"),
        ] {
            assert_eq!(family(spec), expected);
        }
    }

    #[test]
    fn what_says_most_comes_first() {
        assert!(Standing::ALL.is_sorted());
        assert!(
            Standing::Broken < Standing::Failed
                && Standing::Failed < Standing::Held
                && Standing::Held < Standing::NotClaimed
        );
    }
}
