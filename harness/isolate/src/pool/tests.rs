//! Tests of the pool: its decisions with numbers for isolates, its threads with a clock that the tests move.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::state::{COURTESY, Granted, Job, LOYALTY, State};
use super::{AcquireError, Clock, Lease, Pool, PoolMetrics, Reuse, Settings, Shutdown};
use crate::execution::Health::{Corrupted, Reusable};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// A state, its time, and what its threads would do.
struct Bench {
    state: State<u32>,
    now: Instant,
    made: u32,
    gone: Vec<u32>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let mut bench = Self {
            state: State::new(settings),
            now: Instant::now(),
            made: 0,
            gone: Vec::new(),
        };
        bench.state.settle(bench.now);
        bench
    }

    fn warm(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.work();
        bench
    }

    /// Does all that is to do.
    fn work(&mut self) {
        while let Some(job) = self.state.jobs.pop_front() {
            match job {
                Job::Start => {
                    self.made += 1;
                    self.state.started(self.made, self.now);
                }
                Job::End(isolate) => {
                    self.gone.push(isolate);
                    self.state.ended(self.now);
                }
            }
            let metrics = self.state.metrics();
            assert_eq!(metrics.total, metrics.available + metrics.active);
            assert_eq!(
                metrics.total as u64,
                metrics.created - metrics.destroyed,
                "{metrics:?}"
            );
        }
    }

    fn ask(&mut self, function: &str) -> Receiver<Granted<u32>> {
        let (reply, answer) = channel();
        self.state.request(function, self.now, PATIENCE, reply);
        answer
    }

    fn give_back(&mut self, isolate: u32, function: &str, health: crate::Health) {
        self.state
            .release(isolate, function.to_owned(), health, self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.state.settle(self.now);
    }
}

fn got(answer: &Receiver<Granted<u32>>) -> Option<u32> {
    Some(answer.try_recv().ok()?.unwrap().isolate)
}

fn settings(base: usize, max: usize) -> Settings {
    Settings {
        base,
        max,
        ..Settings::default()
    }
}

#[test]
fn the_base_is_warm_before_anybody_asks() {
    let bench = Bench::warm(Settings::default());
    let metrics = PoolMetrics {
        total: 5,
        available: 5,
        created: 5,
        ..PoolMetrics::default()
    };
    assert_eq!(bench.state.metrics(), metrics);
}

#[test]
fn it_grows_under_a_burst_up_to_its_maximum_and_serves_the_rest_in_order() {
    let mut bench = Bench::warm(settings(2, 4));
    let answers: Vec<_> = (0..7).map(|_| bench.ask("f")).collect();
    bench.work();
    let first: Vec<_> = answers.iter().map(got).collect();
    assert!(
        first[..4].iter().all(Option::is_some) && first[4..].iter().all(Option::is_none),
        "{first:?}"
    );
    assert_eq!(bench.state.metrics().total, 4);
    assert_eq!(bench.state.activity().waiting, 3);
    for next in 4..7 {
        bench.give_back(3, "f", Reusable);
        assert_eq!(got(&answers[next]), Some(3), "request {next} is next");
        assert!(answers.iter().skip(next + 1).all(|a| got(a).is_none()));
    }
    assert_eq!(bench.made, 4, "no isolate too many was made");
}

#[test]
fn a_function_gets_what_it_used_and_never_what_another_one_used() {
    let mut bench = Bench::warm(settings(2, 3));
    let a = got(&bench.ask("a")).unwrap();
    bench.give_back(a, "a", Reusable);
    let b = got(&bench.ask("b")).unwrap();
    assert_ne!(a, b);
    assert_eq!(got(&bench.ask("a")), Some(a));
    bench.give_back(a, "a", Reusable);
    bench.give_back(b, "b", Reusable);
    let c = bench.ask("c");
    bench.work();
    let c = got(&c).unwrap();
    assert!(c != a && c != b, "there was room for a new one");
    // All three places are taken: the least recently used one makes room.
    let d = bench.ask("d");
    assert_eq!(got(&d), None);
    bench.work();
    assert_eq!(bench.gone, [a]);
    assert_eq!(got(&d), Some(4));
    assert_eq!(bench.state.activity().retired, 1);
}

#[test]
fn wider_reuse_is_declared() {
    let mut bench = Bench::warm(Settings {
        reuse: Reuse::Any,
        ..settings(1, 1)
    });
    for function in ["a", "b", "a"] {
        assert_eq!(got(&bench.ask(function)), Some(1));
        bench.give_back(1, function, Reusable);
    }
}

#[test]
fn corrupted_ones_are_replaced() {
    let mut bench = Bench::warm(settings(2, 2));
    let (one, two) = (bench.ask("f"), bench.ask("f"));
    let third = bench.ask("f");
    let (one, _two) = (got(&one).unwrap(), got(&two).unwrap());
    bench.give_back(one, "f", Corrupted);
    assert_eq!(got(&third), None, "never the corrupted one");
    bench.work();
    assert_eq!(got(&third), Some(3));
    let metrics = bench.state.metrics();
    assert_eq!((metrics.total, metrics.corrupted), (2, 1));
    assert_eq!(bench.gone, [one]);
}

#[test]
fn nothing_is_made_beside_one_that_is_still_ending() {
    let mut bench = Bench::warm(settings(1, 1));
    let one = got(&bench.ask("f")).unwrap();
    bench.give_back(one, "f", Corrupted);
    let jobs: Vec<_> = bench.state.jobs.drain(..).collect();
    assert!(matches!(jobs[..], [Job::End(1)]), "only its end is ordered");
    bench.state.ended(bench.now);
    assert!(matches!(bench.state.jobs.front(), Some(Job::Start)));
}

#[test]
fn waiting_is_bounded_in_number_and_in_time() {
    let mut bench = Bench::warm(Settings {
        waiting: 2,
        ..settings(1, 1)
    });
    let _busy = bench.ask("f");
    let waits = [bench.ask("f"), bench.ask("f")];
    let refused = bench.ask("f").try_recv().unwrap();
    assert!(matches!(refused, Err(AcquireError::Full(2))));
    bench.pass(PATIENCE - SECOND);
    assert!(waits[0].try_recv().is_err());
    bench.pass(SECOND);
    for wait in &waits {
        let Ok(Err(AcquireError::TimedOut(waited))) = wait.try_recv() else {
            panic!("it is not told that its time is over");
        };
        assert_eq!(waited, PATIENCE);
    }
    let activity = bench.state.activity();
    assert_eq!(
        (activity.refused, activity.timed_out, activity.waiting),
        (1, 2, 0)
    );
    let _room_again = bench.ask("f");
    assert_eq!(bench.state.activity().waiting, 1);
}

#[test]
fn a_function_without_an_isolate_is_overlooked_for_a_while_only() {
    let mut bench = Bench::warm(settings(1, 1));
    let one = got(&bench.ask("a")).unwrap();
    let other = bench.ask("b");
    let same = bench.ask("a");
    bench.give_back(one, "a", Reusable);
    assert_eq!(
        got(&same),
        Some(one),
        "no isolate is taken from who uses it"
    );
    let same = bench.ask("a");
    bench.pass(COURTESY);
    bench.give_back(one, "a", Reusable);
    assert_eq!(got(&same), None);
    bench.work();
    assert_eq!(got(&other), Some(2), "its turn came");
    assert_eq!(got(&same), None);
}

#[test]
fn a_function_waits_for_its_own_isolate_before_it_takes_one_that_is_ready() {
    let mut bench = Bench::warm(Settings {
        waiting: 10,
        ..settings(2, 2)
    });
    let (a, b) = (got(&bench.ask("a")).unwrap(), got(&bench.ask("b")).unwrap());
    let (reply, more) = channel();
    bench.state.request("a", bench.now, 100 * SECOND, reply);
    bench.give_back(b, "b", Reusable);
    bench.work();
    assert_eq!((got(&more), bench.gone.len()), (None, 0), "`a` is at work");
    bench.give_back(a, "a", Reusable);
    assert_eq!(got(&more), Some(a));
    let (reply, more) = channel();
    bench.state.request("a", bench.now, 100 * SECOND, reply);
    let next = bench.state.next(bench.now).unwrap();
    assert_eq!(next - bench.now, LOYALTY, "it knows when to look");
    bench.pass(LOYALTY);
    bench.work();
    assert_eq!((got(&more), bench.gone.as_slice()), (Some(3), &[b][..]));
}

#[test]
fn what_is_not_used_goes_down_to_the_base() {
    let mut bench = Bench::warm(settings(2, 5));
    let answers: Vec<_> = (0..5).map(|_| bench.ask("f")).collect();
    bench.work();
    for answer in &answers {
        let isolate = got(answer).unwrap();
        bench.give_back(isolate, "f", Reusable);
        bench.pass(SECOND);
    }
    let idle = Settings::default().idle;
    let next = bench.state.next(bench.now).unwrap();
    assert_eq!(next - bench.now, idle - 5 * SECOND, "it knows when to look");
    bench.pass(idle - 5 * SECOND);
    bench.work();
    assert_eq!(bench.gone.len(), 1, "one is due");
    bench.pass(100 * SECOND);
    bench.work();
    assert_eq!(bench.gone.len(), 3);
    assert_eq!(bench.state.metrics().total, 2);
    assert_eq!(bench.state.activity().expired, 3);
    assert_eq!(
        bench.state.next(bench.now),
        None,
        "nothing is left to look at"
    );
}

#[test]
fn who_waits_for_an_isolate_that_cannot_be_made_is_told_and_nothing_spins() {
    let mut bench = Bench::new(settings(1, 1));
    let answer = bench.ask("f");
    assert_eq!(bench.state.jobs.len(), 1);
    bench.state.jobs.clear();
    bench.state.not_started("no memory".into(), bench.now);
    let Ok(Err(AcquireError::Start(error))) = answer.try_recv() else {
        panic!("it is not told");
    };
    assert_eq!(error.to_string(), "no memory");
    assert!(bench.state.jobs.is_empty(), "not again at once");
    let next = bench.state.next(bench.now).unwrap();
    bench.pass(next - bench.now);
    assert_eq!(bench.state.jobs.len(), 1, "but a while later");
    assert_eq!(bench.state.activity().failed, 1);
}

#[test]
fn who_was_taken_on_is_served_before_the_end() {
    let mut bench = Bench::warm(settings(1, 1));
    let one = got(&bench.ask("f")).unwrap();
    let waits = bench.ask("f");
    bench.state.drain(false, bench.now);
    assert!(matches!(
        bench.ask("f").try_recv().unwrap(),
        Err(AcquireError::Closed)
    ));
    assert!(!bench.state.is_calm());
    bench.give_back(one, "f", Reusable);
    assert_eq!(got(&waits), Some(one));
    bench.give_back(one, "f", Reusable);
    assert!(bench.state.is_calm());
    bench.work();
    assert_eq!(bench.gone, [one]);
    assert!(bench.state.is_empty());
}

/// Chance, from a seed: every sequence of requests, returns and time keeps the figures consistent and the functions apart.
#[test]
fn whatever_happens_the_figures_add_up_and_no_isolate_changes_its_function() {
    for seed in 1..200_u64 {
        let mut chance = seed;
        let mut draw = |most: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % most
        };
        let mut bench = Bench::new(settings(2, 6));
        let mut owner = std::collections::BTreeMap::new();
        let mut waiting: Vec<(String, Receiver<Granted<u32>>)> = Vec::new();
        let mut busy: Vec<(u32, String)> = Vec::new();
        let mut served = 0;
        let mut asked = 0;
        for step in 0..400 {
            match draw(5) {
                0 | 1 if step < 300 => {
                    let function = format!("f{}", draw(9));
                    waiting.push((function.clone(), bench.ask(&function)));
                    asked += 1;
                }
                2 | 3 if !busy.is_empty() => {
                    let at = usize::try_from(draw(busy.len() as u64)).unwrap();
                    let (isolate, function) = busy.swap_remove(at);
                    let health = if draw(8) == 0 { Corrupted } else { Reusable };
                    bench.give_back(isolate, &function, health);
                }
                _ => bench.pass(Duration::from_millis(draw(50))),
            }
            bench.work();
            waiting.retain(|(function, answer)| match got(answer) {
                Some(isolate) => {
                    let before = owner.insert(isolate, function.clone());
                    assert!(
                        before.is_none_or(|before| before == *function),
                        "seed {seed}"
                    );
                    served += 1;
                    busy.push((isolate, function.clone()));
                    false
                }
                None => true,
            });
            let metrics = bench.state.metrics();
            assert_eq!(metrics.active, busy.len(), "seed {seed}");
            assert!(metrics.total <= 6, "seed {seed}");
            assert_eq!(bench.gone.len() as u64, metrics.destroyed);
            let twice: BTreeSet<_> = busy.iter().map(|(isolate, _)| isolate).collect();
            assert_eq!(twice.len(), busy.len(), "one isolate for two requests");
        }
        while let Some((isolate, function)) = busy.pop() {
            bench.give_back(isolate, &function, Reusable);
            bench.work();
            waiting.retain(|(function, answer)| match got(answer) {
                Some(isolate) => {
                    served += 1;
                    busy.push((isolate, function.clone()));
                    false
                }
                None => true,
            });
        }
        assert_eq!((served, waiting.len()), (asked, 0), "seed {seed}");
    }
}

/// What is pooled in the tests of the threads: it is counted when it is made, and when it is gone.
struct Counted(usize, Arc<Mutex<Vec<usize>>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0);
    }
}

struct Threads {
    pool: Pool<Counted>,
    made: Arc<AtomicUsize>,
    gone: Arc<Mutex<Vec<usize>>>,
    hand: super::Hand,
}

fn threads(settings: Settings) -> Threads {
    let (clock, hand) = Clock::driven();
    let made = Arc::new(AtomicUsize::new(0));
    let gone = Arc::new(Mutex::new(Vec::new()));
    let (count, log) = (Arc::clone(&made), Arc::clone(&gone));
    let pool = Pool::new(settings, clock, move || {
        Ok(Counted(
            count.fetch_add(1, Ordering::SeqCst) + 1,
            Arc::clone(&log),
        ))
    })
    .unwrap();
    Threads {
        pool,
        made,
        gone,
        hand,
    }
}

/// Waits for another thread, in real time.
fn until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it never came");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn threads_warm_up_lend_replace_and_clean() {
    let t = threads(settings(2, 4));
    until(|| t.pool.metrics().available == 2);
    let leases: Vec<Lease<Counted>> = (0..4)
        .map(|_| t.pool.acquire("f", PATIENCE).unwrap())
        .collect();
    assert!(leases.iter().all(Lease::is_fresh));
    assert_eq!(t.pool.metrics().active, 4);
    let mut leases = leases.into_iter();
    let corrupted = leases.next().unwrap();
    let number = corrupted.0;
    // Forgotten, it cannot be trusted.
    drop(corrupted);
    for lease in leases {
        lease.release(Reusable);
    }
    until(|| *t.gone.lock().unwrap() == [number]);
    assert_eq!(t.pool.metrics().corrupted, 1);
    t.hand.advance(Settings::default().idle);
    until(|| t.pool.metrics().total == 2);
    let used = t.pool.acquire("f", PATIENCE).unwrap();
    assert!(!used.is_fresh());
    used.release(Reusable);
    assert_eq!(t.made.load(Ordering::SeqCst), 4);
}

#[test]
fn who_waits_is_told_when_the_clock_says_so() {
    let t = threads(settings(1, 1));
    let held = t.pool.acquire("f", PATIENCE).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| t.pool.acquire("f", PATIENCE).map(drop));
        until(|| t.pool.activity().waiting == 1);
        t.hand.advance(PATIENCE - SECOND);
        assert!(!waits.is_finished());
        t.hand.advance(SECOND);
        let error = waits.join().unwrap().unwrap_err();
        assert!(matches!(error, AcquireError::TimedOut(_)), "{error}");
    });
    held.release(Reusable);
}

#[test]
fn a_shutdown_waits_for_what_is_under_way_but_not_for_ever() {
    let t = threads(settings(2, 2));
    let (one, two) = (
        t.pool.acquire("f", PATIENCE).unwrap(),
        t.pool.acquire("f", PATIENCE).unwrap(),
    );
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            t.pool
                .acquire("f", 100 * PATIENCE)
                .map(|l| l.release(Reusable))
        });
        until(|| t.pool.activity().waiting == 1);
        let shutdown = scope.spawn(|| t.pool.shutdown(30 * SECOND));
        // Without patience: before the shutdown it is told that its time is over.
        until(|| {
            matches!(
                t.pool.acquire("f", Duration::ZERO),
                Err(AcquireError::Closed)
            )
        });
        one.release(Reusable);
        waits.join().unwrap().expect("it was taken on before");
        assert!(!shutdown.is_finished(), "the second one is at work");
        t.hand.advance(30 * SECOND);
        until(|| t.gone.lock().unwrap().len() == 1);
        t.hand.advance(30 * SECOND);
        let told = Shutdown {
            refused: 0,
            abandoned: 1,
        };
        assert_eq!(shutdown.join().unwrap(), told);
    });
    // It ends with its lease, whoever holds that.
    two.release(Reusable);
    until(|| t.gone.lock().unwrap().len() == 2);
}

#[test]
fn making_that_panics_is_an_error_of_who_waits() {
    let pool: Pool<()> = Pool::new(settings(0, 1), Clock::system(), || panic!("no")).unwrap();
    let error = pool.acquire("f", PATIENCE).unwrap_err();
    assert!(matches!(error, AcquireError::Start(_)), "{error}");
}
