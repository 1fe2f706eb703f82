//! Snapshots in a real S3 server (s3s over a directory): signatures, parts and ranges as S3 has them, and what goes wrong on the way.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fixture_s3::{BUCKET, ID, SECRET, Server};

use crate::served::{Served, TOKEN};
use crate::support::picture;
use adamant_store::Key;
use adamant_store::objects::{Config, Snapshots, Store, StoreError};
use adamant_store::saver::{Clock, Daemon, Outcome, Pace, Saver};

/// How the store is configured for it.
trait Configured {
    fn config(&self, variables: &[(&str, &str)]) -> Config;
    fn object(&self, key: &str) -> PathBuf;
}

impl Configured for Server {
    fn config(&self, variables: &[(&str, &str)]) -> Config {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        Config::from(|name| {
            let ours = [
                ("SANDBOX_SNAPSHOTS_BUCKET", BUCKET),
                ("SANDBOX_SNAPSHOTS_PREFIX", "kept/here"),
                ("SANDBOX_SNAPSHOTS_ENDPOINT", &endpoint),
                ("SANDBOX_SNAPSHOTS_FORCE_PATH_STYLE", "1"),
                ("AWS_ACCESS_KEY_ID", ID),
                ("AWS_SECRET_ACCESS_KEY", SECRET),
            ];
            let found = variables.iter().chain(&ours).find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .expect("a configuration")
        .expect("of a store")
    }

    fn object(&self, key: &str) -> PathBuf {
        self.ground.path().join("snapshots/kept/here").join(key)
    }
}

fn key() -> Key {
    "acme/shop/feature/a b".parse().unwrap()
}

fn bytes(size: usize, seed: u8) -> Vec<u8> {
    (0..size)
        .map(|n| (n as u8).wrapping_mul(31) ^ (n >> 12) as u8 ^ seed)
        .collect()
}

#[test]
fn what_is_put_comes_back() {
    let server = Server::start().unwrap();
    let store = Snapshots::open(&server.config(&[])).unwrap();
    assert_eq!(store.head(&key()).unwrap(), None);
    assert_eq!(store.get(&key(), Vec::new()).unwrap(), None);
    store.delete(&key()).unwrap();
    // Less than a part, several parts and a rest, and nothing at all.
    for (n, size) in [1000, 20 << 20, 0].into_iter().enumerate() {
        let content = bytes(size, n as u8);
        let put = store.put(&key(), &content[..]).unwrap();
        assert_eq!(put.size, size as u64);
        assert_eq!(store.head(&key()).unwrap(), Some(put.clone()));
        let mut back = Vec::new();
        assert_eq!(store.get(&key(), &mut back).unwrap(), Some(put));
        assert!(back == content, "{size} bytes");
    }
    store.delete(&key()).unwrap();
    assert_eq!(store.head(&key()).unwrap(), None);
}

#[test]
fn wrong_keys_and_a_missing_bucket_are_told() {
    let server = Server::start().unwrap();
    let told = |variables: &[(&str, &str)], wanted: &[&str]| {
        let store = Snapshots::open(&server.config(variables)).unwrap();
        let mut asked = vec![
            ("get", store.get(&key(), Vec::new()).map(drop)),
            ("head", store.head(&key()).map(drop)),
        ];
        // This server makes a bucket that is missing when an upload in parts ends; S3 itself says `NoSuchBucket` to that too.
        if !variables.iter().any(|(name, _)| name.ends_with("BUCKET")) {
            asked.push(("put", store.put(&key(), &bytes(1000, 0)[..]).map(drop)));
        }
        for (what, done) in asked {
            let error = done.expect_err(what);
            let hint = error
                .hint()
                .unwrap_or_else(|| panic!("no hint: {}", adamant_store::told(&error)));
            let text = format!("{} {hint}", adamant_store::told(&error));
            for wanted in wanted {
                assert!(text.contains(wanted), "{text}");
            }
            assert!(!text.contains(SECRET), "{text}");
        }
    };
    told(
        &[("AWS_SECRET_ACCESS_KEY", "wrong")],
        &[
            "`acme/shop/feature/a%20b.tar` in bucket `snapshots`",
            "credentials",
        ],
    );
    told(&[("AWS_ACCESS_KEY_ID", "nobody")], &["credentials"]);
    told(
        &[("SANDBOX_SNAPSHOTS_BUCKET", "no-such-bucket")],
        &["in bucket `no-such-bucket`", "must exist"],
    );
    assert!(!server.object("acme").exists());
}

/// A proxy that cuts every connection once so many bytes were sent through it.
struct Cut {
    port: u16,
    after: Arc<AtomicU64>,
}

impl Cut {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let after = Arc::new(AtomicU64::new(u64::MAX));
        let limit = after.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let limit = limit.clone();
                let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut back, &mut to);
                });
                std::thread::spawn(move || forward(client, server, &limit));
            }
        });
        Self { port, after }
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, limit: &AtomicU64) {
    let mut sent = 0;
    let mut piece = [0; 16 << 10];
    while let Ok(n @ 1..) = client.read(&mut piece) {
        if server.write_all(&piece[..n]).is_err() {
            break;
        }
        sent += n as u64;
        if sent > limit.load(Ordering::SeqCst) {
            break;
        }
    }
    for stream in [client, server] {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn an_upload_that_is_cut_leaves_what_was_there() {
    let server = Server::start().unwrap();
    let cut = Cut::before(server.port);
    let endpoint = format!("http://127.0.0.1:{}", cut.port);
    let store =
        Snapshots::open(&server.config(&[("SANDBOX_SNAPSHOTS_ENDPOINT", &endpoint)])).unwrap();
    let (old, new) = (bytes(9 << 20, 1), bytes(30 << 20, 2));
    store.put(&key(), &old[..]).unwrap();
    cut.after.store(3 << 20, Ordering::SeqCst);
    let error = store.put(&key(), &new[..]).unwrap_err();
    assert!(matches!(error, StoreError::Remote { .. }), "{error}");
    cut.after.store(u64::MAX, Ordering::SeqCst);
    let mut back = Vec::new();
    store.get(&key(), &mut back).unwrap().unwrap();
    assert!(back == old, "the old snapshot is whole");
    store.put(&key(), &new[..]).unwrap();
    back.clear();
    store.get(&key(), &mut back).unwrap().unwrap();
    assert!(back == new);
}

/// A reader that fails in the middle: the same as a daemon that dies.
#[test]
fn a_stream_that_breaks_off_is_not_put() {
    let server = Server::start().unwrap();
    let store = Snapshots::open(&server.config(&[])).unwrap();
    struct Dies;
    impl std::io::Read for Dies {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("it died"))
        }
    }
    let content = bytes(17 << 20, 3);
    let error = store
        .put(&key(), std::io::Read::chain(&content[..], Dies))
        .unwrap_err();
    assert_eq!(
        adamant_store::told(&error),
        "the snapshot was not sent to its end: it died"
    );
    assert_eq!(store.head(&key()).unwrap(), None);
}

#[test]
fn what_is_damaged_in_the_bucket_is_not_handed_out() {
    let server = Server::start().unwrap();
    let store = Snapshots::open(&server.config(&[])).unwrap();
    store.put(&key(), &bytes(20 << 20, 4)[..]).unwrap();
    let object = server.object("acme/shop/feature/a%20b.tar");
    let good = fs::read(&object).expect("the object lies under prefix and key");
    assert_eq!(good.len(), (20 << 20) + 512);
    let mut flipped = good.clone();
    flipped[10 << 20] ^= 1;
    for (now, reason) in [
        (flipped, "SHA-256"),
        (good[..9 << 20].to_vec(), "no seal"),
        (good[512..].to_vec(), "it has"),
    ] {
        fs::write(&object, now).unwrap();
        let error = store.get(&key(), Vec::new()).unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { .. }) && error.to_string().contains(reason),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_goes_to_s3_and_into_another() {
    let server = Server::start().unwrap();
    let ground = tempfile::tempdir().unwrap();
    let (here, there) = (ground.path().join("here"), ground.path().join("there"));
    fs::create_dir_all(here.join("src")).unwrap();
    fs::write(here.join("src/main.rs"), "fn main() {}\n".repeat(900_000)).unwrap();
    let one = Served::start(&here);
    let two = Served::start(&there);
    let store = Store::open(&server.config(&[])).unwrap();
    let saver = Saver::new(store, Clock::system(), Pace::default());
    saver.track(key(), Daemon::new(&one.url(), TOKEN).unwrap());
    let saved = saver.save_all(Duration::from_secs(60)).await;
    assert!(matches!(saved[0].1, Ok(Outcome::Saved(_))), "{saved:?}");
    let restored = saver
        .restore(&key(), &Daemon::new(&two.url(), TOKEN).unwrap())
        .await
        .unwrap();
    assert_eq!(restored.unwrap().files, 1);
    assert_eq!(picture(&there), picture(&here));
}
