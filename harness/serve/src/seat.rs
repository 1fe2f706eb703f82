//! Where an isolate lives: on a thread of ours, or in a process of its own that reads one directory and nothing else.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use adamant_isolate::confine::Confinement;
use adamant_isolate::pool::StartError;
use adamant_isolate::startup::Startup;
use adamant_isolate::worker::guest::{Guest, Program};
use adamant_isolate::worker::{Ending, Launch, WorkerError};
use adamant_isolate::{
    CacheMetrics, CodeCache, EngineError, Execution, Health, Isolate, Memory, Network, Outcome,
    Package, Request, Thrown,
};

use crate::config::Containment;
use crate::events::{Event, Events};
use crate::package::Loaded;

/// How long a process may take until its isolate is ready.
const READY: Duration = Duration::from_secs(60);

/// Beside heap and buffers: V8 reserves 512 MiB for code, and has threads and tables of its own.
const OWN: u64 = 1 << 30;

/// Makes isolates.
#[derive(Debug)]
pub struct Guests {
    containment: Containment,
    memory: Memory,
    modules: usize,
    /// The executable that becomes a worker, and its first arguments.
    launch: Launch,
    /// What every worker starts from; nothing where that cannot be handed over, and then each makes its own.
    startup: OnceLock<Option<Startup>>,
    /// A directory for each process.
    rooms: PathBuf,
    next: AtomicU64,
    events: Events,
    /// What the isolates on threads share.
    cache: Arc<CodeCache>,
    network: Option<Network>,
    ledger: Arc<Ledger>,
    walls: Mutex<Option<Confinement>>,
}

impl Guests {
    /// Isolates with so much memory, that keep the compiled code of so many modules. `launch` starts a worker
    /// ([`adamant_isolate::worker::guest`]) that takes `--readable DIR`, `--memory BYTES`, `--modules N` and, last,
    /// `--startup FILE` ([`adamant_isolate::startup::adopt`]).
    #[must_use]
    pub fn new(
        containment: Containment,
        memory: Memory,
        modules: usize,
        launch: Launch,
        rooms: PathBuf,
        events: Events,
    ) -> Self {
        Self {
            containment,
            memory,
            modules,
            launch,
            startup: OnceLock::new(),
            rooms,
            next: AtomicU64::new(0),
            events,
            cache: Arc::new(CodeCache::new(modules)),
            network: None,
            ledger: Arc::default(),
            walls: Mutex::default(),
        }
    }

    /// Lets isolates on threads ask this network; a worker has its own.
    #[must_use]
    pub fn over(self, network: Option<Network>) -> Self {
        Self { network, ..self }
    }

    /// A new isolate, ready.
    ///
    /// # Errors
    /// When there is none.
    pub fn seat(&self) -> Result<Seat, StartError> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let place = match self.containment {
            Containment::Thread => {
                let isolate = Isolate::new(self.memory, Arc::clone(&self.cache))?;
                Place::Thread(isolate.with_network(self.network.clone()))
            }
            Containment::Process => Place::Process(Box::new(self.process(number)?)),
        };
        let pid = match &place {
            Place::Thread(_) => None,
            Place::Process(process) => Some(process.guest.id()),
        };
        self.events.tell(&Event::Created {
            isolate: number,
            pid,
        });
        Ok(Seat {
            number,
            place,
            events: self.events.clone(),
        })
    }

    fn process(&self, number: u64) -> Result<Process, StartError> {
        let room = Room(self.rooms.join(number.to_string()));
        fs_err::create_dir(&room.0)?;
        let mut launch = self.launch.clone();
        let memory = OWN + 2 * (self.memory.heap + self.memory.off_heap) as u64;
        launch.args.extend([
            "--readable".into(),
            room.0.clone().into(),
            "--memory".into(),
            memory.to_string().into(),
            "--modules".into(),
            self.modules.to_string().into(),
        ]);
        if let Some(startup) = self.startup.get_or_init(|| Startup::share().ok()) {
            launch.args.push("--startup".into());
            launch.args.push(startup.path().into());
        }
        let guest = Guest::start(&launch, self.memory, READY)?;
        lock(&self.walls).get_or_insert_with(|| guest.confinement().clone());
        Ok(Process {
            guest,
            room,
            laid: None,
            seen: CacheMetrics::default(),
            ledger: Arc::clone(&self.ledger),
        })
    }

    /// Which walls stand around the processes, once there was one.
    #[must_use]
    pub fn walls(&self) -> Option<Confinement> {
        lock(&self.walls).clone()
    }

    /// What the caches of compiled code did, those of isolates that are gone included.
    #[must_use]
    pub fn cache(&self) -> CacheMetrics {
        match self.containment {
            _ if self.modules == 0 => CacheMetrics::default(),
            Containment::Thread => self.cache.metrics(),
            Containment::Process => *lock(&self.ledger.0),
        }
    }
}

/// The sums over all processes; sizes are of those that live.
#[derive(Debug, Default)]
struct Ledger(Mutex<CacheMetrics>);

impl Ledger {
    /// A process did so much since it was `seen` last.
    fn add(&self, seen: CacheMetrics, now: CacheMetrics) {
        let mut sum = lock(&self.0);
        sum.size = (sum.size + now.size).saturating_sub(seen.size);
        sum.bytes = (sum.bytes + now.bytes).saturating_sub(seen.bytes);
        sum.hits += now.hits.saturating_sub(seen.hits);
        sum.misses += now.misses.saturating_sub(seen.misses);
        sum.evictions += now.evictions.saturating_sub(seen.evictions);
        sum.rejected += now.rejected.saturating_sub(seen.rejected);
    }
}

/// An isolate and where it lives.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    place: Place,
    events: Events,
}

#[derive(Debug)]
enum Place {
    Thread(Isolate),
    Process(Box<Process>),
}

impl Seat {
    /// Its number in the event log.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether it can still execute, as far as is known without asking it.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        match &self.place {
            Place::Thread(isolate) => !isolate.is_lost(),
            Place::Process(process) => process.guest.is_alive(),
        }
    }

    /// Runs a request on a package.
    ///
    /// # Errors
    /// When it could not be tried, through no fault of the guest.
    pub fn execute(
        &mut self,
        package: &Loaded,
        function_id: &str,
        request: Request,
    ) -> Result<Execution, StartError> {
        let mut execution = self.run(package, function_id, request)?;
        // An isolate that was given up left no error behind, only why.
        if let (Outcome::Lost(reason), None) = (&execution.outcome, &execution.error) {
            execution.error = Some(error("ERR_ISOLATE_LOST", reason.clone()));
        }
        Ok(execution)
    }

    fn run(
        &mut self,
        package: &Loaded,
        function_id: &str,
        request: Request,
    ) -> Result<Execution, StartError> {
        match &mut self.place {
            Place::Thread(isolate) => {
                let package = Package {
                    tree: package.tree.clone(),
                    hash: package.hash.to_string(),
                    function_id: function_id.to_owned(),
                };
                match isolate.execute(&package, &request) {
                    Err(EngineError::Lost) => Ok(lost("its isolate was lost".to_owned())),
                    other => Ok(other?),
                }
            }
            Place::Process(process) => process.execute(package, function_id, request),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.events.tell(&Event::Destroyed {
            isolate: self.number,
        });
    }
}

/// The directory that one process may read; it goes with the process.
#[derive(Debug)]
struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        // Best effort: all rooms go at the end.
        let _ = adamant_store::archive::remove(&self.0);
    }
}

#[derive(Debug)]
struct Process {
    // Before its room: it is dead when that goes.
    guest: Guest,
    room: Room,
    /// The package that lies in its room.
    laid: Option<(Arc<str>, PathBuf)>,
    /// What its cache had done when it answered last.
    seen: CacheMetrics,
    ledger: Arc<Ledger>,
}

impl Process {
    fn execute(
        &mut self,
        package: &Loaded,
        function_id: &str,
        request: Request,
    ) -> Result<Execution, StartError> {
        let directory = self.lay(package)?;
        let wall = request.limits.wall;
        let program = Program {
            directory: &directory,
            hash: &package.hash,
            function_id,
        };
        match self.guest.execute(program, request) {
            Ok((execution, metrics)) => {
                self.ledger.add(self.seen, metrics);
                self.seen = metrics;
                Ok(execution)
            }
            // One that honours the end of its time says so by itself.
            Err(WorkerError::Lost(gone)) if gone.ending == Ending::TimedOut => Ok(lost(format!(
                "termination was ignored after {}ms",
                wall.as_millis()
            ))),
            Err(WorkerError::Lost(gone)) => Ok(lost(gone.to_string())),
            // A guest that took its worker over can say anything.
            Err(
                error @ (WorkerError::Answer(_)
                | WorkerError::TooLong { .. }
                | WorkerError::Unasked),
            ) => Ok(lost(adamant_store::told(&error))),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the package into the room: by hard links, so that nothing is copied, and nothing else becomes readable.
    fn lay(&mut self, package: &Loaded) -> Result<PathBuf, StartError> {
        if let Some((hash, directory)) = &self.laid {
            if *hash == package.hash {
                return Ok(directory.clone());
            }
            adamant_store::archive::remove(directory)?;
        }
        self.laid = None;
        let directory = self.room.0.join(&*package.hash);
        link(package.directory(), &directory)?;
        self.laid = Some((Arc::clone(&package.hash), directory.clone()));
        Ok(directory)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let gone = CacheMetrics {
            size: 0,
            bytes: 0,
            ..self.seen
        };
        self.ledger.add(self.seen, gone);
    }
}

fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs_err::create_dir(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            link(&from, &to)?;
        } else if kind.is_symlink() {
            fs_err::os::unix::fs::symlink(fs_err::read_link(&from)?, &to)?;
        } else {
            fs_err::hard_link(&from, &to)?;
        }
    }
    Ok(())
}

/// Its error is added where all of them get theirs.
fn lost(reason: String) -> Execution {
    Execution {
        outcome: Outcome::Lost(reason),
        response: None,
        error: None,
        output: adamant_isolate::Output::default(),
        timings: adamant_isolate::Timings::default(),
        health: Health::Corrupted,
    }
}

fn error(code: &str, message: String) -> Thrown {
    Thrown {
        name: Some("Error".to_owned()),
        code: Some(code.to_owned()),
        message,
        stack: String::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
