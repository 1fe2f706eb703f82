//! `cargo test --test bucket`: the verb `workspace` against a real S3 server in a companion container, and what goes wrong on the way.

#[path = "support/bucket.rs"]
mod bucket;
#[path = "support/images.rs"]
mod images;
#[expect(dead_code, reason = "only the engines' names are of interest here")]
#[path = "support/session.rs"]
mod session;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bucket::Bucket;
use libtest_mimic::{Arguments, Failed, Trial};

const TOKEN: &str = "a-token-of-these-tests";
const KEY: &str = "acme/shop/feature/one";

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let docker = args.list || session::engine_names().contains(&"docker");
    if docker && !args.list {
        images::current();
    }
    let why = "(ignored: no Docker is asked for: set `ADAMANT_ENGINES=docker`)";
    type Test = fn() -> Result<(), Failed>;
    let trials: [(&str, Test); 4] = [
        ("what_is_saved_in_s3_comes_back_elsewhere", comes_back),
        ("wrong_keys_are_told_and_no_secret_is", wrong_keys),
        ("a_bucket_that_is_missing_is_told", missing_bucket),
        ("an_upload_that_is_cut_leaves_what_was_there", cut_upload),
    ];
    let trials = trials.map(|(name, trial)| {
        let name = if docker {
            name.to_owned()
        } else {
            format!("{name} {why}")
        };
        Trial::test(name, trial).with_ignored_flag(!docker)
    });
    libtest_mimic::run(&args, trials.into()).exit_code()
}

/// A workspace with a daemon beside it, which ends with this.
struct Served {
    dir: tempfile::TempDir,
    daemon: Child,
    address: String,
}

impl Served {
    fn start() -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("work"))?;
        let mut daemon = adamant(dir.path(), &["serve", "work", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = daemon.stdout.take().ok_or("a pipe")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ");
        let address = address.ok_or("the daemon told no address")?.to_owned();
        Ok(Self {
            dir,
            daemon,
            address,
        })
    }

    fn write(&self, name: &str, size: usize, seed: u64) -> Result<(), Failed> {
        Ok(std::fs::write(self.file(name), noise(size, seed))?)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("work").join(name)
    }

    /// A verb on this workspace with this bucket.
    fn verb(&self, verb: &str, bucket: &Bucket) -> Command {
        let mut command = adamant(self.dir.path(), &[verb, KEY, "--daemon", &self.address]);
        bucket.configure(&mut command);
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn adamant(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
    command.current_dir(dir).arg("workspace").args(args);
    for name in ["REGION", "PREFIX"] {
        command.env_remove(format!("SANDBOX_SNAPSHOTS_{name}"));
    }
    command.env_remove("DATA_DIR").env("DAEMON_TOKEN", TOKEN);
    command
}

/// Bytes that do not repeat, so that no part of an upload is like another (xorshift).
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(next)
        .take(size / 8 + 1)
        .flatten()
        .collect();
    bytes.truncate(size);
    bytes
}

/// Runs it; what it told must have the parts, and never the secret.
fn ends(mut command: Command, code: i32, parts: &[&str]) -> Result<(), Failed> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output()?;
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    let lacks = parts.iter().find(|part| !told.contains(**part));
    let fault = match lacks {
        _ if status.code() != Some(code) => format!("ended with {status}, expected {code}"),
        Some(part) => format!("`{part}` is missing"),
        None if told.contains(fixture_s3::SECRET) => "the secret was told".to_owned(),
        None => return Ok(()),
    };
    Err(format!("{command:?}: {fault}\n{told}").into())
}

fn comes_back() -> Result<(), Failed> {
    let bucket = Bucket::on(&["docker"])?;
    let (here, there) = (Served::start()?, Served::start()?);
    // Several parts of an upload and a rest.
    here.write("data", 21 << 20, 1)?;
    ends(there.verb("restore", &bucket), 2, &["nothing is stored"])?;
    ends(here.verb("save", &bucket), 0, &["\"saved\":true"])?;
    ends(there.verb("restore", &bucket), 0, &["\"files\":1"])?;
    if std::fs::read(there.file("data"))? != std::fs::read(here.file("data"))? {
        return Err("what was restored is not what was saved".into());
    }
    Ok(())
}

fn wrong_keys() -> Result<(), Failed> {
    let bucket = Bucket::on(&["docker"])?;
    let here = Served::start()?;
    here.write("data", 1000, 2)?;
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", "another-secret"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
    ] {
        for verb in ["save", "restore"] {
            let mut command = here.verb(verb, &bucket);
            command.env(name, value);
            ends(
                command,
                3,
                &[
                    "acme/shop/feature/one.tar",
                    "bucket `snapshots`",
                    "credentials",
                ],
            )?;
        }
    }
    ends(here.verb("restore", &bucket), 2, &["nothing is stored"])
}

fn missing_bucket() -> Result<(), Failed> {
    let bucket = Bucket::on(&["docker"])?;
    let here = Served::start()?;
    let mut command = here.verb("restore", &bucket);
    command.env("SANDBOX_SNAPSHOTS_BUCKET", "no-such-bucket");
    ends(command, 3, &["in bucket `no-such-bucket`", "must exist"])
}

fn cut_upload() -> Result<(), Failed> {
    let bucket = Bucket::on(&["docker"])?;
    let (here, there) = (Served::start()?, Served::start()?);
    here.write("data", 9 << 20, 3)?;
    ends(here.verb("save", &bucket), 0, &["\"saved\":true"])?;
    let old = std::fs::read(here.file("data"))?;
    here.write("data", 30 << 20, 4)?;
    let wire = Wire::to(bucket.address.clone())?;
    wire.cut_after.store(7 << 20, Ordering::SeqCst);
    let through = |verb: &str| {
        let mut command = here.verb(verb, &bucket);
        command.env(
            "SANDBOX_SNAPSHOTS_ENDPOINT",
            format!("http://127.0.0.1:{}", wire.port),
        );
        command
    };
    ends(through("save"), 3, &["acme/shop/feature/one.tar"])?;
    ends(there.verb("restore", &bucket), 0, &["\"files\":1"])?;
    if std::fs::read(there.file("data"))? != old {
        return Err("a save that was cut replaced what was there".into());
    }
    wire.cut_after.store(u64::MAX, Ordering::SeqCst);
    ends(through("save"), 0, &["\"saved\":true"])?;
    ends(there.verb("restore", &bucket), 0, &["\"files\":1"])?;
    if std::fs::read(there.file("data"))? != std::fs::read(here.file("data"))? {
        return Err("what was saved after the cut is not what was restored".into());
    }
    Ok(())
}

/// A wire to the server that is cut once so many bytes went over all its connections.
struct Wire {
    port: u16,
    cut_after: Arc<AtomicU64>,
}

impl Wire {
    fn to(server: String) -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let cut_after = Arc::new(AtomicU64::new(u64::MAX));
        let (limit, sent) = (cut_after.clone(), Arc::new(AtomicU64::new(0)));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let (limit, sent) = (limit.clone(), sent.clone());
                let (Ok(mut back), Ok(mut to)) = (server.try_clone(), client.try_clone()) else {
                    continue;
                };
                std::thread::spawn(move || {
                    // A cut ends both ways.
                    let _ = std::io::copy(&mut back, &mut to);
                });
                std::thread::spawn(move || forward(client, server, &limit, &sent));
            }
        });
        Ok(Self { port, cut_after })
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, limit: &AtomicU64, sent: &AtomicU64) {
    let mut piece = [0; 16 << 10];
    while let Ok(n @ 1..) = client.read(&mut piece) {
        let so_far = sent.fetch_add(n as u64, Ordering::SeqCst);
        if so_far > limit.load(Ordering::SeqCst) || server.write_all(&piece[..n]).is_err() {
            break;
        }
    }
    for stream in [client, server] {
        // It may be gone already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
