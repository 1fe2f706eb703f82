//! `cold-start: subject.budgets` — how long boots take, against what the subject allows itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Measure, Unanswered};
use crate::case::{Budget, Budgets, Subject};
use crate::engine::Reached;

/// The tag of this family: whose findings are an exceeded budget, which has an exit code of its own.
pub(crate) const NAME: &str = "cold-start";

const FIRST_LOG: &str = "first-log";

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

    /// Output may arrive a moment after readiness.
    fn settled(&self, context: &Context<'_>, boot: &Boot) -> bool {
        let budgets = context.subject.budgets.as_ref();
        budgets.is_none_or(|b| b.first_log.is_none()) || boot.log.first_ns.is_some()
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
            let measure = measures.iter().find(|m| m.name == name);
            let measured = measure.map_or(0, |m| m.samples_ms.len());
            match measure {
                Some(measure) if measured == boots.len() => {
                    findings.extend(judged(budget, measure));
                }
                // Every other step is the engine's to measure; an output that never came is the subject's affair.
                _ if name == FIRST_LOG => findings.push(silent(budget, measured, boots.len())),
                _ => {
                    let why = format!("`{name}` was not measured on every boot");
                    return Err(Unanswered(why));
                }
            }
        }
        Ok(findings)
    }

    fn measures(&self, boots: &[Boot]) -> Vec<Measure> {
        type Take = fn(&Boot) -> Option<u64>;
        let steps: [(&'static str, Take); 4] = [
            ("create", |boot| boot.took.create_ns),
            ("start", |boot| boot.took.start_ns),
            (FIRST_LOG, |boot| {
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
        (FIRST_LOG, &budgets.first_log),
        ("ready", &budgets.ready),
    ];
    all.into_iter()
        .filter_map(|(name, budget)| budget.as_ref().map(|b| (name, b)))
}

fn silent(budget: &Budget, spoke: usize, boots: usize) -> Finding {
    let silent = boots.saturating_sub(spoke);
    Finding::new(
        format!("{FIRST_LOG}: {budget}"),
        format!("{silent} of {boots} boots had written nothing when they were ready"),
    )
    .coded("cold-start/over-budget")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case::parse_text;
    use crate::engine::{Image, LogCapture, Stream, Took};

    /// A boot that was ready after a second, and had written this by then.
    fn boot(wrote: &str) -> Boot {
        let log = LogCapture::new(Vec::new(), None);
        if !wrote.is_empty() {
            log.push(Stream::Stdout, wrote.as_bytes(), 1_000_000);
        }
        Boot {
            took: Took {
                asked_ns: Some(0),
                ..Took::default()
            },
            log: log.snapshot(),
            ..Boot::default()
        }
    }

    #[test]
    fn a_boot_that_writes_nothing_breaks_its_budget_of_output() {
        let text = "name: s\nimage: x\nbudgets: { first-log: p95 < 1s }\n";
        let subject: Subject =
            parse_text(text, std::path::Path::new("adamant.yaml")).expect("a valid subject");
        let (image, enabled) = (Image::default(), BTreeSet::new());
        let context = Context {
            subject: &subject,
            image: &image,
            enabled: &enabled,
            fault: None,
        };
        let found = |boots: &[Boot]| -> Vec<String> {
            let findings = ColdStart::Subject.judge_all(&context, boots);
            let findings = findings.expect("it is judged");
            findings.into_iter().map(|f| f.seen).collect()
        };
        assert!(found(&[boot("up\n"), boot("up\n")]).is_empty());
        assert_eq!(
            found(&[boot("up\n"), boot("")]),
            ["1 of 2 boots had written nothing when they were ready"]
        );
    }
}
