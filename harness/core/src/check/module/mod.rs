//! Judgments of module cases: one file per family, pure. Each says what an execution's answer must be.

mod at_rest;
mod canary;
pub mod control;
mod ended;
mod error;
mod exit_code;
mod exports;
mod host_execution;
mod metrics;
mod order;
mod response;
mod text;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Unanswered};
use crate::module::wire::{Capability, Ended, Stream};
use crate::module::{Answered, Sight};

/// One entry of a module case's `checks`: the tag is the family's name and its file under `check/module/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleCheckSpec {
    /// What was printed to standard output.
    Stdout(text::TextClaim),
    /// What was printed to standard error.
    Stderr(text::TextClaim),
    /// Lines of standard output that came in this order; others may stand between them.
    Order(order::Order),
    /// What the entry exports, seen by a driver that loads it.
    Exports(exports::Exports),
    /// The error that nobody caught.
    Error(error::ErrorClaim),
    /// The exit code that a process would have had.
    ExitCode(i32),
    /// How the execution ended, and how soon.
    Ended(ended::EndedClaim),
    /// What a handler answered.
    Response(response::ResponseClaim),
    /// What the runtime tells about itself.
    Metrics(metrics::Metrics),
    /// What ran outside of the runtime.
    HostExecution(host_execution::HostExecution),
    /// Whether the guest saw a file of the host.
    Canary(canary::Canary),
    /// Whether the runtime rests when nobody asks it anything.
    AtRest(at_rest::AtRest),
}

/// What is judged: one execution's answer and what was seen from outside.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The answer.
    pub answered: &'a Answered,
    /// What the driver told of the entry's exports.
    pub exports: Option<&'a serde_json::Value>,
    /// What was seen of the runtime's processes, in all executions of the trial.
    pub sight: &'a Sight,
    /// What the canary file of the host says.
    pub secret: &'a str,
    /// The end of what the runtime itself wrote to standard error.
    pub runtime: &'a str,
}

/// A part of the answer that is missing.
enum Gap {
    /// The execution did not come to its end: that is the finding.
    Finding(Box<Finding>),
    /// The runtime left it out.
    Unanswered(Unanswered),
}

impl Seen<'_> {
    /// A part of the answer, or why there is none.
    fn part<T>(&self, what: &str, part: Option<T>) -> Result<T, Gap> {
        let answer = &self.answered.answer;
        part.ok_or_else(|| match answer.outcome {
            Ended::Lost | Ended::Refused | Ended::TimedOut | Ended::OutOfMemory => {
                Gap::Finding(Box::new(Finding::new(
                    format!("the execution ends by itself and tells {what}"),
                    self.end(),
                )))
            }
            Ended::Returned | Ended::Threw | Ended::Exited => Gap::Unanswered(Unanswered(format!(
                "the answer has no {what}, although the execution {}",
                answer.outcome
            ))),
        })
    }

    fn text(&self, stream: Stream) -> Result<String, Gap> {
        let name = match stream {
            Stream::Stdout => "standard output (`output`)",
            Stream::Stderr => "standard error (`output`)",
        };
        self.part(name, self.answered.answer.text(stream))
    }

    /// How the execution ended, for a person.
    fn end(&self) -> String {
        let answer = &self.answered.answer;
        let code = answer
            .exit_code
            .map(|code| format!(" with exit code {code}"));
        let detail = answer.detail.clone().filter(|d| !d.is_empty());
        let why = answer.error.as_ref().map(error::shown).or(detail);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!(
            "it ended as `{}`{}{why}",
            answer.outcome,
            code.unwrap_or_default()
        )
    }

    /// Lines that help to understand a finding: how it ended, the end of what the runtime itself wrote to its standard error,
    /// and what the guest wrote to its own, unless that is what is judged.
    fn context(&self, finding: Finding, guest: bool) -> Finding {
        let answer = &self.answered.answer;
        let mut lines = Vec::new();
        if answer.outcome != Ended::Returned && finding.seen != self.end() {
            lines.push(self.end());
        }
        lines.extend(runtime_says(self.runtime));
        let stderr = answer.text(Stream::Stderr).unwrap_or_default();
        let said = stderr.lines().filter(|_| guest).take(8);
        lines.extend(said.map(|line| format!("stderr: {line}")));
        finding.with(lines)
    }
}

/// The last lines of what a runtime itself wrote to its standard error, for a person.
#[must_use]
pub fn runtime_says(stderr: &str) -> Vec<String> {
    const MOST: usize = 8;
    const WIDEST: usize = 300;
    let said: Vec<&str> = stderr.lines().filter(|l| !l.trim().is_empty()).collect();
    let last = said.iter().skip(said.len().saturating_sub(MOST));
    last.map(|line| {
        let shown: String = line.chars().take(WIDEST).collect();
        let cut = if shown.len() < line.len() { "…" } else { "" };
        format!("runtime: {shown}{cut}")
    })
    .collect()
}

impl ModuleCheckSpec {
    /// The tag: the family's name in a case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let code = self.code();
        code.strip_prefix("module/").unwrap_or(code)
    }

    /// The code of its findings, which has a page under `cases/findings/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stdout(_) => "module/stdout",
            Self::Stderr(_) => "module/stderr",
            Self::Order(_) => "module/order",
            Self::Exports(_) => "module/exports",
            Self::Error(_) => "module/error",
            Self::ExitCode(_) => "module/exit-code",
            Self::Ended(_) => "module/ended",
            Self::Response(_) => "module/response",
            Self::Metrics(_) => "module/metrics",
            Self::HostExecution(_) => "module/host-execution",
            Self::Canary(_) => "module/canary",
            Self::AtRest(_) => "module/at-rest",
        }
    }

    /// Whether the entry asks for anything; the error is why it would judge nothing and so always hold.
    pub fn asks(&self) -> Result<(), String> {
        match self {
            Self::Stdout(claim) | Self::Stderr(claim) => claim.asks(),
            Self::Order(order) => order.asks(),
            Self::Exports(exports) => exports.asks(),
            Self::Error(error) => error.asks(),
            Self::Ended(ended) => ended.asks(),
            Self::Response(response) => response.asks(),
            Self::Metrics(metrics) => metrics.asks(),
            Self::ExitCode(_) | Self::HostExecution(_) | Self::Canary(_) | Self::AtRest(_) => {
                Ok(())
            }
        }
    }

    /// What a runtime must claim for the check to mean anything.
    #[must_use]
    pub fn needs(&self) -> Option<Capability> {
        match self {
            Self::Response(_) => Some(Capability::Handler),
            Self::Metrics(_) => Some(Capability::Metrics),
            Self::HostExecution(_) | Self::AtRest(_) => Some(Capability::InVm),
            _ => None,
        }
    }

    /// Whether the harness puts its driver before the entry.
    #[must_use]
    pub fn needs_driver(&self) -> bool {
        matches!(self, Self::Exports(_))
    }

    /// Whether the runtime is watched for a while after its last answer.
    #[must_use]
    pub fn lingers(&self) -> bool {
        matches!(self, Self::AtRest(_))
    }

    /// How long the case itself gives the answer.
    #[must_use]
    pub fn gives(&self) -> Option<Duration> {
        match self {
            Self::Ended(claim) => claim.within.map(|within| within.0),
            _ => None,
        }
    }

    /// What an execution's answer means.
    pub fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Unanswered> {
        let judged = match self {
            Self::Stdout(claim) => seen
                .text(Stream::Stdout)
                .map(|text| claim.judge("standard output", &text)),
            Self::Stderr(claim) => seen
                .text(Stream::Stderr)
                .map(|text| claim.judge("standard error", &text)),
            Self::Order(order) => order.judge(seen),
            Self::Exports(exports) => exports.judge(seen),
            Self::Error(error) => error.judge(seen),
            Self::ExitCode(code) => exit_code::judge(*code, seen),
            Self::Ended(ended) => Ok(ended.judge(seen)),
            Self::Response(response) => response.judge(seen),
            Self::Metrics(metrics) => Ok(metrics.judge(seen)?),
            Self::HostExecution(host) => Ok(host.judge(seen)?),
            Self::Canary(canary) => Ok(canary.judge(seen)),
            Self::AtRest(rest) => Ok(rest.judge(seen)?),
        };
        let findings = match judged {
            Ok(findings) => findings,
            Err(Gap::Finding(finding)) => vec![*finding],
            Err(Gap::Unanswered(why)) => return Err(why),
        };
        let guest = !matches!(self, Self::Stderr(_));
        let findings = findings.into_iter().map(|f| seen.context(f, guest));
        Ok(findings.map(|f| f.coded(self.code())).collect())
    }
}

/// What a runtime that claims to run packages inside of itself may never do, whatever the case is about.
pub fn judge_host(sight: &Sight) -> Result<Vec<Finding>, Unanswered> {
    let findings = host_execution::judge_sight(sight, false)?;
    let coded = findings
        .into_iter()
        .map(|f| f.coded("module/host-execution"));
    Ok(coded.collect())
}
