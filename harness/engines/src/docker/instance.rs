//! One container: what it was started from, and where its questions go.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::engine::{
    Answer, BootPlan, EngineError, ErrorKind, Exit, Image, Instance, LogCapture, Question, Reached,
    Terminal, Took, Trace, Until,
};
use adamant_core::run::Deadline;

use super::client::Client;
use super::companion::{Companion, Wanted};
use super::output::{ExitWatch, Task};
use super::podman;
use crate::owner::{self, Here};
use crate::supervisor::{Place, Supervisor};
use crate::{ask, converse};

/// A container of ours.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) client: Arc<Client>,
    pub(super) name: String,
    pub(super) plan: BootPlan,
    /// What it was started from, absent paths taken away.
    pub(super) image: Arc<Image>,
    pub(super) log: Arc<LogCapture>,
    pub(super) exit: ExitWatch,
    /// How it ended before it began, when its executable could not be started.
    pub(super) refused: Option<Exit>,
    /// Files of the host that it sees in `/etc`; they go with it.
    pub(super) files: Option<Place>,
    pub(super) network: Option<String>,
    pub(super) here: Here,
    /// Who watches its processes, when somebody asked for it.
    pub(super) trace: Option<Mutex<Supervisor>>,
    pub(super) companions: Mutex<Vec<Companion>>,
    pub(super) joined: AtomicU32,
    pub(super) took: Took,
    /// The tasks that take its output and watch for its end.
    pub(super) tasks: Vec<Task>,
}

impl Container {
    /// The error for a question that comes too late; `None` while the container runs.
    pub(super) fn ended_error(&self, attempt: &str) -> Option<EngineError> {
        let why = match self.exit.seen()? {
            Ok(()) => match self.exit_record() {
                Ok(exit) => format!("the container has exited with code {}", exit.code),
                Err(_) => "the container has exited".to_owned(),
            },
            Err(why) => why,
        };
        Some(EngineError::new(ErrorKind::Engine, attempt).caused_by(why))
    }

    fn join(&self, alias: &str, port: u16, deadline: &Deadline) -> Result<Answer, EngineError> {
        let attempt = format!("start the companion `{alias}` for `{}`", self.name);
        let Some(network) = &self.network else {
            return Err(EngineError::new(ErrorKind::Unsupported, attempt)
                .caused_by("the boot has no network to join"));
        };
        let number = self.joined.fetch_add(1, Ordering::SeqCst);
        let name = format!("{}-companion-{number}", self.name);
        let labels = owner::labels(&self.plan.owner, &self.here);
        let companion = Companion::start(
            &self.client,
            Wanted {
                name,
                network,
                alias,
                port,
                labels,
            },
            deadline,
        )?;
        let named = self.files.as_ref().map_or(Ok(()), |files| {
            let address = companion.address(&self.client, network, deadline)?;
            podman::name(files, &address, alias)
        });
        self.companions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(companion);
        named.map(|()| Answer::Joined)
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

    fn companion_peers(&self, deadline: &Deadline) -> Result<Answer, EngineError> {
        let companions = self
            .companions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut peers = Vec::new();
        for companion in companions.iter() {
            peers.extend(companion.peers(&self.client, deadline)?);
        }
        Ok(Answer::Peers(peers))
    }

    /// Everything is tried; the first failure is told.
    fn clear(&mut self, deadline: &Deadline) -> Result<(), EngineError> {
        let companions = std::mem::take(
            self.companions
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let companions: Vec<_> = companions
            .into_iter()
            .map(|companion| companion.remove(&self.client, deadline))
            .collect();
        let container = self.client.remove(&self.name, deadline).map(|_| ());
        self.tasks.clear();
        let network = self.network.as_deref().map_or(Ok(()), |network| {
            self.client.remove_network(network, deadline).map(|_| ())
        });
        let memory = podman::forget(&self.client, &self.name, &self.plan, deadline);
        companions
            .into_iter()
            .chain([container, network, memory])
            .collect()
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
                    let kind = if deadline.is_cancelled() {
                        ErrorKind::Cancelled
                    } else {
                        ErrorKind::TimedOut
                    };
                    return Err(EngineError::new(kind, format!("observe `{}`", self.name))
                        .caused_by("the time for it was up"));
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

    fn inspect(&self, deadline: &Deadline) -> Result<serde_json::Value, EngineError> {
        let attempt = format!("inspect `{}`", self.name);
        let record = self.client.inspect(&self.name, deadline)?;
        let record = record
            .ok_or_else(|| EngineError::new(ErrorKind::Engine, &attempt).caused_by("it is gone"))?;
        serde_json::to_value(record)
            .map_err(|error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error))
    }

    fn remove(mut self: Box<Self>, deadline: &Deadline) -> Result<(), EngineError> {
        self.clear(deadline)
    }
}
