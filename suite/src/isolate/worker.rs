//! The verb `worker`: runs packages for whoever asks, in a process that the kernel confines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::confine::{self, Confinement, Policy};
use adamant_isolate::worker::Answers;
use adamant_isolate::{CodeCache, Execution, Isolate, Memory, Network, Package, Request};
use adamant_modules::{DirectoryTree, MemoryTree, Tree};
use serde::{Deserialize, Serialize};

use super::network::{self, NetworkArgs};

/// How many modules' compiled code a worker keeps.
const CACHED_MODULES: usize = 1000;

/// What a worker is asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
enum Question {
    /// How far it is confined.
    Confinement,
    /// To run a package.
    Execute(Box<Execute>),
}

/// A package and what is asked of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Execute {
    /// Its files.
    files: Files,
    /// Names their content; empty to keep no code.
    #[serde(default)]
    hash: String,
    /// Names whom it belongs to.
    #[serde(default)]
    function_id: String,
    /// What it may use; another one than before means another isolate.
    #[serde(default)]
    memory: Memory,
    /// How it is run.
    #[serde(default)]
    request: Request,
}

/// The files of a package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Files {
    /// A directory below one that the worker may read.
    Directory(PathBuf),
    /// Their texts, by guest path.
    Inline(BTreeMap<String, String>),
}

/// What a worker answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// Which walls stand around it.
    Confinement(Confinement),
    /// What became of the execution.
    Execution(Box<Execution>),
    /// It could not be tried.
    Error(String),
}

/// Answers until nobody asks any more.
pub(crate) fn serve(readable: &[PathBuf], network: &NetworkArgs) -> Done {
    let wire = network.start()?;
    let answers = Answers::take().map_err(Failure::broken)?;
    let policy = Policy {
        readable: readable.to_vec(),
        limits: confine::Limits::default(),
    };
    let confinement = confine::apply(&policy).map_err(Failure::broken)?;
    let network = network::connect(wire)?;
    let mut worker = Worker {
        isolate: None,
        network,
        cache: Arc::new(CodeCache::new(CACHED_MODULES)),
    };
    let served = answers.serve(|question: Question| match question {
        Question::Confinement => Answer::Confinement(confinement.clone()),
        Question::Execute(execute) => match worker.execute(&execute) {
            Ok(execution) => Answer::Execution(Box::new(execution)),
            Err(reason) => Answer::Error(reason),
        },
    });
    served.map_err(Failure::broken)?;
    Ok(exit::HELD)
}

struct Worker {
    isolate: Option<(Memory, Isolate)>,
    network: Option<Network>,
    cache: Arc<CodeCache>,
}

impl Worker {
    fn execute(&mut self, execute: &Execute) -> Result<Execution, String> {
        let tree: Arc<dyn Tree> = match &execute.files {
            Files::Directory(directory) => {
                Arc::new(DirectoryTree::open(directory).map_err(|error| error.to_string())?)
            }
            Files::Inline(files) => {
                Arc::new(files.iter().fold(MemoryTree::new(), |tree, (path, text)| {
                    tree.file(path, text)
                }))
            }
        };
        let package = Package {
            tree,
            hash: execute.hash.clone(),
            function_id: execute.function_id.clone(),
        };
        let (memory, mut isolate) = match self.isolate.take() {
            Some((memory, isolate)) if memory == execute.memory => (memory, isolate),
            _ => {
                let isolate = Isolate::new(execute.memory, Arc::clone(&self.cache));
                let isolate = isolate.map_err(|error| error.to_string())?;
                (execute.memory, isolate.with_network(self.network.clone()))
            }
        };
        let execution = isolate
            .execute(&package, &execute.request)
            .map_err(|error| error.to_string())?;
        if execution.health == adamant_isolate::Health::Reusable {
            self.isolate = Some((memory, isolate));
        }
        Ok(execution)
    }
}
