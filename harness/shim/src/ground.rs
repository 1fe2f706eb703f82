//! What a container stands on: namespaces of its own, its layers as one tree, and what the image does not have but needs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use adamant_shim::{Boot, Filled};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::chdir;
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::trouble::{Trouble, while_doing};
use crate::{copy, net, place};

/// Where the container's root is, below its directory.
pub(crate) const ROOT: &str = "rootfs";
/// The kernel takes one page of options.
const OPTIONS_MOST: usize = 4095;

/// Leaves the host's network and mounts: whatever is mounted from here on goes with this process.
pub(crate) fn leave() -> Result<(), Trouble> {
    let own = UnshareFlags::NEWNS | UnshareFlags::NEWNET;
    #[expect(
        unsafe_code,
        reason = "the wrapper is unsafe for flags that are not used here"
    )]
    // SAFETY: only the file table's flag endangers descriptors.
    unsafe { unshare_unsafe(own) }.map_err(while_doing("make namespaces of its own"))?;
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(while_doing("make its mounts its own"))?;
    net::loopback_up()
}

/// Mounts the layers, with a place above them for what the container writes.
pub(crate) fn mount_layers(boot: &Boot) -> Result<(), Trouble> {
    let dir = &boot.dir;
    if boot.in_memory {
        let doing = while_doing(format!("mount memory at `{}`", dir.display()));
        // Only what is inside matters: the directory keeps its name for whoever removes it.
        let memory = dir.join("memory");
        std::fs::create_dir_all(&memory).map_err(while_doing("make a directory"))?;
        mount("tmpfs", &memory, "tmpfs", MountFlags::empty(), c"mode=700").map_err(doing)?;
    }
    let over = if boot.in_memory {
        dir.join("memory")
    } else {
        dir.clone()
    };
    for made in [
        over.join("upper"),
        over.join("work"),
        dir.join(ROOT),
        dir.join("l"),
    ] {
        std::fs::create_dir_all(&made)
            .map_err(while_doing(format!("make `{}`", made.display())))?;
    }
    // The top of the tree is the image's: without this it would be ours.
    adopt_root(&boot.lowers, &over.join("upper"))?;
    // Short names, so that as many layers fit into the options as overlayfs takes.
    let mut lowers = Vec::new();
    for (number, lower) in boot.lowers.iter().enumerate() {
        let link = dir.join("l").join(number.to_string());
        symlink(lower, &link).map_err(while_doing(format!("link `{}`", link.display())))?;
        lowers.push(format!("l/{number}"));
    }
    let inside = if boot.in_memory { "memory/" } else { "" };
    let options = format!(
        "lowerdir={},upperdir={inside}upper,workdir={inside}work,redirect_dir=off,metacopy=off,index=off",
        lowers.join(":")
    );
    let count = boot.lowers.len();
    let doing = format!("lay {count} layers over each other");
    if options.len() > OPTIONS_MOST {
        return Err(Trouble::new(doing, "they are too many for overlayfs"));
    }
    let options = std::ffi::CString::new(options).map_err(while_doing(&doing))?;
    chdir(dir).map_err(while_doing(&doing))?;
    mount(
        "overlay",
        ROOT,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .map_err(while_doing(&doing))?;
    chdir("/").map_err(while_doing(doing))
}

/// Owner and mode of `/` are those of the topmost layer.
fn adopt_root(lowers: &[PathBuf], upper: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let Some(top) = lowers.first() else {
        return Ok(());
    };
    let doing = || while_doing(format!("take over the mode of `{}`", top.display()));
    let about = std::fs::metadata(top).map_err(doing())?;
    chown(upper, Some(about.uid()), Some(about.gid())).map_err(doing())?;
    std::fs::set_permissions(upper, about.permissions()).map_err(doing())
}

/// Takes paths away, fills new volumes, and makes the working directory.
pub(crate) fn furnish(boot: &Boot) -> Result<(), Trouble> {
    let root = place::root(&boot.dir.join(ROOT))?;
    for path in &boot.removed {
        place::remove(&root, path)?;
    }
    for Filled { source, target } in &boot.filled {
        let doing = || while_doing(format!("fill the volume at `{target}`"));
        let empty = std::fs::read_dir(source).map_err(doing())?.next().is_none();
        if let (true, Some(from)) = (empty, place::dir(&root, target)?) {
            copy::tree(&from, &place::root(source)?).map_err(doing())?;
        }
    }
    if boot.workdir.is_empty() {
        return Ok(());
    }
    place::make_dirs(&root, &boot.workdir)
}
