//! A run of module cases: each trial prepared, executed by its host, judged and told to the same reporters as every other.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::outcome::PlacedFinding;
use super::{Deadline, Options, Outcome, Skip, Totals};
use crate::case::{At, Level, Place};
use crate::check::module::{ModuleCheckSpec, Seen, judge_host, runtime_says};
use crate::check::{Finding, Unanswered};
use crate::engine::{Description, EngineError};
use crate::module::wire::Capability;
use crate::module::{
    BundleFile, Executed, HostDescription, ModuleHost, ModuleTrial, Packages, Prepared, SUBJECT,
    Seed, Sight, bundle,
};
use crate::report::{Event, Reporter, RunReport, TrialReport};

/// Our own patience with a host beside what it is asked to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host and what it said of itself.
struct Host {
    host: Arc<dyn ModuleHost>,
    described: HostDescription,
}

/// A run of module cases in progress. Trials may run on any thread, in any order, each once.
pub struct ModuleSession {
    options: Options,
    hosts: BTreeMap<&'static str, Host>,
    trials: Vec<ModuleTrial>,
    packages: Arc<Packages>,
    seed: Seed,
    reporter: Mutex<Box<dyn Reporter>>,
    totals: Mutex<Totals>,
    started: Instant,
}

impl std::fmt::Debug for ModuleSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleSession")
            .field("options", &self.options)
            .field("trials", &self.trials.len())
            .finish_non_exhaustive()
    }
}

/// Why a trial ends without its verdict.
enum Stop {
    Outcome(Outcome),
    Error(EngineError),
}

impl Stop {
    /// With lines that tell why there is nothing to judge.
    fn with(mut self, lines: &[String]) -> Self {
        if let Self::Outcome(Outcome::Broken { chain, .. }) = &mut self
            && !lines.is_empty()
        {
            chain.push(lines.join("\n    "));
        }
        self
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Error(error)
    }
}

impl From<Unanswered> for Stop {
    fn from(error: Unanswered) -> Self {
        Self::Outcome(Outcome::broken(&error, None))
    }
}

impl ModuleSession {
    /// Prepares a run and tells the reporters that it starts.
    pub fn start(
        options: Options,
        hosts: Vec<Arc<dyn ModuleHost>>,
        trials: Vec<ModuleTrial>,
        packages: Arc<Packages>,
        seed: Seed,
        reporter: Box<dyn Reporter>,
    ) -> Result<Self, EngineError> {
        let patience = PATIENCE.mul_f64(options.timeout_scale);
        let deadline = Deadline::after(patience, &options.cancel);
        let mut described = BTreeMap::new();
        for host in hosts {
            let description = host.describe(&deadline)?;
            let name = host.name();
            described.insert(
                name,
                Host {
                    host,
                    described: description,
                },
            );
        }
        let session = Self {
            options,
            hosts: described,
            trials,
            packages,
            seed,
            reporter: Mutex::new(reporter),
            totals: Mutex::default(),
            started: Instant::now(),
        };
        let engines = session.hosts.iter().map(|(name, h)| Description {
            name: (*name).to_owned(),
            version: format!("{} {}", h.described.name, h.described.version),
            platform: h.described.platform.clone(),
        });
        session.emit(&Event::Started {
            run: session.options.id.clone(),
            engines: engines.collect(),
            trials: session.trials.iter().map(|t| t.name.clone()).collect(),
        });
        Ok(session)
    }

    /// The plan.
    #[must_use]
    pub fn trials(&self) -> &[ModuleTrial] {
        &self.trials
    }

    /// Runs trial `index` and tells the reporters; a panic of ours is *broken*, not a lost trial.
    pub fn run(&self, index: usize) -> TrialReport {
        let trial = &self.trials[index];
        self.emit(&Event::TrialStarted {
            name: trial.name.clone(),
        });
        let report = self.trial(trial);
        let verdict = report.outcome.verdict();
        self.totals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(verdict);
        self.emit(&Event::TrialFinished(Box::new(report.clone())));
        report
    }

    /// Ends the run: tells the reporters; answers the totals and what could not be reported.
    pub fn finish(self) -> (RunReport, Vec<String>) {
        let report = RunReport {
            run: self.options.id.clone(),
            totals: *self.totals.lock().unwrap_or_else(PoisonError::into_inner),
            cleanup: Vec::new(),
            interrupted: self.options.cancel.signal(),
            millis: millis(self.started),
        };
        self.emit(&Event::Finished(report.clone()));
        let reporter = self.reporter.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = reporter.errors();
        drop(reporter);
        (report, errors)
    }

    fn emit(&self, event: &Event) {
        self.reporter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event(event);
    }

    fn trial(&self, trial: &ModuleTrial) -> TrialReport {
        let (started, clock) = (SystemTime::now(), Instant::now());
        if let Some((chain, hint)) = self.options.missing.get(trial.engine) {
            let outcome = Outcome::Broken {
                chain: chain.clone(),
                hint: hint.clone(),
            };
            return self.report(trial, (started, clock), Vec::new(), outcome);
        }
        let host = &self.hosts[trial.engine];
        let mut files = Vec::new();
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge(trial, host, &mut files)));
        let outcome = match judged {
            Ok(Ok(findings)) if findings.is_empty() => Outcome::Passed,
            Ok(Ok(findings)) => Outcome::Failed { findings },
            Ok(Err(Stop::Outcome(outcome))) => outcome,
            Ok(Err(Stop::Error(error))) => {
                Outcome::broken(&error, error.get_hint().map(str::to_owned))
            }
            Err(panic) => super::trial::panicked(panic.as_ref()),
        };
        let declared = trial.case.case.declared(trial.engine);
        let outcome = self.required(trial, outcome).declared(declared);
        self.report(trial, (started, clock), files, outcome)
    }

    fn judge(
        &self,
        trial: &ModuleTrial,
        Host { host, described }: &Host,
        files: &mut Vec<BundleFile>,
    ) -> Result<Vec<PlacedFinding>, Stop> {
        claimed(trial, described)?;
        let mut prepared = Prepared::new(trial, &self.packages, self.seed)
            .map_err(|error| Stop::Outcome(Outcome::broken(&error, None)))?;
        prepared.plan.patience = prepared
            .plan
            .patience
            .mul_f64(self.options.timeout_scale.max(1.0));
        let plan = &prepared.plan;
        let wall = plan
            .executions
            .iter()
            .map(|e| e.request.limits.wall_ms)
            .sum();
        let executions = u32::try_from(plan.executions.len()).unwrap_or(u32::MAX);
        let patience = PATIENCE.mul_f64(self.options.timeout_scale)
            + Duration::from_millis(wall)
            + plan.patience * executions;
        let deadline = Deadline::after(patience, &self.options.cancel);
        let executed = host.execute(plan, &deadline);
        *files = bundle(
            &prepared,
            described,
            self.seed,
            &trial.case.text,
            executed.as_ref().ok(),
        );
        let executed = executed?;
        let mut findings = judge_answers(trial, &prepared, &executed)
            .map_err(|stop| stop.with(&runtime_says(&executed.stderr)))?;
        let watched = matches!(executed.sight, Sight::Seen(_));
        if described.capabilities.contains(&Capability::InVm) && watched && findings.is_empty() {
            // Whatever a case is about: a runtime that starts a program did not run the package itself. Where nobody can
            // look, the cases that ask are broken, which is enough to say so.
            for finding in judge_host(&executed.sight)? {
                findings.push(placed(trial, "host-execution", (0, 0), finding));
            }
        }
        Ok(findings)
    }

    /// With `--require`, a binding case that the runtime does not claim is a failure.
    fn required(&self, trial: &ModuleTrial, outcome: Outcome) -> Outcome {
        let Outcome::Skipped {
            kind: Skip::NotClaimed,
            reason,
        } = &outcome
        else {
            return outcome;
        };
        let spec = &trial.case.case.spec;
        let asked = |r: &String| {
            let rest = spec.strip_prefix(r.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if trial.case.case.level != Level::Must || !self.options.require.iter().any(asked) {
            return outcome;
        }
        let finding = Finding::new(format!("{spec} is judged (--require)"), reason.clone())
            .coded("require/not-judged");
        Outcome::Failed {
            findings: vec![placed(trial, "require", (0, 0), finding)],
        }
    }

    fn report(
        &self,
        trial: &ModuleTrial,
        (started, clock): (SystemTime, Instant),
        files: Vec<BundleFile>,
        outcome: Outcome,
    ) -> TrialReport {
        let case = &trial.case.case;
        let host = self.hosts.get(trial.engine).map(|h| &h.described);
        let mut replay = self.options.replay.clone();
        replay.extend(["--seed".to_owned(), self.seed.to_string()]);
        TrialReport {
            name: trial.name.clone(),
            path: trial.path(),
            engine: trial.engine,
            subject: SUBJECT.into(),
            subject_file: SUBJECT.into(),
            image_source: host.map(|h| h.command.clone()).unwrap_or_default(),
            image_override: None,
            case: trial.case.id.clone(),
            case_file: trial.case.path.clone(),
            spec: case.spec.clone(),
            clauses: case.clauses.clone(),
            level: case.level,
            about: case.about.clone(),
            fix: case.fix.clone().unwrap_or_else(|| {
                "the folder `bundle` of the evidence has the package, the request as a line of the adapter protocol and the answer; `adamant compare --module` shows what another engine answers".into()
            }),
            fault: None,
            variant: None,
            needs: Vec::new(),
            waivers: Vec::new(),
            image: host.map(|h| format!("{} {}", h.name, h.version)),
            platform: host.map(|h| h.platform.clone()),
            started,
            millis: millis(clock),
            replay,
            boots: Vec::new(),
            files,
            measures: Vec::new(),
            losses: Vec::new(),
            secrets: crate::redact::Secrets::default(),
            outcome,
        }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What the case is about and the runtime does not claim.
fn claimed(trial: &ModuleTrial, host: &HostDescription) -> Result<(), Stop> {
    let case = &trial.case.case;
    let missing = case
        .capabilities()
        .into_iter()
        .find(|c| !host.capabilities.contains(c));
    let why = match (missing, case.tier) {
        (Some(missing), _) => format!(
            "not claimed: {} does not claim `{}`",
            host.name,
            missing.word()
        ),
        (None, Some(tier)) if tier > host.tier => {
            format!(
                "not claimed: it takes containment tier {tier}, and {} claims {}",
                host.name, host.tier
            )
        }
        _ => return Ok(()),
    };
    let kind = Skip::NotClaimed;
    Err(Stop::Outcome(Outcome::Skipped { kind, reason: why }))
}

fn judge_answers(
    trial: &ModuleTrial,
    prepared: &Prepared,
    executed: &Executed,
) -> Result<Vec<PlacedFinding>, Stop> {
    let runs = prepared.checks.len();
    if executed.answers.len() != runs {
        let why = format!(
            "{} of {runs} executions were answered",
            executed.answers.len()
        );
        return Err(Unanswered(why).into());
    }
    let mut findings = Vec::new();
    for (number, (answered, checks)) in executed.answers.iter().zip(&prepared.checks).enumerate() {
        let mut answered = answered.clone();
        let drives = checks.iter().any(|c| c.value.needs_driver());
        let exports = if drives {
            crate::module::take_exports(&mut answered.answer, &prepared.nonce)
        } else {
            None
        };
        let seen = Seen {
            answered: &answered,
            exports: exports.as_ref(),
            sight: &executed.sight,
            secret: &prepared.secret,
            runtime: &executed.stderr,
        };
        for At {
            value: check,
            line,
            column,
            ..
        } in checks
        {
            for mut finding in ModuleCheckSpec::judge(check, &seen)? {
                if runs > 1 {
                    finding.seen =
                        format!("in execution {} of {runs}: {}", number + 1, finding.seen);
                }
                findings.push(placed(trial, check.name(), (*line, *column), finding));
            }
        }
    }
    Ok(findings)
}

fn placed(
    trial: &ModuleTrial,
    check: &str,
    (line, column): (u64, u64),
    finding: Finding,
) -> PlacedFinding {
    let place = Place {
        file: trial.case.path.clone(),
        line,
        column,
    };
    PlacedFinding::new(check, place, finding)
}
