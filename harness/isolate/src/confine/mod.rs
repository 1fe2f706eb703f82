//! The operating system's walls around a process that runs guests: what it may still do is compute and read its packages.
//!
//! V8 alone is no boundary against a guest that corrupts its memory. Such a guest has the process; these walls are what it
//! has then: no program to start, no socket, no file but the packages, none of them for writing, and so much memory and
//! time.

mod files;
mod limits;
mod syscalls;

pub use limits::Limits;

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// What a confined process may still have.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Files and directories that stay readable, directories with all below them.
    pub readable: Vec<PathBuf>,
    /// What it may use up.
    pub limits: Limits,
}

/// Which walls stand. A kernel that lacks one is no error: whoever asked decides whether the rest is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The version of Landlock's interface that is in force; none if files are not confined.
    pub landlock: Option<u32>,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// Why a wall is missing or lower than it could be.
    pub missing: Vec<String>,
}

impl Confinement {
    /// Whether files and system calls are both confined, on a kernel that knows all we ask of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.landlock.is_some() && self.seccomp && self.missing.is_empty()
    }
}

/// Why a process could not be confined, although its kernel can.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// Threads that exist already would stay outside of the walls.
    #[error("the process has {0} threads already, and only one can be confined")]
    Threads(usize),
    /// What is open stays open, whatever the walls say about opening.
    #[error("descriptor {0} is {1}, and would stay so")]
    Open(i32, &'static str),
    /// What must stay readable cannot be opened.
    #[error("cannot keep `{path}` readable", path = path.display())]
    Readable {
        /// As the policy names it.
        path: PathBuf,
        /// Why.
        source: landlock::PathFdError,
    },
    /// Landlock is there and refused.
    #[error("the kernel refused the rules for files")]
    Files(#[from] landlock::RulesetError),
    /// Privileges could still be gained by starting a program.
    #[error("the kernel does not let privileges go")]
    Privileges(#[source] Errno),
    /// A limit was refused.
    #[error("the kernel refused the limit on {0}")]
    Limit(&'static str, #[source] Errno),
    /// The filter could not be made, or was refused.
    #[error("the kernel refused the filter for system calls")]
    Syscalls(#[from] seccompiler::Error),
    /// The filter could not be made.
    #[error("the filter for system calls cannot be made")]
    Filter(#[from] seccompiler::BackendError),
    /// The process cannot see itself.
    #[error("cannot look at this process in `/proc/self`")]
    Proc(#[source] io::Error),
}

/// Confine this process, for good.
///
/// It must still be single-threaded: call it before V8 starts. Standard input, output and error stay as they are, and so
/// do pipes; any other descriptor that could be written to is an error.
pub fn apply(policy: &Policy) -> Result<Confinement, ConfineError> {
    let threads = count_threads().map_err(ConfineError::Proc)?;
    if threads != 1 {
        return Err(ConfineError::Threads(threads));
    }
    refuse_open_descriptors()?;
    // Both walls would do it by themselves; what one of them is missing must not bring setuid programs back.
    rustix::thread::set_no_new_privs(true).map_err(ConfineError::Privileges)?;
    let mut missing = Vec::new();
    let landlock = files::confine(&policy.readable, &mut missing)?;
    limits::set(&policy.limits)?;
    let seccomp = syscalls::confine(landlock.is_some(), &mut missing)?;
    Ok(Confinement {
        landlock,
        seccomp,
        missing,
    })
}

fn count_threads() -> io::Result<usize> {
    Ok(fs_err::read_dir("/proc/self/task")?.count())
}

/// Nobody gives a worker such descriptors on purpose; what leaked into it must not be the hole in the wall.
fn refuse_open_descriptors() -> Result<(), ConfineError> {
    for entry in fs_err::read_dir("/proc/self/fd").map_err(ConfineError::Proc)? {
        let entry = entry.map_err(ConfineError::Proc)?;
        let number = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        if number <= 2 {
            continue;
        }
        // By its name in `/proc`, because a number is not ours to borrow. What is gone by now was our look at the directory.
        let Ok(stat) = rustix::fs::stat(entry.path()) else {
            continue;
        };
        let flags = open_flags(number).map_err(ConfineError::Proc)?;
        let writable = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Socket => return Err(ConfineError::Open(number, "a socket")),
            FileType::RegularFile | FileType::BlockDevice | FileType::CharacterDevice
                if writable =>
            {
                return Err(ConfineError::Open(number, "open for writing"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn open_flags(number: i32) -> io::Result<OFlags> {
    let text = match fs_err::read_to_string(format!("/proc/self/fdinfo/{number}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(OFlags::empty()),
        text => text?,
    };
    let octal = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let bits = octal.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    let bits = bits.ok_or_else(|| io::Error::other("`fdinfo` has no flags"))?;
    Ok(OFlags::from_bits_retain(bits))
}
