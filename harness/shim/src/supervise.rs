//! Waits for a child's end and for orders, whichever comes first.

use std::os::fd::AsFd;

use adamant_shim::Order;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::control::{Control, Heard};
use crate::kernel;
use crate::trouble::{Trouble, while_doing};

const KILL: i32 = libc::SIGKILL;

/// How a child's life went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// The exit code.
    pub(crate) code: i32,
    /// Whether nobody wants what is left of it.
    pub(crate) unwanted: bool,
}

/// Until the child has ended; it is killed when nobody wants it any more.
///
/// `start` does what an order to start something else asks for.
pub(crate) fn until_end(
    control: &mut Control,
    pid: i32,
    start: impl Fn(&mut Control, Order) -> Result<(), Trouble>,
) -> Result<Life, Trouble> {
    let doing = format!("wait for process {pid}");
    let child =
        Pid::from_raw(pid).ok_or_else(|| Trouble::new("wait for a child", "it has no pid"))?;
    let end = pidfd_open(child, PidfdFlags::empty()).map_err(while_doing(&doing))?;
    let mut unwanted = false;
    loop {
        let ended = if control.has_line() && !unwanted {
            false
        } else {
            wait(&end, (!unwanted).then_some(&*control)).map_err(while_doing(&doing))?
        };
        if ended {
            let code = kernel::reap(pid).map_err(while_doing(&doing))?;
            return Ok(Life { code, unwanted });
        }
        match control.next()? {
            // A process that has just ended takes no signal.
            Heard::Order(Order::Kill { signal }) => drop(kernel::send(pid, signal)),
            Heard::Order(order @ Order::Exec { .. }) => start(control, order)?,
            Heard::Order(Order::Remove) | Heard::End => {
                unwanted = true;
                drop(kernel::send(pid, KILL));
            }
        }
    }
}

/// Whether the child has ended; else the control socket has something.
fn wait(end: &impl AsFd, control: Option<&Control>) -> rustix::io::Result<bool> {
    let mut fds = vec![PollFd::new(end, PollFlags::IN)];
    fds.extend(control.map(|control| PollFd::new(control, PollFlags::IN)));
    loop {
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(_) => return Ok(!fds[0].revents().is_empty()),
        }
    }
}
