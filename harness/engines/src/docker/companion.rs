//! Companion services: a container beside the subject, on its network, that answers HTTP under a host name.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use adamant_core::run::Deadline;
use adamant_probe::{Reply, Request, Target};
use serde_json::json;
use testcontainers::core::ImageExt as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage};

use super::client::Client;
use super::output::Exec;
use crate::ask;
use crate::embedded::PROBE;
use crate::image::{digest, tape};

/// The repository of the image that companions run; the tag is the digest of what is in it.
pub(super) const REPOSITORY: &str = "adamant.local/companion";
/// Where the image holds the probe, which is the service too.
const EXECUTABLE: &str = "/adamant-probe";

/// What a companion is to be.
#[derive(Debug)]
pub(super) struct Wanted<'w> {
    pub(super) name: String,
    pub(super) network: &'w str,
    pub(super) alias: &'w str,
    pub(super) port: u16,
    pub(super) labels: HashMap<String, String>,
}

/// A running companion.
pub(super) struct Companion {
    name: String,
    port: u16,
    container: ContainerAsync<GenericImage>,
}

impl std::fmt::Debug for Companion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Companion")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Companion {
    /// Starts it and waits until it answers.
    pub(super) fn start(
        client: &Client,
        wanted: Wanted<'_>,
        deadline: &Deadline,
    ) -> Result<Self, EngineError> {
        same_daemon(&client.socket)?;
        let tag = load(client, deadline)?;
        let attempt = format!("start the companion `{}`", wanted.alias);
        let request = GenericImage::new(REPOSITORY, &tag)
            .with_cmd(["serve".to_owned(), wanted.port.to_string()])
            .with_container_name(&wanted.name)
            .with_labels(wanted.labels)
            .with_network(wanted.network)
            .with_startup_timeout(deadline.left().unwrap_or(Duration::ZERO));
        let started = client.within(&attempt, deadline, request.start());
        let container = match started {
            Ok(Ok(container)) => container,
            Ok(Err(error)) => {
                return Err(Self::failed(
                    client,
                    &wanted.name,
                    EngineError::new(ErrorKind::Engine, attempt).caused_by(error),
                ));
            }
            Err(error) => return Err(Self::failed(client, &wanted.name, error)),
        };
        let companion = Self {
            name: wanted.name,
            port: wanted.port,
            container,
        };
        // testcontainers has no word for an alias, only for a name that all boots would share.
        let joined =
            client.rename_on_network(wanted.network, &companion.name, wanted.alias, deadline);
        match joined.and_then(|()| companion.answers(client, deadline)) {
            Ok(()) => Ok(companion),
            Err(error) => {
                companion.remove(client, &Deadline::for_cleanup(super::CLEANUP))?;
                Err(error)
            }
        }
    }

    /// What was half made is removed; the first failure is the one to tell.
    pub(super) fn failed(client: &Client, name: &str, error: EngineError) -> EngineError {
        match client.remove(name, &Deadline::for_cleanup(super::CLEANUP)) {
            Ok(_) => error,
            Err(also) => error.hint(format!("it may have been left behind: {also}")),
        }
    }

    fn answers(&self, client: &Client, deadline: &Deadline) -> Result<(), EngineError> {
        let within = deadline.left().unwrap_or(Duration::ZERO);
        let target = Target::Http {
            port: self.port,
            path: "/".into(),
            status: 200,
        };
        let request = Request::Ready {
            target,
            within_ms: ask::millis(within),
            interval_ms: 20,
        };
        let attempt = format!("reach the companion `{}` on port {}", self.name, self.port);
        if self
            .probe(client, &request, &attempt, deadline)?
            .contains(&Reply::Ready { ready: true })
        {
            return Ok(());
        }
        Err(EngineError::new(ErrorKind::Engine, attempt).caused_by("it does not answer"))
    }

    /// Where it is on a network.
    pub(super) fn address(
        &self,
        client: &Client,
        network: &str,
        deadline: &Deadline,
    ) -> Result<String, EngineError> {
        let record = client.inspect(&self.name, deadline)?;
        let settings = record.and_then(|record| record.network_settings);
        let mut networks = settings.and_then(|settings| settings.networks);
        let endpoint = networks.as_mut().and_then(|all| all.remove(network));
        let address = endpoint.and_then(|endpoint| endpoint.ip_address);
        address
            .filter(|address| !address.is_empty())
            .ok_or_else(|| {
                let attempt = format!("find the companion `{}` on its network", self.name);
                EngineError::new(ErrorKind::Engine, attempt).caused_by("it has no address there")
            })
    }

    /// The addresses from which somebody connected, in order of arrival.
    pub(super) fn peers(
        &self,
        client: &Client,
        deadline: &Deadline,
    ) -> Result<Vec<String>, EngineError> {
        let request = Request::Http {
            port: self.port,
            path: "/".into(),
            timeout_ms: ask::millis(deadline.left().unwrap_or(Duration::ZERO)),
        };
        let attempt = format!("ask the companion `{}` who connected", self.name);
        let replies = self.probe(client, &request, &attempt, deadline)?;
        let body = replies.into_iter().find_map(|reply| match reply {
            Reply::Http(http) if http.status == Some(200) => Some(http.body),
            _ => None,
        });
        let body = body.ok_or_else(|| {
            EngineError::new(ErrorKind::Engine, attempt).caused_by("it does not answer")
        })?;
        Ok(body.lines().map(str::to_owned).collect())
    }

    /// Runs the probe beside the service, on the same loopback.
    fn probe(
        &self,
        client: &Client,
        request: &Request,
        attempt: &str,
        deadline: &Deadline,
    ) -> Result<Vec<Reply>, EngineError> {
        let argv = vec![EXECUTABLE.to_owned(), ask::encode(request)];
        let (watch, _task) = client.watch_exit(&self.name);
        let mut replies = ask::Replies::default();
        let exec = Exec { argv, user: None };
        client.exec(&self.name, exec, &watch, deadline, |stream, bytes| {
            replies.take(stream, bytes)
        })?;
        replies.finish(attempt)
    }

    /// Kills and removes it.
    pub(super) fn remove(self, client: &Client, deadline: &Deadline) -> Result<(), EngineError> {
        let attempt = format!("remove the companion `{}`", self.name);
        let removed = client.within(&attempt, deadline, self.container.rm())?;
        removed.map_err(|error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error))
    }
}

/// testcontainers finds its daemon itself; it must be ours.
pub(super) fn same_daemon(socket: &Path) -> Result<(), EngineError> {
    let default = Path::new("/var/run/docker.sock");
    if env::host("DOCKER_HOST").is_some_and(|h| !h.is_empty()) || socket == default {
        return Ok(());
    }
    let attempt = format!("start a companion on `{}`", socket.display());
    let hint = format!(
        "say which daemon is meant: `DOCKER_HOST=unix://{}`",
        socket.display()
    );
    Err(EngineError::new(ErrorKind::Unsupported, attempt)
        .caused_by("testcontainers looks for its daemon elsewhere")
        .hint(hint))
}

/// Loads the image when the daemon does not have it; answers its tag.
fn load(client: &Client, deadline: &Deadline) -> Result<String, EngineError> {
    let tag = digest::of(PROBE.binary)[..12].to_owned();
    let reference = format!("{REPOSITORY}:{tag}");
    if client.image_id(&reference, deadline)?.is_none() {
        let (config, layer) = image(&client.version(deadline)?.platform);
        let archive = tape::image(
            &reference,
            config,
            &["layer.tar".to_owned()],
            vec![tape::Part::bytes("layer.tar", layer)],
        );
        client.load("the image of companions", archive, deadline)?;
    }
    Ok(tag)
}

/// One layer that holds the static probe, which answers HTTP as `adamant-probe serve PORT`.
fn image(platform: &str) -> (Vec<u8>, Vec<u8>) {
    let layer = tape::Layer::default()
        .file(EXECUTABLE, 0o755, PROBE.binary)
        .finish();
    let (os, architecture) = platform.split_once('/').unwrap_or(("linux", platform));
    let config = json!({
        "os": os,
        "architecture": architecture,
        "created": "1970-01-01T00:00:00Z",
        "config": { "Entrypoint": [EXECUTABLE] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", digest::of(&layer))] },
    });
    (config.to_string().into_bytes(), layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_of_companions_is_an_image() {
        let (config, layer) = image("linux/amd64");
        let archive = tape::image(
            "x:y",
            config,
            &["layer.tar".to_owned()],
            vec![tape::Part::bytes("layer.tar", layer)],
        );
        let read = crate::image::archive::read(archive).expect("reads").image;
        assert_eq!(read.config.entrypoint, [EXECUTABLE]);
        assert_eq!(read.entries[EXECUTABLE].mode, 0o755);
    }

    #[test]
    fn a_companion_needs_to_be_told_of_an_unusual_daemon() {
        if env::host("DOCKER_HOST").is_none() {
            let error = same_daemon(Path::new("/run/podman/podman.sock")).expect_err("refused");
            assert!(error.get_hint().is_some_and(|h| h.contains("DOCKER_HOST")));
        }
    }
}
