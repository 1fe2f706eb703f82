//! What each route answers (seed 002; GET on a POST route answers 405, CLARIFICATIONS 27).

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::body::{Answer, Inlet, Outlet, drain, next, pass, whole};
use super::{Log, Token, UnderWay, Workspace};
use crate::archive::ArchiveError;
use crate::key::hex;
use crate::routes::{CREATE, Failure, HEALTH, IDLE, Idle, RESTORE, Restored};

/// RFC 9530: what the body must digest to; `sha-256=:BASE64:`.
const DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// How much of a body that is not wanted is still taken, and for how long.
const UNWANTED: (u64, Duration) = (64 << 20, Duration::from_secs(5));

/// Times of files are coarser than the clock: a restore is told from so long before its beginning, so that whoever restored
/// never takes it for work.
const GRAIN: Duration = Duration::from_secs(1);

/// The routes and what they share.
#[derive(Debug)]
pub(super) struct Routes {
    workspace: Workspace,
    token: Token,
    log: Log,
    under_way: UnderWay,
    started: SystemTime,
    /// When the last restore began, and when it was done: what it wrote is nobody's work.
    restored: Mutex<Option<(SystemTime, SystemTime)>>,
}

impl Routes {
    pub(super) fn new(workspace: Workspace, token: Token, log: Log) -> Self {
        Self {
            workspace,
            token,
            log,
            under_way: UnderWay::default(),
            started: SystemTime::now(),
            restored: Mutex::new(None),
        }
    }

    pub(super) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Answer> {
        let (head, mut body) = request.into_parts();
        let path = head.uri.path();
        let wanted = match path {
            HEALTH | IDLE => Some(Method::GET),
            CREATE | RESTORE => Some(Method::POST),
            _ => None,
        };
        let authorization = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if path != HEALTH && !self.token.admits(authorization) {
            drain(&mut body, 1 << 20, Duration::from_secs(1)).await;
            let mut answer = failure(
                StatusCode::UNAUTHORIZED,
                "the bearer token is missing or wrong",
            );
            answer
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return answer;
        }
        let Some(wanted) = wanted else {
            drain(&mut body, UNWANTED.0, UNWANTED.1).await;
            return failure(StatusCode::NOT_FOUND, &format!("no route `{path}`"));
        };
        if head.method != wanted {
            let mut answer = failure(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("`{path}` answers {wanted} only"),
            );
            let allow = HeaderValue::from_str(wanted.as_str());
            answer
                .headers_mut()
                .extend(allow.ok().map(|allow| (ALLOW, allow)));
            return answer;
        }
        match path {
            HEALTH => json(StatusCode::OK, &serde_json::json!({ "ok": true })),
            IDLE => self.idle().await,
            CREATE => self.create().await,
            _ => {
                let digest = head.headers.get(DIGEST);
                let answer = match digest.map(wanted_digest).transpose() {
                    Err(why) => failure(StatusCode::BAD_REQUEST, why),
                    Ok(digest) => self.restore(&mut body, digest).await,
                };
                if answer.status() != StatusCode::OK {
                    drain(&mut body, UNWANTED.0, UNWANTED.1).await;
                }
                answer
            }
        }
    }

    async fn idle(self: Arc<Self>) -> Response<Answer> {
        let looked = spawn_blocking({
            let this = self.clone();
            move || {
                if this.workspace.exists() {
                    this.workspace.activity()
                } else {
                    Ok(this.started)
                }
            }
        });
        let newest = match looked.await {
            Ok(Ok(newest)) => newest,
            Ok(Err(error)) => return failure(StatusCode::INTERNAL_SERVER_ERROR, &error.told()),
            Err(error) => return failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        let restored = *self
            .restored
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let activity = match restored {
            Some((began, done)) if newest <= done => began - GRAIN,
            _ => newest,
        };
        let idle = SystemTime::now()
            .duration_since(activity)
            .unwrap_or_default();
        let at = jiff::Timestamp::try_from(activity).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        json(
            StatusCode::OK,
            &Idle {
                last_activity_at: format!("{at:.3}"),
                idle_ms: u64::try_from(idle.as_millis()).unwrap_or(u64::MAX),
            },
        )
    }

    async fn create(self: Arc<Self>) -> Response<Answer> {
        let Ok(guard) = self.under_way.clone().try_read_owned() else {
            return busy("a restore is under way");
        };
        if !self.workspace.exists() {
            let directory = self.workspace.directory().display();
            return failure(
                StatusCode::NOT_FOUND,
                &format!("there is no workspace `{directory}`"),
            );
        }
        match self.workspace.is_empty() {
            Ok(true) => return empty(StatusCode::NO_CONTENT),
            Ok(false) => {}
            Err(error) => return failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
        let (mut outlet, mut pieces) = Outlet::new(Handle::current());
        let this = self.clone();
        spawn_blocking(move || {
            let _guard = guard;
            match this.workspace.write(&mut outlet) {
                Ok(written) => {
                    this.log.say(&format!(
                        "snapshot: {} entries, {} bytes",
                        written.entries, written.bytes
                    ));
                    for name in written.left_out {
                        this.log.say(&format!(
                            "snapshot: `{name}` is left out: a socket, pipe or device"
                        ));
                    }
                }
                Err(error) => {
                    let told = error.told();
                    this.log.say(&format!("snapshot broke off: {told}"));
                    outlet.fail(told.into());
                }
            }
        });
        // What fails before the first bytes are out is told as such; later it can only break off.
        match pieces.recv().await {
            Some(Ok(first)) => {
                let mut answer = Response::new(Answer::Stream(Some(first), pieces));
                answer
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
                answer
            }
            Some(Err(error)) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            None => failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the snapshot ended before it began",
            ),
        }
    }

    async fn restore(
        self: Arc<Self>,
        body: &mut Incoming,
        wanted: Option<[u8; 32]>,
    ) -> Response<Answer> {
        if body.is_end_stream() {
            return failure(StatusCode::BAD_REQUEST, "a restore needs a tar as its body");
        }
        let first = match next(body).await {
            Ok(Some(first)) => first,
            Ok(None) => {
                return failure(StatusCode::BAD_REQUEST, "a restore needs a tar as its body");
            }
            Err(error) => return failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        let Ok(guard) = self.under_way.clone().try_write_owned() else {
            return busy("a snapshot or another restore is under way");
        };
        let (to, inlet) = Inlet::new(wanted.is_some());
        let this = self.clone();
        let work = spawn_blocking(move || {
            let _guard = guard;
            this.lay(inlet, wanted)
        });
        pass(body, first, to).await;
        match work.await {
            Ok(Ok(restored)) => json(StatusCode::OK, &restored),
            Ok(Err(error)) => {
                let told = error.told();
                self.log.say(&format!(
                    "restore failed, the workspace is as before: {told}"
                ));
                failure(StatusCode::INTERNAL_SERVER_ERROR, &told)
            }
            Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    fn lay(&self, mut inlet: Inlet, wanted: Option<[u8; 32]>) -> Result<Restored, ArchiveError> {
        let began = SystemTime::now();
        let laid = self
            .workspace
            .restore(&mut inlet, |inlet| match (wanted, inlet.digest()) {
                (Some(wanted), Some(seen)) if wanted != seen => Err(ArchiveError::Malformed(
                    format!("its SHA-256 is {}, not {}", hex(&seen), hex(&wanted)),
                )),
                _ => Ok(()),
            })?;
        let done = self
            .workspace
            .changed()
            .unwrap_or_else(|_| SystemTime::now());
        *self
            .restored
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some((began, done));
        self.log.say(&format!(
            "restored: {} files, {} bytes",
            laid.files, laid.bytes
        ));
        Ok(Restored {
            ok: true,
            size: laid.bytes,
            files: laid.files,
        })
    }
}

/// `sha-256=:BASE64:`, among other algorithms that we do not know.
fn wanted_digest(header: &HeaderValue) -> Result<[u8; 32], &'static str> {
    const UNREAD: &str = "`Content-Digest` has no readable `sha-256=:BASE64:`";
    let text = header.to_str().map_err(|_error| UNREAD)?;
    let value = text
        .split(',')
        .find_map(|part| part.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))
        .ok_or(UNREAD)?;
    let bytes = BASE64.decode(value).map_err(|_error| UNREAD)?;
    bytes.try_into().map_err(|_error| UNREAD)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Answer> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(whole(Bytes::from(text)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn failure(status: StatusCode, error: &str) -> Response<Answer> {
    let error = error.to_owned();
    json(status, &Failure { ok: false, error })
}

fn empty(status: StatusCode) -> Response<Answer> {
    let mut answer = Response::new(whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn busy(why: &str) -> Response<Answer> {
    let mut answer = failure(StatusCode::CONFLICT, why);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}
