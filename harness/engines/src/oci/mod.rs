//! The engine without a daemon: each container has a parent process of its own, our shim, which sets it up and takes it down.

mod companion;
mod drift;
mod exec;
mod ground;
mod host;
mod images;
mod instance;
mod life;
mod seats;
mod shell;
mod shim;
mod signal;
mod spec;
mod upper;
mod user;
mod wait;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adamant_core::case::FaultForm;
use adamant_core::engine::{
    BootPlan, Description, Engine, EngineError, ErrorKind, Exit, Image, ImageSource, Instance,
    LogCapture, Network, Owner, Took,
};
use adamant_core::run::{Deadline, monotonic_ns};
use adamant_shim::{Boot, Filled};
use fs_err as fs;

use self::ground::Kind;
use self::images::Images;
use self::instance::Container;
use self::life::{Known, Life};
use self::seats::{Seat, Seats};
use self::user::User;
use crate::embedded::PROBE;
use crate::image::{absent, platform};
use crate::launch::possible;
use crate::owner::{self, Here};
use crate::store::{self, Sourcing};
use crate::supervisor::{self, Ahead, Supervisor};

/// What the names of our containers and control groups begin with.
const PREFIX: &str = "adamant-";
/// For taking back what was half made: the caller's own time may be up.
const CLEANUP: Duration = Duration::from_secs(60);

/// Names are told apart by it: all engines of a process share one directory.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The engine `oci`.
#[derive(Debug)]
pub struct Oci {
    images: Images,
    here: Here,
    seats: Seats,
    watchers: Ahead,
}

impl Default for Oci {
    fn default() -> Self {
        Self::new()
    }
}

impl Oci {
    /// Touches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Sourcing::default())
    }

    /// Touches nothing yet; finds images this way.
    #[must_use]
    pub fn with(sourcing: Sourcing) -> Self {
        Self {
            images: Images::new(sourcing),
            here: Here::read(),
            seats: Seats::default(),
            watchers: Ahead::default(),
        }
    }

    /// Starts in a seat that took so many nanoseconds to get; whatever fails, [`Engine::start`] takes back.
    fn boot(
        &self,
        seat: (Seat, u64),
        plan: &BootPlan,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Container, EngineError> {
        let (seat, created_ns) = seat;
        let Seat {
            name,
            dir,
            in_memory,
            mut shim,
            ..
        } = seat;
        let (name, dir) = (name.as_str(), dir.as_path());
        let attempt = format!("set up the container `{name}`");
        let trouble =
            |error: std::io::Error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error);
        possible(plan)?;
        let Base {
            image,
            lowers,
            removed,
        } = self.base(plan, dir, in_memory)?;
        let user = User::find(&image, plan.user.as_deref().unwrap_or(&image.config.user))?;
        let (volumes, filled) = volumes(plan, &image, dir).map_err(trouble)?;
        spec::write_files(plan, name, dir).map_err(trouble)?;
        let probe = PROBE.file()?;
        let mut trace = match &plan.trace {
            Some(path) => Some(self.watchers.take(&probe, path, plan.network.profile())?),
            None => None,
        };
        let socket = trace.as_ref().map(Supervisor::socket);
        let spec = spec::spec(
            plan,
            &spec::Ground {
                name,
                dir,
                image: &image,
                user: &user,
                probe: &probe,
                socket: socket.as_deref(),
                volumes: &volumes,
            },
        )?;
        let boot = Boot {
            lowers: lowers.clone(),
            removed,
            spec: spec.to_string(),
            filled,
            workdir: spec::workdir(plan, &image),
            uid: user.uid,
            nowhere: plan.network == Network::Isolated,
        };
        let asked_ns = monotonic_ns();
        shim.say(&boot).map_err(|error| unheard(&attempt, error))?;
        let life = Life::follow(shim, log.clone()).map_err(trouble)?;
        let known = life.wait_started(name, deadline)?;
        let started_ns = monotonic_ns();
        let refused = refused(plan, &image, &known);
        if let (Some(trace), None) = (&mut trace, &refused) {
            trace.wait_attached(|| life.known().exit.is_some(), deadline)?;
        }
        Ok(Container {
            name: name.to_owned(),
            dir: dir.to_owned(),
            plan: plan.clone(),
            image,
            lowers,
            user,
            volumes,
            in_memory,
            log,
            life,
            refused,
            trace: trace.map(Mutex::new),
            companions: Mutex::default(),
            probe,
            took: Took {
                create_ns: Some(created_ns),
                start_ns: Some(started_ns.saturating_sub(asked_ns)),
                asked_ns: Some(asked_ns),
            },
            seats: self.seats.clone(),
        })
    }

    /// The layers of a plan's image, with one more above them where paths of it are absent or unfit.
    fn base(&self, plan: &BootPlan, dir: &Path, in_memory: bool) -> Result<Base, EngineError> {
        let base = self.images.get(&plan.image)?;
        let changed = absent::changed(&base.image, &plan.absent);
        let mut left = Vec::new();
        for fault in &changed {
            let found = absent::left(&base.image, fault, |entry| base.content(entry))?;
            left.push((fault.path.clone(), found));
        }
        let mut lowers = base.layers;
        let mut removed = Vec::new();
        if in_memory {
            // Where overlayfs cannot write, no whiteout can be made either: there the shim removes the paths.
            if let Some(fault) = changed
                .iter()
                .find(|f| f.form != FaultForm::Absent || f.text.is_some())
            {
                let attempt = format!("leave `{}` {}", fault.path, fault.word());
                return Err(EngineError::new(ErrorKind::Unsupported, attempt)
                    .caused_by("overlayfs cannot write where containers are kept here: paths can only be made absent")
                    .hint("name a directory on another file system with `XDG_CACHE_HOME`, or use a daemon: `--engine docker`"));
            }
            removed.extend(left.iter().map(|(path, _)| path.clone()));
        } else if !left.is_empty() {
            let above = dir.join("absent");
            let attempt = || format!("make a layer without {}", absent::names(&left));
            fs::create_dir(&above).map_err(|error| {
                EngineError::new(ErrorKind::Unsupported, attempt()).caused_by(error)
            })?;
            store::unpack(&absent::layer(&base.image, &left), &above)
                .map_err(|error| EngineError::new(ErrorKind::Engine, attempt()).caused_by(error))?;
            lowers.push(above);
        }
        lowers.reverse();
        let image = if left.is_empty() {
            base.image
        } else {
            Arc::new(absent::index(&base.image, &left))
        };
        Ok(Base {
            image,
            lowers,
            removed,
        })
    }
}

/// What a container is started from.
struct Base {
    image: Arc<Image>,
    /// The topmost first.
    lowers: Vec<PathBuf>,
    /// What the shim takes away.
    removed: Vec<String>,
}

/// The exit code that a shell would give, when the subject's executable could not be started.
fn refused(plan: &BootPlan, image: &Image, known: &Known) -> Option<Exit> {
    let errno = known.refused?;
    let own = plan.args.as_ref().unwrap_or(&image.config.cmd);
    let program = image.config.entrypoint.iter().chain(own).next();
    let program = program.map(String::as_str).unwrap_or_default();
    let error = std::io::Error::from_raw_os_error(errno);
    let missing = matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    );
    let why = if missing && !program.contains('/') {
        "executable file not found in $PATH".to_owned()
    } else {
        let text = error.to_string().to_lowercase();
        text.split(" (os error").next().unwrap_or(&text).to_owned()
    };
    Some(Exit {
        code: if missing { 127 } else { 126 },
        oom_killed: false,
        after_ms: 0,
        refused: Some(format!("exec: \"{program}\": {why}")),
    })
}

/// Directories behind volumes by path: those of the plan, and one of its own for each that the image declares.
fn volumes(
    plan: &BootPlan,
    image: &Image,
    dir: &Path,
) -> std::io::Result<(BTreeMap<String, PathBuf>, Vec<Filled>)> {
    let mut volumes = BTreeMap::new();
    for volume in &plan.volumes {
        let source = Kind::Volume.home().join(&volume.name).join("data");
        volumes.insert(volume.path.clone(), source);
    }
    let taken = |path: &String| {
        plan.tmpfs.iter().any(|tmpfs| tmpfs.path == *path)
            || plan.binds.iter().any(|bind| bind.target == *path)
    };
    for (number, path) in image.config.volumes.iter().enumerate() {
        if !taken(path) && !volumes.contains_key(path) {
            let source = dir.join("volumes").join(number.to_string());
            fs::create_dir_all(&source)?;
            volumes.insert(path.clone(), source);
        }
    }
    let filled = volumes.iter().map(|(target, source)| Filled {
        source: source.clone(),
        target: target.clone(),
    });
    let filled = filled.collect();
    Ok((volumes, filled))
}

impl Engine for Oci {
    fn name(&self) -> &'static str {
        "oci"
    }

    fn describe(&self, _deadline: &Deadline) -> Result<Description, EngineError> {
        host::check()?;
        Ok(Description {
            name: self.name().to_owned(),
            version: format!("Linux {}, no daemon", host::release()),
            platform: platform::host(),
        })
    }

    fn image(&self, source: &ImageSource, deadline: &Deadline) -> Result<Arc<Image>, EngineError> {
        self.images.find(source, deadline)
    }

    fn start(
        &self,
        plan: &BootPlan,
        log: Arc<LogCapture>,
        deadline: &Deadline,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let asked_ns = monotonic_ns();
        let seat = self.seats.take(&plan.owner, &self.here)?;
        let created_ns = monotonic_ns().saturating_sub(asked_ns);
        let (name, dir) = (seat.name.clone(), seat.dir.clone());
        match self.boot((seat, created_ns), plan, log, deadline) {
            Ok(container) => {
                self.seats.prepare(&plan.owner, &self.here);
                if plan.trace.is_some() {
                    self.watchers
                        .prepare(&container.probe, plan.network.profile());
                }
                Ok(Box::new(container))
            }
            Err(error) => Err(seats::swept(error, &name, &dir)),
        }
    }

    fn blind(&self) -> Option<String> {
        if supervisor::may_watch() {
            return supervisor::blind();
        }
        Some("the processes of a container can only be watched by root".to_owned())
    }

    fn volume(&self, owner: &Owner, _deadline: &Deadline) -> Result<String, EngineError> {
        let name = unique(owner);
        let dir = ground::make(Kind::Volume, &name, &owner::labels(owner, &self.here))?;
        fs::create_dir(dir.join("data")).map_err(|error| {
            EngineError::new(ErrorKind::Engine, format!("create the volume `{name}`"))
                .caused_by(error)
        })?;
        Ok(name)
    }

    fn remove_volume(&self, name: &str, deadline: &Deadline) -> Result<(), EngineError> {
        ground::sweep(name, &Kind::Volume.home().join(name), deadline)
    }

    fn reap(&self, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
        let mut removed = supervisor::reap();
        removed.extend(ground::reap(&self.here, deadline)?);
        Ok(removed)
    }

    /// Unpacked layers stay, which are a cache.
    fn close(&self, _deadline: &Deadline) -> Result<(), EngineError> {
        self.watchers.close();
        self.seats.close()
    }
}

impl Drop for Oci {
    /// Who did not close it has nothing left behind either; what goes wrong is the next run's to reap.
    fn drop(&mut self) {
        self.watchers.close();
        let _ = self.seats.close();
    }
}

/// A name that no other object of any run has.
fn unique(owner: &Owner) -> String {
    let run = owner.run.chars();
    let run: String = run
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    format!("{PREFIX}{run}-{}-{number}", std::process::id())
}

/// Why a shim did not take an order.
fn unheard(attempt: &str, error: std::io::Error) -> EngineError {
    let trouble = EngineError::new(ErrorKind::Engine, attempt);
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => trouble.caused_by(life::ENDED),
        _ => trouble.caused_by(error),
    }
}
