//! What was measured, for a person: three figures a line and, on a terminal, the samples as a row of bars; and how much of
//! what a boot used was taken away.

use super::TrialReport;
use crate::case::Statistic;
use crate::check::Measure;
use crate::engine::LossSeen;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `agentbox discovered  15 of 15 files taken away: 12 end the boot, …`.
fn coverage(report: &TrialReport) -> Option<String> {
    let all = &report.losses;
    let count = |is: fn(&LossSeen) -> bool| all.iter().filter(|loss| is(&loss.seen)).count();
    (!all.is_empty()).then(|| {
        format!(
            "{} discovered  {of} of {of} files that the boot used were taken away: {} end it, {} keep it from readiness, {} are named in its output, {} are not noticed",
            report.subject,
            count(|seen| matches!(seen, LossSeen::Exit { .. })),
            count(|seen| matches!(seen, LossSeen::NotReady)),
            count(|seen| matches!(seen, LossSeen::Named { .. })),
            count(|seen| matches!(seen, LossSeen::Nothing)),
            of = all.len(),
        )
    })
}

/// One line for each measure of a trial, and one for what it discovered.
pub(super) fn lines(report: &TrialReport, bars: bool) -> Vec<String> {
    let mut lines = measured(report, bars);
    lines.extend(coverage(report));
    lines
}

fn measured(report: &TrialReport, bars: bool) -> Vec<String> {
    let width = report.measures.iter().map(|m| m.name.len()).max();
    let width = width.unwrap_or_default();
    report
        .measures
        .iter()
        .map(|measure| {
            let of = |statistic: Statistic| statistic.of(&measure.samples_ms).unwrap_or_default();
            let bars = if bars { spark(measure) } else { String::new() };
            let line = format!(
                "{} {:<width$}  p50 {:.0} ms  p95 {:.0} ms  max {:.0} ms  {} boots  {bars}",
                report.subject,
                measure.name,
                of(Statistic::Percentile(50)),
                of(Statistic::Percentile(95)),
                of(Statistic::Max),
                measure.samples_ms.len(),
            );
            line.trim_end().to_owned()
        })
        .collect()
}

/// A bar for each sample, the largest the highest; all begin at nothing, so that they compare as the samples do.
fn spark(measure: &Measure) -> String {
    let most = Statistic::Max.of(&measure.samples_ms).unwrap_or_default();
    let bar = |sample: &f64| {
        // The first bar that stands for at least as much.
        let step = (0_u8..8).find(|step| *sample <= most * f64::from(step + 1) / 8.0);
        BARS.get(usize::from(step.unwrap_or(7))).copied()
    };
    measure.samples_ms.iter().filter_map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_compare_as_the_samples_do() {
        let measure = |samples: &[f64]| Measure {
            name: "ready",
            samples_ms: samples.to_vec(),
        };
        assert_eq!(spark(&measure(&[1.0, 4.0, 8.0])), "▁▄█");
        assert_eq!(spark(&measure(&[0.0, 0.0])), "▁▁");
        assert_eq!(spark(&measure(&[])), "");
    }
}
