//! A tar's frames, read strictly: every header's checksum, bounded extensions, and an end that is really there.
//!
//! The `tar` crate's own iterator takes an end of file for the end of an archive and holds extensions of any length in memory;
//! here a truncated archive is an error and nothing an archive says decides how much memory is used.

use std::io::Read;

use tar::{EntryType, Header};

use super::{ArchiveError, BLOCK};

/// The most that the extensions of one entry may say, in bytes: a path, a link and a few times.
const EXTENSION: u64 = 32 << 10;

/// What an entry is; nothing else is ever laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of a file before it.
    HardLink,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as it stands there.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Where a link leads; empty otherwise.
    pub target: Vec<u8>,
    /// Permission bits, setuid and its like among them.
    pub mode: u32,
    /// User.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since 1970 of the last modification.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanoseconds: u32,
    /// Bytes of content.
    pub size: u64,
}

/// Extensions that stand before the entry that they speak of.
#[derive(Debug, Default)]
struct Extension {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    time: Option<(i64, u32)>,
    said: u64,
}

/// Reads entry after entry from a stream.
#[derive(Debug)]
pub struct Frames<R> {
    from: R,
    /// Content of the current entry that was not read yet.
    content: u64,
    padding: usize,
    read: u64,
    ended: bool,
}

impl<R: Read> Frames<R> {
    /// Reads from the beginning of a tar.
    pub fn new(from: R) -> Self {
        Self {
            from,
            content: 0,
            padding: 0,
            read: 0,
            ended: false,
        }
    }

    /// Bytes of the stream so far.
    #[must_use]
    pub fn read_so_far(&self) -> u64 {
        self.read
    }

    /// The stream behind the archive.
    pub fn into_inner(self) -> R {
        self.from
    }

    /// The next entry; `None` once the archive has ended as it must: two blocks of zeros, and nothing but zeros after.
    ///
    /// # Errors
    /// When the stream is malformed or ends early.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        if self.ended {
            return Ok(None);
        }
        self.skip()?;
        let mut extension = Extension::default();
        loop {
            let mut block = [0; BLOCK];
            self.fill(&mut block)?;
            if block.iter().all(|b| *b == 0) {
                if extension.said > 0 {
                    return Err(malformed("it ends behind an extension that has no entry"));
                }
                self.end()?;
                return Ok(None);
            }
            let header = Header::from_byte_slice(&block);
            self.verify(header, &block)?;
            let kind = match header.entry_type() {
                EntryType::Regular | EntryType::Continuous => Kind::File,
                EntryType::Directory => Kind::Directory,
                EntryType::Symlink => Kind::Symlink,
                EntryType::Link => Kind::HardLink,
                EntryType::GNULongName => {
                    extension.name = Some(self.long(header, &mut extension.said)?);
                    continue;
                }
                EntryType::GNULongLink => {
                    extension.target = Some(self.long(header, &mut extension.said)?);
                    continue;
                }
                EntryType::XHeader => {
                    self.records(header, &mut extension)?;
                    continue;
                }
                EntryType::XGlobalHeader => {
                    self.global(header, &mut extension.said)?;
                    continue;
                }
                other => {
                    let name = extension.name.unwrap_or_else(|| header.path_bytes().into());
                    return Err(ArchiveError::refused(&name, unwanted(other)));
                }
            };
            return self.entry(header, kind, extension).map(Some);
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        kind: Kind,
        extension: Extension,
    ) -> Result<Entry, ArchiveError> {
        let name = extension.name.unwrap_or_else(|| header.path_bytes().into());
        let bad = |what: &str| ArchiveError::refused(&name, format!("its {what} is no number"));
        let target = match kind {
            Kind::Symlink | Kind::HardLink => extension
                .target
                .or_else(|| header.link_name_bytes().map(Into::into))
                .unwrap_or_default(),
            Kind::File | Kind::Directory => Vec::new(),
        };
        let size = match extension.size {
            Some(size) => size,
            None => header.entry_size().map_err(|_error| bad("size"))?,
        };
        let (seconds, nanoseconds) = match extension.time {
            Some(time) => time,
            None => {
                let seconds = header.mtime().map_err(|_error| bad("time"))?;
                (i64::try_from(seconds).map_err(|_error| bad("time"))?, 0)
            }
        };
        let entry = Entry {
            kind,
            target,
            mode: header.mode().map_err(|_error| bad("mode"))? & 0o7777,
            uid: match extension.uid {
                Some(uid) => uid,
                None => header.uid().map_err(|_error| bad("owner"))?,
            },
            gid: match extension.gid {
                Some(gid) => gid,
                None => header.gid().map_err(|_error| bad("group"))?,
            },
            seconds,
            nanoseconds,
            size,
            name,
        };
        // An old directory is a file whose name ends in a slash.
        let kind = if kind == Kind::File && entry.name.ends_with(b"/") {
            Kind::Directory
        } else {
            kind
        };
        if kind != Kind::File && size > 0 {
            return Err(ArchiveError::refused(
                &entry.name,
                format!("{} that carries {size} bytes of content", a(kind)),
            ));
        }
        self.content = size;
        self.padding = padding(size);
        Ok(Entry { kind, ..entry })
    }

    /// Reads content of the current entry; 0 at its end.
    ///
    /// # Errors
    /// When the stream ends before the content.
    pub fn content(&mut self, into: &mut [u8]) -> Result<usize, ArchiveError> {
        let most = usize::try_from(self.content)
            .unwrap_or(usize::MAX)
            .min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let n = loop {
            match self.from.read(&mut into[..most]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(ArchiveError::Stream)?,
            }
        };
        if n == 0 {
            return Err(malformed(&format!(
                "it ends after {} bytes, inside the content of an entry",
                self.read
            )));
        }
        self.content -= n as u64;
        self.read += n as u64;
        Ok(n)
    }

    fn skip(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; 16 << 10];
        while self.content(&mut buffer)? > 0 {}
        let mut rest = [0; BLOCK];
        let padding = std::mem::take(&mut self.padding);
        self.fill(&mut rest[..padding])
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), ArchiveError> {
        let mut done = 0;
        while done < into.len() {
            match self.from.read(&mut into[done..]) {
                Ok(0) => {
                    return Err(malformed(&format!(
                        "it ends after {} bytes, before the two blocks of zeros that end a tar",
                        self.read
                    )));
                }
                Ok(n) => {
                    done += n;
                    self.read += n as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Stream(error)),
            }
        }
        Ok(())
    }

    /// Behind the first block of zeros.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        if block.iter().any(|b| *b != 0) {
            return Err(malformed("one block of zeros stands between two entries"));
        }
        // Tar pads its last record with zeros; anything else behind the end would be silently lost.
        let mut rest = [0; 4096];
        loop {
            match self.from.read(&mut rest) {
                Ok(0) => break,
                Ok(n) if rest[..n].iter().any(|b| *b != 0) => {
                    return Err(malformed("there is more behind its end"));
                }
                Ok(n) => self.read += n as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Stream(error)),
            }
        }
        self.ended = true;
        Ok(())
    }

    fn verify(&self, header: &Header, block: &[u8; BLOCK]) -> Result<(), ArchiveError> {
        let told = header.cksum().ok();
        let sum = |as_number: fn(u8) -> i64| -> i64 {
            block
                .iter()
                .enumerate()
                .map(|(n, b)| {
                    if (148..156).contains(&n) {
                        32
                    } else {
                        as_number(*b)
                    }
                })
                .sum()
        };
        // Some old tars summed signed characters.
        let right = told.is_some_and(|told| {
            i64::from(told) == sum(i64::from)
                || i64::from(told) == sum(|b| i64::from(b.cast_signed()))
        });
        if right {
            Ok(())
        } else {
            Err(malformed(&format!(
                "no header at byte {}: its checksum is wrong",
                self.read - BLOCK as u64
            )))
        }
    }

    /// The content of an extension.
    fn bounded(&mut self, header: &Header, said: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let size = header
            .entry_size()
            .map_err(|_error| malformed("the size of an extension is no number"))?;
        *said = said.saturating_add(size.max(1));
        if *said > EXTENSION {
            return Err(ArchiveError::Bound(format!(
                "the extensions of one entry say {said} bytes, more than {EXTENSION}"
            )));
        }
        let mut bytes = vec![0; usize::try_from(size).expect("bounded above")];
        self.fill(&mut bytes)?;
        let mut rest = [0; BLOCK];
        self.fill(&mut rest[..padding(size)])?;
        Ok(bytes)
    }

    fn long(&mut self, header: &Header, said: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = self.bounded(header, said)?;
        if bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }

    fn records(&mut self, header: &Header, extension: &mut Extension) -> Result<(), ArchiveError> {
        let bytes = self.bounded(header, &mut extension.said)?;
        for record in records(&bytes) {
            let (key, value) = record?;
            match key {
                b"path" => extension.name = Some(value.to_vec()),
                b"linkpath" => extension.target = Some(value.to_vec()),
                b"size" => extension.size = Some(number(key, value)?),
                b"uid" => extension.uid = Some(number(key, value)?),
                b"gid" => extension.gid = Some(number(key, value)?),
                b"mtime" => extension.time = Some(time(value)?),
                key if key.starts_with(b"GNU.sparse.") => {
                    let name = extension.name.clone().unwrap_or_default();
                    return Err(ArchiveError::refused(&name, SPARSE));
                }
                // Times of access, names of owners, comments: nothing that a workspace keeps.
                _ => {}
            }
        }
        Ok(())
    }

    /// A global extension may carry a comment (git's archives do) but not change what follows.
    fn global(&mut self, header: &Header, said: &mut u64) -> Result<(), ArchiveError> {
        let bytes = self.bounded(header, said)?;
        // It speaks of no entry in particular.
        *said = 0;
        for record in records(&bytes) {
            let (key, _) = record?;
            if key != b"comment" {
                return Err(malformed(&format!(
                    "a global extension sets `{}` for all entries",
                    super::shown(key)
                )));
            }
        }
        Ok(())
    }
}

const SPARSE: &str = "it is sparse: few bytes that become many";

fn unwanted(kind: EntryType) -> String {
    match kind {
        EntryType::Char => "it is a character device".to_owned(),
        EntryType::Block => "it is a block device".to_owned(),
        EntryType::Fifo => "it is a named pipe".to_owned(),
        EntryType::GNUSparse => SPARSE.to_owned(),
        other => format!("its type `{}` is unknown", other.as_byte().escape_ascii()),
    }
}

/// With its article.
fn a(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a file",
        Kind::Directory => "a directory",
        Kind::Symlink => "a symbolic link",
        Kind::HardLink => "a hard link",
    }
}

fn malformed(reason: &str) -> ArchiveError {
    ArchiveError::Malformed(reason.to_owned())
}

/// Bytes between the end of content and the next header.
pub(super) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).expect("less than a block");
    (BLOCK - over) % BLOCK
}

/// `LENGTH KEY=VALUE\n`, one after the other.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8]), ArchiveError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let record = record(bytes).ok_or_else(|| malformed("an extension is no list of records"));
        bytes = record.as_ref().map_or(&[], |(_, _, rest)| *rest);
        Some(record.map(|(key, value, _)| (key, value)))
    })
}

fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(8).position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let (whole, rest) = bytes.split_at_checked(length)?;
    let pair = whole.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|b| *b == b'=')?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

fn number(key: &[u8], value: &[u8]) -> Result<u64, ArchiveError> {
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            malformed(&format!(
                "`{}` of an extension is no number",
                super::shown(key)
            ))
        })
}

/// `[-]SECONDS[.FRACTION]`.
fn time(value: &[u8]) -> Result<(i64, u32), ArchiveError> {
    let parse = || {
        let text = std::str::from_utf8(value).ok()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let seconds: i64 = whole.parse().ok()?;
        let digits: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        let nanoseconds: u32 = digits.parse().ok()?;
        Some(if whole.starts_with('-') && nanoseconds > 0 {
            (seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds)
        } else {
            (seconds, nanoseconds)
        })
    };
    parse().ok_or_else(|| malformed("`mtime` of an extension is no time"))
}

/// What a whole archive held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Entries.
    pub entries: u64,
    /// Bytes of the stream.
    pub bytes: u64,
}

/// Reads a stream to its end and says whether it is a whole tar.
///
/// # Errors
/// When it is not, or when it holds nothing.
pub fn check(from: impl Read) -> Result<Told, ArchiveError> {
    let mut frames = Frames::new(from);
    let mut told = Told::default();
    while frames.next_entry()?.is_some() {
        told.entries += 1;
    }
    told.bytes = frames.read_so_far();
    if told.entries == 0 {
        return Err(malformed("it holds no entry"));
    }
    Ok(told)
}
