//! Writes tar archives: small layers in memory, and images as one stream over files that stay where they are.

use std::io::{Cursor, Read};

use adamant_probe::{Entry, Kind};
use serde_json::json;
use tar::{EntryType, Header};

use super::digest;

/// A layer under construction.
#[derive(Default)]
pub(crate) struct Layer(Vec<u8>);

impl Layer {
    /// Adds a regular file of root's.
    pub(crate) fn file(self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.append(EntryType::Regular, path, (mode, 0, 0), "", content)
    }

    /// Adds a directory that is already in a lower layer, so that its mode and owner stay.
    pub(crate) fn directory(self, entry: &Entry) -> Self {
        debug_assert_eq!(entry.kind, Kind::Dir);
        self.append(
            EntryType::Directory,
            &format!("{}/", entry.path),
            (entry.mode, entry.uid, entry.gid),
            "",
            &[],
        )
    }

    /// Adds a regular file at `path` with the mode and owner of `like`.
    pub(crate) fn file_like(self, path: &str, like: &Entry, mode: u32, content: &[u8]) -> Self {
        self.append(
            EntryType::Regular,
            path,
            (mode, like.uid, like.gid),
            "",
            content,
        )
    }

    /// Adds a symbolic link.
    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.append(EntryType::Symlink, path, (0o777, 0, 0), target, &[])
    }

    /// Adds a directory in which nothing of a lower layer shows.
    pub(crate) fn empty_directory(self, entry: &Entry) -> Self {
        let marker = format!("{}/.wh..wh..opq", entry.path);
        self.directory(entry).file(&marker, 0o600, &[])
    }

    /// Hides a path of a lower layer.
    pub(crate) fn whiteout(self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.file(&format!("{parent}/.wh.{name}"), 0o600, &[])
    }

    fn append(
        mut self,
        kind: EntryType,
        path: &str,
        (mode, uid, gid): (u32, u32, u32),
        target: &str,
        content: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        let path = path.trim_start_matches('/');
        let mut builder = tar::Builder::new(&mut self.0);
        let written = if matches!(kind, EntryType::Link | EntryType::Symlink) {
            builder.append_link(&mut header, path, target)
        } else {
            builder.append_data(&mut header, path, content)
        };
        written
            .and_then(|()| builder.into_inner().map(|_| ()))
            .expect("a vector takes every byte");
        // Each builder ends its archive; the next entry goes where the end was.
        let end = self.0.len() - 1024;
        self.0.truncate(end);
        self
    }

    /// The archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// One file of a streamed archive.
pub(crate) struct Part {
    /// At most 100 bytes, relative.
    pub(crate) name: String,
    /// How much of `content` is taken.
    pub(crate) size: u64,
    /// Read once, when its turn comes.
    pub(crate) content: Box<dyn Read + Send>,
}

impl Part {
    /// A part that is in memory.
    pub(crate) fn bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            size: bytes.len() as u64,
            content: Box::new(Cursor::new(bytes)),
        }
    }
}

/// What `docker load` takes: a configuration, names of layers, and those of the layers that it does not have yet.
pub(crate) fn image(
    tag: &str,
    config: Vec<u8>,
    layers: &[String],
    parts: Vec<Part>,
) -> Box<dyn Read + Send> {
    let name = format!("{}.json", digest::of(&config));
    let manifest = json!([{ "Config": name, "RepoTags": [tag], "Layers": layers }]);
    let mut all = vec![
        Part::bytes("manifest.json", manifest.to_string().into_bytes()),
        Part::bytes(name, config),
    ];
    all.extend(parts);
    stream(all)
}

/// One archive of these files, in this order.
pub(crate) fn stream(parts: Vec<Part>) -> Box<dyn Read + Send> {
    let end: Box<dyn Read + Send> = Box::new(Cursor::new(vec![0; 1024]));
    parts.into_iter().rev().fold(end, |rest, part| {
        let mut header = Header::new_ustar();
        header
            .set_path(&part.name)
            .expect("names of parts are short and relative");
        header.set_mode(0o644);
        header.set_size(part.size);
        header.set_cksum();
        let padding = vec![0; (512 - part.size % 512) as usize % 512];
        let head = Cursor::new(header.as_bytes().to_vec());
        Box::new(
            head.chain(part.content.take(part.size))
                .chain(Cursor::new(padding))
                .chain(rest),
        )
    })
}

#[cfg(test)]
impl Layer {
    /// Adds a hard link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.append(EntryType::Link, path, (0o644, 0, 0), target, &[])
    }

    /// Adds a device file.
    pub(crate) fn device(mut self, path: &str, kind: EntryType, major: u32, minor: u32) -> Self {
        let mut header = raw(path, kind, "", 0);
        header
            .set_device_major(major)
            .and_then(|()| header.set_device_minor(minor))
            .expect("a GNU header has them");
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self
    }

    /// Adds the header of a file that is said to be so large, and nothing of it.
    pub(crate) fn declared(mut self, path: &str, size: u64) -> Self {
        let header = raw(path, EntryType::Regular, "", size);
        self.0.extend(header.as_bytes());
        self
    }

    /// Adds what the tar crate would refuse to write.
    pub(crate) fn raw(mut self, path: &str, kind: EntryType, target: &str) -> Self {
        self.0.extend(raw(path, kind, target, 0).as_bytes());
        self
    }
}

#[cfg(test)]
fn raw(path: &str, kind: EntryType, target: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path.as_bytes());
    old.linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}
