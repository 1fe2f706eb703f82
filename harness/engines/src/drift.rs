//! What a container changed: the engine names the paths, the image says what they were, and only real differences count.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use adamant_core::engine::{BootPlan, Change, ChangeKind, Image};
use adamant_probe::{Entry, Kind, MOUNT_DIR, MOUNT_PATH, TRACE_SOCKET};

use crate::image::absent::ancestors;

/// The kernel's trees, which no image holds.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];
/// Memory that the daemon mounts writable in every container, whatever was asked for.
pub(crate) const SHARED_MEMORY: &str = "/dev/shm";
/// Files that the daemon mounts over whatever the image has there, or makes.
const DAEMON: [&str; 5] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/.dockerenv",
    "/run/.containerenv",
];

/// When: seconds and nanoseconds.
pub(crate) type Written = (i64, i64);

/// Which paths are not the subject's doing.
#[derive(Debug)]
pub(crate) struct Ground {
    /// Where writable memory and volumes are mounted, as the plan says it, and where that is in the image.
    pub(crate) writable: Vec<(String, String)>,
    /// Every mount target as it is in the image.
    targets: BTreeSet<String>,
    /// Directories that a daemon makes when the image does not have them.
    made: BTreeSet<String>,
}

impl Ground {
    pub(crate) fn new(plan: &BootPlan, image: &Image) -> Self {
        let volumes = plan
            .volumes
            .iter()
            .map(|v| &v.path)
            .chain(&image.config.volumes);
        let writable: BTreeSet<String> = plan
            .tmpfs
            .iter()
            .map(|t| &t.path)
            .chain(volumes)
            .map(|p| trimmed(p))
            .chain([SHARED_MEMORY.to_owned()])
            .collect();
        let writable: Vec<(String, String)> = writable
            .into_iter()
            .map(|path| (path.clone(), image.place(&path)))
            .collect();
        let binds = plan.binds.iter().map(|b| image.place(&b.target));
        let targets: BTreeSet<String> = writable
            .iter()
            .map(|(_, place)| place.clone())
            .chain(binds)
            .collect();
        let workdir = image.place(plan.workdir.as_deref().unwrap_or(&image.config.workdir));
        let known = targets
            .iter()
            .map(String::as_str)
            .chain(DAEMON)
            .chain([workdir.as_str()]);
        let made = known
            .flat_map(ancestors)
            .chain([workdir.as_str()])
            .map(str::to_owned)
            .collect();
        Self {
            writable,
            targets,
            made,
        }
    }

    /// The same where these directories are made too.
    pub(crate) fn making<'p>(mut self, paths: impl Iterator<Item = &'p str>) -> Self {
        let made = paths.flat_map(|path| ancestors(path).chain([path]));
        self.made.extend(made.map(str::to_owned));
        self
    }

    /// Whether a change of the root file system at `path` is not the subject's.
    pub(crate) fn is_ours(&self, path: &str) -> bool {
        // Only these: what a subject leaves beside the probe is its own doing.
        [MOUNT_DIR, MOUNT_PATH, TRACE_SOCKET].contains(&path)
            || KERNEL.iter().any(|tree| is_under(path, tree))
            || DAEMON.contains(&path)
            || self.targets.iter().any(|target| is_under(path, target))
    }

    /// Whether an added path is what a daemon makes.
    fn is_made(&self, now: &Entry) -> bool {
        let plain = now.kind == Kind::Dir && self.made.contains(&now.path);
        plain || (now.path == "/etc/mtab" && now.target.as_deref() == Some("/proc/mounts"))
    }
}

/// Whether a file above the layers was opened for writing and never written to: that copies it up all the same, and is no
/// difference, as for a daemon that goes by the time. A content that differs is one, whatever the time says.
///
/// `lowers` are the layers below, the topmost first.
pub(crate) fn was_only_opened(
    was: Option<&Entry>,
    now: Option<&Entry>,
    written: impl FnOnce() -> Option<Written>,
    lowers: &[PathBuf],
) -> bool {
    let (Some(was), Some(now)) = (was, now) else {
        return false;
    };
    let below = || {
        let path = now.path.trim_start_matches('/');
        lowers
            .iter()
            .find_map(|layer| last_written(&layer.join(path)))
    };
    let same = was.sha256.is_some() && was.sha256 == now.sha256;
    same && written().is_some_and(|written| below() == Some(written))
}

/// When a file of the host was last written.
pub(crate) fn last_written(path: &Path) -> Option<Written> {
    let about = fs_err::symlink_metadata(path).ok()?;
    Some((about.mtime(), about.mtime_nsec()))
}

/// Differences that count.
pub(crate) fn compare(
    image: &Image,
    ground: &Ground,
    now: Vec<(String, Option<Entry>)>,
    mounted: Vec<Entry>,
) -> Vec<Change> {
    let mut changes = BTreeMap::new();
    for (path, now) in now {
        if now
            .as_ref()
            .is_some_and(|e| !image.entries.contains_key(&path) && ground.is_made(e))
        {
            continue;
        }
        let was = image.entries.get(&path);
        let touched = touched(&path, was, now.as_ref());
        if let Some(change) = change(&path, was, now).or(touched) {
            changes.insert(path, change);
        }
    }
    for entry in mounted {
        let path = entry.path.clone();
        let Some(place) = ground.place(&path) else {
            continue;
        };
        if let Some(change) = change(&path, image.entries.get(&place), Some(entry)) {
            changes.insert(path, change);
        }
    }
    changes.into_values().collect()
}

impl Ground {
    /// Where a path on a writable mount is in the image; `None` for what belongs to another mount or is a mount itself.
    fn place(&self, path: &str) -> Option<String> {
        // The innermost mount holds it.
        let (mount, at) = self
            .writable
            .iter()
            .filter(|(mount, _)| is_under(path, mount))
            .max_by_key(|(mount, _)| mount.len())?;
        let place = format!("{at}{}", &path[mount.len()..]);
        let of_another = self
            .targets
            .iter()
            .any(|target| target.len() > at.len() && is_under(&place, target));
        let to_another = self.targets.iter().any(|target| is_under(target, &place));
        (!of_another && !to_another && !is_under(path, MOUNT_DIR)).then_some(place)
    }
}

fn change(path: &str, was: Option<&Entry>, now: Option<Entry>) -> Option<Change> {
    let (kind, detail) = match (was, &now) {
        (None, None) => return None,
        (None, Some(_)) => (ChangeKind::Added, String::new()),
        (Some(_), None) => (ChangeKind::Deleted, String::new()),
        (Some(was), Some(now)) => (ChangeKind::Modified, difference(was, now)?),
    };
    Some(Change {
        path: path.to_owned(),
        kind,
        now,
        detail,
    })
}

/// A file that the daemon names was copied up, which only an open for writing does, whatever it holds now.
fn touched(path: &str, was: Option<&Entry>, now: Option<&Entry>) -> Option<Change> {
    let (was, now) = (was?, now?);
    (was.kind == Kind::File && now.kind == Kind::File).then(|| Change {
        path: path.to_owned(),
        kind: ChangeKind::Touched,
        now: Some(now.clone()),
        detail: String::new(),
    })
}

/// What differs, for a person; `None` when nothing does.
fn difference(was: &Entry, now: &Entry) -> Option<String> {
    let mut details = Vec::new();
    if was.kind != now.kind {
        details.push(format!("kind {} → {}", kind(was.kind), kind(now.kind)));
    } else if was.kind == Kind::Symlink && was.target != now.target {
        let show = |target: &Option<String>| target.clone().unwrap_or_default();
        details.push(format!(
            "target {} → {}",
            show(&was.target),
            show(&now.target)
        ));
    } else if was.kind == Kind::File
        && (was.size != now.size || (now.sha256.is_some() && was.sha256 != now.sha256))
    {
        details.push("content".to_owned());
    }
    if was.mode != now.mode && now.kind != Kind::Symlink {
        details.push(format!("mode {:04o} → {:04o}", was.mode, now.mode));
    }
    if (was.uid, was.gid) != (now.uid, now.gid) {
        details.push(format!(
            "owner {}:{} → {}:{}",
            was.uid, was.gid, now.uid, now.gid
        ));
    }
    (!details.is_empty()).then(|| details.join(", "))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "directory",
        Kind::Symlink => "symlink",
        Kind::Char => "character device",
        Kind::Block => "block device",
        Kind::Fifo => "named pipe",
        Kind::Socket => "socket",
    }
}

pub(crate) fn trimmed(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|p| !p.is_empty() && *p != ".")
        .collect();
    format!("/{}", parts.join("/"))
}

pub(crate) fn is_under(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use adamant_core::case::Clock;

    use super::*;
    use adamant_core::engine::{Bind, Network, Owner, Tmpfs, VolumeMount};

    fn entry(path: &str, kind: Kind, mode: u32, content: &str) -> Entry {
        let file = kind == Kind::File;
        let (target, sha256) = (
            (kind == Kind::Symlink).then(|| content.to_owned()),
            file.then(|| content.to_owned()),
        );
        Entry {
            size: if file { content.len() as u64 } else { 0 },
            target,
            sha256,
            ..Entry::new(path, kind, mode)
        }
    }

    fn image() -> Image {
        let mut image = Image::default();
        image.config.workdir = "/work/here".into();
        image.config.volumes.insert("/vol".into());
        for e in [
            entry("/etc", Kind::Dir, 0o755, ""),
            entry("/etc/motd", Kind::File, 0o644, "one"),
            entry("/run", Kind::Dir, 0o755, ""),
            entry("/var", Kind::Dir, 0o755, ""),
            entry("/var/run", Kind::Symlink, 0o777, "/run"),
            entry("/vol", Kind::Dir, 0o755, ""),
            entry("/vol/kept", Kind::File, 0o644, "kept"),
        ] {
            image.entries.insert(e.path.clone(), e);
        }
        image
    }

    fn plan() -> BootPlan {
        BootPlan {
            image: String::new(),
            absent: Vec::new(),
            args: None,
            env: BTreeMap::new(),
            user: None,
            workdir: None,
            network: Network::None,
            read_only: false,
            tmpfs: vec![Tmpfs {
                path: "/var/run/app".into(),
                options: String::new(),
            }],
            volumes: vec![VolumeMount {
                name: "v".into(),
                path: "/srv/data".into(),
            }],
            binds: vec![Bind {
                source: "/x".into(),
                target: "/srv/data/config".into(),
                read_only: true,
            }],
            cap_drop: Vec::new(),
            cap_add: Vec::new(),
            no_new_privileges: false,
            memory: None,
            pids: None,
            trace: None,
            trace_reads: false,
            clock: Clock::Host,
            hold: false,
            owner: Owner {
                run: String::new(),
                purpose: String::new(),
                deadline: std::time::SystemTime::UNIX_EPOCH,
            },
            poll_ms: 20,
        }
    }

    fn compared(
        now: Vec<(&str, Option<Entry>)>,
        mounted: Vec<Entry>,
    ) -> Vec<(String, ChangeKind, String)> {
        let (image, ground) = (image(), Ground::new(&plan(), &image()));
        let now = now
            .into_iter()
            .filter(|(p, _)| !ground.is_ours(p))
            .map(|(p, e)| (p.to_owned(), e))
            .collect();
        compare(&image, &ground, now, mounted)
            .into_iter()
            .map(|c| (c.path, c.kind, c.detail))
            .collect()
    }

    #[test]
    fn only_real_differences_count_and_each_says_what_differs() {
        let mut moved = entry("/etc", Kind::Dir, 0o777, "");
        moved.uid = 1000;
        let found = compared(
            vec![
                ("/etc", Some(moved)),
                (
                    "/etc/motd",
                    Some(entry("/etc/motd", Kind::File, 0o644, "two")),
                ),
                ("/etc/new", Some(entry("/etc/new", Kind::File, 0o600, "x"))),
                ("/run", Some(entry("/run", Kind::Dir, 0o755, ""))),
                (
                    "/var/run",
                    Some(entry("/var/run", Kind::Symlink, 0o777, "/tmp")),
                ),
                ("/vanished", None),
            ],
            vec![],
        );
        let expected = [
            (
                "/etc",
                ChangeKind::Modified,
                "mode 0755 → 0777, owner 0:0 → 1000:0",
            ),
            ("/etc/motd", ChangeKind::Modified, "content"),
            ("/etc/new", ChangeKind::Added, ""),
            ("/var/run", ChangeKind::Modified, "target /run → /tmp"),
        ];
        let found: Vec<(&str, ChangeKind, &str)> = found
            .iter()
            .map(|(p, k, d)| (p.as_str(), *k, d.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(
            compared(vec![("/etc/motd", None)], vec![])[0].1,
            ChangeKind::Deleted
        );
        let kind = compared(
            vec![("/etc/motd", Some(entry("/etc/motd", Kind::Dir, 0o644, "")))],
            vec![],
        );
        assert_eq!(kind[0].2, "kind file → directory");
    }

    #[test]
    fn a_file_that_is_written_and_restored_was_touched_and_a_directory_was_not() {
        let motd = entry("/etc/motd", Kind::File, 0o644, "one");
        let link = entry("/var/run", Kind::Symlink, 0o777, "/run");
        let dir = entry("/etc", Kind::Dir, 0o755, "");
        let now = [dir, motd, link].map(|e| (e.path.clone(), Some(e)));
        let now = now.iter().map(|(p, e)| (p.as_str(), e.clone())).collect();
        let kept = entry("/vol/kept", Kind::File, 0o644, "kept");
        assert_eq!(
            compared(now, vec![kept]),
            [("/etc/motd".to_owned(), ChangeKind::Touched, String::new())]
        );
    }

    #[test]
    fn what_the_daemon_makes_is_not_the_subjects() {
        let dir = |path: &str| entry(path, Kind::Dir, 0o755, "");
        let made = [
            "/.adamant",
            "/.adamant/probe",
            "/run/app",
            "/srv",
            "/srv/data",
            "/work",
            "/work/here",
            "/dev/shm",
            "/etc/hosts",
        ];
        assert!(compared(made.iter().map(|p| (*p, Some(dir(p)))).collect(), vec![]).is_empty());
        let beside = entry("/.adamant/x", Kind::File, 0o644, "x");
        assert_eq!(
            compared(vec![("/.adamant/x", Some(beside))], vec![]).len(),
            1
        );
        let mtab = |target: &str| {
            compared(
                vec![(
                    "/etc/mtab",
                    Some(entry("/etc/mtab", Kind::Symlink, 0o777, target)),
                )],
                vec![],
            )
        };
        assert!(mtab("/proc/mounts").is_empty());
        assert_eq!(mtab("/evil").len(), 1);
        // A file where the daemon would make a directory is somebody's doing.
        assert_eq!(
            compared(
                vec![("/srv", Some(entry("/srv", Kind::File, 0o644, "x")))],
                vec![]
            )
            .len(),
            1
        );
    }

    #[test]
    fn writable_mounts_are_compared_where_they_are_in_the_image() {
        let file = |path: &str, content: &str| entry(path, Kind::File, 0o644, content);
        let dir = |path: &str| entry(path, Kind::Dir, 0o1777, "");
        let found = compared(
            vec![],
            vec![
                dir("/dev/shm"),
                file("/dev/shm/lock", "1"),
                dir("/var/run/app"),
                file("/var/run/app/pid", "1"),
                dir("/srv/data"),
                dir("/srv/data/config"),
                file("/srv/data/config/from-host", "x"),
                file("/srv/data/written", "x"),
                dir("/vol"),
                file("/vol/kept", "kept"),
                file("/vol/new", "x"),
            ],
        );
        let paths: Vec<&str> = found.iter().map(|(path, _, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/dev/shm/lock",
                "/srv/data/written",
                "/var/run/app/pid",
                "/vol/new"
            ]
        );
        assert_eq!(
            compared(vec![], vec![file("/vol/kept", "changed")])[0].1,
            ChangeKind::Modified
        );
    }
}
