//! The read-only file tree that everything here looks at: guest paths are absolute, `/` is the root of the package.

use std::io;
use std::sync::Arc;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (only from [`Tree::symlink_metadata`] and [`Tree::read_dir`]).
    Symlink,
    /// A socket, pipe or device: never opened.
    Special,
}

/// What `stat` tells of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub file_type: FileType,
    /// Length in bytes.
    pub len: u64,
    /// Permission and type bits as `stat(2)` gives them.
    pub mode: u32,
    /// Inode number; stands for identity inside one tree only.
    pub ino: u64,
    /// Number of hard links.
    pub nlink: u64,
    /// Last change of the content, in nanoseconds since the epoch.
    pub mtime_ns: i128,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name, without the directory.
    pub name: String,
    /// What it is, links not followed.
    pub file_type: FileType,
}

/// A read-only tree of files. Paths are guest paths: absolute, `/`-separated, `/` is the root of the package; no method ever
/// looks outside the root, whatever `..`, symbolic links or encodings say, and no error ever carries a host path.
pub trait Tree: Send + Sync + std::fmt::Debug {
    /// `stat`: links followed.
    fn metadata(&self, path: &str) -> io::Result<Metadata>;
    /// `lstat`: a link at the end is not followed.
    fn symlink_metadata(&self, path: &str) -> io::Result<Metadata>;
    /// The whole content of a regular file.
    fn read(&self, path: &str) -> io::Result<Arc<[u8]>>;
    /// At most `len` bytes from `offset` on.
    fn read_at(&self, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// The entries of a directory, sorted by name.
    fn read_dir(&self, path: &str) -> io::Result<Vec<DirEntry>>;
    /// The text of a symbolic link.
    fn read_link(&self, path: &str) -> io::Result<String>;
    /// The path without symbolic links, `.` and `..`.
    fn real_path(&self, path: &str) -> io::Result<String>;
}
