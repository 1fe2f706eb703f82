//! The saver in virtual time, against daemons that we script and against the real one: when it saves, what it stores, how it ends.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::scripted::Scripted;
use crate::served::{Served, TOKEN};
use crate::support::{Tar, picture};
use adamant_store::Key;
use adamant_store::objects::{Config, Store};
use adamant_store::saver::{Clock, Daemon, Hands, Outcome, Pace, SaveError, Saver};

const TICK: Duration = Duration::from_secs(30);

struct Bench {
    ground: tempfile::TempDir,
    store: Store,
    saver: Arc<Saver>,
    hands: Arc<Hands>,
    key: Key,
}

fn bench() -> Bench {
    let ground = tempfile::tempdir().unwrap();
    let store = Store::open(&Config::Local {
        base: ground.path().join("store"),
    })
    .unwrap();
    let (clock, hands) = Clock::moved_by_hand();
    let saver = Saver::new(store.clone(), clock, Pace::default());
    Bench {
        ground,
        store,
        saver: Arc::new(saver),
        hands: Arc::new(hands),
        key: "acme/shop/main".parse().unwrap(),
    }
}

impl Bench {
    fn track(&self, daemon: &Scripted) {
        self.saver
            .track(self.key.clone(), Daemon::new(&daemon.url(), TOKEN).unwrap());
    }

    /// The outcome of the one workspace, half a minute later.
    async fn tick(&self) -> Result<Outcome, SaveError> {
        self.hands.advance(TICK);
        self.saver.tick().await.expect("no other tick").remove(0).1
    }

    async fn stored(&self) -> Option<u64> {
        self.store
            .head(&self.key)
            .await
            .unwrap()
            .map(|seal| seal.size)
    }
}

fn tar() -> Vec<u8> {
    Tar::new().file("f", b"content").end()
}

#[test]
fn the_pace_is_the_seeds() {
    assert_eq!(
        Pace::default(),
        Pace {
            every: TICK,
            rest: Duration::from_secs(60)
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_saves_once_after_a_minute_of_rest_and_not_again() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    for (idle, wanted) in [(0, Outcome::Active), (59_999, Outcome::Active)] {
        daemon.idle(idle);
        assert_eq!(bench.tick().await.unwrap(), wanted);
    }
    assert_eq!(daemon.creates(), 0);
    daemon.idle(60_000);
    assert!(
        matches!(bench.tick().await.unwrap(), Outcome::Saved(seal) if seal.size == tar().len() as u64)
    );
    for n in 1..5 {
        daemon.idle(60_000 + n * 30_000);
        assert_eq!(bench.tick().await.unwrap(), Outcome::Unchanged);
    }
    assert_eq!(daemon.creates(), 1);
    // Work again, and rest again.
    daemon.idle(1000);
    assert_eq!(bench.tick().await.unwrap(), Outcome::Active);
    daemon.idle(61_000);
    bench.hands.advance(TICK);
    assert!(matches!(bench.tick().await.unwrap(), Outcome::Saved(_)));
    assert_eq!(daemon.creates(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_a_save_is_under_way_is_saved_by_the_next() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    // The save takes three minutes; the last change falls one minute after its beginning.
    let hands = bench.hands.clone();
    daemon.on_create(move || hands.advance(Duration::from_secs(180)));
    daemon.idle(60_000);
    assert!(matches!(bench.tick().await.unwrap(), Outcome::Saved(_)));
    daemon.on_create(|| ());
    // Half a minute after its end: 210 s after its beginning, 150 s after the change.
    daemon.idle(150_000);
    assert!(
        matches!(bench.tick().await.unwrap(), Outcome::Saved(_)),
        "a watermark at the end of the save hides it"
    );
    daemon.idle(180_000);
    assert_eq!(bench.tick().await.unwrap(), Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_workspace_never_takes_the_place_of_a_snapshot() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    daemon.idle(60_000);
    bench.tick().await.unwrap();
    let before = bench.stored().await;
    assert!(before.is_some());
    daemon.answer(204, Vec::new());
    daemon.idle(10_000);
    bench.hands.advance(TICK * 3);
    daemon.idle(60_000);
    assert_eq!(bench.tick().await.unwrap(), Outcome::Empty);
    assert_eq!(bench.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_tar_is_not_stored_and_tried_again() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    for (answer, reason) in [
        // A `tar` that died in the middle, behind a server that ends its answer as if nothing were.
        (tar()[..700].to_vec(), "before the two blocks"),
        (b"{\"error\":\"an error page\"}".repeat(40), "checksum"),
        (Vec::new(), "before the two blocks"),
        (vec![0; 1024], "holds no entry"),
    ] {
        daemon.answer(200, answer);
        daemon.idle(60_000);
        let error = bench.tick().await.unwrap_err();
        assert!(
            adamant_store::told(&error).contains(reason),
            "{}",
            adamant_store::told(&error)
        );
        assert_eq!(bench.stored().await, None);
    }
    daemon.answer(500, b"{\"ok\":false,\"error\":\"disk on fire\"}".to_vec());
    assert!(
        bench
            .tick()
            .await
            .unwrap_err()
            .to_string()
            .contains("answered 500 when asked to make a snapshot: disk on fire")
    );
    daemon.cut_off(tar());
    assert!(matches!(
        bench.tick().await.unwrap_err(),
        SaveError::Unreachable { .. }
    ));
    assert_eq!(bench.stored().await, None);
    let left = fs::read_dir(bench.ground.path().join("store/acme/shop"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "nothing half stays in the store");
    daemon.answer(200, tar());
    assert!(matches!(bench.tick().await.unwrap(), Outcome::Saved(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ticks_never_overlap() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    daemon.idle(60_000);
    let (entered, gate) = daemon.hold();
    bench.hands.advance(TICK);
    let first = tokio::spawn({
        let saver = bench.saver.clone();
        async move { saver.tick().await }
    });
    tokio::task::spawn_blocking(move || entered.recv().unwrap())
        .await
        .unwrap();
    assert!(
        bench.saver.tick().await.is_none(),
        "the first is still under way"
    );
    gate.send(()).unwrap();
    assert!(matches!(
        first.await.unwrap().unwrap()[0].1,
        Ok(Outcome::Saved(_))
    ));
    assert_eq!(daemon.creates(), 1);
    assert!(bench.saver.tick().await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ticks_every_half_minute_until_it_is_stopped_and_skips_what_it_missed() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    daemon.idle(0);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (told, mut rounds) = tokio::sync::mpsc::unbounded_channel();
    let saver = bench.saver.clone();
    let mut running = Box::pin(async move {
        let stop = async { drop(stopped.await) };
        saver
            .run(stop, |round| told.send(round.len()).unwrap())
            .await;
    });
    // It looks at the clock when it begins: before the clock is moved.
    tokio::select! {
        biased;
        () = &mut running => panic!("it is not stopped"),
        () = std::future::ready(()) => {}
    }
    let running = tokio::spawn(running);
    let mut round = async || {
        let round = tokio::time::timeout(Duration::from_secs(60), rounds.recv()).await;
        round.expect("a round").expect("it runs")
    };
    for _ in 0..3 {
        bench.hands.advance(TICK);
        assert_eq!(round().await, 1);
    }
    let before = daemon.idles();
    bench.hands.advance(TICK / 2);
    tokio::task::yield_now().await;
    assert_eq!(daemon.idles(), before, "half of it is not enough");
    bench.hands.advance(TICK * 10);
    assert_eq!(round().await, 1);
    bench.hands.advance(TICK / 2);
    bench.hands.advance(TICK / 2);
    assert_eq!(round().await, 1);
    assert_eq!(
        daemon.idles(),
        before + 2,
        "one tick for all that were missed, and the next in its time"
    );
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_everything_is_saved_within_the_deadline() {
    let bench = bench();
    let quick = Scripted::start(tar());
    let hung = Scripted::start(tar());
    bench.track(&quick);
    let other: Key = "acme/shop/hung".parse().unwrap();
    bench
        .saver
        .track(other.clone(), Daemon::new(&hung.url(), TOKEN).unwrap());
    quick.idle(0);
    let (entered, gate) = hung.hold();
    let began = std::time::Instant::now();
    let round = bench.saver.save_all(Duration::from_secs(3)).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    entered.try_recv().expect("it was asked");
    drop(gate);
    let of = |key: &Key| {
        round
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, outcome)| outcome)
            .unwrap()
    };
    assert!(
        matches!(of(&bench.key), Ok(Outcome::Saved(_))),
        "in use or not"
    );
    assert!(matches!(of(&other), Err(SaveError::Deadline(_))));
    assert_eq!(bench.store.head(&other).await.unwrap(), None);
    // What was saved is saved again: the end asks nobody.
    assert_eq!(quick.idles.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_busy_is_asked_again_at_the_end() {
    let bench = bench();
    let daemon = Scripted::start(tar());
    bench.track(&daemon);
    daemon.answer_once(
        409,
        b"{\"ok\":false,\"error\":\"a restore is under way\"}".to_vec(),
    );
    let round = bench.saver.save_all(Duration::from_secs(30)).await;
    assert!(matches!(round[0].1, Ok(Outcome::Saved(_))), "{round:?}");
    assert_eq!(daemon.creates(), 2);
}

/// Waits until the daemon has removed what a restore that broke off laid out: who broke it off does not see that.
fn settled(ground: &std::path::Path) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while fs::read_dir(ground).unwrap().count() > 1 && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_restore_is_told_and_changes_nothing() {
    let bench = bench();
    let ground = tempfile::tempdir().unwrap();
    let work = ground.path().join("work");
    let served = Served::start(&work);
    let daemon = Daemon::new(&served.url(), TOKEN).unwrap();
    assert!(
        bench
            .saver
            .restore(&bench.key, &daemon)
            .await
            .unwrap()
            .is_none(),
        "nothing is stored yet"
    );

    fs::create_dir(&work).unwrap();
    fs::write(work.join("precious"), "kept".repeat(300_000)).unwrap();
    bench.saver.track(bench.key.clone(), daemon.clone());
    assert!(matches!(
        bench.saver.save_all(Duration::from_secs(60)).await[0].1,
        Ok(Outcome::Saved(_))
    ));
    let kept = picture(&work);
    fs::write(work.join("precious"), "other").unwrap();
    let before = picture(ground.path());
    let object = bench.ground.path().join("store/acme/shop/main.tar");
    let good = fs::read(&object).unwrap();
    let mut flipped = good.clone();
    flipped[700_000] ^= 1;
    for (object_now, reason) in [
        (flipped, "damaged: its SHA-256"),
        (good[..good.len() - 512].to_vec(), "no seal"),
        (good[..5000].to_vec(), "no seal"),
        (good[512..].to_vec(), "it has"),
    ] {
        fs::write(&object, object_now).unwrap();
        let error = bench.saver.restore(&bench.key, &daemon).await.unwrap_err();
        assert!(
            adamant_store::told(&error).contains(reason),
            "{}",
            adamant_store::told(&error)
        );
        settled(ground.path());
        assert_eq!(picture(ground.path()), before);
    }
    fs::write(&object, good).unwrap();
    let wrong = Daemon::new(&served.url(), "another-token-than-its").unwrap();
    assert!(
        bench
            .saver
            .restore(&bench.key, &wrong)
            .await
            .unwrap_err()
            .to_string()
            .contains("answered 401")
    );
    assert_eq!(picture(ground.path()), before);

    let restored = bench
        .saver
        .restore(&bench.key, &daemon)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(restored.files, 1);
    assert_eq!(picture(&work), kept);
}

/// What was restored is not saved again until somebody works: with the real daemon, and the idleness that it tells.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_restored_need_not_be_saved() {
    let ground = tempfile::tempdir().unwrap();
    let work = ground.path().join("work");
    let served = Served::start(&work);
    let daemon = Daemon::new(&served.url(), TOKEN).unwrap();
    let store = Store::open(&Config::Local {
        base: ground.path().join("store"),
    })
    .unwrap();
    let key: Key = "o/p/b".parse().unwrap();
    let pace = Pace {
        every: TICK,
        rest: Duration::ZERO,
    };
    let saver = Saver::new(store, Clock::system(), pace);
    saver.track(key.clone(), daemon.clone());
    fs::create_dir(&work).unwrap();
    fs::write(work.join("f"), "1").unwrap();
    assert!(matches!(
        saver.tick().await.unwrap()[0].1,
        Ok(Outcome::Saved(_))
    ));
    assert!(saver.restore(&key, &daemon).await.unwrap().is_some());
    assert!(matches!(
        saver.tick().await.unwrap()[0].1,
        Ok(Outcome::Unchanged)
    ));
    // The clock of files is coarse: the change must not fall into the restore's own moment.
    let then = std::time::Instant::now();
    while then.elapsed() < Duration::from_millis(50) {
        std::thread::yield_now();
    }
    fs::write(work.join("f"), "2").unwrap();
    assert!(matches!(
        saver.tick().await.unwrap()[0].1,
        Ok(Outcome::Saved(_))
    ));
}

#[test]
fn addresses_that_are_none_are_told() {
    for address in [
        "127.0.0.1:9000",
        "https://host",
        "http://host/path",
        "ftp://host",
        "",
    ] {
        assert!(
            matches!(Daemon::new(address, TOKEN), Err(SaveError::Address(_))),
            "{address}"
        );
    }
    assert!(matches!(
        Daemon::new("http://host", "with blank"),
        Err(SaveError::Token)
    ));
}
