//! A service with functions, on a port of its own, and a client for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adamant_isolate::worker::Launch;
use adamant_serve::http::{Service, Stopped};
use adamant_serve::{Catalog, Config, Engine, Events, Guests, Packages};
use adamant_store::objects::Bucket;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Beyond this, something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct World {
    pub(crate) functions: TempDir,
    pub(crate) engine: Arc<Engine>,
    pub(crate) address: SocketAddr,
    pub(crate) events: PathBuf,
    runtime: Runtime,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    service: Mutex<Option<JoinHandle<Stopped>>>,
}

/// A small pool, and little time.
pub(crate) fn config() -> Config {
    let mut config = Config {
        timeout: Duration::from_secs(20),
        ..Config::default()
    };
    config.pool.base = 2;
    config.pool.max = 4;
    config.memory.heap = 32 << 20;
    config.memory.off_heap = 32 << 20;
    config
}

impl World {
    pub(crate) fn new(config: &Config) -> Self {
        Self::with(config, |_| None)
    }

    pub(crate) fn with(config: &Config, bucket: impl FnOnce(&Runtime) -> Option<Bucket>) -> Self {
        Self::described(config, bucket, None)
    }

    /// With functions in a database; `DIR` in its URL is their directory.
    pub(crate) fn described(
        config: &Config,
        bucket: impl FnOnce(&Runtime) -> Option<Bucket>,
        url: Option<&str>,
    ) -> Self {
        let functions = tempfile::tempdir().unwrap();
        let events = functions.path().join(".events");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let bucket = bucket(&runtime).map(|bucket| (bucket, runtime.handle().clone()));
        let packages = Packages::new(bucket).unwrap();
        let log = Events::to(&events).unwrap();
        let mut launch = Launch::new(std::env::current_exe().unwrap());
        launch.args = vec![crate::GUEST.into()];
        let guests = Guests::new(
            config.containment,
            config.memory,
            config.modules,
            launch,
            packages.seats(),
            log.clone(),
        );
        let catalog = match url {
            None => Catalog::Files(functions.path().to_owned()),
            Some(url) => {
                let url = url.replace("DIR", functions.path().to_str().unwrap());
                let handle = runtime.handle().clone();
                Catalog::open(&url, functions.path(), handle).unwrap()
            }
        };
        let engine = Engine::new(config, guests, catalog, packages, log).unwrap();
        let engine = Arc::new(engine);
        let listener = runtime
            .block_on(Service::claim(([127, 0, 0, 1], 0).into()))
            .unwrap();
        let service = Service::new(listener, Arc::clone(&engine), config.max_body);
        let address = service.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let service = runtime.spawn(service.run(async {
            let _ = stopped.await;
        }));
        Self {
            functions,
            engine,
            address,
            events,
            runtime,
            stop: Mutex::new(Some(stop)),
            service: Mutex::new(Some(service)),
        }
    }

    /// A function of files.
    pub(crate) fn function(&self, id: &str, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.functions.path().join(id).join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
    }

    pub(crate) fn describe(&self, id: &str, description: &Value) {
        let path = self.functions.path().join(format!("{id}.json"));
        fs_err::write(path, description.to_string()).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> Answer {
        ask(self.address, "POST", path, &[("content-type", kind)], body).unwrap()
    }

    pub(crate) fn execute(&self, id: &str) -> Value {
        let answer = self.post(&format!("/execute/{id}"), "application/json", b"{}");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) fn stop(&self) {
        if let Some(stop) = self.stop.lock().unwrap().take() {
            let _ = stop.send(());
        }
    }

    /// Stops, and sees the end.
    pub(crate) fn end(&self) -> Stopped {
        self.stop();
        let service = self.service.lock().unwrap().take().unwrap();
        self.runtime.block_on(service).unwrap()
    }

    /// What the log of events says.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = fs_err::read_to_string(&self.events).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let pool = self.engine.pool();
            assert!(Instant::now() < deadline, "{what} never came: {pool:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.service.lock().unwrap().is_some() {
            assert_eq!(self.end().unanswered, 0);
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            request.push_str(part);
        }
    }
    request += "\r\n";
    stream.write_all(&[request.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let short = || std::io::Error::other(format!("no whole answer: {answer:?}"));
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(short)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    let body = answer[end + 4..].to_vec();
    let told = Answer {
        status: status.ok_or_else(short)?,
        head,
        body,
    };
    let length = told.header("content-length").and_then(|l| l.parse().ok());
    if method != "HEAD" && length.is_some_and(|length: usize| length != told.body.len()) {
        return Err(short());
    }
    Ok(told)
}
