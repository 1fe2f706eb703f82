//! One line on a terminal that says how far a run is and what it waits for.

use super::layout::clean;
use crate::run::{Totals, Verdict};

/// A longer line would wrap on a small terminal and could not be taken back.
const COLUMNS: usize = 79;

/// Goes to the start of the line and empties it.
pub(super) const ERASE: &str = "\r\x1b[2K";

/// What is known of a run while it goes on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    planned: usize,
    finished: usize,
    totals: Totals,
    running: Vec<String>,
}

impl Progress {
    pub(super) fn new(planned: usize) -> Self {
        Self {
            planned,
            ..Self::default()
        }
    }

    pub(super) fn start(&mut self, name: &str) {
        self.running.push(name.to_owned());
    }

    pub(super) fn finish(&mut self, name: &str, verdict: Verdict) {
        self.running.retain(|r| r != name);
        self.finished += 1;
        self.totals.add(verdict);
    }

    pub(super) fn planned(&self) -> usize {
        self.planned
    }

    pub(super) fn finished(&self) -> usize {
        self.finished
    }

    /// `12/45, 1 failed: agentbox::RC-002-05::missing-artifact-is-fatal::codex, …`.
    pub(super) fn line(&self) -> String {
        let mut counts = vec![format!("{}/{}", self.finished, self.planned)];
        let bad = [
            (self.totals.failed, "failed"),
            (self.totals.broken, "broken"),
        ];
        counts.extend(
            bad.iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{count} {word}")),
        );
        let names: Vec<&str> = self.running.iter().map(|n| without_engine(n)).collect();
        let parts: Vec<String> = [counts.join(", "), names.join(", ")]
            .into_iter()
            .filter(|p| !p.is_empty())
            .collect();
        elided(&clean(&parts.join(": ")))
    }
}

/// The name from the subject on.
fn without_engine(name: &str) -> &str {
    name.split_once("::").map_or(name, |(_, rest)| rest)
}

fn elided(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    line.chars().take(COLUMNS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_and_names_what_runs_and_is_never_long() {
        let mut progress = Progress::new(3);
        assert_eq!(progress.line(), "0/3");
        progress.start("docker::a::RC-002-01::x");
        progress.start("docker::a::RC-002-05::y::codex");
        progress.finish("docker::a::RC-002-01::x", Verdict::Failed);
        assert_eq!(progress.line(), "1/3, 1 failed: a::RC-002-05::y::codex");
        for _ in 0..9 {
            progress.start("docker::a::RC-002-05::y::codex");
        }
        assert_eq!(progress.line().chars().count(), COLUMNS);
    }
}
