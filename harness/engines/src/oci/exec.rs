//! The probe in a container, or below one of its directories at rest: one process for each request.

use std::ops::ControlFlow;
use std::path::Path;

use adamant_core::engine::{Answer, EngineError, ErrorKind, Stream};
use adamant_core::run::Deadline;
use adamant_probe::{Entry, Reply, Request};
use adamant_shim::{Note, Order};

use super::instance::Container;
use super::life::LAST_WORDS;
use super::shim::{Heard, Shim};
use super::spec;
use crate::ask::{As, Found, Inside, Replies, batches, encode, unexpected};
use crate::embedded::{PROBE, SHIM};
use crate::launch::probe;

/// How a process came out, other than by an error of ours.
#[derive(Debug)]
pub(super) enum Ran {
    /// It has ended by itself, or its reader had enough.
    Whole,
    TimedOut,
}

impl Container {
    /// Runs the probe for one request and hands over its output as it comes.
    pub(super) fn run_probe(
        &self,
        request: &Request,
        who: As,
        deadline: &Deadline,
        take: impl FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Ran, EngineError> {
        let attempt = format!("run a process in the container `{}`", self.name);
        let root = match who {
            As::Subject => false,
            // Root may look at everything here: nobody has to stand in for an owner.
            As::Root | As::Owner(..) => true,
        };
        let args = probe(request, &self.plan);
        let process = spec::looking(&self.plan, &self.ground(), args, root);
        let order = Order::Exec {
            process: process.to_string(),
            uid: if root { 0 } else { self.user.uid },
        };
        let shim = self.life.start(&order);
        let shim =
            shim.map_err(|error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error))?;
        drive(shim, &attempt, deadline, take)
    }
}

/// Hears a shim to its end.
fn drive(
    mut shim: Shim,
    attempt: &str,
    deadline: &Deadline,
    mut take: impl FnMut(Stream, &[u8]) -> ControlFlow<()>,
) -> Result<Ran, EngineError> {
    let engine = |why: String| EngineError::new(ErrorKind::Engine, attempt).caused_by(why);
    let mut last_words: Option<Deadline> = None;
    while !shim.is_over() {
        // What the process left running may hold its streams open for ever.
        let until = last_words.as_ref().unwrap_or(deadline);
        let Some(slice) = until.slice() else {
            return Ok(if last_words.is_some() {
                Ran::Whole
            } else {
                Ran::TimedOut
            });
        };
        for heard in shim
            .hear(slice)
            .map_err(|error| engine(error.to_string()))?
        {
            match heard {
                Heard::Output(stream, bytes) => {
                    if take(stream, &bytes).is_break() {
                        return Ok(Ran::Whole);
                    }
                }
                Heard::Note(Note::Failed { chain }) => return Err(engine(chain.join(": "))),
                Heard::Note(Note::Refused { errno }) => {
                    let why = std::io::Error::from_raw_os_error(errno);
                    return Err(engine(format!("it cannot be executed: {why}")));
                }
                Heard::Note(_) => {}
            }
        }
        if shim.is_gone() && last_words.is_none() {
            last_words = Some(deadline.within(LAST_WORDS));
        }
    }
    Ok(Ran::Whole)
}

impl Inside for Container {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe(
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
        let ran = self.run_probe(request, who, deadline, |stream, bytes| {
            replies.take(stream, bytes)
        });
        if ran.is_err() || !replies.is_answer() {
            // The probe ends with its container; the news may be on its way.
            self.life
                .wait_exit(&self.name, &deadline.within(LAST_WORDS))?;
        }
        let answer = match ran {
            Ok(Ran::Whole) => replies.finish(&attempt),
            Ok(Ran::TimedOut) => Err(out_of_time(&attempt, deadline)),
            Err(error) => Err(error),
        };
        // Whatever went wrong: when the container has ended, that is why.
        answer.map_err(|error| self.ended_error(&attempt).unwrap_or(error))
    }

    fn stat(&self, paths: &[String], deadline: &Deadline) -> Result<Vec<Found>, EngineError> {
        let mut found = Vec::new();
        for batch in batches(paths) {
            let request = Request::Stat {
                paths: batch,
                hash: true,
            };
            for reply in self.probe(&request, As::Root, deadline)? {
                match reply {
                    Reply::Entry(entry) => found.push(Some(entry)),
                    Reply::Absent { .. } => found.push(None),
                    _ => {}
                }
            }
        }
        if found.len() != paths.len() {
            let seen = format!("{} entries for {} paths", found.len(), paths.len());
            return Err(unexpected(&self.name, &seen));
        }
        Ok(paths.iter().cloned().zip(found).collect())
    }

    fn try_write(&self, dirs: &[String], deadline: &Deadline) -> Result<Answer, EngineError> {
        let mut written = Vec::new();
        for dirs in batches(dirs) {
            let replies = self.probe(&Request::TryWrite { dirs }, As::Root, deadline)?;
            written.extend(replies.into_iter().filter_map(|reply| match reply {
                Reply::Written { dir, errno } => Some((dir, errno)),
                _ => None,
            }));
        }
        if written.len() != dirs.len() {
            let seen = format!("{} attempts for {} directories", written.len(), dirs.len());
            return Err(unexpected(&self.name, &seen));
        }
        Ok(Answer::Written(written))
    }
}

pub(super) fn out_of_time(attempt: &str, deadline: &Deadline) -> EngineError {
    if deadline.is_cancelled() {
        return EngineError::new(ErrorKind::Cancelled, attempt)
            .caused_by("the run was interrupted");
    }
    EngineError::new(ErrorKind::TimedOut, attempt).caused_by("the time for it was up")
}

/// Everything below a directory of this host, hashed, as if it were mounted at `at`; no link in it leads out.
pub(super) fn tree_at_rest(
    dir: &Path,
    at: &str,
    deadline: &Deadline,
) -> Result<Vec<Entry>, EngineError> {
    let attempt = format!("look at what is left of `{at}`");
    let request = Request::Tree {
        roots: vec!["/".to_owned()],
        hash: true,
    };
    let probe = PROBE.file()?;
    let words = [
        dir.as_os_str(),
        probe.as_os_str(),
        encode(&request).as_ref(),
    ]
    .map(ToOwned::to_owned);
    let output = std::process::Command::new(SHIM.file()?)
        .arg("rooted")
        .args(words)
        .env_clear()
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error))?;
    let mut replies = Replies::default();
    let _ = replies.take(Stream::Stdout, &output.stdout);
    let _ = replies.take(Stream::Stderr, &output.stderr);
    if deadline.left().is_none() {
        return Err(out_of_time(&attempt, deadline));
    }
    let placed = |entry: Entry| {
        let path = format!("{at}{}", entry.path.trim_end_matches('/'));
        Entry { path, ..entry }
    };
    let replies = replies.finish(&attempt)?.into_iter();
    Ok(replies
        .filter_map(|reply| match reply {
            Reply::Entry(entry) => Some(placed(entry)),
            _ => None,
        })
        .collect())
}
