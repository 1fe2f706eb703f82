//! The store for callers that are not asynchronous.

use std::io::{Read, Write};

use tokio::runtime::Runtime;

use super::{Config, Sealed, Store, StoreError};
use crate::Key;

/// A store with a thread of its own.
#[derive(Debug)]
pub struct Snapshots {
    store: Store,
    runtime: Runtime,
}

impl Snapshots {
    /// The store that a configuration names.
    ///
    /// # Errors
    /// When the configuration cannot be one.
    pub fn open(config: &Config) -> Result<Self, StoreError> {
        Self::new(Store::open(config)?)
    }

    /// The store that the environment names, when it names one.
    ///
    /// # Errors
    /// When it names half of one.
    pub fn from_env() -> Result<Option<Self>, StoreError> {
        Store::from_env()?.map(Self::new).transpose()
    }

    fn new(store: Store) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(StoreError::Host)?;
        Ok(Self { store, runtime })
    }

    /// Puts all of `from` under the key.
    ///
    /// # Errors
    /// When `from` or the store fails; then what was under the key stays there.
    pub fn put(&self, key: &Key, mut from: impl Read) -> Result<Sealed, StoreError> {
        let mut upload = self.runtime.block_on(self.store.put(key))?;
        // An upload that is dropped aborts itself, for which it needs the runtime.
        let _inside = self.runtime.enter();
        let mut piece = vec![0; 256 << 10];
        loop {
            let n = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StoreError::Stream(error)),
            };
            self.runtime.block_on(upload.write(&piece[..n]))?;
        }
        self.runtime.block_on(upload.finish())
    }

    /// Writes what is under the key to `to`; `None` when nothing is. What was written is whole and as it was put only when
    /// this is no error.
    ///
    /// # Errors
    /// When the store or `to` fails, or the snapshot is damaged.
    pub fn get(&self, key: &Key, mut to: impl Write) -> Result<Option<Sealed>, StoreError> {
        let Some(mut download) = self.runtime.block_on(self.store.get(key))? else {
            return Ok(None);
        };
        while let Some(piece) = self.runtime.block_on(download.next())? {
            to.write_all(&piece).map_err(StoreError::Stream)?;
        }
        Ok(Some(download.seal().clone()))
    }

    /// What is known of a snapshot, when there is one.
    ///
    /// # Errors
    /// When the store fails, or the snapshot has no seal.
    pub fn head(&self, key: &Key) -> Result<Option<Sealed>, StoreError> {
        self.runtime.block_on(self.store.head(key))
    }

    /// Deletes a snapshot; one that is not there is deleted.
    ///
    /// # Errors
    /// When the store does not do it.
    pub fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.delete(key))
    }
}
