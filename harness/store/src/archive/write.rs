//! Writes a workspace as a tar: a stream in a stable order, pax where plain tar would lose something.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io::{Read as _, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use tar::{EntryType, Header};

use super::frame::padding;
use super::law::Laws;
use super::tree::{kind, names, open_directory, open_root, push, stat};
use super::{ArchiveError, BLOCK, Entry, Kind, LEFT_OUT, Policy, shown};

/// Content is read in pieces of this size; a file that fits in one is read before its header is written.
const PIECE: usize = 256 << 10;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries, the root among them.
    pub entries: u64,
    /// Bytes of the stream.
    pub bytes: u64,
    /// Sockets, pipes and devices: no workspace keeps them. The first twenty names.
    pub left_out: Vec<String>,
}

/// Writes the tree below `root`, without `./tmp`, to `out`.
///
/// The tree may be in use: a file that goes while it is looked at is left out, one that grows is written as it was. One that
/// shrinks while it is written ends the archive with an error.
///
/// # Errors
/// When something cannot be read, when the workspace breaks a law of `policy`, or when `out` takes no more.
pub fn write(root: &Path, policy: &Policy, out: &mut dyn Write) -> Result<Written, ArchiveError> {
    let directory = open_root(root).map_err(|error| ArchiveError::file(b"", error))?;
    let mut writer = Writer {
        out,
        laws: Laws::new(policy),
        first_names: HashMap::new(),
        piece: vec![0; PIECE],
        written: Written::default(),
    };
    let stat = rustix::fs::fstat(&directory).map_err(|error| ArchiveError::file(b"", error))?;
    writer.entry(&[], Kind::Directory, &[], &stat, 0)?;
    writer.directory(&directory, &mut Vec::new())?;
    writer.put(&[0; 2 * BLOCK])?;
    writer.out.flush().map_err(ArchiveError::Stream)?;
    Ok(writer.written)
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    laws: Laws<'a>,
    /// The first name of each file that has several, by device and inode.
    first_names: HashMap<(u64, u64), Vec<u8>>,
    piece: Vec<u8>,
    written: Written,
}

impl Writer<'_> {
    fn directory(&mut self, directory: &OwnedFd, path: &mut Vec<u8>) -> Result<(), ArchiveError> {
        for name in names(directory).map_err(|e| ArchiveError::file(path, e))? {
            if path.is_empty() && name.as_bytes() == LEFT_OUT {
                continue;
            }
            let length = push(path, &name);
            match self.node(directory, &name, path) {
                // It went while we looked: as if it had gone before.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(ArchiveError::file(path, error)),
                Ok(done) => done?,
            }
            path.truncate(length);
        }
        Ok(())
    }

    fn node(
        &mut self,
        directory: &OwnedFd,
        name: &CStr,
        path: &mut Vec<u8>,
    ) -> Result<Result<(), ArchiveError>, Errno> {
        let seen = stat(directory.as_fd(), name)?;
        Ok(match kind(&seen) {
            FileType::RegularFile => {
                let inode = (seen.st_dev, seen.st_ino);
                if seen.st_nlink > 1 {
                    if let Some(first) = self.first_names.get(&inode).cloned() {
                        return Ok(self.entry(path, Kind::HardLink, &first, &seen, 0));
                    }
                    self.first_names.insert(inode, path.clone());
                }
                // Not blocking: should a pipe have taken its place, it must not hold us.
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
                self.file(std::fs::File::from(file), path)
            }
            FileType::Directory => {
                let below = open_directory(directory.as_fd(), name)?;
                self.entry(path, Kind::Directory, &[], &seen, 0)
                    .and_then(|()| self.directory(&below, path))
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
                self.entry(path, Kind::Symlink, target.as_bytes(), &seen, 0)
            }
            _ => {
                if self.written.left_out.len() < 20 {
                    self.written.left_out.push(shown(path));
                }
                Ok(())
            }
        })
    }

    fn file(&mut self, mut file: std::fs::File, path: &[u8]) -> Result<(), ArchiveError> {
        let failed = |error| ArchiveError::file(path, error);
        let stat = rustix::fs::fstat(&file).map_err(|e| failed(e.into()))?;
        if kind(&stat) != FileType::RegularFile {
            return Err(ArchiveError::Changed(shown(path)));
        }
        let told = u64::try_from(stat.st_size).unwrap_or(0);
        let mut piece = std::mem::take(&mut self.piece);
        let mut filled = 0;
        while filled < piece.len() {
            match file.read(&mut piece[filled..]).map_err(failed)? {
                0 => break,
                n => filled += n,
            }
        }
        // A file that was read to its end has the size that was read, whatever was told before.
        let size = if filled < piece.len() {
            filled as u64
        } else {
            told.max(filled as u64)
        };
        self.entry(path, Kind::File, &[], &stat, size)?;
        self.put(&piece[..filled])?;
        let mut left = size - filled as u64;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let n = file.read(&mut piece[..most]).map_err(failed)?;
            if n == 0 {
                return Err(ArchiveError::Changed(shown(path)));
            }
            self.put(&piece[..n])?;
            left -= n as u64;
        }
        self.piece = piece;
        self.put(&[0; BLOCK][..padding(size)])
    }

    fn entry(
        &mut self,
        path: &[u8],
        kind: Kind,
        target: &[u8],
        stat: &Stat,
        size: u64,
    ) -> Result<(), ArchiveError> {
        let mut name = b"./".to_vec();
        name.extend_from_slice(path);
        if kind == Kind::Directory && !path.is_empty() {
            name.push(b'/');
        }
        let target = match kind {
            Kind::HardLink => [b"./", target].concat(),
            _ => target.to_vec(),
        };
        let entry = Entry {
            name,
            kind,
            target,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid.into(),
            gid: stat.st_gid.into(),
            seconds: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            size,
        };
        self.laws.judge(&entry)?;
        self.written.entries += 1;
        let records = records(&entry);
        if !records.is_empty() {
            let mut header = header(&entry, EntryType::XHeader);
            name_field(&mut header, b"./pax");
            header.set_size(records.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            self.put(header.as_bytes())?;
            self.put(&records)?;
            self.put(&[0; BLOCK][..padding(records.len() as u64)])?;
        }
        let mut header = header(
            &entry,
            match kind {
                Kind::File => EntryType::Regular,
                Kind::Directory => EntryType::Directory,
                Kind::Symlink => EntryType::Symlink,
                Kind::HardLink => EntryType::Link,
            },
        );
        name_field(&mut header, &entry.name);
        let link = entry.target.len().min(100);
        header.as_mut_bytes()[157..157 + link].copy_from_slice(&entry.target[..link]);
        header.set_cksum();
        self.put(header.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.written.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(ArchiveError::Stream)
    }
}

fn header(entry: &Entry, kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(entry.mode);
    header.set_uid(entry.uid);
    header.set_gid(entry.gid);
    header.set_mtime(u64::try_from(entry.seconds).unwrap_or(0));
    header.set_size(entry.size);
    header
}

/// The name where plain tar has it: in one field of 100 bytes, or in two that are cut at a `/`. When neither fits, its
/// beginning; then a pax record has the whole.
fn name_field(header: &mut Header, name: &[u8]) {
    let (prefix, rest) = split(name).unwrap_or((&[], &name[..name.len().min(100)]));
    let bytes = header.as_mut_bytes();
    bytes[..rest.len()].copy_from_slice(rest);
    bytes[345..345 + prefix.len()].copy_from_slice(prefix);
}

/// Prefix and rest, when the name fits.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= 100 {
        return Some((&[], name));
    }
    (0..name.len() - 1)
        .filter(|n| name[*n] == b'/' && *n <= 155 && name.len() - n - 1 <= 100)
        .find(|n| *n > 0)
        .map(|n| (&name[..n], &name[n + 1..]))
}

/// What plain tar would lose: long names, times between seconds or before 1970, sizes of more than 8 GiB.
fn records(entry: &Entry) -> Vec<u8> {
    let mut records = Vec::new();
    if split(&entry.name).is_none() {
        record(&mut records, "path", &entry.name);
    }
    if entry.target.len() > 100 {
        record(&mut records, "linkpath", &entry.target);
    }
    if entry.size >= 8 << 30 {
        record(&mut records, "size", entry.size.to_string().as_bytes());
    }
    let (seconds, nanoseconds) = (entry.seconds, entry.nanoseconds);
    if seconds < 0 && nanoseconds > 0 {
        // -1.5 is half a second before -1.
        let text = format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanoseconds);
        record(&mut records, "mtime", text.as_bytes());
    } else if nanoseconds > 0 {
        record(
            &mut records,
            "mtime",
            format!("{seconds}.{nanoseconds:09}").as_bytes(),
        );
    } else if seconds < 0 {
        record(&mut records, "mtime", seconds.to_string().as_bytes());
    }
    records
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_itself() {
        for length in [1, 80, 88, 89, 90, 91, 92, 990, 991, 992, 993] {
            let mut records = Vec::new();
            record(&mut records, "path", &vec![b'x'; length]);
            let told: usize = String::from_utf8(records.clone())
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(told, records.len());
        }
    }

    #[test]
    fn a_long_name_is_cut_at_a_slash_or_not_at_all() {
        let name = [&[b'a'; 120][..], b"/", &[b'b'; 90][..]].concat();
        assert_eq!(split(&name), Some((&name[..120], &name[121..])));
        assert_eq!(split(&[b'a'; 101]), None);
        let directory = [&[b'a'; 100][..], b"/"].concat();
        assert_eq!(split(&directory), None);
    }
}
