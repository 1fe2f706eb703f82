//! What is typed to keep, save and restore a workspace.

use std::time::Duration;

use clap::Args;
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::{Clock, Daemon, Outcome, Pace, Round, SaveError, Saver};
use crate::objects::{Store, StoreError};
use crate::{Key, KeyError, told};

const STORES: &str = "\
`SANDBOX_SNAPSHOTS_BUCKET` selects S3 (with _REGION, _PREFIX, _ENDPOINT, _FORCE_PATH_STYLE and the credentials of the AWS_ variables); \
otherwise snapshots are kept in `$DATA_DIR/sandbox-snapshots`. `DAEMON_TOKEN` is the daemon's bearer token.";

/// Which workspace, and where it is kept.
#[derive(Debug, Clone, Args)]
#[command(after_help = STORES)]
pub struct OnceArgs {
    /// Its key in the store: `ORGANISATION/PROJECT/BRANCH`; a branch may have further `/`.
    pub key: String,
    /// The daemon beside it.
    #[arg(
        long,
        value_name = "http://HOST:PORT",
        default_value = "http://127.0.0.1:9000"
    )]
    pub daemon: String,
}

/// How a workspace is kept.
#[derive(Debug, Clone, Args)]
#[command(after_help = STORES)]
pub struct KeepArgs {
    /// Which.
    #[command(flatten)]
    pub which: OnceArgs,
    /// Seconds from one look to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Seconds that it must rest before it is saved.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub rest: u64,
    /// Seconds that the daemon may take until it answers; 0 asks once.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// A JSON file that is sent to the daemon as its configuration, once the workspace is restored or could not be.
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// Seconds that the last save may take once we are told to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline: u64,
}

/// Why a workspace is not kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nobody says where.
    #[error("no store is configured")]
    NoStore,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon, or the way between the two.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// Nothing is stored under the key.
    #[error("nothing is stored under `{0}`")]
    Nothing(Key),
    /// The configuration is no JSON, or cannot be read.
    #[error("`{file}` is no configuration: {why}")]
    Config {
        /// The file.
        file: String,
        /// What is wrong with it, with its place.
        why: String,
    },
    /// Something of the host's.
    #[error("cannot keep a workspace")]
    Host(#[source] std::io::Error),
}

impl KeepError {
    /// Whether what was typed or set is at fault.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Key(_)
                | Self::NoStore
                | Self::Nothing(_)
                | Self::Config { .. }
                | Self::Store(StoreError::Config(_))
                | Self::Save(SaveError::Address(_) | SaveError::Token)
        )
    }

    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoStore => Some(
                "set `SANDBOX_SNAPSHOTS_BUCKET` for S3, or `DATA_DIR` for a directory".to_owned(),
            ),
            Self::Store(error) | Self::Save(SaveError::Store(error)) => {
                error.hint().map(str::to_owned)
            }
            Self::Save(SaveError::Token) => {
                Some("set it to the token that the daemon was started with".to_owned())
            }
            _ => None,
        }
    }
}

struct Ready {
    runtime: Runtime,
    saver: Saver,
    key: Key,
    daemon: Daemon,
}

fn ready(which: &OnceArgs, pace: Pace) -> Result<Ready, KeepError> {
    let key: Key = which.key.parse()?;
    let daemon = Daemon::from_env(&which.daemon)?;
    let runtime = runtime()?;
    let saver = Saver::new(store()?, Clock::system(), pace);
    saver.track(key.clone(), daemon.clone());
    Ok(Ready {
        runtime,
        saver,
        key,
        daemon,
    })
}

fn runtime() -> Result<Runtime, KeepError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(KeepError::Host)
}

fn store() -> Result<Store, KeepError> {
    Store::from_env()?.ok_or(KeepError::NoStore)
}

/// What is sent as the configuration, read before anything is done.
fn config(args: &KeepArgs) -> Result<Option<String>, KeepError> {
    let Some(file) = &args.config else {
        return Ok(None);
    };
    let wrong = |why: String| KeepError::Config {
        file: file.display().to_string(),
        why,
    };
    let text = fs_err::read_to_string(file).map_err(|error| wrong(told(&error)))?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Some(text))
}

/// Restores, configures, keeps until SIGINT or SIGTERM, saves a last time; the number of the signal.
///
/// # Errors
/// When the configuration is not as it must be, or the last save fails. That nothing could be restored is told and no error.
pub fn keep(args: &KeepArgs, tell: impl Fn(&str)) -> Result<i32, KeepError> {
    let pace = Pace {
        every: Duration::from_secs(args.every),
        rest: Duration::from_secs(args.rest),
    };
    let config = config(args)?;
    let Ready {
        runtime,
        saver,
        key,
        daemon,
    } = ready(&args.which, pace)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(KeepError::Host)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(KeepError::Host)?;
        let stop = async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        };
        tokio::pin!(stop);
        tell(&format!("waiting for the daemon at {}", daemon.address()));
        tokio::select! {
            healthy = daemon.healthy(Duration::from_secs(args.wait)) => healthy?,
            number = &mut stop => return Ok(number.as_raw_value()),
        }
        match saver.restore(&key, &daemon).await {
            Ok(Some(restored)) => tell(&format!(
                "{key}: restored: {} files, {} bytes",
                restored.files, restored.size
            )),
            Ok(None) => tell(&format!("{key}: nothing is stored yet")),
            // The workspace is as it was: its boot goes on without.
            Err(error) => tell(&format!(
                "{key}: not restored, and goes on without: {}",
                told(&error)
            )),
        }
        // After the restore, whatever came of it: a repository that is there is not cloned again.
        if let Some(config) = config {
            daemon.configure(config).await?;
            tell(&format!("{key}: configured"));
        }
        let mut number = SignalKind::terminate();
        let stop = async { number = stop.await };
        saver.run(stop, |round| report(round, &tell)).await;
        let round = saver.save_all(Duration::from_secs(args.deadline)).await;
        report(&round, &tell);
        for (_, outcome) in round {
            outcome?;
        }
        Ok(number.as_raw_value())
    })
}

fn report(round: &Round, tell: &impl Fn(&str)) {
    for (key, outcome) in round {
        match outcome {
            Ok(Outcome::Active | Outcome::Unchanged) => {}
            Ok(outcome) => tell(&format!("{key}: {outcome}")),
            Err(error) => tell(&format!("{key}: not saved: {}", told(error))),
        }
    }
}

/// Saves now, whether it changed or not; what was stored, as JSON.
///
/// # Errors
/// When it is not saved.
pub fn save(args: &OnceArgs) -> Result<String, KeepError> {
    let Ready {
        runtime,
        saver,
        key,
        ..
    } = ready(args, Pace::default())?;
    let round = runtime.block_on(saver.save_all(Duration::from_secs(24 * 3600)));
    let mut text = String::new();
    for (_, outcome) in round {
        text = match outcome? {
            Outcome::Saved(seal) => serde_json::json!({ "key": key.path(), "saved": true, "size": seal.size, "sha256": seal.sha256 }),
            _ => serde_json::json!({ "key": key.path(), "saved": false, "reason": "the workspace is empty" }),
        }
        .to_string();
    }
    Ok(text)
}

/// Restores now; what was restored, as JSON.
///
/// # Errors
/// When it is not restored: the workspace is as before.
pub fn restore(args: &OnceArgs) -> Result<String, KeepError> {
    let Ready {
        runtime,
        saver,
        key,
        daemon,
    } = ready(args, Pace::default())?;
    let restored = runtime.block_on(saver.restore(&key, &daemon))?;
    let restored = restored.ok_or(KeepError::Nothing(key.clone()))?;
    Ok(
        serde_json::json!({ "key": key.path(), "size": restored.size, "files": restored.files })
            .to_string(),
    )
}

/// What is stored under a key, as JSON.
///
/// # Errors
/// When nothing is, or it is damaged.
pub fn head(key: &str) -> Result<String, KeepError> {
    let key: Key = key.parse()?;
    let found = runtime()?.block_on(store()?.head(&key))?;
    let seal = found.ok_or(KeepError::Nothing(key.clone()))?;
    Ok(
        serde_json::json!({ "key": key.path(), "size": seal.size, "sha256": seal.sha256 })
            .to_string(),
    )
}
