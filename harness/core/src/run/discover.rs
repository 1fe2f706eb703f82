//! What a boot used, found by watching it, and taken away piece by piece: one boot a file, one table in one trial.

use std::collections::BTreeSet;
use std::time::Duration;

use adamant_probe::{Action, Kind, MOUNT_DIR};

use super::boots::Wants;
use super::outcome::PlacedFinding;
use super::session::wants;
use super::trial::{REMOVAL, Stop, Trial};
use super::{Deadline, monotonic_ns};
use crate::check::{self, Context, is_under};
use crate::engine::{Answer, Image, Loss, LossSeen, Question, Reached};
use crate::redact::volatile;

/// As many files as are taken away; whoever used more is told of it.
const MOST: usize = 1000;
/// A boot without a file is waited for at least this long, and this many times as long as one that has all.
const PATIENCE: Duration = Duration::from_secs(5);
const TIMES: u32 = 4;

impl Trial<'_> {
    /// Boots once to see what is used, then once without each.
    pub(super) fn discover(&mut self, context: &Context<'_>) -> Result<Vec<PlacedFinding>, Stop> {
        let wanted = wants(self.plan, self.engine);
        let booted = self.boot(context, &[], Vec::new(), wanted.clone())?;
        let seen = booted.seen();
        let trace = booted.instance.ask(&Question::Trace, &self.deadline);
        let took = Duration::from_nanos(monotonic_ns().saturating_sub(booted.started_ns));
        let judged = if matches!(booted.reached, Reached::Ready { .. }) {
            None
        } else {
            Some(self.not_reached(context, &seen))
        };
        booted.instance.remove(&Deadline::for_cleanup(REMOVAL))?;
        if let Some(judged) = judged {
            return judged;
        }
        let Answer::Trace(trace) = trace? else {
            return Err(check::Unanswered("the trace is no trace".into()).into());
        };
        let boot = check::Boot {
            answers: vec![Ok(Answer::Trace(trace))],
            ..seen.clone()
        };
        let used = used(context.image, &check::traced(&boot, 0)?);
        if used.len() > MOST {
            return Err(check::Unanswered(format!(
                "the boot used {} files, and not more than {MOST} are taken away one by one",
                used.len()
            ))
            .into());
        }
        let usual = lines(&[&seen.log.head, &seen.log.tail]);
        let patience = (took * TIMES).max(PATIENCE);
        let wanted = Wants {
            trace: false,
            reads: false,
            patience: Some(patience),
            ..wanted
        };
        let mut losses = Vec::new();
        for path in used {
            self.deadline = self.session.deadline(patience + REMOVAL * 2);
            let booted = self.boot(
                context,
                std::slice::from_ref(&path),
                Vec::new(),
                wanted.clone(),
            )?;
            let log = booted.seen().log;
            let reached = booted.reached.clone();
            booted.instance.remove(&Deadline::for_cleanup(REMOVAL))?;
            let seen = match reached {
                Reached::Exited { exit, .. } => LossSeen::Exit { code: exit.code },
                Reached::TimedOut { .. } => LossSeen::NotReady,
                Reached::Ready { .. } => named(&path, &[&log.head, &log.tail], &usual),
            };
            losses.push(Loss { path, seen });
        }
        self.losses.clone_from(&losses);
        let boot = check::Boot {
            answers: vec![Ok(Answer::Losses(losses))],
            ..seen
        };
        let mut findings = Vec::new();
        for spec in &self.plan.case.case.checks {
            for finding in spec.value.check().judge(context, &boot)? {
                findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
            }
        }
        Ok(findings)
    }
}

/// The files of the image that were executed or opened for reading, as the image holds them.
fn used(image: &Image, events: &[adamant_probe::TraceEvent]) -> BTreeSet<String> {
    let paths = events.iter().filter_map(|event| match &event.action {
        Action::Exec {
            path,
            refused: None,
            ..
        }
        | Action::Read { path } => Some(path),
        _ => None,
    });
    let real = paths.filter_map(|path| image.resolve(path));
    real.filter(|entry| entry.kind == Kind::File && !is_under(&entry.path, MOUNT_DIR))
        .map(|entry| entry.path.clone())
        .collect()
}

/// What a boot says that has all its files, without times and numbers.
fn lines(texts: &[&str]) -> BTreeSet<String> {
    texts
        .iter()
        .flat_map(|text| text.lines())
        .map(steady)
        .collect()
}

fn steady(line: &str) -> String {
    let line = volatile(line);
    line.split(|c: char| c.is_ascii_digit()).collect()
}

/// Whether a ready subject said something about what it lost, which it does not say anyway.
fn named(path: &str, texts: &[&str], usual: &BTreeSet<String>) -> LossSeen {
    let name = path.rsplit('/').next().unwrap_or(path);
    let line = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| check::names_it(line, path) || check::names_it(line, name))
        .find(|line| !usual.contains(&steady(line)));
    match line {
        Some(line) => LossSeen::Named {
            line: line.chars().take(200).collect(),
        },
        None => LossSeen::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_noticed_when_the_output_names_it() {
        let none = BTreeSet::new();
        let line = "WARN: no x.conf here, 7 ms".to_owned();
        let texts = ["started\nWARN: no x.conf here, 7 ms\n"];
        let seen = named("/opt/app/x.conf", &texts, &none);
        assert_eq!(seen, LossSeen::Named { line });
        let usual = lines(&["WARN: no x.conf here, 9 ms"]);
        assert_eq!(named("/opt/app/x.conf", &texts, &usual), LossSeen::Nothing);
        assert_eq!(
            named("/opt/app/x.conf", &["started"], &none),
            LossSeen::Nothing
        );
        assert_eq!(
            named("/opt/app/x", &["no xylophone"], &none),
            LossSeen::Nothing
        );
    }
}
