//! `adamant-shim exec`: one more process in a running container.

use std::os::fd::AsRawFd as _;
use std::time::Instant;

use adamant_shim::{Exec, Note};
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use serde_json::Value;

use crate::control::{self, Control};
use crate::executor::{Launch, Outcome, in_memory, outcome};
use crate::run::{STATE, profile};
use crate::supervise;
use crate::trouble::{Trouble, while_doing};

/// Runs it to its end.
pub(crate) fn exec(control: &mut Control) -> Result<(), Trouble> {
    let exec: Exec = control.first()?;
    let mut process: Value =
        serde_json::from_str(&exec.process).map_err(while_doing("read the process"))?;
    let (profile, lent) = profile(&mut process)?;
    let file = in_memory("process", &process.to_string())?;
    control::give_output(exec.uid)?;
    let (launch, reader) = Launch::new(profile, lent)?;
    let doing = || while_doing(format!("run a process in the container `{}`", exec.name));
    let builder = ContainerBuilder::new(exec.name.clone(), SyscallType::default())
        .with_root_path(exec.dir.join(STATE))
        .map_err(doing())?
        .with_executor(launch.clone());
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let tenant = builder
        .as_tenant()
        .with_detach(true)
        .with_process(Some(path));
    let since = Instant::now();
    let pid = tenant.build().map_err(doing())?.as_raw();
    let note = match outcome(launch, reader)? {
        Outcome::Running => Note::Started { pid },
        Outcome::Refused(errno) => Note::Refused { errno },
    };
    control::park()?;
    control.tell(&note);
    let life = supervise::until_end(control, pid)?;
    control.tell(&Note::Exited {
        code: life.code,
        oom_killed: false,
        after_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    Ok(())
}
