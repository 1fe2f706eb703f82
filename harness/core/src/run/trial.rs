//! One trial from plan to report.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use adamant_probe::Kind;

use super::boots::{BootFailure, Booted, Wants};
use super::outcome::PlacedFinding;
use super::resolve::{self, Extra};
use super::session::{Session, share_key, traces, unclaimed, wants};
use super::waive::waive;
use super::{Deadline, Outcome, Skip, monotonic_ns};
use crate::case::{
    Day, FaultForm, FaultKind, Level, Manifest, ManifestSource, ManifestState, Place, Span, State,
    Storage,
};
use crate::check::{self, CheckSpec, Context, Finding, Measure, Unanswered};
use crate::discover::PlannedTrial;
use crate::engine::{
    Engine, EngineError, ErrorKind, Fault, Image, Instance, LogCapture, Loss, Reached, Until,
    VolumeMount,
};
use crate::report::{BootEvidence, TrialReport};

/// Our own patience beside what a case and a subject claim, per boot.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a removal may take; a cancelled run removes too.
pub(super) const REMOVAL: Duration = Duration::from_secs(60);

/// Why a trial stops early, other than by its verdict.
pub(super) enum Stop {
    Outcome(Outcome),
    Error(EngineError),
    Unanswered(Unanswered),
    Boot(BootFailure),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Error(error)
    }
}

impl From<Unanswered> for Stop {
    fn from(error: Unanswered) -> Self {
        Self::Unanswered(error)
    }
}

impl From<BootFailure> for Stop {
    fn from(failure: BootFailure) -> Self {
        Self::Boot(failure)
    }
}

impl Stop {
    fn into_outcome(self) -> Outcome {
        match self {
            Self::Outcome(outcome) => outcome,
            Self::Error(error) => Outcome::broken(&error, error.get_hint().map(str::to_owned)),
            Self::Unanswered(error) => Outcome::broken(&error, None),
            Self::Boot((chain, hint)) => Outcome::Broken { chain, hint },
        }
    }
}

/// A trial at work.
pub(super) struct Trial<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a PlannedTrial,
    pub(super) engine: &'a dyn Engine,
    pub(super) deadline: Deadline,
    pub(super) evidence: Vec<BootEvidence>,
    image: Option<Arc<Image>>,
    measures: Vec<Measure>,
    pub(super) losses: Vec<Loss>,
    /// The manifest with another text, where the case is about one.
    altered: Option<Fault>,
}

/// What a trial leaves beside its outcome.
#[derive(Default)]
struct Left {
    image: Option<Arc<Image>>,
    boots: Vec<BootEvidence>,
    measures: Vec<Measure>,
    losses: Vec<Loss>,
}

/// Runs it; whatever happens, there is a report.
pub(super) fn run(session: &Session, plan: &PlannedTrial) -> TrialReport {
    let (started, clock) = (SystemTime::now(), Instant::now());
    if let Some((chain, hint)) = session.options.missing.get(plan.engine) {
        // Asked for and not there: whoever asked must not read this as anything but trouble.
        let outcome = Outcome::Broken {
            chain: chain.clone(),
            hint: hint.clone(),
        };
        return report(session, plan, (started, clock), Left::default(), outcome);
    }
    let engine = session
        .engines
        .get(plan.engine)
        .expect("the plan names engines of the session")
        .as_ref();
    let mut trial = Trial {
        session,
        plan,
        engine,
        deadline: session.deadline(patience(plan)),
        evidence: Vec::new(),
        image: None,
        measures: Vec::new(),
        losses: Vec::new(),
        altered: None,
    };
    let judged = catch_unwind(AssertUnwindSafe(|| trial.judge()));
    let outcome = match judged {
        Ok(Ok(findings)) if findings.is_empty() => Outcome::Passed,
        Ok(Ok(findings)) => Outcome::Failed { findings },
        Ok(Err(stop)) => stop.into_outcome(),
        Err(panic) => panicked(panic.as_ref()),
    };
    let subject = &plan.subject.subject;
    let outcome = waive(&subject.waivers, &plan.case.id, Day::today(), outcome);
    let outcome = required(session, plan, outcome).declared(declared(plan));
    let left = Left {
        image: trial.image,
        boots: trial.evidence,
        measures: trial.measures,
        losses: trial.losses,
    };
    report(session, plan, (started, clock), left, outcome)
}

/// What a panic of ours makes of a trial.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Outcome {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    let chain = vec![format!(
        "a bug of ours ended the trial: {}",
        text.unwrap_or("panic without a message")
    )];
    Outcome::Broken {
        chain,
        hint: Some("please report it with the evidence of this trial".into()),
    }
}

fn report(
    session: &Session,
    plan: &PlannedTrial,
    (started, clock): (SystemTime, Instant),
    left: Left,
    outcome: Outcome,
) -> TrialReport {
    let Left {
        image,
        boots,
        measures,
        losses,
    } = left;
    TrialReport {
        name: plan.name.clone(),
        path: plan.path(),
        engine: plan.engine,
        subject: plan.subject.subject.name.clone(),
        subject_file: plan.subject.path.clone(),
        image_source: plan.subject.image.to_string(),
        image_override: plan.subject.image_override.clone(),
        case: plan.case.id.clone(),
        case_file: plan.case.path.clone(),
        spec: plan.case.case.spec.clone(),
        clauses: plan.case.case.clauses.clone(),
        level: plan.case.case.level,
        about: plan.case.case.about.clone(),
        fix: plan.case.case.fix.clone(),
        fault: plan.fault(),
        variant: plan.variant.clone(),
        needs: plan.subject.subject.needs.clone(),
        waivers: plan
            .subject
            .subject
            .waivers
            .iter()
            .map(|w| w.value.clone())
            .collect(),
        image: image.as_ref().map(|i| i.id.clone()),
        platform: image.as_ref().map(|i| i.platform.clone()),
        started,
        millis: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        boots,
        files: Vec::new(),
        measures,
        losses,
        replay: session.options.replay.clone(),
        secrets: plan.subject.secrets.clone(),
        outcome,
    }
}

fn patience(plan: &PlannedTrial) -> Duration {
    let subject = &plan.subject.subject;
    let ready = subject
        .ready
        .as_ref()
        .map_or(Duration::ZERO, |r| r.within.0);
    let stop = subject.stop.as_ref().map_or(Duration::ZERO, |s| s.within.0);
    let boot = plan.case.case.boot.as_ref();
    let boots = boot.map_or(1, |b| b.boots);
    let observe = boot.and_then(|b| b.observe).map_or(Duration::ZERO, |s| s.0);
    let checks = plan.case.case.checks.iter();
    let asked: Duration = checks.map(|c| c.value.check().takes(subject)).sum();
    (PATIENCE + ready + observe + stop + exit_within(plan) + asked) * boots
}

fn boot_failure(error: &EngineError) -> BootFailure {
    match Outcome::broken(error, error.get_hint().map(str::to_owned)) {
        Outcome::Broken { chain, hint } => (chain, hint),
        _ => unreachable!("an error makes a trial broken"),
    }
}

/// How long process 1 has to end, by the case's `exit` check.
fn exit_within(plan: &PlannedTrial) -> Duration {
    let within = plan.case.case.checks.iter().find_map(|c| match &c.value {
        CheckSpec::Exit(exit) => Some(exit.within),
        CheckSpec::Settles(settles) => Some(settles.within),
        _ => None,
    });
    within.map_or(Duration::from_secs(30), |w: Span| w.0)
}

/// With `--require`, a binding case that the subject does not claim, or never reached, is a failure.
fn required(session: &Session, plan: &PlannedTrial, outcome: Outcome) -> Outcome {
    let Outcome::Skipped {
        kind: Skip::NotClaimed | Skip::NotReached,
        reason,
    } = &outcome
    else {
        return outcome;
    };
    if plan.case.case.level != Level::Must {
        return outcome;
    }
    let spec = &plan.case.case.spec;
    let asked = |r: &String| {
        spec.strip_prefix(r.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    if !session.options.require.iter().any(asked) {
        return outcome;
    }
    let finding = Finding::new(format!("{spec} is judged (--require)"), reason.clone())
        .coded("require/not-judged");
    let place = Place {
        file: plan.subject.path.clone(),
        line: 0,
        column: 0,
    };
    Outcome::Failed {
        findings: vec![PlacedFinding::new("require", place, finding)],
    }
}

/// The reason by which the subject file declares the failure.
fn declared(plan: &PlannedTrial) -> Option<&str> {
    let declared = plan.subject.subject.expect_fail.iter().find(|e| {
        e.case == plan.case.id
            && e.engine.as_ref().is_none_or(|engine| engine == plan.engine)
            && (e.variant.is_none() || e.variant == plan.variant)
    });
    declared.map(|e| e.reason.as_str())
}

/// A trial that ends without a judgment.
pub(super) fn skipped(kind: Skip, reason: impl Into<String>) -> Stop {
    Stop::Outcome(Outcome::Skipped {
        kind,
        reason: reason.into(),
    })
}

impl Trial<'_> {
    fn judge(&mut self) -> Result<Vec<PlacedFinding>, Stop> {
        if let Some(claim) = unclaimed(self.plan) {
            return Err(skipped(
                Skip::NotClaimed,
                format!("not claimed: the subject has no `{claim}`"),
            ));
        }
        let discovers = self.plan.fault() == Some(FaultKind::DiscoveredArtifactAbsent);
        if self.plan.fault().is_some() && self.plan.variant.is_none() && !discovers {
            return Err(skipped(
                Skip::NotApplicable,
                "the subject has no artifact to which this fault applies",
            ));
        }
        if traces(self.plan)
            && let Some(why) = self.engine.blind()
        {
            let reason = format!("not seen: {} cannot trace here: {why}", self.plan.engine);
            return Err(skipped(Skip::Unsupported, reason));
        }
        let image = self
            .engine
            .image(&self.plan.subject.image, &self.deadline)?;
        self.image = Some(image.clone());
        let altered = self.altered_manifest(&image)?;
        let enabled = self.enabled(&image, altered.as_ref())?;
        self.fault_applies(&enabled)?;
        let subject = &self.plan.subject.subject;
        let context = Context {
            subject,
            image: &image,
            enabled: &enabled,
            fault: self.plan.artifact(),
        };
        for check in &self.plan.case.case.checks {
            let applies = check.value.check().applies(&context);
            applies.map_err(|why| skipped(Skip::NotApplicable, why))?;
        }
        let Some(boot) = &self.plan.case.case.boot else {
            return self.judge_image(&context);
        };
        // A visitor sees the boot that everything is taken away from, one by one.
        if discovers && self.session.options.visitor.is_none() {
            return self.discover(&context);
        }
        if self.manifest_state() == ManifestState::Invalid {
            self.ready_without_fault(&context)?;
        }
        self.altered = altered;
        if let Some(key) = share_key(self.plan) {
            return self.shared(&context, &key);
        }
        let absent = match self.plan.artifact() {
            None => Vec::new(),
            Some(artifact) => {
                let paths = resolve::absent_paths(artifact, &image).map_err(Unanswered)?;
                if paths.is_empty() {
                    let finding = Finding::new(
                        format!("artifact `{}` is in the image", artifact.id),
                        "it is absent already, so nothing can be proven",
                    )
                    .coded("artifacts/absent");
                    return Ok(vec![self.placed("artifacts", 0, 0, finding)]);
                }
                self.form_applies(&paths, &image)?;
                if self.plan.fault() == Some(FaultKind::RequiredArtifactAbsent) {
                    self.ready_without_fault(&context)?;
                }
                paths
            }
        };
        self.own(&context, boot.boots, &absent)
    }

    /// The artifacts that the manifest switches on.
    fn enabled(&self, image: &Image, altered: Option<&Fault>) -> Result<BTreeSet<String>, Stop> {
        let file = &self.plan.subject;
        // Of one that is invalid nothing is switched on; what is shipped says which artifacts there are.
        let altered = altered.filter(|_| self.manifest_state() != ManifestState::Invalid);
        let other = altered.and_then(|f| Some((f.path.as_str(), f.text.as_ref()?)));
        let other = other.map(|(path, text)| Manifest::parse(path, text));
        let other = other.transpose().map_err(|e| Unanswered(e.to_string()))?;
        let parsed = match (&file.manifest, &file.subject.manifest) {
            _ if other.is_some() => other,
            (Some(manifest), _) => Some(manifest.clone()),
            (None, Some(ManifestSource::Image(path))) => {
                let text = image.text(path).ok_or_else(|| {
                    Unanswered(format!(
                        "the manifest {path} is not a text file of the image"
                    ))
                })?;
                let text = String::from_utf8_lossy(text);
                Some(Manifest::parse(path, &text).map_err(|e| Unanswered(e.to_string()))?)
            }
            _ => None,
        };
        let mut enabled = BTreeSet::new();
        for artifact in file.subject.artifacts() {
            let on = match (&artifact.when, &parsed) {
                (Some(flag), Some(manifest)) => {
                    manifest.flag(flag).map_err(|e| Unanswered(e.to_string()))?
                }
                _ => true,
            };
            if on {
                enabled.insert(artifact.id.clone());
            }
        }
        Ok(enabled)
    }

    /// A manifest in the image decides only now whether an artifact is switched on.
    fn fault_applies(&self, enabled: &BTreeSet<String>) -> Result<(), Stop> {
        let (Some(fault), Some(artifact)) = (self.plan.fault(), self.plan.artifact()) else {
            return Ok(());
        };
        let on = enabled.contains(&artifact.id);
        let flag = artifact.when.as_deref().unwrap_or_default();
        match fault {
            FaultKind::RequiredArtifactAbsent if !on => Err(skipped(
                Skip::NotApplicable,
                format!("`{}` is switched off by the manifest ({flag})", artifact.id),
            )),
            FaultKind::OptionalArtifactAbsent if on && artifact.required => Err(skipped(
                Skip::NotApplicable,
                format!(
                    "`{}` is required and switched on by the manifest ({flag})",
                    artifact.id
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Only a file can be cut, and only what somebody may execute can lose that.
    fn form_applies(&self, paths: &[String], image: &Image) -> Result<(), Stop> {
        let boot = self.plan.case.case.boot.as_ref();
        let form = boot.map(|b| b.form).unwrap_or_default();
        let fits = |path: &String| {
            let Some(entry) = image.resolve(path) else {
                return form == FaultForm::DanglingLink;
            };
            match form {
                FaultForm::Absent | FaultForm::Empty | FaultForm::DanglingLink => true,
                FaultForm::Truncated => entry.kind == Kind::File && entry.size > 0,
                FaultForm::NotExecutable => entry.kind == Kind::File && entry.mode & 0o111 != 0,
            }
        };
        match paths.iter().find(|path| !fits(path)) {
            None => Ok(()),
            Some(path) => Err(skipped(
                Skip::NotApplicable,
                format!(
                    "{path} cannot be made {}: it is no file that could be",
                    form.word()
                ),
            )),
        }
    }

    /// A subject that never gets ready ends whatever is absent: that proves nothing of the artifact.
    fn ready_without_fault(&self, context: &Context<'_>) -> Result<(), Stop> {
        let why = "not reached: the subject does not get ready with nothing absent, so its end proves nothing";
        // Who only looks proves nothing either way.
        if self.session.options.visitor.is_some() {
            return Ok(());
        }
        let ready = match self.session.gates.is_ready(self.plan, &self.deadline) {
            Some(ready) => ready,
            // No gate was selected: the first trial that needs to know boots once for all of them.
            None => {
                let proof = self.session.proof(self.plan);
                let mut proof = proof.lock().unwrap_or_else(PoisonError::into_inner);
                match *proof {
                    Some(ready) => ready,
                    None => {
                        let ready = self.boots_without_fault(context)?;
                        *proof = Some(ready);
                        ready
                    }
                }
            }
        };
        if ready {
            Ok(())
        } else {
            Err(skipped(Skip::NotReached, why))
        }
    }

    fn boots_without_fault(&self, context: &Context<'_>) -> Result<bool, Stop> {
        let booted = self.boot(context, &[], Vec::new(), wants(self.plan, self.engine))?;
        let ready = matches!(booted.reached, Reached::Ready { .. });
        booted.instance.remove(&Deadline::for_cleanup(REMOVAL))?;
        Ok(ready)
    }

    fn shared(&mut self, context: &Context<'_>, key: &String) -> Result<Vec<PlacedFinding>, Stop> {
        let entered = self.session.boots.enter(key, |wants| {
            self.boot(context, &[], Vec::new(), wants)
                .map_err(|e| boot_failure(&e))
        });
        let judged = match &entered {
            Ok(booted) => self
                .judge_boot(context, booted)
                .map(|(findings, _)| findings),
            Err(failure) => Err(Stop::Boot(failure.clone())),
        };
        // The last one out removes it, whatever the verdicts were.
        if let Some(booted) = self.session.boots.leave(key, entered.ok()) {
            booted.instance.remove(&Deadline::for_cleanup(REMOVAL))?;
        }
        judged
    }

    /// Boots of this trial's own, one after the other; volumes live through all of them.
    fn own(
        &mut self,
        context: &Context<'_>,
        boots: u32,
        absent: &[String],
    ) -> Result<Vec<PlacedFinding>, Stop> {
        let mut volumes = Vec::new();
        let judged = self
            .make_volumes(&mut volumes)
            .and_then(|()| self.own_boots(context, boots, absent, &volumes));
        let cleanup = Deadline::for_cleanup(REMOVAL);
        let removed: Result<Vec<()>, EngineError> = volumes
            .iter()
            .map(|v| self.engine.remove_volume(&v.name, &cleanup))
            .collect();
        let judged = judged?;
        removed?;
        Ok(judged)
    }

    fn make_volumes(&self, volumes: &mut Vec<VolumeMount>) -> Result<(), Stop> {
        let boot = self
            .plan
            .case
            .case
            .boot
            .as_ref()
            .filter(|b| b.storage == Storage::Volumes);
        if boot.is_some() {
            for path in &self.plan.subject.subject.writable {
                let name = self.engine.volume(&self.owner(), &self.deadline)?;
                volumes.push(VolumeMount {
                    name,
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }

    fn own_boots(
        &mut self,
        context: &Context<'_>,
        boots: u32,
        absent: &[String],
        volumes: &[VolumeMount],
    ) -> Result<Vec<PlacedFinding>, Stop> {
        let mut all: Vec<Vec<check::Boot>> = vec![Vec::new(); self.plan.case.case.checks.len()];
        for number in 1..=boots {
            let booted = self.boot(
                context,
                absent,
                volumes.to_vec(),
                wants(self.plan, self.engine),
            )?;
            let judged = self.judge_boot(context, &booted);
            booted.instance.remove(&Deadline::for_cleanup(REMOVAL))?;
            let (mut findings, seen) = judged?;
            if !findings.is_empty() {
                if boots > 1 {
                    findings.iter_mut().for_each(|f| {
                        f.finding.seen = format!("on boot {number} of {boots}: {}", f.finding.seen);
                    });
                }
                return Ok(findings);
            }
            for (of_check, boot) in all.iter_mut().zip(seen) {
                of_check.push(boot);
            }
        }
        let mut findings = Vec::new();
        for (spec, boots) in self.plan.case.case.checks.iter().zip(&all) {
            self.measures.extend(spec.value.check().measures(boots));
            for finding in spec.value.check().judge_all(context, boots)? {
                findings.push(self.placed(spec.value.name(), spec.line, spec.column, finding));
            }
        }
        Ok(findings)
    }

    fn owner(&self) -> crate::engine::Owner {
        let lifetime = self.deadline.left().unwrap_or_default() + REMOVAL;
        resolve::owner(&self.session.options.id, &self.plan.name, lifetime)
    }

    pub(super) fn boot(
        &self,
        context: &Context<'_>,
        absent: &[String],
        volumes: Vec<VolumeMount>,
        wants: Wants,
    ) -> Result<Booted, EngineError> {
        let case = &self.plan.case.case;
        let boot = resolve::settle(
            case.boot
                .as_ref()
                .expect("only cases with a boot are booted"),
            &self.plan.subject,
        );
        let extra = Extra {
            absent: absent.to_vec(),
            altered: self.altered.clone(),
            volumes,
            traced: wants.trace,
            reads: wants.reads,
            owner: self.owner(),
        };
        let attempt = || format!("resolve the boot of `{}`", self.plan.name);
        let plan = resolve::boot_plan(&boot, &self.plan.subject, context.image, extra)
            .map_err(|why| EngineError::new(ErrorKind::Input, attempt()).caused_by(why))?;
        let event_key = context
            .subject
            .events
            .as_ref()
            .map(|e| (e.stream.stream(), e.name.clone()));
        let log = Arc::new(LogCapture::new(wants.watches.clone(), event_key));
        let instance = self.engine.start(&plan, log.clone(), &self.deadline)?;
        let took = instance.took();
        let started_ns = monotonic_ns();
        let reached = self.wait(context, instance.as_ref(), &log, boot.until, wants.patience);
        match reached {
            Ok(reached) => Ok(Booted {
                traced: plan.trace.is_some(),
                instance: self.lasting(plan, instance, &reached)?,
                reached,
                started_ns,
                took,
                log,
            }),
            Err(error) => {
                // The first error is the one that explains; a removal that fails too is reaped by the next run.
                drop(instance.remove(&Deadline::for_cleanup(REMOVAL)));
                Err(error)
            }
        }
    }

    fn wait(
        &self,
        context: &Context<'_>,
        instance: &dyn Instance,
        log: &LogCapture,
        state: State,
        most: Option<Duration>,
    ) -> Result<Reached, EngineError> {
        let claim = context.subject.ready.as_ref();
        // A subject that gets ready with something missing will not end: readiness settles that wait too.
        let until = claim.map_or(Until::Exit, |r| resolve::until(r, log.watches()));
        let patience = match state {
            State::Ready => claim.map_or(Duration::ZERO, |r| r.within.0),
            State::Exit => exit_within(self.plan),
        };
        let patience = most.map_or(patience, |most| most.min(patience));
        let reached = instance.wait(&until, &self.deadline.within(patience))?;
        if self.deadline.is_cancelled() {
            return Err(EngineError::new(
                ErrorKind::Cancelled,
                format!("wait for `{}`", self.plan.name),
            )
            .caused_by("the run was interrupted"));
        }
        Ok(match (claim.and_then(|c| c.exit.as_ref()), reached) {
            (Some(wanted), Reached::Exited { exit, observed })
                if state == State::Ready && exit.code == wanted.code =>
            {
                Reached::Ready {
                    at_ns: monotonic_ns(),
                    observed,
                }
            }
            (_, reached) => reached,
        })
    }
}
