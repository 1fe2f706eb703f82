//! Docker's default seccomp profile as a program for the kernel, without libseccomp.
//!
//! Programs for 32-bit architectures are killed: this profile knows 64-bit calls only.

mod calls;
mod search;

use std::collections::BTreeMap;
use std::io;

use adamant_probe::capability::{bit, bits};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::kernel;
use crate::trouble::{Trouble, while_doing};

/// The flags of `clone` that make namespaces.
const NAMESPACES: u64 = 0x7e02_0000;
/// What `personality` may be asked for: nothing, or only to tell.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/// The address family that reaches the host of a virtual machine.
const VSOCK: u64 = 40;

/// Calls that come with a capability.
const WITH: [(&str, &[c_long]); 14] = [
    ("DAC_READ_SEARCH", &[libc::SYS_open_by_handle_at]),
    (
        "SYS_ADMIN",
        &[
            libc::SYS_bpf,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_fanotify_init,
            libc::SYS_fsconfig,
            libc::SYS_fsmount,
            libc::SYS_fsopen,
            libc::SYS_fspick,
            libc::SYS_lookup_dcookie,
            libc::SYS_mount,
            libc::SYS_mount_setattr,
            libc::SYS_move_mount,
            libc::SYS_open_tree,
            libc::SYS_perf_event_open,
            libc::SYS_quotactl,
            libc::SYS_quotactl_fd,
            libc::SYS_setdomainname,
            libc::SYS_sethostname,
            libc::SYS_setns,
            libc::SYS_syslog,
            libc::SYS_umount2,
            libc::SYS_unshare,
        ],
    ),
    ("SYS_BOOT", &[libc::SYS_reboot]),
    ("SYS_CHROOT", &[libc::SYS_chroot]),
    (
        "SYS_MODULE",
        &[
            libc::SYS_delete_module,
            libc::SYS_init_module,
            libc::SYS_finit_module,
        ],
    ),
    ("SYS_PACCT", &[libc::SYS_acct]),
    (
        "SYS_PTRACE",
        &[
            libc::SYS_kcmp,
            libc::SYS_pidfd_getfd,
            libc::SYS_process_madvise,
        ],
    ),
    ("SYS_RAWIO", PORTS),
    (
        "SYS_TIME",
        &[libc::SYS_settimeofday, libc::SYS_clock_settime],
    ),
    ("SYS_TTY_CONFIG", &[libc::SYS_vhangup]),
    (
        "SYS_NICE",
        &[
            libc::SYS_get_mempolicy,
            libc::SYS_mbind,
            libc::SYS_set_mempolicy,
        ],
    ),
    ("SYSLOG", &[libc::SYS_syslog]),
    ("BPF", &[libc::SYS_bpf]),
    ("PERFMON", &[libc::SYS_perf_event_open]),
];

#[cfg(target_arch = "x86_64")]
const PORTS: &[c_long] = &[libc::SYS_iopl, libc::SYS_ioperm];
#[cfg(not(target_arch = "x86_64"))]
const PORTS: &[c_long] = &[];

/// The programs to install, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile(Vec<BpfProgram>);

impl Profile {
    /// For a process with these capabilities in its bounding set.
    pub(crate) fn new(capabilities: u64) -> Result<Self, Trouble> {
        let doing = || while_doing("compile the seccomp profile");
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(doing())?;
        let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
        let mut rules = rules(capabilities).map_err(doing())?;
        let always = rules.iter().filter(|(_, conditions)| conditions.is_empty());
        let always: Vec<u32> = always
            .filter_map(|(call, _)| u32::try_from(*call).ok())
            .collect();
        rules.retain(|_, conditions| !conditions.is_empty());
        let main = SeccompFilter::new(rules, errno(libc::EPERM), SeccompAction::Allow, arch);
        let mut filters = vec![main];
        if capabilities & bit("SYS_ADMIN") == 0 {
            // Its flags are in memory, which no filter sees: whoever calls it is sent back to `clone`.
            let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
            let answer = errno(libc::ENOSYS);
            filters.push(SeccompFilter::new(
                clone3,
                SeccompAction::Allow,
                answer,
                arch,
            ));
        }
        let compiled = filters
            .into_iter()
            .map(|filter| BpfProgram::try_from(filter?));
        let compiled: Result<Vec<_>, seccompiler::BackendError> = compiled.collect();
        let mut programs: Vec<BpfProgram> = compiled.map_err(doing())?;
        if let Some(main) = programs.first_mut() {
            *main = search::before(&always, std::mem::take(main));
        }
        Ok(Self(programs))
    }

    /// Installs it in this process; with `no_new_privs`, or with the capability to do so.
    pub(crate) fn install(&self) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|program| kernel::install(program))
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules(capabilities: u64) -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    for call in calls::EVERYWHERE.iter().chain(calls::HERE) {
        rules.insert(*call, Vec::new());
    }
    let only = |argument, how, value| -> Result<SeccompRule, seccompiler::BackendError> {
        let width = SeccompCmpArgLen::Dword;
        SeccompRule::new(vec![SeccompCondition::new(argument, width, how, value)?])
    };
    let socket = only(0, SeccompCmpOp::Ne, VSOCK)?;
    rules.insert(libc::SYS_socket, vec![socket]);
    let personality = PERSONALITIES.map(|value| only(0, SeccompCmpOp::Eq, value));
    let personality: Result<Vec<_>, _> = personality.into_iter().collect();
    rules.insert(libc::SYS_personality, personality?);
    let clone = only(0, SeccompCmpOp::MaskedEq(NAMESPACES), 0)?;
    rules.insert(libc::SYS_clone, vec![clone]);
    // Allowed here, and answered by a program of its own when it is not.
    rules.insert(libc::SYS_clone3, Vec::new());
    for (name, calls) in WITH {
        if capabilities & bits([name]) != 0 {
            rules.extend(calls.iter().map(|call| (*call, Vec::new())));
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: u32 = 0x7fff_0000;
    const KILL: u32 = 0x8000_0000;

    #[cfg(target_arch = "x86_64")]
    const ARCH: u32 = 0xc000_003e;
    #[cfg(target_arch = "aarch64")]
    const ARCH: u32 = 0xc000_00b7;

    fn errno(number: i32) -> u32 {
        0x0005_0000 | number.unsigned_abs()
    }

    /// What the kernel would answer: the strictest of the programs.
    fn answer(profile: &Profile, arch: u32, call: c_long, argument: u64) -> u32 {
        let answers = profile.0.iter().map(|p| run(p, arch, call, argument));
        answers
            .min_by_key(|a| (a & 0xffff_0000).wrapping_sub(KILL))
            .expect("programs")
    }

    fn run(program: &BpfProgram, arch: u32, call: c_long, argument: u64) -> u32 {
        let mut data = i32::try_from(call)
            .expect("a number")
            .to_ne_bytes()
            .to_vec();
        data.extend(arch.to_ne_bytes());
        data.extend([0; 8]);
        data.extend(argument.to_ne_bytes());
        data.extend([0; 40]);
        let (mut at, mut value) = (0, 0u32);
        loop {
            let now = &program[at];
            at += 1;
            let k = now.k;
            let taken = match now.code {
                0x20 => {
                    let k = usize::try_from(k).expect("an offset");
                    value = u32::from_ne_bytes(data[k..k + 4].try_into().expect("four bytes"));
                    continue;
                }
                0x54 => {
                    value &= k;
                    continue;
                }
                0x05 => {
                    at += usize::try_from(k).expect("a distance");
                    continue;
                }
                0x06 => return k,
                0x15 => value == k,
                0x25 => value > k,
                0x35 => value >= k,
                other => panic!("{other:#x}"),
            };
            at += usize::from(if taken { now.jt } else { now.jf });
        }
    }

    #[test]
    fn calls_are_allowed_by_themselves_by_their_arguments_or_by_a_capability() {
        let plain = Profile::new(0).expect("compiles");
        let of = |call, argument| answer(&plain, ARCH, call, argument);
        for call in [
            libc::SYS_read,
            libc::SYS_openat,
            libc::SYS_seccomp,
            libc::SYS_ptrace,
        ] {
            assert_eq!(of(call, u64::MAX), ALLOW, "{call}");
        }
        for call in [
            libc::SYS_mount,
            libc::SYS_keyctl,
            libc::SYS_unshare,
            0x4000_0000,
        ] {
            assert_eq!(of(call, 0), errno(libc::EPERM), "{call}");
        }
        assert_eq!(of(libc::SYS_socket, 2), ALLOW);
        assert_eq!(of(libc::SYS_socket, VSOCK), errno(libc::EPERM));
        assert_eq!(of(libc::SYS_personality, 8), ALLOW);
        assert_eq!(of(libc::SYS_personality, 4), errno(libc::EPERM));
        assert_eq!(of(libc::SYS_clone, 0x0100), ALLOW);
        assert_eq!(of(libc::SYS_clone, 0x1000_0000), errno(libc::EPERM));
        assert_eq!(of(libc::SYS_clone3, 0), errno(libc::ENOSYS));
        let admin = Profile::new(bit("SYS_ADMIN")).expect("compiles");
        for call in [libc::SYS_mount, libc::SYS_clone3, libc::SYS_clone] {
            assert_eq!(answer(&admin, ARCH, call, 0x1000_0000), ALLOW, "{call}");
        }
    }

    #[test]
    fn another_architecture_is_killed() {
        let plain = Profile::new(0).expect("compiles");
        assert_eq!(run(&plain.0[0], 0x4000_0003, libc::SYS_read, 0), KILL);
    }
}
