//! A boot plan as the daemon's create request, and the daemon's refusals told apart.

use std::collections::HashMap;
use std::path::Path;

use adamant_core::engine::{BootPlan, ImageConfig};
use adamant_probe::sinkhole::NAME_SERVER;
use adamant_probe::{MOUNT_PATH, TRACE_SOCKET};

use crate::ask;
use crate::launch;

use super::client::Product;
use super::client::api::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
};
use super::podman;

/// What is needed to create a container besides the plan.
#[derive(Debug)]
pub(super) struct Ground<'g> {
    pub(super) product: Product,
    pub(super) image: &'g str,
    /// What the image says about its process 1.
    pub(super) config: &'g ImageConfig,
    /// The supervisor's socket, for a traced boot.
    pub(super) socket: Option<&'g Path>,
    pub(super) probe: &'g Path,
    /// Volumes of memory, where the daemon takes the plan's only that way.
    pub(super) memory: &'g [String],
    /// A directory with the files in `/etc` that the daemon does not make.
    pub(super) files: Option<&'g Path>,
    pub(super) network: Option<&'g str>,
    pub(super) labels: HashMap<String, String>,
}

/// The request for `plan`.
pub(super) fn body(plan: &BootPlan, ground: Ground<'_>) -> ContainerCreateBody {
    let (entrypoint, cmd) = process_1(plan, ground.config);
    ContainerCreateBody {
        image: Some(ground.image.to_owned()),
        entrypoint,
        cmd,
        env: Some(
            plan.env
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        ),
        user: plan.user.clone(),
        working_dir: plan.workdir.clone(),
        host_config: Some(host(plan, &ground)),
        labels: Some(ground.labels),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        // A health check of the image would be a process that the subject did not start.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".into()]),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// What process 1 is: the subject's own, through the launcher where the boot is traced.
fn process_1(plan: &BootPlan, config: &ImageConfig) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let held = ask::held(plan);
    let args = held.as_ref().map(|_| Vec::new());
    let args = args.as_ref().or(plan.args.as_ref());
    let Some(path) = &plan.trace else {
        return (held, args.cloned());
    };
    let args = args.unwrap_or(&config.cmd);
    let entrypoint = held.as_ref().unwrap_or(&config.entrypoint);
    if entrypoint.is_empty() && args.is_empty() {
        // The daemon's own refusal is the answer.
        return (None, None);
    }
    // A daemon forgets the image's arguments when it is given another entrypoint.
    let entrypoint = launch::launched(plan, path, entrypoint);
    (Some(entrypoint), Some(args.clone()))
}

fn host(plan: &BootPlan, ground: &Ground<'_>) -> HostConfig {
    let memory = plan
        .memory
        .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    HostConfig {
        network_mode: Some(ground.network.unwrap_or("none").to_owned()),
        // The made network's own name server: without a word the daemon would name the host's.
        dns: plan
            .network
            .profile()
            .map(|_| vec![NAME_SERVER.to_string()]),
        readonly_rootfs: Some(plan.read_only),
        tmpfs: Some(match ground.product {
            Product::Docker => plan
                .tmpfs
                .iter()
                .map(|t| (t.path.clone(), t.options.clone()))
                .collect(),
            Product::Podman => podman::unwritable(plan, ground.config),
        }),
        binds: Some(ground.memory.to_vec()),
        mounts: Some(mounts(plan, ground)),
        cap_add: Some(plan.cap_add.clone()),
        cap_drop: Some(plan.cap_drop.clone()),
        security_opt: plan
            .no_new_privileges
            .then(|| vec!["no-new-privileges:true".into()]),
        memory,
        // Without this, as much swap again is allowed, and a limit is no limit.
        memory_swap: memory,
        pids_limit: plan.pids.map(i64::from),
        // A gigabyte of output goes through the attached stream and fills no disk.
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".into()),
            config: None,
        }),
        // A daemon may put its own process 1 in front of the subject's by default.
        init: Some(false),
        ..Default::default()
    }
}

/// Mounts, not binds: a bind of a path that the daemon does not see would quietly make a directory.
fn mounts(plan: &BootPlan, ground: &Ground<'_>) -> Vec<Mount> {
    let mount = |typ: MountType, source: String, target: &str, read_only: bool| Mount {
        typ: Some(typ),
        source: Some(source),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Default::default()
    };
    let mut mounts = vec![mount(
        MountType::BIND,
        ground.probe.display().to_string(),
        MOUNT_PATH,
        true,
    )];
    mounts.extend(ground.socket.map(|socket| {
        mount(
            MountType::BIND,
            socket.display().to_string(),
            TRACE_SOCKET,
            true,
        )
    }));
    let files = ground.files.into_iter();
    let files = files.flat_map(|dir| podman::targets(plan, dir));
    mounts.extend(files.map(|(file, target)| {
        let file = file.display().to_string();
        mount(MountType::BIND, file, &target, plan.read_only)
    }));
    mounts.extend(
        plan.volumes
            .iter()
            .map(|v| mount(MountType::VOLUME, v.name.clone(), &v.path, false)),
    );
    mounts.extend(plan.binds.iter().map(|b| {
        mount(
            MountType::BIND,
            b.source.display().to_string(),
            &b.target,
            b.read_only,
        )
    }));
    mounts
}

/// The exit code that a shell would give, when the daemon could not start the subject's executable.
///
/// Told by the runtime's words about the entry process (`exec: "…": …`); what it says about mounts or namespaces is
/// trouble of ours.
pub(super) fn refused(message: &str) -> Option<i64> {
    let process = message.contains("exec: \"")
        || message.contains("exec user process")
        || message.contains("executable file");
    if !process || message.contains("mount") {
        return None;
    }
    let text = message.to_lowercase();
    if text.contains("not found in $path") || text.contains("no such file or directory") {
        return Some(127);
    }
    let cannot = [
        "permission denied",
        "is a directory",
        "exec format error",
        "not a directory",
    ];
    cannot
        .iter()
        .any(|words| text.contains(words))
        .then_some(126)
}

/// Whether the daemon lives where our files are not.
pub(super) fn sees_no_files(message: &str) -> bool {
    message.contains("bind source path does not exist")
}

#[cfg(test)]
pub(super) mod tests {
    use adamant_core::case::Clock;

    use super::*;
    use adamant_core::engine::{Bind, Network, Owner, Tmpfs, VolumeMount};

    pub(in crate::docker) fn plan() -> BootPlan {
        BootPlan {
            image: "sha256:0".into(),
            absent: Vec::new(),
            args: None,
            env: [("A".to_owned(), "1".to_owned())].into(),
            user: None,
            workdir: None,
            network: Network::None,
            read_only: true,
            tmpfs: vec![Tmpfs {
                path: "/tmp".into(),
                options: "mode=1777,size=64m".into(),
            }],
            volumes: vec![VolumeMount {
                name: "v".into(),
                path: "/data".into(),
            }],
            binds: vec![Bind {
                source: "/x".into(),
                target: "/y".into(),
                read_only: false,
            }],
            cap_drop: vec!["ALL".into()],
            cap_add: Vec::new(),
            no_new_privileges: true,
            memory: Some(1 << 20),
            pids: Some(64),
            trace: None,
            trace_reads: false,
            clock: Clock::Host,
            hold: false,
            owner: Owner {
                run: "r".into(),
                purpose: "p".into(),
                deadline: std::time::SystemTime::UNIX_EPOCH,
            },
            poll_ms: 20,
        }
    }

    #[test]
    fn a_plan_without_arguments_leaves_the_image_its_own() {
        let config = ImageConfig {
            entrypoint: vec!["/run".into()],
            cmd: vec!["x".into()],
            ..ImageConfig::default()
        };
        let ground = || Ground {
            product: Product::Docker,
            memory: &[],
            files: None,
            image: "i",
            config: &config,
            socket: None,
            probe: Path::new("/p"),
            network: None,
            labels: HashMap::new(),
        };
        let request = body(&plan(), ground());
        assert!(request.cmd.is_none() && request.entrypoint.is_none() && request.user.is_none());
        let host = request.host_config.expect("a host part");
        assert_eq!(host.network_mode.as_deref(), Some("none"));
        assert_eq!(
            (host.memory, host.memory_swap),
            (Some(1 << 20), Some(1 << 20))
        );
        let mounts = host.mounts.expect("mounts");
        assert_eq!(mounts[0].target.as_deref(), Some(MOUNT_PATH));
        assert_eq!(mounts[0].read_only, Some(true));
        assert_eq!(mounts.len(), 3);
        let args = BootPlan {
            args: Some(vec!["x".into()]),
            ..plan()
        };
        assert_eq!(body(&args, ground()).cmd, Some(vec!["x".to_owned()]));
        let traced = BootPlan {
            trace: Some("/app/.adamant-control".into()),
            ..plan()
        };
        let socket = Some(Path::new("/s"));
        let request = body(&traced, Ground { socket, ..ground() });
        let entrypoint = request.entrypoint.expect("the launcher");
        assert_eq!(entrypoint.first().map(String::as_str), Some(MOUNT_PATH));
        assert_eq!(entrypoint.last().map(String::as_str), Some("/run"));
        assert_eq!(request.cmd, Some(vec!["x".to_owned()]));
        let mounts = request.host_config.and_then(|host| host.mounts);
        assert_eq!(
            mounts.expect("mounts")[1].target.as_deref(),
            Some(TRACE_SOCKET)
        );
        let held = BootPlan {
            hold: true,
            ..plan()
        };
        let request = body(&held, ground());
        assert_eq!(request.cmd, Some(Vec::new()));
        assert_eq!(
            request.entrypoint,
            Some(vec![MOUNT_PATH.into(), "hold".into()])
        );
    }

    #[test]
    fn only_words_about_the_entry_process_are_a_refusal() {
        let runc = "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: ";
        for (words, code) in [
            (format!("{runc}\"nope\": executable file not found in $PATH: unknown"), Some(127)),
            (format!("{runc}\"/nope\": stat /nope: no such file or directory: unknown"), Some(127)),
            (format!("{runc}\"/etc\": permission denied: unknown"), Some(126)),
            ("preparing container 0 for attach: runc: runc create failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: OCI runtime attempted to invoke a command that was not found".into(), Some(127)),
            (format!("{runc}\"/etc\": is a directory: unknown"), Some(126)),
            ("crun: executable file `nope` not found in $PATH: No such file or directory: OCI runtime error".into(), Some(127)),
            ("error mounting \"/x\" to rootfs at \"/y\": no such file or directory".into(), None),
            ("OCI runtime create failed: chdir to cwd (\"/x\") set in config.json failed: no such file or directory".into(), None),
            ("driver failed programming external connectivity".into(), None),
        ] {
            assert_eq!(refused(&words), code, "{words}");
        }
    }
}
