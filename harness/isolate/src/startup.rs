//! The start-up snapshot, handed from a process to the workers that it starts: they need not evaluate the environment themselves.
//!
//! A snapshot names native functions by number, so it is good for the executable that made it and for no other. It lies in memory that
//! nobody can write to any more (a sealed memfd), behind a header that says which executable that was.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::error::EngineError;
use crate::{platform, snapshot};

/// Nothing of it changes any more, so that a worker may map it.
const SEALS: SealFlags = SealFlags::WRITE
    .union(SealFlags::GROW)
    .union(SealFlags::SHRINK);

/// Where the snapshot begins: V8 reads it in place, and wants it aligned.
const HEADER: usize = 128;

/// Why a snapshot cannot be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartupError {
    /// There is none.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The kernel gave no memory to share.
    #[error("cannot share the start-up snapshot")]
    Share(#[source] io::Error),
}

/// The snapshot of this process, for workers of the same executable.
#[derive(Debug)]
pub struct Startup {
    memory: File,
}

impl Startup {
    /// Makes the snapshot, if this process has none yet, and lays it where workers find it as long as this value lives.
    ///
    /// # Errors
    /// When it cannot be made or laid there.
    pub fn share() -> Result<Self, StartupError> {
        platform::start();
        let blob = snapshot::environment()?;
        lay(blob).map_err(StartupError::Share)
    }

    /// Where a worker finds it: what [`adopt`] takes.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let (process, number) = (std::process::id(), self.memory.as_raw_fd());
        PathBuf::from(format!("/proc/{process}/fd/{number}"))
    }
}

fn lay(blob: &[u8]) -> io::Result<Startup> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut memory = File::from(memfd_create("adamant-startup", flags)?);
    memory.write_all(&header()?)?;
    memory.write_all(blob)?;
    fcntl_add_seals(&memory, SEALS)?;
    Ok(Startup { memory })
}

/// Which executable this is, and which V8: the file that the kernel runs, not the one that has its name by now.
fn header() -> io::Result<[u8; HEADER]> {
    let stat = rustix::fs::stat("/proc/self/exe")?;
    let mut text = format!(
        "adamant startup {} {} {} {} {}.{} ",
        v8::V8::get_version(),
        stat.st_dev,
        stat.st_ino,
        stat.st_size,
        stat.st_mtime,
        stat.st_mtime_nsec
    )
    .into_bytes();
    text.resize(HEADER, b' ');
    text.try_into()
        .map_err(|_long| io::Error::other("the executable has no short name"))
}

/// Takes the snapshot at `path`, which a [`Startup`] of the process that started this one laid there. To be called before V8 starts and
/// before the process is confined. Whether it was taken: one of another executable is not, and then this process makes its own.
///
/// # Errors
/// When there is none at `path`, or whoever laid it there could still change it.
pub fn adopt(path: &Path) -> io::Result<bool> {
    let memory = fs_err::File::open(path)?;
    // A file on a disk has no seals.
    if !fcntl_get_seals(memory.file())?.contains(SEALS) {
        return Err(io::Error::other("it could still be changed"));
    }
    let length = usize::try_from(memory.metadata()?.len()).unwrap_or(0);
    if length <= HEADER {
        return Err(io::Error::other("it is no start-up snapshot"));
    }
    #[expect(unsafe_code, reason = "a mapping has no owner that Rust knows of")]
    // SAFETY: the mapping is new, of the length that its sealed memory keeps, and never taken away.
    let bytes: &'static [u8] = unsafe {
        let start = mmap(
            std::ptr::null_mut(),
            length,
            ProtFlags::READ,
            MapFlags::SHARED,
            memory.file(),
            0,
        )?;
        std::slice::from_raw_parts(start.cast::<u8>(), length)
    };
    let (head, blob) = bytes.split_at(HEADER);
    Ok(head == header()? && snapshot::adopt(blob))
}
