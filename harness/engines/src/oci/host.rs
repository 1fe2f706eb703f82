//! Whether this host can run containers without a daemon, and on what terms.

use std::path::Path;

use adamant_core::engine::{EngineError, ErrorKind};
use fs_err as fs;

/// The first kernel with every call that the shim makes.
const KERNEL: (u32, u32) = (5, 10);
/// Mounting takes this one; root of a container often lacks it.
const CAP_SYS_ADMIN: u32 = 21;

/// File systems on which overlayfs cannot keep what a container writes, by their magic numbers: overlayfs itself, NFS,
/// FUSE, 9P.
const NOT_BELOW_OVERLAY: [i64; 4] = [0x794c_7630, 0x6969, 0x6573_5546, 0x0102_1997];

/// Fails with the reason why not.
pub(super) fn check() -> Result<(), EngineError> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let root = rustix::process::geteuid().is_root();
    refusal(root, &status, &release(), &filesystems, &mounts).map_or(Ok(()), |(why, hint)| {
        Err(
            EngineError::new(ErrorKind::Unsupported, "run containers without a daemon")
                .caused_by(why)
                .hint(hint),
        )
    })
}

/// The kernel's release, which is what runs the containers here.
pub(super) fn release() -> String {
    let name = rustix::system::uname();
    name.release().to_string_lossy().into_owned()
}

fn refusal(
    root: bool,
    status: &str,
    release: &str,
    filesystems: &str,
    mounts: &str,
) -> Option<(String, &'static str)> {
    const DAEMON: &str = "or use a daemon: `--engine docker`";
    if !root {
        let why = "only root can mount layers and make namespaces and control groups";
        return Some((
            why.to_owned(),
            "run as root, or use a daemon: `--engine docker`",
        ));
    }
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if effective.is_some_and(|bits| bits >> CAP_SYS_ADMIN & 1 == 0) {
        let why = "this root user lacks CAP_SYS_ADMIN, without which nothing can be mounted";
        return Some((
            why.to_owned(),
            "run outside a container, or in a privileged one",
        ));
    }
    if version(release) < KERNEL {
        let (major, minor) = KERNEL;
        let why = format!("it takes Linux {major}.{minor}, and this is {release}");
        return Some((why, DAEMON));
    }
    if !filesystems
        .lines()
        .any(|line| line.trim_start_matches("nodev").trim() == "overlay")
    {
        let why = "this kernel has no overlayfs".to_owned();
        return Some((why, "load it: `modprobe overlay`"));
    }
    if !mounts.lines().any(|line| line.contains(" - cgroup")) {
        let why = "no control groups are mounted".to_owned();
        return Some((
            why,
            "mount them at /sys/fs/cgroup, or use a daemon: `--engine docker`",
        ));
    }
    None
}

fn version(release: &str) -> (u32, u32) {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    (number(), number())
}

/// Whether what containers write below `dir` has to be kept in memory.
pub(super) fn writes_to_memory(dir: &Path) -> Result<bool, EngineError> {
    let about = rustix::fs::statfs(dir).map_err(|error| {
        EngineError::new(
            ErrorKind::Unsupported,
            format!("look at `{}`", dir.display()),
        )
        .caused_by(error)
    })?;
    Ok(NOT_BELOW_OVERLAY.contains(&about.f_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_thing_is_named() {
        let caps = |bits: u64| format!("Name:\tx\nCapEff:\t{bits:016x}\n");
        let all = caps(u64::MAX);
        let why = |root, status: &str, release, filesystems, mounts| {
            refusal(root, status, release, filesystems, mounts).map(|(why, _)| why)
        };
        let (fine, group) = (
            "nodev\toverlay\n\text4\n",
            "1 2 0:3 / /x rw - cgroup2 c rw\n",
        );
        assert_eq!(why(true, &all, "6.18.44-x", fine, group), None);
        let told = |found: Option<String>, word: &str| {
            assert!(
                found.as_ref().is_some_and(|why| why.contains(word)),
                "{found:?}"
            );
        };
        told(why(false, &all, "6.1", fine, group), "root");
        told(why(true, &caps(0), "6.1", fine, group), "CAP_SYS_ADMIN");
        told(why(true, &all, "4.19.0", fine, group), "4.19.0");
        told(why(true, &all, "6.1", "\text4\n", group), "overlayfs");
        told(why(true, &all, "6.1", fine, ""), "control groups");
    }
}
