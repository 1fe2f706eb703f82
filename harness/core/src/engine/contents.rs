//! The whole content of an image's files, read once when somebody first asks, kept in a file that has no name.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, OnceLock};

use adamant_probe::Entry;

/// Where a blob stands in the spool: offset and length in bytes.
type Place = (u64, u64);

/// Blobs by their SHA-256 in lower-case hex, one after the other in one file.
#[derive(Debug)]
pub struct Spool {
    file: File,
    places: BTreeMap<String, Place>,
    end: u64,
}

impl Spool {
    /// An empty spool over a file that nobody else has: an unlinked temporary file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file,
            places: BTreeMap::new(),
            end: 0,
        }
    }

    /// Takes all that `reader` has; `digest` is asked afterwards for the SHA-256 of what was read. What is there already is
    /// not kept twice.
    pub fn take<R: Read>(
        &mut self,
        mut reader: R,
        digest: impl FnOnce(R) -> io::Result<String>,
    ) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut buffer = vec![0; 256 * 1024];
        let mut length = 0;
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.file.write_all(&buffer[..count])?;
            length += count as u64;
        }
        let place = (self.end, length);
        if let std::collections::btree_map::Entry::Vacant(entry) =
            self.places.entry(digest(reader)?)
        {
            entry.insert(place);
            self.end += length;
        }
        Ok(())
    }

    fn read(&self, sha256: &str, offset: u64, length: u64) -> Option<io::Result<Vec<u8>>> {
        let &(start, whole) = self.places.get(sha256)?;
        let offset = offset.min(whole);
        let mut bytes = vec![0; usize::try_from(length.min(whole - offset)).ok()?];
        Some(
            self.file
                .read_exact_at(&mut bytes, start + offset)
                .map(|()| bytes),
        )
    }
}

type Reading = dyn Fn(&Entry, u64, u64) -> Result<Vec<u8>, String> + Send + Sync;

/// The contents of an image, had on demand. An image that was not read from an engine or a file has none.
#[derive(Clone, Default)]
pub struct Contents(Option<Arc<Reading>>);

impl Contents {
    /// Contents that `read` has: for the entry of a regular file, an offset and the most bytes that are wanted.
    pub fn by(
        read: impl Fn(&Entry, u64, u64) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// Contents that `fill` reads when they are first asked for; its error is the reason why there are none.
    pub fn lazily(fill: impl Fn() -> Result<Spool, String> + Send + Sync + 'static) -> Self {
        let spool: OnceLock<Result<Spool, String>> = OnceLock::new();
        Self::by(move |entry, offset, length| {
            let path = &entry.path;
            let sha256 = entry.sha256.as_ref();
            let sha256 = sha256.ok_or_else(|| format!("`{path}` is no regular file"))?;
            let found = spool.get_or_init(&fill).as_ref().map_err(Clone::clone)?;
            let bytes = found.read(sha256, offset, length);
            let bytes = bytes.ok_or_else(|| format!("no layer holds `{path}`"))?;
            bytes.map_err(|error| error.to_string())
        })
    }

    /// At most `length` bytes from `offset` on of a regular file; the error says why they cannot be had.
    pub fn read(&self, entry: &Entry, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        let read = self.0.as_ref();
        read.ok_or("the contents of this image cannot be read")?(entry, offset, length)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contents").field(&self.0.is_some()).finish()
    }
}

/// Two images are equal by what their index says; contents follow from it.
impl PartialEq for Contents {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_read_back_in_parts_and_kept_once() {
        let contents = Contents::lazily(|| {
            let mut spool = Spool::new(tempfile::tempfile().expect("a file"));
            for (name, text) in [("aa", "first"), ("bb", "second"), ("aa", "first")] {
                spool
                    .take(text.as_bytes(), |_| Ok(name.to_owned()))
                    .expect("takes");
            }
            assert_eq!(spool.end, 11);
            Ok(spool)
        });
        let entry = |sha256: &str| Entry {
            sha256: Some(sha256.into()),
            ..Entry::new("/x", adamant_probe::Kind::File, 0o644)
        };
        let read = |sha256, offset, length| contents.read(&entry(sha256), offset, length);
        assert_eq!(read("bb", 0, 100).expect("reads"), b"second");
        assert_eq!(read("aa", 2, 2).expect("reads"), b"rs");
        assert_eq!(read("aa", 9, 2).expect("reads"), b"");
        assert!(read("cc", 0, 1).is_err());
        assert!(Contents::default().read(&entry("aa"), 0, 1).is_err());
    }
}
