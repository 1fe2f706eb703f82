//! Functions described in a database: a new file of `SQLite`, and a real `PostgreSQL` server of our own.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed};
use tempfile::TempDir;

use crate::world::{World, config};

/// What is put into the tables of every kind.
const ROWS: &str = "
INSERT INTO functions VALUES ('f', 1), ('gone', 1), ('never', 1);
INSERT INTO function_versions VALUES ('f', 1, 'one', 'v1', NULL, NULL), ('f', 2, 'two', 'v2', './src/main.js', 5000), ('gone', 1, 'nowhere', NULL, NULL, NULL);
INSERT INTO environment_variables VALUES ('f', 'GREETING', 'hello'), ('gone', 'GREETING', 'no');
";

/// Asks a service whose tables hold [`ROWS`]; `change` runs a statement.
fn answers(world: &World, change: impl Fn(&str)) {
    let handler = "module.exports = (q, r) => r.json([__filename, Object.entries(process.env)])";
    world.function("one", &[("index.js", handler)]);
    world.function("two", &[("src/main.js", handler)]);
    change(ROWS);
    let told = |id: &str| world.get(&format!("/invoke/{id}"));
    assert_eq!(told("f").text(), r#"["/index.js",[["GREETING","hello"]]]"#);
    change("UPDATE functions SET active_version = 2 WHERE id = 'f'");
    change("UPDATE environment_variables SET value = 'hi' WHERE function_id = 'f'");
    assert_eq!(told("f").text(), r#"["/src/main.js",[["GREETING","hi"]]]"#);
    assert_eq!(told("none").status, 404);
    assert_eq!(told("never").status, 404, "it has no version");
    let gone = told("gone");
    assert_eq!(gone.status, 500);
    assert!(
        gone.text().contains("function_versions of `gone`"),
        "{}",
        gone.text()
    );
    change("UPDATE function_versions SET timeout_ms = -1 WHERE version = 2");
    assert!(told("f").text().contains("its `timeout_ms` is -1"));
}

pub(crate) fn sqlite() {
    let world = World::described(&config(), |_| None, Some("sqlite:DIR/functions.db"));
    let file = world.functions.path().join("functions.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    answers(&world, |statement| other.execute_batch(statement).unwrap());
    // A file that is none of its files says so, and where.
    other
        .execute_batch("DROP TABLE environment_variables")
        .unwrap();
    other
        .execute_batch("UPDATE function_versions SET timeout_ms = 1")
        .unwrap();
    let broken = world.get("/invoke/f");
    assert_eq!(broken.status, 500);
    assert!(
        broken.text().contains("functions.db") && broken.text().contains("no such table"),
        "{}",
        broken.text()
    );
}

/// Debian's server in a directory of its own.
struct Server {
    child: Child,
    _place: TempDir,
    port: u16,
}

const PASSWORD: &str = "a-password-of-our-tests";

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    found.sort();
    found.pop()
}

/// A program of the server, as a user that it accepts: root it refuses.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    if rustix::process::geteuid().is_root() {
        let (user, group) = postgres_user();
        command.uid(user).gid(group);
    }
    command
}

fn postgres_user() -> (u32, u32) {
    let users = fs_err::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line
        .expect("Debian's package makes the user")
        .split(':')
        .collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

impl Server {
    fn start(bin: &Path) -> Self {
        let place = tempfile::tempdir().unwrap();
        let secret = place.path().join("password");
        fs_err::write(&secret, PASSWORD).unwrap();
        if rustix::process::geteuid().is_root() {
            let (user, group) = postgres_user();
            for path in [place.path(), &secret] {
                std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let data = place.path().join("data");
        let made = program(&bin.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--no-sync",
                "--no-locale",
                "--encoding=UTF8",
            ])
            .arg(format!("--pwfile={}", secret.display()))
            .arg(format!("--pgdata={}", data.display()))
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = program(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p"])
            .arg(port.to_string())
            .arg("-k")
            .arg(place.path())
            .current_dir(place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            _place: place,
            port,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.client().is_none() {
            assert!(Instant::now() < deadline, "the server never came up");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        server
    }

    fn url(&self) -> String {
        format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    /// Runs statements on a connection of its own.
    fn client(&self) -> Option<(tokio::runtime::Runtime, tokio_postgres::Client)> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .ok()?;
        let (client, connection) = runtime
            .block_on(tokio_postgres::connect(&self.url(), tokio_postgres::NoTls))
            .ok()?;
        runtime.spawn(connection);
        Some((runtime, client))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Immediate shutdown: nothing in it is needed again.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.child.wait();
    }
}

pub(crate) fn postgres() -> Result<Completion, Failed> {
    #[expect(
        clippy::disallowed_methods,
        reason = "CI says by it that an absent server is a failure"
    )]
    let required = std::env::var("ADAMANT_POSTGRES").is_ok_and(|value| value == "required");
    let Some(bin) = programs() else {
        let why = "no PostgreSQL server below /usr/lib/postgresql; `apt-get install -y postgresql` brings one";
        return if required {
            Err(why.into())
        } else {
            Ok(Completion::ignored_with(why))
        };
    };
    let server = Server::start(&bin);
    let world = World::described(&config(), |_| None, Some(&server.url()));
    let (runtime, client) = server.client().unwrap();
    answers(&world, |statement| {
        runtime.block_on(client.batch_execute(statement)).unwrap();
    });
    runtime
        .block_on(
            client
                .batch_execute("UPDATE function_versions SET timeout_ms = 20000 WHERE version = 2"),
        )
        .unwrap();
    assert_eq!(world.get("/invoke/f").status, 200);
    // A connection that is cut is made anew.
    runtime
        .block_on(client.batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"))
        .unwrap();
    world.until("another connection", |w| w.get("/invoke/f").status == 200);
    drop(server);
    let gone = world.get("/invoke/f");
    assert_eq!(gone.status, 500, "{}", gone.text());
    assert!(
        gone.text().contains("postgres database") && !gone.text().contains(PASSWORD),
        "{}",
        gone.text()
    );
    Ok(Completion::Completed)
}
