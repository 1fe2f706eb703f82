//! What the families on a trace share: the events of a boot once its control was seen, and words for who did it.

use std::collections::BTreeMap;

use adamant_probe::{Action, Actor, CONTROL_ADDRESS, TraceEvent};

use super::{Boot, Unanswered};
use crate::engine::{Answer, Trace};

/// The events of the answer to question `index`; a trace that did not see its own control is blind.
pub(crate) fn events(boot: &Boot, index: usize) -> Result<Seen<'_>, Unanswered> {
    let trace = boot.answer(index, |a| {
        if let Answer::Trace(trace) = a {
            Some(trace)
        } else {
            None
        }
    })?;
    if let Some(why) = &trace.cut {
        return Err(Unanswered(format!("the trace is not whole: {why}")));
    }
    seen(trace)
}

/// What a trace has of the subject, behind the control that it must have seen: without that, nobody watched or the subject never started.
pub(crate) fn seen(trace: &Trace) -> Result<Seen<'_>, Unanswered> {
    let last = trace
        .events
        .iter()
        .rposition(|event| is_control(trace, &event.action))
        .map_or(0, |at| at + 1);
    let saw = |is: fn(&Action) -> bool| {
        trace.events[..last]
            .iter()
            .any(|event| is(&event.action) && is_control(trace, &event.action))
    };
    if !saw(|a| matches!(a, Action::Connect { .. })) {
        return Err(blind("connect"));
    }
    if !saw(|a| matches!(a, Action::Write { .. })) {
        return Err(blind("write"));
    }
    Ok(Seen {
        // The launcher was another program before it became the subject's.
        from_ns: trace.events[last - 1].at_ns,
        events: &trace.events[last..],
    })
}

fn blind(what: &str) -> Unanswered {
    Unanswered(format!(
        "the trace is blind: the {what} that is made before the subject starts is not in it"
    ))
}

fn is_control(trace: &Trace, action: &Action) -> bool {
    match action {
        Action::Connect { address, port } => format!("{address}:{port}") == CONTROL_ADDRESS,
        Action::Write { path, .. } => *path == trace.control,
        _ => false,
    }
}

/// What was seen of the subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'t> {
    from_ns: u64,
    pub(crate) events: &'t [TraceEvent],
}

impl Seen<'_> {
    /// `npm (pid 7, node npm-cli.js install, uid 0, child of /entrypoint.sh)`.
    pub(super) fn who(&self, actor: &Actor) -> String {
        let name = actor
            .argv
            .first()
            .or(Some(&actor.exe))
            .and_then(|word| word.rsplit('/').next())
            .unwrap_or("a process");
        let parent = match actor.parent.first() {
            Some(_) => format!(", child of {}", command(&actor.parent)),
            None => String::new(),
        };
        let (pid, uid) = (actor.pid, actor.uid);
        format!(
            "{name} (pid {pid}, {}, uid {uid}{parent})",
            command(&actor.argv)
        )
    }

    /// `, 0.8 s after start`.
    pub(super) fn when(&self, event: &TraceEvent) -> String {
        let ms = event.at_ns.saturating_sub(self.from_ns) / 1_000_000;
        if ms < 1000 {
            format!("{ms} ms after start")
        } else {
            format!("{}.{} s after start", ms / 1000, ms % 1000 / 100)
        }
    }
}

/// A command line that fits into a sentence.
pub(super) fn command(argv: &[String]) -> String {
    const MOST: usize = 120;
    let line = argv.join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    line.chars().take(MOST).chain(['…']).collect()
}

/// Sentences with how often each was true, in order of the first time; none when there is only one, which was told already.
pub(super) fn counted(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut order = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines {
        let count = counts.entry(line.clone()).or_default();
        if *count == 0 {
            order.push(line);
        }
        *count += 1;
    }
    if counts.values().sum::<usize>() == 1 {
        return Vec::new();
    }
    order
        .into_iter()
        .map(|line| match counts[&line] {
            1 => line,
            n => format!("{line} (×{n})"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ns: u64, action: Action) -> TraceEvent {
        let actor = Actor {
            pid: 7,
            ppid: 1,
            parent: vec!["/bin/sh".into(), "/entrypoint.sh".into()],
            exe: "/usr/bin/node".into(),
            argv: ["/usr/bin/node", "npm-cli.js", "install"]
                .map(str::to_owned)
                .into(),
            uid: 1000,
        };
        TraceEvent {
            at_ns,
            actor,
            action,
        }
    }

    fn connect(address: &str, port: u16) -> Action {
        Action::Connect {
            address: address.into(),
            port,
        }
    }

    fn write(path: &str) -> Action {
        Action::Write {
            call: "openat".into(),
            path: path.into(),
            from: None,
        }
    }

    fn traced(events: Vec<TraceEvent>, cut: Option<&str>) -> Boot {
        let trace = Trace {
            control: "/app/.adamant-control".into(),
            events,
            cut: cut.map(str::to_owned),
        };
        Boot {
            answers: vec![Ok(Answer::Trace(trace))],
            ..Boot::default()
        }
    }

    #[test]
    fn a_trace_without_both_controls_is_blind_and_a_cut_one_is_not_judged() {
        let (left, wrote) = (connect("192.0.2.1", 9), write("/app/.adamant-control"));
        let why = |events: &[&Action], cut| {
            let events = events.iter().map(|&a| event(1, a.clone())).collect();
            super::events(&traced(events, cut), 0).err().map(|e| e.0)
        };
        assert_eq!(why(&[&left, &wrote], None), None);
        assert!(why(&[&wrote], None).is_some_and(|w| w.contains("blind: the connect")));
        assert!(why(&[&left], None).is_some_and(|w| w.contains("blind: the write")));
        assert!(why(&[], None).is_some_and(|w| w.contains("blind")));
        let other = connect("192.0.2.1", 80);
        assert!(why(&[&other, &wrote], None).is_some_and(|w| w.contains("blind")));
        assert!(why(&[&left, &wrote], Some("9 more")).is_some_and(|w| w.contains("9 more")));
    }

    #[test]
    fn only_what_follows_the_control_is_the_subjects() {
        let boot = traced(
            vec![
                event(1_000_000_000, connect("192.0.2.1", 9)),
                event(1_000_000_000, write("/app/.adamant-control")),
                event(1_840_000_000, connect("10.0.0.1", 443)),
            ],
            None,
        );
        let seen = events(&boot, 0).expect("seen");
        assert_eq!(seen.events.len(), 1);
        assert_eq!(seen.when(&seen.events[0]), "840 ms after start");
        assert_eq!(
            seen.who(&seen.events[0].actor),
            "node (pid 7, /usr/bin/node npm-cli.js install, uid 1000, child of /bin/sh /entrypoint.sh)"
        );
    }

    #[test]
    fn the_same_again_is_counted() {
        let lines = ["a", "b", "a"].map(str::to_owned);
        assert_eq!(counted(lines), ["a (×2)", "b"]);
        assert!(counted(["a".to_owned()]).is_empty());
    }
}
