//! A bucket of other people's objects: read as they lie there, in one version from the first byte to the last.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _};

use super::s3::{connect, object_range};
use super::{Config, ConfigError, StoreError};
use crate::env;

/// A range of a download.
const PART: u64 = 8 << 20;

/// The longest that one answer is waited for: what waits for a package is a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Objects below a prefix.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Arc<AmazonS3>,
    name: String,
    prefix: String,
}

/// The variables that name a bucket of packages, and those of the snapshot store that mean the same.
const VARIABLES: [(&str, &str); 5] = [
    (env::BUCKET, "PACKAGES_BUCKET"),
    (env::REGION, "PACKAGES_REGION"),
    (env::PREFIX, "PACKAGES_PREFIX"),
    (env::ENDPOINT, "PACKAGES_ENDPOINT"),
    (env::PATH_STYLE, "PACKAGES_FORCE_PATH_STYLE"),
];

impl Bucket {
    /// The bucket that `PACKAGES_BUCKET` names, when it is set. Speaks to nobody yet.
    ///
    /// # Errors
    /// When half of one is named.
    pub fn from_env() -> Result<Option<Self>, StoreError> {
        Self::from(env::host)
    }

    /// The same, for any source of variables.
    ///
    /// # Errors
    /// As `from_env`.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, StoreError> {
        let config = Config::from(|name| {
            match VARIABLES.iter().find(|(theirs, _)| *theirs == name) {
                Some((_, ours)) => variable(ours),
                // A directory of snapshots is no bucket.
                None if name == env::DATA_DIR => None,
                // Unless it is said, packages lie at the top of their bucket.
                None => variable(name),
            }
        });
        let config = config.map_err(|error| renamed(&error))?;
        let Some(config @ Config::S3 { .. }) = config else {
            return Ok(None);
        };
        let client = Arc::new(connect(&config)?);
        let Config::S3 { bucket, prefix, .. } = config else {
            return Ok(None);
        };
        let prefix = variable("PACKAGES_PREFIX").map_or_else(String::new, |_| prefix);
        Ok(Some(Self {
            client,
            name: bucket,
            prefix,
        }))
    }

    fn failed(
        &self,
        what: &'static str,
        key: &str,
    ) -> impl Fn(object_store::Error) -> StoreError + use<> {
        let (key, bucket) = (key.to_owned(), self.name.clone());
        move |source| StoreError::Remote {
            what,
            key: key.clone(),
            bucket: bucket.clone(),
            source: Box::new(source),
        }
    }

    fn place(&self, key: &str) -> Result<Path, StoreError> {
        let path = if self.prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{}/{key}", self.prefix)
        };
        Path::parse(path).map_err(|error| self.failed("name", key)(error.into()))
    }

    /// The version of an object, when there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn version(&self, key: &str) -> Result<Option<String>, StoreError> {
        match timed(self.client.head(&self.place(key)?)).await {
            Ok(meta) => Ok(Some(version(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look at", key)(error)),
        }
    }

    /// An object, when there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn get(&self, key: &str) -> Result<Option<Fetch>, StoreError> {
        let place = self.place(key)?;
        match timed(self.client.head(&place)).await {
            Ok(meta) => Ok(Some(Fetch {
                bucket: self.clone(),
                key: key.to_owned(),
                place,
                size: meta.size,
                at: 0,
                etag: meta.e_tag,
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look at", key)(error)),
        }
    }
}

/// An error of the snapshot store's variables, by the name that was set here.
fn renamed(error: &ConfigError) -> ConfigError {
    let (mut variable, mut reason) = (error.variable, error.reason.clone());
    for (theirs, ours) in VARIABLES {
        if variable == theirs {
            variable = ours;
        }
        reason = reason.replace(theirs, ours);
    }
    ConfigError { variable, reason }
}

fn version(meta: &object_store::ObjectMeta) -> String {
    let etag = meta.e_tag.as_deref().unwrap_or_default();
    format!("{etag} {} {}", meta.size, meta.last_modified)
}

async fn timed<T>(
    answer: impl Future<Output = object_store::Result<T>>,
) -> object_store::Result<T> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|elapsed| {
            Err(object_store::Error::Generic {
                store: "S3",
                source: Box::new(elapsed),
            })
        })
}

/// An object on its way.
#[derive(Debug)]
pub struct Fetch {
    bucket: Bucket,
    key: String,
    place: Path,
    size: u64,
    at: u64,
    etag: Option<String>,
}

impl Fetch {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the store breaks off, or has another version by now.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let most = PART.min(self.size - self.at);
        if most == 0 {
            return Ok(None);
        }
        let options = GetOptions {
            range: Some(object_range(self.at, most)),
            if_match: self.etag.clone(),
            ..GetOptions::default()
        };
        let failed = self.bucket.failed("get", &self.key);
        let piece = timed(async {
            let found = self.bucket.client.get_opts(&self.place, options).await?;
            found.bytes().await
        });
        let piece = piece.await.map_err(failed)?;
        if piece.is_empty() || piece.len() as u64 > most {
            return Err(StoreError::Damaged {
                key: self.key.clone(),
                reason: format!("{} bytes came where {most} were asked for", piece.len()),
            });
        }
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}
