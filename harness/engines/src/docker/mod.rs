//! The engine behind Docker's API: any daemon on this host that speaks it, Podman included.

mod ask;
mod client;
mod collect;
mod companion;
mod connect;
mod derive;
mod drift;
mod images;
mod instance;
mod look;
mod object;
mod output;
mod podman;
mod rest;
mod service;
mod shell;
mod start;
mod stop;
mod transfer;
mod wait;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use adamant_core::engine::{
    BootPlan, Description, Engine, EngineError, ErrorKind, Exit, Image, ImageSource, Instance,
    LogCapture, Network, Owner, Took,
};
use adamant_core::run::{Deadline, monotonic_ns};

use self::client::Client;
use self::client::api::models::ContainerCreateBody;
pub use self::collect::collect;
use self::images::Images;
use self::instance::Container;
use self::object::{Object, ObjectKind};
use self::output::{ExitWatch, Task};
pub use self::service::Service;
use crate::embedded::PROBE;
use crate::launch::possible;
use crate::owner::{self, Here};
use crate::store::Sourcing;
use crate::supervisor::{self, Ahead, Place, Supervisor};

/// For taking back what was half made: the caller's own time may be up.
const CLEANUP: Duration = Duration::from_secs(60);

/// The longest that a run may take, for what all its boots share.
const RUN: Duration = Duration::from_secs(86_400);

/// Names are told apart by it: all engines of a process share one daemon.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The engine `docker`. It connects when it is first asked for something.
#[derive(Debug)]
pub struct Docker {
    client: Mutex<Option<Arc<Client>>>,
    images: Images,
    here: Here,
    /// Why nobody can be watched, once that was asked.
    blind: OnceLock<Option<String>>,
    /// The runs that this engine made something for.
    runs: Mutex<BTreeSet<String>>,
    watchers: Ahead,
}

/// Whether somebody listens at a socket where this engine would look for its daemon.
#[must_use]
pub fn listens() -> bool {
    connect::listens()
}

impl Default for Docker {
    fn default() -> Self {
        Self::new()
    }
}

impl Docker {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Sourcing::default())
    }

    /// Connects to nothing yet; finds images this way.
    #[must_use]
    pub fn with(sourcing: Sourcing) -> Self {
        Self {
            client: Mutex::default(),
            images: Images::new(sourcing),
            here: Here::read(),
            blind: OnceLock::new(),
            runs: Mutex::default(),
            watchers: Ahead::default(),
        }
    }

    /// Removes the images that were loaded from files, and those of companions: a cache, kept between runs.
    pub fn remove_loaded(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        let client = self.client(deadline)?;
        let mut removed = Vec::new();
        for repository in [images::REPOSITORY, companion::REPOSITORY] {
            for tag in client.tags(&format!("{repository}:"), deadline)? {
                if client.remove_image(&tag, deadline)? {
                    removed.push(format!("image {tag}"));
                }
            }
        }
        Ok(removed)
    }

    fn client(&self, deadline: &Deadline) -> Result<Arc<Client>, EngineError> {
        let mut client = lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        Ok(client.insert(Arc::new(connect::connect(deadline)?)).clone())
    }

    /// A name that no other object of any run has.
    fn unique(&self, owner: &Owner) -> String {
        let run: String = owner
            .run
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        format!(
            "adamant-{run}-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        )
    }

    fn labels(&self, of: &Owner) -> HashMap<String, String> {
        lock(&self.runs).insert(of.run.clone());
        owner::labels(of, &self.here)
    }

    /// Creates and starts; whatever fails, [`Engine::start`] takes back.
    fn boot(
        &self,
        client: Arc<Client>,
        name: &str,
        plan: &BootPlan,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Container, EngineError> {
        possible(plan)?;
        // A derived image is the run's, not the boot's: it outlives the boot that needs it first.
        let run = Owner {
            deadline: SystemTime::now() + RUN,
            ..plan.owner.clone()
        };
        let start = self
            .images
            .absent(&client, plan, self.labels(&run), deadline)?;
        let network = matches!(plan.network, Network::Isolated).then(|| name.to_owned());
        if let Some(network) = &network {
            client.create_network(network, self.labels(&plan.owner), deadline)?;
        }
        let probe = PROBE.file()?;
        let mut trace = plan
            .trace
            .as_ref()
            .map(|path| {
                let watched = watch::Watched {
                    name,
                    image: &start.id,
                    probe: &probe,
                    labels: self.labels(&plan.owner),
                    path,
                    network: plan.network.profile(),
                };
                watch::start(&client, watched, &self.watchers, deadline)
            })
            .transpose()?;
        let socket = trace.as_ref().map(Supervisor::socket);
        let files = podman::files(client.product, &plan.network)?;
        let labels = self.labels(&plan.owner);
        let memory = podman::memory(&client, name, plan, &labels, deadline)?;
        let ground = start::Ground {
            product: client.product,
            memory: &memory,
            files: files.as_ref().map(Place::path),
            image: &start.id,
            config: &start.image.config,
            socket: socket.as_deref(),
            probe: &probe,
            network: network.as_deref(),
            labels,
        };
        let asked_ns = monotonic_ns();
        let id = create(&client, name, start::body(plan, ground), deadline)?;
        if let (Some(files), Some(_)) = (&files, &network) {
            // It is called so by default, and finds itself.
            podman::name(files, "127.0.1.1", id.get(..12).unwrap_or(&id))?;
        }
        let created_ns = monotonic_ns();
        let mut tasks = Vec::new();
        let (starts_ns, exit, refused) = begin(&client, name, &log, &mut tasks, deadline)?;
        let started_ns = monotonic_ns();
        if let (Some(trace), None) = (&mut trace, &refused) {
            trace.wait_attached(|| exit.seen().is_some(), deadline)?;
        }
        if trace.is_some() {
            watch::prepare(&probe, plan.network.profile(), &self.watchers);
        }
        Ok(Container {
            client,
            trace: trace.map(Mutex::new),
            name: name.to_owned(),
            plan: plan.clone(),
            image: start.image,
            log,
            exit,
            refused,
            files,
            network,
            here: self.here.clone(),
            companions: Mutex::default(),
            joined: AtomicU32::new(0),
            took: Took {
                create_ns: Some(created_ns.saturating_sub(asked_ns)),
                start_ns: Some(started_ns.saturating_sub(starts_ns)),
                asked_ns: Some(starts_ns),
            },
            tasks,
        })
    }

    /// After a start that failed: the first failure is the one to tell.
    fn take_back(client: &Client, name: &str, plan: &BootPlan, error: EngineError) -> EngineError {
        let deadline = Deadline::for_cleanup(CLEANUP);
        let container = client.remove(name, &deadline).map(|_| ());
        let network = match plan.network {
            Network::Isolated => client.remove_network(name, &deadline).map(|_| ()),
            Network::None | Network::Made(_) => Ok(()),
        };
        let memory = podman::forget(client, name, plan, &deadline);
        match container.and(network).and(memory) {
            Ok(()) => error,
            Err(also) => error.hint(format!("`{name}` may have been left behind: {also}")),
        }
    }
}

/// A daemon of this host as a source of images, for an engine that starts them itself.
#[derive(Debug)]
pub(crate) struct Daemon(Client);

impl Daemon {
    /// The first daemon that answers.
    pub(crate) fn connect(deadline: &Deadline) -> Result<Self, EngineError> {
        connect::connect(deadline).map(Self)
    }

    /// Whether it knows a reference.
    pub(crate) fn has(&self, reference: &str, deadline: &Deadline) -> Result<bool, EngineError> {
        let known =
            images::is_reference(reference) && self.0.image_id(reference, deadline)?.is_some();
        Ok(known)
    }

    /// Writes what `docker save` writes.
    pub(crate) fn save(
        &self,
        reference: &str,
        into: &mut impl std::io::Write,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let id = images::present(&self.0, reference, deadline)?;
        let copied = self
            .0
            .export(&id, deadline, |reader| std::io::copy(reader, into));
        copied.map(drop).map_err(|error| {
            transfer::failure(format!("read the image `{reference}`"), deadline, error)
        })
    }
}

impl Engine for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn describe(&self, deadline: &Deadline) -> Result<Description, EngineError> {
        let version = self.client(deadline)?.version(deadline)?;
        Ok(Description {
            name: self.name().to_owned(),
            version: format!("{} {}", version.product, version.version),
            platform: version.platform,
        })
    }

    fn image(&self, source: &ImageSource, deadline: &Deadline) -> Result<Arc<Image>, EngineError> {
        self.images.find(&self.client(deadline)?, source, deadline)
    }

    fn start(
        &self,
        plan: &BootPlan,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let client = self.client(deadline)?;
        let name = self.unique(&plan.owner);
        match self.boot(client.clone(), &name, plan, log, deadline) {
            Ok(container) => Ok(Box::new(container)),
            Err(error) => Err(Self::take_back(&client, &name, plan, error)),
        }
    }

    fn blind(&self) -> Option<String> {
        let ask = || match self.client(&Deadline::for_cleanup(CLEANUP)) {
            Ok(client) => watch::blind(&client),
            // That there is no daemon is told where one is needed.
            Err(_) => supervisor::blind(),
        };
        self.blind.get_or_init(ask).clone()
    }

    fn volume(&self, owner: &Owner, deadline: &Deadline) -> Result<String, EngineError> {
        let name = self.unique(owner);
        self.client(deadline)?.create_volume(
            &name,
            self.labels(owner),
            HashMap::new(),
            deadline,
        )?;
        Ok(name)
    }

    fn remove_volume(&self, name: &str, deadline: &Deadline) -> Result<(), EngineError> {
        self.client(deadline)?
            .remove_volume(name, deadline)
            .map(|_| ())
    }

    fn reap(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        let client = self.client(deadline)?;
        let now = SystemTime::now();
        let abandoned = |object: &Object| owner::is_abandoned(&object.labels, &self.here, now);
        let (mut removed, mut failed) = (supervisor::reap(), Vec::new());
        for object in client.objects(deadline)?.into_iter().filter(abandoned) {
            match client.remove_object(&object, deadline) {
                Ok(true) => removed.push(object.to_string()),
                Ok(false) => {}
                Err(error) => failed.push((object, error)),
            }
        }
        if failed.is_empty() {
            return Ok(removed);
        }
        // Two runs that start at once reap the same: what is gone by now is no failure.
        let left = client.objects(deadline)?;
        let stays = |object: &Object| {
            left.iter()
                .any(|other| other.to_string() == object.to_string())
        };
        match failed.into_iter().find(|(object, _)| stays(object)) {
            Some((_, error)) => Err(error),
            None => Ok(removed),
        }
    }

    fn close(&self, deadline: &Deadline) -> Result<(), EngineError> {
        self.watchers.close();
        let Some(client) = lock(&self.client).clone() else {
            return Ok(());
        };
        let runs = lock(&self.runs).clone();
        let shared =
            |object: &Object| matches!(object.kind, ObjectKind::Network | ObjectKind::Image);
        let own = |object: &Object| {
            object
                .labels
                .get(owner::RUN)
                .is_some_and(|run| runs.contains(run))
        };
        let objects: Vec<Object> = client
            .objects(deadline)?
            .into_iter()
            .filter(|o| shared(o) && own(o))
            .collect();
        self.images.forget_derived();
        let removed: Vec<_> = objects
            .iter()
            .map(|object| client.remove_object(object, deadline))
            .collect();
        removed
            .into_iter()
            .try_for_each(|removed| removed.map(|_| ()))
    }
}

/// Creates a container; a daemon that does not see our files is told from other trouble.
fn create(
    client: &Client,
    name: &str,
    body: ContainerCreateBody,
    deadline: &Deadline,
) -> Result<String, EngineError> {
    client.create(name, body, deadline).map_err(|trouble| {
        let blind = trouble.message().is_some_and(start::sees_no_files);
        if blind {
            blind_daemon(client, trouble.into())
        } else {
            trouble.into()
        }
    })
}

/// Takes the output of a created container and starts it; answers when that was asked for. A refusal of its executable is an
/// answer, which Podman gives as soon as somebody attaches: it makes all of a container but its first step for that.
fn begin(
    client: &Client,
    name: &str,
    log: &Arc<LogCapture>,
    tasks: &mut Vec<Task>,
    deadline: &Deadline,
) -> Result<(u64, ExitWatch, Option<Exit>), EngineError> {
    let attached = client.attach(name, log.clone(), deadline);
    let starts_ns = monotonic_ns();
    let started = attached.and_then(|task| {
        tasks.push(task);
        client.start(name, deadline)
    });
    let trouble = match started {
        Ok(()) => {
            let (exit, task) = client.watch_exit(name);
            tasks.push(task);
            return Ok((starts_ns, exit, None));
        }
        Err(trouble) => trouble,
    };
    let words = trouble.message().unwrap_or_default().trim().to_owned();
    let Some(code) = start::refused(&words) else {
        return Err(trouble.into());
    };
    log.end(None);
    let exit = Exit {
        code,
        oom_killed: false,
        after_ms: 0,
        refused: Some(words),
    };
    Ok((starts_ns, ExitWatch::ended(), Some(exit)))
}

fn blind_daemon(client: &Client, error: EngineError) -> EngineError {
    EngineError::new(
        ErrorKind::Unsupported,
        format!(
            "show files of this host to the daemon at `{}`",
            client.socket.display()
        ),
    )
    .caused_by(error)
    .hint("only a daemon that runs on this host, not in a machine of its own, can be used")
}

/// A panic elsewhere leaves nothing half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
