//! A run for a person: what is wrong as soon as it is known, then the table and the last lines.
//!
//! Data goes to one writer (stdout), talk to another (stderr), so that a pipe takes verdicts and nothing else.

use std::fmt;
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use super::file::Trouble;
use super::layout::{Block, Paint};
use super::progress::{ERASE, Progress};
use super::tally::{Row, artifacts};
use super::{Event, Reporter, RunReport, TrialReport, measure, table, text};
use crate::case::FaultKind;
use crate::engine::Description;
use crate::run::Verdict;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// What did not pass, and the last lines.
    Quiet,
    /// Also who runs, how far it is, and the table.
    #[default]
    Normal,
    /// Also each trial that passed or was skipped, as it ends.
    Verbose,
}

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View {
    /// Whether data is written in colour.
    pub colour: bool,
    /// Whether talk goes to a terminal, where a line can be taken back.
    pub live: bool,
    /// How much is told.
    pub verbosity: Verbosity,
}

/// Shows a run.
pub struct Terminal {
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    view: View,
    reports: PathBuf,
    progress: Progress,
    rows: Vec<Row>,
    measured: Vec<String>,
    trouble: Trouble,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("view", &self.view)
            .field("reports", &self.reports)
            .finish_non_exhaustive()
    }
}

impl Terminal {
    /// On the standard streams; `reports` is where the evidence is said to be.
    #[must_use]
    pub fn new(colour: bool, verbosity: Verbosity, reports: &Path) -> Self {
        let view = View {
            colour,
            live: std::io::stderr().is_terminal(),
            verbosity,
        };
        Self::to(
            Box::new(std::io::stdout()),
            Box::new(std::io::stderr()),
            view,
            reports,
        )
    }

    /// The same on any writers: `data` takes verdicts, `talk` the rest.
    #[must_use]
    pub fn to(
        data: Box<dyn Write + Send>,
        talk: Box<dyn Write + Send>,
        view: View,
        reports: &Path,
    ) -> Self {
        let (progress, trouble) = (Progress::default(), Trouble::default());
        Self {
            data,
            talk,
            view,
            reports: reports.to_owned(),
            progress,
            rows: Vec::new(),
            measured: Vec::new(),
            trouble,
        }
    }

    fn paint(&self) -> Paint {
        Paint(self.view.colour)
    }

    fn started(&mut self, run: &str, engines: &[Description], planned: usize) {
        self.progress = Progress::new(planned);
        if self.view.verbosity > Verbosity::Quiet {
            let engines: Vec<String> = engines
                .iter()
                .map(|e| format!("{} ({}, {})", e.name, e.version, e.platform))
                .collect();
            self.say(&format!(
                "run {run} on {}: {}\n",
                if engines.is_empty() {
                    "no engine".to_owned()
                } else {
                    engines.join(", ")
                },
                text::count(planned, "trial")
            ));
        }
    }

    fn trial(&mut self, report: &TrialReport) {
        let verdict = report.outcome.verdict();
        self.progress.finish(&report.name, verdict);
        self.rows.push(Row::of(report));
        let measured = measure::lines(report, self.view.live);
        self.measured.extend(measured);
        if matches!(verdict, Verdict::Passed | Verdict::Skipped) {
            if self.view.verbosity == Verbosity::Verbose {
                let line = text::finished_line(report) + "\n";
                self.say(&line);
            }
        } else {
            self.show_block(&text::block(report, Some(&self.reports)));
        }
    }

    fn finished(&mut self, run: &RunReport) {
        if self.view.verbosity > Verbosity::Quiet {
            let table = table::render(&self.rows, self.paint());
            self.show(&table);
            let mut measured = self.measured.join("\n");
            if !measured.is_empty() {
                measured.push_str("\n\n");
                self.show(&measured);
            }
        }
        for outcome in &run.cleanup {
            self.show_block(&text::cleanup(outcome));
        }
        let mut lines = text::family_lines(&self.rows);
        let fault = Some(FaultKind::RequiredArtifactAbsent);
        let counted = artifacts(&self.rows, fault);
        if counted.of > 0 {
            lines.push(text::proven_fatal(counted));
        }
        lines.extend(text::notes(
            run,
            self.progress.planned(),
            self.progress.finished(),
        ));
        lines.push(text::totals(&run.totals, run.millis));
        self.show(&(lines.join("\n") + "\n"));
    }

    fn show_block(&mut self, block: &Block) {
        let text = block.render(self.paint()) + "\n";
        self.show(&text);
    }

    /// Data.
    fn show(&mut self, text: &str) {
        let written = self
            .data
            .write_all(text.as_bytes())
            .and_then(|()| self.data.flush());
        self.note(written);
    }

    /// Talk.
    fn say(&mut self, text: &str) {
        let written = self
            .talk
            .write_all(text.as_bytes())
            .and_then(|()| self.talk.flush());
        self.note(written);
    }

    fn note(&mut self, written: std::io::Result<()>) {
        // A reader that went away, as `head` does, wanted no more.
        if let Some(error) = written.err().filter(|e| e.kind() != ErrorKind::BrokenPipe) {
            self.trouble.keep("write to the terminal", &error);
        }
    }

    fn is_live(&self) -> bool {
        self.view.live && self.view.verbosity > Verbosity::Quiet
    }
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) {
        if self.is_live() && !matches!(event, Event::Started { .. }) {
            self.say(ERASE);
        }
        match event {
            Event::Started {
                run,
                engines,
                trials,
            } => self.started(run, engines, trials.len()),
            Event::TrialStarted { name } => self.progress.start(name),
            Event::TrialFinished(report) => self.trial(report),
            Event::Finished(run) => self.finished(run),
        }
        if self.is_live() && !matches!(event, Event::Finished(_)) {
            let line = self.progress.line();
            self.say(&line);
        }
    }

    fn errors(&self) -> Vec<String> {
        self.trouble.texts()
    }
}
