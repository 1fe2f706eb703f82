//! What of a container does not depend on what will run in it: its network, its first process, and who starts others in it.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use adamant_shim::{Boot, MEMORY, Seat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::cgroup::Groups;
use crate::trouble::{Trouble, while_doing};
use crate::{kernel, launch, mounts, net};

/// Settings of a container's network that Docker makes too: low ports and echo requests take no privilege.
const SETTINGS: [(&str, &str); 2] = [
    ("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"),
    ("/proc/sys/net/ipv4/ping_group_range", "0 2147483647"),
];

/// Most orders are shorter: one read takes them.
const ORDER: usize = 64 * 1024;

/// Leaves the host's network, names and shared memory.
pub(crate) fn leave() -> Result<(), Trouble> {
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS)?;
    for (setting, value) in SETTINGS {
        match std::fs::write(setting, value) {
            // A kernel that is built without it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            written => written.map_err(while_doing(format!("write `{setting}`")))?,
        }
    }
    net::loopback_up()
}

pub(crate) fn unshare(flags: UnshareFlags) -> Result<(), Trouble> {
    #[expect(
        unsafe_code,
        reason = "the wrapper is unsafe for flags that are not used here"
    )]
    // SAFETY: only the file table's flag endangers descriptors.
    unsafe { unshare_unsafe(flags) }.map_err(while_doing("make namespaces of its own"))
}

/// Memory for what a container writes, mounted nowhere yet: a descriptor whose number the engine knows.
pub(crate) fn memory() -> Result<OwnedFd, Trouble> {
    const DOING: &str = "set memory aside for what the container writes";
    let made = || -> rustix::io::Result<OwnedFd> {
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&context, "mode", "700")?;
        fsconfig_create(&context)?;
        let mounted = fsmount(
            &context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )?;
        fcntl_dupfd_cloexec(&mounted, MEMORY)
    };
    let memory = made().map_err(while_doing(DOING))?;
    if memory.as_raw_fd() != MEMORY {
        return Err(Trouble::new(DOING, "its descriptor is taken"));
    }
    Ok(memory)
}

/// The first process of a container, which waits to be told what to be.
#[derive(Debug)]
pub(crate) struct Init {
    pub(crate) pid: i32,
    order: PipeWriter,
    told: PipeReader,
}

impl Init {
    /// Forks it, in a new space of process numbers.
    pub(crate) fn fork(
        seat: &Seat,
        groups: &Groups,
        memory: Option<&OwnedFd>,
    ) -> Result<Self, Trouble> {
        let doing = || while_doing("start the container's first process");
        let (order, orders) = std::io::pipe().map_err(doing())?;
        let (told, tell) = std::io::pipe().map_err(doing())?;
        unshare(UnshareFlags::NEWPID)?;
        match kernel::fork().map_err(doing())? {
            Some(pid) => Ok(Self {
                pid,
                order: orders,
                told,
            }),
            None => {
                drop((orders, told));
                kernel::end_with_parent();
                begin(seat, groups, memory, order, tell)
            }
        }
    }

    /// Tells it; it lives on as the program, or says why not.
    pub(crate) fn become_program(mut self, boot: &Boot) -> Result<launch::Outcome, Trouble> {
        let doing = || while_doing("tell the container's first process what to be");
        let text = serde_json::to_vec(boot).map_err(doing())?;
        // One that has ended has said why.
        let _ = self.order.write_all(&text);
        drop(self.order);
        launch::outcome(self.told)
    }
}

/// The first process itself.
fn begin(
    seat: &Seat,
    groups: &Groups,
    memory: Option<&OwnedFd>,
    mut order: PipeReader,
    tell: PipeWriter,
) -> ! {
    let mut ready = || -> Result<Option<crate::spec::Process>, Trouble> {
        mounts::leave()?;
        let mut text = Vec::with_capacity(ORDER);
        order
            .read_to_end(&mut text)
            .map_err(while_doing("hear what to be"))?;
        if text.is_empty() {
            return Ok(None);
        }
        let boot: Boot = serde_json::from_slice(&text).map_err(while_doing("read what to be"))?;
        let spec: crate::spec::Spec =
            serde_json::from_str(&boot.spec).map_err(while_doing("read the specification"))?;
        mounts::build(seat, &boot, &spec, groups, memory.map(OwnedFd::as_fd))?;
        Ok(Some(spec.process))
    };
    match ready() {
        // Nobody wanted it.
        Ok(None) => kernel::leave(0),
        Ok(Some(process)) => launch::become_program(&process, tell),
        Err(trouble) => launch::fail(&trouble, tell),
    }
}

/// Standard streams that say nothing and swallow everything.
pub(crate) fn quiet() -> Result<(), Trouble> {
    let null = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(while_doing("open `/dev/null`"))?;
    rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(while_doing("let go of standard output"))
}
