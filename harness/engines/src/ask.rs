//! Questions that the probe answers from inside, whatever engine runs it there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use adamant_core::engine::{
    Answer, BootPlan, EngineError, ErrorKind, Image, Question, Stream, Trace,
};
use adamant_core::report::text;
use adamant_core::run::Deadline;
use adamant_probe::{Action, Entry, MOUNT_DIR, MOUNT_PATH, Observed, Reply, Request, Target};

use crate::converse;
use crate::drift::is_under;

/// An answer beyond this is no answer.
const ANSWER_BYTES: u64 = 512 * 1024 * 1024;
/// What is kept of words that are no reply.
const NOISE_BYTES: usize = 400;
/// One argument of a process has at most 128 KiB.
const REQUEST_BYTES: usize = 96 * 1024;
/// A subject that takes longer for one response has not answered.
pub(crate) const RESPONSE: Duration = Duration::from_secs(30);

/// As whom the probe looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// The container's own user, with its environment and limits.
    Subject,
    /// Root, with the capabilities that the container has.
    Root,
    /// The owner of a file that root, without capabilities, may not read.
    Owner(u32, u32),
}

/// A container in which the probe can be run: what engines have in common for most questions.
pub(crate) trait Inside {
    /// Its name, for errors.
    fn name(&self) -> &str;

    /// Runs the probe for one request; every reply but the last.
    fn probe(
        &self,
        request: &Request,
        who: As,
        deadline: &Deadline,
    ) -> Result<Vec<Reply>, EngineError>;

    /// Paths as they are now, hashed, in order.
    fn stat(&self, paths: &[String], deadline: &Deadline) -> Result<Vec<Found>, EngineError>;

    /// Whether root can create a file in each directory, in order.
    fn try_write(&self, dirs: &[String], deadline: &Deadline) -> Result<Answer, EngineError>;
}

/// A path and what is there.
pub(crate) type Found = (String, Option<Entry>);

/// Answers a question of the kinds that the probe answers.
pub(crate) fn answer(
    inside: &impl Inside,
    question: &Question,
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    let one = |request: Request, who: As| inside.probe(&request, who, deadline);
    match question {
        Question::Processes | Question::ProcessesAfter { .. } => {
            let processes = one(Request::Processes, As::Root)?
                .into_iter()
                .filter_map(|r| {
                    if let Reply::Process(p) = r {
                        Some(p)
                    } else {
                        None
                    }
                });
            Ok(Answer::Processes(processes.collect()))
        }
        Question::Mounts => {
            let mounts = one(Request::Mounts, As::Root)?.into_iter().filter_map(|r| {
                if let Reply::Mount(m) = r {
                    Some(m)
                } else {
                    None
                }
            });
            Ok(Answer::Mounts(mounts.collect()))
        }
        Question::Ports => {
            let replies = one(Request::Ports, As::Root)?;
            let ports = replies.into_iter().filter_map(|reply| match reply {
                Reply::Port(port) => Some(port),
                _ => None,
            });
            Ok(Answer::Ports(ports.collect()))
        }
        Question::Commands { commands } => {
            let replies = one(
                Request::Commands {
                    commands: commands.clone(),
                },
                As::Subject,
            )?;
            results(inside, replies, commands.len())
        }
        Question::Mcp { command } => results(
            inside,
            one(
                Request::Mcp {
                    command: command.clone(),
                },
                As::Subject,
            )?,
            1,
        ),
        Question::Http { port, path } => http(inside, *port, path, deadline),
        Question::Converse { port, calls } => converse::hold(inside, *port, calls, deadline),
        Question::StandIn(wanted) => converse::stand_in(inside, wanted, deadline),
        Question::Accepts { target } => accepts(inside, target, deadline),
        Question::Stat { paths } => inside.stat(paths, deadline).map(Answer::Entries),
        Question::TryWrite { dirs } => inside.try_write(dirs, deadline),
        Question::Drift
        | Question::Stop { .. }
        | Question::StopBeside { .. }
        | Question::Companion { .. }
        | Question::CompanionPeers
        | Question::Trace
        | Question::Loaded => Err(unexpected(
            inside.name(),
            "a question that is not the probe's",
        )),
    }
}

/// The response to one `GET` on loopback.
fn http(
    inside: &impl Inside,
    port: u16,
    path: &str,
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    let left = deadline.left().unwrap_or_default();
    let timeout_ms = millis(
        left.saturating_sub(Duration::from_secs(1))
            .max(left / 2)
            .min(RESPONSE),
    );
    let replies = inside.probe(
        &Request::Http {
            port,
            path: path.to_owned(),
            timeout_ms,
        },
        As::Root,
        deadline,
    )?;
    let http = replies.into_iter().find_map(|r| {
        if let Reply::Http(http) = r {
            Some(http)
        } else {
            None
        }
    });
    http.map(Answer::Http)
        .ok_or_else(|| unexpected(inside.name(), "no response"))
}

/// What was executed, and what of the image or of libraries was opened for reading, as it is now.
pub(crate) fn loaded(
    inside: &impl Inside,
    image: &Image,
    trace: Trace,
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    let shipped = |path: &str| image.entries.contains_key(path) || path.contains(".so");
    let kernel = |path: &str| {
        ["/proc", "/sys", "/dev", MOUNT_DIR]
            .iter()
            .any(|t| is_under(path, t))
    };
    let paths: BTreeSet<String> = trace
        .events
        .into_iter()
        .filter_map(|event| match event.action {
            Action::Exec {
                path,
                refused: None,
                ..
            } => Some(path),
            Action::Read { path } if shipped(&path) => Some(path),
            _ => None,
        })
        .filter(|path| path.starts_with('/') && !kernel(path))
        .collect();
    let paths: Vec<String> = paths.into_iter().collect();
    inside.stat(&paths, deadline).map(Answer::Entries)
}

/// What is process 1 in the subject's place, where the plan says that nothing is to happen.
pub(crate) fn held(plan: &BootPlan) -> Option<Vec<String>> {
    plan.hold
        .then(|| [MOUNT_PATH, "hold"].map(str::to_owned).into())
}

fn accepts(
    inside: &impl Inside,
    target: &Target,
    deadline: &Deadline,
) -> Result<Answer, EngineError> {
    // One look only: the pause after it takes the rest of the time.
    let look_ms = if matches!(target, Target::Http { .. }) {
        1000
    } else {
        250
    };
    let request = Request::Ready {
        target: target.clone(),
        within_ms: look_ms,
        interval_ms: look_ms,
    };
    let replies = inside.probe(&request, who_reaches(target), deadline)?;
    if replies.contains(&Reply::Ready { ready: true }) {
        return Ok(Answer::Accepts { refused: None });
    }
    let seen = observed(&replies)
        .last()
        .map_or_else(|| "it was not looked at".to_owned(), |o| o.seen.clone());
    Ok(Answer::Accepts {
        refused: Some(seen),
    })
}

fn results(
    inside: &impl Inside,
    replies: Vec<Reply>,
    wanted: usize,
) -> Result<Answer, EngineError> {
    let results: Vec<_> = replies
        .into_iter()
        .filter_map(|r| {
            if let Reply::Command(result) = r {
                Some(result)
            } else {
                None
            }
        })
        .collect();
    if results.len() != wanted {
        let results = text::count(results.len(), "result");
        let wanted = text::count(wanted, "command");
        return Err(unexpected(
            inside.name(),
            &format!("{results} for {wanted}"),
        ));
    }
    Ok(Answer::Commands(results))
}

/// An answer of the probe that is none.
pub(crate) fn unexpected(name: &str, what: &str) -> EngineError {
    EngineError::new(
        ErrorKind::Engine,
        format!("understand the probe in `{name}`"),
    )
    .caused_by(format!("it answered {what}"))
}

/// Root without capabilities may not connect to a socket of another user; the subject's user most likely made it.
pub(crate) fn who_reaches(target: &Target) -> As {
    match target {
        Target::Unix { .. } => As::Subject,
        Target::Http { .. } | Target::Tcp { .. } => As::Root,
    }
}

pub(crate) fn encode(request: &Request) -> String {
    serde_json::to_string(request).expect("the wire types have text keys only")
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Every change of a target among replies.
pub(crate) fn observed(replies: &[Reply]) -> Vec<Observed> {
    replies
        .iter()
        .filter_map(|r| {
            if let Reply::Observed(o) = r {
                Some(o.clone())
            } else {
                None
            }
        })
        .collect()
}

/// As many paths as one argument can carry, again and again.
pub(crate) fn batches(paths: &[String]) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for path in paths {
        // A control character takes six bytes in JSON.
        let need = path
            .bytes()
            .map(|b| {
                if b < 0x20 || b == b'"' || b == b'\\' {
                    6
                } else {
                    1
                }
            })
            .sum::<usize>()
            + 3;
        match batches.last_mut() {
            Some(batch) if need <= room => batch.push(path.clone()),
            _ => {
                batches.push(vec![path.clone()]);
                room = REQUEST_BYTES;
            }
        }
        room = room.saturating_sub(need);
    }
    batches
}

/// The lines of one answer as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    pub(crate) seen: Vec<Reply>,
    partial: Vec<u8>,
    noise: Vec<u8>,
    bytes: u64,
    done: bool,
}

impl Replies {
    /// Takes what the exec wrote; stops when it is too much.
    pub(crate) fn take(&mut self, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
        if stream == Stream::Stderr {
            self.hear(bytes);
            return ControlFlow::Continue(());
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > ANSWER_BYTES {
            return ControlFlow::Break(());
        }
        self.partial.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(end) = self.partial[start..].iter().position(|b| *b == b'\n') {
            let line = &self.partial[start..start + end];
            match serde_json::from_slice(line) {
                Ok(Reply::Done) => self.done = true,
                Ok(reply) => self.seen.push(reply),
                Err(_) => {
                    let line = line.to_vec();
                    self.hear(&line);
                }
            }
            start += end + 1;
        }
        self.partial.drain(..start);
        ControlFlow::Continue(())
    }

    fn hear(&mut self, bytes: &[u8]) {
        let room = NOISE_BYTES
            .saturating_sub(self.noise.len())
            .min(bytes.len());
        self.noise.extend_from_slice(&bytes[..room]);
    }

    /// Whether the probe came to an end, good or bad.
    pub(crate) fn is_answer(&self) -> bool {
        self.done || self.seen.iter().any(|r| matches!(r, Reply::Error { .. }))
    }

    /// The whole answer, or why there is none.
    pub(crate) fn finish(mut self, attempt: &str) -> Result<Vec<Reply>, EngineError> {
        let error = |why: String| Err(EngineError::new(ErrorKind::Engine, attempt).caused_by(why));
        if self.bytes > ANSWER_BYTES {
            return error("its answer has more than 512 MiB".into());
        }
        if let Some(message) = self.seen.iter().find_map(|r| {
            if let Reply::Error { message } = r {
                Some(message.clone())
            } else {
                None
            }
        }) {
            return error(message);
        }
        if !self.done {
            let rest = std::mem::take(&mut self.partial);
            self.hear(&rest);
            let heard = String::from_utf8_lossy(&self.noise).trim().to_owned();
            return error(if heard.is_empty() {
                "the probe's answer was cut".into()
            } else {
                format!("the probe's answer was cut: {heard}")
            });
        }
        Ok(self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_only_with_its_last_line_however_it_is_cut_up() {
        let text = "{\"ready\":{\"ready\":true}}\n\"done\"\n";
        for size in [1, 7, 100] {
            let mut replies = Replies::default();
            for piece in text.as_bytes().chunks(size) {
                assert!(replies.take(Stream::Stdout, piece).is_continue());
            }
            assert_eq!(
                replies.finish("ask").expect("whole"),
                [Reply::Ready { ready: true }]
            );
        }
        let mut cut = Replies::default();
        assert!(
            cut.take(Stream::Stdout, &text.as_bytes()[..30])
                .is_continue()
        );
        assert!(cut.take(Stream::Stderr, b"killed").is_continue());
        let error = cut.finish("ask").expect_err("cut");
        let cause = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert!(cause.contains("cut") && cause.contains("killed"), "{cause}");
    }

    #[test]
    fn paths_travel_in_batches_that_an_argument_can_carry() {
        let paths: Vec<String> = (0..5000)
            .map(|n| format!("/a/rather/long/path/\u{1}/of/some/file/{n}"))
            .collect();
        let batches = batches(&paths);
        assert!(batches.len() > 1);
        assert_eq!(batches.concat(), paths);
        for batch in batches {
            assert!(
                encode(&Request::Stat {
                    paths: batch,
                    hash: true
                })
                .len()
                    < 128 * 1024
            );
        }
    }
}
