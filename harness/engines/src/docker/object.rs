//! Volumes, networks and everything else that carries our labels: made, listed and removed.

use std::collections::HashMap;
use std::fmt;

use adamant_core::engine::EngineError;
use adamant_core::run::Deadline;

use super::client::{Client, api, found, in_our_words};
use crate::owner;

/// What an object is; in the order in which objects can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKind {
    Container,
    Network,
    Volume,
    Image,
}

/// One object that carries our labels.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    pub(super) name: String,
    pub(super) labels: HashMap<String, String>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ObjectKind::Container => "container",
            ObjectKind::Network => "network",
            ObjectKind::Volume => "volume",
            ObjectKind::Image => "image",
        };
        write!(f, "{kind} {}", self.name)
    }
}

impl Client {
    /// Everything of every run, in the order in which it can be removed.
    pub(super) fn objects(&self, deadline: &Deadline) -> Result<Vec<Object>, EngineError> {
        let filters = HashMap::from([("label", vec![owner::RUN])]);
        let mut objects = self.containers(&filters, deadline)?;
        let options = api::query_parameters::ListNetworksOptionsBuilder::new()
            .filters(&filters)
            .build();
        for network in self.call(
            "list networks",
            deadline,
            self.docker.list_networks(Some(options)),
        )? {
            let labels = network.labels.unwrap_or_default();
            objects.push(Object {
                kind: ObjectKind::Network,
                name: network.name.unwrap_or_default(),
                labels,
            });
        }
        let options = api::query_parameters::ListVolumesOptionsBuilder::new()
            .filters(&filters)
            .build();
        let volumes = self.call(
            "list volumes",
            deadline,
            self.docker.list_volumes(Some(options)),
        )?;
        for volume in volumes.volumes.into_iter().flatten() {
            objects.push(Object {
                kind: ObjectKind::Volume,
                name: volume.name,
                labels: volume.labels,
            });
        }
        let options = api::query_parameters::ListImagesOptionsBuilder::new()
            .filters(&filters)
            .build();
        for image in self.call(
            "list images",
            deadline,
            self.docker.list_images(Some(options)),
        )? {
            objects.push(Object {
                kind: ObjectKind::Image,
                name: image.id,
                labels: image.labels,
            });
        }
        Ok(objects)
    }

    fn containers(
        &self,
        filters: &HashMap<&str, Vec<&str>>,
        deadline: &Deadline,
    ) -> Result<Vec<Object>, EngineError> {
        let options = api::query_parameters::ListContainersOptionsBuilder::new()
            .all(true)
            .filters(filters)
            .build();
        let work = self.docker.list_containers(Some(options));
        let work = async { work.await.or_else(|error| in_our_words(error, &["State"])) };
        let containers = self.call("list containers", deadline, work)?;
        let object = |container: api::models::ContainerSummary| {
            let name = container
                .names
                .into_iter()
                .flatten()
                .next()
                .or(container.id)
                .unwrap_or_default();
            let labels = container.labels.unwrap_or_default();
            Object {
                kind: ObjectKind::Container,
                name: name.trim_start_matches('/').to_owned(),
                labels,
            }
        };
        Ok(containers.into_iter().map(object).collect())
    }

    /// Removes an object; answers whether it existed.
    pub(super) fn remove_object(
        &self,
        object: &Object,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        match object.kind {
            ObjectKind::Container => self.remove(&object.name, deadline),
            ObjectKind::Network => self.remove_network(&object.name, deadline),
            ObjectKind::Volume => self.remove_volume(&object.name, deadline),
            ObjectKind::Image => self.remove_image(&object.name, deadline),
        }
    }

    pub(super) fn create_volume(
        &self,
        name: &str,
        labels: HashMap<String, String>,
        kind: HashMap<String, String>,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let request = api::models::VolumeCreateRequest {
            name: Some(name.to_owned()),
            driver_opts: Some(kind),
            labels: Some(labels),
            ..Default::default()
        };
        self.call(
            &format!("create the volume `{name}`"),
            deadline,
            self.docker.create_volume(request),
        )?;
        Ok(())
    }

    pub(super) fn remove_volume(
        &self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let work = self
            .docker
            .remove_volume(name, None::<api::query_parameters::RemoveVolumeOptions>);
        Ok(found(self.call(&format!("remove the volume `{name}`"), deadline, work))?.is_some())
    }

    /// A bridge without a way out.
    pub(super) fn create_network(
        &self,
        name: &str,
        labels: HashMap<String, String>,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let request = api::models::NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".into()),
            internal: Some(true),
            labels: Some(labels),
            ..Default::default()
        };
        self.call(
            &format!("create the network `{name}`"),
            deadline,
            self.docker.create_network(request),
        )?;
        Ok(())
    }

    /// Takes a container off a network and puts it back under another name.
    pub(super) fn rename_on_network(
        &self,
        network: &str,
        container: &str,
        alias: &str,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        let leave = api::models::NetworkDisconnectRequest {
            container: container.to_owned(),
            force: Some(true),
        };
        self.call(
            &format!("disconnect `{container}` from `{network}`"),
            deadline,
            self.docker.disconnect_network(network, leave),
        )?;
        let join = api::models::NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(api::models::EndpointSettings {
                aliases: Some(vec![alias.to_owned()]),
                ..Default::default()
            }),
        };
        self.call(
            &format!("connect `{container}` to `{network}` as `{alias}`"),
            deadline,
            self.docker.connect_network(network, join),
        )?;
        Ok(())
    }

    pub(super) fn remove_network(
        &self,
        name: &str,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let work = self.docker.remove_network(name);
        Ok(found(self.call(&format!("remove the network `{name}`"), deadline, work))?.is_some())
    }
}
