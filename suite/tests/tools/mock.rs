//! An endpoint on loopback that speaks as a model's does, so that agents can be driven: it streams, and asks for tools.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// A model that answers. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Mock {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

/// The longest request that is read.
const BODY_MOST: u64 = 4 << 20;
/// No agent takes longer between two bytes.
const PATIENCE: Duration = Duration::from_secs(30);

impl Mock {
    /// Listens on a free port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mock = Self {
            address: listener.local_addr()?,
            asked: Arc::default(),
            over: Arc::default(),
        };
        let (asked, over) = (Arc::clone(&mock.asked), Arc::clone(&mock.over));
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let asked = Arc::clone(&asked);
                // A connection that breaks is the agent's to tell.
                std::thread::spawn(move || serve(&stream, &asked));
            }
        });
        Ok(mock)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many messages were asked for since the last call.
    pub(crate) fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener; when it is gone already, that is as good.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, asked: &AtomicUsize) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = Vec::new();
        reader
            .by_ref()
            .take(length.min(BODY_MOST))
            .read_to_end(&mut body)?;
        let mut stream = stream;
        match serde_json::from_slice::<Value>(&body) {
            Ok(question) if path.starts_with("/v1/messages") => {
                asked.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
                for event in answer(&question) {
                    let kind = event["type"].as_str().unwrap_or_default().to_owned();
                    let text = format!("event: {kind}\ndata: {event}\n\n");
                    // In two parts, so that whoever takes a chunk for an event is found out.
                    let (first, second) = text.split_at(text.len() / 2);
                    for part in [first, second] {
                        write!(stream, "{:x}\r\n{part}\r\n", part.len())?;
                        stream.flush()?;
                    }
                }
                stream.write_all(b"0\r\n\r\n")?;
            }
            _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")?,
        }
    }
}

/// The events of a message: what was said comes back, `tool NAME KEY VALUE` asks for a tool, and what that gave comes back too.
fn answer(question: &Value) -> Vec<Value> {
    let said = last_text(question);
    let words: Vec<&str> = said.split_whitespace().collect();
    let (block, deltas, stop) = match words.as_slice() {
        ["tool", name, key, value] => (
            json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": {} }),
            vec![
                json!({ "type": "input_json_delta", "partial_json": json!({ *key: value }).to_string() }),
            ],
            "tool_use",
        ),
        _ => (
            json!({ "type": "text", "text": "" }),
            ["You said: ", said.as_str()]
                .map(|text| json!({ "type": "text_delta", "text": text }))
                .into(),
            "end_turn",
        ),
    };
    let mut events = vec![
        json!({ "type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": question["model"], "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 1 },
        } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
    ];
    events.extend(
        deltas
            .into_iter()
            .map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta })),
    );
    events.extend([
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null }, "usage": { "output_tokens": 1 } }),
        json!({ "type": "message_stop" }),
    ]);
    events
}

fn last_text(question: &Value) -> String {
    let messages = question["messages"].as_array();
    let last = messages.and_then(|messages| messages.last());
    last.map(|message| deep_text(&message["content"]))
        .unwrap_or_default()
}

/// The last text in a content, which may be a text, a block or a list of them.
fn deep_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.last().map(deep_text).unwrap_or_default(),
        Value::Object(block) => block
            .get("text")
            .or_else(|| block.get("content"))
            .map(deep_text)
            .unwrap_or_default(),
        _ => String::new(),
    }
}
