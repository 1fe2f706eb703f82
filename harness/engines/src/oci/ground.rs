//! The directories of containers and volumes: whose each is, and how what a dead owner left is swept away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use adamant_core::run::Deadline;
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};

use crate::owner::{self, Here};
use crate::store;

/// Whose a directory is.
const OWNER: &str = "owner.json";
/// What is being made has this at its beginning, and no owner yet.
const UNFINISHED: &str = ".new-";
/// The longest that making a directory takes.
const MAKING: Duration = Duration::from_secs(600);
/// How long processes that are killed may take to be gone.
const DYING: Duration = Duration::from_secs(10);

/// What a directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    Volume,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Container, Self::Volume];

    /// Where directories of this kind are.
    pub(super) fn home(self) -> PathBuf {
        let name = match self {
            Self::Container => "containers",
            Self::Volume => "volumes",
        };
        env::cache_dir().join("oci").join(name)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Volume => "volume",
        }
    }
}

/// Makes a directory that names its owner from the first moment on.
pub(super) fn make(
    kind: Kind,
    name: &str,
    labels: &HashMap<String, String>,
) -> Result<PathBuf, EngineError> {
    let home = kind.home();
    let dir = home.join(name);
    let made = || -> std::io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(&home)?;
        // What containers write is nobody else's business.
        fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700))?;
        let draft = home.join(format!("{UNFINISHED}{name}"));
        fs::create_dir(&draft)?;
        let text = serde_json::to_vec(labels).map_err(std::io::Error::other)?;
        fs::write(draft.join(OWNER), text)?;
        fs::rename(&draft, &dir)
    };
    made().map_err(|error| {
        // Half of it is nobody's; what cannot be removed now is reaped.
        let _ = fs::remove_dir_all(home.join(format!("{UNFINISHED}{name}")));
        let attempt = format!("make the directory `{}`", dir.display());
        EngineError::new(ErrorKind::Unsupported, attempt)
            .hint(store::remedy(&error))
            .caused_by(error)
    })?;
    Ok(dir)
}

/// Gives a directory another owner, of this process too; at every moment it has one.
pub(super) fn relabel(dir: &Path, labels: &HashMap<String, String>) -> std::io::Result<()> {
    let text = serde_json::to_vec(labels).map_err(std::io::Error::other)?;
    let draft = dir.join(format!("{UNFINISHED}{OWNER}"));
    fs::write(&draft, text)?;
    fs::rename(&draft, dir.join(OWNER))
}

/// Removes what is abandoned; answers what that was.
pub(super) fn reap(here: &Here, deadline: &Deadline) -> Result<Vec<String>, EngineError> {
    let mut removed = Vec::new();
    for kind in Kind::ALL {
        for dir in children(&kind.home()) {
            if !is_abandoned(&dir, here) {
                continue;
            }
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_start_matches(UNFINISHED);
            sweep(name, &dir, deadline)?;
            removed.push(format!("{} {name}", kind.word()));
        }
    }
    removed.extend(orphans(deadline)?);
    Ok(removed)
}

/// Groups whose container's directory is gone, which happens when somebody else removes the cache.
fn orphans(deadline: &Deadline) -> Result<Vec<String>, EngineError> {
    let mut names = std::collections::BTreeSet::new();
    for mount in control_groups() {
        for group in children(&mount) {
            let name = group
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let known = Kind::Container.home().join(&name).exists();
            // Another user's cache is elsewhere: what has processes is in use.
            let empty = pids(&group).is_empty();
            if name.starts_with(super::PREFIX) && !known && empty && is_old(&group) {
                names.insert(name);
            }
        }
    }
    for name in &names {
        end_groups(name, deadline)?;
    }
    Ok(names
        .into_iter()
        .map(|name| format!("control group {name}"))
        .collect())
}

fn is_abandoned(dir: &Path, here: &Here) -> bool {
    let labels = fs::read(dir.join(OWNER)).ok();
    let labels = labels.and_then(|text| serde_json::from_slice(&text).ok());
    match labels {
        Some(labels) => owner::is_abandoned(&labels, here, SystemTime::now()),
        // Somebody is making it at this moment, or has died while making it.
        None if is_unfinished(dir) => is_old(dir),
        // The owner's name goes last: whoever removed it has died just before the end.
        None => fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none()),
    }
}

fn is_unfinished(dir: &Path) -> bool {
    dir.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

fn is_old(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|about| about.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > MAKING))
}

/// Ends everything of a container, and removes its groups and its directory. What is gone already is no failure.
pub(super) fn sweep(name: &str, dir: &Path, deadline: &Deadline) -> Result<(), EngineError> {
    if let Some(shim) = shim(dir) {
        let _ = kill_process(shim, Signal::KILL);
    }
    end_groups(name, deadline)?;
    // The shim's last process may still write: what cannot be removed now can be a moment later.
    let until = deadline.within(DYING);
    loop {
        match remove(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !dir.exists() => {
                return Ok(());
            }
            Err(error) => {
                if !until.pause(Duration::from_millis(20)) {
                    return Err(EngineError::new(
                        ErrorKind::Engine,
                        format!("remove `{}`", dir.display()),
                    )
                    .caused_by(error));
                }
            }
        }
    }
}

/// Removes a directory so that its owner can be told until nothing else is in it, whenever this is interrupted.
fn remove(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == OWNER) {
            continue;
        }
        if path.is_symlink() || !path.is_dir() {
            fs::remove_file(path)?;
        } else {
            fs::remove_dir_all(path)?;
        }
    }
    match fs::remove_file(dir.join(OWNER)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_dir(dir)
}

/// The shim of a container, if it lives: its number alone may be another's by now.
fn shim(dir: &Path) -> Option<Pid> {
    let number: i32 = fs::read_to_string(dir.join("shim"))
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let exe = fs::read_link(format!("/proc/{number}/exe")).ok()?;
    exe.file_name()?
        .to_string_lossy()
        .starts_with("adamant-shim")
        .then_some(())?;
    Pid::from_raw(number)
}

/// Kills what is in the container's groups and removes them.
fn end_groups(name: &str, deadline: &Deadline) -> Result<(), EngineError> {
    let groups: Vec<PathBuf> = control_groups()
        .into_iter()
        .map(|mount| mount.join(name))
        .collect();
    let until = deadline.within(DYING);
    loop {
        let mut left = None;
        for group in groups.iter().filter(|group| group.exists()) {
            for pid in pids(group) {
                let _ = kill_process(pid, Signal::KILL);
            }
            match fs::remove_dir(group) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    left = Some((group, error));
                }
                _ => {}
            }
        }
        let Some((group, error)) = left else {
            return Ok(());
        };
        if !until.pause(Duration::from_millis(10)) {
            return Err(EngineError::new(
                ErrorKind::Engine,
                format!("remove the control group `{}`", group.display()),
            )
            .caused_by(error));
        }
    }
}

fn pids(group: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines()
        .filter_map(|line| Pid::from_raw(line.parse().ok()?))
        .collect()
}

/// Where control groups are mounted, of both versions.
fn control_groups() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        after.starts_with("cgroup").then_some(())?;
        before.split(' ').nth(4).map(PathBuf::from)
    });
    mounts.collect()
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).map(|entries| entries.filter_map(Result::ok));
    let entries = entries.into_iter().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
