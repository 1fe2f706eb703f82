//! What every engine must see of the processes of a traced boot.

use adamant_core::case::Clock;
use adamant_core::engine::{Answer, BootPlan, Question, Tmpfs};
use adamant_probe::{Action, CONTROL_ADDRESS};

use crate::stage::{Result, Stage, same};

pub(crate) fn trace(stage: &Stage) -> Result<()> {
    if let Some(why) = stage.engine.blind() {
        return Err(why);
    }
    let plan = BootPlan {
        trace: Some("/opt/.adamant-control".into()),
        ..stage.plan("echo x > /opt/nope 2>/dev/null; true")
    };
    let boot = stage.running(&plan)?;
    boot.shell(&["echo x > /opt/from-beside 2>/dev/null; true"])?;
    let Answer::Trace(trace) = boot.ask(&Question::Trace)? else {
        return Err("no trace".into());
    };
    let wrote = |wanted: &str| {
        trace
            .events
            .iter()
            .any(|event| matches!(&event.action, Action::Write { path, .. } if path == wanted))
    };
    let (address, port) = CONTROL_ADDRESS.split_once(':').unwrap_or_default();
    let reached = trace.events.iter().any(|event| {
        matches!(&event.action, Action::Connect { address: a, port: p } if a == address && p.to_string() == port)
    });
    same(
        &(wrote("/opt/.adamant-control"), wrote("/opt/nope"), reached),
        &(true, true, true),
    )?;
    // What is run for it later is watched too.
    same(&wrote("/opt/from-beside"), &true)?;
    boot.remove()
}

/// Every program of a boot is told that it is 1970, those that are run for it later too; a boot that nobody watches cannot be.
pub(crate) fn epoch(stage: &Stage) -> Result<()> {
    if let Some(why) = stage.engine.blind() {
        return Err(why);
    }
    let plan = BootPlan {
        trace: Some("/opt/.adamant-control".into()),
        clock: Clock::Epoch,
        ..stage.plan("date -u +%Y > /tmp/year")
    };
    let untraced = BootPlan {
        trace: None,
        ..plan.clone()
    };
    if stage.boot(&untraced).is_ok() {
        return Err("nobody told the time to a boot that is not traced".to_owned());
    }
    let boot = stage.running(&plan)?;
    let seen = boot.shell(&["cat /tmp/year", "date -u +%Y"])?;
    let seen: Vec<&str> = seen.iter().map(|line| line.trim()).collect();
    same(&seen, &vec!["1970", "1970"])?;
    boot.remove()
}

/// A read-only root, no capability, no new privileges, another user: attempts that come to nothing, seen all the same.
pub(crate) fn hardened_trace(stage: &Stage) -> Result<()> {
    if let Some(why) = stage.engine.blind() {
        return Err(why);
    }
    let script = "(: > /opt/nope) 2>/dev/null; (: > /tmp/kept) && \
         /opt/agentbox/libexec/fixture-services beacon 203.0.113.7:443 2>/dev/null";
    let plan = BootPlan {
        trace: Some("/opt/.adamant-control".into()),
        read_only: true,
        user: Some("1000:1000".into()),
        cap_drop: vec!["ALL".into()],
        no_new_privileges: true,
        tmpfs: vec![Tmpfs {
            path: "/tmp".into(),
            options: "mode=1777,size=1m".into(),
        }],
        ..stage.plan(script)
    };
    let boot = stage.running(&plan)?;
    boot.shell(&["(: > /opt/from-beside) 2>/dev/null; true"])?;
    let Answer::Trace(trace) = boot.ask(&Question::Trace)? else {
        return Err("no trace".into());
    };
    for wanted in ["/opt/nope", "/tmp/kept", "/opt/from-beside"] {
        let who = trace.events.iter().find_map(|event| match &event.action {
            Action::Write { path, .. } if path == wanted => Some(event.actor.uid),
            _ => None,
        });
        same(&(wanted, who), &(wanted, Some(1000)))?;
    }
    let left = trace.events.iter().find_map(|event| match &event.action {
        Action::Connect { address, port: 443 } => {
            Some((address.clone(), event.actor.uid, event.actor.ppid))
        }
        _ => None,
    });
    same(&left, &Some(("203.0.113.7".to_owned(), 1000, 1)))?;
    boot.remove()
}
