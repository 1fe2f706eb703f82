//! What a traced call costs: the same calls untraced, watched, and under strace, interleaved, in one run.
//!
//! `cargo bench -p adamant-probe`; `-- N` for another number of calls than 6,000.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::io::{FdFlags, fcntl_setfd};

const PROBE: &str = env!("CARGO_BIN_EXE_adamant-probe");
const ROUNDS: usize = 7;
const WORKS: [(&str, &str, f64); 4] = [
    ("open", "open an existing file for writing", 1.0),
    ("create", "create a file, remove it", 2.0),
    ("null", "open /dev/null for writing (not told)", 1.0),
    ("read", "open a file for reading (not stopped)", 1.0),
];
/// What one event may cost over the same call untraced, in microseconds.
const EVENT_MOST: f64 = 60.0;
const WAYS: [&str; 4] = ["untraced", "watched", "strace --seccomp-bpf", "strace"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, kind, count] = arguments.as_slice()
        && verb == "work"
    {
        return work(kind, count.parse().expect("a number"));
    }
    let count = arguments.iter().find_map(|word| word.parse().ok());
    let count: u32 = count.unwrap_or(6000);
    let has_strace = Command::new("strace").arg("-V").output().is_ok();
    say(&format!(
        "{count} times each, median of {ROUNDS} interleaved rounds, µs per event"
    ));
    for (kind, about, events) in WORKS {
        let mut taken = vec![Vec::new(); WAYS.len()];
        for _ in 0..ROUNDS {
            for (way, taken) in taken.iter_mut().enumerate() {
                if way < 2 || has_strace {
                    taken.push(measure(way, kind, count) / f64::from(count) / events);
                }
            }
        }
        say(about);
        let medians: Vec<Option<f64>> = taken.into_iter().map(median).collect();
        for (name, each) in WAYS.iter().zip(&medians) {
            let (Some(each), Some(bare), Some(watched)) = (each, medians[0], medians[1]) else {
                say(&format!("  {name:<22} not run: not installed"));
                continue;
            };
            let (over, ratio) = (each - bare, each / watched);
            say(&format!(
                "  {name:<22} {each:8.2}   {over:+8.2} over untraced   {ratio:6.2} of watched"
            ));
        }
        if let (true, [Some(bare), Some(watched), ..]) = (kind == "open", medians.as_slice()) {
            let total = |each: f64| each * f64::from(count) / 1e6;
            say(&format!(
                "  the worst case, a process that does nothing but open {count} files: {:.2} s watched, {:.2} s untraced",
                total(*watched),
                total(*bare)
            ));
            let is_within = watched - bare <= EVENT_MOST;
            let word = if is_within { "within" } else { "OVER" };
            say(&format!("  {word} {EVENT_MOST} µs an event"));
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("a reader");
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Does the calls and writes how long they took, in microseconds.
fn work(kind: &str, count: u32) {
    File::create("file").expect("a file");
    let write = |path: &str| drop(OpenOptions::new().write(true).open(path).expect("opened"));
    let began = Instant::now();
    for _ in 0..count {
        match kind {
            "open" => write("file"),
            "null" => write("/dev/null"),
            "read" => drop(File::open("file").expect("opened")),
            _ => {
                drop(File::create_new("new").expect("created"));
                std::fs::remove_file("new").expect("removed");
            }
        }
    }
    say(&began.elapsed().as_micros().to_string());
}

/// How long the calls took, in microseconds.
fn measure(way: usize, kind: &str, count: u32) -> f64 {
    let own = std::env::current_exe().expect("this program");
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = match way {
        0 => Command::new(&own),
        1 => return watched(&own, dir.path(), kind, count),
        _ => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-o", "/dev/null", "-e", "trace=%file,connect,sendto"]);
            if way == 2 {
                strace.arg("--seccomp-bpf");
            }
            strace.arg(&own);
            strace
        }
    };
    taken(command.args(["work", kind, &count.to_string()]), dir.path())
}

fn taken(command: &mut Command, dir: &Path) -> f64 {
    let output = command.current_dir(dir).stderr(Stdio::inherit()).output();
    let text = String::from_utf8(output.expect("run").stdout).expect("text");
    text.trim().parse().expect("a number")
}

fn watched(own: &Path, dir: &Path, kind: &str, count: u32) -> f64 {
    let socket = dir.join("trace.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let (control, hold) = std::io::pipe().expect("a pipe");
    fcntl_setfd(&control, FdFlags::empty()).expect("inheritable");
    let mut watch = Command::new(PROBE)
        .args(["watch", "--control", &control.as_raw_fd().to_string()])
        .stdin(OwnedFd::from(listener))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a supervisor");
    drop(control);
    let mut told = BufReader::new(watch.stdout.take().expect("its output"));
    // An engine reads while the subject runs.
    let reader = std::thread::spawn(move || {
        let (mut line, mut lines) = (String::new(), 0);
        while told.read_line(&mut line).expect("readable") > 0 {
            line.clear();
            lines += 1;
        }
        told.read_to_string(&mut line).map(|_| lines)
    });
    let mut launch = Command::new(PROBE);
    launch.args(["launch", "--socket"]).arg(&socket).arg("--");
    launch.arg(own).args(["work", kind, &count.to_string()]);
    let micros = taken(&mut launch, dir);
    drop(hold);
    watch.wait().expect("ended");
    let lines: u32 = reader.join().expect("read").expect("read");
    let told = matches!(kind, "open" | "create");
    assert!(!told || lines > count, "{lines} lines of {count} events");
    micros
}
