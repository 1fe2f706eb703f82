//! One `GET` on loopback, with one deadline for connecting, asking and reading.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;

use adamant_probe::Http;

use super::clock::Deadline;
use super::connect::{loopback, plain};
use super::response::{self, Head};

/// Asks for `path` on `port`; every failure is part of the answer.
pub(super) fn get(port: u16, path: &str, deadline: Deadline) -> Http {
    match exchange(port, path, deadline) {
        Ok((head, body)) => Http {
            status: Some(head.status),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            error: None,
        },
        Err(why) => Http {
            status: None,
            headers: Vec::new(),
            body: String::new(),
            error: Some(why),
        },
    }
}

fn exchange(port: u16, path: &str, deadline: Deadline) -> Result<(Head, Vec<u8>), String> {
    let stream = loopback(port, deadline).map_err(|error| plain(&error))?;
    let mut wire = Timed { stream, deadline };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: adamant-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(request.as_bytes())
        .map_err(|error| format!("{} while asking", plain(&error)))?;
    let mut reader = BufReader::new(wire);
    let head = response::head(&mut reader).map_err(|error| error.to_string())?;
    let body = response::body(&mut reader, &head)
        .map_err(|error| format!("{error} in the body of a {} response", head.status))?;
    Ok((head, body))
}

/// A stream on which no call outlives the deadline.
pub(super) struct Timed {
    pub(super) stream: TcpStream,
    pub(super) deadline: Deadline,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.left().ok_or(io::ErrorKind::TimedOut)?;
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.deadline.left().ok_or(io::ErrorKind::TimedOut)?;
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    use super::{Deadline, get};

    /// Answers one connection with `parts`, with a pause after each; returns what was asked.
    fn serve(parts: &[&'static str], pause: Duration) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let parts = parts.to_vec();
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 4096];
            let length = stream.read(&mut request).expect("a request");
            for part in parts {
                // The client may have heard enough.
                let _ = stream.write_all(part.as_bytes());
                crate::inside::clock::pause(pause);
            }
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, asked)
    }

    #[test]
    fn a_response_is_taken_as_it_is() {
        let (port, asked) = serve(
            &[
                "HTTP/1.1 418 Teapot\r\nA: b\r\nContent-Le",
                "ngth: 2\r\n\r\nh",
                "i",
            ],
            Duration::from_millis(5),
        );
        let http = get(port, "/a?b=c", Deadline::after_ms(5000));
        assert_eq!(http.error, None);
        assert_eq!((http.status, http.body.as_str()), (Some(418), "hi"));
        assert_eq!(http.headers[0], (String::from("a"), String::from("b")));
        let asked = asked.join().expect("the server is done");
        assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n"));
        assert!(asked.contains("\r\nConnection: close\r\n"));
    }

    #[test]
    fn a_server_that_dribbles_does_not_outlive_the_deadline() {
        let (port, _) = serve(
            &[
                "HTTP/1.1 200 OK\r\n\r\n",
                "a",
                "b",
                "c",
                "d",
                "e",
                "f",
                "g",
                "h",
            ],
            Duration::from_millis(60),
        );
        let began = Instant::now();
        let http = get(port, "/", Deadline::after_ms(150));
        assert!(began.elapsed() < Duration::from_millis(400));
        assert_eq!(
            http.error.as_deref(),
            Some("timed out in the body of a 200 response")
        );
        assert_eq!(http.status, None);
    }

    #[test]
    fn nobody_there_is_an_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let http = get(port, "/", Deadline::after_ms(1000));
        assert_eq!(http.error.as_deref(), Some("connection refused"));
    }
}
