//! The daemon as a process of its own, and HTTP by hand: what clients never do must be possible here.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The token of every daemon here.
pub(crate) const TOKEN: &str = "a-token-of-our-tests";

/// A daemon that serves.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Served {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    pub(crate) fn start_with(directory: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_adamant-workspace"))
            .arg(directory)
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .env("DAEMON_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its stdout"))
            .read_line(&mut line)
            .expect("a line");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("its address")
            .to_owned();
        Self { child, address }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Ends it with SIGTERM; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
        self.child.wait().expect("it ends").code()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request as it is.
    pub(crate) fn raw(&self, request: &[u8], then: impl FnOnce(TcpStream) -> TcpStream) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .expect("a timeout");
        // A daemon that has answered already may not take the rest.
        let _ = stream.write_all(request);
        answer(then(stream))
    }

    /// A request with the token.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.ask_as(
            method,
            path,
            &format!("Authorization: Bearer {TOKEN}\r\n"),
            body,
        )
    }

    pub(crate) fn ask_as(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat(), |stream| stream)
    }

    pub(crate) fn create(&self) -> Answer {
        self.ask("POST", "/_decopilot_vm/snapshot/create", b"")
    }

    pub(crate) fn restore(&self, tar: &[u8]) -> Answer {
        self.ask("POST", "/_decopilot_vm/snapshot/restore", tar)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(stream: TcpStream) -> Answer {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let n = reader.read_line(&mut head).expect("an answer");
        assert!(
            n > 0,
            "the daemon closed the connection without an answer: {head:?}"
        );
    }
    let status = head[9..12].parse().expect("a status");
    let lower = head.to_ascii_lowercase();
    let mut body = Vec::new();
    let whole = if lower.contains("transfer-encoding: chunked") {
        chunks(&mut reader, &mut body)
    } else {
        reader.read_to_end(&mut body).is_ok()
    };
    Answer {
        status,
        head,
        body,
        whole,
    }
}

fn chunks(reader: &mut impl std::io::BufRead, body: &mut Vec<u8>) -> bool {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() {
            return false;
        }
        let Ok(size) = u64::from_str_radix(line.trim(), 16) else {
            return false;
        };
        let mut piece = Vec::new();
        if reader.take(size + 2).read_to_end(&mut piece).is_err() || piece.len() as u64 != size + 2
        {
            return false;
        }
        if size == 0 {
            return true;
        }
        piece.truncate(piece.len() - 2);
        body.extend_from_slice(&piece);
    }
}
