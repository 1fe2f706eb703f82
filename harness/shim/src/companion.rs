//! `adamant-shim companion`: a service beside a container, in a network of its own that only leads to the container's.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use adamant_shim::{Companion, Note};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::control::Control;
use crate::trouble::{Trouble, while_doing};
use crate::{kernel, net, supervise};

/// Runs it until nobody wants it.
pub(crate) fn start(control: &mut Control) -> Result<(), Trouble> {
    let wanted = control.read::<Companion>()?;
    let wanted = wanted.ok_or_else(|| Trouble::new("read what to start", "the engine has gone"))?;
    let subject = net::of(&wanted.shim.to_string())?;
    #[expect(
        unsafe_code,
        reason = "the wrapper is unsafe for flags that are not used here"
    )]
    // SAFETY: only the file table's flag endangers descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
        .map_err(while_doing("make a network of its own"))?;
    net::loopback_up()?;
    net::cable(&subject, &wanted)?;
    let (program, words) = wanted
        .argv
        .split_first()
        .ok_or_else(|| Trouble::new("start a companion", "it has no program"))?;
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[expect(
        unsafe_code,
        reason = "what a child does for itself before it is a program"
    )]
    // SAFETY: the closure makes one system call and touches no memory.
    unsafe {
        command.pre_exec(|| {
            kernel::end_with_parent();
            Ok(())
        });
    }
    let child = command
        .spawn()
        .map_err(while_doing(format!("start `{program}`")))?;
    let pid = i32::try_from(child.id()).map_err(while_doing("start a companion"))?;
    control.tell(&Note::Started { pid });
    let life = supervise::until_end(control, pid, |_, _| Ok(()))?;
    if !life.unwanted {
        control.tell(&Note::Exited {
            code: life.code,
            oom_killed: false,
            after_ms: 0,
        });
    }
    Ok(())
}
