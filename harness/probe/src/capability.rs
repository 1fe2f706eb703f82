//! The kernel's capabilities by name: what a set of bits that is seen, asked for or given means.

/// By number, without `CAP_`: `capabilities(7)`, of Linux 6.
pub const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The bit of a capability, in any case, with or without `CAP_`; 0 for a name that the kernel does not have.
#[must_use]
pub fn bit(name: &str) -> u64 {
    let prefixed = name
        .split_at_checked(4)
        .filter(|(prefix, _)| prefix.eq_ignore_ascii_case("CAP_"));
    let bare = prefixed.map_or(name, |(_, bare)| bare);
    let number = NAMES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(bare));
    number.map_or(0, |number| 1 << number)
}

/// The bits of a list.
pub fn bits<'n>(names: impl IntoIterator<Item = &'n str>) -> u64 {
    names.into_iter().map(bit).fold(0, |all, bit| all | bit)
}

/// The names of a set, by number; a bit that Linux 6 does not have has none.
pub fn names(set: u64) -> impl Iterator<Item = &'static str> {
    let bits = NAMES.iter().enumerate();
    bits.filter(move |(bit, _)| set >> bit & 1 == 1)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_kernels_numbers() {
        assert_eq!(bit("CAP_CHOWN"), 1);
        assert_eq!(bit("SYS_ADMIN"), 1 << 21);
        assert_eq!(bit("cap_sys_admin"), 1 << 21);
        assert_eq!(bit("CAP_CHECKPOINT_RESTORE"), 1 << 40);
        assert_eq!((bit("CAP_"), bit("é"), bit("")), (0, 0, 0));
        assert_eq!(bits(["CAP_CHOWN", "NOTHING", "KILL"]), 0b10_0001);
    }

    #[test]
    fn a_set_is_named_by_its_bits() {
        let named: Vec<&str> = names(0b10_0001 | 1 << 63).collect();
        assert_eq!(named, ["CHOWN", "KILL"]);
        assert_eq!(names(u64::MAX).count(), NAMES.len());
    }
}
