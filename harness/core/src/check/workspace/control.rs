//! The planted sample of each part of the contract: a daemon that agrees to everything, and a keeper that does everything at the wrong time.

use adamant_probe::converse::{Bytes, Heard, Said};
use adamant_probe::{Entry, Http, Kind};

use super::{Workspace, daemon, tape};
use crate::case::RoutesClaim;
use crate::check::{Check as _, Context};
use crate::engine::{Answer, Exit, Question, Stopped};

/// Every part, by its word in a case.
pub(in crate::check) const PARTS: [(&str, Workspace); 13] = [
    ("workspace: round-trip", Workspace::RoundTrip),
    ("workspace: leaves-tmp-out", Workspace::LeavesTmpOut),
    (
        "workspace: answers-by-the-rules",
        Workspace::AnswersByTheRules,
    ),
    ("workspace: asks-for-the-token", Workspace::AsksForTheToken),
    (
        "workspace: refuses-hostile-tars",
        Workspace::RefusesHostileTars,
    ),
    (
        "workspace: refuses-doubtful-tars",
        Workspace::RefusesDoubtfulTars,
    ),
    (
        "workspace: restores-as-a-whole",
        Workspace::RestoresAsAWhole,
    ),
    (
        "workspace: boots-without-install",
        Workspace::BootsWithoutInstall,
    ),
    (
        "workspace: restores-before-configuration",
        Workspace::RestoresBeforeConfiguration,
    ),
    (
        "workspace: goes-on-when-a-restore-fails",
        Workspace::GoesOnWhenARestoreFails,
    ),
    ("workspace: saves-what-rests", Workspace::SavesWhatRests),
    (
        "workspace: stores-no-empty-answer",
        Workspace::StoresNoEmptyAnswer,
    ),
    ("workspace: saves-on-shutdown", Workspace::SavesOnShutdown),
];

/// What the planted subject answers to the questions of one part.
pub(in crate::check) fn answers(part: Workspace, context: &Context<'_>) -> Vec<Answer> {
    let questions = part.questions(context);
    let answer = |(number, question): (usize, &Question)| match question {
        Question::Converse { calls, .. } => Answer::Said(
            calls
                .iter()
                .map(|_| Said {
                    status: Some(200),
                    body: Bytes(tape::tar(&daemon::with_tmp(), (0, 0))),
                    ..Said::default()
                })
                .collect(),
        ),
        Question::Stat { paths } => Answer::Entries(
            paths
                .iter()
                .map(|path| {
                    // What was not there at first is there in the end.
                    let there = part.is_of_daemon() || number > 0;
                    (path.clone(), there.then(|| empty(path)))
                })
                .collect(),
        ),
        Question::StandIn(_) => Answer::Heard(heard()),
        Question::StopBeside { within, .. } => Answer::Stopped(Stopped {
            exit: Exit {
                code: 137,
                oom_killed: false,
                after_ms: 60_000,
                refused: None,
            },
            took_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
            killed: true,
        }),
        Question::Http { .. } => Answer::Http(Http {
            status: Some(503),
            headers: Vec::new(),
            body: String::new(),
            error: None,
        }),
        _ => Answer::Processes(Vec::new()),
    };
    questions.iter().enumerate().map(answer).collect()
}

fn empty(path: &str) -> Entry {
    Entry::new(path, Kind::File, 0o644)
}

fn heard() -> Vec<Heard> {
    let routes = RoutesClaim::default();
    let asked = [
        (1, 2, routes.create),
        (3, 4, routes.configure),
        (5, 9, routes.restore),
    ];
    asked
        .map(|(from_ms, to_ms, path)| Heard {
            from_ms,
            to_ms,
            method: "POST".into(),
            path,
            authorized: true,
            body: Bytes(tape::tar(&tape::other(), (0, 0))),
            status: Some(200),
        })
        .into()
}
