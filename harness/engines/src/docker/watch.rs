//! The supervisor of a traced boot where this process is not root and the daemon is: in a container of its own, beside the
//! subject's, which keeps every bit of its hardening.

use std::any::Any;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::run::Deadline;
use adamant_probe::sinkhole::Profile;
use adamant_probe::{MEETING_DIR, MOUNT_PATH};

use super::client::Client;
use super::client::api::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
};
use crate::supervisor::{self, Ahead, Supervisor};

/// What it takes to read the memory and files of another container's processes, to make its network, and to listen on any
/// port of that.
const CAPABILITIES: [&str; 6] = [
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "SYS_ADMIN",
    "SYS_PTRACE",
];
/// How long the daemon is asked about itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a supervisor is started for.
#[derive(Debug)]
pub(super) struct Watched<'w> {
    /// The name of the subject's container.
    pub(super) name: &'w str,
    /// An image that the daemon has; nothing of it is used.
    pub(super) image: &'w str,
    pub(super) probe: &'w Path,
    pub(super) labels: HashMap<String, String>,
    /// What the launcher tries to write.
    pub(super) path: &'w str,
    pub(super) network: Option<Profile>,
}

/// The container, which goes when this is dropped.
struct Beside {
    client: Arc<Client>,
    name: String,
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It ends by itself when the engine hangs up; what stays after all is reaped by its labels.
        let _ = self
            .client
            .remove(&self.name, &Deadline::for_cleanup(super::CLEANUP));
    }
}

/// Starts whoever watches a boot: a child of ours where we are root, else a container.
pub(super) fn start(
    client: &Arc<Client>,
    watched: Watched<'_>,
    watchers: &Ahead,
    deadline: &Deadline,
) -> Result<Supervisor, EngineError> {
    if supervisor::may_watch() {
        return watchers.take(watched.probe, watched.path, watched.network);
    }
    let path = watched.path.to_owned();
    let start = |dir: &Path| -> Result<Box<dyn Any + Send>, EngineError> {
        let name = format!("{}-watch", watched.name);
        let beside = Beside {
            client: client.clone(),
            name: name.clone(),
        };
        client.create(&name, body(watched, dir), deadline)?;
        client.start(&name, deadline)?;
        Ok(Box::new(beside))
    };
    Supervisor::beside(&path, start, deadline).map_err(unwatched)
}

/// Has a child of ours ready for the next boot.
pub(super) fn prepare(probe: &Path, network: Option<Profile>, watchers: &Ahead) {
    if supervisor::may_watch() {
        watchers.prepare(probe, network);
    }
}

/// Why nobody can be watched by way of this daemon.
pub(super) fn blind(client: &Client) -> Option<String> {
    if let Some(why) = supervisor::blind() {
        return Some(why);
    }
    if supervisor::may_watch() {
        return None;
    }
    let deadline = Deadline::for_cleanup(PATIENCE);
    let info = client.call(
        "ask the daemon about itself",
        &deadline,
        client.docker.info(),
    );
    let rootless = |options: &Option<Vec<String>>| {
        let mut options = options.iter().flatten();
        options.any(|option| option.contains("rootless"))
    };
    match info {
        Ok(info) if rootless(&info.security_options) => Some(
            "neither this process nor the daemon is root, and it takes root to watch the processes of a container"
                .to_owned(),
        ),
        Ok(_) => None,
        Err(trouble) => Some(EngineError::from(trouble).to_string()),
    }
}

fn body(watched: Watched<'_>, dir: &Path) -> ContainerCreateBody {
    let mount = |source: &Path, target: &str, read_only: bool| Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Default::default()
    };
    let network = watched.network.iter();
    let network = network.flat_map(|profile| ["--network", profile.word()]);
    let words = ["watch", "--meet", MEETING_DIR].into_iter().chain(network);
    ContainerCreateBody {
        image: Some(watched.image.to_owned()),
        entrypoint: Some(vec![MOUNT_PATH.to_owned()]),
        cmd: Some(words.map(str::to_owned).collect()),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        labels: Some(watched.labels),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".into()]),
            ..Default::default()
        }),
        host_config: Some(HostConfig {
            // It must see the subject's processes, and give the ids that the kernel gives.
            pid_mode: Some("host".to_owned()),
            userns_mode: Some("host".to_owned()),
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            mounts: Some(vec![
                mount(watched.probe, MOUNT_PATH, true),
                mount(dir, MEETING_DIR, false),
            ]),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: Some(CAPABILITIES.map(str::to_owned).into()),
            security_opt: Some(
                [
                    "seccomp=unconfined",
                    "apparmor=unconfined",
                    "label=disable",
                    "no-new-privileges:true",
                ]
                .map(str::to_owned)
                .into(),
            ),
            // It enters namespaces and sets what belongs to a network there.
            masked_paths: Some(Vec::new()),
            readonly_paths: Some(Vec::new()),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".into()),
                config: None,
            }),
            init: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The daemon's refusal of a container that watches is no fault of the subject.
fn unwatched(error: EngineError) -> EngineError {
    match error.kind() {
        ErrorKind::Cancelled | ErrorKind::TimedOut => error,
        _ => error.hint(
            "this process is not root, so its boots are watched from a container with CAP_SYS_PTRACE beside them; run it as root where the daemon refuses that",
        ),
    }
}
