//! Asks a daemon: how long it rests, a snapshot, a restore.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Client, RequestBuilder, Response, StatusCode};
use thiserror::Error;

use crate::archive::ArchiveError;
use crate::env;
use crate::objects::{Download, StoreError};
use crate::routes::{CONFIG, CREATE, Failure, HEALTH, IDLE, Idle, RESTORE, Restored};

/// How long a daemon may leave us without a byte.
const STALL: Duration = Duration::from_secs(120);

/// Why a workspace was not saved or restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SaveError {
    /// No address, or no token that can be sent.
    #[error("`{0}` is not the http:// address of a daemon")]
    Address(String),
    /// The host lets us make no client.
    #[error("cannot ask daemons on this host")]
    Client(#[source] reqwest::Error),
    /// The token is missing.
    #[error(
        "`{}` is not set: the daemon and those who call it share a bearer token",
        env::TOKEN
    )]
    Token,
    /// The daemon did not answer.
    #[error("failed to {what} at `{daemon}`")]
    Unreachable {
        /// What was asked.
        what: &'static str,
        /// Where.
        daemon: String,
        /// What came of it.
        source: reqwest::Error,
    },
    /// It stopped in the middle.
    #[error("the daemon at `{0}` took no byte for two minutes")]
    Stalled(String),
    /// The daemon said no.
    #[error("the daemon at `{daemon}` answered {status} when asked to {what}: {reason}")]
    Answer {
        /// What was asked.
        what: &'static str,
        /// Where.
        daemon: String,
        /// Its status code.
        status: u16,
        /// Its reason.
        reason: String,
    },
    /// What it sent is no whole tar.
    #[error("the daemon's snapshot is not stored")]
    Snapshot(#[from] ArchiveError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The deadline passed.
    #[error("not saved within {0:?}")]
    Deadline(Duration),
}

impl SaveError {
    /// Whether asking again soon may help: something else is under way there, or the workspace changed while it was read.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Answer { status: 409, .. } | Self::Unreachable { .. } | Self::Snapshot(_)
        )
    }
}

/// A daemon.
#[derive(Debug, Clone)]
pub struct Daemon {
    address: String,
    token: String,
    asked: Client,
    /// Without a limit between bytes: while a restore is sent, nothing comes back.
    sending: Client,
}

impl Daemon {
    /// The daemon at `http://HOST:PORT`.
    ///
    /// # Errors
    /// When that is no such address, or the token cannot be sent.
    pub fn new(address: &str, token: &str) -> Result<Self, SaveError> {
        let bad = || SaveError::Address(address.to_owned());
        let trimmed = address.trim_end_matches('/');
        let url = reqwest::Url::parse(trimmed).map_err(|_error| bad())?;
        // It is named `http`, and a path of its own would come before the contract's.
        if url.scheme() != "http" || !url.has_host() || url.path() != "/" || url.query().is_some() {
            return Err(bad());
        }
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SaveError::Token);
        }
        // The token is for the daemon: neither a proxy nor another place that it sends us to gets it. Nothing is said over TLS,
        // and the inside of a container may have no certificates to look for.
        let client = || {
            Client::builder()
                .tls_certs_only([])
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
        };
        crate::objects::provide_tls();
        Ok(Self {
            asked: client()
                .read_timeout(STALL)
                .build()
                .map_err(SaveError::Client)?,
            sending: client().build().map_err(SaveError::Client)?,
            address: trimmed.to_owned(),
            token: token.to_owned(),
        })
    }

    /// The daemon there, with the token of the environment.
    ///
    /// # Errors
    /// As `new`, or when no token is set.
    pub fn from_env(address: &str) -> Result<Self, SaveError> {
        let token = env::host(env::TOKEN).filter(|t| !t.is_empty());
        Self::new(address, &token.ok_or(SaveError::Token)?)
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it answers that it serves; how it did not, when the time is up.
    pub(super) async fn healthy(&self, within: Duration) -> Result<(), SaveError> {
        let until = tokio::time::Instant::now() + within;
        loop {
            // One that hangs is asked again: it may have been started over.
            let request = self
                .asked
                .get(self.url(HEALTH))
                .timeout(Duration::from_secs(5));
            match self.ask("tell whether it serves", request).await {
                Ok(_) => return Ok(()),
                Err(error) if tokio::time::Instant::now() >= until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Configures it: whoever runs the workspace sets it up now.
    pub(super) async fn configure(&self, config: String) -> Result<(), SaveError> {
        let request = self
            .asked
            .post(self.url(CONFIG))
            .header(CONTENT_TYPE, "application/json")
            .body(config);
        self.ask("take the configuration", request).await.map(drop)
    }

    /// For how long nothing has changed.
    pub(super) async fn idle(&self) -> Result<Duration, SaveError> {
        let what = "tell how long it rests";
        // A small answer that takes minutes is none.
        let request = self.asked.get(self.url(IDLE)).timeout(STALL);
        let answer = self.ask(what, request).await?;
        let idle: Idle = answer.json().await?;
        Ok(Duration::from_millis(idle.idle_ms))
    }

    /// A snapshot; `None` when the workspace is empty.
    pub(super) async fn create(&self) -> Result<Option<Snapshot>, SaveError> {
        let what = "make a snapshot";
        let answer = self.ask(what, self.asked.post(self.url(CREATE))).await?;
        if answer.response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        Ok(Some(Snapshot(answer)))
    }

    /// Restores a snapshot.
    pub(super) async fn restore(&self, download: Download) -> Result<Restored, SaveError> {
        let what = "restore a snapshot";
        let seal = download.seal().clone();
        let sent = Arc::new(AtomicU64::new(0));
        let failed = Arc::new(std::sync::Mutex::new(None));
        let body = stream::unfold(Some(download), {
            let (sent, failed) = (sent.clone(), failed.clone());
            move |download| {
                let (sent, failed) = (sent.clone(), failed.clone());
                async move {
                    let mut download = download?;
                    match download.next().await {
                        Ok(Some(piece)) => {
                            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                            Some((Ok(piece), Some(download)))
                        }
                        Ok(None) => None,
                        Err(error) => {
                            *failed
                                .lock()
                                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                            Some((Err::<Bytes, _>("the store broke off"), None))
                        }
                    }
                }
            }
        });
        let mut request = self
            .sending
            .post(self.url(RESTORE))
            .header(CONTENT_TYPE, "application/x-tar")
            .header(CONTENT_LENGTH, seal.size)
            .body(Body::wrap_stream(body));
        if let Some(digest) = seal.digest() {
            request = request.header(
                "content-digest",
                format!("sha-256=:{}:", BASE64.encode(digest)),
            );
        }
        let answered = tokio::select! {
            answered = self.ask(what, request) => answered,
            () = stalled(&sent) => Err(SaveError::Stalled(self.address.clone())),
        };
        // That the store broke off is the reason, whatever the daemon made of the rest.
        let store = failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(error) = store {
            return Err(error.into());
        }
        answered?.json().await
    }

    fn url(&self, route: &str) -> String {
        format!("{}{route}", self.address)
    }

    async fn ask(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<Answered, SaveError> {
        let sent = request.bearer_auth(&self.token).send().await;
        let answered = Answered {
            what,
            daemon: self.address.clone(),
            response: sent.map_err(|source| SaveError::Unreachable {
                what,
                daemon: self.address.clone(),
                source: source.without_url(),
            })?,
        };
        if answered.response.status().is_success() {
            Ok(answered)
        } else {
            Err(answered.refusal().await)
        }
    }
}

/// Ends when nothing was sent for too long.
async fn stalled(sent: &AtomicU64) {
    let mut before = u64::MAX;
    loop {
        let now = sent.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
        tokio::time::sleep(STALL).await;
    }
}

/// An answer with what was asked, for its errors.
#[derive(Debug)]
struct Answered {
    what: &'static str,
    daemon: String,
    response: Response,
}

impl Answered {
    fn unreachable(what: &'static str, daemon: &str) -> impl Fn(reqwest::Error) -> SaveError {
        let daemon = daemon.to_owned();
        move |source| SaveError::Unreachable {
            what,
            daemon: daemon.clone(),
            source: source.without_url(),
        }
    }

    async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, SaveError> {
        let failed = Self::unreachable(self.what, &self.daemon);
        let status = self.response.status().as_u16();
        let bytes = self.response.bytes().await.map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|error| SaveError::Answer {
            what: self.what,
            daemon: self.daemon,
            status,
            reason: format!("an answer that cannot be read: {error}"),
        })
    }

    /// The daemon's reason; a foreign one may answer in its own words.
    async fn refusal(mut self) -> SaveError {
        let status = self.response.status();
        let mut bytes = Vec::new();
        while bytes.len() < 64 << 10
            && let Ok(Some(piece)) = self.response.chunk().await
        {
            bytes.extend_from_slice(&piece);
        }
        let reason = match serde_json::from_slice::<Failure>(&bytes) {
            Ok(failure) => failure.error,
            Err(_) => String::from_utf8_lossy(&bytes)
                .trim()
                .chars()
                .take(400)
                .collect(),
        };
        SaveError::Answer {
            what: self.what,
            daemon: self.daemon,
            status: status.as_u16(),
            reason,
        }
    }
}

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Snapshot(Answered);

impl Snapshot {
    /// The next bytes; `None` at their proper end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, SaveError> {
        let failed = Answered::unreachable(self.0.what, &self.0.daemon);
        self.0.response.chunk().await.map_err(failed)
    }
}
