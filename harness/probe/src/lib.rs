//! The wire between an engine and the probe inside a container: one JSON request in argv, JSON lines back.
//!
//! The same types are the facts that core judges: what the probe saw is not translated on its way.

pub mod converse;
pub mod sinkhole;

use serde::{Deserialize, Serialize};

/// Where the probe is mounted inside a subject, read-only. Subtracted from every difference.
pub const MOUNT_DIR: &str = "/.adamant";
/// The probe's path inside a subject.
pub const MOUNT_PATH: &str = "/.adamant/probe";
/// The socket over which a launcher hands its listener to the supervisor, inside a subject.
pub const TRACE_SOCKET: &str = "/.adamant/trace.sock";
/// Where a supervisor in a container of its own finds the directory in which it is met.
pub const MEETING_DIR: &str = "/.adamant/meet";
/// The socket for launchers, in that directory.
pub const LAUNCHER_SOCKET: &str = "sock";
/// The socket for the engine, in that directory: numbers go in, lines come out.
pub const ENGINE_SOCKET: &str = "engine";
/// Where a launcher tries to connect before the subject starts, so that every trace proves that it sees: TEST-NET-1, discard.
pub const CONTROL_ADDRESS: &str = "192.0.2.1:9";
/// The address of whoever opens a packet socket: what it sends has any address, or none.
pub const PACKETS: &str = "packets";
/// Bytes of a response body or of one output stream that a reply keeps.
pub const KEEP_BYTES: usize = 64 * 1024;

/// What an engine asks; `adamant-probe '<json>'`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Look at `target` again and again until it is ready or `within_ms` has passed.
    ///
    /// Writes a [`Reply::Observed`] line at every change of state, then one [`Reply::Ready`].
    Ready {
        /// What to look at.
        target: Target,
        /// How long to look, in milliseconds.
        within_ms: u64,
        /// Pause between two looks, in milliseconds.
        interval_ms: u64,
    },
    /// One `GET`, answered by [`Reply::Http`].
    Http {
        /// The port on loopback.
        port: u16,
        /// The path with its query.
        path: String,
        /// How long to wait for the whole response.
        timeout_ms: u64,
    },
    /// Requests on loopback, one after the other, each on a connection of its own and answered by a [`Reply::Said`].
    Converse {
        /// The port on loopback.
        port: u16,
        /// What is sent.
        calls: Vec<converse::Call>,
        /// How long all of them may take together.
        timeout_ms: u64,
    },
    /// Stand in for the daemon beside a workspace; a [`Reply::Heard`] for each request, in the order of their ends.
    StandIn(converse::StandIn),
    /// Run commands one after the other, each answered by a [`Reply::Command`], in order.
    Commands {
        /// What to run.
        commands: Vec<Command>,
    },
    /// Speak MCP's `initialize` to a server on its stdio; answered by [`Reply::Command`] whose stdout is the response line.
    Mcp {
        /// The server and its time limit.
        command: Command,
    },
    /// Walk trees, never crossing into `/proc`, `/sys` or `/dev`; a [`Reply::Entry`] for each path.
    Tree {
        /// Absolute paths to start from; their own entries included.
        roots: Vec<String>,
        /// Whether regular files are hashed.
        hash: bool,
    },
    /// Look at single paths without following a final symlink; a [`Reply::Entry`] or [`Reply::Absent`] for each, in order.
    Stat {
        /// Absolute paths.
        paths: Vec<String>,
        /// Whether regular files are hashed.
        hash: bool,
    },
    /// Try to create (and remove again) a file in each directory; a [`Reply::Written`] for each, in order.
    TryWrite {
        /// Absolute paths of directories.
        dirs: Vec<String>,
    },
    /// Every process that the probe can see, itself excepted; a [`Reply::Process`] for each.
    Processes,
    /// The mounts of the container; a [`Reply::Mount`] for each.
    Mounts,
    /// Where it listens for the internet families; a [`Reply::Port`] for each.
    Ports,
}

/// What can be looked at for readiness, or connected to.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// An HTTP response of this status on loopback.
    Http {
        /// The port on loopback.
        port: u16,
        /// The path with its query.
        path: String,
        /// The status that means ready.
        status: u16,
    },
    /// A TCP port on loopback that accepts.
    Tcp {
        /// The port on loopback.
        port: u16,
    },
    /// A unix stream socket that accepts.
    Unix {
        /// Absolute path of the socket.
        path: String,
    },
}

/// One command to run inside.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program, looked up on `PATH` when it has no slash, and its arguments.
    pub argv: Vec<String>,
    /// When it is killed, with everything in its process group.
    pub timeout_ms: u64,
}

/// One line of an answer.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The target's state changed (the first look is a change).
    Observed(Observed),
    /// The end of a [`Request::Ready`].
    Ready {
        /// Whether the target was ready in time.
        ready: bool,
    },
    /// The response to a [`Request::Http`].
    Http(Http),
    /// The response to one call of a [`Request::Converse`].
    Said(converse::Said),
    /// One request to a stand-in.
    Heard(converse::Heard),
    /// What a command did.
    Command(CommandResult),
    /// One path of a tree.
    Entry(Entry),
    /// A path that does not exist.
    Absent {
        /// The path asked for.
        path: String,
    },
    /// What an attempt to write came to.
    Written {
        /// The directory.
        dir: String,
        /// `None` when the file could be created; else the name of the error, such as `EROFS`.
        errno: Option<String>,
    },
    /// One process.
    Process(Process),
    /// One mount.
    Mount(Mount),
    /// One socket that listens.
    Port(Port),
    /// Why the request could not be answered; the probe exits with 3 after it.
    Error {
        /// A lowercase sentence fragment.
        message: String,
    },
    /// The last line of every complete answer; an answer without it was cut.
    Done,
}

/// One change of a readiness target.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Observed {
    /// `CLOCK_MONOTONIC` in nanoseconds, read just before the look that saw it.
    pub at_ns: u64,
    /// Whether this state means ready.
    pub ready: bool,
    /// HTTP status, when there was a response.
    pub status: Option<u16>,
    /// What was seen, for a person: `connection refused`, `503`, `accepts`.
    pub seen: String,
    /// The response body, at most [`KEEP_BYTES`].
    pub body: Option<String>,
}

/// One HTTP response, or why there was none.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Http {
    /// The status, when a response came.
    pub status: Option<u16>,
    /// Header names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`KEEP_BYTES`], as UTF-8 with replacement characters.
    pub body: String,
    /// Why there was no response.
    pub error: Option<String>,
}

/// What one command did.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct CommandResult {
    /// The command.
    pub argv: Vec<String>,
    /// Its exit code; 127 when the program was not found, 126 when it could not be executed.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was killed for its time limit.
    pub timed_out: bool,
    /// The first [`KEEP_BYTES`] of its standard output.
    pub stdout: String,
    /// The first [`KEEP_BYTES`] of its standard error.
    pub stderr: String,
    /// Wall-clock time in microseconds.
    pub micros: u64,
}

/// What a path is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
}

/// One path of a tree, as `lstat` shows it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path; bytes that are not UTF-8 become replacement characters.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes of a regular file, else 0.
    pub size: u64,
    /// Where a symlink points.
    pub target: Option<String>,
    /// SHA-256 of a regular file in lower-case hex, when asked for and readable.
    pub sha256: Option<String>,
}

impl Entry {
    /// One that belongs to root, is empty and points nowhere.
    #[must_use]
    pub fn new(path: impl Into<String>, kind: Kind, mode: u32) -> Self {
        Self {
            path: path.into(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            size: 0,
            target: None,
            sha256: None,
        }
    }
}

/// One process, from `/proc/PID`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Process {
    /// Process id inside the container.
    pub pid: i32,
    /// Its parent.
    pub ppid: i32,
    /// `argv`; empty for a zombie.
    pub argv: Vec<String>,
    /// One letter as in `/proc/PID/stat`: `R`, `S`, `D`, `Z`, `T` …
    pub state: String,
    /// Start time in clock ticks since boot: with `pid`, the identity of a process.
    pub start_ticks: u64,
    /// Real, effective, saved and file-system uid.
    pub uid: [u32; 4],
    /// Real, effective, saved and file-system gid.
    pub gid: [u32; 4],
    /// Effective capabilities, a bit set.
    pub cap_eff: u64,
    /// Bounding set.
    pub cap_bnd: u64,
    /// Whether `no_new_privs` is set.
    pub no_new_privs: bool,
    /// `Seccomp:` of `/proc/PID/status`: 0 off, 1 strict, 2 filter.
    pub seccomp: u8,
    /// The sockets on which it takes connections; those whose holder cannot be seen are the first process's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<Listen>,
}

/// A socket that takes connections.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Listen {
    /// Of the internet families.
    Tcp {
        /// The address that it is bound to, without brackets.
        address: String,
        /// The port.
        port: u16,
    },
    /// A unix stream socket with a path.
    Unix {
        /// Its path, as the process that made it wrote it.
        path: String,
    },
}

/// One mount, from `/proc/self/mountinfo`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub target: String,
    /// The file-system type.
    pub fstype: String,
    /// What is mounted.
    pub source: String,
    /// Per-mount and per-superblock options, sorted, without duplicates: `ro`, `nosuid`, `size=65536k` …
    pub options: Vec<String>,
    /// Whether nothing can be written through it (`ro` on the mount or on its superblock).
    pub read_only: bool,
}

/// A socket that listens, or takes datagrams from anybody.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The address that it is bound to.
    pub address: std::net::SocketAddr,
}

/// One line that a supervisor (`adamant-probe watch`) writes.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Traced {
    /// A launcher has handed over its listener: what it starts is seen from now on.
    Attached,
    /// The launcher could not start the subject's executable: the errno's name, such as `ENOENT`.
    Refused {
        /// The error's name.
        errno: String,
    },
    /// A process did something.
    Event(TraceEvent),
    /// Everything that happened before the engine's request number `number` has been written.
    Synced {
        /// The number of the request.
        number: u64,
    },
    /// The supervisor could not go on: what was seen is not all that happened.
    Failed {
        /// A lowercase sentence fragment.
        message: String,
    },
    /// Every traced process has ended.
    Ended,
}

/// What one process did, told before the kernel did it: attempts that fail are told too.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct TraceEvent {
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub at_ns: u64,
    /// Who did it.
    pub actor: Actor,
    /// What it did.
    pub action: Action,
}

/// A process, as it was when it acted.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Actor {
    /// Process id inside the container.
    pub pid: i32,
    /// Its parent inside the container; 0 for process 1 and for what was put into the container from outside.
    pub ppid: i32,
    /// What the parent runs: its `argv`, empty when it is gone.
    pub parent: Vec<String>,
    /// The path of its executable inside the container.
    pub exe: String,
    /// Its `argv`, at most 32 words of at most 256 bytes.
    pub argv: Vec<String>,
    /// Effective user.
    pub uid: u32,
}

/// What a process did.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It asked for a change of the file system at `path`.
    Write {
        /// The system call's name.
        call: String,
        /// Absolute path inside the container, with links in its directories resolved; the new name of a rename or link.
        path: String,
        /// The old name of a rename or link.
        from: Option<String>,
    },
    /// It opened a regular file for reading; told only where a launcher was asked to (`--reads`).
    Read {
        /// Absolute path inside the container, with links resolved.
        path: String,
    },
    /// It connected or sent to an address of a family that leads out of the machine.
    Connect {
        /// The address, without brackets; [`PACKETS`] for a socket that sends whole packets, `vsock CID` for the
        /// machine that this one is a guest of.
        address: String,
        /// The port; 0 where the family has none.
        port: u16,
    },
    /// It asked a name server for a name.
    Resolve {
        /// The name, without a final dot.
        name: String,
        /// The server's address.
        server: String,
    },
    /// It asked to become another program.
    Exec {
        /// The path as resolved inside the container.
        path: String,
        /// The new `argv`, at most 32 words of at most 256 bytes.
        argv: Vec<String>,
        /// The errno's name where the file is missing or cannot be executed (a shell's search along `PATH`).
        refused: Option<String>,
        /// For a script, the `argv` that the kernel starts in its place: the interpreter of its first line, that line's
        /// argument, the script, and the rest.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        runs: Vec<String>,
    },
    /// It ended by itself with this code.
    Exit {
        /// The exit code.
        code: i32,
    },
}
