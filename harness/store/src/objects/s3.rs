//! Snapshots in S3: multipart up, ranges down, so that memory stays flat and no request lasts long.

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, RetryConfig,
    WriteMultipart,
};

use super::seal::{SEAL, Sealed};
use super::{Config, StoreError};
use crate::Key;

/// A part of an upload, and a range of a download. Ten thousand parts are the most that S3 takes: 80 GB.
const PART: usize = 8 << 20;
/// Parts on their way at once.
const AT_ONCE: usize = 2;

/// A prefix in a bucket.
#[derive(Debug, Clone)]
pub(super) struct S3 {
    client: Arc<AmazonS3>,
    bucket: String,
    prefix: String,
}

impl S3 {
    pub(super) fn new(config: &Config) -> Result<Self, StoreError> {
        let Config::S3 { bucket, prefix, .. } = config else {
            unreachable!("the caller matched an S3 configuration")
        };
        Ok(Self {
            client: Arc::new(connect(config)?),
            bucket: bucket.clone(),
            prefix: prefix.clone(),
        })
    }

    fn failed(
        &self,
        what: &'static str,
        key: &Key,
    ) -> impl Fn(object_store::Error) -> StoreError + use<> {
        let (key, bucket) = (key.to_string(), self.bucket.clone());
        move |source| StoreError::Remote {
            what,
            key: key.clone(),
            bucket: bucket.clone(),
            source: Box::new(source),
        }
    }

    fn place(&self, key: &Key) -> Result<Path, StoreError> {
        let path = if self.prefix.is_empty() {
            key.path().to_owned()
        } else {
            format!("{}/{}", self.prefix, key.path())
        };
        Path::parse(path).map_err(|error| self.failed("name", key)(error.into()))
    }

    pub(super) async fn put(&self, key: &Key) -> Result<S3Upload, StoreError> {
        let failed = self.failed("put", key);
        let upload = self
            .client
            .put_multipart(&self.place(key)?)
            .await
            .map_err(&failed)?;
        Ok(S3Upload {
            parts: Some(WriteMultipart::new_with_chunk_size(upload, PART)),
            failed: Box::new(failed),
        })
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<(Sealed, S3Download)>, StoreError> {
        let failed = self.failed("get", key);
        let place = self.place(key)?;
        let options = GetOptions {
            range: Some(GetRange::Suffix(SEAL as u64)),
            ..GetOptions::default()
        };
        let found = match self.client.get_opts(&place, options).await {
            Ok(found) => found,
            Err(error @ object_store::Error::NotFound { .. }) => {
                return if self.lacks_bucket(&error).await {
                    Err(failed(error))
                } else {
                    Ok(None)
                };
            }
            Err(error) => return Err(failed(error)),
        };
        let (size, version) = (found.meta.size, found.meta.e_tag.clone());
        let block = found.bytes().await.map_err(&failed)?;
        let seal = Sealed::read(&block, size, key.path())?;
        let download = S3Download {
            client: self.client.clone(),
            place,
            version,
            at: 0,
            failed: Box::new(failed),
        };
        Ok(Some((seal, download)))
    }

    /// A bucket that is missing is a mistake, not an empty store. Some servers call both by the same name: they are asked for the
    /// bucket's names. Who may not list them is believed that there is a bucket.
    async fn lacks_bucket(&self, error: &object_store::Error) -> bool {
        const MISSING: &str = "NoSuchBucket";
        if crate::told(error).contains(MISSING) {
            return true;
        }
        let listed = self.client.list(None).next().await;
        matches!(listed, Some(Err(error)) if crate::told(&error).contains(MISSING))
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        match self.client.delete(&self.place(key)?).await {
            Err(error @ object_store::Error::NotFound { .. })
                if !self.lacks_bucket(&error).await =>
            {
                Ok(())
            }
            other => other.map_err(self.failed("delete", key)),
        }
    }
}

/// A client for the bucket of a configuration.
pub(super) fn connect(config: &Config) -> Result<AmazonS3, StoreError> {
    let Config::S3 {
        bucket,
        region,
        prefix,
        endpoint,
        path_style,
        credentials,
    } = config
    else {
        unreachable!("the caller matched an S3 configuration")
    };
    provide_tls();
    let plain = endpoint
        .as_deref()
        .is_some_and(|e| e.starts_with("http://"));
    let options = ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(10))
        .with_timeout(Duration::from_secs(120));
    let builder =
        credentials
            .0
            .iter()
            .try_fold(AmazonS3Builder::new(), |builder, (name, value)| {
                let key = name.to_ascii_lowercase().parse()?;
                Ok(builder.with_config(key, value))
            });
    let mut builder = builder
        .map_err(|source| StoreError::Remote {
            what: "open",
            key: prefix.clone(),
            bucket: bucket.clone(),
            source: Box::new(source),
        })?
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(!path_style)
        .with_client_options(options)
        .with_retry(RetryConfig {
            max_retries: 3,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        });
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(match (path_style, endpoint.split_once("://")) {
            // The client takes a host-style endpoint as it is: the bucket must stand in it.
            (false, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
            _ => endpoint.clone(),
        });
    }
    builder.build().map_err(|source| StoreError::Remote {
        what: "open",
        key: prefix.clone(),
        bucket: bucket.clone(),
        source: Box::new(source),
    })
}

/// So many bytes from there on.
pub(super) fn object_range(at: u64, length: u64) -> GetRange {
    GetRange::Bounded(at..at + length)
}

/// The TLS library has no algorithms of its own choice; the process's choice, when it made one, stands.
pub(crate) fn provide_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

type Failed = Box<dyn Fn(object_store::Error) -> StoreError + Send + Sync>;

/// An upload; aborted when it is dropped unfinished.
pub(super) struct S3Upload {
    parts: Option<WriteMultipart>,
    failed: Failed,
}

impl std::fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Upload")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl S3Upload {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let parts = self
            .parts
            .as_mut()
            .expect("it is only taken when it is finished or dropped");
        for piece in bytes.chunks(PART) {
            parts
                .wait_for_capacity(AT_ONCE)
                .await
                .map_err(&self.failed)?;
            parts.write(piece);
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        let mut parts = self
            .parts
            .take()
            .expect("it is only taken when it is finished or dropped");
        // `finish` aborts by itself when a part or the end of it fails.
        parts.wait_for_capacity(0).await.map_err(&self.failed)?;
        parts.finish().await.map_err(&self.failed)?;
        Ok(())
    }
}

impl Drop for S3Upload {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(parts), Ok(runtime)) = (self.parts.take(), runtime) {
            // Best effort: the bucket's own rule for unfinished uploads is behind it.
            runtime.spawn(async move {
                let _ = parts.abort().await;
            });
        }
    }
}

/// A download, range by range of one version of the object.
pub(super) struct S3Download {
    client: Arc<AmazonS3>,
    place: Path,
    version: Option<String>,
    at: u64,
    failed: Failed,
}

impl std::fmt::Debug for S3Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Download")
            .field("place", &self.place)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl S3Download {
    pub(super) async fn next(&mut self, left: u64) -> Result<Bytes, StoreError> {
        let most = left.min(PART as u64);
        if most == 0 {
            return Ok(Bytes::new());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.at..self.at + most)),
            // A snapshot that is put meanwhile has another one.
            if_match: self.version.clone(),
            ..GetOptions::default()
        };
        let found = self
            .client
            .get_opts(&self.place, options)
            .await
            .map_err(&self.failed)?;
        let piece = found.bytes().await.map_err(&self.failed)?;
        self.at += piece.len() as u64;
        Ok(piece)
    }
}
