//! What the subject's owner accepts for a while: such a finding is shown with its waiver and decides nothing.

use adamant_core::case::{Day, Subject, Waiver};
use adamant_verify::{Finding, Report};

/// A finding that is accepted, and by whom.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Waived {
    /// The finding.
    #[serde(flatten)]
    pub(super) finding: Finding,
    /// The waiver as reports show it.
    pub(super) waiver: String,
}

/// Takes the findings out of the report that a waiver accepts on this day.
pub(super) fn take(subject: &Subject, today: Day, report: &mut Report) -> Vec<Waived> {
    let mut waived = Vec::new();
    report.findings.retain_mut(|finding| {
        let mut about = subject
            .waivers
            .iter()
            .map(|w| &w.value)
            .filter(|w| is_about(w, finding));
        let Some(waiver) = about
            .clone()
            .find(|w| w.holds_on(today))
            .or_else(|| about.next())
        else {
            return true;
        };
        if waiver.holds_on(today) {
            let (finding, waiver) = (finding.clone(), waiver.to_string());
            waived.push(Waived { finding, waiver });
            return false;
        }
        finding.cause = format!("{} (its waiver has ended: {waiver})", finding.cause);
        true
    });
    waived
}

/// A waiver of one case alone is none for all.
fn is_about(waiver: &Waiver, finding: &Finding) -> bool {
    let told = format!("{}: {}", finding.place, finding.seen);
    let matches = waiver
        .matches
        .as_ref()
        .is_none_or(|pattern| pattern.0.is_match(&told));
    waiver.finding == finding.rule && waiver.case.is_none() && matches
}
