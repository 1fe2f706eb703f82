//! The keeper's side: a stand-in for the daemon hears when it restores, configures and saves.

use std::time::Duration;

use adamant_probe::converse::{Bytes, Heard, StandIn};

use super::super::{Boot, Context, Finding, Unanswered};
use super::{Workspace, claim, entries, heard, tape, token};
use crate::case::{KeeperClaim, RoutesClaim, StopClaim, Subject};
use crate::engine::{Answer, Question};

/// How long a keeper may take to find the daemon and to configure it.
const BOOT: Duration = Duration::from_secs(20);
/// From the configuration to the change that it makes.
const SETUP: Duration = Duration::from_millis(300);
/// Clocks and timers of two processes may differ by so much.
const SLACK_MS: u64 = 250;

/// How long a stand-in stays beyond the time that a keeper has to stop.
const LINGER: Duration = Duration::from_secs(10);

/// What is known of the keeper.
pub(super) struct Side<'a> {
    routes: &'a RoutesClaim,
    keeper: &'a KeeperClaim,
    stop: Option<&'a StopClaim>,
    token: &'a str,
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long the stand-in takes to give a snapshot: more than two ticks.
fn giving(keeper: &KeeperClaim) -> Duration {
    keeper.every.0 * 5 / 2
}

/// How long a keeper takes to notice that a workspace rests.
fn noticing(keeper: &KeeperClaim) -> Duration {
    keeper.rest.0 + keeper.every.0 * 2 + Duration::from_secs(1)
}

/// How long the stand-in stands in.
pub(super) fn takes(what: Workspace, keeper: &KeeperClaim) -> Duration {
    match what {
        Workspace::SavesWhatRests => {
            // Two saves, and time for a third one that must not be.
            BOOT / 4 + SETUP + noticing(keeper) * 2 + giving(keeper) * 2 + keeper.every.0 * 3
        }
        Workspace::StoresNoEmptyAnswer => {
            BOOT / 4 + SETUP + noticing(keeper) + keeper.every.0 + Duration::from_secs(1)
        }
        _ => BOOT,
    }
}

/// How long it may take to stop, where it is stopped.
pub(super) fn stops(what: Workspace, subject: &Subject) -> Duration {
    let stop = subject.stop.as_ref();
    let stop = stop.filter(|_| what == Workspace::SavesOnShutdown);
    stop.map_or(Duration::ZERO, |stop| stop.within.0 + LINGER)
}

/// What is stored must be there on the next boot: it lies on a volume then.
pub(super) fn lasts(context: &Context<'_>) -> Result<(), String> {
    let keeper = context.subject.workspace.as_ref();
    let store = keeper.and_then(|claim| claim.keeper.as_ref()?.store.as_ref());
    let Some(store) = store else { return Ok(()) };
    let holds = |dir: &String| {
        let below = store.strip_prefix(dir.trim_end_matches('/'));
        below.is_some_and(|rest| rest.starts_with('/'))
    };
    if context.subject.writable.iter().any(holds) {
        return Ok(());
    }
    Err(format!(
        "`{store}` lies in no `writable` directory, so nothing in it lasts until the next boot"
    ))
}

impl<'a> Side<'a> {
    pub(super) fn of(context: &Context<'a>) -> Result<Self, Unanswered> {
        let claim = claim(context)?;
        let keeper = claim.keeper.as_ref();
        Ok(Self {
            routes: &claim.routes,
            keeper: keeper
                .ok_or_else(|| Unanswered("the subject claims no `workspace.keeper`".into()))?,
            stop: context.subject.stop.as_ref(),
            token: token(claim)?,
        })
    }

    pub(super) fn questions(&self, what: Workspace) -> Vec<Question> {
        let bytes = |nodes: &[tape::Node]| Bytes(tape::tar(nodes, (0, 0)));
        let mut wanted = StandIn {
            port: self.keeper.daemon_port,
            token: self.token.to_owned(),
            routes: self.routes.wire(),
            for_ms: ms(takes(what, self.keeper)),
            until_configured: false,
            restore_status: 200,
            snapshots: vec![bytes(&tape::sample()), bytes(&tape::other())],
            snapshot_takes_ms: 0,
            setup_after_ms: ms(SETUP),
            change_after_ms: None,
        };
        match what {
            Workspace::SavesWhatRests => {
                wanted.snapshot_takes_ms = ms(giving(self.keeper));
                wanted.change_after_ms = Some(ms(giving(self.keeper) * 2 / 5));
            }
            Workspace::StoresNoEmptyAnswer => wanted.snapshots.clear(),
            Workspace::SavesOnShutdown => return self.until_it_ends(wanted),
            _ => {
                wanted.until_configured = true;
                if what == Workspace::GoesOnWhenARestoreFails {
                    wanted.restore_status = 500;
                }
            }
        }
        let store = || Question::Stat {
            paths: self.keeper.store.clone().into_iter().collect(),
        };
        vec![store(), Question::StandIn(wanted), store()]
    }

    /// First until it is configured; then it is told to stop beside a daemon that has another workspace.
    fn until_it_ends(&self, mut wanted: StandIn) -> Vec<Question> {
        let Some(stop) = self.stop else {
            return Vec::new();
        };
        wanted.snapshots = vec![Bytes(tape::tar(&tape::other(), (0, 0)))];
        let stand_in = StandIn {
            for_ms: ms(stop.within.0 + LINGER),
            ..wanted.clone()
        };
        wanted.until_configured = true;
        vec![
            Question::StandIn(wanted),
            Question::StopBeside {
                stand_in,
                signal: stop.signal().to_owned(),
                within: stop.within.0,
            },
        ]
    }

    pub(super) fn judge(&self, what: Workspace, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let at = usize::from(what != Workspace::SavesOnShutdown);
        let heard = heard(boot, at)?;
        let requests: Vec<String> = heard.iter().map(|heard| told(heard)).collect();
        let findings = match what {
            Workspace::SavesWhatRests => self.judge_saves(boot, &heard)?,
            Workspace::StoresNoEmptyAnswer => self.judge_empty(boot, &heard)?,
            Workspace::SavesOnShutdown => self.judge_end(boot, &heard)?,
            _ => self.judge_boot(what, &heard),
        };
        let shown = |finding: Finding| {
            if requests.is_empty() {
                return finding.with(["nobody called the daemon".to_owned()]);
            }
            finding.with(requests.iter().cloned())
        };
        Ok(findings.into_iter().map(shown).collect())
    }

    fn judge_end(&self, boot: &Boot, heard: &[&Heard]) -> Result<Vec<Finding>, Unanswered> {
        if !heard.iter().any(|h| h.path == self.routes.configure) {
            let expected = format!(
                "POST {} begins the life of a workspace",
                self.routes.configure
            );
            let finding = Finding::new(expected, "no configuration came");
            return Ok(vec![finding.coded("workspace/boot")]);
        }
        let stop = self
            .stop
            .ok_or_else(|| Unanswered("the subject claims no `stop`".into()))?;
        let stopped = boot.answer(1, |answer| match answer {
            Answer::Stopped(stopped) => Some(stopped),
            _ => None,
        })?;
        let seen = if stopped.killed {
            format!("it still ran after {} and had to be killed", stop.within)
        } else if stopped.exit.code != stop.code {
            format!(
                "it ended after {} ms with code {}",
                stopped.took_ms, stopped.exit.code
            )
        } else {
            return Ok(Vec::new());
        };
        let expected = format!(
            "on {} a keeper saves everything and ends within {} with code {}",
            stop.signal(),
            stop.within,
            stop.code
        );
        Ok(vec![
            Finding::new(expected, seen).coded("workspace/shutdown"),
        ])
    }

    /// What the next boot restores is what there was when the one before was told to stop.
    pub(super) fn judge_next_boot(&self, boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let heard = heard(boot, 0)?;
        let restore = heard.iter().find(|h| h.path == self.routes.restore);
        let lines = match restore {
            None => vec!["no restore was asked for".to_owned()],
            Some(restore) => match tape::read(&restore.body.0) {
                Err(why) => vec![why],
                Ok(held) => tape::differences(&tape::other(), &held),
            },
        };
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let expected =
            "what there is when a keeper is told to stop is saved, and restored by the next boot";
        let count = crate::report::text::count(lines.len(), "difference");
        let finding = Finding::new(
            expected,
            format!("the next boot restored something else: {count}"),
        );
        Ok(vec![finding.coded("workspace/shutdown").with(lines)])
    }

    fn judge_boot(&self, what: Workspace, heard: &[&Heard]) -> Vec<Finding> {
        let of = |route: &str| heard.iter().find(|heard| heard.path == route);
        let (restore, configure) = (of(&self.routes.restore), of(&self.routes.configure));
        let mut findings = Vec::new();
        let Some(restore) = restore else {
            let expected = format!(
                "what is stored is restored: POST {} before POST {}",
                self.routes.restore, self.routes.configure
            );
            let finding = Finding::new(expected, "no restore was asked for");
            return vec![finding.coded("workspace/order")];
        };
        let stranger = heard
            .iter()
            .find(|heard| heard.path != self.routes.health && !heard.authorized);
        if let Some(stranger) = stranger {
            findings.push(
                Finding::new(
                    "a keeper shows the daemon its token",
                    format!("{} came without it", told(stranger)),
                )
                .coded("workspace/token"),
            );
        }
        if restore.body.0.len() < adamant_probe::KEEP_BYTES
            && let Err(why) = tape::read(&restore.body.0)
        {
            let expected = format!("POST {} brings a whole tar", self.routes.restore);
            findings.push(Finding::new(expected, why).coded("workspace/snapshot"));
        }
        match configure {
            None if what == Workspace::GoesOnWhenARestoreFails => findings.push(
                Finding::new(
                    format!(
                        "the boot goes on when POST {} answers 500: POST {} follows",
                        self.routes.restore, self.routes.configure
                    ),
                    "no configuration followed",
                )
                .coded("workspace/boot"),
            ),
            None => findings.push(
                Finding::new(
                    format!("POST {} follows the restore", self.routes.configure),
                    "no configuration followed",
                )
                .coded("workspace/boot"),
            ),
            Some(configure) if configure.from_ms < restore.to_ms => findings.push(
                Finding::new(
                    "a workspace is restored before it is configured",
                    format!(
                        "POST {} came {} ms before the restore was over",
                        self.routes.configure,
                        restore.to_ms - configure.from_ms
                    ),
                )
                .coded("workspace/order"),
            ),
            Some(_) => {}
        }
        findings
    }

    fn judge_saves(&self, boot: &Boot, heard: &[&Heard]) -> Result<Vec<Finding>, Unanswered> {
        let of = |route: &str| -> Vec<&Heard> {
            let asked = heard.iter().filter(|heard| heard.path == route);
            asked.copied().collect()
        };
        let (creates, idles) = (of(&self.routes.create), of(&self.routes.idle));
        let Some(configure) = of(&self.routes.configure).first().copied() else {
            return Ok(vec![
                Finding::new(
                    format!(
                        "POST {} begins the life of a workspace",
                        self.routes.configure
                    ),
                    "no configuration came",
                )
                .coded("workspace/boot"),
            ]);
        };
        let (rest, setup) = (ms(self.keeper.rest.0), ms(SETUP));
        let Some(first) = creates.first() else {
            return Ok(vec![
                Finding::new(
                    format!(
                        "a workspace that changed and rests for {} is saved",
                        self.keeper.rest
                    ),
                    "no snapshot was asked for",
                )
                .coded("workspace/saved"),
            ]);
        };
        let mut findings = Vec::new();
        let rested = configure.from_ms + setup + rest;
        if first.from_ms + SLACK_MS < rested {
            findings.push(
                Finding::new(
                    format!(
                        "a workspace is saved once it rests for {}",
                        self.keeper.rest
                    ),
                    format!("it was saved {} ms too early", rested - first.from_ms),
                )
                .coded("workspace/saved"),
            );
        }
        let within = |heard: &&Heard| {
            creates.iter().any(|create| {
                !std::ptr::eq(*create, *heard)
                    && create.from_ms <= heard.from_ms
                    && heard.from_ms < create.to_ms
            })
        };
        if let Some(second) = creates.iter().chain(&idles).find(|heard| within(heard)) {
            findings.push(
                Finding::new(
                    "looks never overlap: nothing is asked while a snapshot is under way",
                    format!("{} came in the middle of one", told(second)),
                )
                .coded("workspace/overlap"),
            );
            // What comes after that is of two minds.
            return Ok(findings);
        }
        findings.extend(self.judge_later_saves(&creates));
        findings.extend(self.judge_store(boot)?);
        Ok(findings)
    }

    /// What changed during the first save is saved by the second, and nothing by a third.
    fn judge_later_saves(&self, creates: &[&Heard]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(first) = creates.first() else {
            return findings;
        };
        let changed = first.from_ms + ms(giving(self.keeper) * 2 / 5);
        let rest = ms(self.keeper.rest.0);
        match creates.get(1) {
            None => findings.push(
                Finding::new(
                    "what changes while a save is under way is saved by the next one",
                    format!("something changed at {changed} ms, and no save followed"),
                )
                .coded("workspace/watermark"),
            ),
            Some(second) if second.from_ms + SLACK_MS < changed + rest => findings.push(
                Finding::new(
                    format!(
                        "a workspace is saved once it rests for {}",
                        self.keeper.rest
                    ),
                    format!(
                        "the second save came {} ms after a change",
                        second.from_ms.saturating_sub(changed)
                    ),
                )
                .coded("workspace/saved"),
            ),
            Some(_) => {}
        }
        if let Some(third) = creates.get(2) {
            findings.push(
                Finding::new(
                    "nothing is saved when nothing changed",
                    format!("{} came without a change", told(third)),
                )
                .coded("workspace/saved"),
            );
        }
        findings
    }

    /// A save reaches the store, where the subject says where that is.
    fn judge_store(&self, boot: &Boot) -> Result<Option<Finding>, Unanswered> {
        let (before, after) = (entries(boot, 0)?, entries(boot, 2)?);
        let store = self.keeper.store.as_ref().filter(|_| before == after);
        Ok(store.map(|store| {
            Finding::new(
                format!("what is saved lies at {store}"),
                "it is as it was before the save",
            )
            .coded("workspace/stored")
        }))
    }

    fn judge_empty(&self, boot: &Boot, heard: &[&Heard]) -> Result<Vec<Finding>, Unanswered> {
        if !heard.iter().any(|h| h.path == self.routes.create) {
            return Ok(vec![
                Finding::new(
                    "a workspace that changed and rests is asked for a snapshot",
                    "no snapshot was asked for",
                )
                .coded("workspace/saved"),
            ]);
        }
        let (before, after) = (entries(boot, 0)?, entries(boot, 2)?);
        let differs = |((path, before), (_, after)): (&Entry, &Entry)| {
            let told = match (before, after) {
                (before, after) if before == after => return None,
                (_, None) => format!("{path} is gone"),
                (None, Some(after)) => format!("{path} was made, {} bytes", after.size),
                (Some(before), Some(after)) => format!(
                    "{path} had {} bytes and has {} now",
                    before.size, after.size
                ),
            };
            Some(
                Finding::new("an empty answer (204) is never stored", told)
                    .coded("workspace/stored"),
            )
        };
        Ok(before.iter().zip(after).filter_map(differs).collect())
    }
}

type Entry = (String, Option<adamant_probe::Entry>);

/// A request for a person.
fn told(heard: &Heard) -> String {
    let status = heard.status.map_or_else(
        || "its caller went before the answer".to_owned(),
        |status| format!("answered {status}"),
    );
    format!(
        "{} {} at {} ms ({status} at {} ms)",
        heard.method, heard.path, heard.from_ms, heard.to_ms
    )
}
