//! The few calls of the kernel that have no safe wrapper elsewhere; all unsafe code of the shim is here.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr;

/// Gives every signal its default meaning and blocks none: our runtime ignores `SIGPIPE`, which a subject would inherit.
pub(crate) fn reset_signals() {
    // The kernel's own structure, all zero: the default action, no flags, no mask. The C library would refuse the two
    // signals that it keeps for itself, which may be ignored all the same.
    let default = [0u64; 4];
    const MASK_BYTES: usize = 8;
    for signal in 1..=libc::SIGRTMAX() {
        #[expect(unsafe_code, reason = "no wrapper sets the default action")]
        // SAFETY: the kernel reads the structure during the call; a signal that cannot be set is refused.
        unsafe {
            let old = ptr::null_mut::<u64>();
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default,
                old,
                MASK_BYTES,
            );
        }
    }
    #[expect(unsafe_code, reason = "no wrapper sets the signal mask")]
    // SAFETY: the set is initialised by the first call, and lives as long as both.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Becomes a program, with these words and this environment; returns only why it cannot.
pub(crate) fn execute(path: &CStr, words: &[CString], env: &[CString]) -> io::Error {
    let argv = pointers(words);
    let envp = pointers(env);
    #[expect(unsafe_code, reason = "no wrapper takes a whole environment as it is")]
    // SAFETY: both lists end with a null pointer, and their words outlive the call.
    unsafe {
        libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr());
    }
    io::Error::last_os_error()
}

/// Becomes the program that is open as `file`, with an empty environment; returns only why it cannot.
pub(crate) fn become_file(file: &File, name: &str, rest: &[&str]) -> io::Error {
    let words: Result<Vec<CString>, _> = std::iter::once(name)
        .chain(rest.iter().copied())
        .map(CString::new)
        .collect();
    let Ok(words) = words else {
        return io::ErrorKind::InvalidInput.into();
    };
    let argv = pointers(&words);
    let envp: [*const libc::c_char; 1] = [ptr::null()];
    #[expect(unsafe_code, reason = "no wrapper executes an open file")]
    // SAFETY: both lists end with a null pointer, their words outlive the call, and so does the descriptor.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}

fn pointers(words: &[CString]) -> Vec<*const libc::c_char> {
    words
        .iter()
        .map(|word| word.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// The exit code of a child that has ended, or ends now; 128 + n for signal n.
pub(crate) fn reap(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    loop {
        #[expect(unsafe_code, reason = "the pid comes from a library of other types")]
        // SAFETY: the call writes one number to `status`.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        if ended >= 0 {
            return Ok(if libc::WIFSIGNALED(status) {
                128 + libc::WTERMSIG(status)
            } else {
                libc::WEXITSTATUS(status)
            });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Sends a signal to a child that has not been reaped.
pub(crate) fn send(pid: i32, signal: i32) -> io::Result<()> {
    #[expect(unsafe_code, reason = "real-time signals have numbers and no names")]
    // SAFETY: the call touches no memory.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A copy of this process: `None` in the copy, its number here. There is one thread, so that the copy is whole.
pub(crate) fn fork() -> io::Result<Option<i32>> {
    #[expect(unsafe_code, reason = "no wrapper makes a copy of the process")]
    // SAFETY: this process has one thread; no lock is held by another.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid)),
    }
}

/// Ends this process without what a whole program does at its end.
pub(crate) fn leave(code: i32) -> ! {
    #[expect(
        unsafe_code,
        reason = "the safe function runs what the parent has registered"
    )]
    // SAFETY: the call touches no memory and does not return.
    unsafe {
        libc::_exit(code)
    }
}

/// Closes every descriptor but standard ones and `kept`.
pub(crate) fn close_others(kept: i32) -> io::Result<()> {
    for (from, to) in [(3, kept - 1), (kept + 1, i32::MAX)] {
        if from > to {
            continue;
        }
        #[expect(
            unsafe_code,
            reason = "whose descriptors they are does not matter any more"
        )]
        // SAFETY: nothing that owns one of them is used after this: the process becomes another program, or ends.
        let closed = unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) };
        if closed != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Nobody may look into this process, or into what it forks, until that becomes another program.
pub(crate) fn hide() -> io::Result<()> {
    set(libc::PR_SET_DUMPABLE, 0)
}

/// No program gives this process, or what it becomes, more than it has.
pub(crate) fn no_new_privileges() -> io::Result<()> {
    set(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Ended children vanish by themselves, or are waited for.
pub(crate) fn forget_children(forget: bool) {
    let how = if forget { libc::SIG_IGN } else { libc::SIG_DFL };
    #[expect(unsafe_code, reason = "no wrapper sets the action")]
    // SAFETY: neither action is a function of ours.
    unsafe {
        libc::signal(libc::SIGCHLD, how);
    }
}

fn set(option: i32, value: libc::c_ulong) -> io::Result<()> {
    #[expect(unsafe_code, reason = "one wrapper for options that are a number")]
    // SAFETY: the call touches no memory.
    match unsafe { libc::prctl(option, value, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Becomes a user with these groups, and keeps of its capabilities exactly these, now and later.
pub(crate) fn become_user(uid: u32, gid: u32, groups: &[u32], capabilities: u64) -> io::Result<()> {
    for number in 0..64u32 {
        if capabilities >> number & 1 == 1 {
            continue;
        }
        // The kernel knows fewer than 64.
        if set(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number)).is_err() {
            break;
        }
    }
    set(libc::PR_SET_KEEPCAPS, 1)?;
    #[expect(unsafe_code, reason = "no wrapper changes who a whole process is")]
    // SAFETY: the list outlives the call that reads it; the others touch no memory.
    unsafe {
        if libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) != 0
            || libc::syscall(libc::SYS_setresgid, gid, gid, gid) != 0
            || libc::syscall(libc::SYS_setresuid, uid, uid, uid) != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    keep(capabilities)?;
    set(libc::PR_SET_KEEPCAPS, 0)
}

/// Exactly these are effective and permitted, and none can be inherited.
fn keep(capabilities: u64) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut sets = [Sets::default(); 2];
    for (half, sets) in sets.iter_mut().enumerate() {
        let bits = u32::try_from(capabilities >> (32 * half) & u64::from(u32::MAX)).unwrap_or(0);
        sets.effective = bits;
        sets.permitted = bits;
    }
    #[expect(unsafe_code, reason = "no wrapper writes the sets as they are")]
    // SAFETY: version 3 reads two triples.
    match unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// This process is killed when its parent ends, however that happens.
pub(crate) fn end_with_parent() {
    #[expect(unsafe_code, reason = "the wrapper's type of signals differs")]
    // SAFETY: the call touches no memory.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
    }
}

/// Installs a seccomp program, without asking for `no_new_privs`: that is the specification's to say.
pub(crate) fn install(program: &[seccompiler::sock_filter]) -> io::Result<()> {
    const FILTER: libc::c_uint = libc::SECCOMP_SET_MODE_FILTER;
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut().cast(),
    };
    #[expect(
        unsafe_code,
        reason = "the library's own function sets no_new_privs too"
    )]
    // SAFETY: both types are the kernel's `struct sock_filter`, of which it reads `len` during the call.
    match unsafe { libc::syscall(libc::SYS_seccomp, FILTER, 0, &raw const program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
