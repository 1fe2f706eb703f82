//! Questions that the probe answers from inside, one exec each.

use std::ops::ControlFlow;
use std::time::Duration;

use adamant_core::engine::{Answer, EngineError, ErrorKind, Question, Stream};
use adamant_core::report::text;
use adamant_core::run::Deadline;
use adamant_probe::{MOUNT_PATH, Observed, Reply, Request, Target};

use super::instance::Container;
use super::output::{Exec, LAST_WORDS};

/// An answer beyond this is no answer.
const ANSWER_BYTES: u64 = 512 * 1024 * 1024;
/// What is kept of words that are no reply.
const NOISE_BYTES: usize = 400;
/// One argument of a process has at most 128 KiB.
const REQUEST_BYTES: usize = 96 * 1024;
/// A subject that takes longer for one response has not answered.
const RESPONSE: Duration = Duration::from_secs(30);

/// As whom the probe looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// The container's own user, with its environment and limits.
    Subject,
    /// Root, with the capabilities that the container has.
    Root,
    /// The owner of a file that root, without capabilities, may not read.
    Owner(u32, u32),
}

impl Container {
    /// Answers a question of the kinds that the probe answers in one go.
    pub(super) fn ask_probe(
        &self,
        question: &Question,
        deadline: &Deadline,
    ) -> Result<Answer, EngineError> {
        let one = |request: Request, who: As| self.probe(&request, who, deadline);
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
            Question::Ports => self.ports(deadline),
            Question::Commands { commands } => {
                let replies = one(
                    Request::Commands {
                        commands: commands.clone(),
                    },
                    As::Subject,
                )?;
                self.results(replies, commands.len())
            }
            Question::Mcp { command } => self.results(
                one(
                    Request::Mcp {
                        command: command.clone(),
                    },
                    As::Subject,
                )?,
                1,
            ),
            Question::Http { port, path } => {
                let left = deadline.left().unwrap_or_default();
                let timeout_ms = millis(
                    left.saturating_sub(Duration::from_secs(1))
                        .max(left / 2)
                        .min(RESPONSE),
                );
                let replies = one(
                    Request::Http {
                        port: *port,
                        path: path.clone(),
                        timeout_ms,
                    },
                    As::Root,
                )?;
                let http = replies.into_iter().find_map(|r| {
                    if let Reply::Http(http) = r {
                        Some(http)
                    } else {
                        None
                    }
                });
                http.map(Answer::Http)
                    .ok_or_else(|| self.unexpected("no response"))
            }
            Question::Accepts { target } => self.accepts(target, deadline),
            Question::Stat { paths } => self.stat(paths, deadline).map(Answer::Entries),
            Question::TryWrite { dirs } => self.try_write(dirs, deadline),
            Question::Drift
            | Question::Stop { .. }
            | Question::Companion { .. }
            | Question::CompanionPeers
            | Question::Trace
            | Question::Loaded => Err(self.unexpected("a question that is not the probe's")),
        }
    }

    fn ports(&self, deadline: &Deadline) -> Result<Answer, EngineError> {
        let replies = self.probe(&Request::Ports, As::Root, deadline)?;
        let ports = replies.into_iter().filter_map(|reply| match reply {
            Reply::Port(port) => Some(port),
            _ => None,
        });
        Ok(Answer::Ports(ports.collect()))
    }

    fn accepts(&self, target: &Target, deadline: &Deadline) -> Result<Answer, EngineError> {
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
        let replies = self.probe(&request, who_reaches(target), deadline)?;
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

    fn results(&self, replies: Vec<Reply>, wanted: usize) -> Result<Answer, EngineError> {
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
            return Err(self.unexpected(&format!("{results} for {wanted}")));
        }
        Ok(Answer::Commands(results))
    }

    /// Runs the probe for one request; every reply but the last.
    pub(super) fn probe(
        &self,
        request: &Request,
        who: As,
        deadline: &Deadline,
    ) -> Result<Vec<Reply>, EngineError> {
        let attempt = format!("ask the probe in `{}`", self.name);
        if let Some(error) = self.ended_error(&attempt) {
            return Err(error);
        }
        let mut replies = Replies::default();
        let ran = self.client.exec(
            &self.name,
            self.seen(request, exec(request, who)),
            &self.exit,
            deadline,
            |stream, bytes| replies.take(stream, bytes),
        );
        if ran.is_err() || !replies.is_answer() {
            // The probe ends with its container; the news may be on its way.
            self.client
                .wait_exit(&self.name, &self.exit, &deadline.within(LAST_WORDS))?;
        }
        let answer = ran
            .map_err(EngineError::from)
            .and_then(|()| replies.finish(&attempt));
        // Whatever went wrong: when the container has ended, that is why.
        answer.map_err(|error| self.ended_error(&attempt).unwrap_or(error))
    }

    /// What is run for the subject in a traced boot is watched too: a launcher stands before it.
    fn seen(&self, request: &Request, mut exec: Exec) -> Exec {
        let runs = matches!(request, Request::Commands { .. } | Request::Mcp { .. });
        if runs && self.trace.is_some() {
            let launcher = [MOUNT_PATH, "launch", "--"].map(str::to_owned);
            exec.argv.splice(0..0, launcher);
        }
        exec
    }

    pub(super) fn unexpected(&self, what: &str) -> EngineError {
        EngineError::new(
            ErrorKind::Engine,
            format!("understand the probe in `{}`", self.name),
        )
        .caused_by(format!("it answered {what}"))
    }
}

/// The process that answers `request`.
pub(super) fn exec(request: &Request, who: As) -> Exec {
    let user = match who {
        As::Subject => None,
        As::Root => Some("0".to_owned()),
        As::Owner(uid, gid) => Some(format!("{uid}:{gid}")),
    };
    Exec {
        argv: vec![MOUNT_PATH.to_owned(), encode(request)],
        user,
    }
}

/// Root without capabilities may not connect to a socket of another user; the subject's user most likely made it.
pub(super) fn who_reaches(target: &Target) -> As {
    match target {
        Target::Unix { .. } => As::Subject,
        Target::Http { .. } | Target::Tcp { .. } => As::Root,
    }
}

pub(super) fn encode(request: &Request) -> String {
    serde_json::to_string(request).expect("the wire types have text keys only")
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Every change of a target among replies.
pub(super) fn observed(replies: &[Reply]) -> Vec<Observed> {
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
pub(super) fn batches(paths: &[String]) -> Vec<Vec<String>> {
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
pub(super) struct Replies {
    pub(super) seen: Vec<Reply>,
    partial: Vec<u8>,
    noise: Vec<u8>,
    bytes: u64,
    done: bool,
}

impl Replies {
    /// Takes what the exec wrote; stops when it is too much.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
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
    fn is_answer(&self) -> bool {
        self.done || self.seen.iter().any(|r| matches!(r, Reply::Error { .. }))
    }

    /// The whole answer, or why there is none.
    pub(super) fn finish(mut self, attempt: &str) -> Result<Vec<Reply>, EngineError> {
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
