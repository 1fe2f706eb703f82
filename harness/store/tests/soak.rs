//! Two soaks: restores that are killed at random moments, and hostile tars and keys by chance. A few seconds under `cargo test`.
//!
//! `cargo test -p adamant-store --test soak -- workspace [KILLS | --seconds N]`, and `-- tar [--seconds N] [--seed N]`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is its result"
)]

mod mutate;
#[expect(dead_code, reason = "the soak needs a part of it")]
mod served;
#[expect(dead_code, reason = "the soak needs a part of it")]
mod support;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adamant_store::Key;
use adamant_store::archive::{Accept, Limits};
use adamant_store::daemon::Workspace;
use mutate::Chance;
use served::{Served, TOKEN};
use support::{Tar, picture};

type Failure = Box<dyn std::error::Error>;

/// How long one hostile tar may take before it counts as a hang.
const HANG: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["workspace", ref rest @ ..] => Bounds::read(rest, 200).and_then(|b| kills(&b)),
        ["tar", ref rest @ ..] => Bounds::read(rest, u64::MAX).and_then(|b| hostile(&b)),
        // Under `cargo test`, whatever else it was told.
        _ => kills(&Bounds {
            count: 12,
            ..Bounds::default()
        })
        .and_then(|()| {
            hostile(&Bounds {
                time: Duration::from_secs(3),
                ..Bounds::default()
            })
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How long.
struct Bounds {
    count: u64,
    time: Duration,
    seed: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            count: u64::MAX,
            time: Duration::from_secs(86_400),
            seed: seed.map_or(1, |d| d.as_nanos() as u64 | 1),
        }
    }
}

impl Bounds {
    fn read(words: &[&str], count: u64) -> Result<Self, Failure> {
        let mut bounds = Self::default();
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_error| format!("`{text}` is no number"))
        };
        match *words {
            [] => bounds.count = count,
            ["--seconds", seconds] => bounds.time = Duration::from_secs(number(seconds)?),
            ["--seconds", seconds, "--seed", seed] => {
                bounds.time = Duration::from_secs(number(seconds)?);
                bounds.seed = number(seed)? | 1;
            }
            [count] => bounds.count = number(count)?,
            _ => return Err("usage: soak workspace|tar [COUNT | --seconds N [--seed N]]".into()),
        }
        if bounds.count == u64::MAX && bounds.time == Duration::from_secs(86_400) {
            bounds.time = Duration::from_secs(1800);
        }
        Ok(bounds)
    }
}

/// A workspace of a few hundred files that all say which one it is.
fn generation(name: &str) -> Vec<u8> {
    let mut tar = Tar::new();
    for d in 0..20 {
        tar = tar
            .directory(&format!("dir-{d}/"))
            .link(&format!("dir-{d}/link"), &format!("file-{name}"));
        for f in 0..20 {
            let content = format!("{name} {d} {f} ").repeat(10 + 7 * f);
            tar = tar.file(&format!("dir-{d}/file-{f}"), content.as_bytes());
        }
    }
    tar.file(name, name.as_bytes()).end()
}

/// Restores that are killed: the workspace is the old one or the new one, and after the next start nothing else is there.
fn kills(bounds: &Bounds) -> Result<(), Failure> {
    let ground = tempfile::tempdir()?;
    let work = ground.path().join("work");
    let tars = [generation("one"), generation("two")];
    let mut chance = Chance(bounds.seed);
    let mut served = Served::start(&work);
    // How both look, and how long a restore takes.
    let mut pictures = Vec::new();
    let mut usual = Duration::ZERO;
    for tar in &tars {
        let began = Instant::now();
        let done = served.restore(tar);
        if done.status != 200 {
            return Err(format!("a plain restore failed: {}", done.text()).into());
        }
        usual = began.elapsed();
        pictures.push(picture(&work));
    }
    let (mut old, mut new, mut leftovers) = (0_u64, 0_u64, 0_u64);
    let began = Instant::now();
    let mut now = 1;
    let mut n = 0;
    while n < bounds.count && began.elapsed() < bounds.time {
        n += 1;
        let next = 1 - now;
        let tar = tars[next].clone();
        let address = served.address.clone();
        let sender = std::thread::spawn(move || {
            let head = format!(
                "POST /_decopilot_vm/snapshot/restore HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
                tar.len()
            );
            // The daemon dies under it: what comes of the sending is not of interest.
            if let Ok(mut stream) = TcpStream::connect(address) {
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&tar));
                let _ = std::io::Read::read(&mut stream, &mut [0; 16]);
            }
        });
        // From before anything to a little after the end, when the old tree is removed.
        let moment = Instant::now() + usual.mul_f64(chance.fraction() * 1.5);
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        served.kill();
        sender.join().map_err(|_error| "the sender panicked")?;
        let seen = picture(&work);
        now = match pictures.iter().position(|p| *p == seen) {
            Some(which) => which,
            None => return Err(format!(
                "kill {n} (seed {}): the workspace is neither the old nor the new one: {} entries",
                bounds.seed,
                seen.len()
            )
            .into()),
        };
        if now == next {
            new += 1;
        } else {
            old += 1;
        }
        leftovers += fs::read_dir(ground.path())?.count() as u64 - 1;
        served = Served::start(&work);
        let beside = fs::read_dir(ground.path())?.count();
        if beside != 1 || picture(&work) != pictures[now] {
            return Err(format!(
                "kill {n} (seed {}): after a restart {beside} directories stand there",
                bounds.seed
            )
            .into());
        }
    }
    println!(
        "{n} restores killed in {:.1?}: {old} times the old workspace, {new} times the new one, never between",
        began.elapsed()
    );
    println!(
        "{leftovers} leftovers were removed by the next start; seed {}",
        bounds.seed
    );
    Ok(())
}

/// Hostile tars and keys by chance: no escape, no panic, no hang, and what is taken comes back the same.
fn hostile(bounds: &Bounds) -> Result<(), Failure> {
    let ground = tempfile::tempdir()?;
    let outside = ground.path().join("outside");
    fs::create_dir(&outside)?;
    fs::write(outside.join("precious"), "untouched")?;
    let limits = Limits {
        bytes: 1 << 20,
        entries: 500,
    };
    let arena = ground.path().join("arena");
    fs::create_dir(&arena)?;
    let one = Workspace::open(&arena.join("one"), limits, Accept::default())?;
    let two = Workspace::open(&arena.join("two"), limits, Accept::default())?;
    let guarded = picture(&outside);

    // The input that is tried, for whoever looks when it hangs.
    let current: Arc<Mutex<Vec<u8>>> = Arc::default();
    let steps = Arc::new(AtomicU64::new(0));
    watch(current.clone(), steps.clone());

    let mut chance = Chance(bounds.seed);
    let (mut taken, mut refused, mut keys) = (0_u64, 0_u64, 0_u64);
    let began = Instant::now();
    let mut n = 0;
    while n < bounds.count && began.elapsed() < bounds.time {
        n += 1;
        steps.store(n, Ordering::SeqCst);
        let tar = mutate::tar(&mut chance, &outside);
        current
            .lock()
            .expect("the watch does not panic")
            .clone_from(&tar);
        let tried = catch_unwind(AssertUnwindSafe(|| one.restore(&mut &tar[..], |_| Ok(()))));
        let fail = |what: &str| -> Failure {
            let path = std::env::temp_dir().join(format!("adamant-soak-{}-{n}.tar", bounds.seed));
            let kept = fs::write(&path, &tar)
                .map_or_else(|e| e.to_string(), |()| path.display().to_string());
            format!(
                "tar {n} (seed {}): {what}; it is kept in {kept}",
                bounds.seed
            )
            .into()
        };
        match tried {
            Err(_) => return Err(fail("a panic")),
            Ok(Err(_)) => refused += 1,
            Ok(Ok(_)) => {
                taken += 1;
                comes_back(&one, &two).map_err(|what| fail(&what))?;
            }
        }
        if n % 16 == 0 && picture(&outside) != guarded {
            return Err(fail(
                "it, or one of the fifteen before, wrote outside the workspace",
            ));
        }
        if fs::read_dir(&arena)?.count() > 2 {
            return Err(fail("something stayed beside the workspace"));
        }
        keys += u64::from(key(&mut chance, ground.path())?);
    }
    if picture(&outside) != guarded || taken == 0 || refused == 0 || keys == 0 {
        return Err(format!(
            "{taken} taken, {refused} refused, {keys} keys (seed {}): not a soak",
            bounds.seed
        )
        .into());
    }
    println!(
        "{n} tars in {:.1?}: {taken} taken and the same after a round trip, {refused} refused; {keys} keys; no escape, panic or hang",
        began.elapsed()
    );
    println!("seed {}", bounds.seed);
    Ok(())
}

/// What was restored can be saved, and what was saved comes back the same.
fn comes_back(one: &Workspace, two: &Workspace) -> Result<(), String> {
    let mut again = Vec::new();
    one.write(&mut again)
        .map_err(|e| format!("it was restored, but cannot be saved: {}", e.told()))?;
    two.restore(&mut &again[..], |_| Ok(()))
        .map_err(|e| format!("it was saved, but cannot be restored: {}", e.told()))?;
    let mut wanted = picture(one.directory());
    wanted.retain(|line| !line.starts_with("\"tmp\"") && !line.starts_with("\"tmp/"));
    if picture(two.directory()) == wanted {
        Ok(())
    } else {
        Err("it came back as something else".to_owned())
    }
}

/// A key by chance; whether it was one.
fn key(chance: &mut Chance, base: &Path) -> Result<bool, Failure> {
    let text = mutate::name(chance);
    let Ok(key) = format!("o/{text}/{}", mutate::name(chance)).parse::<Key>() else {
        return Ok(false);
    };
    let path = base.join(key.path());
    let plain = Path::new(key.path())
        .components()
        .all(|c| matches!(c, std::path::Component::Normal(_)));
    if plain && path.starts_with(base) && path.extension().is_some_and(|e| e == "tar") {
        Ok(true)
    } else {
        Err(format!("key `{text}` became `{key}`").into())
    }
}

/// Ends the process when one input takes too long.
fn watch(current: Arc<Mutex<Vec<u8>>>, steps: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut before = (u64::MAX, Instant::now());
        loop {
            std::thread::park_timeout(Duration::from_secs(1));
            let now = steps.load(Ordering::SeqCst);
            if now != before.0 {
                before = (now, Instant::now());
            } else if before.1.elapsed() > HANG {
                let path = std::env::temp_dir().join("adamant-soak-hang.tar");
                let tar = current.lock().map(|tar| tar.clone()).unwrap_or_default();
                let _ = fs::write(&path, tar);
                eprintln!("soak: tar {now} hangs; it is kept in {}", path.display());
                std::process::abort();
            }
        }
    });
}
