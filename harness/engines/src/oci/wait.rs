//! Waits for readiness, for a line of output, or for the end; the end always counts.

use std::time::{Duration, Instant};

use adamant_core::engine::{Answer, EngineError, ErrorKind, Exit, Reached, Stopped, Until};
use adamant_core::run::{Deadline, monotonic_ns};
use adamant_probe::{Observed, Reply, Request, Target};

use super::exec::Ran;
use super::instance::Container;
use super::life::LAST_WORDS;
use crate::ask::{Replies, millis, observed, who_reaches};

/// How often an end is looked for between two lines of output.
const LOOK: Duration = Duration::from_millis(50);

impl Container {
    pub(super) fn wait_until(
        &self,
        until: &Until,
        deadline: &Deadline,
    ) -> Result<Reached, EngineError> {
        match until {
            Until::Exit => match self.life.wait_exit(&self.name, deadline)? {
                true => self.exited(Vec::new()),
                false => self.timed_out(Vec::new()),
            },
            Until::Output { watch } => self.wait_output(*watch, deadline),
            Until::Target(target) => self.wait_target(target, deadline),
        }
    }

    fn wait_output(&self, watch: usize, deadline: &Deadline) -> Result<Reached, EngineError> {
        let ready = || {
            Ok(Reached::Ready {
                at_ns: monotonic_ns(),
                observed: Vec::new(),
            })
        };
        loop {
            if self.log.wait_match(watch, &deadline.within(LOOK)) {
                return ready();
            }
            let ended = self.life.wait_exit(&self.name, &deadline.within(LOOK))?;
            let reached = if ended {
                self.exited(Vec::new())?
            } else if deadline.left().is_none() {
                self.timed_out(Vec::new())?
            } else {
                continue;
            };
            // The line may be among the last words.
            let now = Deadline::for_cleanup(Duration::ZERO);
            let late = self.log.wait_match(watch, &now);
            return if late && matches!(reached, Reached::Exited { .. }) {
                ready()
            } else {
                Ok(reached)
            };
        }
    }

    fn wait_target(&self, target: &Target, deadline: &Deadline) -> Result<Reached, EngineError> {
        if self.life.known().exit.is_some() {
            return self.exited(Vec::new());
        }
        let request = Request::Ready {
            target: target.clone(),
            within_ms: millis(deadline.left().unwrap_or_default()),
            interval_ms: self.plan.poll_ms,
        };
        let mut replies = Replies::default();
        let ran = self.run_probe(&request, who_reaches(target), deadline, |stream, bytes| {
            replies.take(stream, bytes)
        });
        let observed = observed(&replies.seen);
        if replies.seen.contains(&Reply::Ready { ready: true }) {
            let seen = observed.iter().rev().find(|o| o.ready);
            let at_ns = seen.map_or_else(monotonic_ns, |o| o.at_ns);
            return Ok(Reached::Ready { at_ns, observed });
        }
        let timed_out = match &ran {
            Ok(Ran::Whole) => replies.seen.contains(&Reply::Ready { ready: false }),
            Ok(Ran::TimedOut) => true,
            Err(_) => false,
        };
        if timed_out {
            return self.timed_out(observed);
        }
        // A probe that ends early, or cannot start, does so because the container ends; the news may be on its way.
        if self
            .life
            .wait_exit(&self.name, &deadline.within(LAST_WORDS))?
        {
            return self.exited(observed);
        }
        ran?;
        let attempt = format!("wait for `{}`", self.name);
        replies.finish(&attempt)?;
        Err(EngineError::new(ErrorKind::Engine, attempt)
            .caused_by("the probe did not say whether it is ready"))
    }

    fn timed_out(&self, observed: Vec<Observed>) -> Result<Reached, EngineError> {
        if self.life.known().exit.is_some() {
            return self.exited(observed);
        }
        Ok(Reached::TimedOut { observed })
    }

    /// With everything that the container still had to say.
    fn exited(&self, observed: Vec<Observed>) -> Result<Reached, EngineError> {
        let exit = self.exit_record()?;
        Ok(Reached::Exited { exit, observed })
    }

    /// How a container that has ended did so; its log is whole, or known to be cut, after this.
    pub(super) fn exit_record(&self) -> Result<Exit, EngineError> {
        // Whether it came to an end in time shows in the log itself.
        let _ = self.log.wait_end(&Deadline::for_cleanup(LAST_WORDS));
        if let Some(exit) = &self.refused {
            return Ok(exit.clone());
        }
        let ended = self.life.known().exit.ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, format!("read how `{}` ended", self.name))
                .caused_by("it is running")
        })?;
        Ok(Exit {
            code: ended.code.into(),
            oom_killed: ended.oom_killed,
            after_ms: ended.after_ms,
            refused: self.refused_by_launcher(),
        })
    }

    /// Sends a signal, gives it its time, and kills what does not end.
    pub(super) fn stop(
        &self,
        signal: &str,
        within: Duration,
        deadline: &Deadline,
    ) -> Result<Answer, EngineError> {
        let attempt = format!("stop `{}`", self.name);
        if let Some(error) = self.ended_error(&attempt) {
            return Err(error);
        }
        let number = super::signal::number(signal).ok_or_else(|| {
            EngineError::new(ErrorKind::Input, &attempt)
                .caused_by(format!("`{signal}` is not a signal of Linux"))
        })?;
        let sent = Instant::now();
        self.life.kill(number);
        let mut killed = false;
        if !self.life.wait_exit(&self.name, &deadline.within(within))? {
            if deadline.left().is_none() {
                return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                    .caused_by("the time for it was up before the signal's own"));
            }
            // Between the look and the kill it may have ended by itself.
            killed = self.life.known().exit.is_none();
            self.life.kill(super::signal::KILL);
            if !self.life.wait_exit(&self.name, deadline)? {
                return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                    .caused_by("it runs on although it was killed"));
            }
        }
        let took_ms = millis(sent.elapsed());
        Ok(Answer::Stopped(Stopped {
            exit: self.exit_record()?,
            took_ms,
            killed,
        }))
    }
}
