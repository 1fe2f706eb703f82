//! Sends a signal, gives it its time, and kills what does not end.

use std::time::{Duration, Instant};

use adamant_core::engine::{Answer, EngineError, ErrorKind, Stopped};
use adamant_core::run::Deadline;

use super::instance::Container;

impl Container {
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
        let sent = Instant::now();
        if !self.client.kill(&self.name, signal, deadline)? {
            return Err(self.ended_error(&attempt).unwrap_or_else(|| {
                EngineError::new(ErrorKind::Engine, &attempt).caused_by("it is not running")
            }));
        }
        let mut killed = false;
        if !self
            .client
            .wait_exit(&self.name, &self.exit, &deadline.within(within))?
        {
            if deadline.left().is_none() {
                return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                    .caused_by("the time for it was up before the signal's own"));
            }
            // Between the look and the kill it may have ended by itself.
            killed = self.client.kill(&self.name, "SIGKILL", deadline)?;
            if !self.client.wait_exit(&self.name, &self.exit, deadline)? {
                return Err(EngineError::new(ErrorKind::TimedOut, attempt)
                    .caused_by("it runs on although it was killed"));
            }
        }
        let took_ms = crate::ask::millis(sent.elapsed());
        Ok(Answer::Stopped(Stopped {
            exit: self.exit_record()?,
            took_ms,
            killed,
        }))
    }
}
