//! `cold-start: subject.budgets` — how long boots take, against what the subject allows itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Measure, Unanswered};
use crate::case::{Budget, Budgets, Subject};
use crate::engine::Reached;

/// The tag of this family: whose findings are an exceeded budget, which has an exit code of its own.
pub(crate) const NAME: &str = "cold-start";

/// Whose budgets are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ColdStart {
    /// The subject's own.
    #[serde(rename = "subject.budgets")]
    Subject,
}

impl Check for ColdStart {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        let claimed = subject.budgets.as_ref();
        claimed.map(drop).ok_or_else(|| "budgets".into())
    }

    fn disturbs(&self) -> bool {
        // A boot that others wait for says nothing about how long one takes.
        true
    }

    fn judge(&self, _context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        Ok(Vec::new())
    }

    fn judge_all(&self, context: &Context<'_>, boots: &[Boot]) -> Result<Vec<Finding>, Unanswered> {
        let budgets = context.subject.budgets.as_ref();
        let budgets = budgets.ok_or_else(|| Unanswered("the subject has no `budgets`".into()))?;
        let measures = self.measures(boots);
        let mut findings = Vec::new();
        for (name, budget) in named(budgets) {
            let measure = measures
                .iter()
                .find(|m| m.name == name && m.samples_ms.len() == boots.len());
            let Some(measure) = measure else {
                return Err(Unanswered(format!(
                    "`{name}` was not measured on every boot"
                )));
            };
            findings.extend(judged(budget, measure));
        }
        Ok(findings)
    }

    fn measures(&self, boots: &[Boot]) -> Vec<Measure> {
        type Take = fn(&Boot) -> Option<u64>;
        let steps: [(&'static str, Take); 4] = [
            ("create", |boot| boot.took.create_ns),
            ("start", |boot| boot.took.start_ns),
            ("first-log", |boot| {
                boot.log.first_ns?.checked_sub(boot.took.asked_ns?)
            }),
            ("ready", |boot| match &boot.reached {
                Some(Reached::Ready { at_ns, .. }) => at_ns.checked_sub(boot.took.asked_ns?),
                _ => None,
            }),
        ];
        let measured = steps.into_iter().map(|(name, take)| Measure {
            name,
            samples_ms: boots.iter().filter_map(take).map(millis).collect(),
        });
        measured.filter(|m| !m.samples_ms.is_empty()).collect()
    }
}

fn named(budgets: &Budgets) -> impl Iterator<Item = (&'static str, &Budget)> {
    let all = [
        ("create", &budgets.create),
        ("start", &budgets.start),
        ("first-log", &budgets.first_log),
        ("ready", &budgets.ready),
    ];
    all.into_iter()
        .filter_map(|(name, budget)| budget.as_ref().map(|b| (name, b)))
}

fn judged(budget: &Budget, measure: &Measure) -> Option<Finding> {
    let seen = budget.statistic.of(&measure.samples_ms)?;
    let bound = budget.below.0.as_secs_f64() * 1000.0;
    (seen >= bound).then(|| {
        let samples: Vec<String> = measure
            .samples_ms
            .iter()
            .map(|ms| format!("{ms:.0}"))
            .collect();
        Finding::new(
            format!("{}: {budget}", measure.name),
            format!("{} is {seen:.0} ms", budget.statistic),
        )
        .coded("cold-start/over-budget")
        .with([format!("samples, ms: {}", samples.join(" "))])
    })
}

/// Nanoseconds as milliseconds, to the microsecond.
fn millis(ns: u64) -> f64 {
    let micros = u32::try_from(ns / 1000).unwrap_or(u32::MAX);
    f64::from(micros) / 1000.0
}
