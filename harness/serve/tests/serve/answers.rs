//! What a function is asked and answers, what goes wrong, and the figures.

use std::collections::BTreeSet;

use adamant_serve::{Config, Containment};
use serde_json::{Value, json};

use crate::world::{World, ask, config};

const ECHO: &str = "
module.exports = async (req, res) => {
  const { method, url, path, headers, query, params, body, ip, protocol, hostname } = req;
  console.log('asked', path);
  res.status(201).setHeader('X-From', 'function');
  res.json({ method, url, path, agent: headers['user-agent'], cookie: headers.cookie, query, params, body, ip, protocol, hostname, env: process.env });
};";

pub(crate) fn as_asked() {
    let world = World::new(&config());
    world.function("echo", &[("index.js", ECHO)]);
    world.describe("echo", &json!({ "env": { "GREETING": "hello" } }));
    let headers = [
        ("user-agent", "test"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("content-type", "application/json"),
    ];
    let answer = ask(
        world.address,
        "PUT",
        "/invoke/echo/a/b?x=1&y=%202",
        &headers,
        br#"{"k":[1]}"#,
    );
    let answer = answer.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("x-from"), Some("function"));
    let expected = json!({
        "method": "PUT", "url": "/a/b?x=1&y=%202", "path": "/a/b", "agent": "test", "cookie": "a=1; b=2",
        "query": { "x": "1", "y": " 2" }, "params": { "functionId": "echo" }, "body": { "k": [1] },
        "ip": "127.0.0.1", "protocol": "http", "hostname": "test.example", "env": { "GREETING": "hello" },
    });
    assert_eq!(answer.json(), expected);
    let form = world.post(
        "/invoke/echo",
        "application/x-www-form-urlencoded",
        b"a=1&a=2",
    );
    assert_eq!(form.json()["body"], json!({ "a": ["1", "2"] }));
    assert_eq!(form.json()["path"], "/");
    world.function(
        "bytes",
        &[(
            "index.js",
            "module.exports = (q, r) => r.setHeader('set-cookie', ['a', 'b']).send(Buffer.from([0, 255, 10]))",
        )],
    );
    let bytes = world.get("/invoke/bytes");
    assert_eq!(bytes.body, [0, 255, 10]);
    assert_eq!(bytes.head.matches("set-cookie").count(), 2);
    let head = ask(world.address, "HEAD", "/invoke/bytes", &[], b"").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
}

/// A function, its source, and the status and a word of what it comes to.
const FAILURES: [(&str, &str, u16, &str); 13] = [
    (
        "throws",
        "module.exports = () => { throw new TypeError('no way') }",
        500,
        "no way",
    ),
    (
        "rejects",
        "module.exports = async () => { throw Object.assign(Error('x'), { code: 'E_X' }) }",
        500,
        "E_X",
    ),
    ("syntax", "module.exports = (", 500, "/index.js"),
    (
        "no-handler",
        "module.exports = 7",
        500,
        "ERR_INVALID_HANDLER",
    ),
    (
        "no-module",
        "require('./utils.js')",
        500,
        "Cannot find module './utils.js'",
    ),
    (
        "silent",
        "module.exports = () => {}",
        500,
        "ERR_NO_RESPONSE",
    ),
    (
        "exits",
        "module.exports = () => process.exit(3)",
        500,
        "code 3",
    ),
    (
        "loops",
        "module.exports = () => { for (;;); }",
        504,
        "Function execution timeout (1500ms)",
    ),
    (
        "waits",
        "module.exports = () => new Promise(() => setInterval(() => {}, 100))",
        504,
        "ERR_EXECUTION_TIMEOUT",
    ),
    (
        "heap",
        "module.exports = () => { const all = []; for (;;) all.push(new Array(10000).fill(all)); }",
        500,
        "ERR_OUT_OF_MEMORY",
    ),
    (
        "abort",
        "module.exports = () => Array(1e9).fill(0)",
        500,
        "ERR_ISOLATE_LOST",
    ),
    (
        "status",
        "module.exports = (q, r) => { r.statusCode = 99; r.end() }",
        500,
        "ERR_INVALID_RESPONSE",
    ),
    (
        "header",
        "module.exports = (q, r) => r.setHeader('a', 'b\\nc').end()",
        500,
        "ERR_INVALID_RESPONSE",
    ),
];

pub(crate) fn failures() {
    let mut config = config();
    config.timeout = std::time::Duration::from_secs(60);
    let world = World::new(&config);
    for id in ["loops", "waits"] {
        world.describe(id, &json!({ "timeoutMs": 1500 }));
    }
    for (id, source, status, word) in FAILURES {
        world.function(id, &[("index.js", source)]);
        let answer = world.get(&format!("/invoke/{id}"));
        assert_eq!(answer.status, status, "{id}: {}", answer.text());
        assert!(answer.text().contains(word), "{id}: {}", answer.text());
        assert!(
            !answer.text().contains("adamant-serve-"),
            "{id}: {}",
            answer.text()
        );
    }
    // The service is as good as before.
    world.function(
        "fine",
        &[("index.js", "module.exports = (q, r) => r.send('fine')")],
    );
    assert_eq!(world.get("/invoke/fine").text(), "fine");
    assert!(world.engine.pool().0.corrupted >= 4);
}

pub(crate) fn bad_requests() {
    let mut config = config();
    config.max_body = 1000;
    let world = World::new(&config);
    world.function("echo", &[("index.js", ECHO)]);
    let large = world.post("/invoke/echo", "text/plain", &[b'a'; 1001]);
    assert_eq!(large.status, 413, "{}", large.text());
    assert!(large.text().contains("MAX_BODY_BYTES"));
    let whole = world.post("/invoke/echo", "text/plain", &[b'a'; 1000]);
    assert_eq!(whole.json()["body"].as_str().map(str::len), Some(1000));
    assert_eq!(
        world.post("/invoke/echo", "application/json", b"{").status,
        400
    );
    assert_eq!(
        world
            .post("/execute/echo", "application/json", b"[]")
            .status,
        400
    );
    for nobody in [
        "/invoke/other",
        "/invoke/..",
        "/invoke/.events",
        "/invoke/",
        "/invoke/a%2fb",
        "/",
        "/metricsx",
    ] {
        assert_eq!(world.get(nobody).status, 404, "{nobody}");
    }
    let answer = world.get("/execute/echo");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(world.post("/metrics", "text/plain", b"").status, 405);
    assert_eq!(world.get("/health").json(), json!({ "status": "ok" }));
    let leased = world.engine.pool().1.leased;
    assert_eq!(leased, 1, "only the one that could be read had an isolate");
}

pub(crate) fn executed() {
    let world = World::new(&config());
    world.function("echo", &[("index.js", ECHO)]);
    let body = json!({ "method": "GET", "url": "/x?y=1" }).to_string();
    let answer = world.post("/execute/echo", "application/json", body.as_bytes());
    let told = answer.json();
    assert_eq!(
        (&told["outcome"], &told["fresh"]),
        (&json!("returned"), &json!(true))
    );
    assert_eq!(
        told["logs"],
        json!([{ "stream": "stdout", "text": "asked /x\n" }])
    );
    assert_eq!(told["response"]["status"], 201);
    assert_eq!(world.execute("echo")["fresh"], false);
    world.function(
        "throws",
        &[(
            "index.js",
            "console.error('first'); module.exports = () => { nothing() }",
        )],
    );
    let told = world.execute("throws");
    assert_eq!(told["outcome"], "threw");
    assert_eq!(told["error"]["name"], "ReferenceError");
    assert_eq!(told["logs"][0]["text"], "first\n");
}

pub(crate) fn metrics() {
    let world = World::new(&Config {
        containment: Containment::Thread,
        // What is loaded for a third request would count, or not yet.
        load_ahead: false,
        ..Config::default()
    });
    world.until("the base", |w| w.engine.pool().0.available == 5);
    // Byte for byte what seed 001 expects of a service that was just started.
    let seed = r#"{"isolatePool":{"total":5,"available":5,"active":0,"corrupted":0,"created":5,"destroyed":0},"moduleCache":{"size":0,"hits":0,"misses":0,"evictions":0,"hitRate":0}}"#;
    let answer = world.get("/metrics");
    assert_eq!(answer.text(), seed);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    world.function(
        "f",
        &[
            (
                "index.js",
                "require('./a'); module.exports = (q, r) => r.send('f')",
            ),
            ("a.js", ""),
        ],
    );
    assert_eq!(world.get("/invoke/f").text(), "f");
    // Code is kept after the answer is given.
    world.until("kept code", |w| w.engine.cache().size == 2);
    assert_eq!(world.get("/invoke/f").text(), "f");
    let cache = &world.get("/metrics").json()["moduleCache"];
    assert_eq!(cache["misses"], 2, "{cache}");
    assert_eq!(cache["hits"], 2, "{cache}");
    assert_eq!(cache["hitRate"], 0.5, "{cache}");
    assert_eq!(world.engine.report().isolate_pool.total, 5);
    let text = ask(
        world.address,
        "GET",
        "/metrics",
        &[("accept", "text/plain;version=0.0.4, */*;q=0.1")],
        b"",
    )
    .unwrap();
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let value = |name: &str| {
        let text = text.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no `{name}` in {text}"))
    };
    assert_eq!(value("adamant_isolates_created_total"), "5");
    assert_eq!(value("adamant_executions_total{outcome=\"returned\"}"), "2");
    let browser = ask(world.address, "GET", "/metrics", &[("accept", "*/*")], b"").unwrap();
    assert!(browser.text().starts_with('{'));
}

pub(crate) fn apart() {
    let world = World::new(&config());
    const SPY: &str = "
let n = 0;
module.exports = (req, res) => {
  const fs = require('fs');
  const seen = ['/', '/..', '/../..', '/proc', '/etc'].map((p) => { try { return fs.readdirSync(p).join() } catch (e) { return e.code } });
  globalThis.left = (globalThis.left ?? 0) + 1;
  res.json({ seen, left: globalThis.left, n: ++n, secret: process.env.SECRET });
};";
    for id in ["one", "two", "three"] {
        world.function(id, &[("index.js", SPY), (&format!("{id}.txt"), "mine")]);
        world.describe(id, &json!({ "env": { "SECRET": id } }));
    }
    for _ in 0..3 {
        for id in ["one", "two", "three"] {
            let told = world.get(&format!("/invoke/{id}")).json();
            let own = format!("index.js,{id}.txt");
            assert_eq!(told["seen"][0], own.as_str(), "{told}");
            assert!(
                told["seen"].as_array().unwrap()[1..]
                    .iter()
                    .all(|s| *s == own.as_str() || s.as_str().is_some_and(|s| s.starts_with('E'))),
                "{told}"
            );
            assert_eq!((&told["left"], &told["n"]), (&json!(1), &json!(1)));
            assert_eq!(told["secret"], id);
        }
    }
    let mut pairs = BTreeSet::new();
    for event in world.events() {
        if event["event"] == "executed" {
            pairs.insert((
                event["isolate"].as_u64().unwrap(),
                event["function"].to_string(),
            ));
        }
    }
    let isolates: BTreeSet<u64> = pairs.iter().map(|(isolate, _)| *isolate).collect();
    assert_eq!(
        isolates.len(),
        pairs.len(),
        "an isolate for two functions: {pairs:?}"
    );
    assert_eq!(pairs.len(), 3, "each used its own again");
    if let Some(walls) = world.engine.guests().walls() {
        assert!(walls.seccomp, "{walls:?}");
    }
}

pub(crate) fn threads() {
    let mut config = config();
    config.containment = Containment::Thread;
    let world = World::new(&config);
    world.function(
        "f",
        &[("index.js", "module.exports = (q, r) => r.send('f')")],
    );
    assert_eq!(world.get("/invoke/f").text(), "f");
    world.function("heap", &[("index.js", "module.exports = () => { const all = []; for (;;) all.push(new Array(10000).fill(all)); }")]);
    assert_eq!(world.get("/invoke/heap").status, 500);
    assert_eq!(world.get("/invoke/f").text(), "f");
}

/// A service whose one process has answered for the function `f`, and that process.
fn rested() -> (World, rustix::process::Pid) {
    let mut config = config();
    config.pool.base = 1;
    config.pool.max = 1;
    let world = World::new(&config);
    world.function(
        "f",
        &[("index.js", "module.exports = (q, r) => r.send('f')")],
    );
    assert_eq!(world.get("/invoke/f").text(), "f");
    let events = world.events();
    let pid = events
        .iter()
        .find(|e| e["event"] == "created")
        .and_then(|e| e["pid"].as_i64());
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid.unwrap()).unwrap()).unwrap();
    (world, pid)
}

pub(crate) fn died_at_rest() {
    let (world, pid) = rested();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    // Its first thread is dead before the others are.
    let threads = format!("/proc/{}/task", pid.as_raw_nonzero());
    world.until("its death", |_| {
        let threads = fs_err::read_dir(&threads).map_or(0, Iterator::count);
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        threads <= 1 && stat.map_or(true, |stat| stat.contains(") Z "))
    });
    let answer = world.get("/invoke/f");
    assert_eq!((answer.status, answer.text().as_str()), (200, "f"));
    assert_eq!(world.engine.pool().0.corrupted, 1);
    let _: Value = world.get("/metrics").json();
}

/// A process that does not even notice the end of its time did not time out: it is lost, as an isolate on a thread is.
pub(crate) fn killed_past_its_time() {
    let (world, pid) = rested();
    world.describe("f", &json!({ "timeoutMs": 300 }));
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let answer = world.get("/invoke/f");
    let told = answer.text();
    assert_eq!(answer.status, 500, "{told}");
    assert!(
        told.contains("termination was ignored after 300ms"),
        "{told}"
    );
    assert_eq!(world.get("/invoke/f").text(), "f");
    assert_eq!(world.engine.pool().0.corrupted, 1);
}
