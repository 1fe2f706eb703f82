//! The filter for system calls: a list of what V8 and the standard library need; the rest is refused or ends the process.

use super::ConfineError;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// Allowed whatever their arguments.
const ALLOWED: &[libc::c_long] = &[
    // What is open, and what may be opened for reading.
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_statx,
    libc::SYS_write,
    libc::SYS_writev,
    // Memory, code made at run time included.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mincore,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads of this process. The other filter has its say about these two.
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    // Signals to oneself.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Time, chance, and who one is.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_nanosleep,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
];

/// The older names of some of them, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[libc::c_long] = &[
    libc::SYS_access,
    libc::SYS_lstat,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[libc::c_long] = &[];

/// Nothing that we run asks for these: who does has taken over the process, and it ends.
const FATAL: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_personality,
];

#[cfg(target_arch = "x86_64")]
const FATAL_OLD: &[libc::c_long] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FATAL_OLD: &[libc::c_long] = &[];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Whether the filter now stands.
///
/// `files_confined`: one way to open a file hides from the filter whether it is for writing. It is open only when Landlock
/// looks too.
pub(super) fn confine(
    files_confined: bool,
    missing: &mut Vec<String>,
) -> Result<bool, ConfineError> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else {
        missing.push(format!(
            "no filter for system calls is known for {}",
            std::env::consts::ARCH
        ));
        return Ok(false);
    };
    // The kernel asks all filters and obeys the strictest. The one that leaves least is last: it would refuse the others.
    for program in [
        unknown_call(arch)?,
        fatal(arch)?,
        allowed(arch, files_confined)?,
    ] {
        match apply_filter_all_threads(&program) {
            Ok(()) => {}
            Err(Error::Seccomp(error)) if error.raw_os_error() == Some(libc::ENOSYS) => {
                missing.push("this kernel cannot filter system calls".to_owned());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// `clone3` has its flags in memory, where a filter cannot read them. As on a kernel without it, `clone` is called next.
fn unknown_call(arch: TargetArch) -> Result<BpfProgram, ConfineError> {
    let rules = Rules::from([(libc::SYS_clone3, Vec::new())]);
    compile(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        arch,
    )
}

fn fatal(arch: TargetArch) -> Result<BpfProgram, ConfineError> {
    let mut rules = unconditional(&[FATAL, FATAL_OLD]);
    let not_a_thread = masked(0, libc::CLONE_THREAD as u64, 0)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![not_a_thread])?]);
    compile(
        rules,
        SeccompAction::Allow,
        SeccompAction::KillProcess,
        arch,
    )
}

fn allowed(arch: TargetArch, files_confined: bool) -> Result<BpfProgram, ConfineError> {
    let mut rules = unconditional(&[ALLOWED, ALLOWED_OLD]);
    let writing = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) as u64;
    // Of the flag for unnamed files only one bit is its own, the other says "directory".
    let writing = writing | (libc::O_TMPFILE & !libc::O_DIRECTORY) as u64;
    rules.insert(
        libc::SYS_openat,
        vec![SeccompRule::new(vec![masked(2, writing, 0)?])?],
    );
    #[cfg(target_arch = "x86_64")]
    rules.insert(
        libc::SYS_open,
        vec![SeccompRule::new(vec![masked(1, writing, 0)?])?],
    );
    if files_confined {
        rules.insert(libc::SYS_openat2, Vec::new());
    }
    let any_of = |argument: u8, values: &[libc::c_int]| {
        let rules = values.iter().map(|value| {
            let value = u64::from(value.cast_unsigned());
            Ok(SeccompRule::new(vec![equal(argument, value)?])?)
        });
        rules.collect::<Result<Vec<_>, ConfineError>>()
    };
    rules.insert(
        libc::SYS_fcntl,
        any_of(
            1,
            &[
                libc::F_GETFD,
                libc::F_SETFD,
                libc::F_GETFL,
                libc::F_SETFL,
                libc::F_DUPFD_CLOEXEC,
            ],
        )?,
    );
    let ioctls = [
        libc::TCGETS,
        libc::TCGETS2,
        libc::FIOCLEX,
        libc::FIONBIO,
        libc::FIONREAD,
    ];
    let ioctls = ioctls
        .iter()
        .map(|value| Ok(SeccompRule::new(vec![equal(1, *value)?])?));
    rules.insert(
        libc::SYS_ioctl,
        ioctls.collect::<Result<Vec<_>, ConfineError>>()?,
    );
    rules.insert(
        libc::SYS_prctl,
        any_of(0, &[libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA])?,
    );
    // Limits can be read, of oneself.
    let limits = vec![whole(0, 0)?, whole(2, 0)?];
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(limits)?]);
    // Who aborts sends the signal to itself.
    let own = u64::from(std::process::id());
    rules.insert(
        libc::SYS_tgkill,
        vec![SeccompRule::new(vec![equal(0, own)?])?],
    );
    compile(
        rules,
        SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        SeccompAction::Allow,
        arch,
    )
}

fn unconditional(lists: &[&[libc::c_long]]) -> Rules {
    let calls = lists.iter().flat_map(|list| list.iter());
    calls.map(|call| (*call, Vec::new())).collect()
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, ConfineError> {
    let operator = SeccompCmpOp::MaskedEq(mask);
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        operator,
        value,
    )?)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, ConfineError> {
    let length = SeccompCmpArgLen::Dword;
    Ok(SeccompCondition::new(
        argument,
        length,
        SeccompCmpOp::Eq,
        value,
    )?)
}

/// For a pointer, which has more bits than a number.
fn whole(argument: u8, value: u64) -> Result<SeccompCondition, ConfineError> {
    let length = SeccompCmpArgLen::Qword;
    Ok(SeccompCondition::new(
        argument,
        length,
        SeccompCmpOp::Eq,
        value,
    )?)
}

fn compile(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    arch: TargetArch,
) -> Result<BpfProgram, ConfineError> {
    let filter = SeccompFilter::new(rules, otherwise, matched, arch)?;
    Ok(filter.try_into()?)
}
