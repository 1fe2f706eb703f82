//! The system calls that are told, by architecture: what the filter looks for and how their arguments are read.

/// One call of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Its number on this architecture.
    pub(super) number: libc::c_long,
    /// Its name, as it is told.
    pub(super) name: &'static str,
    /// Where its arguments are.
    pub(super) shape: Shape,
}

/// Where the arguments of a call are; the numbers are positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Opens a path; told when the flags ask for more than reading.
    Open(At, usize),
    /// `openat2`, whose flags are in memory.
    Open2,
    /// `open_by_handle_at`, which has no path.
    OpenHandle,
    /// `creat`.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "later architectures have no such call")
    )]
    Create,
    /// Changes what is at a path.
    Path(At, Follow),
    /// Makes a directory, unless something is there already.
    Directory(At),
    /// Gives the first path the second as another name.
    Names(At, At, Follow),
    /// Changes what a descriptor is open on.
    Descriptor,
    /// `socket`; told of those that send past every address.
    Socket,
    /// `ioctl`; told of those that change the attributes of a file, for which it need not be open for writing.
    Attributes,
    /// `connect`.
    Connect,
    /// `bind`, which makes a file for a unix socket.
    Bind,
    /// `sendto`.
    SendTo,
    /// `sendmsg`.
    SendMsg,
    /// `sendmmsg`.
    SendMmsg,
    /// Becomes the program at a path, with the words at a position.
    Exec(At, usize, Follow),
    /// `exit_group`.
    Exit,
    /// `exit`, by which a thread ends, and with its last one a process that has no C library.
    ExitThread,
    /// Changes the user; not told, but what is known of the process is read anew.
    User,
}

/// Where a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// The descriptor of the directory that it is relative to; else the working directory.
    pub(super) dir: Option<usize>,
    /// Its address.
    pub(super) path: usize,
}

/// Whether a link in the last component is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Unless `AT_SYMLINK_NOFOLLOW` is in the flags at this position.
    Unless(usize),
    /// Only when `AT_SYMLINK_FOLLOW` is in the flags at this position.
    If(usize),
}

const fn path(path: usize) -> At {
    At { dir: None, path }
}

const fn at(dir: usize, path: usize) -> At {
    At {
        dir: Some(dir),
        path,
    }
}

const fn call(name: &'static str, number: libc::c_long, shape: Shape) -> Call {
    Call {
        number,
        name,
        shape,
    }
}

/// How the kernel names this architecture to a filter.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_003e;
/// How the kernel names this architecture to a filter.
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_00b7;

/// The bit of the x32 calls, which have the architecture of the 64-bit ones.
#[cfg(target_arch = "x86_64")]
pub(super) const X32_BIT: Option<u32> = Some(0x4000_0000);
/// There is no second set of calls under the same architecture.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const X32_BIT: Option<u32> = None;

/// The call of this number, as its notification names it.
pub(super) fn find(number: i32) -> Option<&'static Call> {
    let number = libc::c_long::from(number);
    all().find(|call| call.number == number)
}

/// The whole table of this architecture.
pub(super) fn all() -> impl Iterator<Item = &'static Call> {
    COMMON.iter().chain(LEGACY)
}

/// Calls newer than the C library's list have one number on every architecture.
const FCHMODAT2: libc::c_long = 452;
const SETXATTRAT: libc::c_long = 463;
const REMOVEXATTRAT: libc::c_long = 466;
const FILE_SETATTR: libc::c_long = 469;

/// What every 64-bit architecture has.
#[rustfmt::skip]
const COMMON: &[Call] = &[
    call("openat", libc::SYS_openat, Shape::Open(at(0, 1), 2)),
    call("openat2", libc::SYS_openat2, Shape::Open2),
    call("open_by_handle_at", libc::SYS_open_by_handle_at, Shape::OpenHandle),
    call("mkdirat", libc::SYS_mkdirat, Shape::Directory(at(0, 1))),
    call("mknodat", libc::SYS_mknodat, Shape::Path(at(0, 1), Follow::No)),
    call("unlinkat", libc::SYS_unlinkat, Shape::Path(at(0, 1), Follow::No)),
    call("symlinkat", libc::SYS_symlinkat, Shape::Path(at(1, 2), Follow::No)),
    call("renameat", libc::SYS_renameat, Shape::Names(at(0, 1), at(2, 3), Follow::No)),
    call("renameat2", libc::SYS_renameat2, Shape::Names(at(0, 1), at(2, 3), Follow::No)),
    call("linkat", libc::SYS_linkat, Shape::Names(at(0, 1), at(2, 3), Follow::If(4))),
    call("truncate", libc::SYS_truncate, Shape::Path(path(0), Follow::Yes)),
    call("fchmodat", libc::SYS_fchmodat, Shape::Path(at(0, 1), Follow::Yes)),
    call("fchmodat2", FCHMODAT2, Shape::Path(at(0, 1), Follow::Unless(3))),
    call("fchownat", libc::SYS_fchownat, Shape::Path(at(0, 1), Follow::Unless(4))),
    call("utimensat", libc::SYS_utimensat, Shape::Path(at(0, 1), Follow::Unless(3))),
    call("setxattr", libc::SYS_setxattr, Shape::Path(path(0), Follow::Yes)),
    call("lsetxattr", libc::SYS_lsetxattr, Shape::Path(path(0), Follow::No)),
    call("setxattrat", SETXATTRAT, Shape::Path(at(0, 1), Follow::Unless(2))),
    call("removexattr", libc::SYS_removexattr, Shape::Path(path(0), Follow::Yes)),
    call("lremovexattr", libc::SYS_lremovexattr, Shape::Path(path(0), Follow::No)),
    call("removexattrat", REMOVEXATTRAT, Shape::Path(at(0, 1), Follow::Unless(2))),
    call("file_setattr", FILE_SETATTR, Shape::Path(at(0, 1), Follow::Unless(4))),
    call("ftruncate", libc::SYS_ftruncate, Shape::Descriptor),
    call("fchmod", libc::SYS_fchmod, Shape::Descriptor),
    call("fchown", libc::SYS_fchown, Shape::Descriptor),
    call("fsetxattr", libc::SYS_fsetxattr, Shape::Descriptor),
    call("fremovexattr", libc::SYS_fremovexattr, Shape::Descriptor),
    call("mount", libc::SYS_mount, Shape::Path(path(1), Follow::Yes)),
    call("umount2", libc::SYS_umount2, Shape::Path(path(0), Follow::Yes)),
    call("move_mount", libc::SYS_move_mount, Shape::Path(at(2, 3), Follow::Yes)),
    call("ioctl", libc::SYS_ioctl, Shape::Attributes),
    call("socket", libc::SYS_socket, Shape::Socket),
    call("connect", libc::SYS_connect, Shape::Connect),
    call("bind", libc::SYS_bind, Shape::Bind),
    call("sendto", libc::SYS_sendto, Shape::SendTo),
    call("sendmsg", libc::SYS_sendmsg, Shape::SendMsg),
    call("sendmmsg", libc::SYS_sendmmsg, Shape::SendMmsg),
    call("execve", libc::SYS_execve, Shape::Exec(path(0), 1, Follow::Yes)),
    call("execveat", libc::SYS_execveat, Shape::Exec(at(0, 1), 2, Follow::Unless(4))),
    call("exit_group", libc::SYS_exit_group, Shape::Exit),
    call("exit", libc::SYS_exit, Shape::ExitThread),
    call("setuid", libc::SYS_setuid, Shape::User),
    call("setreuid", libc::SYS_setreuid, Shape::User),
    call("setresuid", libc::SYS_setresuid, Shape::User),
];

/// What only the oldest 64-bit architecture has; later ones have the calls with a directory only.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const LEGACY: &[Call] = &[
    call("open", libc::SYS_open, Shape::Open(path(0), 1)),
    call("creat", libc::SYS_creat, Shape::Create),
    call("mkdir", libc::SYS_mkdir, Shape::Directory(path(0))),
    call("rmdir", libc::SYS_rmdir, Shape::Path(path(0), Follow::No)),
    call("mknod", libc::SYS_mknod, Shape::Path(path(0), Follow::No)),
    call("unlink", libc::SYS_unlink, Shape::Path(path(0), Follow::No)),
    call("symlink", libc::SYS_symlink, Shape::Path(path(1), Follow::No)),
    call("rename", libc::SYS_rename, Shape::Names(path(0), path(1), Follow::No)),
    call("link", libc::SYS_link, Shape::Names(path(0), path(1), Follow::No)),
    call("chmod", libc::SYS_chmod, Shape::Path(path(0), Follow::Yes)),
    call("chown", libc::SYS_chown, Shape::Path(path(0), Follow::Yes)),
    call("lchown", libc::SYS_lchown, Shape::Path(path(0), Follow::No)),
    call("utime", libc::SYS_utime, Shape::Path(path(0), Follow::Yes)),
    call("utimes", libc::SYS_utimes, Shape::Path(path(0), Follow::Yes)),
    call("futimesat", libc::SYS_futimesat, Shape::Path(at(0, 1), Follow::Yes)),
];

/// There are none.
#[cfg(not(target_arch = "x86_64"))]
const LEGACY: &[Call] = &[];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{all, find};

    #[test]
    fn every_number_and_every_name_stands_once() {
        let numbers: BTreeSet<_> = all().map(|call| call.number).collect();
        let names: BTreeSet<_> = all().map(|call| call.name).collect();
        assert_eq!((numbers.len(), names.len()), (all().count(), all().count()));
    }

    #[test]
    fn a_call_is_found_by_its_number() {
        let number = i32::try_from(libc::SYS_openat).expect("a small number");
        assert_eq!(find(number).map(|call| call.name), Some("openat"));
        assert!(find(-1).is_none());
    }
}
