//! `adamant-shim run`: one container from its seat to its last file.

use std::path::Path;
use std::time::Instant;

use adamant_shim::{Boot, Note, Order, Seat};

use crate::cgroup::Groups;
use crate::control::{self, Control, Heard};
use crate::launch::Outcome;
use crate::nowhere::Nowhere;
use crate::seat::{self, Init};
use crate::spec::Spec;
use crate::trouble::{Trouble, while_doing};
use crate::usher::{Errand, Usher};
use crate::{kernel, supervise};

/// Whose the directory is, as the engine has noted.
const OWNER: &str = "owner.json";
/// Which process this is, for whoever has to clear up after it.
const SHIM: &str = "shim";
/// How many processes of ours are counted with the container's.
const BESIDE: i64 = 1;

/// Runs it until nobody wants it; whatever happens, nothing of it is left.
pub(crate) fn run(control: &mut Control) -> Result<(), Trouble> {
    let seat = control.read::<Seat>()?;
    let seat = seat.ok_or_else(|| Trouble::new("read what to prepare", "the engine has gone"))?;
    let lived = live(&seat, control);
    if lived.is_ok() {
        control.tell(&Note::Removed);
    }
    // Nobody waits for the files: a disk takes longer to forget them than all the rest takes.
    let removed = remove(&seat.dir);
    lived?;
    removed
}

fn live(seat: &Seat, control: &mut Control) -> Result<(), Trouble> {
    std::fs::write(seat.dir.join(SHIM), std::process::id().to_string())
        .map_err(while_doing("leave a note of its own process"))?;
    kernel::hide().map_err(while_doing("hide from the container"))?;
    raise_open_files()?;
    let groups = Groups::make(&seat.name)?;
    let lived = inside(seat, &groups, control);
    let removed = groups.remove();
    lived?;
    removed
}

/// With the control groups there, and everything gone from them afterwards.
fn inside(seat: &Seat, groups: &Groups, control: &mut Control) -> Result<(), Trouble> {
    seat::leave()?;
    let memory = seat.in_memory.then(seat::memory).transpose()?;
    // Before there is a space of process numbers that it would be in.
    let mut usher = Usher::fork()?;
    let lived = Init::fork(seat, groups, memory.as_ref()).and_then(|init| {
        let pid = init.pid;
        let lived = [usher.pid, pid]
            .into_iter()
            .try_for_each(|pid| groups.take(pid))
            .and_then(|()| wanted(init, &mut usher, groups, control));
        // When all went well it has ended and is reaped.
        if !matches!(lived, Ok(Reaped::Yes)) {
            let _ = kernel::send(pid, libc::SIGKILL);
            let _ = kernel::reap(pid);
        }
        lived
    });
    usher.end();
    lived?;
    Ok(())
}

/// Whether the first process has ended and been waited for.
enum Reaped {
    Yes,
    No,
}

/// Starts what is asked for, if anything ever is.
fn wanted(
    init: Init,
    usher: &mut Usher,
    groups: &Groups,
    control: &mut Control,
) -> Result<Reaped, Trouble> {
    let Some(boot) = control.read::<Boot>()? else {
        return Ok(Reaped::No);
    };
    let spec: Spec =
        serde_json::from_str(&boot.spec).map_err(while_doing("read the specification"))?;
    groups.limit(&spec.linux.resources, BESIDE)?;
    control::give_output(boot.uid)?;
    let _network = boot.nowhere.then(Nowhere::make).transpose()?;
    let pid = init.pid;
    let since = Instant::now();
    let outcome = init.become_program(&boot)?;
    control::park()?;
    control.tell(&match outcome {
        Outcome::Running => Note::Started { pid },
        Outcome::Refused(errno) => Note::Refused { errno },
    });
    let life = supervise::until_end(control, pid, |control, order| {
        if let (Order::Exec { process, uid }, Some(fds)) = (order, control.claim()) {
            let errand = Errand {
                init: pid,
                process,
                uid,
            };
            // One that the kernel has killed for memory starts nothing: who asked sees its own ends close.
            let _ = usher.start(&errand, &fds);
        }
        Ok(())
    })?;
    control.tell(&Note::Exited {
        code: life.code,
        oom_killed: groups.oom_killed(),
        after_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    // Nothing can be started in it any more: this goes while whoever hears of its end thinks about it.
    usher.end();
    let removed = groups.remove();
    // Its files are looked at until somebody says that they may go.
    if !life.unwanted {
        until_unwanted(control)?;
    }
    removed?;
    Ok(Reaped::Yes)
}

/// A signal for a process that has ended goes nowhere, and what was to be started beside it is let go.
fn until_unwanted(control: &mut Control) -> Result<(), Trouble> {
    loop {
        match control.next()? {
            Heard::End | Heard::Order(Order::Remove) => return Ok(()),
            Heard::Order(Order::Exec { .. }) => drop(control.claim()),
            Heard::Order(Order::Kill { .. }) => {}
        }
    }
}

/// As many open files as this host lets us have: a daemon gives its containers its own high limit.
fn raise_open_files() -> Result<(), Trouble> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(while_doing("raise the limit of open files"))
}

/// Takes the directory away with everything in it; what was mounted has gone with the container's last process.
fn remove(dir: &Path) -> Result<(), Trouble> {
    match remove_dir(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Trouble::new(format!("remove `{}`", dir.display()), error))
        }
        _ => Ok(()),
    }
}

/// The owner's name goes last: until then another run can tell whose the rest is, whenever this one is killed.
fn remove_dir(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() == OWNER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    std::fs::remove_file(dir.join(OWNER))?;
    std::fs::remove_dir(dir)
}
