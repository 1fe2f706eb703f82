//! The wire between an engine and the shim of one container: one order on standard input, JSON lines back and forth.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What `adamant-shim run` prepares, as the first line on its control socket: all that does not depend on what will run.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Seat {
    /// The container's name, which its control groups have too.
    pub name: String,
    /// The directory that is the container's alone; removed when the container is.
    pub dir: PathBuf,
    /// Whether what it writes is kept in memory, because `dir` is on a file system that overlayfs cannot write to.
    pub in_memory: bool,
}

/// The number of the descriptor under which a shim holds what its container writes, where that is in memory.
pub const MEMORY: i32 = 100;

/// What `adamant-shim run` starts, as the second line on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Boot {
    /// Unpacked layers with whiteouts as overlayfs has them, the topmost first.
    pub lowers: Vec<PathBuf>,
    /// Absolute paths of the image that are taken away before the start.
    pub removed: Vec<String>,
    /// The runtime specification as JSON text; its namespaces are the shim's own affair.
    pub spec: String,
    /// Directories that begin with what the image has at their targets; each is a mount of `spec` too.
    pub filled: Vec<Filled>,
    /// Made when the image does not have it.
    pub workdir: String,
    /// Who may reopen standard output and error: the user of process 1.
    pub uid: u32,
    /// Whether its network has a way out, and a name server, behind which everything is swallowed.
    pub nowhere: bool,
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
    /// Run one more process in the container. Three descriptors come with the line: the control socket of that process, its
    /// standard output and its standard error.
    Exec {
        /// The process as the runtime specification has it, as JSON text.
        process: String,
        /// Who may reopen its standard output and error.
        uid: u32,
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
    /// Nothing is left of it but files, which are being removed: the shim ends when they are gone.
    Removed,
    /// It could not be set up, or taken down: the chain of why, outermost first.
    Failed {
        /// Lowercase sentence fragments.
        chain: Vec<String>,
    },
}
