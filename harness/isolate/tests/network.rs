//! `fetch` and `http` over a broker: what scripts print is what Node 24 prints (`tests/network/*.out`), and only what is granted is reached.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _, pipe};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adamant_isolate::{
    CodeCache, Execution, Isolate, Limits, Memory, Network, Package, Request, Stream,
};
use adamant_modules::MemoryTree;
use adamant_network::Grants;

const OWN: &str = "what the test itself needs is there";

/// A service that answers by path, and counts what it is asked and what it could send.
struct Service {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
}

fn service() -> Service {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect(OWN);
    let service = Service {
        address: listener.local_addr().expect(OWN),
        asked: Arc::default(),
        sent: Arc::default(),
    };
    let (asked, sent) = (Arc::clone(&service.asked), Arc::clone(&service.sent));
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (asked, sent) = (Arc::clone(&asked), Arc::clone(&sent));
            // A guest that goes away breaks its connection.
            std::thread::spawn(move || serve(&stream, &asked, &sent));
        }
    });
    service
}

fn serve(stream: &TcpStream, asked: &AtomicUsize, sent: &AtomicUsize) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
                None => break,
            }
        }
        asked.fetch_add(1, Ordering::SeqCst);
        let header = |name: &str| {
            let found = headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        let body = match header("content-length") {
            Some(length) => {
                let mut body = vec![0; length.parse().expect(OWN)];
                reader.read_exact(&mut body)?;
                body
            }
            None if header("transfer-encoding") == Some("chunked") => chunks(&mut reader)?,
            None => Vec::new(),
        };
        let words: Vec<&str> = first.split(' ').collect();
        let told = [
            "content-type",
            "content-length",
            "transfer-encoding",
            "x-own",
            "authorization",
        ];
        let told = told
            .iter()
            .filter_map(|name| Some(format!("{name}={}", header(name)?)));
        let told = told.collect::<Vec<_>>().join(" ");
        let echo = format!(
            "{} {} [{told}] {}",
            words[0],
            words[1],
            String::from_utf8_lossy(&body)
        );
        let goes_on = match words[1].split_once('?').unwrap_or((words[1], "")) {
            ("/silent", _) => {
                // Until the other side gives up.
                let gone = reader.read(&mut [0])?;
                sent.store(usize::MAX - gone, Ordering::SeqCst);
                false
            }
            _ if words[0] == "HEAD" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")?;
                true
            }
            (path, query) => reply(stream, path, query, &echo, sent)?,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Answers one request; whether another may follow.
fn reply(
    mut stream: &TcpStream,
    path: &str,
    query: &str,
    echo: &str,
    sent: &AtomicUsize,
) -> io::Result<bool> {
    match path {
        "/echo" => {
            let headers = "content-type: text/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n";
            answer(stream, "200 OK", headers, echo)?;
        }
        "/reason" => answer(stream, "418 Short And Stout", "x-a: b\r\n", "tea")?,
        "/empty" => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?,
        "/to" => {
            let (status, place) = query.split_once('&').expect(OWN);
            let location = format!("location: {place}\r\n");
            answer(stream, &status.replace('_', " "), &location, "moved")?;
        }
        "/to-name" => {
            let port = stream.local_addr()?.port();
            let location = format!("location: http://localhost:{port}/echo\r\n");
            answer(stream, "302 Found", &location, "moved")?;
        }
        "/parts" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            for part in ["one ", "two ", "three"] {
                write!(stream, "{:x}\r\n{part}\r\n", part.len())?;
                stream.flush()?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        "/breaks" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")?;
            return Ok(false);
        }
        "/gzip" => {
            // `hello` by gzip -n.
            let bytes = [
                31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5,
                0, 0, 0,
            ];
            let length = bytes.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
            )?;
            stream.write_all(&bytes)?;
        }
        "/flood" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n")?;
            for _ in 0..1024 {
                stream.write_all(&[b'x'; 65536])?;
                sent.fetch_add(65536, Ordering::SeqCst);
            }
        }
        _ => answer(stream, "404 Not Found", "", "nothing")?,
    }
    Ok(true)
}

fn chunks(reader: &mut impl io::BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

fn answer(mut stream: &TcpStream, status: &str, headers: &str, body: &str) -> io::Result<()> {
    // In one piece: Node loses the text beside the status when it comes in several.
    let length = body.len();
    let all = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    stream.write_all(all.as_bytes())
}

/// A wire to a broker in this process.
fn network(grants: &[String]) -> Network {
    let (heard, says) = pipe().expect(OWN);
    let (hears, said) = pipe().expect(OWN);
    let grants = Grants::parse(grants).expect(OWN);
    std::thread::spawn(move || adamant_network::serve(hears, says, grants));
    Network::over(OwnedFd::from(heard), OwnedFd::from(said)).expect(OWN)
}

fn execute(script: &str, service: &Service, grants: &[String], wall: Duration) -> Execution {
    let package = Package {
        tree: Arc::new(MemoryTree::new().file("/main.mjs", script)),
        hash: String::new(),
        function_id: "network".to_owned(),
    };
    let mut request = Request {
        entry: "/main.mjs".to_owned(),
        limits: Limits {
            wall,
            ..Limits::default()
        },
        ..Request::default()
    };
    request
        .env
        .insert("BASE".to_owned(), format!("http://{}", service.address));
    let isolate = Isolate::new(Memory::default(), Arc::new(CodeCache::new(0))).expect(OWN);
    let network = (!grants.is_empty()).then(|| network(grants));
    isolate
        .with_network(network)
        .execute(&package, &request)
        .expect(OWN)
}

const WALL: Duration = Duration::from_secs(60);

fn printed(script: &str, service: &Service, grants: &[String]) -> String {
    let execution = execute(script, service, grants, WALL);
    execution.output.text(Stream::Stdout) + &execution.output.text(Stream::Stderr)
}

fn scripts() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network");
    let mut scripts: Vec<_> = std::fs::read_dir(dir)
        .expect(OWN)
        .map(|entry| entry.expect(OWN).path())
        .filter(|path| path.extension().is_some_and(|e| e == "mjs"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    scripts
}

#[test]
fn scripts_print_what_node_prints() {
    let service = service();
    for script in scripts() {
        let wanted = std::fs::read_to_string(script.with_extension("out")).expect(OWN);
        let text = std::fs::read_to_string(&script).expect(OWN);
        let seen = printed(&text, &service, &[service.address.to_string()]);
        assert_eq!(seen, wanted, "{}", script.display());
    }
}

#[test]
#[ignore = "asks a Node 24, which `ADAMANT_NODE` names, for the outputs of these scripts; `ADAMANT_BLESS` writes them"]
fn the_outputs_are_nodes() {
    let service = service();
    for script in scripts() {
        #[expect(clippy::disallowed_methods, reason = "switches of this test alone")]
        let (node, bless) = (
            std::env::var("ADAMANT_NODE").expect(OWN),
            std::env::var("ADAMANT_BLESS").is_ok(),
        );
        let told = Command::new(node)
            .arg(&script)
            .env("BASE", format!("http://{}", service.address))
            .output()
            .expect(OWN);
        let told = String::from_utf8([told.stdout, told.stderr].concat()).expect(OWN);
        if bless {
            std::fs::write(script.with_extension("out"), &told).expect(OWN);
        }
        assert_eq!(
            std::fs::read_to_string(script.with_extension("out")).expect(OWN),
            told,
            "{}",
            script.display()
        );
    }
}

const ASK: &str = "
const paths = JSON.parse(process.env.PATHS ?? '[\"/echo\"]');
for (const path of paths) {
  try {
    console.log((await fetch(process.env.BASE + path)).status);
  } catch (error) {
    console.log(error.message, error.cause.code, error.cause.message);
  }
}";

#[test]
fn nothing_is_reached_that_is_not_granted() {
    let service = service();
    let port = service.address.port();
    for grants in [
        vec![],
        vec!["example.org".to_owned()],
        vec![format!("127.0.0.1:{}", port ^ 1)],
        vec![format!("127.0.0.2:{port}"), format!("localhost:{port}")],
    ] {
        let seen = printed(ASK, &service, &grants);
        assert!(
            seen.contains("fetch failed ERR_ACCESS_DENIED"),
            "{grants:?}: {seen}"
        );
    }
    assert_eq!(service.asked.load(Ordering::SeqCst), 0);
    assert_eq!(
        printed(ASK, &service, &[service.address.to_string()]),
        "200\n"
    );
    assert_eq!(service.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_redirect_is_judged_anew() {
    let service = service();
    let script = ASK.replace("[\"/echo\"]", "[\"/to-name\"]");
    let own = service.address.to_string();
    let seen = printed(&script, &service, std::slice::from_ref(&own));
    let port = service.address.port();
    assert!(
        seen.contains(&format!("ERR_ACCESS_DENIED Access to this API has been restricted: `localhost:{port}` is not granted")),
        "{seen}"
    );
    assert_eq!(service.asked.load(Ordering::SeqCst), 1);
    assert_eq!(
        printed(&script, &service, &[own, format!("localhost:{port}")]),
        "200\n"
    );
}

#[test]
fn a_response_that_nobody_reads_stays_where_it_is() {
    let service = service();
    let script = "
const response = await fetch(process.env.BASE + '/flood');
const reader = response.body.getReader();
await reader.read();
await new Promise((resolve) => setTimeout(resolve, 1500));
console.log('read one part');
process.exit(0);";
    let seen = printed(script, &service, &[service.address.to_string()]);
    assert_eq!(seen, "read one part\n");
    // What is under way: the window, and what the kernel keeps for both ends.
    let sent = service.sent.load(Ordering::SeqCst);
    assert!(sent < 32 << 20, "{sent} of 64 MiB were sent");
}

#[test]
fn the_end_of_an_execution_ends_its_requests() {
    let service = service();
    let script = "await fetch(process.env.BASE + '/silent');";
    let execution = execute(
        script,
        &service,
        &[service.address.to_string()],
        Duration::from_secs(2),
    );
    assert_eq!(execution.exit_code(), 124, "{execution:?}");
    for _ in 0..500 {
        if service.sent.load(Ordering::SeqCst) == usize::MAX {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("the connection is still open");
}
