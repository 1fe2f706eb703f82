//! The wire between an engine and the shim of one container: one order on standard input, JSON lines back and forth.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What `adamant-shim run` sets up, as the first line on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Boot {
    /// The container's name: of its cgroup, and in its runtime state.
    pub name: String,
    /// The directory that is the container's alone; removed when the container is.
    pub dir: PathBuf,
    /// Unpacked layers with whiteouts as overlayfs has them, the topmost first.
    pub lowers: Vec<PathBuf>,
    /// Whether what it writes is kept in memory, because `dir` is on a file system that overlayfs cannot write to.
    pub in_memory: bool,
    /// Absolute paths of the image that are taken away before the start.
    pub removed: Vec<String>,
    /// The runtime specification as JSON text, complete but for the path of its network namespace.
    pub spec: String,
    /// Directories that begin with what the image has at their targets; each is a mount of `spec` too.
    pub filled: Vec<Filled>,
    /// Made when the image does not have it.
    pub workdir: String,
    /// Who may reopen standard output and error: the user of process 1.
    pub uid: u32,
}

/// A directory that begins as a copy of what the image has at `target`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Filled {
    /// Directory of the host; filled only when it is empty.
    pub source: PathBuf,
    /// Absolute path in the container.
    pub target: String,
}

/// What `adamant-shim exec` runs in a running container, as the first line on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exec {
    /// The container's name.
    pub name: String,
    /// The container's directory.
    pub dir: PathBuf,
    /// The process as the runtime specification has it, as JSON text.
    pub process: String,
    /// Who may reopen standard output and error.
    pub uid: u32,
}

/// What `adamant-shim companion` starts beside a container, as the first line on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Companion {
    /// The container's shim: its network namespace is the container's.
    pub shim: u32,
    /// Which companion of the container it is, from 0: decides about addresses and the interface's name.
    pub number: u8,
    /// What to start.
    pub argv: Vec<String>,
}

impl Companion {
    /// The companion's own address.
    #[must_use]
    pub fn address(&self) -> [u8; 4] {
        [172, 31, self.number, 2]
    }

    /// The container's address towards this companion.
    #[must_use]
    pub fn peer(&self) -> [u8; 4] {
        [172, 31, self.number, 1]
    }
}

/// A later line to a shim. The end of the control socket means [`Order::Remove`], however it comes.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Send a signal to the process.
    Kill {
        /// Its number.
        signal: i32,
    },
    /// Kill what runs, and remove everything that was made.
    Remove,
}

/// A line of a shim.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// The process runs the program that was asked for.
    Started {
        /// Its process id on the host.
        pid: i32,
    },
    /// The program cannot be executed.
    Refused {
        /// The system's error number.
        errno: i32,
    },
    /// The process has ended.
    Exited {
        /// Its exit code; 128 + n for signal n.
        code: i32,
        /// Whether the kernel killed a process of the container for its memory limit.
        oom_killed: bool,
        /// Milliseconds since it was started.
        after_ms: u64,
    },
    /// Nothing is left of it.
    Removed,
    /// It could not be set up, or taken down: the chain of why, outermost first.
    Failed {
        /// Lowercase sentence fragments.
        chain: Vec<String>,
    },
}
