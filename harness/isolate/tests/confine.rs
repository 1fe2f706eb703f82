//! A confined process still runs JavaScript, and each way out of it is closed: tried in a child that confines itself.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that is its own child has a main of its own, which lints take for a program"
)]

use adamant_isolate::confine::{self, ConfineError, Confinement, Limits, Policy};
use adamant_modules::{DirectoryTree, Tree as _};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

/// The first argument of a child: what it shall try comes next, then its root.
const CHILD: &str = "__confined";
const SIGSYS: i32 = 31;
const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, attempt, root] = args.as_slice()
        && flag == CHILD
    {
        return child(attempt, Path::new(root));
    }
    let trials = [
        (
            "reads_its_packages_and_nothing_else",
            reads as fn() -> Verdict,
        ),
        ("writes_nothing", writes),
        ("a_program_ends_the_process", programs),
        ("a_socket_ends_the_process", sockets),
        ("another_process_ends_the_process", other_processes),
        ("memory_has_a_bound", memory),
        ("processor_time_has_a_bound", processor_time),
        ("javascript_still_runs", javascript),
        ("buffers_of_javascript_have_the_bound", buffers),
        ("what_would_leak_is_refused", leaks),
        ("an_older_kernel_is_said_so", older_kernels),
    ];
    let trials = trials
        .map(|(name, test)| Trial::ignorable_test(name, move || test().map_err(Failed::from)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

type Verdict = Result<Completion, String>;

/// The files of a trial: `root/inside` may be read, `outside` not, and both exist and can be written by their modes.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("root")).unwrap();
        fs_err::write(dir.path().join("root/inside"), "inside").unwrap();
        fs_err::write(dir.path().join("outside"), "outside").unwrap();
        Self(dir)
    }

    fn try_to(&self, attempt: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([CHILD, attempt])
            .arg(self.0.path().join("root"));
        command.output().unwrap()
    }
}

/// Each attempt's words, and how the child ended if by a signal.
fn judge(attempts: &[(&str, Expected)]) -> Verdict {
    for (attempt, expected) in attempts {
        let place = Place::new();
        let output = place.try_to(attempt);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (walls, said) = said.split_once('\n').unwrap_or((&said, ""));
        let confinement: Confinement = serde_json::from_str(walls)
            .map_err(|e| format!("{attempt}: {e}: {walls}{output:?}"))?;
        let needed = match expected {
            Says(_, Wall::Files) => confinement.landlock.is_some(),
            _ => confinement.seccomp,
        };
        if !needed {
            return Ok(Completion::ignored_with(confinement.missing.join("; ")));
        }
        let (held, wanted) = match expected {
            Says(words, _) => (said.trim_end() == *words, (*words).to_owned()),
            Dies(signals) => (
                output
                    .status
                    .signal()
                    .is_some_and(|signal| signals.contains(&signal)),
                format!("signal {signals:?}"),
            ),
        };
        if !held {
            return Err(format!(
                "{attempt}: expected {wanted}, saw {:?}, {said:?}, {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        if fs_err::read_to_string(place.0.path().join("root/inside")).unwrap() != "inside" {
            return Err(format!("{attempt}: a file was changed"));
        }
    }
    Ok(Completion::Completed)
}

enum Expected {
    Says(&'static str, Wall),
    Dies(&'static [i32]),
}

#[derive(Clone, Copy)]
enum Wall {
    Files,
    Syscalls,
}

use Expected::{Dies, Says};

fn reads() -> Verdict {
    judge(&[
        ("read-inside", Says("ok", Wall::Syscalls)),
        ("list-inside", Says("ok", Wall::Syscalls)),
        ("read-by-openat2", Says("ok", Wall::Files)),
        ("read-package", Says("ok", Wall::Syscalls)),
        ("read-outside", Says("EACCES", Wall::Files)),
        ("read-dotdot", Says("EACCES", Wall::Files)),
        ("read-passwd", Says("EACCES", Wall::Files)),
        ("read-proc", Says("EACCES", Wall::Files)),
        ("list-outside", Says("EACCES", Wall::Files)),
    ])
}

fn writes() -> Verdict {
    judge(&[
        ("write-inside", Says("EPERM", Wall::Syscalls)),
        ("append-inside", Says("EPERM", Wall::Syscalls)),
        ("create-inside", Says("EPERM", Wall::Syscalls)),
        ("unnamed-inside", Says("EPERM", Wall::Syscalls)),
        ("write-by-openat2", Says("EACCES", Wall::Files)),
        ("truncate", Says("EPERM", Wall::Syscalls)),
        ("remove", Says("EPERM", Wall::Syscalls)),
        ("rename", Says("EPERM", Wall::Syscalls)),
        ("make-directory", Says("EPERM", Wall::Syscalls)),
        ("link", Says("EPERM", Wall::Syscalls)),
        ("change-mode", Says("EPERM", Wall::Syscalls)),
    ])
}

fn programs() -> Verdict {
    judge(&[
        ("exec", Dies(&[SIGSYS])),
        ("fork", Dies(&[SIGSYS])),
        ("thread", Says("ok", Wall::Syscalls)),
    ])
}

fn sockets() -> Verdict {
    judge(&[
        ("tcp", Dies(&[SIGSYS])),
        ("unix", Dies(&[SIGSYS])),
        ("pair", Dies(&[SIGSYS])),
    ])
}

fn other_processes() -> Verdict {
    judge(&[
        ("ptrace", Dies(&[SIGSYS])),
        ("pidfd", Dies(&[SIGSYS])),
        ("signal-parent", Says("EPERM", Wall::Syscalls)),
        ("raise-limit", Says("EPERM", Wall::Syscalls)),
    ])
}

fn memory() -> Verdict {
    judge(&[("allocate", Says("refused", Wall::Syscalls))])
}

fn processor_time() -> Verdict {
    judge(&[("spin", Dies(&[SIGKILL]))])
}

fn javascript() -> Verdict {
    judge(&[("javascript", Says("ok", Wall::Syscalls))])
}

fn buffers() -> Verdict {
    judge(&[
        ("grow-buffers", Says("refused", Wall::Syscalls)),
        ("grow-shared", Says("refused", Wall::Syscalls)),
        ("grow-wasm", Says("refused", Wall::Syscalls)),
        ("grow-heap", Dies(&[SIGABRT, 5, 11])),
    ])
}

fn leaks() -> Verdict {
    for attempt in ["leak-file", "leak-socket", "leak-thread", "leak-root"] {
        let output = Place::new().try_to(attempt);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.trim_end() != "refused" {
            return Err(format!("{attempt}: {said:?} {output:?}"));
        }
    }
    Ok(Completion::Completed)
}

/// The kernel answers as one that lacks a wall would, because a filter before ours makes it.
fn older_kernels() -> Verdict {
    let ours = |attempt: &str| {
        let output = Place::new().try_to(attempt);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let expected = [
        (
            "without-landlock",
            r#"{"landlock":null,"seccomp":true,"missing":["this kernel was built without Landlock: files are not confined"]}"#,
            // What the filter alone cannot judge, it refuses.
            "EPERM",
        ),
        (
            "without-landlock-read",
            r#""landlock":null,"seccomp":true"#,
            // The tree then walks without the call that the filter cannot judge.
            "ok",
        ),
        (
            "without-seccomp",
            r#""seccomp":false,"missing":["this kernel cannot filter system calls"]}"#,
            "EACCES",
        ),
    ];
    for (attempt, walls, words) in expected {
        let said = ours(attempt);
        if !said.contains(walls) || said.lines().last() != Some(words) {
            return Err(format!("{attempt}: {said}"));
        }
    }
    Ok(Completion::Completed)
}

fn pretend_to_lack(call: libc::c_long) {
    let rules = [(call, Vec::new())].into();
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let (pass, refuse) = (
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
    );
    let filter = SeccompFilter::new(rules, pass, refuse, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

/// What a child does: confine itself, say how, try, and say what came of it.
fn child(attempt: &str, root: &Path) -> ExitCode {
    if let Some(refused) = leak(attempt, root) {
        println!("{}", if refused { "refused" } else { "confined" });
        return ExitCode::SUCCESS;
    }
    let mut limits = Limits::default();
    match attempt {
        "allocate" => limits.memory = Some(256 << 20),
        "spin" => limits.cpu = Some(Duration::from_millis(10)),
        "grow-buffers" | "grow-shared" | "grow-wasm" | "grow-heap" => {
            limits.memory = Some(1 << 30);
        }
        "without-landlock" | "without-landlock-read" => {
            pretend_to_lack(libc::SYS_landlock_create_ruleset);
        }
        "without-seccomp" => pretend_to_lack(libc::SYS_seccomp),
        _ => {}
    }
    let policy = Policy {
        readable: vec![root.to_owned()],
        limits,
    };
    let confinement = confine::apply(&policy).unwrap();
    println!("{}", serde_json::to_string(&confinement).unwrap());
    println!("{}", outcome(attempt, root));
    ExitCode::SUCCESS
}

/// Whether confining was refused, for the attempts that are about that.
fn leak(attempt: &str, root: &Path) -> Option<bool> {
    let policy = |root: PathBuf| Policy {
        readable: vec![root],
        ..Policy::default()
    };
    let confine = || confine::apply(&policy(root.to_owned()));
    Some(match attempt {
        "leak-file" => {
            let _file = File::options()
                .append(true)
                .open(root.join("inside"))
                .unwrap();
            matches!(confine(), Err(ConfineError::Open(_, "open for writing")))
        }
        "leak-socket" => {
            let _socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
            matches!(confine(), Err(ConfineError::Open(_, "a socket")))
        }
        "leak-thread" => {
            std::thread::spawn(std::thread::park);
            matches!(confine(), Err(ConfineError::Threads(2)))
        }
        "leak-root" => matches!(
            confine::apply(&policy(root.join("absent"))),
            Err(ConfineError::Readable { path, .. }) if path.ends_with("absent")
        ),
        _ => return None,
    })
}

fn outcome(attempt: &str, root: &Path) -> String {
    match attempt {
        "allocate" => {
            let mut bytes: Vec<u8> = Vec::new();
            let refused = bytes.try_reserve_exact(1 << 30).is_err();
            if refused { "refused" } else { "allocated" }.to_owned()
        }
        "spin" => spin(),
        "javascript" => run_javascript(JAVASCRIPT),
        "grow-buffers" => run_javascript(GROW_BUFFERS),
        "grow-shared" => run_javascript(GROW_SHARED),
        "grow-wasm" => run_javascript(GROW_WASM),
        "grow-heap" => run_javascript("for (const all = [];;) all.push(new Array(1000).fill(all))"),
        _ => match system(attempt, root) {
            Ok(()) => "ok".to_owned(),
            Err(error) => match error.raw_os_error() {
                Some(libc::EPERM) => "EPERM".to_owned(),
                Some(libc::EACCES) => "EACCES".to_owned(),
                _ => error.to_string(),
            },
        },
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn system(attempt: &str, root: &Path) -> io::Result<()> {
    let (inside, outside) = (root.join("inside"), root.with_file_name("outside"));
    match attempt {
        "read-inside" => std::fs::read(inside).map(drop),
        "list-inside" => std::fs::read_dir(root)?.try_for_each(|entry| entry.map(drop)),
        "read-by-openat2" => openat2(&inside, OFlags::RDONLY),
        "read-package" | "without-landlock-read" => read_package(root),
        "read-outside" => std::fs::read(outside).map(drop),
        "read-dotdot" => std::fs::read(root.join("../outside")).map(drop),
        "read-passwd" => std::fs::read("/etc/passwd").map(drop),
        "read-proc" => std::fs::read("/proc/self/maps").map(drop),
        "list-outside" => std::fs::read_dir("/").map(drop),
        "write-inside" => File::options().write(true).open(inside).map(drop),
        "append-inside" => File::options().append(true).open(inside).map(drop),
        "create-inside" => File::create(root.join("new")).map(drop),
        "unnamed-inside" => {
            let flags = OFlags::TMPFILE | OFlags::RDWR;
            Ok(rustix::fs::open(root, flags, Mode::RUSR).map(drop)?)
        }
        "write-by-openat2" | "without-landlock" | "without-seccomp" => {
            openat2(&inside, OFlags::WRONLY)
        }
        "truncate" => {
            let path = std::ffi::CString::new(inside.as_os_str().as_encoded_bytes())?;
            #[expect(
                unsafe_code,
                reason = "the standard library opens a file before it truncates it"
            )]
            // SAFETY: the path is a C string that outlives the call.
            let result = unsafe { libc::truncate(path.as_ptr(), 0) };
            if result == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        }
        "remove" => std::fs::remove_file(inside),
        "rename" => std::fs::rename(&inside, root.join("other")),
        "make-directory" => std::fs::create_dir(root.join("new")),
        "link" => std::os::unix::fs::symlink("/etc/passwd", root.join("new")),
        "change-mode" => Ok(rustix::fs::chmod(&inside, Mode::RWXU)?),
        "exec" => Err(Command::new("/bin/true").exec()),
        "fork" => Command::new("/bin/true").status().map(drop),
        "thread" => std::thread::Builder::new()
            .spawn(|| ())?
            .join()
            .map_err(|_panic| io::Error::other("it panicked")),
        "tcp" => std::net::TcpStream::connect("127.0.0.1:9").map(drop),
        "unix" => std::os::unix::net::UnixDatagram::unbound().map(drop),
        "pair" => std::os::unix::net::UnixStream::pair().map(drop),
        "ptrace" => {
            #[expect(unsafe_code, reason = "there is no safe door to it")]
            // SAFETY: this request uses no other argument.
            let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME) };
            if result == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        }
        "pidfd" => {
            let own = rustix::process::getpid();
            Ok(rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).map(drop)?)
        }
        "signal-parent" => {
            let parent = rustix::process::getppid().unwrap();
            Ok(rustix::process::test_kill_process(parent)?)
        }
        "raise-limit" => {
            let none = rustix::process::Rlimit {
                current: None,
                maximum: None,
            };
            Ok(rustix::process::setrlimit(
                rustix::process::Resource::Core,
                none,
            )?)
        }
        _ => Err(io::Error::other("no such attempt")),
    }
}

/// The tree that the loader reads through finds all it needs behind the walls.
fn read_package(root: &Path) -> io::Result<()> {
    let tree = DirectoryTree::open(root)?;
    let inside = tree.read("/inside")?;
    let entries = tree.read_dir("/")?;
    let metadata = tree.metadata("/inside")?;
    let absent = tree.read("/absent").map_err(|error| error.kind());
    let whole = *inside == *b"inside" && entries.len() == 1 && metadata.len == 6;
    if whole && absent == Err(io::ErrorKind::NotFound) {
        return Ok(());
    }
    Err(io::Error::other("the package reads differently"))
}

fn openat2(path: &Path, flags: OFlags) -> io::Result<()> {
    let file = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::empty());
    Ok(file.map(drop)?)
}

/// Compiled at run time, collected, with WebAssembly, the clock and ICU.
const JAVASCRIPT: &str = "
    let sum = 0;
    for (let i = 0; i < 3e6; i++) sum = (sum + i * 7) % 1000003;
    const garbage = [];
    for (let i = 0; i < 3e5; i++) garbage[i % 1000] = { i, text: 'x' + i };
    const wasm = new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,42,11]);
    const answer = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.f();
    const date = new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(new Date(0));
    const numbers = new Float64Array(1e5).map(() => Math.random()).sort();
    answer === 42 && date === '1/1/1970' && Date.now() > 1e12 && numbers[0] <= numbers[99999] ? 'ok' : 'wrong';
";
const GROW_BUFFERS: &str = "
    const all = [];
    try {
        for (let i = 0; i < 20; i++) {
            const buffer = new ArrayBuffer(1, { maxByteLength: 1e8 });
            buffer.resize(1e8);
            new Uint8Array(buffer).fill(1);
            all.push(buffer);
        }
        'grown';
    } catch (error) { error instanceof RangeError ? 'refused' : String(error); }
";
const GROW_SHARED: &str = "
    const all = [];
    try {
        for (let i = 0; i < 20; i++) {
            const buffer = new SharedArrayBuffer(1, { maxByteLength: 1e8 });
            buffer.grow(1e8);
            new Uint8Array(buffer).fill(1);
            all.push(buffer);
        }
        'grown';
    } catch (error) { error instanceof RangeError ? 'refused' : String(error); }
";
const GROW_WASM: &str = "
    const all = [];
    try {
        for (let i = 0; i < 20; i++) {
            const memory = new WebAssembly.Memory({ initial: 1600 });
            new Uint8Array(memory.buffer).fill(1);
            all.push(memory);
        }
        'grown';
    } catch (error) { error instanceof RangeError ? 'refused' : String(error); }
";

fn run_javascript(source: &str) -> String {
    // Its background threads, one for each processor, are started behind the walls.
    let platform = v8::new_default_platform(0, false).make_shared();
    v8::V8::initialize_platform(platform);
    v8::V8::initialize();
    let mut isolate = v8::Isolate::new(v8::CreateParams::default());
    let mut scope = v8::HandleScope::new(&mut isolate);
    let context = v8::Context::new(&mut scope, v8::ContextOptions::default());
    let mut scope = v8::ContextScope::new(&mut scope, context);
    let source = v8::String::new(&mut scope, source).unwrap();
    let script = v8::Script::compile(&mut scope, source, None).unwrap();
    let value = script.run(&mut scope).unwrap();
    value.to_rust_string_lossy(&mut scope)
}
