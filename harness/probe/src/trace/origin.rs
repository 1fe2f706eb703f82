//! Remembers what the process was started with and the standard library changes before `main`, and gives it back.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// SIGPIPE, which the standard library ignores always, and what the C library catches once there is a second thread.
const CHANGED: [i32; 2] = [libc::SIGPIPE, 33];
/// Which of them were ignored.
static IGNORED: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];
/// Which of the descriptors 0 to 2 were closed, a bit for each: the standard library opens `/dev/null` on them.
static CLOSED: AtomicU8 = AtomicU8::new(0);

#[expect(
    unsafe_code,
    reason = "only a constructor runs before the standard library has changed what is looked at"
)]
// SAFETY: the section holds pointers to functions of the C convention without arguments, and this is one.
#[unsafe(link_section = ".init_array")]
#[used]
static REMEMBER: extern "C" fn() = remember;

extern "C" fn remember() {
    for (signal, ignored) in CHANGED.iter().zip(&IGNORED) {
        ignored.store(swap(*signal, None).unwrap_or(false), Ordering::Relaxed);
    }
    let mut closed = 0;
    for fd in 0..3_u8 {
        #[expect(
            unsafe_code,
            reason = "whether a number is open can only be asked with the number"
        )]
        // SAFETY: F_GETFD touches no memory, and a number that is not open is an error.
        if unsafe { libc::fcntl(i32::from(fd), libc::F_GETFD) } < 0 {
            closed |= 1 << fd;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

/// Undoes what was done before `main`.
pub(super) fn restore() {
    for (signal, ignored) in CHANGED.iter().zip(&IGNORED) {
        swap(*signal, Some(ignored.load(Ordering::Relaxed)));
    }
    let closed = CLOSED.load(Ordering::Relaxed);
    for fd in (0..3_u8).filter(|fd| closed & (1 << fd) != 0) {
        #[expect(
            unsafe_code,
            reason = "the standard library owns what it opened on these numbers"
        )]
        // SAFETY: it opened them itself, since nothing was there, and this process is about to become another program.
        unsafe {
            libc::close(i32::from(fd));
        }
    }
}

/// As the kernel writes it; the C library's own function refuses the signals that it uses itself.
#[repr(C)]
#[derive(Default)]
struct Disposition {
    handler: libc::sighandler_t,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Whether a signal is ignored; with a value, makes it so.
fn swap(signal: i32, ignore: Option<bool>) -> Option<bool> {
    let new = ignore.map(|ignore| Disposition {
        handler: if ignore { libc::SIG_IGN } else { libc::SIG_DFL },
        ..Disposition::default()
    });
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = Disposition::default();
    #[expect(
        unsafe_code,
        reason = "the disposition of a signal is only known to the kernel"
    )]
    // SAFETY: both point to what the kernel calls a `struct sigaction` or to nothing, and neither names a handler.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            new,
            &raw mut old,
            size_of::<u64>(),
        )
    };
    (result == 0).then_some(old.handler == libc::SIG_IGN)
}
