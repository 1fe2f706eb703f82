//! The probe in a container of a daemon: one exec for each request.

use adamant_core::engine::{Answer, BootPlan, EngineError};
use adamant_core::run::Deadline;
use adamant_probe::{Reply, Request};

use super::instance::Container;
use super::output::Exec;
use crate::ask::{As, Found, Inside, Replies};
use crate::launch::probe;

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
        let ran = self.client.exec(
            &self.name,
            exec(request, who, &self.plan),
            &self.exit,
            deadline,
            |stream, bytes| replies.take(stream, bytes),
        );
        if ran.is_err() || !replies.is_answer() {
            // The probe ends with its container; the news may be on its way.
            let news = deadline.within(self.client.product.news());
            self.client.wait_exit(&self.name, &self.exit, &news)?;
        }
        let answer = ran
            .map_err(EngineError::from)
            .and_then(|()| replies.finish(&attempt));
        // Whatever went wrong: when the container has ended, that is why.
        answer.map_err(|error| self.ended_error(&attempt).unwrap_or(error))
    }

    fn stat(&self, paths: &[String], deadline: &Deadline) -> Result<Vec<Found>, EngineError> {
        self.stat_with_owners(paths, deadline)
    }

    fn try_write(&self, dirs: &[String], deadline: &Deadline) -> Result<Answer, EngineError> {
        self.try_write_with_owners(dirs, deadline)
    }
}

/// The process that answers `request`.
pub(crate) fn exec(request: &Request, who: As, plan: &BootPlan) -> Exec {
    let user = match who {
        As::Subject => None,
        As::Root => Some("0".to_owned()),
        As::Owner(uid, gid) => Some(format!("{uid}:{gid}")),
    };
    Exec {
        argv: probe(request, plan),
        user,
    }
}
