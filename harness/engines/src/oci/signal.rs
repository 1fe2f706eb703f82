//! Signals by the names that subjects and images use.

pub(super) const KILL: i32 = 9;

/// By number, from 1: `signal(7)`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
/// The first that the C library leaves to programs.
const REAL_TIME: i32 = 34;

/// The number of `SIGTERM`, `TERM`, `15` or `SIGRTMIN+3`.
pub(super) fn number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = name.to_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(offset) = short.strip_prefix("RTMIN") {
        let offset: i32 = if offset.is_empty() {
            0
        } else {
            offset.parse().ok()?
        };
        return (0..=30).contains(&offset).then_some(REAL_TIME + offset);
    }
    let at = NAMES.iter().position(|known| *known == short)?;
    i32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_several_names() {
        for (name, wanted) in [
            ("SIGTERM", Some(15)),
            ("term", Some(15)),
            ("9", Some(KILL)),
            ("SIGSYS", Some(31)),
            ("SIGRTMIN+3", Some(37)),
            ("SIGRTMIN", Some(34)),
            ("0", None),
            ("SIGNOTHING", None),
        ] {
            assert_eq!(number(name), wanted, "{name}");
        }
    }
}
