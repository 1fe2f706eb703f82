//! A case on a subject, resolved to what an engine boots: plain values, no variables left.

use std::path::Path;
use std::time::{Duration, SystemTime};

use adamant_probe::Kind;

use crate::case::{Boot, Hardening, Mount, NetworkMode, Ready, Rootfs, Storage, Subject};
use crate::check::external;
use crate::discover::SubjectFile;
use crate::engine::{
    Bind, BootPlan, Fault, Image, Network, Owner, Tmpfs, Until, VolumeMount, Watch,
};

/// What our own memory-backed directories are mounted with.
const TMPFS_OPTIONS: &str = "mode=1777,nosuid,nodev,size=256m";
/// The only inode is the directory's own: every name that is made there finds no space left.
const FULL_OPTIONS: &str = "mode=1777,nosuid,nodev,size=4k,nr_inodes=1";

/// A boot with its defaults settled, so that equal conditions compare equal.
pub(super) fn settle(boot: &Boot, subject: &SubjectFile) -> Boot {
    let mut boot = boot.clone();
    let baseline = boot.hardening == Hardening::Baseline;
    if boot.rootfs == Rootfs::Declared {
        let read_only = subject.subject.run.read_only || baseline;
        boot.rootfs = if read_only {
            Rootfs::ReadOnly
        } else {
            Rootfs::Writable
        };
    }
    if boot.storage == Storage::Fitting && boot.rootfs == Rootfs::ReadOnly {
        boot.storage = Storage::Tmpfs;
    }
    boot
}

/// What a trial adds to its case's conditions.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) absent: Vec<String>,
    /// The manifest with another text.
    pub(super) altered: Option<Fault>,
    pub(super) volumes: Vec<VolumeMount>,
    pub(super) traced: bool,
    pub(super) reads: bool,
    pub(super) owner: Owner,
}

/// The plan for an engine; the error names what in the subject cannot be used.
pub(super) fn boot_plan(
    boot: &Boot,
    file: &SubjectFile,
    image: &Image,
    extra: Extra,
) -> Result<BootPlan, String> {
    let subject = &file.subject;
    let run = &subject.run;
    let baseline = boot.hardening == Hardening::Baseline;
    let needed = || subject.needs.iter().filter_map(|n| n.cap.clone());
    let mut env = file.env.clone();
    if boot.network != NetworkMode::None
        && let Some(outside) = &subject.external
    {
        env.insert(
            outside.env.clone(),
            format!("http://{}:{}/", external::ALIAS, external::PORT),
        );
    }
    let tmpfs = match boot.storage {
        Storage::Tmpfs | Storage::Full | Storage::Unwritable => subject.writable.as_slice(),
        Storage::Fitting | Storage::Volumes => &[],
    };
    Ok(BootPlan {
        image: image.id.clone(),
        absent: extra
            .absent
            .into_iter()
            .map(|path| Fault::new(path, boot.form))
            .chain(extra.altered)
            .collect(),
        args: run.args.clone(),
        env,
        user: run.user.as_ref().map(|u| u.value.clone()),
        workdir: run.workdir.clone(),
        network: match (boot.network, boot.network.profile()) {
            (_, Some(profile)) => Network::Made(profile),
            (NetworkMode::Isolated, None) => Network::Isolated,
            (_, None) => Network::None,
        },
        read_only: boot.rootfs == Rootfs::ReadOnly,
        tmpfs: tmpfs
            .iter()
            .map(|path| Tmpfs {
                path: path.clone(),
                options: tmpfs_options(
                    boot.storage,
                    run.user.as_ref().map(|u| u.value.as_str()),
                    image,
                ),
            })
            .collect(),
        volumes: extra.volumes,
        binds: run
            .mounts
            .iter()
            .map(|m| bind(&m.value, &file.path))
            .collect::<Result<_, _>>()?,
        cap_drop: if baseline {
            vec!["ALL".into()]
        } else {
            run.cap_drop.clone()
        },
        cap_add: if baseline {
            needed().collect()
        } else {
            run.cap_add.clone()
        },
        no_new_privileges: baseline
            || run
                .security_opt
                .iter()
                .any(|o| o.starts_with("no-new-privileges") && !o.ends_with("false")),
        memory: run.memory.map(|m| m.0),
        pids: run.pids,
        trace: extra.traced.then(|| control_path(subject, image)),
        trace_reads: extra.reads,
        clock: boot.clock,
        hold: false,
        owner: extra.owner,
        poll_ms: 20,
    })
}

/// A name that nobody uses, in an immutable directory where the subject claims one.
fn control_path(subject: &Subject, image: &Image) -> String {
    let dir = subject.immutable.iter().find_map(|path| {
        let entry = image.resolve(path)?;
        (entry.kind == Kind::Dir).then(|| entry.path.trim_end_matches('/').to_owned())
    });
    format!("{}/.adamant-control", dir.unwrap_or_default())
}

/// Some runtimes give a tmpfs over an existing directory that directory's mode; its owner makes it the user's either way.
pub(crate) fn tmpfs_options(storage: Storage, user: Option<&str>, image: &Image) -> String {
    let options = match storage {
        Storage::Full => FULL_OPTIONS.to_owned(),
        Storage::Unwritable => format!("{TMPFS_OPTIONS},ro"),
        Storage::Fitting | Storage::Tmpfs | Storage::Volumes => TMPFS_OPTIONS.to_owned(),
    };
    match image.user_ids(user.unwrap_or(&image.config.user)) {
        Some((uid, gid)) => format!("{options},uid={uid},gid={gid}"),
        None => options,
    }
}

/// Looked up again: what was there when the run was planned may have gone.
fn bind(mount: &Mount, subject: &Path) -> Result<Bind, String> {
    Ok(Bind {
        source: mount.on_host(subject.parent().unwrap_or(Path::new(".")))?,
        target: mount.target().to_owned(),
        read_only: mount.read_only,
    })
}

/// What a readiness claim is waited for by; its output pattern is the first of the watches.
pub(super) fn until(ready: &Ready, watches: &[Watch]) -> Until {
    use adamant_probe::Target;
    match ready {
        Ready { http: Some(h), .. } => Until::Target(Target::Http {
            port: h.port,
            path: h.path.clone(),
            status: h.status,
        }),
        Ready { tcp: Some(t), .. } => Until::Target(Target::Tcp { port: t.port }),
        Ready { unix: Some(u), .. } => Until::Target(Target::Unix {
            path: u.path.clone(),
        }),
        Ready {
            output: Some(_), ..
        } => {
            let watch = ready_watch(ready)
                .and_then(|w| watches.iter().position(|x| *x == w))
                .unwrap_or(0);
            Until::Output { watch }
        }
        _ => Until::Exit,
    }
}

/// The watch for a readiness claim that is a line of output.
pub(super) fn ready_watch(ready: &Ready) -> Option<Watch> {
    let output = ready.output.as_ref()?;
    Some(Watch {
        stream: output.stream.stream(),
        pattern: output.matches.0.clone(),
    })
}

/// The paths of an image that must go so that an artifact is absent; empty when it is not there anyway.
pub(crate) fn absent_paths(
    artifact: &crate::case::Artifact,
    image: &Image,
) -> Result<Vec<String>, String> {
    use crate::case::ArtifactKind;
    let present = |path: &str| {
        image
            .resolve(path)
            .map(|_| path.trim_end_matches('/').to_owned())
    };
    Ok(match artifact.kind()? {
        ArtifactKind::Path(path) => present(path).into_iter().collect(),
        ArtifactKind::Load(load) => present(&load.path).into_iter().collect(),
        ArtifactKind::Command(argv, _) | ArtifactKind::Mcp(argv) => image.find_command(&argv[0]),
        ArtifactKind::Glob(glob) => {
            let matcher = globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .build()
                .map_err(|e| e.to_string())?
                .compile_matcher();
            image
                .entries
                .keys()
                .filter(|p| matcher.is_match(p.as_str()))
                .cloned()
                .collect()
        }
        ArtifactKind::Tcp(_) | ArtifactKind::Unix(_) => Vec::new(),
    })
}

/// The owner of one boot's objects.
pub(crate) fn owner(run: &str, purpose: &str, lifetime: Duration) -> Owner {
    Owner {
        run: run.to_owned(),
        purpose: purpose.to_owned(),
        deadline: SystemTime::now() + lifetime,
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds: the clock that the probe reads too.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
