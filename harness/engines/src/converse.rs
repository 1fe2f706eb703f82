//! Conversations over HTTP inside a container: calls to the subject, and a stand-in that the subject calls.

use std::time::Duration;

use adamant_core::engine::{Answer, EngineError};
use adamant_core::report::text;
use adamant_core::run::Deadline;
use adamant_probe::converse::{Call, StandIn};
use adamant_probe::{Reply, Request, Target};

use crate::ask::{As, Inside, RESPONSE, millis, unexpected};

/// How long a stand-in may take until it listens.
const LISTENS: Duration = Duration::from_secs(10);

/// The responses to `calls`, in order.
pub(crate) fn hold(
    inside: &impl Inside,
    port: u16,
    calls: &[Call],
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    let left = deadline.left().unwrap_or_default();
    let patience = left
        .saturating_sub(Duration::from_secs(1))
        .max(left / 2)
        .min(RESPONSE);
    let request = Request::Converse {
        port,
        calls: calls.to_vec(),
        timeout_ms: millis(patience),
    };
    let replies = inside.probe(&request, As::Root, deadline)?;
    let said: Vec<_> = replies
        .into_iter()
        .filter_map(|reply| match reply {
            Reply::Said(said) => Some(said),
            _ => None,
        })
        .collect();
    if said.len() != calls.len() {
        let said = text::count(said.len(), "response");
        let calls = text::count(calls.len(), "call");
        return Err(unexpected(inside.name(), &format!("{said} for {calls}")));
    }
    Ok(Answer::Said(said))
}

/// What a stop comes to while the stand-in answers; it ends with the container.
pub(crate) fn stop_beside(
    inside: &(impl Inside + Sync),
    wanted: &StandIn,
    deadline: &Deadline,
    stop: impl FnOnce() -> Result<Answer, EngineError>,
) -> Result<Answer, EngineError> {
    std::thread::scope(|scope| {
        let standing = scope.spawn(|| stand_in(inside, wanted, deadline));
        let listens = Request::Ready {
            target: Target::Tcp { port: wanted.port },
            within_ms: millis(LISTENS),
            interval_ms: 20,
        };
        let up = match inside.probe(&listens, As::Root, deadline) {
            Ok(replies) if replies.contains(&Reply::Ready { ready: true }) => stop(),
            Ok(_) => Err(unexpected(
                inside.name(),
                "that the stand-in does not listen",
            )),
            Err(error) => Err(error),
        };
        // Where the stop went well, the stand-in was ended with the container: that is no trouble.
        match (up, standing.join()) {
            (Err(_), Ok(Err(why))) => Err(why),
            (up, _) => up,
        }
    })
}

/// What the stand-in hears.
pub(crate) fn stand_in(
    inside: &impl Inside,
    wanted: &StandIn,
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    let replies = inside.probe(&Request::StandIn(wanted.clone()), As::Root, deadline)?;
    let heard = replies.into_iter().filter_map(|reply| match reply {
        Reply::Heard(heard) => Some(heard),
        _ => None,
    });
    Ok(Answer::Heard(heard.collect()))
}
