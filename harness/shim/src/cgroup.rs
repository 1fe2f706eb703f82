//! What a container's control group remembers of its life.

use std::path::PathBuf;

/// Whether the kernel killed a process of the group for its memory limit.
pub(crate) fn oom_killed(name: &str) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let files = mounts.lines().filter_map(memory_events);
    files
        .filter_map(|(mount, file)| std::fs::read_to_string(mount.join(name).join(file)).ok())
        .any(|text| counts_kills(&text))
}

/// Where a mount of control groups notes kills for memory, if it is one that does.
fn memory_events(line: &str) -> Option<(PathBuf, &'static str)> {
    let (before, after) = line.split_once(" - ")?;
    let target = PathBuf::from(before.split(' ').nth(4)?);
    let mut after = after.split(' ');
    let (fstype, options) = (after.next()?, after.nth(1)?);
    match fstype {
        "cgroup2" => Some((target, "memory.events")),
        "cgroup" if options.split(',').any(|o| o == "memory") => {
            Some((target, "memory.oom_control"))
        }
        _ => None,
    }
}

fn counts_kills(text: &str) -> bool {
    let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.is_some_and(|count| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_of_the_memory_controller_is_told_from_others() {
        let line = |fstype: &str, options: &str| {
            format!("31 25 0:27 / /sys/fs/cgroup/x rw,relatime shared:9 - {fstype} c rw,{options}")
        };
        let at = PathBuf::from("/sys/fs/cgroup/x");
        let found = memory_events(&line("cgroup", "memory"));
        assert_eq!(found, Some((at.clone(), "memory.oom_control")));
        let found = memory_events(&line("cgroup2", "nsdelegate"));
        assert_eq!(found, Some((at, "memory.events")));
        assert_eq!(memory_events(&line("cgroup", "cpu")), None);
        assert_eq!(memory_events(&line("tmpfs", "memory")), None);
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
