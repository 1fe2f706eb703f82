//! Boots an image with an open and with a sealed network, and without what it uses, and asks what a contract speaks about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adamant_probe::{Action, Command, CommandResult, Listen, Process, TraceEvent};

use super::artifact::{self, Absent, Candidate, Ended};
use super::ready::{self, NOWHERE, Readiness};
use super::tree::Tree;
use super::{Look, Observation, Service, process_name};
use crate::case::{Clock, Fatal, FaultForm, Storage};
use crate::check::{self, fatal::names_it, trace};
use crate::engine::{
    Answer, BootPlan, Engine, EngineError, ErrorKind, Exit, Fault, Image, ImageSource, Instance,
    Log, LogCapture, Network, Question, Reached, Stream, Tmpfs, Until, Watch,
};
use crate::run::{Deadline, monotonic_ns, owner, tmpfs_options};

/// How long nothing may change before a boot counts as settled.
const QUIET: Duration = Duration::from_secs(3);
/// The pause between two looks at a boot that may still change.
const LOOK: Duration = Duration::from_millis(400);
/// How long a signal has to end a boot.
const STOP: Duration = Duration::from_secs(15);
/// How long a boot with something missing has to end at most, as RC-002-05 has it; a boot that is ready soon has less.
const MISSING: Duration = Duration::from_secs(30);
/// Ports that are asked over HTTP.
const MOST_PORTS: usize = 12;
/// How long a command has to tell its version.
const VERSION_MS: u64 = 5_000;
/// What every removal may take.
const REMOVAL: Duration = Duration::from_secs(60);
/// The watches of every boot, in this order.
const FATAL: usize = 0;
const EVENTS_OUT: usize = 1;
const EVENTS_ERR: usize = 2;

/// How an image is observed.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// The id of this run, for labels.
    pub run: String,
    /// The image as the subject file is to name it.
    pub named: String,
    /// Where it comes from.
    pub source: ImageSource,
    /// What replaces its `CMD`.
    pub args: Option<Vec<String>>,
    /// What is added to its environment: as the subject file is to write it, and the value.
    pub env: BTreeMap<String, (String, String)>,
    /// The longest that a boot is watched until it settles.
    pub patience: Duration,
}

/// Boots and asks. `tell` hears what is being done, for a person who waits.
pub fn observe(
    engine: &dyn Engine,
    conditions: &Conditions,
    deadline: &Deadline,
    tell: &dyn Fn(&str),
) -> Result<Observation, EngineError> {
    let described = engine.describe(deadline)?;
    tell(&format!("reading the image `{}`", conditions.named));
    let image = engine.image(&conditions.source, deadline)?;
    let mut observation = Observation {
        named: conditions.named.clone(),
        image: image.clone(),
        engine: format!("{} ({})", described.name, described.version),
        args: conditions.args.clone(),
        env: conditions
            .env
            .iter()
            .map(|(name, (written, _))| (name.clone(), written.clone()))
            .collect(),
        blind: engine.blind(),
        ..Observation::default()
    };
    let observer = Observer {
        engine,
        conditions,
        image: &image,
        blind: observation.blind.is_some(),
        deadline,
    };
    tell("booting it with a network that leads nowhere, and watching until it settles");
    let mut open = observer.plan(Network::Isolated);
    open.trace_reads = open.trace.is_some();
    observation.open = observer.look(&open, None, |_, _| Ok(()))?;
    let Some(choice) = ready::choose(&image, &observation.open) else {
        return Ok(observation);
    };
    if observation
        .open
        .exit
        .as_ref()
        .is_some_and(|exit| exit.code != 0)
    {
        return Ok(observation);
    }
    let tree = Tree::of(&observation);
    let mut sealed = observer.plan(Network::None);
    sealed.read_only = true;
    sealed.tmpfs = observer.tmpfs(&tree);
    tell("booting it without a network, on a read-only root");
    let (candidates, _) = artifact::candidates(&observation);
    let mut versions = BTreeMap::new();
    let signal = image.config.stop_signal.clone();
    let signal = signal.unwrap_or_else(|| "SIGTERM".to_owned());
    let look = observer.look(&sealed, Some(&choice.target), |instance, look| {
        let commands = candidates.iter().filter_map(|c| c.command.as_deref());
        for command in commands {
            if let Some(said) = observer.version(instance, command)? {
                versions.insert(command.to_owned(), said);
            }
        }
        look.stopped = observer.stop(instance, &signal)?;
        Ok(())
    })?;
    observation.sealed = Some(look);
    observation.versions = versions;
    let (candidates, _) = artifact::candidates(&observation);
    for candidate in candidates {
        tell(&format!("booting it without `{}`", candidate.id));
        let ended = observer.without(&candidate, &choice.target, &observation)?;
        observation.without.push(Absent { candidate, ended });
    }
    Ok(observation)
}

struct Observer<'o> {
    engine: &'o dyn Engine,
    conditions: &'o Conditions,
    image: &'o Image,
    blind: bool,
    deadline: &'o Deadline,
}

impl Observer<'_> {
    /// A boot as the contract boots it, but for what the caller changes.
    fn plan(&self, network: Network) -> BootPlan {
        let env = &self.conditions.env;
        BootPlan {
            image: self.image.id.clone(),
            absent: Vec::new(),
            args: self.conditions.args.clone(),
            env: env
                .iter()
                .map(|(name, (_, value))| (name.clone(), value.clone()))
                .collect(),
            user: None,
            workdir: None,
            network,
            read_only: false,
            tmpfs: Vec::new(),
            volumes: Vec::new(),
            binds: Vec::new(),
            cap_drop: Vec::new(),
            cap_add: Vec::new(),
            no_new_privileges: false,
            memory: None,
            pids: None,
            trace: (!self.blind).then(|| "/.adamant-control".to_owned()),
            trace_reads: false,
            clock: Clock::Host,
            hold: false,
            owner: owner(
                &self.conditions.run,
                "init",
                self.deadline.left().unwrap_or_default() + REMOVAL,
            ),
            poll_ms: 20,
        }
    }

    fn tmpfs(&self, tree: &Tree) -> Vec<Tmpfs> {
        let options = tmpfs_options(Storage::Tmpfs, None, self.image);
        tree.writable
            .iter()
            .map(|claim| Tmpfs {
                path: claim.path.clone(),
                options: options.clone(),
            })
            .collect()
    }

    /// One boot from its start to its removal; `last` asks what only that boot is asked.
    fn look(
        &self,
        plan: &BootPlan,
        target: Option<&Readiness>,
        last: impl FnOnce(&dyn Instance, &mut Look) -> Result<(), EngineError>,
    ) -> Result<Look, EngineError> {
        let log = Arc::new(LogCapture::new(watches(target), None));
        let instance = self.engine.start(plan, log.clone(), self.deadline)?;
        let mut look = Look::default();
        let asked = self.ask_all(instance.as_ref(), plan, target, &log, &mut look);
        let asked = asked.and_then(|()| {
            if look.exit.is_none() {
                last(instance.as_ref(), &mut look)?;
            }
            Ok(())
        });
        look.log = log.snapshot();
        let removed = instance.remove(&Deadline::for_cleanup(REMOVAL));
        // The first failure is the one that explains.
        asked.and(removed)?;
        Ok(look)
    }

    fn ask_all(
        &self,
        instance: &dyn Instance,
        plan: &BootPlan,
        target: Option<&Readiness>,
        log: &LogCapture,
        look: &mut Look,
    ) -> Result<(), EngineError> {
        let begun = monotonic_ns();
        let since = |at_ns: u64| at_ns.saturating_sub(begun) / 1_000_000;
        if let Some(target) = target {
            let patience = self.deadline.within(self.conditions.patience);
            match instance.wait(&target.until(), &patience)? {
                Reached::Ready { at_ns, .. } => {
                    look.ready_ms = Some(since(at_ns));
                    look.at_ready = self.drift(instance)?;
                    look.ready_processes = match self.ask(instance, &Question::Processes)? {
                        Answer::Processes(processes) => processes,
                        _ => return Err(unexpected("processes")),
                    };
                }
                Reached::Exited { exit, .. } => {
                    if matches!(target, Readiness::Exit(code) if *code == exit.code) {
                        look.ready_ms = Some(since(monotonic_ns()));
                    }
                    look.exit = Some(exit);
                }
                Reached::TimedOut { .. } => {}
            }
        }
        self.settle(instance, plan, log, look)?;
        look.watched_ms = since(monotonic_ns());
        look.changes = self.drift(instance)?;
        if plan.trace.is_some() {
            look.events = self.trace(instance)?;
        }
        if look.exit.is_none() {
            self.ask_ports(instance, look)?;
        } else {
            // What it said last is on its way.
            log.wait_end(&self.deadline.within(Duration::from_secs(5)));
        }
        Ok(())
    }

    /// Looks again and again until nothing has changed for a while, process 1 has ended, or patience has.
    fn settle(
        &self,
        instance: &dyn Instance,
        plan: &BootPlan,
        log: &LogCapture,
        look: &mut Look,
    ) -> Result<(), EngineError> {
        let until = self.deadline.within(self.conditions.patience);
        let mut before = None;
        let mut quiet_since = monotonic_ns();
        while look.exit.is_none() {
            if let Reached::Exited { exit, .. } =
                instance.wait(&Until::Exit, &until.within(LOOK))?
            {
                look.exit = Some(exit);
                look.settled = true;
                break;
            }
            self.cancelled()?;
            let processes = match self.ask(instance, &Question::Processes) {
                Ok(Answer::Processes(processes)) => processes,
                Ok(_) => return Err(unexpected("processes")),
                // It may have ended between the two questions; the next look says so.
                Err(_) if self.has_ended(instance, look)? => break,
                Err(error) => return Err(error),
            };
            let seen = if plan.trace.is_some() {
                // Who looks at a file again and again has settled all the same.
                let is_news = |event: &&TraceEvent| !matches!(event.action, Action::Read { .. });
                self.trace(instance)?.iter().filter(is_news).count()
            } else {
                0
            };
            let names: Vec<(i32, u64, usize)> = processes
                .iter()
                .map(|p| (p.pid, p.start_ticks, p.listens.len()))
                .collect();
            look.processes = processes;
            let now = Some((names, seen, log.snapshot().bytes));
            if now != before {
                before = now;
                quiet_since = monotonic_ns();
            }
            if Duration::from_nanos(monotonic_ns().saturating_sub(quiet_since)) >= QUIET {
                look.settled = true;
                break;
            }
            if until.left().is_none() {
                break;
            }
        }
        Ok(())
    }

    fn has_ended(&self, instance: &dyn Instance, look: &mut Look) -> Result<bool, EngineError> {
        let second = self.deadline.within(Duration::from_secs(1));
        if let Reached::Exited { exit, .. } = instance.wait(&Until::Exit, &second)? {
            look.exit = Some(exit);
            look.settled = true;
        }
        Ok(look.exit.is_some())
    }

    fn cancelled(&self) -> Result<(), EngineError> {
        if self.deadline.is_cancelled() {
            return Err(EngineError::new(ErrorKind::Cancelled, "observe the image")
                .caused_by("the run was interrupted"));
        }
        if self.deadline.left().is_none() {
            return Err(EngineError::new(ErrorKind::TimedOut, "observe the image")
                .caused_by("the time for it was up"));
        }
        Ok(())
    }

    fn ask(&self, instance: &dyn Instance, question: &Question) -> Result<Answer, EngineError> {
        instance.ask(question, self.deadline)
    }

    fn drift(&self, instance: &dyn Instance) -> Result<Vec<crate::engine::Change>, EngineError> {
        match self.ask(instance, &Question::Drift)? {
            Answer::Drift(changes) => Ok(changes),
            _ => Err(unexpected("changes")),
        }
    }

    /// What the subject's processes did; a trace that did not see its own control is no trace.
    fn trace(&self, instance: &dyn Instance) -> Result<Vec<TraceEvent>, EngineError> {
        let answer = self.ask(instance, &Question::Trace)?;
        let boot = check::Boot {
            answers: vec![Ok(answer)],
            ..check::Boot::default()
        };
        let seen = trace::events(&boot, 0).map_err(|why| {
            EngineError::new(ErrorKind::Engine, "watch the processes of a boot").caused_by(why)
        })?;
        Ok(seen.events.to_vec())
    }

    fn ask_ports(&self, instance: &dyn Instance, look: &mut Look) -> Result<(), EngineError> {
        let listeners: Vec<(&Process, &Listen)> = look
            .processes
            .iter()
            .flat_map(|process| process.listens.iter().map(move |listen| (process, listen)))
            .collect();
        let mut services: Vec<Service> = Vec::new();
        for (process, listen) in &listeners {
            match listen {
                Listen::Tcp { address, port } if on_loopback(address) => {
                    if services.iter().all(|service| service.port != *port) {
                        services.push(Service {
                            port: *port,
                            process: process_name(&process.argv),
                            answers: Vec::new(),
                        });
                    }
                }
                Listen::Tcp { .. } => {}
                Listen::Unix { path } => look.sockets.push(path.clone()),
            }
        }
        services.sort_by_key(|service| service.port);
        services.truncate(MOST_PORTS);
        for service in &mut services {
            for path in ready::paths() {
                let question = Question::Http {
                    port: service.port,
                    path: path.to_owned(),
                };
                let few = self.deadline.within(Duration::from_secs(5));
                let Ok(Answer::Http(answer)) = instance.ask(&question, &few) else {
                    break;
                };
                // Whoever does not answer the first is no HTTP server.
                if path == NOWHERE && answer.status.is_none() {
                    break;
                }
                service.answers.push((path.to_owned(), answer));
            }
        }
        look.services = services;
        look.sockets.sort_unstable();
        look.sockets.dedup();
        Ok(())
    }

    /// What a command says to `--version`, or to `-v` and `-V`, when it ends well and says a number.
    fn version(
        &self,
        instance: &dyn Instance,
        command: &str,
    ) -> Result<Option<CommandResult>, EngineError> {
        for option in ["--version", "-v", "-V"] {
            let question = Question::Commands {
                commands: vec![Command {
                    argv: vec![command.to_owned(), option.to_owned()],
                    timeout_ms: VERSION_MS,
                }],
            };
            let Answer::Commands(results) = self.ask(instance, &question)? else {
                return Err(unexpected("the results of commands"));
            };
            let said = results.into_iter().next().filter(|r| r.exit == Some(0));
            if let Some(said) = said.filter(|r| super::write::version_of(r).is_some()) {
                return Ok(Some(said));
            }
        }
        Ok(None)
    }

    fn stop(
        &self,
        instance: &dyn Instance,
        signal: &str,
    ) -> Result<Option<crate::engine::Stopped>, EngineError> {
        let question = Question::Stop {
            signal: signal.to_owned(),
            within: STOP,
        };
        match self.ask(instance, &question)? {
            Answer::Stopped(stopped) => Ok(Some(stopped)),
            _ => Err(unexpected("how it stopped")),
        }
    }

    /// A boot from which an artifact was taken, under the conditions of RC-002-05.
    fn without(
        &self,
        candidate: &Candidate,
        target: &Readiness,
        observation: &Observation,
    ) -> Result<Ended, EngineError> {
        let said = candidate.command.as_ref();
        let said = said.and_then(|command| observation.versions.get(command));
        let artifact = candidate.artifact(said.map(|said| said.argv.as_slice()));
        let paths = match crate::run::absent_paths(&artifact, self.image) {
            Ok(paths) if !paths.is_empty() => paths,
            Ok(_) => return Ok(Ended::Untried("the image has no such file".to_owned())),
            Err(why) => return Ok(Ended::Untried(why)),
        };
        let mut plan = self.plan(Network::None);
        plan.trace = None;
        let form = FaultForm::Absent;
        plan.absent = paths
            .into_iter()
            .map(|path| Fault::new(path, form))
            .collect();
        let log = Arc::new(LogCapture::new(watches(Some(target)), None));
        let instance = self.engine.start(&plan, log.clone(), self.deadline)?;
        let ready_ms = observation.sealed.as_ref().and_then(|look| look.ready_ms);
        let patience = ready_ms.map_or(MISSING, |ms| ready::with_margin(ms, 10).0.min(MISSING));
        let reached = instance.wait(&target.until(), &self.deadline.within(patience));
        if let Ok(Reached::Exited { .. }) = reached {
            log.wait_end(&self.deadline.within(Duration::from_secs(5)));
        }
        let removed = instance.remove(&Deadline::for_cleanup(REMOVAL));
        let reached = reached?;
        removed?;
        self.cancelled()?;
        let log = log.snapshot();
        Ok(match reached {
            Reached::Ready { .. } => Ended::Ready,
            Reached::TimedOut { .. } => {
                Ended::Neither(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX))
            }
            Reached::Exited { exit, .. } if matches!(target, Readiness::Exit(code) if *code == exit.code) => {
                Ended::Ready
            }
            Reached::Exited { exit, .. } => Ended::Exit {
                fatal: fatal_line(&log, &exit, &artifact.names()),
                last: last_line(&log, &artifact.names()),
                events: has_events(&observation.open.log)
                    .then(|| missing_events(&log))
                    .flatten(),
                exit,
            },
        })
    }
}

fn unexpected(what: &str) -> EngineError {
    EngineError::new(ErrorKind::Engine, format!("learn {what} of a boot"))
        .caused_by("the engine answered another question")
}

/// Whether a socket that is bound to an address can be reached on loopback.
/// Where a daemon's own name server listens, at a port that it chooses at each boot: no service of the subject.
const DAEMON: std::net::Ipv4Addr = std::net::Ipv4Addr::new(127, 0, 0, 11);

fn on_loopback(address: &str) -> bool {
    let ip = address.parse::<std::net::IpAddr>();
    ip.is_ok_and(|ip| (ip.is_loopback() && ip != DAEMON) || ip.is_unspecified())
}

fn watches(target: Option<&Readiness>) -> Vec<Watch> {
    let started = regex::Regex::new(r#"^\s*\{.*"BootstrapStarted""#).expect("a valid pattern");
    let of = |stream| Watch {
        stream: Some(stream),
        pattern: started.clone(),
    };
    let fatal = Fatal::default();
    let mut watches = vec![
        Watch {
            stream: fatal.stream.stream(),
            pattern: fatal.matches.0,
        },
        of(Stream::Stdout),
        of(Stream::Stderr),
    ];
    if let Some(Readiness::Output(pattern)) = target {
        debug_assert_eq!(watches.len(), ready::OUTPUT);
        watches.push(Watch {
            stream: None,
            pattern: pattern.clone(),
        });
    }
    watches
}

/// The stream on which the bootstrap's events were written.
pub(super) fn events_stream(log: &Log) -> Option<Stream> {
    let matched = |watch: usize| log.matches.get(watch).is_some_and(|(count, _)| *count > 0);
    match (matched(EVENTS_OUT), matched(EVENTS_ERR)) {
        (true, _) => Some(Stream::Stdout),
        (_, true) => Some(Stream::Stderr),
        _ => None,
    }
}

fn has_events(log: &Log) -> bool {
    events_stream(log).is_some()
}

/// What RC-002-05 asks of the events of a boot with something missing, and this one did not write.
fn missing_events(log: &Log) -> Option<String> {
    let said = |name: &str| {
        [&log.head, &log.tail]
            .iter()
            .any(|text| text.contains(&format!("\"{name}\"")))
    };
    let missing: Vec<&str> = ["MissingArtifactDetected", "BootstrapFailed"]
        .into_iter()
        .filter(|name| !said(name))
        .collect();
    (!missing.is_empty()).then(|| missing.join(" and "))
}

/// The line that names what is missing and counts as fatal; the runtime's own words count where it could not start.
fn fatal_line(log: &Log, exit: &Exit, names: &[String]) -> Option<String> {
    let names_one = |text: &str| names.iter().any(|name| names_it(text, name));
    if let Some(words) = exit.refused.as_ref().filter(|words| names_one(words)) {
        return Some(words.clone());
    }
    let (_, lines) = log.matches.get(FATAL)?;
    let line = lines.iter().find(|line| names_one(&line.text))?;
    Some(line.text.clone())
}

/// The last line that names what is missing, else the last that is no event, else the last.
fn last_line(log: &Log, names: &[String]) -> Option<String> {
    let text = if log.tail.is_empty() {
        &log.head
    } else {
        &log.tail
    };
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let names_one = |line: &&&str| names.iter().any(|name| names_it(line, name));
    let by_name = lines.iter().rfind(names_one);
    let plain = by_name.or_else(|| lines.iter().rfind(|line| !line.starts_with('{')));
    plain.or(lines.last()).map(|line| (*line).to_owned())
}

/// Where somebody tried to go, and who, each once.
pub(super) fn departures(look: &Look) -> Vec<String> {
    let names = check::egress::names(&look.events);
    let mut all: Vec<String> = look
        .events
        .iter()
        .filter_map(|event| {
            let what = check::egress::leaves(&names, &event.action)?;
            Some(format!("{} {what}", process_name(&event.actor.argv)))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The programs that changed into something which is refused: a search along `PATH` is no event of its own.
pub(super) fn ran(look: &Look) -> usize {
    let is_run = |event: &&TraceEvent| matches!(event.action, Action::Exec { refused: None, .. });
    look.events.iter().filter(is_run).count()
}
