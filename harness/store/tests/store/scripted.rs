//! A daemon that answers as it is told to, planted faults among it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

type Hold = (mpsc::Sender<()>, mpsc::Receiver<()>);

#[derive(Default)]
struct Script {
    answer: (u16, Vec<u8>),
    once: Option<(u16, Vec<u8>)>,
    cut: bool,
    hook: Option<Box<dyn Fn() + Send>>,
    hold: Option<Hold>,
}

/// A scripted daemon.
pub(crate) struct Scripted {
    address: String,
    idle: Arc<AtomicU64>,
    pub(crate) idles: Arc<AtomicU64>,
    creates: Arc<AtomicU64>,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    pub(crate) fn start(tar: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let this = Self {
            address: listener.local_addr().expect("its address").to_string(),
            idle: Arc::default(),
            idles: Arc::default(),
            creates: Arc::default(),
            script: Arc::new(Mutex::new(Script {
                answer: (200, tar),
                ..Script::default()
            })),
        };
        let (idle, idles, creates, script) = (
            this.idle.clone(),
            this.idles.clone(),
            this.creates.clone(),
            this.script.clone(),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (idle, idles, creates, script) =
                    (idle.clone(), idles.clone(), creates.clone(), script.clone());
                std::thread::spawn(move || serve(stream, &idle, &idles, &creates, &script));
            }
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Milliseconds that `idle` tells from now on.
    pub(crate) fn idle(&self, ms: u64) {
        self.idle.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn idles(&self) -> u64 {
        self.idles.load(Ordering::SeqCst)
    }

    pub(crate) fn creates(&self) -> u64 {
        self.creates.load(Ordering::SeqCst)
    }

    pub(crate) fn answer(&self, status: u16, body: Vec<u8>) {
        let mut script = self.script.lock().expect("no panic there");
        script.answer = (status, body);
        script.cut = false;
    }

    pub(crate) fn answer_once(&self, status: u16, body: Vec<u8>) {
        self.script.lock().expect("no panic there").once = Some((status, body));
    }

    /// Answers with so much, and the connection is gone before its end.
    pub(crate) fn cut_off(&self, body: Vec<u8>) {
        self.answer(200, body);
        self.script.lock().expect("no panic there").cut = true;
    }

    pub(crate) fn on_create(&self, hook: impl Fn() + Send + 'static) {
        self.script.lock().expect("no panic there").hook = Some(Box::new(hook));
    }

    /// The next snapshot tells that it was asked for, and waits.
    pub(crate) fn hold(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (entered, told) = mpsc::channel();
        let (go, gate) = mpsc::channel();
        self.script.lock().expect("no panic there").hold = Some((entered, gate));
        (told, go)
    }
}

fn serve(
    stream: TcpStream,
    idle: &AtomicU64,
    idles: &AtomicU64,
    creates: &AtomicU64,
    script: &Mutex<Script>,
) {
    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let (status, body, cut) = if head.starts_with("GET /_decopilot_vm/idle ") {
            idles.fetch_add(1, Ordering::SeqCst);
            let ms = idle.load(Ordering::SeqCst);
            (
                200,
                format!("{{\"lastActivityAt\":\"2026-01-01T00:00:00Z\",\"idleMs\":{ms}}}")
                    .into_bytes(),
                false,
            )
        } else {
            assert!(
                head.starts_with("POST /_decopilot_vm/snapshot/create "),
                "{head}"
            );
            creates.fetch_add(1, Ordering::SeqCst);
            let held = script.lock().expect("no panic there").hold.take();
            if let Some((entered, gate)) = held {
                let _ = entered.send(());
                let _ = gate.recv();
            }
            let mut script = script.lock().expect("no panic there");
            if let Some(hook) = &script.hook {
                hook();
            }
            let (status, body) = script.once.take().unwrap_or_else(|| script.answer.clone());
            (status, body, script.cut)
        };
        let length = if status == 204 {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len() + usize::from(cut))
        };
        let head = format!("HTTP/1.1 {status} X\r\n{length}\r\n");
        let mut stream = &stream;
        if stream
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
            || cut
        {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}
