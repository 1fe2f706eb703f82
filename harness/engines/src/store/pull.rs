//! Pulls an image from its registry into the store; every digest is verified before anything has its final name.

use std::future::Future;
use std::io::{self, Write as _};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::run::Deadline;
use futures_util::StreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Record, Store};
use crate::image::layout::{self, DEPTH, DOCUMENT_BYTES, Descriptor, Index, Manifest};
use crate::image::package::Package;
use crate::image::{ImageError, digest};

/// What a manifest may be.
const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// Docker's configuration names its own registry by this.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A reference with everything that its short form leaves out: `docker.io/library/nginx:latest`.
pub(super) fn canonical(reference: &str) -> Result<String, EngineError> {
    parse(reference).map(|reference| reference.whole())
}

fn parse(reference: &str) -> Result<Reference, EngineError> {
    reference.parse().map_err(|error: oci_client::ParseError| {
        EngineError::new(ErrorKind::Input, format!("find the image `{reference}`"))
            .caused_by(error)
            .hint("a registry's image is named `docker://[HOST[:PORT]/]NAME[:TAG|@sha256:…]`")
    })
}

/// Why a pull did not come to its end.
#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error(transparent)]
    Registry(#[from] oci_client::errors::OciDistributionError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("what it sends cannot be kept")]
    Keep(#[source] io::Error),
    #[error("the transfer broke off")]
    Broken(#[source] io::Error),
    #[error("{0}")]
    Credential(String),
}

/// What was found behind a reference.
enum Document {
    Index(Index),
    Manifest(Box<(Manifest, Descriptor)>),
}

/// Only to see which of the two it is; registries are not always right about the type that they send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

struct Pull<'s> {
    store: &'s Store,
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
    platform: &'s str,
}

impl Store {
    /// Pulls what a reference names now; what is in the store already is not sent again.
    pub(super) fn pull(
        &self,
        reference: &str,
        platform: &str,
        deadline: &Deadline,
    ) -> Result<Package, EngineError> {
        let reference = parse(reference)?;
        let attempt = format!("pull `{}` for {platform}", reference.whole());
        let failed = |kind, error: PullError| {
            let error = EngineError::new(kind, &attempt).caused_by(error);
            error.hint(format!(
                "does `{}` answer, and does `docker login {0}` let you in?",
                reference.resolve_registry()
            ))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| EngineError::new(ErrorKind::Unsupported, &attempt).caused_by(error))?;
        let auth = credential(&reference).map_err(|error| failed(ErrorKind::Input, error))?;
        let pull = Pull {
            store: self,
            client: client(&reference),
            auth,
            reference: reference.clone(),
            platform,
        };
        let manifest = runtime
            .block_on(bounded(deadline, pull.run()))
            .ok_or_else(|| {
                let kind = if deadline.is_cancelled() {
                    ErrorKind::Cancelled
                } else {
                    ErrorKind::TimedOut
                };
                EngineError::new(kind, &attempt).caused_by("its time was up")
            })?
            .map_err(|error| failed(ErrorKind::Input, error))?;
        let package = layout::manifest_of(&self.root, &manifest, platform)
            .map_err(|error| failed(ErrorKind::Input, error.into()))?;
        let record = Record {
            reference: reference.whole(),
            platform: platform.to_owned(),
            manifest,
        };
        let text = serde_json::to_vec_pretty(&record)
            .map_err(|error| EngineError::new(ErrorKind::Unsupported, &attempt).caused_by(error))?;
        self.put(&self.record(&record.reference, platform), &text)
            .map_err(|error| super::unwritable(&self.root, error))?;
        Ok(package)
    }
}

impl Pull<'_> {
    /// The manifest for the platform, once it and everything that it names is in the store.
    async fn run(&self) -> Result<Descriptor, PullError> {
        let mut at = self.reference.clone();
        let mut expected = None;
        for _ in 0..=DEPTH {
            match self.document(&at, expected.as_ref()).await? {
                Document::Index(index) => {
                    let names = "by its digest, `docker://NAME@sha256:…`";
                    let chosen = layout::choose(index.manifests, self.platform, names)?;
                    at = at.clone_with_digest(chosen.digest.clone());
                    expected = Some(chosen);
                }
                Document::Manifest(found) => {
                    let (manifest, descriptor) = *found;
                    self.blob(&manifest.config).await?;
                    for layer in &manifest.layers {
                        self.blob(layer).await?;
                    }
                    return Ok(descriptor);
                }
            }
        }
        Err(ImageError::invalid(at.whole(), "is an index in too many indexes").into())
    }

    /// An index, or a manifest, which goes to the store.
    async fn document(
        &self,
        at: &Reference,
        expected: Option<&Descriptor>,
    ) -> Result<Document, PullError> {
        let (bytes, _) = self
            .client
            .pull_manifest_raw(at, &self.auth, &ACCEPTED)
            .await?;
        let size = bytes.len() as u64;
        let found = format!("sha256:{}", digest::of(&bytes));
        let wrong = |why: String| ImageError::invalid(at.whole(), why);
        if size > DOCUMENT_BYTES {
            return Err(wrong("is too large for a document".to_owned()).into());
        }
        if let Some(wanted) = at.digest().filter(|wanted| *wanted != found) {
            return Err(wrong(format!("is `{found}`, not `{wanted}`")).into());
        }
        if let Some(expected) = expected.filter(|e| e.size != size) {
            let told = format!("has {size} bytes, its descriptor says {}", expected.size);
            return Err(wrong(told).into());
        }
        let shape: Shape = layout::parse(&found, &bytes)?;
        let named = shape.media_type.as_deref().is_some_and(layout::is_index);
        if named || shape.manifests.is_some() {
            return Ok(Document::Index(layout::parse(&found, &bytes)?));
        }
        let manifest = layout::parse(&found, &bytes)?;
        let hex = digest::hex_of(&found).unwrap_or_default();
        self.store
            .put(&self.store.blob(hex), &bytes)
            .map_err(PullError::Keep)?;
        let descriptor = Descriptor {
            media_type: shape.media_type.unwrap_or_default(),
            digest: found,
            size,
            ..Descriptor::default()
        };
        Ok(Document::Manifest(Box::new((manifest, descriptor))))
    }

    /// One blob, unless the store has it.
    async fn blob(&self, descriptor: &Descriptor) -> Result<(), PullError> {
        let path = layout::path(&self.store.root, descriptor)?;
        // What has its name was verified when it got it, and is verified again when it is read.
        if path
            .metadata()
            .is_ok_and(|about| about.len() == descriptor.size)
        {
            return Ok(());
        }
        let room = self.store.room().map_err(PullError::Keep)?;
        let wrong = |why: String| ImageError::invalid(&descriptor.digest, why);
        if descriptor.size > room {
            let told = format!(
                "has {} bytes, and there is room for {room}",
                descriptor.size
            );
            return Err(wrong(told).into());
        }
        let named = OciDescriptor {
            digest: descriptor.digest.clone(),
            media_type: descriptor.media_type.clone(),
            size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let mut stream = self
            .client
            .pull_blob_stream(&self.reference, &named)
            .await?;
        let mut draft = self.store.draft().map_err(PullError::Keep)?;
        let (mut sha256, mut size) = (Sha256::new(), 0);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(PullError::Broken)?;
            size += chunk.len() as u64;
            if size > descriptor.size {
                let told = format!(
                    "has more than the {} bytes that its descriptor says",
                    descriptor.size
                );
                return Err(wrong(told).into());
            }
            sha256.update(&chunk);
            draft.write_all(&chunk).map_err(PullError::Keep)?;
        }
        let found = format!("sha256:{}", digest::hex(sha256.finalize().as_slice()));
        if size != descriptor.size || found != descriptor.digest {
            let told = format!("was sent as {size} bytes of `{found}`");
            return Err(wrong(told).into());
        }
        draft
            .persist(path)
            .map_err(|error| PullError::Keep(error.error))?;
        Ok(())
    }
}

/// Ends with `None` when the time is up or the run was interrupted.
async fn bounded<T>(deadline: &Deadline, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let slice = deadline.slice()?;
        if let Ok(done) = tokio::time::timeout(slice, work.as_mut()).await {
            return Some(done);
        }
    }
}

/// Speaks HTTPS, but with a registry on this very host.
fn client(reference: &Reference) -> Client {
    // Another part of this process may have chosen it already; the choice is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let registry = reference.resolve_registry();
    let protocol = if is_local(registry) {
        ClientProtocol::HttpsExcept(vec![registry.to_owned()])
    } else {
        ClientProtocol::Https
    };
    Client::new(ClientConfig {
        protocol,
        user_agent: concat!("adamant/", env!("CARGO_PKG_VERSION")),
        connect_timeout: Some(std::time::Duration::from_secs(20)),
        read_timeout: Some(std::time::Duration::from_secs(60)),
        ..ClientConfig::default()
    })
}

pub(super) fn is_local(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// As `docker login` left it; without it, nobody in particular asks.
fn credential(reference: &Reference) -> Result<RegistryAuth, PullError> {
    use docker_credential::{CredentialRetrievalError as Missing, DockerCredential};
    let registry = reference.resolve_registry();
    let server = if registry == "index.docker.io" {
        DOCKER_HUB
    } else {
        registry
    };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => Err(PullError::Credential(format!(
            "the Docker configuration has an identity token for `{server}`, which is not used; log in with a password or an access token"
        ))),
        Err(
            Missing::ConfigNotFound
            | Missing::ConfigReadError
            | Missing::NoCredentialConfigured
            | Missing::HelperFailure { .. },
        ) => Ok(RegistryAuth::Anonymous),
        Err(error) => Err(PullError::Credential(format!(
            "the Docker configuration cannot be used: {error}"
        ))),
    }
}
