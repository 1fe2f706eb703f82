//! What every object of ours carries, so that another run can tell whether its owner is gone.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use adamant_core::engine::Owner;
use fs_err as fs;

/// The label that marks an object as ours: the run's id.
pub(super) const RUN: &str = "dev.adamant.run";
const HOST: &str = "dev.adamant.host";
const BOOT: &str = "dev.adamant.boot";
const PID: &str = "dev.adamant.pid";
const PID_START: &str = "dev.adamant.pid-start";
const DEADLINE: &str = "dev.adamant.deadline";
const PURPOSE: &str = "dev.adamant.purpose";

/// The labels of an object that this process makes for `owner`.
pub(super) fn labels(owner: &Owner, here: &Here) -> HashMap<String, String> {
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
pub(super) struct Here {
    /// Host name and pid namespace: only within both does a pid mean the same process.
    host: String,
    /// Changes with every boot of the machine.
    boot: String,
}

impl Here {
    pub(super) fn read() -> Self {
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

/// Whether an object with these labels may be removed: its time is up, or its owner is provably gone.
pub(super) fn is_abandoned(labels: &HashMap<String, String>, here: &Here, now: SystemTime) -> bool {
    abandoned(labels, here, seconds(now), start_ticks).unwrap_or(false)
}

/// `None` when the labels do not say enough: then nothing is proven.
fn abandoned(
    labels: &HashMap<String, String>,
    here: &Here,
    now: u64,
    start_ticks: impl Fn(u32) -> Option<u64>,
) -> Option<bool> {
    labels.get(RUN)?;
    if labels.get(DEADLINE)?.parse::<u64>().ok()? <= now {
        return Some(true);
    }
    if *labels.get(HOST)? != here.host {
        return Some(false);
    }
    if *labels.get(BOOT)? != here.boot {
        return Some(true);
    }
    let pid = labels.get(PID)?.parse().ok()?;
    let start: u64 = labels.get(PID_START)?.parse().ok()?;
    Some(start_ticks(pid) != Some(start))
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
    fn a_live_owner_keeps_its_objects_until_their_time_is_up() {
        let here = Here::read();
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(!is_abandoned(&labels(&owner(60), &here), &here, now));
        assert!(is_abandoned(&labels(&owner(-60), &here), &here, now));
    }

    #[test]
    fn an_owner_is_gone_when_its_pid_is_free_or_another_process_has_it_or_the_machine_was_started_again()
     {
        let here = Here::read();
        let labels = labels(&owner(60), &here);
        let check =
            |here: &Here, start: Option<u64>| abandoned(&labels, here, 1_000_000, |_| start);
        let own = start_ticks(std::process::id()).expect("this process runs");
        assert_eq!(check(&here, Some(own)), Some(false));
        assert_eq!(check(&here, None), Some(true));
        assert_eq!(check(&here, Some(own + 1)), Some(true));
        assert_eq!(
            check(
                &Here {
                    boot: "other".into(),
                    ..here.clone()
                },
                Some(own)
            ),
            Some(true)
        );
    }

    #[test]
    fn another_host_and_labels_that_do_not_say_enough_prove_nothing() {
        let here = Here::read();
        let mut labels = labels(&owner(60), &here);
        let elsewhere = Here {
            host: "elsewhere".into(),
            ..here.clone()
        };
        assert_eq!(
            abandoned(&labels, &elsewhere, 1_000_000, |_| None),
            Some(false)
        );
        labels.remove(PID_START);
        assert_eq!(abandoned(&labels, &here, 1_000_000, |_| None), None);
        assert!(!is_abandoned(&HashMap::new(), &here, SystemTime::now()));
    }
}
