//! A container's control groups: one in every hierarchy of this host, made before it starts and removed after it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{Timespec, poll};

use crate::kernel;
use crate::spec::Resources;
use crate::trouble::{Trouble, while_doing};

/// What every container may use of devices, in the first version's words: making any, and the harmless ones.
const DEVICES: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];
/// What a group of the second version needs from those above it.
const DELEGATED: [&str; 5] = ["+memory", "+pids", "+cpu", "+cpuset", "+io"];
/// Between two tries to remove a group whose last process is going.
const PAUSE_MS: i64 = 2;
/// How many of them.
const TRIES: usize = 5000;

/// One hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The container's own group in it.
    pub(crate) dir: PathBuf,
    /// The name of the hierarchy's mount.
    pub(crate) name: String,
    /// Empty for the second version, which has all in one.
    pub(crate) controllers: Vec<String>,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Groups(Vec<Group>);

impl Groups {
    /// Makes a group of this name everywhere.
    pub(crate) fn make(name: &str) -> Result<Self, Trouble> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")
            .map_err(while_doing("read where control groups are mounted"))?;
        let groups = Self(hierarchies(&mounts, name));
        if let Err(trouble) = groups.set_up() {
            // The first failure is the one to tell.
            let _ = groups.remove();
            return Err(trouble);
        }
        Ok(groups)
    }

    fn set_up(&self) -> Result<(), Trouble> {
        for group in &self.0 {
            let doing = || while_doing(format!("make the control group `{}`", group.dir.display()));
            if group.is_second() {
                // What cannot be delegated shows when a limit is asked for.
                for controller in DELEGATED {
                    let above = group.dir.parent().unwrap_or(&group.dir);
                    let _ = fs::write(above.join("cgroup.subtree_control"), controller);
                }
            }
            match fs::create_dir(&group.dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(doing())?,
            }
            if group.has("cpuset") {
                adopt(&group.dir, "cpuset.cpus").map_err(doing())?;
                adopt(&group.dir, "cpuset.mems").map_err(doing())?;
            }
            if group.has("devices") {
                fs::write(group.dir.join("devices.deny"), "a").map_err(doing())?;
                for device in DEVICES {
                    fs::write(group.dir.join("devices.allow"), device).map_err(doing())?;
                }
            }
        }
        Ok(())
    }

    /// Moves a process and what it will start into them. The first move after a pause waits for the kernel's readers.
    pub(crate) fn take(&self, pid: i32) -> Result<(), Trouble> {
        for group in &self.0 {
            let doing = while_doing(format!("enter the control group `{}`", group.dir.display()));
            fs::write(group.dir.join("cgroup.procs"), pid.to_string()).map_err(doing)?;
        }
        Ok(())
    }

    /// Sets the limits. `beside` processes of ours are counted with the container's.
    pub(crate) fn limit(&self, resources: &Resources, beside: i64) -> Result<(), Trouble> {
        if let Some(memory) = resources.memory {
            let group = self.with("memory")?;
            if group.is_second() {
                set(group, "memory.max", memory.limit)?;
                if let Some(both) = memory.swap {
                    set(group, "memory.swap.max", both - memory.limit)?;
                }
            } else {
                set(group, "memory.limit_in_bytes", memory.limit)?;
                if let Some(both) = memory.swap {
                    set(group, "memory.memsw.limit_in_bytes", both)?;
                }
            }
        }
        if let Some(pids) = resources.pids {
            set(self.with("pids")?, "pids.max", pids.limit + beside)?;
        }
        Ok(())
    }

    fn with(&self, controller: &str) -> Result<&Group, Trouble> {
        let mut groups = self.0.iter();
        let found = groups.find(|group| group.is_second() || group.has(controller));
        found.ok_or_else(|| {
            let doing = format!("limit the container's {controller}");
            Trouble::new(doing, "this host has no such control group")
        })
    }

    /// Whether the kernel killed a process of the container for its memory limit.
    pub(crate) fn oom_killed(&self) -> bool {
        self.with("memory").is_ok_and(|group| {
            let file = if group.is_second() {
                "memory.events"
            } else {
                "memory.oom_control"
            };
            fs::read_to_string(group.dir.join(file)).is_ok_and(|text| counts_kills(&text))
        })
    }

    /// For mounting what the container sees of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }

    /// Whether this host has only the second version.
    pub(crate) fn second(&self) -> Option<&Group> {
        self.0.first().filter(|group| group.is_second())
    }

    /// Kills what is left in them, and removes them.
    pub(crate) fn remove(&self) -> Result<(), Trouble> {
        for group in &self.0 {
            remove(&group.dir).map_err(while_doing(format!(
                "remove the control group `{}`",
                group.dir.display()
            )))?;
        }
        Ok(())
    }
}

impl Group {
    fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|own| own == controller)
    }

    fn is_second(&self) -> bool {
        self.controllers.is_empty()
    }
}

/// Where groups of a name belong: in every hierarchy of the first version, else in that of the second.
fn hierarchies(mounts: &str, name: &str) -> Vec<Group> {
    let mut first: Vec<Group> = Vec::new();
    let mut second = None;
    for line in mounts.lines() {
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let Some(target) = before.split(' ').nth(4).map(PathBuf::from) else {
            continue;
        };
        let mut after = after.split(' ');
        let (kind, options) = (
            after.next().unwrap_or_default(),
            after.nth(1).unwrap_or_default(),
        );
        let group = |controllers: Vec<String>| Group {
            dir: target.join(name),
            name: target
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            controllers,
        };
        match kind {
            "cgroup2" => second = second.or_else(|| Some(group(Vec::new()))),
            "cgroup" => {
                let ours = |option: &&str| {
                    !["rw", "ro", "clone_children", "xattr", "noprefix"].contains(option)
                };
                let controllers: Vec<String> =
                    options.split(',').filter(ours).map(str::to_owned).collect();
                // Mounted twice, it is one hierarchy all the same.
                if !controllers.is_empty()
                    && first.iter().all(|known| known.controllers != controllers)
                {
                    first.push(group(controllers));
                }
            }
            _ => {}
        }
    }
    if first.is_empty() {
        second.into_iter().collect()
    } else {
        first
    }
}

/// A new group has no processors and no memory until somebody gives it those of the group above.
fn adopt(dir: &Path, file: &str) -> io::Result<()> {
    if !fs::read_to_string(dir.join(file))?.trim().is_empty() {
        return Ok(());
    }
    let above = dir.parent().unwrap_or(dir).join(file);
    fs::write(dir.join(file), fs::read_to_string(above)?.trim())
}

fn set(group: &Group, file: &str, value: i64) -> Result<(), Trouble> {
    let file = group.dir.join(file);
    fs::write(&file, value.to_string()).map_err(while_doing(format!(
        "write {value} to `{}`",
        file.display()
    )))
}

fn remove(dir: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => {}
        }
        let left = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        for pid in left.lines().filter_map(|line| line.parse().ok()) {
            let _ = kernel::send(pid, libc::SIGKILL);
        }
        tries += 1;
        let pause = Timespec {
            tv_sec: 0,
            tv_nsec: PAUSE_MS * 1_000_000,
        };
        let _ = poll(&mut [], Some(&pause));
    }
}

fn counts_kills(text: &str) -> bool {
    let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.is_some_and(|count| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "31 25 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n\
        32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        33 25 0:27 / /elsewhere rw - cgroup cgroup rw,memory\n\
        34 25 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
    const V2: &str = "35 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn a_container_is_in_each_hierarchy_once() {
        let found = hierarchies(&format!("{V2}{V1}"), "x");
        let dirs: Vec<&str> = found
            .iter()
            .filter_map(|group| group.dir.to_str())
            .collect();
        assert_eq!(
            dirs,
            [
                "/sys/fs/cgroup/memory/x",
                "/sys/fs/cgroup/cpu,cpuacct/x",
                "/sys/fs/cgroup/systemd/x"
            ]
        );
        assert!(found[1].has("cpuacct") && !found[1].is_second());
        let found = Groups(hierarchies(V2, "x"));
        assert_eq!(
            found.second().map(|group| group.name.as_str()),
            Some("unified")
        );
        assert_eq!(
            found.with("pids").expect("it has all").dir,
            Path::new("/sys/fs/cgroup/unified/x")
        );
        assert!(Groups(hierarchies("", "x")).with("pids").is_err());
    }

    #[test]
    fn a_count_above_zero_is_a_kill() {
        assert!(counts_kills(
            "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
        ));
        assert!(!counts_kills("low 0\noom 3\noom_kill 0\n"));
        assert!(!counts_kills("oom_kill_disable 0\nunder_oom 0\n"));
    }
}
