//! Mixed tenants at 50 at once, with timeouts, memory exhausted and processes lost among them, and an end in the middle: no answer is lost,
//! nothing stays, memory does not grow, and the figures are those of the log of events and of the clients' own count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{World, ask, config};

/// Clients at once (issue 8).
const AT_ONCE: usize = 50;
/// Functions that behave; each belongs to a tenant of its own.
const TENANTS: usize = 8;
/// The most that resident memory may grow between the halves of a long run, in bytes an execution.
const ALLOWED: f64 = 4096.0;

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Amount {
    Requests(usize),
    Time(Duration),
}

/// What a function of a tenant does: it looks for what anybody left, leaves what it can, and answers who it is.
const TENANT: &str = "
let loads = 0;
const state = require('./state');
module.exports = async (req, res) => {
  const seen = [typeof left, [].left, Math.random() === 3, process.env.TENANT, process.env.LEFT, state.count++, loads++, Object.keys(require.cache).length];
  globalThis.left = new Array(1000).fill(req);
  Array.prototype.left = 1;
  Math.random = () => 3;
  process.env.LEFT = '5';
  setInterval(() => {}, 5);
  await new Promise((done) => setTimeout(done, req.body.pause));
  console.log('for', req.body.word);
  res.json({ word: req.body.word, seen });
};";

/// What a tenant sees that nothing came before.
fn clean(tenant: usize) -> Value {
    serde_json::json!([
        "undefined",
        null,
        false,
        format!("t{tenant}"),
        null,
        0,
        0,
        2
    ])
}

/// Functions that come to a bad end, and the statuses that this may have.
const BAD: [(&str, &str, u16, &str); 4] = [
    (
        "loops",
        "module.exports = () => { for (;;); }",
        504,
        "timed-out",
    ),
    (
        "heap",
        "module.exports = () => { const all = []; for (;;) all.push(new Array(10000).fill(all)); }",
        500,
        "out-of-memory",
    ),
    (
        "abort",
        "module.exports = () => Array(1e9).fill(0)",
        500,
        "lost",
    ),
    (
        "throws",
        "module.exports = () => { throw new Error('thrown') }",
        500,
        "threw",
    ),
];

/// What the clients counted.
#[derive(Debug, Default)]
struct Tally {
    by_outcome: BTreeMap<&'static str, u64>,
    /// Connections that the service did not take any more.
    not_taken: u64,
    wrong: Vec<String>,
    milliseconds: Vec<f64>,
}

/// What a run comes to.
#[derive(Debug)]
pub(crate) struct Told {
    answered: u64,
    by_outcome: BTreeMap<&'static str, u64>,
    not_taken: u64,
    seconds: f64,
    p50: f64,
    p99: f64,
    created: u64,
    corrupted: u64,
    slope: Option<f64>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} answers in {:.1} s at {AT_ONCE} at once: {:?}; p50 {:.1} ms, p99 {:.1} ms",
            self.answered, self.seconds, self.by_outcome, self.p50, self.p99
        )?;
        writeln!(
            f,
            "{} isolates made, {} of them replaced as corrupted; nobody saw anything of another; the figures are those of the event log and of the clients",
            self.created, self.corrupted
        )?;
        match self.slope {
            Some(slope) => writeln!(
                f,
                "resident memory of the service grows {slope:.0} bytes an execution over the second half (allowed: {ALLOWED:.0})"
            )?,
            None => writeln!(f, "too few executions to tell how memory grows")?,
        }
        write!(
            f,
            "shut down in the middle: every connection that was accepted had its answer, {} came too late",
            self.not_taken
        )
    }
}

/// As many as `cargo test` has time for.
pub(crate) fn small() {
    run(Amount::Requests(250));
}

/// A service with all functions.
fn populated() -> World {
    let mut config = config();
    config.pool.base = 5;
    config.pool.max = 20;
    // Long enough for a busy machine; what never ends has less.
    config.timeout = Duration::from_secs(25);
    config.wait = Duration::from_secs(100);
    let world = World::new(&config);
    for tenant in 0..TENANTS {
        let id = format!("t{tenant}");
        world.function(
            &id,
            &[("index.js", TENANT), ("state.js", "exports.count = 0;")],
        );
        world.describe(&id, &serde_json::json!({ "env": { "TENANT": id } }));
    }
    for (id, source, ..) in BAD {
        world.function(id, &[("index.js", source)]);
    }
    world.describe("loops", &serde_json::json!({ "timeoutMs": 1000 }));
    world
}

/// Asks at 50 at once until it is enough, and has the service end in the middle of it; how resident memory went.
fn storm(world: &World, amount: Amount, tally: &Mutex<Tally>) -> Vec<(usize, u64)> {
    let began = Instant::now();
    let asked = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    // What a client asks for is refused from here on, in the middle of what the others have under way.
    let enough = |asked: usize| match amount {
        Amount::Requests(requests) => asked >= requests,
        Amount::Time(time) => began.elapsed() >= time,
    };
    let mut resident = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    client(&world.address, number, tally, &over);
                }
            });
        }
        let mut window = (0, u64::MAX);
        // A wrong answer ends it early.
        while !enough(asked.load(Ordering::SeqCst)) && !over.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(20));
            let done = asked.load(Ordering::SeqCst);
            window.1 = window.1.min(own_memory());
            if done >= window.0 + 200 {
                resident.push((done, window.1));
                window = (done, u64::MAX);
            }
        }
        check_figures_meanwhile(world);
        world.stop();
    });
    resident
}

pub(crate) fn run(amount: Amount) -> Told {
    let world = populated();
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    let resident = storm(&world, amount, &tally);
    let seconds = began.elapsed().as_secs_f64();
    let end = world.end();
    assert_eq!(
        end.unanswered,
        0,
        "a request that was accepted had no answer: {:?}",
        world.engine.pool()
    );
    let mut tally = tally.into_inner().unwrap();
    assert!(
        tally.wrong.is_empty(),
        "{} wrong, the first: {}",
        tally.wrong.len(),
        tally.wrong[0]
    );
    figures(&world, &tally);
    tally.milliseconds.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| tally.milliseconds[(tally.milliseconds.len() - 1) * percent / 100];
    let pool = world.engine.pool().0;
    let slope = slope(&resident);
    if let Some(slope) = slope {
        assert!(
            slope < ALLOWED,
            "resident memory grows by {slope:.0} bytes an execution: {resident:?}"
        );
    }
    Told {
        answered: tally.by_outcome.values().sum(),
        by_outcome: tally.by_outcome.clone(),
        not_taken: tally.not_taken,
        seconds,
        p50: at(50),
        p99: at(99),
        created: pool.created,
        corrupted: pool.corrupted,
        slope,
    }
}

/// One request, and whether its answer is the right one.
fn client(address: &std::net::SocketAddr, number: usize, tally: &Mutex<Tally>, over: &AtomicBool) {
    // Every twentieth comes to a bad end, each kind in turn.
    let bad = (number % 20 == 7).then(|| BAD[number / 20 % BAD.len()]);
    let tenant = number % TENANTS;
    let word = format!("w{number}");
    let body = serde_json::json!({ "word": word, "pause": number % 5 }).to_string();
    let id = bad.map_or_else(|| format!("t{tenant}"), |(id, ..)| id.to_owned());
    let began = Instant::now();
    let headers = [("content-type", "application/json")];
    let answer = ask(
        *address,
        "POST",
        &format!("/invoke/{id}"),
        &headers,
        body.as_bytes(),
    );
    let milliseconds = began.elapsed().as_secs_f64() * 1e3;
    let mut tally = tally.lock().unwrap();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            tally.not_taken += 1;
            over.store(true, Ordering::SeqCst);
            return;
        }
        Err(error) => {
            tally.wrong.push(format!("{id}: {error}"));
            over.store(true, Ordering::SeqCst);
            return;
        }
    };
    tally.milliseconds.push(milliseconds);
    let (status, outcome) =
        bad.map_or((200, "returned"), |(.., status, outcome)| (status, outcome));
    let right = answer.status == status
        && (bad.is_some()
            || answer.json() == serde_json::json!({ "word": word, "seen": clean(tenant) }));
    if right {
        *tally.by_outcome.entry(outcome).or_default() += 1;
    } else {
        tally
            .wrong
            .push(format!("{id}: {} {}", answer.status, answer.text()));
    }
}

/// At any moment the six figures fit together.
fn check_figures_meanwhile(world: &World) {
    for _ in 0..20 {
        let pool = world.get("/metrics").json()["isolatePool"].clone();
        let figure = |name: &str| pool[name].as_u64().unwrap();
        assert_eq!(
            figure("total"),
            figure("available") + figure("active"),
            "{pool}"
        );
        assert_eq!(
            figure("total"),
            figure("created") - figure("destroyed"),
            "{pool}"
        );
        assert!(figure("total") <= 20, "{pool}");
    }
}

/// The counters against what was logged where it happened, and against what the clients saw.
fn figures(world: &World, tally: &Tally) {
    let (pool, activity) = world.engine.pool();
    let events = world.events();
    let count = |name: &str| events.iter().filter(|e| e["event"] == name).count() as u64;
    assert_eq!(pool.created, count("created"), "created");
    assert_eq!(pool.destroyed, count("destroyed"), "destroyed");
    assert_eq!(
        (pool.total, pool.active, activity.ending),
        (0, 0, 0),
        "all are gone"
    );
    assert_eq!(activity.leased, count("executed"), "leases");
    let executed = || events.iter().filter(|e| e["event"] == "executed");
    let corrupted = executed().filter(|e| e["corrupted"] == true).count() as u64;
    assert_eq!(pool.corrupted, corrupted, "corrupted");
    let fresh = executed().filter(|e| e["fresh"] == true).count() as u64;
    assert_eq!(activity.fresh, fresh, "fresh");
    let mut owners: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for event in executed() {
        let function = event["function"].as_str().unwrap();
        owners
            .entry(event["isolate"].as_u64().unwrap())
            .or_default()
            .insert(function);
    }
    assert!(
        owners.values().all(|functions| functions.len() == 1),
        "an isolate for two functions: {owners:?}"
    );
    let text = world.engine.prometheus();
    for (outcome, seen) in &tally.by_outcome {
        let line = format!("adamant_executions_total{{outcome=\"{outcome}\"}} {seen}\n");
        let logged = executed().filter(|e| e["outcome"] == *outcome).count() as u64;
        assert_eq!(
            logged, *seen,
            "{outcome}: the log of events against the clients"
        );
        assert!(text.contains(&line), "not `{line}` in {text}");
    }
    let all: u64 = tally.by_outcome.values().sum();
    assert_eq!(
        count("executed"),
        all,
        "an execution that nobody asked for, or an answer that nobody got"
    );
    assert_eq!(count("refused"), 0);
}

/// Resident bytes of this process: the service, without its isolates.
fn own_memory() -> u64 {
    let text = fs_err::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Bytes per execution over the second half, by least squares.
#[expect(clippy::cast_precision_loss, reason = "a regression")]
fn slope(samples: &[(usize, u64)]) -> Option<f64> {
    let half = &samples[samples.len() / 2..];
    if half.len() < 8 {
        return None;
    }
    let count = half.len() as f64;
    let mean_x = half.iter().map(|(x, _)| *x as f64).sum::<f64>() / count;
    let mean_y = half.iter().map(|(_, y)| *y as f64).sum::<f64>() / count;
    let above: f64 = half
        .iter()
        .map(|(x, y)| (*x as f64 - mean_x) * (*y as f64 - mean_y))
        .sum();
    let below: f64 = half.iter().map(|(x, _)| (*x as f64 - mean_x).powi(2)).sum();
    Some(above / below)
}
