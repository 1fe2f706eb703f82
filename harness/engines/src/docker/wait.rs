//! Waits for readiness, for a line of output, or for the end; the end always counts.

use std::sync::PoisonError;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind, Exit, Reached, Until};
use adamant_core::run::{Deadline, monotonic_ns};
use adamant_probe::{Observed, Reply, Request, Target};

use super::ask::exec;
use super::client::api::models::ContainerState;
use super::instance::Container;
use super::output::LAST_WORDS;
use crate::ask::{Replies, millis, observed, who_reaches};

/// For the record of what has already happened, when the time of the wait itself may be up.
const RECORD: Duration = Duration::from_secs(10);
/// How often an end is looked for between two lines of output.
const LOOK: Duration = Duration::from_millis(100);

impl Container {
    pub(super) fn wait_until(
        &self,
        until: &Until,
        deadline: &Deadline,
    ) -> Result<Reached, EngineError> {
        match until {
            Until::Exit => Ok(
                match self.client.wait_exit(&self.name, &self.exit, deadline)? {
                    true => self.exited(Vec::new())?,
                    false => self.timed_out(Vec::new())?,
                },
            ),
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
            let ended = self
                .client
                .wait_exit(&self.name, &self.exit, &deadline.within(LOOK))?;
            let reached = if ended {
                self.exited(Vec::new())?
            } else if deadline.left().is_none() {
                self.timed_out(Vec::new())?
            } else {
                continue;
            };
            // The line may be among the last words.
            let now = Deadline::for_cleanup(Duration::ZERO);
            return if matches!(reached, Reached::Exited { .. }) && self.log.wait_match(watch, &now)
            {
                ready()
            } else {
                Ok(reached)
            };
        }
    }

    fn wait_target(&self, target: &Target, deadline: &Deadline) -> Result<Reached, EngineError> {
        if self.exit.seen().is_some() {
            return self.exited(Vec::new());
        }
        let within_ms = millis(deadline.left().unwrap_or_default());
        let request = Request::Ready {
            target: target.clone(),
            within_ms,
            interval_ms: self.plan.poll_ms,
        };
        let mut replies = Replies::default();
        let ran = self.client.exec(
            &self.name,
            exec(&request, who_reaches(target), &self.plan),
            &self.exit,
            deadline,
            |stream, bytes| replies.take(stream, bytes),
        );
        let observed = observed(&replies.seen);
        if replies.seen.contains(&Reply::Ready { ready: true }) {
            let at_ns = observed
                .iter()
                .rev()
                .find(|o| o.ready)
                .map_or_else(monotonic_ns, |o| o.at_ns);
            return Ok(Reached::Ready { at_ns, observed });
        }
        let timed_out = match &ran {
            Ok(()) => replies.seen.contains(&Reply::Ready { ready: false }),
            Err(trouble) => trouble.is_timed_out(),
        };
        if timed_out {
            return self.timed_out(observed);
        }
        // A probe that ends early, or cannot start, does so because the container ends; the news may be on its way.
        let news = deadline.within(self.client.product.news());
        if self.client.wait_exit(&self.name, &self.exit, &news)? {
            return self.exited(observed);
        }
        ran?;
        replies.finish(&format!("wait for `{}`", self.name))?;
        Err(
            EngineError::new(ErrorKind::Engine, format!("wait for `{}`", self.name))
                .caused_by("the probe did not say whether it is ready"),
        )
    }

    /// Nothing happened in time only if the daemon would have told: one that hangs tells nothing.
    fn timed_out(&self, observed: Vec<Observed>) -> Result<Reached, EngineError> {
        let state = self.state(&Deadline::for_cleanup(RECORD))?;
        if state.running == Some(true) {
            return Ok(Reached::TimedOut { observed });
        }
        self.exited(observed)
    }

    /// With everything that the container still had to say.
    fn exited(&self, observed: Vec<Observed>) -> Result<Reached, EngineError> {
        Ok(Reached::Exited {
            exit: self.exit_record()?,
            observed,
        })
    }

    /// How a container that has ended did so; its log is whole, or known to be cut, after this.
    pub(super) fn exit_record(&self) -> Result<Exit, EngineError> {
        if let Some(exit) = &self.refused {
            return Ok(exit.clone());
        }
        let deadline = Deadline::for_cleanup(RECORD);
        // Whether it came to an end in time shows in the log itself.
        let _ = self.log.wait_end(&deadline.within(LAST_WORDS));
        let mut exit = self.read_exit(&deadline)?;
        if exit.code == 137 && !exit.oom_killed && self.plan.memory.is_some() {
            // The note about memory may come after the note about the end.
            let _ = deadline.pause(Duration::from_millis(200));
            exit = self.read_exit(&deadline)?;
        }
        Ok(exit)
    }

    fn read_exit(&self, deadline: &Deadline) -> Result<Exit, EngineError> {
        let attempt = format!("read how `{}` ended", self.name);
        // A daemon that lost the container, or its connection, ends a wait too.
        if let Some(Err(why)) = self.exit.seen() {
            return Err(EngineError::new(ErrorKind::Engine, attempt).caused_by(why));
        }
        let state = self.state(deadline)?;
        if state.running == Some(true) {
            return Err(EngineError::new(ErrorKind::Engine, attempt).caused_by("it is running"));
        }
        let after_ms = elapsed_ms(state.started_at.as_deref(), state.finished_at.as_deref());
        Ok(Exit {
            code: state.exit_code.unwrap_or(-1),
            oom_killed: state.oom_killed.unwrap_or(false),
            after_ms,
            refused: self.refused_by_launcher(),
        })
    }
}

impl Container {
    /// In a traced boot it is the launcher that finds out that the subject's executable cannot be started.
    fn refused_by_launcher(&self) -> Option<String> {
        let trace = self.trace.as_ref()?;
        let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.refused().map(|errno| format!("exec: {errno}"))
    }

    fn state(&self, deadline: &Deadline) -> Result<ContainerState, EngineError> {
        let record = self.client.inspect(&self.name, deadline)?;
        record.and_then(|record| record.state).ok_or_else(|| {
            let attempt = format!("read the state of `{}`", self.name);
            EngineError::new(ErrorKind::Engine, attempt).caused_by("it is gone")
        })
    }
}

/// Between two times in RFC 3339; the daemon's clock is set by hand at times, so never below zero.
fn elapsed_ms(from: Option<&str>, to: Option<&str>) -> u64 {
    let parse = |text: Option<&str>| text.and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let elapsed = parse(from)
        .zip(parse(to))
        .map(|(from, to)| to.as_millisecond() - from.as_millisecond());
    elapsed.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_between_the_daemons_two_times() {
        let from = Some("2026-01-02T03:04:05.123456789Z");
        assert_eq!(elapsed_ms(from, Some("2026-01-02T03:04:06.5Z")), 1377);
        assert_eq!(elapsed_ms(from, Some("0001-01-01T00:00:00Z")), 0);
        assert_eq!(elapsed_ms(None, None), 0);
    }
}
