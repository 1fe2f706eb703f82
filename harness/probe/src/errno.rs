//! Names the errors of the kernel as a person knows them.

use rustix::io::Errno;

/// The errors that a subject meets by name, any other by number.
pub(crate) fn name(errno: Errno) -> String {
    let known = match errno {
        Errno::ROFS => "EROFS",
        Errno::ACCESS => "EACCES",
        Errno::NOENT => "ENOENT",
        Errno::NOSPC => "ENOSPC",
        Errno::PERM => "EPERM",
        Errno::NOTDIR => "ENOTDIR",
        Errno::DQUOT => "EDQUOT",
        Errno::LOOP => "ELOOP",
        Errno::IO => "EIO",
        Errno::NOEXEC => "ENOEXEC",
        Errno::ISDIR => "EISDIR",
        Errno::TXTBSY => "ETXTBSY",
        Errno::NOMEM => "ENOMEM",
        Errno::TOOBIG => "E2BIG",
        Errno::NAMETOOLONG => "ENAMETOOLONG",
        Errno::FAULT => "EFAULT",
        Errno::INVAL => "EINVAL",
        other => return other.raw_os_error().to_string(),
    };
    String::from(known)
}
