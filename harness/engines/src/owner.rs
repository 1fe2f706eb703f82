//! What every object of ours carries, so that another run can tell whether its owner is gone.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use adamant_core::engine::Owner;
use fs_err as fs;

/// The label that marks an object as ours: the run's id.
pub(crate) const RUN: &str = "dev.adamant.run";
const HOST: &str = "dev.adamant.host";
const BOOT: &str = "dev.adamant.boot";
const PID: &str = "dev.adamant.pid";
const PID_START: &str = "dev.adamant.pid-start";
const DEADLINE: &str = "dev.adamant.deadline";
const PURPOSE: &str = "dev.adamant.purpose";

/// The labels of an object that this process makes for `owner`.
pub(crate) fn labels(owner: &Owner, here: &Here) -> HashMap<String, String> {
    let pid = std::process::id();
    [
        (RUN, owner.run.clone()),
        (HOST, here.host.clone()),
        (BOOT, here.boot.clone()),
        (PID, pid.to_string()),
        (PID_START, start_ticks(pid).unwrap_or_default().to_string()),
        (DEADLINE, seconds(owner.deadline).to_string()),
        (PURPOSE, owner.purpose.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Where this process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Here {
    /// Host name and pid namespace: only within both does a pid mean the same process.
    host: String,
    /// Changes with every boot of the machine.
    boot: String,
}

impl Here {
    pub(crate) fn read() -> Self {
        let line = |path: &str| {
            fs::read_to_string(path)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let namespace = fs::read_link("/proc/self/ns/pid")
            .map(|p| p.display().to_string())
            .unwrap_or_default();
        Self {
            host: format!("{} {namespace}", line("/proc/sys/kernel/hostname")),
            boot: line("/proc/sys/kernel/random/boot_id"),
        }
    }
}

/// Whether an object with these labels may be removed: its owner is provably gone, or nobody can tell and its time is
/// up. What a living owner has stays, however late it is.
pub(crate) fn is_abandoned(labels: &HashMap<String, String>, here: &Here, now: SystemTime) -> bool {
    let is_late = || {
        let deadline = labels.get(DEADLINE).and_then(|d| d.parse::<u64>().ok());
        labels.contains_key(RUN) && deadline.is_some_and(|deadline| deadline <= seconds(now))
    };
    match owner_lives(labels, here, start_ticks) {
        Some(lives) => !lives,
        None => is_late(),
    }
}

/// `None` when it cannot be told from here.
fn owner_lives(
    labels: &HashMap<String, String>,
    here: &Here,
    start_ticks: impl Fn(u32) -> Option<u64>,
) -> Option<bool> {
    labels.get(RUN)?;
    if *labels.get(HOST)? != here.host {
        return None;
    }
    if *labels.get(BOOT)? != here.boot {
        return Some(false);
    }
    let pid = labels.get(PID)?.parse().ok()?;
    let start: u64 = labels.get(PID_START)?.parse().ok()?;
    Some(start_ticks(pid) == Some(start))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Field 22 of `/proc/PID/stat`; with the pid, the identity of a process.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks and parentheses of its own.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn owner(lifetime: i64) -> Owner {
        let deadline =
            UNIX_EPOCH + Duration::from_secs(1_000_000u64.saturating_add_signed(lifetime));
        Owner {
            run: "r".into(),
            purpose: "p".into(),
            deadline,
        }
    }

    #[test]
    fn a_living_owner_keeps_its_objects_even_when_their_time_is_up() {
        let here = Here::read();
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(!is_abandoned(&labels(&owner(60), &here), &here, now));
        assert!(!is_abandoned(&labels(&owner(-60), &here), &here, now));
    }

    #[test]
    fn an_owner_is_gone_when_its_pid_is_free_or_anothers_or_the_machine_was_started_again() {
        let here = Here::read();
        let labels = labels(&owner(60), &here);
        let lives = |here: &Here, start: Option<u64>| owner_lives(&labels, here, |_| start);
        let own = start_ticks(std::process::id()).expect("this process runs");
        assert_eq!(lives(&here, Some(own)), Some(true));
        assert_eq!(lives(&here, None), Some(false));
        assert_eq!(lives(&here, Some(own + 1)), Some(false));
        let restarted = Here {
            boot: "other".into(),
            ..here.clone()
        };
        assert_eq!(lives(&restarted, Some(own)), Some(false));
    }

    #[test]
    fn what_cannot_be_told_is_decided_by_time() {
        let here = Here::read();
        let elsewhere = Here {
            host: "elsewhere".into(),
            ..here.clone()
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (lifetime, abandoned) in [(60, false), (-60, true)] {
            let mut labels = labels(&owner(lifetime), &here);
            assert_eq!(is_abandoned(&labels, &elsewhere, now), abandoned);
            labels.remove(PID_START);
            assert_eq!(is_abandoned(&labels, &here, now), abandoned);
        }
        assert!(!is_abandoned(&HashMap::new(), &here, now));
        let foreign = HashMap::from([(DEADLINE.to_owned(), "0".to_owned())]);
        assert!(!is_abandoned(&foreign, &here, now));
    }
}
