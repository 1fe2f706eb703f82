//! The filter: which calls stop until the supervisor has seen them; everything else runs at full speed.
//!
//! The 32-bit calls are allowed by Docker's default profile, so they are allowed here too; each of them is notified, and
//! the supervisor says that it cannot read them. The x32 calls get ENOSYS, as on kernels that are built without them.

use super::calls::{self, ARCHITECTURE, Shape, X32_BIT};
use super::clock;

const ALLOW: u32 = 0x7fff_0000;
const NOTIFY: u32 = 0x7fc0_0000;
const NO_SUCH_CALL: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();

/// Any of these in the flags of an open asks for more than reading; `O_TMPFILE` needs one of the first two.
pub(super) const WRITE_FLAGS: u32 =
    (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC).unsigned_abs();

/// The lengths between which a message may be a question to a name server; over TCP it follows its own length.
pub(super) const DNS_LENGTHS: std::ops::RangeInclusive<u32> = 17..=514;

/// The requests of `ioctl` that change a file's attributes: `FS_IOC_SETFLAGS` (of 64 and 32 bits), `FS_IOC_FSSETXATTR`.
const ATTRIBUTES: [u32; 3] = [0x4008_6602, 0x4004_6602, 0x401c_5820];

const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where `struct seccomp_data` has its fields.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// Where the lower half of an argument is; both architectures are little-endian.
fn low(argument: usize) -> u32 {
    u32::try_from(16 + 8 * argument).unwrap_or(u32::MAX)
}

const fn step(code: u16, k: u32) -> libc::sock_filter {
    jump(code, k, 0, 0)
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// The program for this architecture; with `reads`, files that are opened for reading are told too, and with `clock` what has to do
/// with the time of day.
pub(super) fn program(reads: bool, clock: bool) -> Vec<libc::sock_filter> {
    let mut program = vec![
        step(LOAD, ARCH),
        jump(IF_EQUAL, ARCHITECTURE, 1, 0),
        step(RETURN, NOTIFY),
        step(LOAD, NUMBER),
    ];
    if let Some(bit) = X32_BIT {
        program.extend([
            // -1 is what a debugger writes to skip a call.
            jump(IF_EQUAL, u32::MAX, 2, 0),
            jump(IF_AT_LEAST, bit, 0, 1),
            step(RETURN, NO_SUCH_CALL),
        ]);
    }
    // A ring would carry out writes and connects that no filter sees.
    when(
        &mut program,
        libc::SYS_io_uring_setup,
        &[step(RETURN, NO_SUCH_CALL)],
    );
    for call in calls::all() {
        when(&mut program, call.number, &body(call.shape, reads));
    }
    for call in clock.then(clock::all).into_iter().flatten() {
        when(&mut program, call.number, &of_time(call.shape));
    }
    program.push(step(RETURN, ALLOW));
    program
}

/// Adds `body` for the call of this number; every body ends by returning.
fn when(program: &mut Vec<libc::sock_filter>, number: libc::c_long, body: &[libc::sock_filter]) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let over = u8::try_from(body.len()).unwrap_or(u8::MAX);
    program.push(jump(IF_EQUAL, number, 0, over));
    program.extend_from_slice(body);
}

fn body(shape: Shape, reads: bool) -> Vec<libc::sock_filter> {
    match shape {
        Shape::Open(..) if reads => vec![step(RETURN, NOTIFY)],
        Shape::Open(_, flags) => any_bit(flags, WRITE_FLAGS),
        Shape::OpenHandle => any_bit(2, WRITE_FLAGS),
        Shape::Attributes => any_of(1, &ATTRIBUTES),
        Shape::Socket => any_of(0, &[libc::AF_PACKET.unsigned_abs()]),
        // Without an address only what may be a question to a name server, on a connected socket.
        Shape::SendTo => vec![
            step(LOAD, low(5)),
            jump(IF_EQUAL, 0, 1, 0),
            step(RETURN, NOTIFY),
            step(LOAD, low(2) + 4),
            jump(IF_EQUAL, 0, 1, 0),
            step(RETURN, ALLOW),
            step(LOAD, low(2)),
            jump(IF_AT_LEAST, *DNS_LENGTHS.start(), 1, 0),
            step(RETURN, ALLOW),
            jump(IF_GREATER, *DNS_LENGTHS.end(), 1, 0),
            step(RETURN, NOTIFY),
            step(RETURN, ALLOW),
        ],
        Shape::Open2
        | Shape::Create
        | Shape::Path(..)
        | Shape::Directory(..)
        | Shape::Names(..)
        | Shape::Descriptor
        | Shape::Connect
        | Shape::Bind
        | Shape::SendMsg
        | Shape::SendMmsg
        | Shape::Exec(..)
        | Shape::Exit
        | Shape::ExitThread
        | Shape::User => vec![step(RETURN, NOTIFY)],
    }
}

fn of_time(shape: clock::Shape) -> Vec<libc::sock_filter> {
    /// `FUTEX_CLOCK_REALTIME`.
    const BY_TIME_OF_DAY: u32 = 256;
    /// `FUTEX_LOCK_PI`, which knows no other clock, and the same with `FUTEX_PRIVATE_FLAG`.
    const LOCKS: [u32; 2] = [6, 6 | 128];
    use clock::Shape;
    match shape {
        Shape::ClockGettime => any_of(0, &clock::CLOCKS),
        Shape::Futex => {
            let mut body = vec![
                step(LOAD, low(1)),
                jump(IF_ANY_BIT, BY_TIME_OF_DAY, 0, 1),
                step(RETURN, NOTIFY),
            ];
            body.extend(any_of(1, &LOCKS));
            body
        }
        // `TIMER_ABSTIME`, which is the same for all three.
        Shape::ClockNanosleep | Shape::Timer(_) => any_bit(1, 1),
        Shape::Begin | Shape::Gettimeofday | Shape::Time | Shape::Until(_) | Shape::UntilBy(..) => {
            vec![step(RETURN, NOTIFY)]
        }
    }
}

fn any_bit(argument: usize, bits: u32) -> Vec<libc::sock_filter> {
    vec![
        step(LOAD, low(argument)),
        jump(IF_ANY_BIT, bits, 0, 1),
        step(RETURN, NOTIFY),
        step(RETURN, ALLOW),
    ]
}

fn any_of(argument: usize, values: &[u32]) -> Vec<libc::sock_filter> {
    let mut body = vec![step(LOAD, low(argument))];
    for value in values {
        body.extend([jump(IF_EQUAL, *value, 0, 1), step(RETURN, NOTIFY)]);
    }
    body.push(step(RETURN, ALLOW));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do with the program.
    fn run(arch: u32, number: libc::c_long, arguments: [u64; 6]) -> u32 {
        run_with(false, arch, number, arguments)
    }

    fn run_with(reads: bool, arch: u32, number: libc::c_long, arguments: [u64; 6]) -> u32 {
        run_on(&program(reads, false), arch, number, arguments)
    }

    fn run_on(
        program: &[libc::sock_filter],
        arch: u32,
        number: libc::c_long,
        arguments: [u64; 6],
    ) -> u32 {
        let mut data = Vec::new();
        data.extend(i32::try_from(number).expect("a number").to_ne_bytes());
        data.extend(arch.to_ne_bytes());
        data.extend([0; 8]);
        for argument in arguments {
            data.extend(argument.to_ne_bytes());
        }
        let (mut at, mut value) = (0, 0);
        loop {
            let now = &program[at];
            at += 1;
            let taken = match now.code {
                LOAD => {
                    let k = usize::try_from(now.k).expect("an offset");
                    value = u32::from_ne_bytes(data[k..k + 4].try_into().expect("four bytes"));
                    continue;
                }
                RETURN => return now.k,
                IF_EQUAL => value == now.k,
                IF_GREATER => value > now.k,
                IF_AT_LEAST => value >= now.k,
                IF_ANY_BIT => value & now.k != 0,
                other => panic!("{other}"),
            };
            at += usize::from(if taken { now.jt } else { now.jf });
        }
    }

    #[test]
    fn opens_are_told_when_they_ask_for_writing() {
        let open = |flags: i32| {
            let flags = u64::from(flags.unsigned_abs());
            run(ARCHITECTURE, libc::SYS_openat, [0, 0, flags, 0, 0, 0])
        };
        let temporary = libc::O_TMPFILE | libc::O_RDWR;
        for flags in [
            libc::O_WRONLY,
            libc::O_RDWR,
            libc::O_CREAT,
            libc::O_TRUNC,
            temporary,
        ] {
            assert_eq!(open(flags), NOTIFY, "{flags:o}");
        }
        for flags in [0, libc::O_DIRECTORY | libc::O_CLOEXEC, libc::O_PATH] {
            assert_eq!(open(flags), ALLOW, "{flags:o}");
        }
    }

    #[test]
    fn opens_for_reading_are_told_when_they_are_asked_for() {
        for (reads, expected) in [(true, NOTIFY), (false, ALLOW)] {
            let seen = run_with(reads, ARCHITECTURE, libc::SYS_openat, [0; 6]);
            assert_eq!(seen, expected, "{reads}");
        }
    }

    #[test]
    fn a_message_is_told_when_it_has_an_address_or_the_length_of_a_question() {
        let send = |length: u64, address: u64| {
            let arguments = [3, 4096, length, 0, 0, address];
            run(ARCHITECTURE, libc::SYS_sendto, arguments)
        };
        for (length, address) in [(1, 16), (100_000, 16), (17, 0), (514, 0)] {
            assert_eq!(send(length, address), NOTIFY, "{length} {address}");
        }
        for length in [0, 16, 515, 1 << 32, (1 << 32) + 100] {
            assert_eq!(send(length, 0), ALLOW, "{length}");
        }
    }

    #[test]
    fn other_interfaces_of_the_kernel_are_not_ways_around() {
        let ring = run(ARCHITECTURE, libc::SYS_io_uring_setup, [0; 6]);
        assert_eq!(ring, NO_SUCH_CALL);
        assert_eq!(run(0x4000_0003, 4, [0; 6]), NOTIFY);
        assert_eq!(run(ARCHITECTURE, -1, [0; 6]), ALLOW);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(run(ARCHITECTURE, 0x4000_0002, [0; 6]), NO_SUCH_CALL);
    }

    #[test]
    fn of_sockets_and_requests_only_a_few_are_told() {
        let socket = |family: i32| {
            let family = u64::from(family.unsigned_abs());
            run(ARCHITECTURE, libc::SYS_socket, [family, 3, 0, 0, 0, 0])
        };
        assert_eq!(socket(libc::AF_PACKET), NOTIFY);
        for family in [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX] {
            assert_eq!(socket(family), ALLOW, "{family}");
        }
        let request = |request: u32| {
            let arguments = [3, u64::from(request), 0, 0, 0, 0];
            run(ARCHITECTURE, libc::SYS_ioctl, arguments)
        };
        for told in ATTRIBUTES {
            assert_eq!(request(told), NOTIFY, "{told:x}");
        }
        // TCGETS, and the request that reads the same attributes.
        for silent in [0x5401, 0x8008_6601] {
            assert_eq!(request(silent), ALLOW, "{silent:x}");
        }
    }

    #[test]
    fn of_clocks_only_the_time_of_day_is_told_and_only_when_it_is_asked_for() {
        let (without, with) = (program(false, false), program(false, true));
        let seen = |number, arguments| {
            let seen = run_on(&without, ARCHITECTURE, number, arguments);
            assert_eq!(seen, ALLOW, "{number}");
            run_on(&with, ARCHITECTURE, number, arguments) == NOTIFY
        };
        let read = |clock| seen(libc::SYS_clock_gettime, [clock, 0, 0, 0, 0, 0]);
        // The real one, its coarse form, TAI; the monotonic one, a process's own.
        assert_eq!([0, 5, 11, 1, 2].map(read), [true, true, true, false, false]);
        let futex = |op| seen(libc::SYS_futex, [0, op, 0, 0, 0, 0]);
        // Waiting by the time of day, a lock with priorities; waiting, waking.
        assert_eq!(
            [9 | 128 | 256, 6, 6 | 128, 128, 1].map(futex),
            [true, true, true, false, false]
        );
        let sleep = |flags| seen(libc::SYS_clock_nanosleep, [0, flags, 0, 0, 0, 0]);
        assert_eq!([1, 0].map(sleep), [true, false]);
        assert!(seen(libc::SYS_brk, [0; 6]));
    }

    #[test]
    fn what_only_reads_is_never_stopped() {
        for number in [libc::SYS_read, libc::SYS_write, libc::SYS_mmap] {
            assert_eq!(run(ARCHITECTURE, number, [u64::MAX; 6]), ALLOW, "{number}");
        }
        for number in [libc::SYS_execve, libc::SYS_exit_group, libc::SYS_connect] {
            assert_eq!(run(ARCHITECTURE, number, [0; 6]), NOTIFY, "{number}");
        }
    }
}
