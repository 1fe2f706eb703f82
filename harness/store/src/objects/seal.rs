//! The seal behind each stored tar: its length and SHA-256, in one block after the archive's end.
//!
//! It is in the object itself, so that the tar and its checksum are put, replaced and deleted together, on a file system as in a bucket, and
//! nothing has to be known before the stream ends. Behind the blocks of zeros that end a tar, `tar -x` reads nothing: the object
//! unpacks as it lies there.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::StoreError;
use crate::key::hex;

/// One block.
pub(super) const SEAL: usize = 512;
const FIRST: &str = "adamant snapshot 1";

/// What is known of a stored snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sealed {
    /// Bytes of the tar.
    pub size: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

impl Sealed {
    /// The block.
    pub(super) fn block(&self) -> [u8; SEAL] {
        let mut block = [0; SEAL];
        let text = format!("{FIRST}\nsize {}\nsha256 {}\n", self.size, self.sha256);
        block[..text.len()].copy_from_slice(text.as_bytes());
        block
    }

    /// Reads the last block of an object of so many bytes.
    pub(super) fn read(block: &[u8], object: u64, key: &str) -> Result<Self, StoreError> {
        let read = || {
            if block.len() != SEAL {
                return None;
            }
            let end = block.iter().position(|b| *b == 0)?;
            let mut lines = std::str::from_utf8(&block[..end]).ok()?.lines();
            (lines.next()? == FIRST).then_some(())?;
            let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
            let sha256 = lines.next()?.strip_prefix("sha256 ")?.to_owned();
            Some(Self { size, sha256 })
        };
        match read() {
            Some(seal) if seal.size.checked_add(SEAL as u64) == Some(object) => Ok(seal),
            Some(seal) => Err(StoreError::Damaged {
                key: key.to_owned(),
                reason: format!(
                    "it has {object} bytes, not {} with its seal",
                    seal.size + SEAL as u64
                ),
            }),
            None => Err(StoreError::Damaged {
                key: key.to_owned(),
                reason: "its last block is no seal: it is cut, or was not stored by us".to_owned(),
            }),
        }
    }

    /// The raw digest.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        if self.sha256.len() != 64 {
            return None;
        }
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.sha256.get(2 * n..2 * n + 2)?, 16).ok()?;
        }
        Some(bytes)
    }
}

/// Measures a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    size: u64,
    digest: Sha256,
}

impl Measure {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.digest.update(bytes);
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn seal(&self) -> Sealed {
        Sealed {
            size: self.size,
            sha256: hex(&self.digest.clone().finalize()),
        }
    }
}
