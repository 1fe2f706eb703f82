//! `adamant-shim run`: one container from its layers to its last file.

use std::path::Path;
use std::time::Instant;

use adamant_shim::{Boot, Note};
use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use serde_json::{Value, json};

use crate::capability::{bit, bits};
use crate::control::{self, Control, Heard};
use crate::executor::{Launch, Outcome, outcome};
use crate::seccomp::Profile;
use crate::trouble::{Trouble, while_doing};
use crate::{cgroup, ground, kernel, supervise};

/// Where the runtime library keeps what it knows, below the container's directory.
pub(crate) const STATE: &str = "state";
/// Whose the directory is, as the engine has noted.
const OWNER: &str = "owner.json";
/// Which process this is, for whoever has to clear up after it.
const SHIM: &str = "shim";
/// What the profile's installation takes where `no_new_privs` is not asked for.
const LENT: [&str; 2] = ["CAP_SYS_ADMIN", "CAP_SETPCAP"];

/// Runs it until nobody wants it; whatever happens, nothing of it is left.
pub(crate) fn run(control: &mut Control) -> Result<(), Trouble> {
    let boot: Boot = control.first()?;
    let lived = live(&boot, control);
    let removed = remove(&boot);
    lived?;
    removed?;
    control.tell(&Note::Removed);
    Ok(())
}

fn live(boot: &Boot, control: &mut Control) -> Result<(), Trouble> {
    std::fs::write(boot.dir.join(SHIM), std::process::id().to_string())
        .map_err(while_doing("leave a note of its own process"))?;
    raise_open_files()?;
    ground::leave()?;
    ground::mount_layers(boot)?;
    ground::furnish(boot)?;
    control::give_output(boot.uid)?;
    let mut process = Started::new(boot)?;
    control::park()?;
    let note = match process.outcome {
        Outcome::Running => Note::Started { pid: process.pid },
        Outcome::Refused(errno) => Note::Refused { errno },
    };
    control.tell(&note);
    let lived = supervise::until_end(control, process.pid);
    let after_ms = u64::try_from(process.since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let unwanted = lived.map(|life| {
        control.tell(&Note::Exited {
            code: life.code,
            oom_killed: cgroup::oom_killed(&boot.name),
            after_ms,
        });
        life.unwanted
    });
    // Its files are looked at until somebody says that they may go.
    let waited = unwanted.and_then(|unwanted| {
        if unwanted {
            Ok(())
        } else {
            until_unwanted(control)
        }
    });
    let deleted = process.container.delete(true);
    waited?;
    deleted.map_err(while_doing(format!("delete the container `{}`", boot.name)))
}

/// A signal for a process that has ended goes nowhere.
fn until_unwanted(control: &mut Control) -> Result<(), Trouble> {
    use adamant_shim::Order;
    loop {
        if let Heard::End | Heard::Order(Order::Remove) = control.next()? {
            return Ok(());
        }
    }
}

/// A container whose process is, or was refused.
struct Started {
    container: Container,
    pid: i32,
    outcome: Outcome,
    since: Instant,
}

impl Started {
    fn new(boot: &Boot) -> Result<Self, Trouble> {
        let mut spec: Value =
            serde_json::from_str(&boot.spec).map_err(while_doing("read the specification"))?;
        join_network(&mut spec);
        let (profile, lent) = profile(&mut spec["process"])?;
        let config = boot.dir.join("config.json");
        std::fs::write(&config, spec.to_string())
            .map_err(while_doing(format!("write `{}`", config.display())))?;
        let (launch, reader) = Launch::new(profile, lent)?;
        let doing = || while_doing(format!("create the container `{}`", boot.name));
        let builder = ContainerBuilder::new(boot.name.clone(), SyscallType::default())
            .with_root_path(state(&boot.dir)?)
            .map_err(doing())?
            .with_executor(launch.clone());
        let built = builder
            .as_init(&boot.dir)
            .with_systemd(false)
            .with_detach(true)
            .build();
        let mut container = built.map_err(doing())?;
        let pid = container.pid().map_or(0, |pid| pid.as_raw());
        let since = Instant::now();
        let started = container
            .start()
            .map_err(while_doing("start the container's process"));
        let outcome = started.and_then(|()| outcome(launch, reader));
        match outcome {
            Ok(outcome) => Ok(Self {
                container,
                pid,
                outcome,
                since,
            }),
            Err(trouble) => {
                // The first failure is the one to tell; what is left is swept by name.
                drop(kernel::send(pid, libc::SIGKILL));
                drop(kernel::reap(pid));
                drop(container.delete(true));
                Err(trouble)
            }
        }
    }
}

/// Where the runtime library keeps what it knows of a container.
fn state(dir: &Path) -> Result<std::path::PathBuf, Trouble> {
    let state = dir.join(STATE);
    std::fs::create_dir_all(&state).map_err(while_doing(format!("make `{}`", state.display())))?;
    Ok(state)
}

/// The container's network is the one that this process has made.
fn join_network(spec: &mut Value) {
    let path = format!("/proc/{}/ns/net", std::process::id());
    if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
        namespaces.push(json!({ "type": "network", "path": path }));
    }
}

/// The seccomp profile for a process, and what it was lent so that the profile can be installed.
pub(crate) fn profile(process: &mut Value) -> Result<(Profile, u64), Trouble> {
    let names = |process: &Value| -> Vec<String> {
        let bounding = process["capabilities"]["bounding"].as_array();
        let names = bounding.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let own = names(process);
    let capabilities = bits(own.iter().map(String::as_str));
    let profile = Profile::new(capabilities)?;
    if process["noNewPrivileges"] == json!(true) {
        return Ok((profile, 0));
    }
    let mut lent = 0;
    for name in LENT {
        if capabilities & bit(name) != 0 {
            continue;
        }
        lent |= bit(name);
        for set in ["bounding", "effective", "permitted"] {
            if let Some(set) = process["capabilities"][set].as_array_mut() {
                set.push(json!(name));
            }
        }
    }
    Ok((profile, lent))
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

/// Takes the mounts away and the directory with everything in it.
fn remove(boot: &Boot) -> Result<(), Trouble> {
    use rustix::mount::{UnmountFlags, unmount};
    // They belong to this process alone; what was never mounted cannot be unmounted.
    for mounted in [ground::ROOT, "memory"] {
        let _ = unmount(boot.dir.join(mounted), UnmountFlags::DETACH);
    }
    match remove_dir(&boot.dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Trouble::new(
            format!("remove `{}`", boot.dir.display()),
            error,
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_lent_only_where_the_kernel_asks_for_them() {
        let process = |nnp: bool| {
            json!({
                "noNewPrivileges": nnp,
                "capabilities": { "bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"] },
            })
        };
        let mut without = process(true);
        assert_eq!(profile(&mut without).expect("compiles").1, 0);
        assert_eq!(without, process(true));
        let mut with = process(false);
        let lent = profile(&mut with).expect("compiles").1;
        assert_eq!(lent, bits(LENT));
        for set in ["bounding", "effective", "permitted"] {
            assert_eq!(with["capabilities"][set].as_array().map(Vec::len), Some(3));
        }
    }
}
