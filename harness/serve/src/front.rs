//! `adamant serve`: what is typed, what is told, and from the first line to the last signal.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adamant_isolate::Network;
use adamant_isolate::worker::Launch;
use adamant_store::objects::{Bucket, StoreError};
use clap::Args;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::catalog::{Catalog, CatalogError};
use crate::config::{Config, Containment, Faults};
use crate::engine::Engine;
use crate::events::Events;
use crate::http::{Service, Stopped};
use crate::package::Packages;
use crate::seat::Guests;

/// The database that is used when nothing else is said.
const EMBEDDED: &str = "sqlite:functions.db";

/// Serve functions over HTTP, each execution in an isolate of a pool.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Routes: /invoke/ID (the function answers), /execute/ID (a request and its execution as JSON), /metrics, /health.
Variables (defaults): ISOLATE_POOL_SIZE (5), ISOLATE_MAX_POOL_SIZE (20), ISOLATE_MEMORY_LIMIT_MB (128), ISOLATE_IDLE_TIMEOUT_MS (300000), FUNCTION_TIMEOUT_MS (30000),
ENABLE_MODULE_CACHE (true), MODULE_CACHE_MAX_SIZE (1000), ISOLATE_REUSE (function|any), ISOLATE_LOAD_AHEAD (true), ISOLATE_CONTAINMENT (process|thread), ISOLATE_WAIT_TIMEOUT_MS (30000),
ISOLATE_MAX_WAITING (1000), SHUTDOWN_TIMEOUT_MS (30000), MAX_BODY_BYTES (10485760), HOST (127.0.0.1), PORT (3001), DATABASE_URL (sqlite:FILE or postgres://…); PACKAGES_BUCKET, _REGION, _PREFIX, _ENDPOINT, _FORCE_PATH_STYLE.")]
pub struct ServeArgs {
    /// A directory of functions: `ID/`, `ID.tar`, `ID.tgz` or `ID.tar.gz`, and `ID.json` for what is to be said about one. With
    /// `DATABASE_URL`, or without this, functions are described in a database, and its packages that are paths begin here.
    #[arg(value_name = "FUNCTIONS")]
    pub functions: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one, which the first line on stdout tells. Without it `HOST` and `PORT` count.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Append what happens to this file, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// Why functions are not served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The environment.
    #[error("{0}")]
    Config(#[from] Faults),
    /// The database.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The object store's part of it.
    #[error(transparent)]
    Bucket(#[from] StoreError),
    /// No directory of functions.
    #[error("`{path}` is no directory of functions that can be read")]
    Functions {
        /// As it was typed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No event log.
    #[error("cannot write events to `{path}`")]
    Events {
        /// As it was typed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No port.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Something of the host's.
    #[error("cannot serve")]
    Host(#[source] io::Error),
}

impl ServeError {
    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("`--listen 127.0.0.1:0` takes a free port".to_owned())
            }
            Self::Bucket(error) => error.hint().map(str::to_owned),
            _ => None,
        }
    }

    /// Whether what was typed or set is at fault.
    #[must_use]
    pub fn is_input(&self) -> bool {
        !matches!(
            self,
            Self::Host(_) | Self::Catalog(CatalogError::Database { .. })
        )
    }
}

/// What the service tells while it serves.
#[derive(Debug, Clone)]
pub enum Told {
    /// It listens: data, for whoever started it.
    Listening(SocketAddr),
    /// Talk.
    Line(String),
}

/// How a service is bound to who runs it.
pub struct Binding {
    /// Starts a worker; `--readable DIR`, `--memory BYTES` and `--modules N` are added. What it lets its guests reach is in its arguments.
    pub launch: Launch,
    /// Reaches the same for isolates on threads, where there are any.
    pub connect: Box<dyn FnOnce() -> io::Result<Option<Network>>>,
    /// What that is, for the one who reads the banner.
    pub granted: Vec<String>,
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("launch", &self.launch)
            .field("granted", &self.granted)
            .finish_non_exhaustive()
    }
}

/// Serves until SIGINT or SIGTERM; the number of the signal, and what was left unanswered.
///
/// # Errors
/// When the arguments, the environment or the port are not as they must be.
pub fn serve(
    args: &ServeArgs,
    binding: Binding,
    tell: impl Fn(Told) + Send + Sync + Clone + 'static,
) -> Result<(i32, Stopped), ServeError> {
    let mut config = Config::from_env()?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    let bucket = Bucket::from_env()?;
    let base = args.functions.clone().unwrap_or_else(|| PathBuf::from("."));
    fs_err::read_dir(&base).map_err(|source| ServeError::Functions {
        path: base.clone(),
        source,
    })?;
    let base = std::path::absolute(&base).map_err(ServeError::Host)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Whoever waits for an isolate, has one, or fetches a package holds a thread.
        .max_blocking_threads(config.pool.waiting + config.pool.max + 64)
        .enable_all()
        .build()
        .map_err(ServeError::Host)?;
    // The port first: who asks for one that is taken has started and made nothing.
    let listener = runtime
        .block_on(Service::claim(config.listen))
        .map_err(|source| ServeError::Listen {
            address: config.listen,
            source,
        })?;
    let events = match &args.events {
        None => Events::default(),
        Some(path) => Events::to(path).map_err(|source| ServeError::Events {
            path: path.clone(),
            source,
        })?,
    };
    let bucket = bucket.map(|bucket| (bucket, runtime.handle().clone()));
    let catalog = match (&config.database, &args.functions) {
        (Some(url), _) => Catalog::open(url, &base, runtime.handle().clone())?,
        (None, Some(_)) => Catalog::Files(base),
        (None, None) => Catalog::open(EMBEDDED, &base, runtime.handle().clone())?,
    };
    let ended = runtime.block_on(async {
        // Before the address is told: who reads it may stop us at once.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Host)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Host)?;
        let granted = binding.granted.join(", ");
        let engine = engine(&config, catalog, bucket, binding, events, &tell)?;
        let service = Service::new(listener, engine, &config);
        let address = service.address().map_err(ServeError::Host)?;
        banner(&config, address, &granted, &tell);
        tell(Told::Listening(address));
        let mut number = SignalKind::terminate();
        let stopped = service
            .run(async {
                tokio::select! {
                    _ = interrupt.recv() => number = SignalKind::interrupt(),
                    _ = terminate.recv() => {}
                }
                tell(Told::Line(
                    "shutting down: no new connection is accepted".to_owned(),
                ));
            })
            .await;
        Ok((number.as_raw_value(), stopped))
    });
    runtime.shutdown_background();
    ended
}

/// An engine that warms up, and tells when it has.
fn engine(
    config: &Config,
    catalog: Catalog,
    bucket: Option<(Bucket, tokio::runtime::Handle)>,
    binding: Binding,
    events: Events,
    tell: &(impl Fn(Told) + Send + Sync + Clone + 'static),
) -> Result<Arc<Engine>, ServeError> {
    let line = |text: String| tell(Told::Line(text));
    line("🚀 Initializing execution engine...".to_owned());
    let (base, max) = (config.pool.base, config.pool.max);
    line(format!(
        "[IsolatePool] Initializing pool (size: {base}, max: {max})..."
    ));
    let packages = Packages::new(bucket).map_err(ServeError::Host)?;
    let guests = Guests::new(
        config.containment,
        config.memory,
        config.modules,
        binding.launch,
        packages.seats(),
        events.clone(),
    );
    let guests = match config.containment {
        Containment::Process => guests,
        Containment::Thread => guests.over((binding.connect)().map_err(ServeError::Host)?),
    };
    line(format!(
        "[IsolatePool] Warming up pool with {base} isolates..."
    ));
    let engine = Engine::new(config, guests, catalog, packages, events);
    let engine = Arc::new(engine.map_err(ServeError::Host)?);
    let warming = Arc::downgrade(&engine);
    let tell = tell.clone();
    let contained = config.containment;
    tokio::spawn(async move {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let began = Instant::now();
        let mut complained = 0;
        loop {
            look.tick().await;
            let Some(engine) = warming.upgrade() else {
                return;
            };
            let (pool, activity) = engine.pool();
            let ready = usize::try_from(pool.created).unwrap_or(base);
            if activity.failed > complained {
                complained = activity.failed;
                tell(Told::Line(format!(
                    "[IsolatePool] {complained} isolates could not be made so far; it goes on trying"
                )));
            }
            if ready >= base {
                tell(Told::Line(format!(
                    "[IsolatePool] Warm-up complete: {base}/{base} isolates ready ({}ms)",
                    began.elapsed().as_millis()
                )));
                if contained == Containment::Process
                    && let Some(walls) = engine.guests().walls()
                {
                    tell(Told::Line(walls_line(&walls)));
                }
                return;
            }
        }
    });
    line("✅ Execution engine initialized".to_owned());
    Ok(engine)
}

fn walls_line(walls: &adamant_isolate::confine::Confinement) -> String {
    if walls.is_whole() {
        return "🔒 Isolates are processes confined by Landlock and seccomp (tier 4)".to_owned();
    }
    format!(
        "🔓 Isolates are processes, not wholly confined (tier 3): {}",
        walls.missing.join("; ")
    )
}

/// Seed 001's lines.
fn banner(config: &Config, address: SocketAddr, granted: &str, tell: &impl Fn(Told)) {
    let network = match granted {
        "" => {
            "🌐 Network: denied (`--grant HOST[:PORT]` lets every function reach a host)".to_owned()
        }
        granted => format!("🌐 Network: {granted}, for every function"),
    };
    let cache = match config.modules {
        0 => "📦 Module Cache: Disabled".to_owned(),
        most => format!("📦 Module Cache: Enabled (max {most})"),
    };
    for line in [
        format!(
            "⚡ Invoke Execution Service running on port {}",
            address.port()
        ),
        format!(
            "🏊 Isolate Pool: {} base, {} max",
            config.pool.base, config.pool.max
        ),
        format!(
            "💾 Memory Limit: {}MB per isolate",
            config.memory.heap >> 20
        ),
        format!("⏱️ Function Timeout: {}ms", config.timeout.as_millis()),
        cache,
        network,
    ] {
        tell(Told::Line(line));
    }
}
