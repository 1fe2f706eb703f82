//! One container: what it was started from, and where its questions go.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::engine::{
    Answer, BootPlan, EngineError, ErrorKind, Exit, Image, Instance, LogCapture, Network, Question,
    Reached, Terminal, Took, Trace, Until,
};
use adamant_core::run::Deadline;
use serde_json::json;

use super::companion::{Companion, Wanted};
use super::exec::out_of_time;
use super::life::Life;
use super::seats::Seats;
use super::user::User;
use super::{ground, spec};
use crate::supervisor::Supervisor;
use crate::{ask, converse};

/// A container of ours.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) plan: BootPlan,
    /// What it was started from, absent paths taken away.
    pub(super) image: Arc<Image>,
    /// Its layers, unpacked, the topmost first.
    pub(super) lowers: Vec<PathBuf>,
    pub(super) user: User,
    /// Directories of the host behind its volumes, by their paths in it.
    pub(super) volumes: BTreeMap<String, PathBuf>,
    /// Whether what it writes to its root is in memory.
    pub(super) in_memory: bool,
    pub(super) log: Arc<LogCapture>,
    pub(super) life: Life,
    /// How it ended before it began, when its executable could not be started.
    pub(super) refused: Option<Exit>,
    /// Who watches its processes, when somebody asked for it.
    pub(super) trace: Option<Mutex<Supervisor>>,
    pub(super) companions: Mutex<Vec<Companion>>,
    pub(super) probe: PathBuf,
    pub(super) took: Took,
    pub(super) seats: Seats,
}

impl Container {
    /// What a process in it is made from.
    pub(super) fn ground(&self) -> spec::Ground<'_> {
        spec::Ground {
            name: &self.name,
            dir: &self.dir,
            image: &self.image,
            user: &self.user,
            probe: &self.probe,
            socket: None,
            volumes: &self.volumes,
        }
    }

    /// The error for a question that comes too late; `None` while the container runs.
    pub(super) fn ended_error(&self, attempt: &str) -> Option<EngineError> {
        let code = match &self.refused {
            Some(exit) => exit.code,
            None => self.life.known().exit?.code.into(),
        };
        let why = format!("the container has exited with code {code}");
        Some(EngineError::new(ErrorKind::Engine, attempt).caused_by(why))
    }

    /// In a traced boot it is the launcher that finds out that the subject's executable cannot be started.
    pub(super) fn refused_by_launcher(&self) -> Option<String> {
        let trace = self.trace.as_ref()?;
        let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.refused().map(|errno| format!("exec: {errno}"))
    }

    fn join(&self, alias: &str, port: u16, deadline: &Deadline) -> Result<Answer, EngineError> {
        let attempt = format!("start the companion `{alias}` for `{}`", self.name);
        if self.plan.network != Network::Isolated {
            return Err(EngineError::new(ErrorKind::Unsupported, attempt)
                .caused_by("the boot has no network to join"));
        }
        let mut companions = self
            .companions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let number = u8::try_from(companions.len())
            .map_err(|error| EngineError::new(ErrorKind::Unsupported, attempt).caused_by(error))?;
        companions.push(Companion::start(
            &Wanted {
                alias,
                port,
                number,
                shim: self.life.shim,
                hosts: &self.dir.join("hosts"),
            },
            deadline,
        )?);
        Ok(Answer::Joined)
    }

    fn companion_peers(&self, deadline: &Deadline) -> Result<Answer, EngineError> {
        let companions = self
            .companions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let peers = companions.iter().map(|companion| companion.peers(deadline));
        let peers: Vec<Vec<String>> = peers.collect::<Result<_, _>>()?;
        Ok(Answer::Peers(peers.concat()))
    }

    fn traced(&self, deadline: &Deadline) -> Result<Trace, EngineError> {
        let Some(trace) = &self.trace else {
            let attempt = format!("read the trace of `{}`", self.name);
            return Err(EngineError::new(ErrorKind::Unsupported, attempt)
                .caused_by("the boot was not traced"));
        };
        let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.trace(deadline)
    }
}

impl Instance for Container {
    fn id(&self) -> &str {
        &self.name
    }

    fn took(&self) -> Took {
        self.took
    }

    fn wait(&self, until: &Until, deadline: &Deadline) -> Result<Reached, EngineError> {
        self.wait_until(until, deadline)
    }

    fn ask(&self, question: &Question, deadline: &Deadline) -> Result<Answer, EngineError> {
        match question {
            Question::Drift => self.drift(deadline),
            Question::Stop { signal, within } => self.stop(signal, *within, deadline),
            Question::StopBeside {
                stand_in,
                signal,
                within,
            } => converse::stop_beside(self, stand_in, deadline, || {
                self.stop(signal, *within, deadline)
            }),
            Question::Companion { alias, port } => self.join(alias, *port, deadline),
            Question::CompanionPeers => self.companion_peers(deadline),
            Question::Trace => self.traced(deadline).map(Answer::Trace),
            Question::Loaded => ask::loaded(self, &self.image, self.traced(deadline)?, deadline),
            Question::ProcessesAfter { pause } => {
                if !deadline.pause(*pause) {
                    return Err(out_of_time(&format!("observe `{}`", self.name), deadline));
                }
                ask::answer(self, question, deadline)
            }
            _ => ask::answer(self, question, deadline),
        }
    }

    fn open(
        &self,
        argv: &[String],
        terminal: &Terminal,
        deadline: &Deadline,
    ) -> Result<i64, EngineError> {
        self.on_terminal(argv, terminal, deadline)
    }

    fn inspect(&self, _deadline: &Deadline) -> Result<serde_json::Value, EngineError> {
        let known = self.life.known();
        let spec = spec::spec(&self.plan, &self.ground())?;
        let process = &spec["process"];
        Ok(json!({
            "Id": self.name,
            "Image": self.image.id,
            "State": {
                "Running": known.exit.is_none() && self.refused.is_none(),
                "Pid": known.pid,
                "ExitCode": known.exit.map(|exit| exit.code),
                "OOMKilled": known.exit.map(|exit| exit.oom_killed),
            },
            "Config": {
                "Args": process["args"],
                "Env": process["env"],
                "User": process["user"],
                "WorkingDir": process["cwd"],
                "Capabilities": process["capabilities"]["bounding"],
                "NoNewPrivileges": process["noNewPrivileges"],
            },
            "ReadonlyRootfs": self.plan.read_only,
            "Resources": spec["linux"]["resources"],
            "Mounts": spec["mounts"],
        }))
    }

    fn remove(mut self: Box<Self>, deadline: &Deadline) -> Result<(), EngineError> {
        // Companions end with their handles, before the network that they lead to goes.
        self.companions
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        match self.life.remove(&self.name, deadline) {
            Ok(Some(follower)) => self.seats.see_off(&self.name, &self.dir, follower),
            Ok(None) => Ok(()),
            // A shim that was killed leaves what it made: then it is done here.
            Err(_) => ground::sweep(&self.name, &self.dir, deadline),
        }
    }
}
