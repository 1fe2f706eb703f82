//! Between HTTP and a handler: the `req` that a request becomes, and the answer that an execution becomes.

use std::net::SocketAddr;

use adamant_isolate::{Execution, Outcome, Response as Handled};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::route::{Answer, failure};

/// Members of `req` for a request of `id`; the function sees the path below its name.
pub(super) fn request(
    head: &Parts,
    id: &str,
    below: &str,
    body: &[u8],
    peer: Option<SocketAddr>,
) -> Result<Value, String> {
    let url = match head.uri.query() {
        Some(query) => format!("{below}?{query}"),
        None => below.to_owned(),
    };
    let mut request = json!({
        "method": head.method.as_str(),
        "url": url,
        "path": below,
        "headers": headers(&head.headers),
        "params": { "functionId": id },
        "protocol": "http",
    });
    if let Some(peer) = peer {
        request["ip"] = peer.ip().to_string().into();
    }
    if let Some(body) = parsed(&head.headers, body)? {
        request["body"] = body;
    }
    Ok(request)
}

/// As Node joins them: `set-cookie` never comes in a request, cookies are joined by `; `, all else by `, `.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys() {
        let between = if name == hyper::header::COOKIE {
            "; "
        } else {
            ", "
        };
        let values = headers.get_all(name).iter();
        // Node reads the bytes of a header as Latin-1.
        let values: Vec<String> = values
            .map(|value| value.as_bytes().iter().map(|b| char::from(*b)).collect())
            .collect();
        joined.insert(name.as_str().to_owned(), values.join(between).into());
    }
    joined
}

/// The body as Express' parsers leave it.
fn parsed(headers: &HeaderMap, body: &[u8]) -> Result<Option<Value>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind == "application/json" || kind.ends_with("+json") {
        let value = serde_json::from_slice(body);
        return value
            .map(Some)
            .map_err(|error| format!("the body is no JSON: {error}"));
    }
    if kind == "application/x-www-form-urlencoded" {
        return Ok(Some(Value::Object(form(body))));
    }
    Ok(Some(json_of(body)))
}

/// Fields of a form; one that comes several times is a list.
fn form(body: &[u8]) -> Map<String, Value> {
    let mut fields: Map<String, Value> = Map::new();
    for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let mut half = || decoded(halves.next().unwrap_or_default());
        let (name, value) = (half(), Value::from(half()));
        match fields.get_mut(&name) {
            None => {
                fields.insert(name, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    fields
}

fn decoded(text: &[u8]) -> String {
    let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let pair = (digit(text.get(at + 1)), digit(text.get(at + 2)));
        at += 1;
        match (byte, pair) {
            (b'+', _) => bytes.push(b' '),
            (b'%', (Some(high), Some(low))) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text as text; other bytes in the form that Node gives a `Buffer` in JSON.
pub(super) fn json_of(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "type": "Buffer", "data": bytes }),
    }
}

/// The answer of a handler, or why there is none. Errors are told as they are (seed 001).
pub(super) fn response(execution: Execution) -> Answer {
    let outcome = execution.outcome;
    if let (Outcome::Returned | Outcome::Exited(_), Some(handled)) = (&outcome, execution.response)
    {
        return answer(handled);
    }
    let status = match outcome {
        Outcome::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let Some(error) = execution.error else {
        let message = match outcome {
            Outcome::Exited(code) => {
                format!("the function ended the process with code {code} and gave no response")
            }
            _ => "the function came to its end and gave no response".to_owned(),
        };
        return failure(status, "ERR_NO_RESPONSE", &message);
    };
    super::route::json(status, &json!({ "error": error }))
}

/// Concern the connection, which is ours.
const OURS: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

fn answer(handled: Handled) -> Answer {
    let wrong = |reason: String| {
        failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "ERR_INVALID_RESPONSE",
            &reason,
        )
    };
    // What is below 200 is not a whole answer.
    let status = match StatusCode::from_u16(handled.status) {
        Ok(status) if handled.status >= 200 => status,
        _ => {
            return wrong(format!(
                "the function gave the status {}, with which no answer can end",
                handled.status
            ));
        }
    };
    let bare = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    let body = if bare { Vec::new() } else { handled.body };
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    for (name, value) in handled.headers {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return wrong(format!(
                "the function set the header {name:?}, which is no name"
            ));
        };
        // As Node writes them: a character is a byte, and beyond that it is none.
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let Some(Ok(value)) = bytes.map(|bytes| HeaderValue::from_bytes(&bytes)) else {
            return wrong(format!(
                "the function set the header `{name}` to {value:?}, which no header can carry"
            ));
        };
        if !OURS.contains(&header) {
            answer.headers_mut().append(header, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_bytes_become_what_express_leaves() {
        let fields = form(b"a=1&b=x+y%21&a=2&c&%zz=%e4");
        let expected = json!({ "a": ["1", "2"], "b": "x y!", "c": "", "%zz": "\u{fffd}" });
        assert_eq!(Value::Object(fields), expected);
        assert_eq!(json_of(b"text"), json!("text"));
        assert_eq!(
            json_of(&[0xff, 1]),
            json!({ "type": "Buffer", "data": [255, 1] })
        );
    }
}
