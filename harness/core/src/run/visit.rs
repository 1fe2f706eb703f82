//! A visit in place of a judgment: somebody looks around in the boot of a trial.

use std::fmt;
use std::sync::Arc;

use super::boots::Booted;
use super::trial::{REMOVAL, Stop, Trial, skipped};
use super::{Deadline, Skip};
use crate::check::Context;
use crate::discover::PlannedTrial;
use crate::engine::{BootPlan, EngineError, Image, Instance, Log, LogCapture, Reached};

/// How long somebody may look around at most: a day, the most that a deadline knows.
const STAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What a visitor finds.
pub struct Visit<'v> {
    /// The trial whose boot it is.
    pub trial: &'v PlannedTrial,
    /// The image as it is without the trial's fault.
    pub image: &'v Image,
    /// The container.
    pub instance: &'v dyn Instance,
    /// What became of the subject.
    pub reached: &'v Reached,
    /// What it said until then.
    pub log: Log,
    /// Ends the visit when the run is interrupted.
    pub deadline: Deadline,
}

impl fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("trial", &self.trial.name)
            .field("reached", self.reached)
            .finish_non_exhaustive()
    }
}

type Come = dyn Fn(&Visit<'_>) -> Result<(), EngineError> + Send + Sync;

/// Who comes when a boot is as far as its trial wants it; then nothing is judged.
#[derive(Clone)]
pub struct Visitor(Arc<Come>);

impl Visitor {
    /// Somebody who does this there.
    pub fn new(
        come: impl Fn(&Visit<'_>) -> Result<(), EngineError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(come))
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visitor")
    }
}

impl Trial<'_> {
    /// Lets the visitor in, if there is one: what it did to the container makes every judgment worthless.
    pub(super) fn visited(&self, context: &Context<'_>, booted: &Booted) -> Result<(), Stop> {
        let Some(visitor) = &self.session.options.visitor else {
            return Ok(());
        };
        (visitor.0)(&Visit {
            trial: self.plan,
            image: context.image,
            instance: booted.instance.as_ref(),
            reached: &booted.reached,
            log: booted.log.snapshot(),
            deadline: Deadline::after(STAY, &self.session.options.cancel),
        })?;
        Err(skipped(Skip::NotApplicable, "visited, not judged"))
    }

    /// A container for a visitor: the subject's, or one like it where nothing runs, when the subject has ended in its own.
    pub(super) fn lasting(
        &self,
        mut plan: BootPlan,
        instance: Box<dyn Instance>,
        reached: &Reached,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let ended = matches!(reached, Reached::Exited { .. });
        if self.session.options.visitor.is_none() || !ended {
            return Ok(instance);
        }
        instance.remove(&Deadline::for_cleanup(REMOVAL))?;
        plan.hold = true;
        let log = Arc::new(LogCapture::new(Vec::new(), None));
        self.engine.start(&plan, log, &self.deadline)
    }
}
