//! A service beside tests: an image of ours, run by testcontainers as a container that this host can reach.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{Engine as _, EngineError, ErrorKind, ImageSource, Owner};
use adamant_core::run::Deadline;
use testcontainers::core::ImageExt as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage};

use super::client::Client;
use super::{CLEANUP, Docker, companion};

/// A running service. It ends, and is removed, when this goes; what a killed test leaves, the next run's janitor removes.
pub struct Service {
    client: Arc<Client>,
    container: Option<ContainerAsync<GenericImage>>,
    address: SocketAddr,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Starts the image as it is configured and waits until something listens on `port`.
    ///
    /// # Errors
    /// Where there is no daemon, the image cannot be loaded, or nobody listens in time.
    pub fn start(
        docker: &Docker,
        image: &ImageSource,
        port: u16,
        owner: &Owner,
        deadline: &Deadline,
    ) -> Result<Self, EngineError> {
        let client = docker.client(deadline)?;
        companion::same_daemon(&client.socket)?;
        let id = docker.image(image, deadline)?.id.clone();
        let attempt = format!("start `{image}` as a service");
        let trouble =
            |why: String| EngineError::new(ErrorKind::Engine, attempt.clone()).caused_by(why);
        // An image's id is `sha256:HEX`, which the library takes for a name and its tag.
        let (name, tag) = id.split_once(':').unwrap_or((&id, "latest"));
        let unique = docker.unique(owner);
        let request = GenericImage::new(name, tag)
            .with_container_name(&unique)
            .with_labels(docker.labels(owner))
            // Named, because the library asks for an address by the network's name.
            .with_network("bridge")
            .with_cap_drop("ALL")
            .with_startup_timeout(deadline.left().unwrap_or(Duration::ZERO));
        let started = client.within(&attempt, deadline, request.start());
        let started = started.and_then(|done| done.map_err(|error| trouble(error.to_string())));
        let container =
            started.map_err(|error| companion::Companion::failed(&client, &unique, error))?;
        let mut service = Self {
            client,
            container: Some(container),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        let at = service.within_network(&attempt, deadline)?;
        service.address.set_ip(at);
        service.listens(deadline).map_err(trouble)?;
        Ok(service)
    }

    /// Where this host reaches it: on the daemon's bridge, so that no port of the host is opened for it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn within_network(&self, attempt: &str, deadline: &Deadline) -> Result<IpAddr, EngineError> {
        let container = self.container.as_ref().expect("it was started");
        let asked = container.get_bridge_ip_address();
        let found = self.client.within(attempt, deadline, asked)?;
        found.map_err(|error| EngineError::new(ErrorKind::Engine, attempt).caused_by(error))
    }

    fn listens(&self, deadline: &Deadline) -> Result<(), String> {
        loop {
            let slice = deadline
                .slice()
                .ok_or_else(|| format!("nobody listens on {}", self.address))?;
            match TcpStream::connect_timeout(&self.address, slice) {
                Ok(_) => return Ok(()),
                Err(_) => {
                    let _ = deadline.pause(Duration::from_millis(10));
                }
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let Some(container) = self.container.take() else {
            return;
        };
        let deadline = Deadline::for_cleanup(CLEANUP);
        // The janitor of the next run finds it by its labels.
        let _ = self
            .client
            .within("remove a service", &deadline, container.rm());
    }
}
