//! Any runtime behind the adapter protocol: a command that answers JSON lines. Our isolates are one of them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use adamant_core::check::module::runtime_says;
use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::module::wire::{
    Answer, Capability, Ended, Execute, FromAdapter, PROTOCOL, Ready, ToAdapter,
};
use adamant_core::module::{
    Answered, Executed, HostDescription, HostPlan, HostTrace, ModuleHost, Sight,
};
use adamant_core::run::Deadline;

use super::child::{Child, Heard};
use super::prepare::Surroundings;
use super::trap::{Trap, Work};

/// How long a runtime may take to say that it is ready.
const READY: Duration = Duration::from_secs(20);
/// How long it may take to end when its standard input was closed.
const GOODBYE: Duration = Duration::from_millis(500);

/// A runtime that is started by a command.
#[derive(Debug)]
pub struct Adapter {
    name: &'static str,
    words: Vec<String>,
    /// Whether it gets the environment of the host, which only its `PATH` is needed of otherwise.
    inherits: bool,
    described: Mutex<Option<HostDescription>>,
}

impl Adapter {
    /// `adapter: COMMAND`, split as a shell would.
    pub fn command(command: &str) -> Result<Self, String> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words
            .ok_or_else(|| format!("`{command}` is no command that can be split into words"))?;
        Ok(Self {
            name: "adapter",
            words,
            inherits: true,
            described: Mutex::default(),
        })
    }

    /// The reference runtime: `program` is `adamant-isolate`.
    #[must_use]
    pub fn isolate(program: &std::path::Path) -> Self {
        let words = vec![program.to_string_lossy().into_owned(), "adapter".to_owned()];
        Self {
            name: "isolate",
            words,
            inherits: false,
            described: Mutex::default(),
        }
    }

    fn shown(&self) -> String {
        match self.name {
            // Where our own executable is says nothing to a reader, and is another place on each machine.
            "isolate" => "adamant-isolate adapter".to_owned(),
            _ => self.words.join(" "),
        }
    }

    fn start(
        &self,
        surroundings: &Surroundings,
        deadline: &Deadline,
    ) -> Result<Running, EngineError> {
        let attempt = || format!("start the runtime `{}`", self.shown());
        let failed = |kind, why: String| {
            EngineError::new(kind, attempt()).caused_by(why).hint(
                "the command must write a `ready` line to standard output; `cases/module/README.md` tells the protocol",
            )
        };
        let [program, words @ ..] = self.words.as_slice() else {
            return Err(failed(ErrorKind::Input, "there is no command".to_owned()));
        };
        let program = self
            .locate(program)
            .map_err(|why| failed(ErrorKind::Input, why))?;
        let (mut trap, blind) = match Trap::set() {
            Ok((trap, probe)) => (Some((trap, probe)), None),
            Err(error) => (
                None,
                Some(adamant_core::report::text::causes(&error).join(": ")),
            ),
        };
        let mut command = match &trap {
            Some((trap, probe)) => trap.command(probe, program.as_os_str(), words),
            None => {
                let mut command = Command::new(&program);
                command.args(words);
                command
            }
        };
        if !self.inherits {
            command.env_clear().env("TZ", "UTC").current_dir("/");
        }
        command.env("PATH", surroundings.path());
        command.env("TMPDIR", surroundings.scratch());
        let mut child =
            Child::start(command).map_err(|e| failed(ErrorKind::Input, e.to_string()))?;
        if let Some((trap, _)) = &mut trap {
            let ended = std::cell::RefCell::new(&mut child);
            trap.wait_attached(|| ended.borrow_mut().has_ended(), deadline)?;
        }
        let ready = match child
            .hear(&deadline.within(READY.mul_f64(adamant_core::env::timeout_scale().max(1.0))))
        {
            Ok(Heard::Line(line)) => ready(&line),
            Ok(Heard::Silence) => Err("it did not say that it was ready".to_owned()),
            Ok(Heard::End) => Err(format!(
                "it ended without a `ready` line: {}",
                child.end(GOODBYE)
            )),
            Err(error) => Err(error.to_string()),
        };
        let ready = ready.map_err(|why| {
            let stderr = child.stderr();
            let told = stderr
                .trim_end()
                .lines()
                .last()
                .map(|l| format!(" (standard error: {l})"));
            failed(ErrorKind::Engine, why + &told.unwrap_or_default())
        })?;
        let trap = trap.map(|(mut trap, _)| {
            trap.arm(child.pid());
            trap
        });
        Ok(Running {
            child,
            trap,
            blind,
            ready,
        })
    }

    /// The program as a file: what `PATH` means must not change by the decoys that stand before it.
    fn locate(&self, program: &str) -> Result<PathBuf, String> {
        if program.contains('/') {
            return std::path::absolute(program).map_err(|e| e.to_string());
        }
        let path = adamant_core::env::host("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|dir| dir.join(program));
        places
            .find(|p| p.is_file())
            .ok_or_else(|| format!("`{program}` is not on `PATH`"))
    }

    fn description(&self, ready: &Ready) -> HostDescription {
        let mut capabilities = ready.capabilities.clone();
        // Nobody is asked whether packages run inside of the runtime: that is what it is.
        capabilities.push(Capability::InVm);
        capabilities.sort_unstable();
        capabilities.dedup();
        HostDescription {
            name: ready.name.clone(),
            version: ready.version.clone(),
            platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            capabilities,
            tier: ready.tier,
            command: self.shown(),
        }
    }
}

fn ready(line: &str) -> Result<Ready, String> {
    match serde_json::from_str(line) {
        Ok(FromAdapter::Ready(ready)) if ready.protocol == PROTOCOL => Ok(ready),
        Ok(FromAdapter::Ready(ready)) => Err(format!(
            "it speaks protocol {}, and this harness speaks {PROTOCOL}",
            ready.protocol
        )),
        Ok(FromAdapter::Answer(_)) => Err("its first line is an answer".to_owned()),
        Err(error) => {
            let start: String = line.chars().take(200).collect();
            Err(format!(
                "its first line is not a `ready` line: {error}: {}",
                start.trim_end()
            ))
        }
    }
}

/// A runtime at work.
struct Running {
    child: Child,
    trap: Option<Trap>,
    blind: Option<String>,
    ready: Ready,
}

/// What came of a question.
enum Reply {
    Answer(Box<Answer>),
    /// The process is of no use any more.
    Gone(String),
}

/// Why there is no answer that could be judged.
struct Unreadable {
    kind: ErrorKind,
    attempt: String,
    why: String,
}

impl Running {
    fn ask(&mut self, execute: &Execute, deadline: &Deadline) -> Result<Reply, Unreadable> {
        let question = ToAdapter::Execute(Box::new(execute.clone()));
        let broken = |why: String| Unreadable {
            kind: ErrorKind::Engine,
            attempt: format!("read the answer to execution {}", execute.id),
            why,
        };
        let mut line = serde_json::to_vec(&question).map_err(|e| broken(e.to_string()))?;
        line.push(b'\n');
        self.child.say(line);
        match self.child.hear(deadline) {
            Ok(Heard::Line(line)) => match serde_json::from_str(&line) {
                Ok(FromAdapter::Answer(answer)) if answer.id == execute.id => {
                    Ok(Reply::Answer(answer))
                }
                Ok(FromAdapter::Answer(answer)) => Err(broken(format!(
                    "it has the id {}, which was not asked",
                    answer.id
                ))),
                Ok(FromAdapter::Ready(_)) => Err(broken("it is another `ready` line".to_owned())),
                Err(error) => {
                    let start: String = line.chars().take(200).collect();
                    Err(broken(format!(
                        "it is no answer: {error}: {}",
                        start.trim_end()
                    )))
                }
            },
            Ok(Heard::End) => Ok(Reply::Gone(self.child.end(GOODBYE))),
            Ok(Heard::Silence) if deadline.is_cancelled() => Err(Unreadable {
                kind: ErrorKind::Cancelled,
                attempt: format!("wait for execution {}", execute.id),
                why: "the run was interrupted".to_owned(),
            }),
            Ok(Heard::Silence) => Ok(Reply::Gone(
                "it did not answer in time and was killed".to_owned(),
            )),
            Err(error) => Err(broken(error.to_string())),
        }
    }

    /// Ends a runtime that cannot be understood; what it wrote to its standard error may tell why.
    fn last_words(&mut self, broken: Unreadable) -> EngineError {
        let Unreadable { kind, attempt, why } = broken;
        self.child.end(GOODBYE);
        let stderr = self.child.stderr();
        let said = runtime_says(&stderr).into_iter();
        let why: Vec<String> = std::iter::once(why).chain(said).collect();
        EngineError::new(kind, attempt).caused_by(why.join("\n    "))
    }

    /// What was seen of it, and what it wrote to standard error; it is gone afterwards.
    fn end(
        mut self,
        sight: &mut Option<Sight>,
        stderr: &mut String,
        linger: Duration,
        deadline: &Deadline,
    ) {
        let pid = self.child.pid();
        let mut idle = None;
        if !linger.is_zero() && !self.child.has_ended() {
            let before = (Instant::now(), Work::of(pid));
            let _ = deadline.pause(linger);
            let after = Work::of(pid);
            let time = u64::try_from(before.0.elapsed().as_millis()).unwrap_or(u64::MAX);
            idle = Some((after.since(&before.1), time));
        }
        let mut seen = match (&mut self.trap, &self.blind) {
            (Some(trap), _) => trap.look(pid, &Deadline::for_cleanup(Duration::from_secs(10))),
            (None, why) => Sight::Blind(why.clone().unwrap_or_default()),
        };
        if let Sight::Seen(trace) = &mut seen {
            trace.idle_cpu = idle;
        }
        self.child.end(GOODBYE);
        stderr.push_str(&self.child.stderr());
        *sight = Some(match (sight.take(), seen) {
            (None, seen) => seen,
            (Some(Sight::Seen(earlier)), Sight::Seen(later)) => Sight::Seen(HostTrace {
                processes: [earlier.processes, later.processes].concat(),
                idle_cpu: later.idle_cpu.or(earlier.idle_cpu),
            }),
            (Some(Sight::Seen(_)), blind) => blind,
            (Some(earlier), _) => earlier,
        });
    }
}

impl ModuleHost for Adapter {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self, deadline: &Deadline) -> Result<HostDescription, EngineError> {
        let mut described = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(described) = &*described {
            return Ok(described.clone());
        }
        let nothing = HostPlan {
            name: self.name.to_owned(),
            executions: Vec::new(),
            decoys: Vec::new(),
            decoy_says: String::new(),
            canary: None,
            patience: Duration::ZERO,
            linger: Duration::ZERO,
        };
        let mut running = self.start(&Surroundings::make(&nothing)?, deadline)?;
        let description = self.description(&running.ready);
        running.child.end(GOODBYE);
        *described = Some(description.clone());
        Ok(description)
    }

    fn execute(&self, plan: &HostPlan, deadline: &Deadline) -> Result<Executed, EngineError> {
        let surroundings = Surroundings::make(plan)?;
        let (mut answers, mut sight, mut stderr) = (Vec::new(), None, String::new());
        let mut running = None;
        for execute in &plan.executions {
            let mut now = match running.take() {
                Some(running) => running,
                // The first execution, or the last one took the process with it.
                None => self.start(&surroundings, deadline)?,
            };
            let asked = Instant::now();
            let patience = Duration::from_millis(execute.request.limits.wall_ms) + plan.patience;
            let reply = now.ask(execute, &deadline.within(patience));
            let reply = reply.map_err(|broken| now.last_words(broken))?;
            let took = asked.elapsed();
            let answer = match reply {
                Reply::Answer(answer) => {
                    running = Some(now);
                    *answer
                }
                Reply::Gone(how) => {
                    now.end(&mut sight, &mut stderr, Duration::ZERO, deadline);
                    Answer::ended(execute.id, Ended::Lost, how)
                }
            };
            answers.push(Answered { answer, took });
        }
        if let Some(running) = running {
            running.end(&mut sight, &mut stderr, plan.linger, deadline);
        }
        let sight = sight.unwrap_or(Sight::Blind("nothing was executed".to_owned()));
        Ok(Executed {
            answers,
            sight,
            stderr,
        })
    }
}
