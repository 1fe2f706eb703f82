//! The service: connections, their limits, and an end that loses nothing that was accepted.

mod door;
mod invoke;
mod route;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;
use route::Routes;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(10);
/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// Seed 001: a graceful shutdown takes at most so long.
pub const GRACE: Duration = Duration::from_secs(30);

/// A service that has its port.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    routes: Arc<Routes>,
}

/// How a service came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Requests that were accepted and had no answer when the grace was over.
    pub unanswered: usize,
}

impl Service {
    /// Takes a port.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn claim(address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    /// Serves an engine on a port that was taken, with bodies of at most so many bytes.
    #[must_use]
    pub fn new(listener: TcpListener, engine: Arc<Engine>, max_body: usize) -> Self {
        let routes = Arc::new(Routes { engine, max_body });
        Self { listener, routes }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Then no connection is accepted any more; each that was accepted gets the answer to the request that it
    /// brings, within the grace.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Stopped {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (closing, closed) = watch::channel(false);
        tokio::select! {
            () = stop => {}
            () = self.accept(&places, &closed) => {}
        }
        let until = Instant::now() + GRACE;
        let routes = &self.routes;
        door::close(self.listener, |stream| {
            serve(routes, stream, &places, &closed);
        })
        .await;
        // A failure only says that there is no connection.
        let _ = closing.send(true);
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let ended = timeout_at(until, places.acquire_many(all)).await.is_ok();
        let unanswered = if ended {
            0
        } else {
            CONNECTIONS - places.available_permits()
        };
        let left = until.saturating_duration_since(Instant::now());
        let engine = Arc::clone(&self.routes.engine);
        // What was accepted is answered by now, or its time is over: this waits for nobody, but ends the isolates.
        let _ = tokio::task::spawn_blocking(move || engine.shutdown(left)).await;
        Stopped { unanswered }
    }

    async fn accept(&self, places: &Arc<Semaphore>, closed: &watch::Receiver<bool>) {
        loop {
            // Wait for a place before the connection, which is safe in the kernel's queue until then.
            let Ok(place) = places.acquire().await else {
                return;
            };
            drop(place);
            match self.listener.accept().await {
                Ok((stream, _)) => serve(&self.routes, stream, places, closed),
                // Out of file descriptors, or a peer that was gone at once: others may still come.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// Serves one connection beside the others.
fn serve(
    routes: &Arc<Routes>,
    stream: TcpStream,
    places: &Arc<Semaphore>,
    closed: &watch::Receiver<bool>,
) {
    let routes = Arc::clone(routes);
    let peer = stream.peer_addr().ok();
    let mut closed = closed.clone();
    // An answer is one small write: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let place = Arc::clone(places).try_acquire_owned();
    tokio::spawn(async move {
        let _place = place;
        let service = service_fn(move |request| {
            let routes = Arc::clone(&routes);
            async move { Ok::<_, Infallible>(routes.answer(request, peer).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        // A connection that breaks concerns its peer alone.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = closed.wait_for(|closed| *closed) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    });
}
