//! A container's root, built by its first process in a mount namespace of its own: layers, mounts, devices, and what is hidden.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, chown};
use std::path::Path;

use adamant_shim::{Boot, Filled, Seat};
use rustix::fs::{FileType, Mode, OFlags, fstat, makedev, mknodat, open, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, mount, mount_bind,
    mount_bind_recursive, mount_change, mount_remount, move_mount, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};
use rustix::thread::UnshareFlags;

use crate::cgroup::Groups;
use crate::spec::{Mount, Spec};
use crate::trouble::{Trouble, while_doing};
use crate::{copy, place, seat};

/// Where the container's root is, below its directory.
const ROOT: &str = "rootfs";
/// Where memory for what it writes is, below its directory.
const MEMORY: &str = "memory";
/// The kernel takes one page of options.
const OPTIONS_MOST: usize = 4095;
/// What the kernel's own file systems are mounted with.
const INERT: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);
/// Devices that every container has: name, major, minor.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
/// Links that every container has in `/dev`.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Leaves the host's mounts: whatever is mounted from here on goes with the container.
pub(crate) fn leave() -> Result<(), Trouble> {
    seat::unshare(UnshareFlags::NEWNS)?;
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(while_doing("make its mounts its own"))
}

/// Builds the root and makes it this process's, with nothing of the host in reach.
pub(crate) fn build(
    seat: &Seat,
    boot: &Boot,
    spec: &Spec,
    groups: &Groups,
    memory: Option<BorrowedFd<'_>>,
) -> Result<(), Trouble> {
    mount_layers(seat, boot, memory)?;
    let root = place::root(&seat.dir.join(ROOT))?;
    furnish(&root, boot)?;
    for mount in &spec.mounts {
        let doing = format!("mount `{}` at `{}`", mount.kind, mount.destination);
        one(&root, mount, groups).map_err(while_doing(doing))?;
    }
    devices(&root)?;
    for path in &spec.linux.readonly_paths {
        protect(&root, path).map_err(while_doing(format!("make `{path}` read-only")))?;
    }
    for path in &spec.linux.masked_paths {
        mask(&root, path).map_err(while_doing(format!("hide `{path}`")))?;
    }
    rustix::system::sethostname(spec.hostname.as_bytes())
        .map_err(while_doing("set the host name"))?;
    enter(&root).map_err(while_doing("make the container's root its own"))?;
    if spec.root.readonly {
        mount_remount("/", MountFlags::BIND | MountFlags::RDONLY, c"")
            .map_err(while_doing("make the container's root read-only"))?;
    }
    Ok(())
}

/// Mounts the layers, with a place above them for what the container writes.
fn mount_layers(seat: &Seat, boot: &Boot, memory: Option<BorrowedFd<'_>>) -> Result<(), Trouble> {
    let dir = &seat.dir;
    let make = |path: &Path| {
        std::fs::create_dir_all(path).map_err(while_doing(format!("make `{}`", path.display())))
    };
    let over = match memory {
        None => dir.clone(),
        Some(memory) => {
            let place = dir.join(MEMORY);
            make(&place)?;
            move_mount(
                memory,
                "",
                rustix::fs::CWD,
                &place,
                MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
            )
            .map_err(while_doing(format!(
                "mount memory at `{}`",
                place.display()
            )))?;
            place
        }
    };
    for made in [over.join("upper"), over.join("work"), dir.join(ROOT)] {
        make(&made)?;
    }
    // The top of the tree is the image's: without this it would be ours.
    adopt_root(&boot.lowers, &over.join("upper"))?;
    let doing = format!("lay {} layers over each other", boot.lowers.len());
    // Open directories have short names, so that as many as possible fit into the options.
    let lowers = boot.lowers.iter().map(|lower| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        open(lower, flags, Mode::empty())
            .map_err(while_doing(format!("open `{}`", lower.display())))
    });
    let lowers: Vec<OwnedFd> = lowers.collect::<Result<_, _>>()?;
    let names: Vec<String> = lowers.iter().map(named).collect();
    let options = format!(
        "lowerdir={},upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off",
        names.join(":")
    );
    if options.len() > OPTIONS_MOST {
        return Err(Trouble::new(doing, "they are too many for overlayfs"));
    }
    let options = std::ffi::CString::new(options).map_err(while_doing(&doing))?;
    chdir(&over).map_err(while_doing(&doing))?;
    mount(
        "overlay",
        dir.join(ROOT),
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .and_then(|()| chdir("/"))
    .map_err(while_doing(doing))
}

/// A descriptor as a path.
fn named(fd: &impl AsFd) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}

/// Owner and mode of `/` are those of the topmost layer.
fn adopt_root(lowers: &[std::path::PathBuf], upper: &Path) -> Result<(), Trouble> {
    let Some(top) = lowers.first() else {
        return Ok(());
    };
    let doing = || while_doing(format!("take over the mode of `{}`", top.display()));
    let about = std::fs::metadata(top).map_err(doing())?;
    chown(upper, Some(about.uid()), Some(about.gid())).map_err(doing())?;
    std::fs::set_permissions(upper, about.permissions()).map_err(doing())
}

/// Takes paths away, fills new volumes, and makes the working directory.
fn furnish(root: &OwnedFd, boot: &Boot) -> Result<(), Trouble> {
    for path in &boot.removed {
        place::remove(root, path)?;
    }
    for Filled { source, target } in &boot.filled {
        let doing = || while_doing(format!("fill the volume at `{target}`"));
        let empty = std::fs::read_dir(source).map_err(doing())?.next().is_none();
        if let (true, Some(from)) = (empty, place::dir(root, target)?) {
            copy::tree(&from, &place::root(source)?).map_err(doing())?;
        }
    }
    if boot.workdir.is_empty() {
        return Ok(());
    }
    place::make_dirs(root, &boot.workdir)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn one(root: &OwnedFd, wanted: &Mount, groups: &Groups) -> Result<(), Failure> {
    let Mount {
        destination,
        kind,
        source,
        options,
    } = wanted;
    let (flags, mut data) = options_of(options);
    if kind == "bind" {
        return bind(root, source, destination, flags);
    }
    let (target, made) = place::target(root, destination, true)?;
    if kind == "cgroup" {
        return control_groups(root, destination, &target, flags, groups);
    }
    if kind == "tmpfs" && !made {
        // As the image has it, unless somebody says otherwise.
        data.insert(0, format!("mode={:o}", fstat(&target)?.st_mode & 0o7777));
    }
    let data = std::ffi::CString::new(data.join(","))?;
    Ok(mount(
        source,
        named(&target),
        kind.as_str(),
        flags,
        data.as_c_str(),
    )?)
}

/// A file or directory of the host, and whatever is mounted in it.
fn bind(
    root: &OwnedFd,
    source: &Path,
    destination: &str,
    flags: MountFlags,
) -> Result<(), Failure> {
    let about =
        std::fs::metadata(source).map_err(|error| format!("`{}`: {error}", source.display()))?;
    // A device is a file to bind to, too.
    let is_dir = about.is_dir() && !about.file_type().is_socket();
    let (target, _) = place::target(root, destination, is_dir)?;
    mount_bind_recursive(source, named(&target))?;
    if !flags.is_empty() {
        again(root, destination, flags)?;
    }
    Ok(())
}

/// Adds flags to what is mounted at a path.
fn again(root: &OwnedFd, path: &str, flags: MountFlags) -> Result<(), Failure> {
    // What the path led to before the mount is below it now.
    let (mounted, _) = place::target(root, path, true)?;
    let has = rustix::fs::fstatvfs(&mounted)?.f_flag;
    let mut all = flags | MountFlags::BIND;
    for (flag, as_mounted) in [
        (rustix::fs::StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (rustix::fs::StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (rustix::fs::StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (rustix::fs::StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (rustix::fs::StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (
            rustix::fs::StatVfsMountFlags::RELATIME,
            MountFlags::RELATIME,
        ),
    ] {
        if has.contains(flag) {
            all |= as_mounted;
        }
    }
    Ok(mount_remount(named(&mounted), all, c"")?)
}

/// What a container sees of its control groups: its own alone.
fn control_groups(
    root: &OwnedFd,
    destination: &str,
    target: &OwnedFd,
    flags: MountFlags,
    groups: &Groups,
) -> Result<(), Failure> {
    if let Some(group) = groups.second() {
        mount_bind(&group.dir, named(target))?;
        return again(root, destination, flags);
    }
    mount("tmpfs", named(target), "tmpfs", INERT, c"mode=755")?;
    for group in groups.each() {
        let at = format!("{destination}/{}", group.name);
        let (target, _) = place::target(root, &at, true)?;
        mount_bind(&group.dir, named(&target))?;
        again(root, &at, flags)?;
    }
    let (dir, _) = place::target(root, destination, true)?;
    // Where several share a hierarchy, each can be found by its own name.
    for group in groups.each().filter(|group| group.controllers.len() > 1) {
        for controller in group.controllers.iter().filter(|name| **name != group.name) {
            match symlinkat(group.name.as_str(), &dir, controller.as_str()) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    again(root, destination, flags)
}

/// Flags of a mount, and what its file system reads itself.
fn options_of(options: &[String]) -> (MountFlags, Vec<String>) {
    let mut flags = MountFlags::empty();
    let mut data = Vec::new();
    for option in options {
        let (flag, on) = match option.as_str() {
            "ro" => (MountFlags::RDONLY, true),
            "rw" => (MountFlags::RDONLY, false),
            "nosuid" => (MountFlags::NOSUID, true),
            "suid" => (MountFlags::NOSUID, false),
            "nodev" => (MountFlags::NODEV, true),
            "dev" => (MountFlags::NODEV, false),
            "noexec" => (MountFlags::NOEXEC, true),
            "exec" => (MountFlags::NOEXEC, false),
            "noatime" => (MountFlags::NOATIME, true),
            "nodiratime" => (MountFlags::NODIRATIME, true),
            "relatime" => (MountFlags::RELATIME, true),
            "strictatime" => (MountFlags::STRICTATIME, true),
            "sync" => (MountFlags::SYNCHRONOUS, true),
            "dirsync" => (MountFlags::DIRSYNC, true),
            // In a namespace where everything is private already.
            "defaults" | "rbind" | "bind" | "rprivate" | "private" => continue,
            _ => {
                data.push(option.clone());
                continue;
            }
        };
        flags.set(flag, on);
    }
    (flags, data)
}

/// The devices and links that every container has; what somebody mounted over `/dev` keeps its own.
fn devices(root: &OwnedFd) -> Result<(), Trouble> {
    let (dev, _) = place::target(root, "/dev", true)?;
    let mode = Mode::from_raw_mode(0o666);
    for (name, major, minor) in DEVICES {
        match mknodat(
            &dev,
            name,
            FileType::CharacterDevice,
            mode,
            makedev(major, minor),
        ) {
            Ok(()) => rustix::fs::chmodat(&dev, name, mode, rustix::fs::AtFlags::empty())
                .map_err(while_doing(format!("open `/dev/{name}` for everybody")))?,
            Err(Errno::EXIST | Errno::ROFS) => {}
            Err(errno) => return Err(Trouble::new(format!("make `/dev/{name}`"), errno)),
        }
    }
    for (name, to) in LINKS {
        match symlinkat(to, &dev, name) {
            Ok(()) | Err(Errno::EXIST | Errno::ROFS) => {}
            Err(errno) => return Err(Trouble::new(format!("link `/dev/{name}`"), errno)),
        }
    }
    Ok(())
}

/// Nobody writes below this path; one that is not there is fine.
fn protect(root: &OwnedFd, path: &str) -> Result<(), Failure> {
    let Some(target) = place::found(root, path)? else {
        return Ok(());
    };
    mount_bind_recursive(named(&target), named(&target))?;
    again(root, path, MountFlags::RDONLY)
}

/// Nobody sees what is at this path; one that is not there is fine.
fn mask(root: &OwnedFd, path: &str) -> Result<(), Failure> {
    let Some(target) = place::found(root, path)? else {
        return Ok(());
    };
    if FileType::from_raw_mode(fstat(&target)?.st_mode) == FileType::Directory {
        return Ok(mount(
            "tmpfs",
            named(&target),
            "tmpfs",
            MountFlags::RDONLY,
            c"",
        )?);
    }
    let null = place::found(root, "/dev/null")?.ok_or("the container has no `/dev/null`")?;
    Ok(mount_bind(named(&null), named(&target))?)
}

/// Swaps roots, and lets go of the old one.
fn enter(root: &OwnedFd) -> Result<(), Failure> {
    let host = File::open("/")?;
    fchdir(root)?;
    pivot_root(".", ".")?;
    fchdir(&host)?;
    mount_change(
        ".",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(chdir("/")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_flags_or_the_file_systems_own_and_the_last_word_counts() {
        let options = [
            "noexec", "size=1m", "nosuid", "exec", "rprivate", "mode=700",
        ]
        .map(str::to_owned);
        let (flags, data) = options_of(&options);
        assert_eq!(flags, MountFlags::NOSUID);
        assert_eq!(data, ["size=1m", "mode=700"]);
    }
}
