//! An image's merged files as the read-only tree that module resolution looks at: every link is followed inside the image.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use adamant_core::engine::Image;
use adamant_modules::tree::{DirEntry, FileType, Metadata, Tree};
use adamant_probe::{Entry, Kind};
use rustix::io::Errno;

/// The largest file that is read whole for its text.
pub(crate) const MAX_TEXT: u64 = 32 << 20;

/// The tree of an image.
#[derive(Debug)]
pub(crate) struct ImageTree {
    image: Arc<Image>,
    /// The names in each directory.
    children: BTreeMap<String, BTreeSet<String>>,
}

impl ImageTree {
    pub(crate) fn new(image: Arc<Image>) -> Self {
        let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in image.entries.keys() {
            if let Some((dir, name)) = path.rsplit_once('/') {
                children
                    .entry(dir.to_owned())
                    .or_default()
                    .insert(name.to_owned());
            }
        }
        Self { image, children }
    }

    /// The names in a directory, whose path has no link in it.
    pub(crate) fn names(&self, dir: &str) -> impl Iterator<Item = &str> {
        let dir = dir.trim_end_matches('/');
        let names = self.children.get(dir).into_iter().flatten();
        names.map(String::as_str)
    }

    fn entry(&self, path: &str) -> io::Result<Option<&Entry>> {
        if is_root(path) {
            return Ok(None);
        }
        let found = self.image.resolve(path).ok_or(Errno::NOENT)?;
        if path.ends_with('/') && found.kind != Kind::Dir {
            return Err(Errno::NOTDIR.into());
        }
        Ok(Some(found))
    }
}

fn is_root(path: &str) -> bool {
    path.split('/').all(|part| part.is_empty() || part == ".")
}

fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::File,
        Kind::Dir => FileType::Directory,
        Kind::Symlink => FileType::Symlink,
        _ => FileType::Special,
    }
}

fn metadata(entry: Option<&Entry>) -> Metadata {
    let (kind, len, mode) = entry.map_or((Kind::Dir, 0, 0o755), |e| (e.kind, e.size, e.mode));
    Metadata {
        file_type: file_type(kind),
        len,
        mode,
        ino: 1,
        nlink: 1,
        mtime_ns: 0,
    }
}

impl Tree for ImageTree {
    fn metadata(&self, path: &str) -> io::Result<Metadata> {
        self.entry(path).map(metadata)
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<Metadata> {
        let path = path.trim_end_matches('/');
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        if is_root(dir) {
            let found = self.image.entries.get(&format!("/{name}"));
            return found
                .map(|e| metadata(Some(e)))
                .ok_or_else(|| Errno::NOENT.into());
        }
        let dir = self.entry(dir)?.map_or("", |e| e.path.as_str());
        let found = self.image.entries.get(&format!("{dir}/{name}"));
        found
            .map(|e| metadata(Some(e)))
            .ok_or_else(|| Errno::NOENT.into())
    }

    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        let entry = self.entry(path)?.ok_or(Errno::ISDIR)?;
        if entry.kind != Kind::File {
            return Err(Errno::ISDIR.into());
        }
        if entry.size > MAX_TEXT {
            return Err(Errno::FBIG.into());
        }
        let bytes = self.image.part(entry, 0, MAX_TEXT);
        bytes.map(Into::into).map_err(io::Error::other)
    }

    fn read_at(&self, path: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let entry = self.entry(path)?.ok_or(Errno::ISDIR)?;
        let bytes = self.image.part(entry, offset, len as u64);
        bytes.map_err(io::Error::other)
    }

    fn read_dir(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        let dir = self.entry(path)?.map_or("", |e| e.path.as_str());
        let listed = |name: &str| {
            let entry = self.image.entries.get(&format!("{dir}/{name}"))?;
            Some(DirEntry {
                name: name.to_owned(),
                file_type: file_type(entry.kind),
            })
        };
        Ok(self.names(dir).filter_map(listed).collect())
    }

    fn read_link(&self, path: &str) -> io::Result<String> {
        let entry = self.image.entries.get(path.trim_end_matches('/'));
        let target = entry.ok_or(Errno::NOENT)?.target.clone();
        target.ok_or_else(|| Errno::INVAL.into())
    }

    fn real_path(&self, path: &str) -> io::Result<String> {
        Ok(self
            .entry(path)?
            .map_or("/", |e| e.path.as_str())
            .to_owned())
    }
}
