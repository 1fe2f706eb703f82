//! The few calls of the kernel that have no safe wrapper elsewhere; all unsafe code of the eyes is here.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl};

const RECEIVE: Opcode = 0xc050_2100;
const ANSWER: Opcode = 0xc018_2101;
const IS_VALID: Opcode = 0x4008_2102;
const SET_FLAGS: Opcode = 0x4008_2104;
const SYNC_WAKE_UP: u64 = 1;
const CONTINUE: u32 = 1;

/// A call that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notification {
    /// What its answer refers to.
    pub(super) id: u64,
    /// The thread, as this process sees it; 0 when it cannot.
    pub(super) tid: u32,
    /// The number of the call.
    pub(super) number: i32,
    /// The architecture whose number it is.
    pub(super) arch: u32,
    /// The arguments.
    pub(super) args: [u64; 6],
}

impl Notification {
    /// The first argument, where it is a descriptor.
    pub(super) fn descriptor(&self) -> i32 {
        let [a, b, c, d, ..] = self.args[0].to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }
}

/// Installs the filter in this thread alone and returns its listener, which is closed on exec.
pub(super) fn install(program: &mut [libc::sock_filter]) -> io::Result<OwnedFd> {
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Without the second flag (Linux 5.19) a signal for the subject could repeat or interrupt a call that was told.
    match install_with(
        program,
        listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    ) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => install_with(program, listener),
        result => result,
    }
}

fn install_with(program: &mut [libc::sock_filter], flags: libc::c_ulong) -> io::Result<OwnedFd> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_mut_ptr(),
    };
    #[expect(
        unsafe_code,
        reason = "no wrapper installs a filter and returns its listener"
    )]
    // SAFETY: the kernel reads `len` steps behind `filter` during the call, and `program` outlives it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let raw = RawFd::try_from(result).map_err(io::Error::other)?;
    Ok(own(raw))
}

/// Takes what is open on a number that only its caller knows of.
fn own(raw: RawFd) -> OwnedFd {
    #[expect(unsafe_code, reason = "the kernel names a new descriptor by a number")]
    // SAFETY: the callers pass a number that the kernel or whoever started this process has just given to them alone.
    unsafe {
        OwnedFd::from_raw_fd(raw)
    }
}

/// Takes a descriptor that this process was started with, by its number; `None` when nothing is open on it.
pub(super) fn inherited(raw: RawFd) -> Option<OwnedFd> {
    // 0 to 2 belong to the standard library.
    if raw < 3 {
        return None;
    }
    #[expect(
        unsafe_code,
        reason = "whether a number is open can only be asked with the number"
    )]
    // SAFETY: F_GETFD touches no memory, and a number that is not open is an error.
    let flags = unsafe { libc::fcntl(raw, libc::F_GETFD) };
    (flags >= 0).then(|| own(raw))
}

/// The next call; `None` when its caller has gone away since the listener became readable.
pub(super) fn receive(listener: BorrowedFd<'_>) -> rustix::io::Result<Option<Notification>> {
    // The kernel demands zeros.
    let mut notification = libc::seccomp_notif {
        id: 0,
        pid: 0,
        flags: 0,
        data: libc::seccomp_data {
            nr: 0,
            arch: 0,
            instruction_pointer: 0,
            args: [0; 6],
        },
    };
    #[expect(unsafe_code, reason = "no wrapper speaks to a seccomp listener")]
    // SAFETY: this operation writes a `struct seccomp_notif`, whose size is part of its number.
    let result = unsafe {
        ioctl(
            listener,
            Updater::<RECEIVE, libc::seccomp_notif>::new(&mut notification),
        )
    };
    match result {
        Ok(()) => Ok(Some(Notification {
            id: notification.id,
            tid: notification.pid,
            number: notification.data.nr,
            arch: notification.data.arch,
            args: notification.data.args,
        })),
        Err(Errno::NOENT | Errno::INTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Whether the caller still waits: then everything read so far was the caller's.
pub(super) fn is_waiting(listener: BorrowedFd<'_>, id: u64) -> bool {
    #[expect(unsafe_code, reason = "no wrapper speaks to a seccomp listener")]
    // SAFETY: this operation reads the eight bytes of an id.
    let result = unsafe { ioctl(listener, Setter::<IS_VALID, u64>::new(id)) };
    result != Err(Errno::NOENT)
}

/// Lets the call run; that its caller has gone away is nothing to report.
pub(super) fn proceed(listener: BorrowedFd<'_>, id: u64) -> rustix::io::Result<()> {
    respond(
        listener,
        libc::seccomp_notif_resp {
            id,
            val: 0,
            error: 0,
            flags: CONTINUE,
        },
    )
}

/// Returns from the call in the kernel's place: a value, or the negative of an error.
pub(super) fn answer(listener: BorrowedFd<'_>, id: u64, value: i64) -> rustix::io::Result<()> {
    let error = i32::try_from(value).ok().filter(|error| *error < 0);
    respond(
        listener,
        libc::seccomp_notif_resp {
            id,
            val: if error.is_some() { 0 } else { value },
            error: error.unwrap_or(0),
            flags: 0,
        },
    )
}

fn respond(
    listener: BorrowedFd<'_>,
    mut response: libc::seccomp_notif_resp,
) -> rustix::io::Result<()> {
    #[expect(unsafe_code, reason = "no wrapper speaks to a seccomp listener")]
    // SAFETY: this operation reads a `struct seccomp_notif_resp`, whose size is part of its number.
    let result = unsafe {
        ioctl(
            listener,
            Updater::<ANSWER, libc::seccomp_notif_resp>::new(&mut response),
        )
    };
    match result {
        Ok(()) | Err(Errno::NOENT | Errno::INPROGRESS) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Asks for a hand-over on the same CPU, which makes an event several times cheaper (Linux 6.6).
pub(super) fn wake_synchronously(listener: BorrowedFd<'_>) {
    #[expect(unsafe_code, reason = "no wrapper speaks to a seccomp listener")]
    // SAFETY: this operation takes its flags in place of a pointer and touches no memory.
    let _unknown_before_6_6 = unsafe {
        libc::ioctl(
            std::os::fd::AsRawFd::as_raw_fd(&listener.as_fd()),
            libc::Ioctl::from(SET_FLAGS),
            SYNC_WAKE_UP,
        )
    };
}

/// Gives this thread a network namespace of its own, with nothing in it.
pub(super) fn leave_network() -> rustix::io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "of what can be left, descriptors would be unsafe to leave"
    )]
    // SAFETY: only the network namespace is left, which no descriptor and no memory depends on.
    unsafe {
        rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET)
    }
}

/// Opens for looking at what a handle of `open_by_handle_at` stands for, on the file system of `mount`.
pub(super) fn open_handle(mount: BorrowedFd<'_>, handle: &[u8]) -> io::Result<OwnedFd> {
    // The kernel reads the handle's own length, so the bytes behind its head must be as many as it says.
    let said = handle.first_chunk().map(|head| u32::from_ne_bytes(*head));
    if said.and_then(|said| usize::try_from(said).ok()) != handle.len().checked_sub(8) {
        return Err(Errno::INVAL.into());
    }
    #[expect(unsafe_code, reason = "no wrapper opens a handle")]
    // SAFETY: the kernel reads the eight bytes of the head and as many more as they say, which was just checked.
    let result = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            std::os::fd::AsRawFd::as_raw_fd(&mount),
            handle.as_ptr(),
            libc::O_PATH | libc::O_CLOEXEC,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(own(RawFd::try_from(result).map_err(io::Error::other)?))
}

/// Copies memory of another process; how much of `into` could be read, from its beginning.
pub(super) fn read_memory(tid: u32, address: u64, into: &mut [u8]) -> rustix::io::Result<usize> {
    let local = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    let remote = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(usize::try_from(address).unwrap_or(0)),
        iov_len: into.len(),
    };
    let tid = libc::pid_t::try_from(tid).map_err(|_too_big| Errno::SRCH)?;
    #[expect(unsafe_code, reason = "no wrapper reads another process's memory")]
    // SAFETY: the kernel writes at most `iov_len` bytes to `local`, which is `into`; the remote side is not ours.
    let read = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read).map_err(|_negative| last())
}

/// The time since 1970, asked of the kernel past the vDSO.
pub(super) fn time_of_day() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    #[expect(unsafe_code, reason = "every wrapper asks the vDSO first")]
    // SAFETY: the kernel writes a `timespec`, and `time` is one.
    let result =
        unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_REALTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    (result == 0).then(|| Duration::from_secs(seconds))
}

fn last() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Becomes another program with this environment; returns only when it cannot.
pub(super) fn execute(program: &CStr, words: &[CString]) -> Errno {
    let mut argv: Vec<*const libc::c_char> = words.iter().map(|word| word.as_ptr()).collect();
    argv.push(std::ptr::null());
    #[expect(
        unsafe_code,
        reason = "the standard library would reset signals that the subject inherits"
    )]
    // SAFETY: `argv` ends with a null pointer, and its words outlive the call.
    unsafe {
        libc::execv(program.as_ptr(), argv.as_ptr());
    }
    last()
}

/// Ends this process, whose only thread this is, by a call that is not notified: the supervisor may be gone.
pub(super) fn end(code: u8) -> ! {
    loop {
        #[expect(
            unsafe_code,
            reason = "every wrapper ends all threads, by a call that is notified"
        )]
        // SAFETY: the call does not return, and no other thread is left that could need what this one owns.
        unsafe {
            libc::syscall(libc::SYS_exit, libc::c_long::from(code));
        }
    }
}
