//! What no ordinary program does: each way around the usual calls, tried by a static subject in C (`odd.c`).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use adamant_probe::sinkhole::{NAME_SERVER, Profile, address_6_of, address_of};
use adamant_probe::{Action, PACKETS, TraceEvent, Traced};
use tempfile::TempDir;

use crate::support::{Watch, actions, events, writes};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/odd.c");

/// A directory with the subject in it.
struct Odd {
    dir: TempDir,
}

impl Odd {
    fn build() -> Self {
        Self::linked(&["-static"])
    }

    fn linked(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let built = Command::new("cc")
            .args(options)
            .args(["-O1", "-pthread", "-Wall", "-Wno-unused-result", "-o"])
            .arg(dir.path().join("odd"))
            .arg(SOURCE)
            .output()
            .expect("a C compiler, which `.ci/run` installs with g++");
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("its path")
    }

    /// Runs one of its parts in a network namespace of its own where there is a `profile`, and what was told of it.
    fn run(&self, profile: Option<Profile>, words: &[&str]) -> (Output, Vec<Traced>) {
        let (output, told) = self.try_to_run(profile, words);
        assert!(output.status.success(), "{output:?}");
        (output, told)
    }

    fn try_to_run(&self, profile: Option<Profile>, words: &[&str]) -> (Output, Vec<Traced>) {
        let mut watch = match profile {
            Some(profile) => Watch::start_with(&["--network", profile.word()]),
            None => Watch::start(),
        };
        let own = self.path().join("odd");
        let words: Vec<&str> = own
            .to_str()
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        let launcher = watch.launcher(&self.path(), &words);
        let mut command = match profile {
            Some(_) => Command::new("unshare"),
            None => Command::new("env"),
        };
        let output = command
            .args(profile.map(|_| "--net"))
            .arg(launcher.get_program())
            .args(launcher.get_args())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .expect("started");
        (output, watch.sync())
    }
}

fn connects(told: &[Traced]) -> Vec<String> {
    let told = actions(told).into_iter();
    told.filter_map(|action| match action {
        Action::Connect { address, port } => Some(format!("{address} {port}")),
        _ => None,
    })
    .collect()
}

/// Who wrote a file of this name.
fn writer<'t>(told: &'t [Traced], name: &str) -> &'t TraceEvent {
    let wrote = |event: &&TraceEvent| matches!(&event.action, Action::Write { path, .. } if Path::new(path).ends_with(name));
    events(told).find(wrote).expect(name)
}

#[test]
fn every_way_to_change_a_file_is_told_with_the_file() {
    let odd = Odd::build();
    std::fs::write(odd.path().join("plain"), "plain").expect("a file");
    let (output, told) = odd.run(None, &["writes"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut expected = vec![
        "openat plain",
        "openat plain",
        "ioctl plain",
        "fchmod plain",
        "utimensat plain",
        "open_by_handle_at plain",
        "openat shared",
        "ftruncate shared",
        "truncate shared",
        "renameat2 shared < plain",
        "linkat linked < plain",
        "mknodat fifo",
    ];
    // Not every file system has handles; where it has, the subject got one.
    assert!(matches!(said.as_str(), "" | "no handles here\n"), "{said}");
    if !said.is_empty() {
        expected.retain(|line| !line.starts_with("open_by_handle_at"));
    }
    let temporary = format!("openat {}", odd.path().display());
    expected.extend([temporary.as_str(), "bind socket"]);
    assert_eq!(writes(&told, &odd.path()), expected);
}

#[test]
fn every_way_to_send_is_told_with_where_it_leads() {
    let (_, told) = Odd::build().run(None, &["sends"]);
    let packets = format!("{PACKETS} 0");
    let expected = [
        "127.0.0.1 7001",
        "127.0.0.1 7003",
        "127.0.0.1 7001",
        "127.0.0.1 7002",
        "127.0.0.1 7004",
        "127.0.0.9 0",
        "::1 7005",
        &packets,
        "vsock 2 7006",
        "127.0.0.1 53",
    ];
    assert_eq!(connects(&told), expected);
}

#[test]
fn whoever_acts_is_found_however_it_was_started() {
    let odd = Odd::build();
    let (_, told) = odd.run(None, &["starts"]);
    let own = odd.path().join("odd").to_string_lossy().into_owned();
    let thread = &writer(&told, "by-a-thread").actor;
    let first = &writer(&told, "reaped").actor;
    assert_eq!((thread.pid, thread.exe.as_str()), (first.pid, own.as_str()));
    let borrower = &writer(&told, "by-a-borrower").actor;
    assert_eq!(borrower.argv, ["sh", "-c", "echo > by-a-borrower"]);
    assert_ne!(borrower.pid, first.pid);
    let daemon = &writer(&told, "by-a-daemon").actor;
    assert_ne!(daemon.pid, first.pid);
    assert_eq!((&daemon.exe, daemon.argv[1].as_str()), (&own, "starts"));
    // Whatever it calls itself by then, its file is what it is.
    assert_eq!(writer(&told, "under-another-name").actor.exe, own);
    let hidden = actions(&told).into_iter().find_map(|action| match action {
        Action::Exec {
            path,
            argv,
            refused,
            ..
        } if argv.first().is_some_and(|word| word == "harmless") => Some((path, refused)),
        _ => None,
    });
    assert_eq!(hidden, Some(("/memfd:tool".to_owned(), None)));
    let codes: BTreeSet<i32> = actions(&told)
        .into_iter()
        .filter_map(|action| match action {
            Action::Exit { code } => Some(code),
            _ => None,
        })
        .collect();
    // The program in memory knows no `nothing`, and says so.
    assert!(codes.contains(&3), "{codes:?}");
}

#[test]
fn an_end_without_a_c_library_is_told_and_that_of_a_thread_is_none() {
    let odd = Odd::build();
    let (output, told) = odd.try_to_run(None, &["leaves"]);
    assert_eq!(output.status.code(), Some(9), "{output:?}");
    let codes: Vec<i32> = actions(&told)
        .into_iter()
        .filter_map(|action| match action {
            Action::Exit { code } => Some(code),
            _ => None,
        })
        .collect();
    assert_eq!(codes, [9]);
}

#[test]
fn a_name_is_told_with_who_asked_even_when_it_was_written_as_to_a_file() {
    let odd = Odd::build();
    let six: IpAddr = Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0x35).into();
    // The first letter of what it asks for is that of the protocol.
    let (by_udp, by_tcp) = ("uegistry.example", "tegistry.example");
    for (profile, server) in [
        (Profile::Sinkhole, NAME_SERVER.into()),
        (Profile::Sinkhole, six),
        (Profile::DnsHangs, NAME_SERVER.into()),
    ] {
        let (output, told) = odd.run(Some(profile), &["asks", &server.to_string()]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let expected = match profile {
            Profile::Sinkhole => format!("{}\n{}\n", address_of(by_udp), address_6_of(by_tcp)),
            _ => "no answer\nno answer\n".to_owned(),
        };
        assert_eq!(said, expected, "{profile:?} {server}: {output:?}");
        let asked: Vec<(String, String)> = events(&told)
            .filter_map(|event| match &event.action {
                Action::Resolve { name, server: told } if *told == server.to_string() => {
                    Some((name.clone(), event.actor.argv[1].clone()))
                }
                _ => None,
            })
            .collect();
        let by = |name: &str| (name.to_owned(), "asks".to_owned());
        assert_eq!(asked, [by(by_udp), by(by_tcp)], "{profile:?} {server}");
    }
}

#[test]
fn an_address_of_the_newer_family_is_reached_in_a_sinkhole_alone() {
    let odd = Odd::build();
    for (profile, expected) in [
        (Some(Profile::Sinkhole), "accepted\n"),
        (None, "Connection refused\n"),
    ] {
        let address = if profile.is_some() {
            "2001:db8::7"
        } else {
            "::1"
        };
        let (output, told) = odd.run(profile, &["reaches", address, "9443"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, expected, "{profile:?}");
        assert_eq!(connects(&told), [format!("{address} 9443")]);
    }
}

/// Runs a part of the subject, linked in this way, with a clock that begins in 1970; what it says, and what was told.
fn in_1970(link: &str, part: &str) -> (String, Vec<Traced>) {
    let odd = Odd::linked(&[link]);
    let own = odd.path().join("odd");
    let words = [own.to_str().expect("a plain path"), part];
    let mut watch = Watch::start();
    let mut launcher = watch.launcher_with(&["--epoch"], &odd.path(), &words);
    let output = launcher.output().expect("launched");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, watch.sync())
}

#[test]
fn it_is_1970_for_every_process_by_every_way_to_the_time() {
    for link in ["-static", "-no-pie"] {
        let (said, told) = in_1970(link, "tells");
        let years = "1970 1970 1970 1970 1970 1970 1";
        let expected = format!("process {years}\nchild {years}\nprogram {years}\nBad address\n");
        assert_eq!(said, expected, "{link}");
        let failed = told
            .iter()
            .any(|told| matches!(told, Traced::Failed { .. }));
        assert!(!failed, "{told:?}");
    }
}

#[test]
fn who_waits_for_a_moment_of_1970_waits_as_long_as_it_meant_to() {
    for link in ["-static", "-no-pie"] {
        let (said, _) = in_1970(link, "rests");
        let expected = [
            "condition waits Connection timed out",
            "again does not wait Connection timed out",
            "mutex waits Connection timed out",
            "semaphore waits Connection timed out",
            "sleep waits well",
            "descriptor waits well",
            "timer waits well",
            "monotonic waits well",
        ];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{link}");
    }
}

#[test]
fn programs_of_others_see_1970_and_no_time_is_told_without_being_asked_for() {
    let here = tempfile::tempdir().expect("a directory");
    let script = "date -u +%Y; sh -c 'date -u +%F'";
    for (options, expected) in [(&["--epoch"][..], "1970\n1970-01-01\n"), (&[], "20")] {
        let mut watch = Watch::start();
        let mut launcher = watch.launcher_with(options, here.path(), &["sh", "-c", script]);
        let output = launcher.output().expect("launched");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.starts_with(expected), "{options:?}: {said}");
        // What is told of processes is the same: the time is not part of it.
        let execs = actions(&watch.sync());
        let execs = execs.iter().filter(|a| matches!(a, Action::Exec { .. }));
        assert_eq!(execs.count(), 4, "{options:?}");
    }
}

#[test]
fn a_script_is_told_with_what_the_kernel_runs_in_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().canonicalize().expect("its path");
    let inner = at.join("inner").to_string_lossy().into_owned();
    let outer = at.join("outer").to_string_lossy().into_owned();
    for (path, text) in [
        (&inner, "#!/bin/sh\nexit 4\n".to_owned()),
        (&outer, format!("#!{inner} -x  -y\n")),
    ] {
        std::fs::write(path, text).expect("a script");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    let mut watch = Watch::start();
    let (output, told) = watch.run(&at, &["./outer", "word"]);
    assert_eq!(output.status.code(), Some(4));
    let exec = actions(&told).into_iter().find_map(|action| match action {
        Action::Exec {
            path, argv, runs, ..
        } => Some((path, argv, runs)),
        _ => None,
    });
    let (path, argv, runs) = exec.expect("an exec");
    assert_eq!(
        (path.as_str(), argv),
        (
            outer.as_str(),
            vec!["./outer".to_owned(), "word".to_owned()]
        )
    );
    assert_eq!(runs, ["/bin/sh", &inner, "-x  -y", &outer, "word"]);
}
