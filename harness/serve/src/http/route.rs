//! What each route answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adamant_isolate::pool::AcquireError;
use adamant_isolate::{Chunk, Execution, Outcome, Stream, Thrown};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::invoke;
use crate::engine::{Done, Engine, ExecuteError, word};

/// Where functions answer: `/invoke/ID` and all below it, as their request.
const INVOKE: &str = "/invoke/";
/// Where functions are executed: a request as JSON, what became of it as JSON.
const EXECUTE: &str = "/execute/";

/// How long a request's body may take.
const BODY: Duration = Duration::from_secs(60);

pub(super) type Answer = Response<Full<Bytes>>;

/// The routes and what they share.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) engine: Arc<Engine>,
    pub(super) max_body: usize,
}

impl Routes {
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: Option<SocketAddr>,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        if let Some(rest) = path.strip_prefix(INVOKE) {
            return self.invoke(&head, rest, body, peer).await;
        }
        if let Some(id) = path.strip_prefix(EXECUTE) {
            if head.method != Method::POST {
                return not_allowed(&path, "POST");
            }
            return self.execute(id, body).await;
        }
        let read = matches!(head.method, Method::GET | Method::HEAD);
        match path.as_str() {
            "/health" | "/metrics" if !read => not_allowed(&path, "GET"),
            "/health" => json(StatusCode::OK, &json!({ "status": "ok" })),
            "/metrics" => self.metrics(&head.headers),
            _ => failure(
                StatusCode::NOT_FOUND,
                "ERR_NO_ROUTE",
                &format!(
                    "there is no route `{path}`; known: /invoke/ID, /execute/ID, /metrics, /health"
                ),
            ),
        }
    }

    /// JSON, unless the reader asks for text first (CLARIFICATIONS 27).
    fn metrics(&self, headers: &HeaderMap) -> Answer {
        if prefers_text(headers) {
            let mut answer = Response::new(self.engine.prometheus().into());
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            answer.headers_mut().insert(CONTENT_TYPE, kind);
            return answer;
        }
        json(StatusCode::OK, &self.engine.report())
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, Answer> {
        let limited = Limited::new(body, self.max_body).collect();
        match tokio::time::timeout(BODY, limited).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let mut answer = failure(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "ERR_BODY_TOO_LARGE",
                    &format!(
                        "the body has more than {} bytes (`MAX_BODY_BYTES`)",
                        self.max_body
                    ),
                );
                // What is left of it is not read.
                let close = HeaderValue::from_static("close");
                answer
                    .headers_mut()
                    .insert(hyper::header::CONNECTION, close);
                Err(answer)
            }
            Ok(Err(_)) => Err(failure(
                StatusCode::BAD_REQUEST,
                "ERR_BODY_BROKE_OFF",
                "the body was not sent to its end",
            )),
            Err(_) => Err(failure(
                StatusCode::REQUEST_TIMEOUT,
                "ERR_BODY_TIMEOUT",
                &format!("the body did not come within {}s", BODY.as_secs()),
            )),
        }
    }

    async fn invoke(
        &self,
        head: &Parts,
        rest: &str,
        body: Incoming,
        peer: Option<SocketAddr>,
    ) -> Answer {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let (id, below) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let request = match invoke::request(head, id, below, &body, peer) {
            Ok(request) => request,
            Err(reason) => return failure(StatusCode::BAD_REQUEST, "ERR_BODY_UNREADABLE", &reason),
        };
        match self.run(id, request).await {
            Ok(done) => invoke::response(done.execution),
            Err(error) => refused(&error),
        }
    }

    async fn execute(&self, id: &str, body: Incoming) -> Answer {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let request = if body.is_empty() {
            Ok(json!({}))
        } else {
            serde_json::from_slice::<Value>(&body)
        };
        let request = match request {
            Ok(request @ Value::Object(_)) => request,
            Ok(_) => {
                return failure(
                    StatusCode::BAD_REQUEST,
                    "ERR_BODY_UNREADABLE",
                    "the body must be a JSON object: the members of `req`",
                );
            }
            Err(error) => {
                let reason = format!("the body is no JSON: {error}");
                return failure(StatusCode::BAD_REQUEST, "ERR_BODY_UNREADABLE", &reason);
            }
        };
        match self.run(id, request).await {
            Ok(done) => json(StatusCode::OK, &Executed::from(done)),
            Err(error) => refused(&error),
        }
    }

    /// On a thread that may wait; it goes on when the peer goes away, so that what was begun is counted.
    async fn run(&self, id: &str, request: Value) -> Result<Done, ExecuteError> {
        let engine = Arc::clone(&self.engine);
        let id = id.to_owned();
        tokio::task::spawn_blocking(move || engine.invoke(&id, request))
            .await
            .unwrap_or_else(|error| Err(ExecuteError::Failed(error.into())))
    }
}

/// The first of the two kinds in `Accept`, by its quality.
fn prefers_text(headers: &HeaderMap) -> bool {
    let mut best = (0.0, false);
    for value in headers.get_all(ACCEPT) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let text = match kind {
                "text/plain" | "text/*" | "application/openmetrics-text" => true,
                "application/json" | "application/*" | "*/*" => false,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.0 {
                best = (quality, text);
            }
        }
    }
    best.1
}

/// What `/execute` tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Executed {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    response: Option<Told>,
    error: Option<Thrown>,
    logs: Vec<Line>,
    logs_cut: bool,
    fresh: bool,
    waited_ms: f64,
    run_ms: f64,
}

#[derive(Debug, Serialize)]
struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

#[derive(Debug, Serialize)]
struct Line {
    stream: Stream,
    text: String,
}

impl From<Done> for Executed {
    fn from(done: Done) -> Self {
        let execution = done.execution;
        Self {
            outcome: word(&execution.outcome),
            exit_code: match execution.outcome {
                Outcome::Exited(code) => Some(code),
                _ => None,
            },
            logs: logs(&execution),
            logs_cut: execution.output.cut,
            response: execution.response.map(|response| Told {
                status: response.status,
                headers: response.headers,
                body: invoke::json_of(&response.body),
            }),
            error: execution.error,
            fresh: done.fresh,
            waited_ms: done.waited.as_secs_f64() * 1e3,
            run_ms: done.took.as_secs_f64() * 1e3,
        }
    }
}

fn logs(execution: &Execution) -> Vec<Line> {
    let line = |chunk: &Chunk| Line {
        stream: chunk.stream,
        text: String::from_utf8_lossy(&chunk.bytes).into_owned(),
    };
    execution.output.chunks.iter().map(line).collect()
}

/// Why there was no execution, as an answer.
fn refused(error: &ExecuteError) -> Answer {
    let (status, code) = match error {
        ExecuteError::Unknown(_) => (StatusCode::NOT_FOUND, "ERR_NO_FUNCTION"),
        ExecuteError::Catalog { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "ERR_CATALOG"),
        ExecuteError::Package { .. } => (StatusCode::BAD_GATEWAY, "ERR_PACKAGE"),
        ExecuteError::Isolate(AcquireError::Closed) => {
            (StatusCode::SERVICE_UNAVAILABLE, "ERR_SHUTTING_DOWN")
        }
        ExecuteError::Isolate(_) => (StatusCode::SERVICE_UNAVAILABLE, "ERR_NO_ISOLATE"),
        ExecuteError::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ERR_ENGINE"),
    };
    let mut answer = failure(status, code, &adamant_store::told(error));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

pub(super) fn failure(status: StatusCode, code: &str, message: &str) -> Answer {
    json(
        status,
        &json!({ "error": { "code": code, "message": message } }),
    )
}

fn not_allowed(path: &str, method: &'static str) -> Answer {
    let mut answer = failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "ERR_METHOD",
        &format!("`{path}` answers {method} only"),
    );
    let allow = HeaderValue::from_static(method);
    answer.headers_mut().insert(ALLOW, allow);
    answer
}
