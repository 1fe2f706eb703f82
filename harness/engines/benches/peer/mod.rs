//! The bare lifecycle, by hand and as fast as Docker's API allows: the observations of the trial and not one call more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adamant_core::env;
use adamant_probe::{MOUNT_PATH, Reply, Request, Target};
use bollard::Docker;
use bollard::container::AttachContainerResults;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;

use crate::Failure;

/// What the engine embeds.
const PROBE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adamant-probe"));
/// After this, an engine that finds a container of an interrupted benchmark removes it.
const LIFETIME: Duration = Duration::from_secs(600);

/// A connection that is made, and everything that is the same each time.
pub(crate) struct Peer {
    runtime: Runtime,
    docker: Docker,
    body: ContainerCreateBody,
    ready: CreateExecOptions<String>,
    alive: CreateExecOptions<String>,
    processes: CreateExecOptions<String>,
}

impl Peer {
    /// Connects, and prepares what needs no container; a trial has run before.
    pub(crate) fn connect(image: &str) -> Result<Self, Failure> {
        // One thread: nothing here runs at the same time as anything else.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let docker = Docker::connect_with_unix_defaults()?;
        let docker = runtime.block_on(docker.negotiate_version())?;
        Ok(Self {
            runtime,
            docker,
            body: body(image, &probe()?),
            ready: exec(&Request::Ready {
                target: Target::Http {
                    port: 8080,
                    path: "/ready".into(),
                    status: 200,
                },
                within_ms: 10_000,
                interval_ms: 20,
            })?,
            alive: exec(&Request::Http {
                port: 8080,
                path: "/livez".into(),
                timeout_ms: 30_000,
            })?,
            processes: exec(&Request::Processes)?,
        })
    }

    /// From nothing to nothing, with every observation in between judged.
    pub(crate) fn lifecycle(&self) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let created = self
                .docker
                .create_container(None::<CreateContainerOptions>, self.body.clone())
                .await?;
            let seen = self.observe(&created.id).await;
            let options = RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            self.docker
                .remove_container(&created.id, Some(options))
                .await?;
            seen
        })
    }

    async fn observe(&self, id: &str) -> Result<(), Failure> {
        let options = AttachContainerOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .stream(true)
            .build();
        let attached = self.docker.attach_container(id, Some(options)).await?;
        let log = tokio::spawn(collect(attached));
        self.docker
            .start_container(id, None::<StartContainerOptions>)
            .await?;
        let ready = self.ask(id, &self.ready).await?;
        if !ready.contains(&Reply::Ready { ready: true }) {
            return Err(format!("the container is not ready: {ready:?}").into());
        }
        let alive = self.ask(id, &self.alive).await?;
        if !matches!(alive.as_slice(), [Reply::Http(http), Reply::Done] if http.status == Some(200))
        {
            return Err(format!("the container is not alive: {alive:?}").into());
        }
        let processes = self.ask(id, &self.processes).await?;
        let not_root = |reply: &Reply| match reply {
            Reply::Process(process) => !process.uid.contains(&0),
            other => *other == Reply::Done,
        };
        if processes.len() < 2 || !processes.iter().all(not_root) {
            return Err(format!("not every process is known not to be root: {processes:?}").into());
        }
        log.abort();
        Ok(())
    }

    async fn ask(&self, id: &str, exec: &CreateExecOptions<String>) -> Result<Vec<Reply>, Failure> {
        let exec = self.docker.create_exec(id, exec.clone()).await?.id;
        let StartExecResults::Attached {
            mut output,
            input: _input,
        } = self.docker.start_exec(&exec, None).await?
        else {
            return Err("the probe was not attached".into());
        };
        let mut bytes = Vec::new();
        while let Some(frame) = output.next().await {
            bytes.extend_from_slice(frame?.as_ref());
        }
        let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        Ok(lines
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()?)
    }
}

/// The container's own output, which a trial keeps as well.
async fn collect(attached: AttachContainerResults) -> Vec<u8> {
    let AttachContainerResults {
        mut output,
        input: _input,
    } = attached;
    let mut log = Vec::new();
    while let Some(Ok(frame)) = output.next().await {
        log.extend_from_slice(frame.as_ref());
    }
    log
}

/// The engine's own file, which the first trial wrote.
fn probe() -> Result<PathBuf, Failure> {
    for entry in std::fs::read_dir(env::cache_dir().join("probe"))? {
        let path = entry?.path().join("adamant-probe");
        if std::fs::read(&path).is_ok_and(|found| found == PROBE) {
            return Ok(path);
        }
    }
    Err("the engine's probe is not in the cache".into())
}

fn exec(request: &Request) -> Result<CreateExecOptions<String>, Failure> {
    Ok(CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(vec![MOUNT_PATH.to_owned(), serde_json::to_string(request)?]),
        user: Some("0".to_owned()),
        ..Default::default()
    })
}

/// What the engine asks for, for this trial.
fn body(image: &str, probe: &Path) -> ContainerCreateBody {
    let late = SystemTime::now() + LIFETIME;
    let late = late.duration_since(UNIX_EPOCH).unwrap_or_default();
    ContainerCreateBody {
        image: Some(image.to_owned()),
        labels: Some(HashMap::from([
            ("dev.adamant.run".to_owned(), "bench-peer".to_owned()),
            (
                "dev.adamant.deadline".to_owned(),
                late.as_secs().to_string(),
            ),
        ])),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".into()]),
            ..Default::default()
        }),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            readonly_rootfs: Some(false),
            mounts: Some(vec![Mount {
                typ: Some(MountType::BIND),
                source: Some(probe.display().to_string()),
                target: Some(MOUNT_PATH.to_owned()),
                read_only: Some(true),
                ..Default::default()
            }]),
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
