//! A boot plan as a runtime specification: what Docker gives every container, and what the plan says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use adamant_core::engine::{BootPlan, EngineError, ErrorKind, Image};
use adamant_probe::{MOUNT_PATH, TRACE_SOCKET};
use fs_err as fs;
use serde_json::{Value, json};

use super::user::User;
use crate::{ask, given, launch};

/// What a container may do by default.
const CAPABILITIES: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];
/// What a probe needs beside that to look at files of others.
const LOOKING: [&str; 3] = ["DAC_OVERRIDE", "DAC_READ_SEARCH", "SYS_PTRACE"];
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MASKED: [&str; 10] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// What is needed beside the plan.
#[derive(Debug)]
pub(super) struct Ground<'g> {
    pub(super) name: &'g str,
    /// The container's directory, which holds its `hosts`, `hostname` and `resolv.conf`.
    pub(super) dir: &'g Path,
    pub(super) image: &'g Image,
    pub(super) user: &'g User,
    pub(super) probe: &'g Path,
    /// The supervisor's socket, for a traced boot.
    pub(super) socket: Option<&'g Path>,
    /// Directories of the host behind volumes, by their paths in the container.
    pub(super) volumes: &'g BTreeMap<String, PathBuf>,
}

/// The specification without its namespaces and control groups, which are the shim's own affair.
pub(super) fn spec(plan: &BootPlan, ground: &Ground<'_>) -> Result<Value, EngineError> {
    let args = arguments(plan, ground)?;
    let mut resources = json!({});
    if let Some(bytes) = plan.memory {
        // Without the second limit, as much swap again is allowed.
        resources["memory"] = json!({ "limit": bytes, "swap": bytes });
        if !swap_is_counted() {
            resources["memory"] = json!({ "limit": bytes });
        }
    }
    if let Some(pids) = plan.pids {
        resources["pids"] = json!({ "limit": pids });
    }
    Ok(json!({
        "ociVersion": "1.0.2",
        "process": process(plan, ground, args, ground.user, &capabilities(plan), &workdir(plan, ground.image)),
        "root": { "readonly": plan.read_only },
        "hostname": hostname(ground.name),
        "mounts": mounts(plan, ground),
        "linux": {
            "resources": resources,
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    }))
}

/// A process beside process 1 that only looks: as the subject, or as somebody who may look at everything.
pub(super) fn looking(
    plan: &BootPlan,
    ground: &Ground<'_>,
    args: Vec<String>,
    root: bool,
) -> Value {
    let mut may = capabilities(plan);
    if !root {
        let dir = workdir(plan, ground.image);
        return process(plan, ground, args, ground.user, &may, &dir);
    }
    may.extend(LOOKING.map(|name| format!("CAP_{name}")));
    process(plan, ground, args, &User::root(), &may, "/")
}

/// A program on a terminal, as the subject: the terminal takes the place of its three streams.
pub(super) fn on_terminal(
    plan: &BootPlan,
    ground: &Ground<'_>,
    args: Vec<String>,
    kind: &str,
) -> Value {
    let mut process = looking(plan, ground, args, false);
    process["terminal"] = true.into();
    if let Some(env) = process["env"].as_array_mut() {
        env.push(format!("TERM={kind}").into());
    }
    process
}

fn process(
    plan: &BootPlan,
    ground: &Ground<'_>,
    args: Vec<String>,
    user: &User,
    may: &BTreeSet<String>,
    dir: &str,
) -> Value {
    json!({
        "terminal": false,
        "user": { "uid": user.uid, "gid": user.gid, "additionalGids": user.groups },
        "args": args,
        "env": environment(plan, ground),
        "cwd": dir,
        "capabilities": { "bounding": may, "effective": may, "permitted": may },
        "noNewPrivileges": plan.no_new_privileges,
    })
}

/// What process 1 is: the subject's own, through the launcher where the boot is traced.
fn arguments(plan: &BootPlan, ground: &Ground<'_>) -> Result<Vec<String>, EngineError> {
    let config = &ground.image.config;
    let own = plan.args.as_ref().unwrap_or(&config.cmd);
    let own = config.entrypoint.iter().chain(own).cloned().collect();
    let own: Vec<String> = ask::held(plan).unwrap_or(own);
    if own.is_empty() {
        let attempt = format!("start the image `{}`", ground.image.id);
        return Err(EngineError::new(ErrorKind::Engine, attempt)
            .caused_by("it has neither an entrypoint nor a command"));
    }
    let Some(path) = &plan.trace else {
        return Ok(own);
    };
    Ok(launch::launched(plan, path, &own))
}

/// The image's and the plan's own, after what every container has.
fn environment(plan: &BootPlan, ground: &Ground<'_>) -> Vec<String> {
    let mut env = vec![
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOSTNAME".to_owned(), hostname(ground.name)),
    ];
    let image = ground.image.config.env.iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    for (name, value) in image.chain(plan.env.clone()) {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => env.push((name, value)),
        }
    }
    env.into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

/// Where process 1 starts.
pub(super) fn workdir(plan: &BootPlan, image: &Image) -> String {
    let dir = plan.workdir.as_ref().unwrap_or(&image.config.workdir);
    if dir.is_empty() {
        "/".to_owned()
    } else {
        dir.clone()
    }
}

fn capabilities(plan: &BootPlan) -> BTreeSet<String> {
    let full = |name: &String| {
        let name = name.to_uppercase();
        format!("CAP_{}", name.strip_prefix("CAP_").unwrap_or(&name))
    };
    let all = |list: &[String]| list.iter().any(|name| full(name) == "CAP_ALL");
    let mut may: BTreeSet<String> = CAPABILITIES.map(|name| format!("CAP_{name}")).into();
    if all(&plan.cap_drop) {
        may.clear();
    }
    if all(&plan.cap_add) {
        may = every_capability();
    }
    for name in plan.cap_drop.iter().map(full) {
        may.remove(&name);
    }
    may.extend(
        plan.cap_add
            .iter()
            .map(full)
            .filter(|name| name != "CAP_ALL"),
    );
    may
}

/// What this host can give; more cannot be had by anyone.
fn every_capability() -> BTreeSet<String> {
    const NAMES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
        NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE \
        SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL \
        SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let bounding = bounding.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let has = |number: usize| bounding.is_none_or(|bits| bits >> number & 1 == 1);
    let names = NAMES.split_whitespace().enumerate();
    names
        .filter(|(number, _)| has(*number))
        .map(|(_, name)| format!("CAP_{name}"))
        .collect()
}

fn mounts(plan: &BootPlan, ground: &Ground<'_>) -> Vec<Value> {
    let kernel = |target: &str, kind: &str, source: &str, options: &str| {
        let options: Vec<&str> = options.split(',').collect();
        json!({ "destination": target, "type": kind, "source": source, "options": options })
    };
    let mut mounts = vec![
        kernel("/proc", "proc", "proc", "nosuid,noexec,nodev"),
        kernel(
            "/dev",
            "tmpfs",
            "tmpfs",
            "nosuid,strictatime,mode=755,size=65536k",
        ),
        kernel(
            "/dev/pts",
            "devpts",
            "devpts",
            "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
        ),
        kernel("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
        kernel(
            "/sys/fs/cgroup",
            "cgroup",
            "cgroup",
            "ro,nosuid,noexec,nodev",
        ),
        kernel("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
        kernel(
            "/dev/shm",
            "tmpfs",
            "shm",
            "nosuid,noexec,nodev,mode=1777,size=65536k",
        ),
    ];
    let bind = |target: &str, source: &Path, read_only: bool| {
        let how = if read_only { "ro" } else { "rw" };
        json!({ "destination": target, "type": "bind", "source": source, "options": ["rbind", "rprivate", how] })
    };
    let mut asked = Vec::new();
    for name in ["hosts", "hostname", "resolv.conf"] {
        asked.push(bind(
            &format!("/etc/{name}"),
            &ground.dir.join(name),
            plan.read_only,
        ));
    }
    asked.extend(plan.tmpfs.iter().map(|tmpfs| {
        kernel(
            &tmpfs.path,
            "tmpfs",
            "tmpfs",
            &given::memory(&tmpfs.options),
        )
    }));
    asked.extend(
        ground
            .volumes
            .iter()
            .map(|(path, source)| bind(path, source, false)),
    );
    asked.extend(
        plan.binds
            .iter()
            .map(|b| bind(&b.target, &b.source, b.read_only)),
    );
    let target = |mount: &Value| mount["destination"].as_str().unwrap_or_default().to_owned();
    let targets: BTreeSet<String> = asked.iter().map(target).collect();
    mounts.retain(|mount| !targets.contains(&target(mount)));
    // What is mounted inside another mount comes after it.
    asked.sort_by_key(|mount| {
        target(mount)
            .split('/')
            .filter(|part| !part.is_empty())
            .count()
    });
    mounts.extend(asked);
    mounts.push(bind(MOUNT_PATH, ground.probe, true));
    mounts.extend(ground.socket.map(|socket| bind(TRACE_SOCKET, socket, true)));
    mounts
}

/// Whether the kernel counts swap, where limits can be set on it.
fn swap_is_counted() -> bool {
    let first = Path::new("/sys/fs/cgroup/memory");
    !first.exists() || first.join("memory.memsw.limit_in_bytes").exists()
}

/// Twelve hexadecimal digits, as everywhere.
pub(super) fn hostname(name: &str) -> String {
    crate::image::digest::of(name.as_bytes())[..12].to_owned()
}

/// Writes the files that a container sees as its own in `/etc`.
pub(super) fn write_files(plan: &BootPlan, name: &str, dir: &Path) -> std::io::Result<()> {
    given::write(&plan.network, dir)?;
    fs::write(dir.join("hostname"), format!("{}\n", hostname(name)))
}
