//! `adamant serve` from outside: what it tells, what it refuses, and how it ends.

#![cfg(feature = "isolate")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The command, with nothing of this environment that it would read.
fn command(functions: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    command.arg("serve").arg(functions);
    for name in [
        "PORT",
        "HOST",
        "ISOLATE_POOL_SIZE",
        "ISOLATE_MAX_POOL_SIZE",
        "PACKAGES_BUCKET",
    ] {
        command.env_remove(name);
    }
    command
}

fn functions() -> tempfile::TempDir {
    let functions = tempfile::tempdir().expect("a directory");
    let hello = functions.path().join("hello");
    std::fs::create_dir(&hello).expect("made");
    let source = "module.exports = async (req, res) => { await new Promise((f) => setTimeout(f, 500)); res.send('hello') }";
    std::fs::write(hello.join("index.js"), source).expect("written");
    functions
}

/// A service that listens.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its stdout"))
            .read_line(&mut line)
            .expect("a line");
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.expect("its address").to_owned();
        Self { child, address }
    }

    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        stream
            .set_read_timeout(Some(Duration::from_secs(100)))
            .expect("set");
        stream
    }

    fn terminate(mut self) -> (Option<i32>, String) {
        let killed = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(killed.expect("kill starts").success());
        let mut told = String::new();
        let stderr = self.child.stderr.take().expect("its stderr");
        BufReader::new(stderr)
            .read_to_string(&mut told)
            .expect("text");
        (self.child.wait().expect("it ends").code(), told)
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn serving_tells_the_seeds_banner_and_ends_well() {
    let functions = functions();
    let serving = Serving::start(
        command(functions.path())
            .args(["--listen", "127.0.0.1:0"])
            .env("ISOLATE_POOL_SIZE", "2"),
    );
    let answer = read(serving.ask("/invoke/hello"));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
        "{answer}"
    );
    // Asked, and stopped before it is answered.
    let under_way = serving.ask("/invoke/hello");
    std::thread::park_timeout(Duration::from_millis(100));
    let port = serving
        .address
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    let asked = std::thread::spawn(move || read(under_way));
    let (code, told) = serving.terminate();
    let answer = asked.join().expect("an answer");
    assert!(
        answer.ends_with("hello"),
        "accepted, and not answered: {answer:?}"
    );
    assert_eq!(code, Some(0), "{told}");
    for line in [
        "🚀 Initializing execution engine...",
        "[IsolatePool] Initializing pool (size: 2, max: 20)...",
        "[IsolatePool] Warming up pool with 2 isolates...",
        "[IsolatePool] Warm-up complete: 2/2 isolates ready",
        "✅ Execution engine initialized",
        &format!("⚡ Invoke Execution Service running on port {port}"),
        "🏊 Isolate Pool: 2 base, 20 max",
        "💾 Memory Limit: 128MB per isolate",
        "⏱️ Function Timeout: 30000ms",
        "📦 Module Cache: Enabled (max 1000)",
        "🌐 Network: denied",
    ] {
        assert!(
            told.lines().any(|l| l.starts_with(line)),
            "no `{line}` in {told}"
        );
    }
}

/// A server that answers the next requests with `body`; its address.
fn http_server(body: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
            while lines.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).expect("somebody reads");
        }
    });
    address
}

/// Denied unless the operator grants a host, and then that host and no other: in processes and on threads.
#[test]
fn functions_reach_what_the_operator_grants() {
    let (granted, other) = (http_server("granted"), http_server("other"));
    let functions = tempfile::tempdir().expect("a directory");
    let asks = functions.path().join("asks");
    std::fs::create_dir(&asks).expect("made");
    let source = format!(
        "module.exports = async (req, res) => {{
          const ask = (url) => fetch(url).then((answer) => answer.text(), (error) => error.cause?.code ?? error.code ?? error.name);
          res.send(`[${{await ask('http://{granted}/')}} ${{await ask('http://{other}/')}}]`);
        }}"
    );
    std::fs::write(asks.join("index.js"), source).expect("written");
    for containment in ["process", "thread"] {
        for (grants, expected, told_of) in [
            (vec![], "[ERR_ACCESS_DENIED ERR_ACCESS_DENIED]", "denied"),
            (
                vec![format!("--grant={granted}")],
                "[granted ERR_ACCESS_DENIED]",
                "127.0.0.1:",
            ),
        ] {
            let serving = Serving::start(
                command(functions.path())
                    .args(["--listen", "127.0.0.1:0"])
                    .args(&grants)
                    .env("ISOLATE_CONTAINMENT", containment)
                    .env("ISOLATE_POOL_SIZE", "1"),
            );
            // More than twice: what is loaded ahead reaches the same.
            for _ in 0..4 {
                let answer = read(serving.ask("/invoke/asks"));
                assert!(
                    answer.ends_with(expected),
                    "{containment}, {grants:?}: {answer}"
                );
            }
            let (code, told) = serving.terminate();
            assert_eq!(code, Some(0), "{told}");
            assert!(told.contains(&format!("🌐 Network: {told_of}")), "{told}");
        }
    }
}

#[test]
fn a_host_that_cannot_be_granted_is_refused() {
    let functions = functions();
    let output = refused(command(functions.path()).args(["--grant", "http://example.org/"]));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("`http://example.org/` is no host that can be granted"),
        "{told}"
    );
}

fn refused(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

#[test]
fn every_fault_of_the_environment_is_told_before_serving() {
    let functions = functions();
    let output = refused(
        command(functions.path())
            .env("ISOLATE_POOL_SIZE", "no")
            .env("FUNCTION_TIMEOUT_MS", "0")
            .env("PORT", "70000"),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr);
    for variable in [
        "`ISOLATE_POOL_SIZE` is `no`",
        "`FUNCTION_TIMEOUT_MS` is `0`",
        "`PORT` is `70000`",
    ] {
        assert!(told.contains(variable), "{told}");
    }
    assert!(!told.contains('🚀'), "something was started: {told}");
    let output = refused(command(functions.path()).env("PACKAGES_ENDPOINT", "http://x"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`PACKAGES_BUCKET` is not set"));
    let output = refused(&mut command(&functions.path().join("none")));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none` is no directory of functions"));
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = held.local_addr().expect("its address").to_string();
    let output = refused(command(functions.path()).args(["--listen", &address]));
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains(&format!("cannot listen on `{address}`")) && told.contains("hint:"),
        "{told}"
    );
}
