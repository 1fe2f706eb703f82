//! What is typed to serve a workspace, for `adamant workspace serve` and `adamant-workspace` alike.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use super::{Daemon, Log, Token, TokenError, Workspace, WorkspaceError};
use crate::archive::{Accept, Limits};

/// Serve a workspace: snapshots of it, and restores into it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "`DAEMON_TOKEN` is the bearer token that every route but /health asks for.")]
pub struct ServeArgs {
    /// The workspace. The directory above it must be writable: a restore is laid out there before it takes the workspace's place.
    pub dir: PathBuf,
    /// Where to listen; port 0 takes a free one, which the first line on stdout tells.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,
    /// Take what is refused by default.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub accept: Vec<Acceptable>,
    /// The most content that a snapshot may have, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().bytes)]
    pub max_bytes: u64,
    /// The most entries that a snapshot may have.
    #[arg(long, value_name = "N", default_value_t = Limits::default().entries)]
    pub max_entries: u64,
}

/// What can be taken on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Acceptable {
    /// Files of others than the daemon and the workspace's owner.
    ForeignOwners,
    /// Names in one directory that differ in case only.
    CaseCollisions,
    /// Symbolic links that lead out of the workspace.
    OutwardLinks,
}

/// Why a workspace is not served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No workspace.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
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
            Self::Token(_) => Some(
                "set it to a random text, the same for the daemon and for those who call it"
                    .to_owned(),
            ),
            Self::Workspace(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether what was typed or set is at fault.
    #[must_use]
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Host(_))
    }
}

/// What a server tells while it serves.
#[derive(Debug, Clone)]
pub enum Told {
    /// It listens: data, for whoever started it.
    Listening(SocketAddr),
    /// Talk.
    Line(String),
}

/// Serves until SIGINT or SIGTERM; the number of the signal.
///
/// # Errors
/// When the workspace, the token or the port is not as it must be.
pub fn serve(
    args: &ServeArgs,
    tell: impl Fn(Told) + Send + Sync + Clone + 'static,
) -> Result<i32, ServeError> {
    let token = Token::from_env()?;
    let limits = Limits {
        bytes: args.max_bytes,
        entries: args.max_entries,
    };
    let accept = Accept {
        foreign_owners: args.accept.contains(&Acceptable::ForeignOwners),
        case_collisions: args.accept.contains(&Acceptable::CaseCollisions),
        outward_links: args.accept.contains(&Acceptable::OutwardLinks),
    };
    let workspace = Workspace::open(&args.dir, limits, accept)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ServeError::Host)?;
    let log = Log::new({
        let tell = tell.clone();
        move |line| tell(Told::Line(line.to_owned()))
    });
    let number = runtime.block_on(async {
        let daemon = Daemon::bind(args.listen, workspace, token, log)
            .await
            .map_err(|source| ServeError::Listen {
                address: args.listen,
                source,
            })?;
        // Before the address is told: who reads it may stop us at once.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Host)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Host)?;
        tell(Told::Listening(daemon.address().map_err(ServeError::Host)?));
        let mut number = SignalKind::terminate();
        daemon
            .run(async {
                tokio::select! {
                    _ = interrupt.recv() => number = SignalKind::interrupt(),
                    _ = terminate.recv() => {}
                }
            })
            .await;
        Ok(number.as_raw_value())
    });
    // A peer that reads a snapshot slowly is not waited for.
    runtime.shutdown_background();
    number
}
