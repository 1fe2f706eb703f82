//! What a run of test262 came to, on one screen.

use std::fmt::Write as _;
use std::time::Duration;

use adamant_isolate::test262::{Baseline, Judgment, Ran, Results, Verdict};

/// The most tests of one kind that are listed; `--json` has them all.
const LISTED: usize = 12;
/// The longest reason that is shown.
const REASON: usize = 160;

/// A run and what it is judged by.
pub(crate) struct Summary<'a> {
    pub(crate) commit: Option<&'a str>,
    pub(crate) results: &'a Results,
    pub(crate) judgment: &'a Judgment<'a>,
    pub(crate) baseline: &'a Baseline,
    pub(crate) filtered: bool,
    pub(crate) workers: usize,
    pub(crate) took: Duration,
}

impl Summary<'_> {
    /// The text, line by line.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        let judgment = self.judgment;
        list(&mut lines, "FAIL", &judgment.failed, |ran| {
            match &ran.verdict {
                Verdict::Failed { mode, reason } => format!("{}: {reason}", mode.name()),
                Verdict::Crashed { reason } => format!("crashed: {reason}"),
                Verdict::Passed | Verdict::Unreadable { .. } => String::new(),
            }
        });
        list(&mut lines, "PASS", &judgment.passed, |ran| {
            let expected = self.baseline.failures.get(&ran.test);
            let reason = expected.map_or("", |expected| expected.reason.as_str());
            format!("expected to fail: {reason}")
        });
        list(&mut lines, "BAD", &judgment.unreadable, |ran| {
            match &ran.verdict {
                Verdict::Unreadable { reason } => reason.clone(),
                _ => String::new(),
            }
        });
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.head());
        lines.extend(self.totals());
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }

    fn head(&self) -> Vec<String> {
        let commit = self.commit.map_or("at an unknown commit", short);
        let mut lines = vec![format!("test262 {commit} on V8 {}", self.results.v8)];
        if let (Some(commit), Some(expected)) = (self.commit, self.baseline.test262.as_deref())
            && commit != expected
        {
            lines.push(format!(
                "note: the expected failures are those of commit {}",
                short(expected)
            ));
        }
        if self.baseline.v8.is_empty() {
            lines.push("note: no failures are known for this V8, so none is expected".to_owned());
        }
        let gone = self.baseline.failures.keys().filter(|test| {
            self.results
                .ran
                .binary_search_by(|ran| ran.test.cmp(test))
                .is_err()
        });
        let gone = gone.count();
        if gone > 0 && !self.filtered {
            lines.push(format!(
                "note: {gone} expected failures are not in this checkout"
            ));
        }
        lines
    }

    fn totals(&self) -> Vec<String> {
        let judgment = self.judgment;
        let counts = judgment.counts;
        let (engine, node, loader) = (counts.engine, counts.node, counts.loader);
        let mut lines = vec![
            format!(
                "{} tests, {} runs in {:.2} s, {}",
                counts.tests,
                counts.runs,
                self.took.as_secs_f64(),
                plural(self.workers, "worker")
            ),
            format!("  passed                {:>5}", counts.passed),
            format!(
                "  expected to fail      {:>5}   engine {engine}, node {node}, loader {loader}",
                engine + node + loader
            ),
            format!("  unexpected failures   {:>5}", judgment.failed.len()),
            format!("  unexpected passes     {:>5}", judgment.passed.len()),
        ];
        if !judgment.unreadable.is_empty() {
            lines.push(format!(
                "  not runnable          {:>5}",
                judgment.unreadable.len()
            ));
        }
        lines
    }
}

fn list(lines: &mut Vec<String>, word: &str, tests: &[&Ran], reason: impl Fn(&Ran) -> String) {
    for ran in tests.iter().take(LISTED) {
        let mut text = String::new();
        // One line, whatever a test put into its message; and no control sequence reaches a terminal.
        for character in reason(ran).chars().take(REASON) {
            text.push(if character.is_control() {
                ' '
            } else {
                character
            });
        }
        lines.push(format!("{word}  {}", ran.test));
        lines.push(format!("      {}", text.trim_end()));
    }
    if tests.len() > LISTED {
        let mut more = String::new();
        let _a_string_takes_all = write!(
            more,
            "      … and {} more (`--json` has all)",
            tests.len() - LISTED
        );
        lines.push(more);
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
