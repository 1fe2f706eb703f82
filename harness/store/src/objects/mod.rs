//! The store: snapshots under keys, on a file system or in S3; nothing half, nothing unverified.

mod bucket;
mod config;
mod local;
mod s3;
mod seal;
mod snapshots;

pub use bucket::{Bucket, Fetch};
pub use config::{Config, ConfigError, Credentials};
pub(crate) use s3::provide_tls;
pub use seal::Sealed;
pub use snapshots::Snapshots;

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use thiserror::Error;

use crate::Key;
use local::{Local, LocalDownload, LocalUpload};
use s3::{S3, S3Download, S3Upload};
use seal::Measure;

/// Why a snapshot was not put, found or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The environment does not say which store.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is stored is not what was put.
    #[error("snapshot `{key}` is damaged: {reason}")]
    Damaged {
        /// Its key.
        key: String,
        /// How that shows.
        reason: String,
    },
    /// A link inside the store leads out of it.
    #[error("`{path}` lies outside the store `{base}`")]
    Outside {
        /// Where the key leads.
        path: PathBuf,
        /// The store.
        base: PathBuf,
    },
    /// A file of a local store.
    #[error("`{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// S3 said no, or nothing.
    #[error("failed to {what} `{key}` in bucket `{bucket}`")]
    Remote {
        /// What was tried.
        what: &'static str,
        /// Its key.
        key: String,
        /// The bucket.
        bucket: String,
        /// What the client made of it.
        source: Box<object_store::Error>,
    },
    /// The stream that should be stored broke off.
    #[error("the snapshot was not sent to its end")]
    Stream(#[source] io::Error),
    /// No runtime.
    #[error("cannot start the store's threads")]
    Host(#[source] io::Error),
}

impl StoreError {
    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Remote { source, .. } = self else {
            return None;
        };
        match source.as_ref() {
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => Some(
                "the credentials of the environment must allow s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix",
            ),
            object_store::Error::NotFound { .. } => Some(
                "the bucket of `SANDBOX_SNAPSHOTS_BUCKET` must exist in the region or at the endpoint that is set",
            ),
            _ => None,
        }
    }
}

/// A store.
#[derive(Debug, Clone)]
pub struct Store(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Local(Local),
    S3(S3),
}

impl Store {
    /// The store that a configuration names. Speaks to nobody yet.
    ///
    /// # Errors
    /// When the configuration cannot be one.
    pub fn open(config: &Config) -> Result<Self, StoreError> {
        Ok(Self(match config {
            Config::Local { base } => Kind::Local(Local::new(base.clone())),
            Config::S3 { .. } => Kind::S3(S3::new(config)?),
        }))
    }

    /// The store that the environment names, when it names one.
    ///
    /// # Errors
    /// When it names half of one.
    pub fn from_env() -> Result<Option<Self>, StoreError> {
        Config::from_env()?
            .map(|config| Self::open(&config))
            .transpose()
    }

    /// Begins to put a snapshot. Until `finish`, whatever was under the key stays there whole.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn put(&self, key: &Key) -> Result<Upload, StoreError> {
        let to = match &self.0 {
            Kind::Local(local) => To::Local(local.put(key).await?),
            Kind::S3(s3) => To::S3(s3.put(key).await?),
        };
        Ok(Upload {
            to,
            measure: Measure::default(),
        })
    }

    /// A snapshot, when there is one.
    ///
    /// # Errors
    /// When the store does not answer, or what it has is damaged.
    pub async fn get(&self, key: &Key) -> Result<Option<Download>, StoreError> {
        let found = match &self.0 {
            Kind::Local(local) => local
                .get(key)
                .await?
                .map(|(seal, from)| (seal, Out::Local(from))),
            Kind::S3(s3) => s3.get(key).await?.map(|(seal, from)| (seal, Out::S3(from))),
        };
        Ok(found.map(|(seal, from)| Download {
            key: key.to_string(),
            seal,
            from,
            measure: Measure::default(),
            ended: false,
        }))
    }

    /// What is known of a snapshot, when there is one.
    ///
    /// # Errors
    /// As `get`.
    pub async fn head(&self, key: &Key) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(key).await?.map(|found| found.seal))
    }

    /// Deletes a snapshot; one that is not there is deleted.
    ///
    /// # Errors
    /// When the store does not do it.
    pub async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Local(local) => local.delete(key).await,
            Kind::S3(s3) => s3.delete(key).await,
        }
    }
}

/// A snapshot on its way into the store. Dropped before `finish`, it was never there.
#[derive(Debug)]
pub struct Upload {
    to: To,
    measure: Measure,
}

#[derive(Debug)]
enum To {
    Local(LocalUpload),
    S3(S3Upload),
}

impl To {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::Local(to) => to.write(bytes).await,
            Self::S3(to) => to.write(bytes).await,
        }
    }
}

impl Upload {
    /// The next bytes of the tar.
    ///
    /// # Errors
    /// When the store takes no more.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.measure.add(bytes);
        self.to.write(bytes).await
    }

    /// That was all of it: from here on it is what the key names.
    ///
    /// # Errors
    /// When the store does not take it; then it never was there.
    pub async fn finish(mut self) -> Result<Sealed, StoreError> {
        let seal = self.measure.seal();
        self.to.write(&seal.block()).await?;
        match self.to {
            To::Local(to) => to.finish().await?,
            To::S3(to) => to.finish().await?,
        }
        Ok(seal)
    }
}

/// A snapshot on its way out of the store.
#[derive(Debug)]
pub struct Download {
    key: String,
    seal: Sealed,
    from: Out,
    measure: Measure,
    ended: bool,
}

#[derive(Debug)]
enum Out {
    Local(LocalDownload),
    S3(S3Download),
}

impl Download {
    /// Its length and checksum, as they were when it was put.
    #[must_use]
    pub fn seal(&self) -> &Sealed {
        &self.seal
    }

    /// The next bytes; `None` at the end. The last bytes only come once the whole has the checksum that it was put with: who has read
    /// to the end has read what was put.
    ///
    /// # Errors
    /// When the store breaks off, or what it has is damaged.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let damaged = |reason: String| StoreError::Damaged {
            key: self.key.clone(),
            reason,
        };
        let left = self.seal.size - self.measure.size();
        let piece = match &mut self.from {
            Out::Local(from) => from.next(left).await?,
            Out::S3(from) => from.next(left).await?,
        };
        self.measure.add(&piece);
        if piece.is_empty() && left > 0 || piece.len() as u64 > left {
            return Err(damaged(format!("it ends {left} bytes early")));
        }
        if piece.len() as u64 == left {
            self.ended = true;
            let seen = self.measure.seal();
            if seen != self.seal {
                return Err(damaged(format!(
                    "its SHA-256 is {}, and was {} when it was put",
                    seen.sha256, self.seal.sha256
                )));
            }
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}
