//! A file tree held in memory, for inline packages and for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use rustix::io::Errno;

use crate::path;
use crate::tree::{DirEntry, FileType, Metadata, Tree};
use crate::walk::{Directories, Place, Step, walk};

/// A tree whose files are given one by one; directories are made on the way.
#[derive(Debug, Clone)]
pub struct MemoryTree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    File(Arc<[u8]>),
    Directory(BTreeMap<String, usize>),
    Symlink(String),
}

const ROOT: usize = 0;

impl Default for MemoryTree {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryTree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::Directory(BTreeMap::new())],
        }
    }

    /// Adds a file, or replaces what is there.
    #[must_use]
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(path, Node::File(Arc::from(bytes.as_ref())))
    }

    /// Adds a symbolic link; the target is kept as it is.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.with(path, Node::Symlink(target.to_owned()))
    }

    /// Adds an empty directory; one that is there is kept.
    #[must_use]
    pub fn directory(mut self, path: &str) -> Self {
        self.make_directory(&path::resolve("/", path));
        self
    }

    fn with(mut self, path: &str, node: Node) -> Self {
        let path = path::resolve("/", path);
        let parent = self.make_directory(path::dirname(&path));
        let index = self.nodes.len();
        self.nodes.push(node);
        if let Some(Node::Directory(entries)) = self.nodes.get_mut(parent) {
            entries.insert(path::basename(&path).to_owned(), index);
        }
        self
    }

    /// The directory at a folded path; what stands in the way is replaced, links are not followed.
    fn make_directory(&mut self, path: &str) -> usize {
        let mut here = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let next = self.nodes.len();
            let found = self
                .entries(here)
                .and_then(|entries| entries.get(name).copied());
            here = match found {
                Some(index) if self.entries(index).is_some() => index,
                _ => {
                    self.nodes.push(Node::Directory(BTreeMap::new()));
                    if let Some(Node::Directory(entries)) = self.nodes.get_mut(here) {
                        entries.insert(name.to_owned(), next);
                    }
                    next
                }
            };
        }
        here
    }

    fn entries(&self, index: usize) -> Option<&BTreeMap<String, usize>> {
        match self.nodes.get(index) {
            Some(Node::Directory(entries)) => Some(entries),
            _ => None,
        }
    }

    fn find(&self, path: &str, follow_last: bool) -> io::Result<(usize, Place<usize>)> {
        let place = walk(self, path, follow_last)?;
        let index = match &place.name {
            None => place.parent,
            Some(name) => self.child(place.parent, name)?,
        };
        Ok((index, place))
    }

    fn child(&self, directory: usize, name: &str) -> io::Result<usize> {
        let entries = self.entries(directory).ok_or(Errno::NOTDIR)?;
        entries
            .get(name)
            .copied()
            .ok_or_else(|| Errno::NOENT.into())
    }

    fn metadata_of(&self, index: usize) -> Metadata {
        let (file_type, len, mode, nlink) = match self.nodes.get(index) {
            Some(Node::File(bytes)) => (FileType::File, bytes.len() as u64, 0o100_644, 1),
            Some(Node::Symlink(target)) => (FileType::Symlink, target.len() as u64, 0o120_777, 1),
            Some(Node::Directory(_)) | None => (FileType::Directory, 4096, 0o040_755, 2),
        };
        // Inode numbers start at 1: 0 stands for "none" in Unix.
        Metadata {
            file_type,
            len,
            mode,
            ino: index as u64 + 1,
            nlink,
            mtime_ns: 0,
        }
    }
}

impl Directories for MemoryTree {
    type Handle = usize;

    fn root(&self) -> usize {
        ROOT
    }

    fn step(&self, directory: &usize, name: &str) -> io::Result<Step<usize>> {
        let index = self.child(*directory, name)?;
        Ok(match &self.nodes[index] {
            Node::Directory(_) => Step::Directory(index),
            Node::Symlink(target) => Step::Link(target.clone()),
            Node::File(_) => Step::Leaf,
        })
    }
}

impl Tree for MemoryTree {
    fn metadata(&self, path: &str) -> io::Result<Metadata> {
        self.find(path, true)
            .map(|(index, _)| self.metadata_of(index))
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<Metadata> {
        self.find(path, false)
            .map(|(index, _)| self.metadata_of(index))
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        match &self.nodes[self.find(path, true)?.0] {
            Node::File(bytes) => Ok(Arc::clone(bytes)),
            Node::Directory(_) => Err(Errno::ISDIR.into()),
            Node::Symlink(_) => Err(Errno::LOOP.into()),
        }
    }

    fn read_at(&self, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.read(path)?;
        let start = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
        let end = start.saturating_add(len).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn read_dir(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        let entries = self
            .entries(self.find(path, true)?.0)
            .ok_or(Errno::NOTDIR)?;
        let entry = |(name, index): (&String, &usize)| DirEntry {
            name: name.clone(),
            file_type: self.metadata_of(*index).file_type,
        };
        Ok(entries.iter().map(entry).collect())
    }

    fn read_link(&self, path: &str) -> io::Result<String> {
        self.find(path, false)?
            .1
            .link
            .ok_or_else(|| Errno::INVAL.into())
    }

    fn real_path(&self, path: &str) -> io::Result<String> {
        self.find(path, true).map(|(_, place)| place.real)
    }
}
