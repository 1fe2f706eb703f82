//! The trap around a runtime: its system calls are watched from its first instruction on, and whatever it starts after it
//! said that it was ready is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use adamant_core::engine::EngineError;
use adamant_core::module::{HostTrace, ProcessSeen, Sight};
use adamant_core::run::{Deadline, monotonic_ns};
use adamant_probe::{Action, CONTROL_ADDRESS};

use crate::embedded::PROBE;
use crate::supervisor::Supervisor;

/// What the launcher tries to write, so that the trap shows that it sees; nothing is there.
const CONTROL: &str = "/adamant-trap-control/never";

/// A supervisor, and what there was when the runtime said that it was ready.
#[derive(Debug)]
pub(super) struct Trap {
    supervisor: Supervisor,
    ready_ns: u64,
    known: BTreeSet<i32>,
}

impl Trap {
    /// Starts the supervisor; the error is why nobody can look.
    pub(super) fn set() -> Result<(Self, PathBuf), EngineError> {
        let probe = PROBE.file()?;
        let supervisor = Supervisor::start(&probe, CONTROL, None)?;
        let trap = Self {
            supervisor,
            ready_ns: u64::MAX,
            known: BTreeSet::new(),
        };
        Ok((trap, probe))
    }

    /// The command that starts `program` in the trap.
    pub(super) fn command(
        &self,
        probe: &std::path::Path,
        program: &OsStr,
        words: &[String],
    ) -> Command {
        let mut command = Command::new(probe);
        command.args(["launch", "--control-write", CONTROL, "--socket"]);
        command
            .arg(self.supervisor.socket())
            .arg("--")
            .arg(program)
            .args(words);
        command
    }

    /// Waits until the process is in the trap.
    pub(super) fn wait_attached(
        &mut self,
        ended: impl Fn() -> bool,
        deadline: &Deadline,
    ) -> Result<(), EngineError> {
        self.supervisor.wait_attached(ended, deadline)
    }

    /// From now on nothing may be started.
    pub(super) fn arm(&mut self, pid: u32) {
        self.ready_ns = monotonic_ns();
        self.known = family(pid);
    }

    /// What was started since, by the runtime whose leader is `pid`.
    pub(super) fn look(&mut self, pid: u32, deadline: &Deadline) -> Sight {
        let trace = match self.supervisor.trace(deadline) {
            Ok(trace) => trace,
            Err(error) => return Sight::Blind(chain(&error)),
        };
        if let Some(why) = trace.cut {
            return Sight::Blind(format!("what was seen is not all: {why}"));
        }
        let control = CONTROL_ADDRESS
            .rsplit_once(':')
            .map_or(CONTROL_ADDRESS, |(host, _)| host);
        let wrote = |a: &Action| matches!(a, Action::Write { path, .. } if path == CONTROL);
        let connected =
            |a: &Action| matches!(a, Action::Connect { address, .. } if address == control);
        let any = |is: &dyn Fn(&Action) -> bool| trace.events.iter().any(|e| is(&e.action));
        if !any(&wrote) || !any(&connected) {
            return Sight::Blind("the trap did not see its own control".to_owned());
        }
        let mut processes = Vec::new();
        let mut made = BTreeMap::new();
        for event in trace.events.iter().filter(|e| e.at_ns > self.ready_ns) {
            let actor = &event.actor;
            if let Action::Exec { path, argv, .. } = &event.action {
                let mut exec = vec![path.clone()];
                exec.extend(argv.iter().skip(1).cloned());
                processes.push(ProcessSeen {
                    pid: actor.pid,
                    argv: actor.argv.clone(),
                    exec: Some(exec),
                });
            } else if actor.pid > 0 && !self.known.contains(&actor.pid) {
                made.entry(actor.pid).or_insert_with(|| actor.argv.clone());
            }
        }
        for pid in family(pid).difference(&self.known) {
            made.entry(*pid).or_insert_with(|| words_of(*pid));
        }
        let made = made.into_iter().map(|(pid, argv)| ProcessSeen {
            pid,
            argv,
            exec: None,
        });
        processes.extend(made);
        Sight::Seen(HostTrace {
            processes,
            idle_cpu: None,
        })
    }
}

fn chain(error: &EngineError) -> String {
    adamant_core::report::text::causes(error).join(": ")
}

/// A process and everything that it or its children started and that is alive.
pub(super) fn family(leader: u32) -> BTreeSet<i32> {
    let Ok(leader) = i32::try_from(leader) else {
        return BTreeSet::new();
    };
    let mut parents = BTreeMap::new();
    for entry in fs_err::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_string_lossy().parse::<i32>();
        if let Ok(pid) = pid
            && let Some((parent, _)) = stat(pid)
        {
            parents.insert(pid, parent);
        }
    }
    let mut members = BTreeSet::from([leader]);
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, parent)| members.contains(parent) && !members.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return members;
        }
        members.extend(more);
    }
}

/// How much a process and its living descendants have worked so far.
#[derive(Debug)]
pub(super) struct Work {
    /// Milliseconds of CPU, all threads together.
    cpu: u64,
    /// For each thread the milliseconds in which it ran or stood in the queue for a CPU.
    busy: BTreeMap<String, u64>,
}

impl Work {
    /// As it is now.
    pub(super) fn of(leader: u32) -> Self {
        let family = family(leader);
        let ticks: u64 = family
            .iter()
            .filter_map(|pid| stat(*pid))
            .map(|(_, ticks)| ticks)
            .sum();
        Self {
            cpu: ticks * 1000 / rustix::param::clock_ticks_per_second().max(1),
            busy: family.into_iter().flat_map(threads).collect(),
        }
    }

    /// Milliseconds of work since then. On a crowded machine a thread that never rests gets little CPU: what it waits for one
    /// is work that it has, so the busiest thread counts where that is more.
    pub(super) fn since(&self, earlier: &Self) -> u64 {
        let of = |(thread, busy): (&String, &u64)| {
            busy.saturating_sub(earlier.busy.get(thread).copied().unwrap_or_default())
        };
        let busiest = self.busy.iter().map(of).max().unwrap_or_default();
        self.cpu.saturating_sub(earlier.cpu).max(busiest)
    }
}

/// The threads of a process, and how long each ran or waited to run. Empty where the kernel does not tell.
fn threads(pid: i32) -> Vec<(String, u64)> {
    let Ok(tasks) = fs_err::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let busy = |task: std::io::Result<fs_err::DirEntry>| {
        let task = task.ok()?;
        let text = fs_err::read_to_string(task.path().join("schedstat")).ok()?;
        let mut numbers = text.split_whitespace().map_while(|n| n.parse::<u64>().ok());
        let nanoseconds = numbers.next()? + numbers.next()?;
        Some((
            task.file_name().to_string_lossy().into_owned(),
            nanoseconds / 1_000_000,
        ))
    };
    tasks.filter_map(busy).collect()
}

/// The parent of a process and the clock ticks that it has used.
fn stat(pid: i32) -> Option<(i32, u64)> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may have anything in it, so what follows the last one counts.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let parent = fields.get(1)?.parse().ok()?;
    Some((parent, number(11)? + number(12)?))
}

fn words_of(pid: i32) -> Vec<String> {
    let bytes = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|b| *b == 0).filter(|w| !w.is_empty());
    words
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect()
}
