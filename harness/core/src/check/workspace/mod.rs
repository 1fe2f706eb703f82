//! `workspace: round-trip` and its like: the contract about workspaces (seed 002), kept by a daemon or by who asks one.
//!
//! A daemon is called from inside, on loopback. A keeper is watched by a stand-in for its daemon, inside too.

pub(super) mod control;
mod daemon;
mod keeper;
mod tape;

use std::time::Duration;

use adamant_probe::Entry;
use adamant_probe::converse::{Bytes, Call, Heard, Said};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, Unanswered};
use crate::case::{Subject, WorkspaceClaim};
use crate::engine::{Answer, Question};

/// One part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workspace {
    /// What a daemon restores and then saves is the same: contents, modes, times, links, empty directories.
    RoundTrip,
    /// A snapshot has everything but the `tmp` at its top.
    LeavesTmpOut,
    /// 204 for an empty workspace, 404 for none, 400 without a body, 500 with a reason; idleness grows.
    AnswersByTheRules,
    /// Every route but health asks for the token.
    AsksForTheToken,
    /// Archives that would leave the workspace, or bring devices, are refused and change nothing.
    RefusesHostileTars,
    /// Archives with doubtful entries are refused and change nothing.
    RefusesDoubtfulTars,
    /// A restore that is truncated or cut leaves the old workspace; one that succeeds leaves nothing of it.
    RestoresAsAWhole,
    /// A restored workspace is set up without installing anything.
    BootsWithoutInstall,
    /// A keeper restores what is stored before it configures.
    RestoresBeforeConfiguration,
    /// A keeper configures when a restore failed, too.
    GoesOnWhenARestoreFails,
    /// A keeper saves what changed and rests, one thing at a time, and nothing else.
    SavesWhatRests,
    /// A keeper keeps what it has when a workspace is empty.
    StoresNoEmptyAnswer,
    /// A keeper that is told to stop saves everything first, in time.
    SavesOnShutdown,
}

impl Workspace {
    fn is_of_daemon(self) -> bool {
        !matches!(
            self,
            Self::RestoresBeforeConfiguration
                | Self::GoesOnWhenARestoreFails
                | Self::SavesWhatRests
                | Self::StoresNoEmptyAnswer
                | Self::SavesOnShutdown
        )
    }
}

impl Check for Workspace {
    fn claims(&self, subject: &Subject) -> Result<(), String> {
        let claim = subject.workspace.as_ref().ok_or("workspace")?;
        let missing = if self.is_of_daemon() {
            let daemon = claim.daemon.as_ref().ok_or("workspace.daemon")?;
            (*self == Self::BootsWithoutInstall && daemon.app.is_none())
                .then_some("workspace.daemon.app")
        } else {
            let keeper = claim.keeper.as_ref().ok_or("workspace.keeper")?;
            (*self != Self::SavesWhatRests && keeper.store.is_none())
                .then_some("workspace.keeper.store")
        };
        if let Some(key) = missing {
            return Err(key.into());
        }
        if *self == Self::SavesOnShutdown && subject.stop.is_none() {
            return Err("stop".into());
        }
        if claim.token.is_none() {
            return Err(format!("run.env.{}", claim.token_env));
        }
        Ok(())
    }

    fn applies(&self, context: &Context<'_>) -> Result<(), String> {
        let keeper = claim(context)
            .ok()
            .and_then(|claim| claim.keeper.as_ref())
            .filter(|_| {
                matches!(
                    self,
                    Self::RestoresBeforeConfiguration | Self::GoesOnWhenARestoreFails
                )
            });
        if *self == Self::SavesOnShutdown {
            return keeper::lasts(context);
        }
        match keeper.and_then(|keeper| keeper.store.as_ref()) {
            Some(store) if context.image.resolve(store).is_none() => Err(format!(
                "the image brings no snapshot at `{store}`, so there is nothing to restore"
            )),
            _ => Ok(()),
        }
    }

    fn disturbs(&self) -> bool {
        true
    }

    fn takes(&self, subject: &Subject) -> Duration {
        let claim = subject.workspace.as_ref();
        match claim.and_then(|claim| claim.keeper.as_ref()) {
            Some(keeper) if !self.is_of_daemon() => {
                keeper::takes(*self, keeper) + keeper::stops(*self, subject)
            }
            _ => Duration::ZERO,
        }
    }

    fn questions(&self, context: &Context<'_>) -> Vec<Question> {
        let questions = if self.is_of_daemon() {
            daemon::Side::of(context).map(|side| side.questions(*self))
        } else {
            keeper::Side::of(context).map(|side| side.questions(*self))
        };
        // What is not claimed was told before anything was asked.
        questions.unwrap_or_default()
    }

    fn judge(&self, context: &Context<'_>, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        if self.is_of_daemon() {
            daemon::Side::of(context)?.judge(*self, boot)
        } else {
            keeper::Side::of(context)?.judge(*self, boot)
        }
    }

    fn judge_all(&self, context: &Context<'_>, boots: &[Boot]) -> Result<Vec<Finding>, Unanswered> {
        match boots {
            [.., last] if *self == Self::SavesOnShutdown => {
                keeper::Side::of(context)?.judge_next_boot(last)
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn claim<'a>(context: &Context<'a>) -> Result<&'a WorkspaceClaim, Unanswered> {
    let claim = context.subject.workspace.as_ref();
    claim.ok_or_else(|| Unanswered("the subject claims no `workspace`".into()))
}

fn token(claim: &WorkspaceClaim) -> Result<&str, Unanswered> {
    let token = claim.token.as_deref();
    token.ok_or_else(|| Unanswered(format!("the subject has no `{}`", claim.token_env)))
}

/// A `POST` without a body, or with one.
fn post(path: &str, body: Option<Vec<u8>>) -> Call {
    Call {
        method: "POST".into(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: body.map(Bytes),
        cut: false,
    }
}

fn said(boot: &Boot, index: usize, wanted: usize) -> Result<&[Said], Unanswered> {
    let said = boot.answer(index, |answer| match answer {
        Answer::Said(said) => Some(said.as_slice()),
        _ => None,
    })?;
    if said.len() == wanted {
        Ok(said)
    } else {
        Err(Unanswered(format!(
            "question {index} got {} responses for {wanted} calls",
            said.len()
        )))
    }
}

fn heard(boot: &Boot, index: usize) -> Result<Vec<&Heard>, Unanswered> {
    let mut heard: Vec<&Heard> = boot.answer(index, |answer| match answer {
        Answer::Heard(heard) => Some(heard.iter().collect()),
        _ => None,
    })?;
    heard.sort_by_key(|heard| heard.from_ms);
    Ok(heard)
}

fn entries(boot: &Boot, index: usize) -> Result<&[(String, Option<Entry>)], Unanswered> {
    boot.answer(index, |answer| match answer {
        Answer::Entries(entries) => Some(entries.as_slice()),
        _ => None,
    })
}

/// A response for a person.
fn shown(said: &Said) -> String {
    match (said.status, &said.error) {
        (Some(status), _) => format!("status {status}"),
        (None, Some(why)) => why.clone(),
        (None, None) => "no response".into(),
    }
}

/// The first lines of a response that is text.
fn words(said: &Said) -> Vec<String> {
    let text = String::from_utf8_lossy(&said.body.0);
    if text.contains(['\0', '\u{fffd}']) {
        return Vec::new();
    }
    text.lines()
        .take(3)
        .map(|line| line.chars().take(200).collect())
        .collect()
}
