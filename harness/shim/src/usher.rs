//! Starts further processes in a container: a process that is in its control groups from the beginning, because moving one
//! there later waits for the whole kernel.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use adamant_shim::Note;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};
use serde::{Deserialize, Serialize};

use crate::control::{self, Control, PASSED};
use crate::launch::{self, Outcome};
use crate::spec::Process;
use crate::supervise;
use crate::trouble::{Trouble, while_doing};
use crate::{kernel, seat};

/// What to start, and where.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// The container's first process.
    pub(crate) init: i32,
    /// The process as the runtime specification has it, as JSON text.
    pub(crate) process: String,
    /// Who may reopen its standard output and error.
    pub(crate) uid: u32,
}

/// A hold on it.
#[derive(Debug)]
pub(crate) struct Usher {
    pub(crate) pid: i32,
    control: Control,
    ended: bool,
}

impl Usher {
    /// Forks it. It keeps nothing of this process open but its own socket.
    pub(crate) fn fork() -> Result<Self, Trouble> {
        let doing = || while_doing("fork who starts processes in the container");
        let (ours, theirs) = UnixStream::pair().map_err(doing())?;
        match kernel::fork().map_err(doing())? {
            Some(pid) => Ok(Self {
                pid,
                control: Control::on(ours.into()),
                ended: false,
            }),
            None => {
                drop(ours);
                kernel::end_with_parent();
                // Whoever asked has the other ends of what came along, and sees them close.
                let _ = seat::quiet().and_then(|()| serve(theirs));
                kernel::leave(0)
            }
        }
    }

    /// Hands a process on to it.
    pub(crate) fn start(&self, errand: &Errand, fds: &[OwnedFd; PASSED]) -> Result<(), Trouble> {
        self.control.pass(errand, fds)
    }

    /// Ends it and what it has started; once, because its number may be another's afterwards.
    pub(crate) fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            let _ = kernel::send(self.pid, libc::SIGKILL);
            let _ = kernel::reap(self.pid);
        }
    }
}

/// One child for each errand, until nobody sends more.
fn serve(socket: UnixStream) -> Result<(), Trouble> {
    // What else is open belongs to the shim: a control socket that is held here would never end.
    kernel::close_others(socket.as_raw_fd()).map_err(while_doing("close what is the shim's"))?;
    kernel::forget_children(true);
    let mut control = Control::on(socket.into());
    while let Some(errand) = control.read::<Errand>()? {
        let Some(fds) = control.claim() else { continue };
        if kernel::fork().map_err(while_doing("fork"))?.is_none() {
            kernel::end_with_parent();
            kernel::forget_children(false);
            drop(control);
            let [socket, stdout, stderr] = fds;
            let mut control = Control::on(socket);
            if let Err(trouble) = run(&errand, stdout, stderr, &mut control) {
                control.tell(&Note::Failed {
                    chain: trouble.chain(),
                });
            }
            kernel::leave(0);
        }
    }
    Ok(())
}

/// Runs one process to its end.
fn run(
    errand: &Errand,
    stdout: OwnedFd,
    stderr: OwnedFd,
    control: &mut Control,
) -> Result<(), Trouble> {
    const DOING: &str = "start a process in the container";
    let process: Process =
        serde_json::from_str(&errand.process).map_err(while_doing("read the process"))?;
    rustix::stdio::dup2_stdout(&stdout)
        .and_then(|()| rustix::stdio::dup2_stderr(&stderr))
        .map_err(while_doing(DOING))?;
    drop((stdout, stderr));
    control::give_output(errand.uid)?;
    let init =
        Pid::from_raw(errand.init).ok_or_else(|| Trouble::new(DOING, "it has no first process"))?;
    let init = pidfd_open(init, PidfdFlags::empty()).map_err(while_doing(DOING))?;
    let (reader, told) = std::io::pipe().map_err(while_doing(DOING))?;
    let null = std::fs::File::options()
        .write(true)
        .open("/dev/null")
        .map_err(while_doing(DOING))?;
    // Its network and names are this process's from the beginning.
    let spaces = ThreadNameSpaceType::MOUNT | ThreadNameSpaceType::PROCESS_ID;
    move_into_thread_name_spaces(init.as_fd(), spaces).map_err(while_doing(DOING))?;
    let since = Instant::now();
    let Some(pid) = kernel::fork().map_err(while_doing(DOING))? else {
        drop(reader);
        kernel::end_with_parent();
        launch::become_program(&process, told)
    };
    drop(told);
    rustix::stdio::dup2_stdout(&null)
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(while_doing(DOING))?;
    let note = match launch::outcome(reader)? {
        Outcome::Running => Note::Started { pid },
        Outcome::Refused(errno) => Note::Refused { errno },
    };
    control.tell(&note);
    let life = supervise::until_end(control, pid, |_, _| Ok(()))?;
    control.tell(&Note::Exited {
        code: life.code,
        oom_killed: false,
        after_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    Ok(())
}
