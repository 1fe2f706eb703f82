//! Lists the processes of the container from `/proc`.

use std::io;
use std::path::Path;

use adamant_probe::{Process, Reply};
use rustix::io::Errno;

use super::out::Out;
use super::{ProbeError, listen};

/// Says every process but this one, in the order of their ids.
pub(super) fn list(out: &mut Out<'_>) -> Result<(), ProbeError> {
    let own = i32::try_from(std::process::id()).ok();
    let mut processes = Vec::new();
    for pid in pids()? {
        if Some(pid) != own {
            processes.extend(read(pid)?);
        }
    }
    listen::assign(&mut processes);
    for process in processes {
        out.say(&Reply::Process(process))?;
    }
    Ok(())
}

fn pids() -> Result<Vec<i32>, ProbeError> {
    let trouble = |error: io::Error| ProbeError::system("list `/proc`", error);
    let mut pids = Vec::new();
    for found in std::fs::read_dir("/proc").map_err(trouble)? {
        let name = found.map_err(trouble)?.file_name();
        pids.extend(name.to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    pids.sort_unstable();
    Ok(pids)
}

/// One process, or `None` when it has ended meanwhile.
fn read(pid: i32) -> Result<Option<Process>, ProbeError> {
    let (Some(stat), Some(status), Some(cmdline)) = (
        slurp(pid, "stat")?,
        slurp(pid, "status")?,
        slurp(pid, "cmdline")?,
    ) else {
        return Ok(None);
    };
    let form = |file, what| ProbeError::Form {
        file: format!("/proc/{pid}/{file}"),
        what,
    };
    let stat = parse_stat(&String::from_utf8_lossy(&stat))
        .ok_or_else(|| form("stat", "parent, state and start"))?;
    let status =
        parse_status(&String::from_utf8_lossy(&status)).map_err(|what| form("status", what))?;
    Ok(Some(Process {
        pid,
        ppid: stat.ppid,
        argv: parse_cmdline(&cmdline),
        state: stat.state,
        start_ticks: stat.start_ticks,
        uid: status.uid,
        gid: status.gid,
        cap_eff: status.cap_eff,
        cap_bnd: status.cap_bnd,
        no_new_privs: status.no_new_privs,
        seccomp: status.seccomp,
        listens: Vec::new(),
    }))
}

fn slurp(pid: i32, file: &str) -> Result<Option<Vec<u8>>, ProbeError> {
    let path = format!("/proc/{pid}/{file}");
    match std::fs::read(Path::new(&path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                Errno::from_io_error(&error),
                Some(Errno::NOENT | Errno::SRCH)
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(ProbeError::system(format!("read `{path}`"), error)),
    }
}

/// What is taken from `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    ppid: i32,
    state: String,
    start_ticks: u64,
}

fn parse_stat(stat: &str) -> Option<Stat> {
    // The name of the program may itself contain parentheses and spaces; no later field does.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    Some(Stat {
        state: fields.next()?.to_owned(),
        ppid: fields.next()?.parse().ok()?,
        // Field 22 of proc(5), where the state is field 3 and the parent field 4.
        start_ticks: fields.nth(22 - 4 - 1)?.parse().ok()?,
    })
}

/// What is taken from `/proc/PID/status`.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    uid: [u32; 4],
    gid: [u32; 4],
    cap_eff: u64,
    cap_bnd: u64,
    no_new_privs: bool,
    seccomp: u8,
}

/// A field that is missing is an error, because no value could stand for it.
fn parse_status(status: &str) -> Result<Status, &'static str> {
    // The name may contain a line break, but the kernel escapes it.
    let field = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim())
    };
    let ids = |name| {
        let ids: Option<Vec<u32>> = field(name)?
            .split_ascii_whitespace()
            .map(|id| id.parse().ok())
            .collect();
        <[u32; 4]>::try_from(ids?).ok()
    };
    let bits = |name| u64::from_str_radix(field(name)?, 16).ok();
    Ok(Status {
        uid: ids("Uid").ok_or("`Uid`")?,
        gid: ids("Gid").ok_or("`Gid`")?,
        cap_eff: bits("CapEff").ok_or("`CapEff`")?,
        cap_bnd: bits("CapBnd").ok_or("`CapBnd`")?,
        no_new_privs: match field("NoNewPrivs") {
            Some("0") => false,
            Some("1") => true,
            _ => return Err("`NoNewPrivs`"),
        },
        seccomp: field("Seccomp")
            .and_then(|mode| mode.parse().ok())
            .ok_or("`Seccomp`")?,
    })
}

fn parse_cmdline(cmdline: &[u8]) -> Vec<String> {
    if cmdline.is_empty() {
        return Vec::new();
    }
    cmdline
        .strip_suffix(b"\0")
        .unwrap_or(cmdline)
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use adamant_probe::Reply;

    use super::{Out, Stat, list, parse_cmdline, parse_stat, parse_status, read};

    const STATUS: &str = "Name:\tnginx: (a) b\nUmask:\t0022\nState:\tS (sleeping)\nPPid:\t1\n\
        Uid:\t0\t1000\t1000\t4294967294\nGid:\t5\t6\t7\t8\nCapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n\
        NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn a_stat_is_read_behind_the_last_parenthesis() {
        let stat = "42 (a) S 1 (b) R 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 99 88 77";
        assert_eq!(
            parse_stat(stat),
            Some(Stat {
                ppid: 7,
                state: String::from("R"),
                start_ticks: 123_456
            })
        );
        assert_eq!(parse_stat("42 (cut) S 7 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn a_status_is_read_whole_or_not_at_all() {
        let status = parse_status(STATUS).expect("a whole status");
        assert_eq!(status.uid, [0, 1000, 1000, 4_294_967_294]);
        assert_eq!(status.gid, [5, 6, 7, 8]);
        assert_eq!(
            (status.cap_eff, status.cap_bnd),
            (0xa804_25fb, 0x1ff_ffff_ffff)
        );
        assert_eq!((status.no_new_privs, status.seccomp), (true, 2));
        for (cut, what) in [
            ("Gid", "`Gid`"),
            ("NoNewPrivs", "`NoNewPrivs`"),
            ("Seccomp:", "`Seccomp`"),
        ] {
            assert_eq!(parse_status(&STATUS.replace(cut, "X")), Err(what));
        }
    }

    #[test]
    fn empty_arguments_are_arguments() {
        assert_eq!(parse_cmdline(b"a\0\0b\0"), ["a", "", "b"]);
        assert_eq!(parse_cmdline(b"nginx: master"), ["nginx: master"]);
        assert!(parse_cmdline(b"").is_empty());
    }

    #[test]
    fn this_process_can_be_read_and_is_not_listed() {
        let own = i32::try_from(std::process::id()).expect("an id");
        let process = read(own).expect("readable").expect("alive");
        let argv: Vec<String> = std::env::args().collect();
        assert_eq!(process.argv, argv);
        let replies = Out::collect(list).expect("an answer");
        assert!(
            replies
                .iter()
                .any(|reply| matches!(reply, Reply::Process(one) if one.pid == 1))
        );
        assert!(
            !replies
                .iter()
                .any(|reply| matches!(reply, Reply::Process(one) if one.pid == own))
        );
    }
}
