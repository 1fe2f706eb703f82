//! The daemon beside a workspace: seed 002's routes over HTTP, nothing in memory but what is on its way.

mod body;
mod front;
mod route;
mod token;
mod workspace;

pub use front::{ServeArgs, ServeError, Told, serve};
pub use token::{Token, TokenError};
pub use workspace::{Workspace, WorkspaceError};

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{RwLock, Semaphore};

use route::Routes;

/// How long a peer may leave us waiting for its next bytes, or for taking ours.
const STALL: Duration = Duration::from_secs(60);
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(10);
/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long what is under way may still take once we are told to stop.
const FAREWELL: Duration = Duration::from_secs(8);

/// Where lines for the operator go.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    /// Lines go to `line`.
    pub fn new(line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(line))
    }

    pub(crate) fn say(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// A daemon that has its port.
#[derive(Debug)]
pub struct Daemon {
    listener: TcpListener,
    routes: Arc<Routes>,
    log: Log,
}

impl Daemon {
    /// Takes the port.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn bind(
        address: SocketAddr,
        workspace: Workspace,
        token: Token,
        log: Log,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let routes = Arc::new(Routes::new(workspace, token, log.clone()));
        Ok(Self {
            listener,
            routes,
            log,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`; then what is under way may end, for a few seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let under_way = self.routes.under_way();
        tokio::select! {
            () = stop => {}
            () = self.accept(places) => {}
        }
        // A snapshot or restore holds this lock while it lasts.
        let _ = tokio::time::timeout(FAREWELL, under_way.write()).await;
    }

    async fn accept(&self, places: Arc<Semaphore>) {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, or a peer that was gone at once: others may still come.
                    self.log
                        .say(&format!("a connection was not accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let routes = self.routes.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let routes = routes.clone();
                    async move { Ok::<_, Infallible>(routes.answer(request).await) }
                });
                // A connection that breaks concerns its peer alone; a snapshot that breaks off is told by the route.
                let _ = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    // A peer that has said all may close its side; its restore goes on, and it hears of it.
                    .half_close(true)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                drop(place);
            });
        }
    }
}

/// Snapshots share it, a restore has it alone.
type UnderWay = Arc<RwLock<()>>;
