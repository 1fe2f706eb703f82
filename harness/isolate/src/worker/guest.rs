//! A worker that runs packages: what it is asked, what it answers, and both ends of its pipe.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adamant_modules::{DirectoryTree, MemoryTree, Tree};
use serde::{Deserialize, Serialize};

use super::{Answers, Launch, Worker, WorkerError};
use crate::Network;
use crate::cache::{CacheMetrics, CodeCache};
use crate::confine::{self, ConfineError, Confinement, Policy};
use crate::execution::{Execution, Health, Package, Request};
use crate::isolate::Isolate;
use crate::memory::Memory;

/// How much longer than the wall clock of its request a worker may take to answer, before it is killed: its own isolate's grace
/// for a termination, and a busy machine.
const BEYOND: Duration = Duration::from_secs(5);

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// How far it is confined.
    Confinement,
    /// To have an isolate ready; it answers as to [`Question::Confinement`].
    Warm(Memory),
    /// To run a package.
    Execute(Box<Execute>),
}

/// A package and what is asked of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execute {
    /// Its files.
    pub files: Files,
    /// Names their content; empty to keep no code.
    #[serde(default)]
    pub hash: String,
    /// Names whom it belongs to.
    #[serde(default)]
    pub function_id: String,
    /// What it may use; another one than before means another isolate.
    #[serde(default)]
    pub memory: Memory,
    /// Whether the answer tells what the cache of code did so far.
    #[serde(default)]
    pub measure: bool,
    /// How it is run.
    #[serde(default)]
    pub request: Request,
}

/// The files of a package.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Files {
    /// A directory below one that the worker may read.
    Directory(PathBuf),
    /// Their texts, by guest path.
    Inline(BTreeMap<String, String>),
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Which walls stand around it.
    Confinement(Confinement),
    /// What became of the execution.
    Execution(Box<Execution>),
    /// The same, and what the cache of code did since the worker started.
    Measured(Box<Execution>, CacheMetrics),
    /// It could not be tried.
    Error(String),
}

/// Why a worker could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// Its standard output could not be taken.
    #[error("cannot take standard output")]
    Output(#[source] std::io::Error),
    /// It could not be confined.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// The thread that hears the network's broker did not start.
    #[error("cannot hear the broker of the network")]
    Network(#[source] std::io::Error),
    /// A message did not come or go.
    #[error(transparent)]
    Message(#[from] WorkerError),
}

/// Becomes a worker: confines this process, which must be single-threaded, and answers until nobody asks any more. It keeps the
/// compiled code of `modules` modules. `connect` is called inside of the walls: what it gives lets guests ask a broker that was
/// started before them.
///
/// # Errors
/// When it cannot be confined, or what it is asked is no question.
pub fn serve(
    policy: &Policy,
    modules: usize,
    connect: impl FnOnce() -> std::io::Result<Option<Network>>,
) -> Result<(), GuestError> {
    let answers = Answers::take().map_err(GuestError::Output)?;
    let confinement = confine::apply(policy)?;
    let mut runner = Runner {
        isolate: None,
        network: connect().map_err(GuestError::Network)?,
        tree: None,
        cache: Arc::new(CodeCache::new(modules)),
    };
    let answer = |question: Question| match question {
        Question::Confinement => Ok(Answer::Confinement(confinement.clone())),
        Question::Warm(memory) => runner
            .warm(memory)
            .map(|()| Answer::Confinement(confinement.clone())),
        Question::Execute(execute) => runner.execute(*execute),
    };
    let mut answer = answer;
    answers.serve(|question| answer(question).unwrap_or_else(Answer::Error))?;
    Ok(())
}

/// The inside of a worker.
struct Runner {
    isolate: Option<(Memory, Isolate)>,
    /// What its guests may ask, if anything.
    network: Option<Network>,
    /// The directory that was opened last; it stays the same one, whatever becomes of its name.
    tree: Option<(PathBuf, Arc<DirectoryTree>)>,
    cache: Arc<CodeCache>,
}

impl Runner {
    fn warm(&mut self, memory: Memory) -> Result<(), String> {
        self.isolate = Some((memory, self.isolate(memory)?));
        Ok(())
    }

    fn isolate(&self, memory: Memory) -> Result<Isolate, String> {
        Isolate::new(memory, Arc::clone(&self.cache))
            .map(|isolate| isolate.with_network(self.network.clone()))
            .map_err(|error| error.to_string())
    }

    fn execute(&mut self, execute: Execute) -> Result<Answer, String> {
        let keep = !execute.hash.is_empty();
        let tree: Arc<dyn Tree> = match execute.files {
            Files::Directory(directory) => self.open(directory, keep)?,
            Files::Inline(files) => {
                Arc::new(files.iter().fold(MemoryTree::new(), |tree, (path, text)| {
                    tree.file(path, text)
                }))
            }
        };
        let package = Package {
            tree,
            hash: execute.hash,
            function_id: execute.function_id,
        };
        let (memory, mut isolate) = match self.isolate.take() {
            Some((memory, isolate)) if memory == execute.memory => (memory, isolate),
            _ => (execute.memory, self.isolate(execute.memory)?),
        };
        let execution = isolate
            .execute(&package, &execute.request)
            .map_err(|error| error.to_string())?;
        if execution.health == Health::Reusable {
            self.isolate = Some((memory, isolate));
        }
        let execution = Box::new(execution);
        Ok(if execute.measure {
            Answer::Measured(execution, self.cache.metrics())
        } else {
            Answer::Execution(execution)
        })
    }

    fn open(&mut self, directory: PathBuf, keep: bool) -> Result<Arc<DirectoryTree>, String> {
        if keep
            && let Some((path, tree)) = &self.tree
            && *path == directory
        {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(DirectoryTree::open(&directory).map_err(|error| error.to_string())?);
        self.tree = Some((directory, Arc::clone(&tree)));
        Ok(tree)
    }
}

/// The asking end of a worker that runs packages: one isolate in a process of its own.
#[derive(Debug)]
pub struct Guest {
    worker: Worker,
    memory: Memory,
    confinement: Confinement,
}

/// A package and whom it belongs to, as a [`Guest`] is given it.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// A directory below one that the worker may read.
    pub directory: &'a Path,
    /// Names its content.
    pub hash: &'a str,
    /// Names whom it belongs to.
    pub function_id: &'a str,
}

impl Guest {
    /// Starts a worker, and returns when its isolate is ready.
    ///
    /// # Errors
    /// When it does not start, or is not ready within `patience`.
    pub fn start(launch: &Launch, memory: Memory, patience: Duration) -> Result<Self, WorkerError> {
        let mut worker = Worker::start(launch)?;
        match worker.ask(&Question::Warm(memory), patience)? {
            Answer::Confinement(confinement) => Ok(Self {
                worker,
                memory,
                confinement,
            }),
            Answer::Error(reason) => Err(WorkerError::Refused(reason)),
            _ => Err(WorkerError::Unasked),
        }
    }

    /// Which walls stand around it.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.worker.id()
    }

    /// Whether its process lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }

    /// Runs a program. Whoever does not answer in time is killed.
    ///
    /// # Errors
    /// When the worker is lost over it, or could not try it.
    pub fn execute(
        &mut self,
        program: Program<'_>,
        request: Request,
    ) -> Result<(Execution, CacheMetrics), WorkerError> {
        let patience = request.limits.wall.saturating_add(BEYOND);
        let question = Question::Execute(Box::new(Execute {
            files: Files::Directory(program.directory.to_owned()),
            hash: program.hash.to_owned(),
            function_id: program.function_id.to_owned(),
            memory: self.memory,
            measure: true,
            request,
        }));
        match self.worker.ask(&question, patience)? {
            Answer::Measured(execution, metrics) => Ok((*execution, metrics)),
            Answer::Error(reason) => Err(WorkerError::Refused(reason)),
            _ => Err(WorkerError::Unasked),
        }
    }
}
