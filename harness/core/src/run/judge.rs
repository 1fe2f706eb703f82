//! Judging one boot of a trial: ask each check's questions in order, judge the answers, keep what was seen.

use std::time::Duration;

use super::boots::Booted;
use super::outcome::PlacedFinding;
use super::trial::{Stop, Trial, skipped};
use super::{Deadline, Skip, monotonic_ns};
use crate::case::{Place, State};
use crate::check::{self, CheckSpec, Context, Finding, Unanswered};
use crate::engine::{Answer, EngineError, ErrorKind, Exit, Log, Question, Reached, Until};
use crate::report::{Asked, BootEvidence};

/// How long a log line may come after the state it belongs to.
const SETTLE: Duration = Duration::from_secs(3);

impl Trial<'_> {
    /// Judges a case that is about the image alone.
    pub(super) fn judge_image(
        &mut self,
        context: &Context<'_>,
    ) -> Result<Vec<PlacedFinding>, Stop> {
        let mut findings = Vec::new();
        for spec in &self.plan.case.case.checks {
            for finding in spec.value.check().judge(context, &check::Boot::default())? {
                findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
            }
        }
        Ok(findings)
    }

    /// Judges one boot; answers the findings and what each check saw, for judgments across boots.
    pub(super) fn judge_boot(
        &mut self,
        context: &Context<'_>,
        booted: &Booted,
    ) -> Result<(Vec<PlacedFinding>, Vec<check::Boot>), Stop> {
        self.visited(context, booted)?;
        let case = &self.plan.case.case;
        let state = case.boot.as_ref().map_or(State::Ready, |b| b.until);
        let mut seen = booted.seen();
        if self.plan.fault().is_none() && matches!(booted.reached, Reached::Ready { .. }) {
            self.session.gates.note_ready(self.plan);
        }
        let mut asked = Vec::new();
        let result = if state == State::Ready && !matches!(booted.reached, Reached::Ready { .. }) {
            self.not_reached(context, &seen)
                .map(|findings| (findings, Vec::new()))
        } else {
            self.observe(booted)?;
            seen.log = self.settled_log(context, booted);
            self.ask_and_judge(context, &seen, booted, &mut asked)
        };
        let result = if booted.traced {
            self.watched(booted).and(result)
        } else {
            result
        };
        let held = matches!(&result, Ok((findings, _)) if findings.is_empty());
        let inspect = if held {
            None
        } else {
            booted
                .instance
                .inspect(&Deadline::for_cleanup(Duration::from_secs(10)))
                .ok()
        };
        self.evidence.push(BootEvidence {
            id: booted.instance.id().to_owned(),
            reached: booted.reached.clone(),
            started_ns: booted.started_ns,
            log: booted.log.snapshot(),
            asked,
            inspect,
        });
        result
    }

    /// A subject whose supervisor is gone gets wrong answers from the kernel, and one whose launcher gave up never started: neither what
    /// it did nor what it did not do proves anything.
    fn watched(&self, booted: &Booted) -> Result<(), Stop> {
        match booted.instance.ask(&Question::Trace, &self.deadline)? {
            Answer::Trace(trace) => {
                check::trace::seen(&trace)
                    .map(drop)
                    .map_err(|Unanswered(why)| {
                        // The launcher's own words are among them, when it gave up.
                        let said = check::ready::last_lines(&booted.log.snapshot());
                        let told = [vec![why], said].concat().join("; ");
                        Unanswered(told).into()
                    })
            }
            other => Err(Unanswered(format!("{other:?} is no trace")).into()),
        }
    }

    /// Leaves the subject alone for as long as the case says, counted from its readiness.
    fn observe(&self, booted: &Booted) -> Result<(), Stop> {
        let boot = self.plan.case.case.boot.as_ref();
        let (Some(observe), Reached::Ready { at_ns, .. }) =
            (boot.and_then(|b| b.observe), &booted.reached)
        else {
            return Ok(());
        };
        let passed = Duration::from_nanos(monotonic_ns().saturating_sub(*at_ns));
        let left = observe.0.saturating_sub(passed);
        if self.deadline.pause(left) {
            return Ok(());
        }
        let kind = if self.deadline.is_cancelled() {
            ErrorKind::Cancelled
        } else {
            ErrorKind::TimedOut
        };
        let attempt = format!("observe `{}`", booted.instance.id());
        Err(EngineError::new(kind, attempt)
            .caused_by("the time for it was up")
            .into())
    }

    /// The log, a moment later when something that was looked for has not arrived yet.
    fn settled_log(&self, context: &Context<'_>, booted: &Booted) -> Log {
        let base = booted.seen();
        let checks = &self.plan.case.case.checks;
        booted
            .log
            .wait_settled(&self.deadline.within(SETTLE), |log| {
                let boot = check::Boot {
                    log: log.clone(),
                    ..base.clone()
                };
                checks
                    .iter()
                    .all(|c| c.value.check().settled(context, &boot))
            })
    }

    fn ask_and_judge(
        &self,
        context: &Context<'_>,
        seen: &check::Boot,
        booted: &Booted,
        asked: &mut Vec<Asked>,
    ) -> Result<(Vec<PlacedFinding>, Vec<check::Boot>), Stop> {
        let mut findings = Vec::new();
        let mut kept = Vec::new();
        for spec in &self.plan.case.case.checks {
            let check = spec.value.check();
            let mut boot = seen.clone();
            let questions = if check.asks_at(seen.reached.as_ref()) {
                check.questions(context)
            } else {
                Vec::new()
            };
            for question in questions {
                let answer = self.ask(booted, &question);
                // Only after a failure: looking for the end takes its time when there is none. Who watches a boot can
                // be asked after its end too, so that no answer there is our trouble.
                if answer.is_err()
                    && question != Question::Trace
                    && let Some(ended) = self.ended(booted, asked)
                {
                    asked.push(Asked { question, answer });
                    let finding = self.not_running(context, seen, &ended)?;
                    findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
                    return Ok((findings, Vec::new()));
                }
                asked.push(Asked {
                    question,
                    answer: answer.clone(),
                });
                boot.answers.push(answer);
            }
            for finding in check.judge(context, &boot)? {
                findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
            }
            kept.push(boot);
        }
        Ok((findings, kept))
    }

    /// How process 1 ended, when it did and not because we asked for it.
    fn ended(&self, booted: &Booted, asked: &[Asked]) -> Option<Exit> {
        let stopped = asked
            .iter()
            .any(|a| matches!(a.question, Question::Stop { .. }));
        let look = self.deadline.within(Duration::from_millis(300));
        match booted.instance.wait(&Until::Exit, &look) {
            Ok(Reached::Exited { exit, .. }) if !stopped => Some(exit),
            _ => None,
        }
    }

    /// The subject ended while a check looked at it: that is the subject's doing.
    fn not_running(
        &self,
        context: &Context<'_>,
        seen: &check::Boot,
        exit: &Exit,
    ) -> Result<Finding, Stop> {
        if context
            .subject
            .ready
            .as_ref()
            .is_some_and(|r| r.exit.is_some())
        {
            let why = "the check looks at a running container, and this subject is ready when it has ended";
            return Err(skipped(Skip::NotApplicable, why));
        }
        let told = format!(
            "process 1 ended with code {} after {} ms",
            exit.code, exit.after_ms
        );
        let finding = Finding::new("the container goes on running after readiness", told)
            .coded("ready/ended-later");
        Ok(finding.with(check::last_lines(&seen.log)))
    }

    fn ask(&self, booted: &Booted, question: &Question) -> Result<Answer, String> {
        booted
            .instance
            .ask(question, &self.deadline)
            .map_err(|error| {
                let mut text = error.to_string();
                let mut next = std::error::Error::source(&error);
                while let Some(cause) = next {
                    text = format!("{text}: {cause}");
                    next = cause.source();
                }
                text
            })
    }

    /// The boot never got to the state in which the checks look.
    pub(super) fn not_reached(
        &self,
        context: &Context<'_>,
        seen: &check::Boot,
    ) -> Result<Vec<PlacedFinding>, Stop> {
        if let Some(gate) = self.session.gates.failed(self.plan, &self.deadline) {
            let short = gate.split("::").nth(2).unwrap_or(&gate).to_owned();
            return Err(skipped(
                Skip::NotReached,
                format!("not reached: {short} failed"),
            ));
        }
        let mut findings = Vec::new();
        for spec in &self.plan.case.case.checks {
            // Only what the log and the wait can answer: the rest would look at a container in another state.
            let answerable = matches!(spec.value, CheckSpec::Ready(_) | CheckSpec::Output(_));
            if answerable {
                for finding in spec.value.check().judge(context, seen)? {
                    findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
                }
            }
        }
        if findings.is_empty() {
            let claim = context.subject.ready.as_ref();
            let expected = claim.map_or_else(
                || "the subject is ready".to_owned(),
                |c| format!("{} within {}", check::target(c), c.within),
            );
            let reached = seen.reached.as_ref();
            let told = reached
                .map(|r| check::unready(r, &seen.log))
                .unwrap_or_default();
            findings.push(
                self.placed(
                    "ready",
                    0,
                    0,
                    Finding::new(expected, told)
                        .coded("ready/not-in-time")
                        .with(check::last_lines(&seen.log)),
                ),
            );
        }
        Ok(findings)
    }

    pub(super) fn placed(
        &self,
        check: &str,
        line: u64,
        column: u64,
        finding: Finding,
    ) -> PlacedFinding {
        let place = Place {
            file: self.plan.case.path.clone(),
            line,
            column,
        };
        PlacedFinding::new(check, place, finding)
    }
}
