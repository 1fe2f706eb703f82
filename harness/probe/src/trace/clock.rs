//! A clock that begins in 1970: who asks for the time of day is answered here, and who waits by it waits as long as it meant to.
//!
//! The kernel has no namespace for that clock, so its calls are notified where a boot is to have another one. What a program reads
//! without a call, it reads through its vDSO, which is made to ask the kernel ([`super::vdso`]) before the program's first instruction of
//! its own. A moment that it waits for is in its memory, counted from 1970 as it was told; the kernel waits by the real clock,
//! so that moment is moved there before the call goes on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::kernel::Notification;
use super::vdso::{self, Way};

/// The first second that is told: a moment in the one before it could be the zero that switches a timer off.
const FIRST: i64 = 1;

/// What a call has to do with the time of day; the numbers are positions of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A program makes one of them before it can ask for the time.
    Begin,
    /// `clock_gettime`; told of the clocks that tell the time of day.
    ClockGettime,
    /// `gettimeofday`.
    Gettimeofday,
    /// `time`.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "later architectures have no such call")
    )]
    Time,
    /// `futex`; told of those that wait by the time of day.
    Futex,
    /// Waits by the clock of the first argument where the second says that the third is a moment.
    ClockNanosleep,
    /// Has a timer go off; told where the second argument says that the third begins at a moment.
    Timer(Timers),
    /// Waits until the moment at an address.
    Until(usize),
    /// Waits until the moment at an address, by the clock of another argument.
    UntilBy(usize, usize),
}

/// Where a timer says which clock it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timers {
    /// It is a descriptor.
    Descriptor,
    /// It is a number of the process.
    Number,
}

/// One call of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Its number on this architecture.
    pub(super) number: libc::c_long,
    /// What it has to do with the time.
    pub(super) shape: Shape,
}

const fn call(number: libc::c_long, shape: Shape) -> Call {
    Call { number, shape }
}

/// Newer than the C library's list; one number on every architecture.
const FUTEX_WAITV: libc::c_long = 449;

const COMMON: &[Call] = &[
    call(libc::SYS_brk, Shape::Begin),
    call(libc::SYS_set_tid_address, Shape::Begin),
    call(libc::SYS_sched_getaffinity, Shape::Begin),
    call(libc::SYS_clock_gettime, Shape::ClockGettime),
    call(libc::SYS_gettimeofday, Shape::Gettimeofday),
    call(libc::SYS_futex, Shape::Futex),
    call(FUTEX_WAITV, Shape::UntilBy(3, 4)),
    call(libc::SYS_clock_nanosleep, Shape::ClockNanosleep),
    call(libc::SYS_timerfd_settime, Shape::Timer(Timers::Descriptor)),
    call(libc::SYS_timer_settime, Shape::Timer(Timers::Number)),
    call(libc::SYS_mq_timedsend, Shape::Until(4)),
    call(libc::SYS_mq_timedreceive, Shape::Until(4)),
];

#[cfg(target_arch = "x86_64")]
const LEGACY: &[Call] = &[
    call(libc::SYS_arch_prctl, Shape::Begin),
    call(libc::SYS_time, Shape::Time),
];

/// There are none.
#[cfg(not(target_arch = "x86_64"))]
const LEGACY: &[Call] = &[];

/// The whole table of this architecture.
pub(super) fn all() -> impl Iterator<Item = &'static Call> {
    COMMON.iter().chain(LEGACY)
}

/// The call of this number, as its notification names it.
pub(super) fn find(number: i32) -> Option<&'static Call> {
    let number = libc::c_long::from(number);
    all().find(|call| call.number == number)
}

/// Whether a clock tells the time of day: `CLOCK_REALTIME`, its coarse form, `CLOCK_TAI`.
pub(super) const CLOCKS: [u32; 3] = [0, 5, 11];

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The kernel carries it out.
    Proceed,
    /// It returns this, and the kernel hears nothing of it.
    Returns(i64),
}

/// The clock of everything that one supervisor watches.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Whole seconds by which the real clock is ahead, from the first question on.
    ahead: Option<i64>,
    /// Where this kernel's vDSO has the ways to the time.
    ways: Option<Vec<Way>>,
}

impl Clock {
    /// Answers a call while `waits` holds: as long as its thread waits, the number is its own.
    pub(super) fn hear(
        &mut self,
        call: &Call,
        notification: &Notification,
        waits: impl Fn() -> bool,
    ) -> io::Result<Fate> {
        let heard = self.try_to_hear(call, notification, &waits);
        match heard {
            // It was killed meanwhile.
            Err(_) if !waits() => Ok(Fate::Proceed),
            heard => heard,
        }
    }

    fn try_to_hear(
        &mut self,
        call: &Call,
        notification: &Notification,
        waits: impl Fn() -> bool,
    ) -> io::Result<Fate> {
        let (thread, args) = (notification.tid, notification.args);
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{thread}/mem"))?;
        // What is open now is the caller's, and stays so.
        if !waits() {
            return Ok(Fate::Proceed);
        }
        let memory = &memory;
        let real = clock_gettime(ClockId::Realtime);
        let ahead = *self.ahead.get_or_insert(real.tv_sec - FIRST);
        let told = Told {
            seconds: real.tv_sec - ahead,
            nanoseconds: real.tv_nsec,
        };
        Ok(match call.shape {
            Shape::Begin => {
                vdso::bend(thread, memory, &mut self.ways)?;
                Fate::Proceed
            }
            Shape::ClockGettime => given(memory, args[1], &[told.seconds, told.nanoseconds]),
            Shape::Gettimeofday => {
                let zone = given(memory, args[1], &[0]);
                if zone == Fate::Returns(0) {
                    given(memory, args[0], &[told.seconds, told.nanoseconds / 1000])
                } else {
                    zone
                }
            }
            Shape::Time => match given(memory, args[0], &[told.seconds]) {
                Fate::Returns(0) => Fate::Returns(told.seconds),
                fault => fault,
            },
            Shape::Futex => moved(memory, args[3], ahead),
            Shape::Until(at) => moved(memory, args[at], ahead),
            Shape::ClockNanosleep => by(args[0], memory, args[2], ahead),
            Shape::UntilBy(at, clock) => by(args[clock], memory, args[at], ahead),
            Shape::Timer(timers) => {
                // Behind the interval; a moment of zero switches it off.
                let first = args[2].saturating_add(16);
                let clock = clock_of(timers, thread, args[0]);
                by(clock.unwrap_or(u64::MAX), memory, first, ahead)
            }
        })
    }
}

/// What the time is said to be.
struct Told {
    seconds: i64,
    nanoseconds: i64,
}

/// Writes numbers to where a call wants them, if it wants them anywhere.
fn given(memory: &File, address: u64, numbers: &[i64]) -> Fate {
    if address == 0 {
        return Fate::Returns(0);
    }
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
    match memory.write_all_at(&bytes, address) {
        Ok(()) => Fate::Returns(0),
        Err(_unmapped) => Fate::Returns(-i64::from(Errno::FAULT.raw_os_error())),
    }
}

/// Moves a moment where it is one by the time of day.
fn by(clock: u64, memory: &File, address: u64, ahead: i64) -> Fate {
    if CLOCKS.iter().any(|known| u64::from(*known) == clock) {
        moved(memory, address, ahead)
    } else {
        Fate::Proceed
    }
}

/// Moves a moment that was counted from 1970 to where the kernel looks for it. One that was moved before is far from 1970, and stays.
fn moved(memory: &File, address: u64, ahead: i64) -> Fate {
    let mut seconds = [0; 8];
    if address != 0 && memory.read_exact_at(&mut seconds, address).is_ok() {
        let moment = i64::from_ne_bytes(seconds);
        if (FIRST..ahead / 2).contains(&moment) {
            // What cannot be written to is the kernel's to complain about.
            let _ = memory.write_all_at(&(moment + ahead).to_ne_bytes(), address);
        }
    }
    Fate::Proceed
}

/// The clock of a timer; `None` where that cannot be told.
fn clock_of(timers: Timers, thread: u32, timer: u64) -> Option<u64> {
    let (path, first, field) = match timers {
        Timers::Descriptor => (format!("/proc/{thread}/fdinfo/{timer}"), None, "clockid:"),
        Timers::Number => (
            format!("/proc/{thread}/timers"),
            Some(format!("ID: {timer}")),
            "ClockID:",
        ),
    };
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text
        .lines()
        .skip_while(|line| first.as_ref().is_some_and(|first| line != first));
    lines
        .find_map(|line| line.strip_prefix(field))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> File {
        File::options()
            .read(true)
            .write(true)
            .open("/proc/self/mem")
            .expect("our own memory")
    }

    #[test]
    fn a_moment_is_moved_once_and_only_when_it_is_of_1970() {
        let ahead = 1_790_000_000;
        for (before, after) in [(10, ahead + 10), (ahead + 10, ahead + 10), (0, 0), (-1, -1)] {
            let moment = [before, 7];
            let address = moment.as_ptr() as u64;
            for _ in 0..2 {
                assert_eq!(moved(&memory(), address, ahead), Fate::Proceed);
            }
            // The compiler is not to know what is there.
            assert_eq!(std::hint::black_box(&moment), &[after, 7], "{before}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_a_fault_and_no_address_is_no_wish() {
        assert_eq!(given(&memory(), 0, &[1]), Fate::Returns(0));
        assert_eq!(given(&memory(), 8, &[1]), Fate::Returns(-14));
    }
}
