//! The daemon over HTTP, as a process of its own: its routes and codes, and a workspace that is whole whatever comes.

use std::fs;
use std::io::Write as _;
use std::net::Shutdown;
use std::process::{Command, Stdio};

use crate::served::{Served, TOKEN};
use crate::support::{Tar, picture};
use sha2::{Digest as _, Sha256};

const CREATE: &str = "/_decopilot_vm/snapshot/create";
const RESTORE: &str = "/_decopilot_vm/snapshot/restore";
const IDLE: &str = "/_decopilot_vm/idle";

fn served() -> (tempfile::TempDir, Served) {
    let ground = tempfile::tempdir().unwrap();
    let served = Served::start(&ground.path().join("work"));
    (ground, served)
}

#[test]
fn routes_answer_as_the_seed_says() {
    let (ground, daemon) = served();
    let work = ground.path().join("work");
    assert_eq!(daemon.create().status, 404, "no workspace yet");
    fs::create_dir(&work).unwrap();
    let empty = daemon.create();
    assert_eq!((empty.status, empty.body.len()), (204, 0));
    fs::create_dir(work.join("tmp")).unwrap();
    fs::write(work.join("tmp/scratch"), "").unwrap();
    assert_eq!(daemon.create().status, 204, "./tmp is nothing to keep");
    fs::write(work.join("file"), "content").unwrap();
    let snapshot = daemon.create();
    assert_eq!(snapshot.status, 200);
    assert!(
        snapshot.whole
            && snapshot
                .head
                .to_ascii_lowercase()
                .contains("content-type: application/x-tar")
    );

    let missing = daemon.restore(b"");
    assert_eq!(missing.status, 400, "{missing:?}");
    let malformed = daemon.restore(&[b'x'; 2000]);
    assert_eq!(malformed.status, 500);
    assert!(
        malformed.text().contains("checksum is wrong"),
        "{}",
        malformed.text()
    );
    fs::write(work.join("file"), "changed").unwrap();
    let restored = daemon.restore(&snapshot.body);
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(
        restored.text(),
        format!(
            "{{\"ok\":true,\"size\":{},\"files\":1}}",
            snapshot.body.len()
        )
    );
    assert_eq!(fs::read(work.join("file")).unwrap(), b"content");

    for (method, path, status) in [
        ("GET", CREATE, 405),
        ("GET", RESTORE, 405),
        ("POST", IDLE, 405),
        ("GET", "/", 404),
        ("GET", IDLE, 200),
        ("GET", "/health", 200),
    ] {
        assert_eq!(
            daemon.ask(method, path, b"").status,
            status,
            "{method} {path}"
        );
    }
    assert!(
        daemon
            .ask("GET", CREATE, b"")
            .head
            .to_ascii_lowercase()
            .contains("allow: post")
    );
}

#[test]
fn everything_but_health_needs_the_token() {
    let (_ground, daemon) = served();
    for (method, path) in [
        ("POST", CREATE),
        ("POST", RESTORE),
        ("GET", IDLE),
        ("GET", CREATE),
        ("GET", "/nothing"),
    ] {
        for header in [
            "",
            "Authorization: Bearer wrong\r\n",
            "Authorization: Basic YTpi\r\n",
            &format!("Authorization: {TOKEN}\r\n"),
            &format!("Authorization: Bearer {TOKEN}x\r\n"),
        ] {
            let answer = daemon.ask_as(method, path, header, b"");
            assert_eq!(answer.status, 401, "{method} {path} {header}");
            assert!(
                answer
                    .head
                    .to_ascii_lowercase()
                    .contains("www-authenticate: bearer")
            );
        }
    }
    assert_eq!(daemon.ask_as("GET", "/health", "", b"").status, 200);
}

#[test]
fn a_peer_that_has_said_all_may_close_its_side() {
    let (_ground, daemon) = served();
    let mut tar = Tar::new();
    for n in 0..4000 {
        tar = tar.file(&format!("file-{n}"), &[7; 700]);
    }
    let tar = tar.end();
    let request = [
        format!(
            "POST {RESTORE} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
            tar.len()
        )
        .as_bytes(),
        &tar,
    ]
    .concat();
    // What was sent is still laid out when the end of it is seen.
    let restored = daemon.raw(&request, |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        stream
    });
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert!(
        restored.text().contains("\"files\":4000"),
        "{}",
        restored.text()
    );
}

#[test]
fn a_restore_that_breaks_off_leaves_the_old_workspace() {
    let (ground, daemon) = served();
    let tar = Tar::new().file("new", &[1; 900_000]).end();
    assert_eq!(
        daemon
            .restore(&Tar::new().file("old", b"kept").end())
            .status,
        200
    );
    let before = picture(ground.path());

    // The peer goes in the middle of what it announced.
    let head = format!(
        "POST {RESTORE} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
    );
    let cut = [
        format!("{head}Content-Length: {}\r\n\r\n", tar.len()).as_bytes(),
        &tar[..500_000],
    ]
    .concat();
    let broken = daemon.raw(&cut, |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        stream
    });
    assert_eq!(broken.status, 500, "{}", broken.text());
    // All of the tar is there, but the last chunk never comes: nobody said that this was all.
    let whole = [
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            tar.len()
        )
        .as_bytes(),
        &tar,
        b"\r\n",
    ]
    .concat();
    let unended = daemon.raw(&whole, |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        stream
    });
    assert_eq!(unended.status, 500, "{}", unended.text());
    // Cut where a frame ends: the HTTP is in order, the tar is not.
    assert_eq!(daemon.restore(&tar[..tar.len() - 1024]).status, 500);
    // Another content than the one that was meant.
    let digest = |bytes: &[u8]| {
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes));
        format!("Authorization: Bearer {TOKEN}\r\nContent-Digest: sha-256=:{digest}:\r\n")
    };
    let other = daemon.ask_as("POST", RESTORE, &digest(b"other"), &tar);
    assert_eq!(other.status, 500);
    assert!(other.text().contains("its SHA-256 is"), "{}", other.text());
    let unreadable = format!("Authorization: Bearer {TOKEN}\r\nContent-Digest: sha-256=:x:\r\n");
    assert_eq!(
        daemon.ask_as("POST", RESTORE, &unreadable, &tar).status,
        400
    );
    assert_eq!(picture(ground.path()), before);

    assert_eq!(
        daemon.ask_as("POST", RESTORE, &digest(&tar), &tar).status,
        200
    );
    assert_ne!(picture(ground.path()), before);
}

#[test]
fn idle_counts_from_the_last_change_and_not_from_a_restore() {
    let (ground, daemon) = served();
    let work = ground.path().join("work");
    let last = || {
        let text = daemon.ask("GET", IDLE, b"").text();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["idleMs"].as_u64().is_some(), "{text}");
        value["lastActivityAt"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let wait_past = |then: jiff::Timestamp| {
        // The next change must have a later time on any file system: waited for by the clock itself.
        while jiff::Timestamp::now().duration_since(then) < jiff::SignedDuration::from_millis(30) {
            std::thread::yield_now();
        }
    };
    fs::create_dir(&work).unwrap();
    fs::create_dir(work.join("tmp")).unwrap();
    fs::create_dir(work.join("deep")).unwrap();
    fs::write(work.join("deep/file"), "1").unwrap();
    let written = last();
    wait_past(jiff::Timestamp::now());
    fs::write(work.join("tmp/scratch"), "").unwrap();
    assert_eq!(last(), written, "./tmp is nobody's work");
    let _ = fs::read(work.join("deep/file")).unwrap();
    assert_eq!(last(), written, "reading is no work");
    fs::remove_file(work.join("deep/file")).unwrap();
    let removed = last();
    assert!(removed > written, "removing is");
    wait_past(jiff::Timestamp::now());
    let before = jiff::Timestamp::now();
    assert_eq!(
        daemon.restore(&Tar::new().file("a", b"x").end()).status,
        200
    );
    let restored = last();
    wait_past(jiff::Timestamp::now());
    assert_eq!(last(), restored, "a restore is no work of anybody's");
    assert!(
        restored.duration_since(before) < jiff::SignedDuration::from_millis(100),
        "and is told from its beginning"
    );
    // A time that is set by hand hides nothing.
    fs::write(work.join("a"), "y").unwrap();
    fs::File::open(work.join("a"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(last() > restored);
}

#[test]
fn a_snapshot_under_way_and_a_restore_do_not_meet() {
    let (ground, daemon) = served();
    let work = ground.path().join("work");
    fs::create_dir(&work).unwrap();
    // More than fits in all buffers on the way.
    fs::File::create(work.join("big"))
        .unwrap()
        .set_len(200 << 20)
        .unwrap();
    let mut slow = std::net::TcpStream::connect(&daemon.address).unwrap();
    write!(slow, "POST {CREATE} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut first = [0];
    std::io::Read::read_exact(&mut slow, &mut first).unwrap();
    let busy = daemon.restore(&Tar::new().file("a", b"x").end());
    assert_eq!(busy.status, 409, "{}", busy.text());
    assert!(busy.head.to_ascii_lowercase().contains("retry-after: 1"));
    drop(slow);
    // Its end is noticed by the daemon, when it is.
    let done = (0..2000)
        .map(|_| daemon.restore(&Tar::new().file("a", b"x").end()).status)
        .find(|status| *status != 409);
    assert_eq!(done, Some(200));
}

#[test]
fn a_snapshot_that_breaks_off_is_never_taken_for_a_whole_one() {
    let (ground, daemon) = served();
    let work = ground.path().join("work");
    fs::create_dir(&work).unwrap();
    let big = fs::File::create(work.join("a-big")).unwrap();
    big.set_len(100 << 20).unwrap();
    // A law is broken behind it: the head is long sent when it is found.
    std::os::unix::fs::symlink("/etc/passwd", work.join("z-out")).unwrap();
    let broken = daemon.create();
    assert_eq!(broken.status, 200);
    assert!(!broken.whole, "the last chunk must not come");
    // Broken before anything is sent, it is told.
    fs::remove_file(work.join("a-big")).unwrap();
    let told = daemon.create();
    assert_eq!(told.status, 500);
    assert!(
        told.text().contains("leaves the workspace"),
        "{}",
        told.text()
    );
}

#[test]
fn bad_input_ends_with_2_and_leaves_nothing() {
    let ground = tempfile::tempdir().unwrap();
    let run = |directory: &str, token: Option<&str>, listen: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant-workspace"));
        command
            .arg(ground.path().join(directory))
            .args(["--listen", listen])
            .env_remove("DAEMON_TOKEN")
            .stdin(Stdio::null());
        if let Some(token) = token {
            command.env("DAEMON_TOKEN", token);
        }
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (taken, address) = {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        (taken, address)
    };
    for (directory, token, listen, reason) in [
        ("work", None, "127.0.0.1:0", "`DAEMON_TOKEN` is not set"),
        (
            "work",
            Some("short"),
            "127.0.0.1:0",
            "`DAEMON_TOKEN` must be at least 16",
        ),
        ("no/work", Some(TOKEN), "127.0.0.1:0", "does not work"),
        ("work", Some(TOKEN), "nonsense", "invalid value 'nonsense'"),
        ("work", Some(TOKEN), &address, "cannot listen on"),
    ] {
        let (code, talk) = run(directory, token, listen);
        assert_eq!(code, Some(2), "{talk}");
        assert!(talk.contains(reason), "{talk}");
    }
    drop(taken);
    assert_eq!(fs::read_dir(ground.path()).unwrap().count(), 0);
}

#[test]
fn sigterm_ends_it_with_0() {
    let (_ground, mut daemon) = served();
    assert_eq!(daemon.ask("GET", "/health", b"").status, 200);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_daemon_that_dies_in_a_restore_leaves_the_old_workspace_and_the_next_cleans_up() {
    let (ground, mut daemon) = served();
    let work = ground.path().join("work");
    assert_eq!(
        daemon
            .restore(&Tar::new().file("old", b"kept").end())
            .status,
        200
    );
    let before = picture(&work);
    let tar = Tar::new().file("new", &[1; 3_000_000]).end();
    let mut stream = std::net::TcpStream::connect(&daemon.address).unwrap();
    write!(stream, "POST {RESTORE} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n", tar.len()).unwrap();
    stream.write_all(&tar[..2_000_000]).unwrap();
    // Until the restore has begun to lay out, which its directory shows.
    while fs::read_dir(ground.path()).unwrap().count() == 1 {
        std::thread::yield_now();
    }
    daemon.kill();
    assert_eq!(picture(&work), before);
    assert_eq!(
        fs::read_dir(ground.path()).unwrap().count(),
        2,
        "what the dead one left"
    );
    let _next = Served::start(&work);
    assert_eq!(picture(&work), before);
    assert_eq!(fs::read_dir(ground.path()).unwrap().count(), 1);
}

#[test]
fn memory_stays_flat() {
    let (ground, daemon) = served();
    let work = ground.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::File::create(work.join("big"))
        .unwrap()
        .set_len(300 << 20)
        .unwrap();
    let snapshot = daemon.create();
    assert!(snapshot.whole && snapshot.body.len() > 300 << 20);
    assert_eq!(daemon.restore(&snapshot.body).status, 200);
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} KiB were resident");
}
