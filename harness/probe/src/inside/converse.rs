//! Requests of any method to a server on loopback, with bodies that may be cut in the middle.

use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::Shutdown;

use adamant_probe::Reply;
use adamant_probe::converse::{Bytes, Call, Said};

use super::ProbeError;
use super::clock::Deadline;
use super::connect::{loopback, plain};
use super::http::Timed;
use super::out::Out;
use super::response::{self, Head};

/// Sends one call after the other; a failure of one is its answer, and the next is sent all the same.
pub(super) fn hold(
    port: u16,
    calls: &[Call],
    deadline: Deadline,
    out: &mut Out<'_>,
) -> Result<(), ProbeError> {
    for call in calls {
        out.say(&Reply::Said(say(port, call, deadline)))?;
    }
    Ok(())
}

fn say(port: u16, call: &Call, deadline: Deadline) -> Said {
    match exchange(port, call, deadline) {
        Ok((head, body)) => Said {
            status: Some(head.status),
            headers: head.headers,
            body: Bytes(body),
            error: None,
        },
        Err(why) => Said {
            error: Some(why),
            ..Said::default()
        },
    }
}

fn exchange(port: u16, call: &Call, deadline: Deadline) -> Result<(Head, Vec<u8>), String> {
    let stream = loopback(port, deadline).map_err(|error| plain(&error))?;
    let mut wire = Timed { stream, deadline };
    // A server may answer before it has read everything: what it says counts, not that it stopped listening.
    let asked = wire.write_all(&request(call));
    if call.cut {
        // The server must see the end of a body that is not whole.
        let _ = wire.stream.shutdown(Shutdown::Write);
    }
    let mut reader = BufReader::new(wire);
    let head = response::head(&mut reader).map_err(|error| match &asked {
        Ok(()) => error.to_string(),
        Err(why) => format!("{} while asking", plain(why)),
    })?;
    let body = response::body(&mut reader, &head)
        .map_err(|error| format!("{error} in the body of a {} response", head.status))?;
    Ok((head, body))
}

fn request(call: &Call) -> Vec<u8> {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\n",
        call.method, call.path
    );
    text.push_str("User-Agent: adamant-probe\r\nAccept: */*\r\nConnection: close\r\n");
    for (name, value) in &call.headers {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    let body: &[u8] = call.body.as_ref().map_or(&[], |body| &body.0);
    if call.body.is_some() {
        let length = body.len() + usize::from(call.cut);
        let _ = write!(text, "Content-Length: {length}\r\n");
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use adamant_probe::converse::{Bytes, Call};

    use super::{Deadline, say};

    fn call(body: Option<&[u8]>, cut: bool) -> Call {
        Call {
            method: "POST".into(),
            path: "/restore".into(),
            headers: vec![("Authorization".into(), "Bearer t".into())],
            body: body.map(|body| Bytes(body.to_vec())),
            cut,
        }
    }

    /// What a server reads until the end of the request, and what the caller makes of its answer.
    fn heard(call: &Call) -> (String, Option<u16>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let cut = call.cut;
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut seen = Vec::new();
            if cut {
                stream.read_to_end(&mut seen).expect("to its end");
            } else {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).expect("a request");
                seen.extend_from_slice(&buffer[..read]);
            }
            stream
                .write_all(b"HTTP/1.1 204 Nothing\r\n\r\n")
                .expect("answered");
            String::from_utf8_lossy(&seen).into_owned()
        });
        let said = say(port, call, Deadline::after_ms(5000));
        (server.join().expect("the server is done"), said.status)
    }

    #[test]
    fn a_call_is_sent_with_its_headers_and_its_body() {
        let (seen, status) = heard(&call(Some(b"tar"), false));
        assert_eq!(status, Some(204));
        assert!(seen.starts_with("POST /restore HTTP/1.1\r\nHost: localhost\r\n"));
        assert!(seen.contains("\r\nAuthorization: Bearer t\r\nContent-Length: 3\r\n\r\ntar"));
        let (seen, _) = heard(&call(None, false));
        assert!(!seen.contains("Content-Length"), "{seen}");
    }

    #[test]
    fn a_cut_body_has_a_byte_less_than_it_promises() {
        let (seen, status) = heard(&call(Some(b"tar"), true));
        assert_eq!(status, Some(204));
        assert!(seen.ends_with("Content-Length: 4\r\n\r\ntar"), "{seen}");
    }
}
