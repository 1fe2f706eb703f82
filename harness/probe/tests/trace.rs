//! Launchers and supervisors as real processes on this host: what is told, of whom, and what a subject notices of it.

#[path = "support/network.rs"]
mod network;
#[path = "support/odd.rs"]
mod odd;
mod support;

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use adamant_probe::{Action, CONTROL_ADDRESS, Traced};

use self::support::{PROBE, Watch, actions, events, writes};

const BUSYBOX: &str = "/bin/busybox";

fn exec_of(told: &[Traced], name: &str) -> Vec<(String, Option<String>)> {
    let mut execs = Vec::new();
    for action in actions(told) {
        if let Action::Exec {
            path,
            argv,
            refused,
            ..
        } = action
            && argv.first().is_some_and(|word| word == name)
        {
            execs.push((path, refused));
        }
    }
    execs
}

#[test]
fn every_attempt_to_write_is_told_with_the_path_that_it_led_to() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().canonicalize().expect("its path");
    std::fs::create_dir_all(at.join("real/deep")).expect("directories");
    symlink("real", at.join("link")).expect("a link");
    symlink("real/target", at.join("dangling")).expect("a link");
    let script = "echo x > plain; cd link/deep; echo x > ../up; cd ../..; echo x > link/no/such; \
        echo x > dangling; /bin/mkdir link/made; \
        /bin/mkdir -p real/deep /; /bin/mkdir link; /bin/mv plain link/moved; /bin/ln -s moved link/soft; \
        /bin/ln link/moved link/hard; /bin/chmod 600 link/soft; /bin/rm link/soft; echo > /dev/null; \
        echo > /dev/stdout; echo > /proc/self/fd/1; cat < plain; exit 3";
    let (output, told) = watch.run(&at, &["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(3));
    let told = writes(&told, &at);
    for expected in [
        "openat plain",
        "openat real/up",
        "openat real/no/such",
        "openat real/target",
        "real/made",
        "real/moved < plain",
        "real/soft",
        "real/hard < real/moved",
        "fchmodat real/moved",
        "unlinkat real/soft",
    ] {
        assert!(
            told.iter().any(|line| line.ends_with(expected)),
            "{expected}: {told:#?}"
        );
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    let (whole, rest) = watch.end();
    assert!(whole && rest.is_empty(), "{rest:?}");
}

#[test]
fn who_acts_is_told_with_its_parent_and_its_code() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let script = "(/bin/sh -c 'echo > a; exit 7'); exit 5";
    let (_, told) = watch.run(dir.path(), &["sh", "-c", script]);
    let write = events(&told).find(|event| matches!(event.action, Action::Write { .. }));
    let actor = &write.expect("a write").actor;
    assert_eq!(actor.argv, ["/bin/sh", "-c", "echo > a; exit 7"]);
    assert_eq!(actor.parent, ["sh", "-c", script]);
    assert!(actor.exe.ends_with("sh") && actor.ppid > 0 && actor.pid != actor.ppid);
    let codes: Vec<i32> = actions(&told)
        .iter()
        .filter_map(|action| match action {
            Action::Exit { code } => Some(*code),
            _ => None,
        })
        .collect();
    assert_eq!(codes.last(), Some(&5));
    assert!(codes.contains(&7), "{codes:?}");
    assert_eq!(
        (told.first(), told.last()),
        (Some(&Traced::Attached), Some(&Traced::Ended))
    );
}

#[test]
fn a_search_along_the_path_is_told_with_what_it_met() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().canonicalize().expect("its path");
    let put = |name: &str, mode: u32, text: &str| {
        std::fs::write(at.join(name), text).expect("a file");
        std::fs::set_permissions(at.join(name), PermissionsExt::from_mode(mode)).expect("a mode");
    };
    put("plain", 0o644, "");
    put("lost", 0o755, "#!/no/such/interpreter -x\n");
    put("good", 0o755, "#!/bin/sh\nexit 9\n");
    let run = |word: &str| format!("{}/{word}", at.display());
    let script = "for word in plain lost good none; do ./$word; done; /bin/env good; ./good/x";
    let path = format!("/nowhere:{}:/usr/bin:/bin", at.display());
    let mut launcher = watch.launcher(&at, &["sh", "-c", script]);
    launcher.env("PATH", path).stderr(Stdio::null());
    launcher.status().expect("launched");
    let told = watch.sync();
    let refused = |name: &str| exec_of(&told, name);
    let errno = |name: &str| Some(String::from(name));
    assert_eq!(refused("./plain"), [(run("plain"), errno("EACCES"))]);
    assert_eq!(refused("./lost"), [(run("lost"), errno("ENOENT"))]);
    assert_eq!(refused("./none"), [(run("none"), errno("ENOENT"))]);
    assert_eq!(refused("./good"), [(run("good"), None)]);
    assert_eq!(refused("./good/x"), [(run("good/x"), errno("ENOTDIR"))]);
    let found = refused("good");
    assert_eq!(
        found,
        [
            ("/nowhere/good".into(), errno("ENOENT")),
            (run("good"), None)
        ]
    );
}

/// The subject of the next tests: this very test, dynamic and with threads.
#[test]
#[ignore = "it is run as a subject by other tests"]
fn acts() {
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08registry\x07example\0\0\x01\0\x01";
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    // That nobody answers may be an error of the call after the next.
    let _ = udp.send_to(query, "127.0.0.1:53");
    let _ = udp.send_to(b"anything", "127.0.0.2:4444");
    udp.connect("127.0.0.3:53").expect("connected");
    let _ = udp.send(query);
    let _ = udp.send(b"nothing that is a question");
    for address in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
        TcpStream::connect(address).expect_err("nobody listens");
    }
    std::os::unix::net::UnixStream::connect("/no/such.sock").expect_err("nobody listens");
    let threads: Vec<_> = (0..8)
        .map(|n| {
            std::thread::spawn(move || {
                for _ in 0..20 {
                    std::fs::write(format!("thread-{n}"), "").expect("written");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("ended");
    }
}

#[test]
fn a_dynamic_program_is_seen_on_the_network_and_in_its_threads() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().canonicalize().expect("its path");
    let own = std::env::current_exe().expect("this test");
    let own = own.to_str().expect("a path");
    let (output, told) = watch.run(&at, &[own, "--ignored", "--exact", "acts"]);
    assert!(output.status.success(), "{output:?}");
    let seen: Vec<String> = actions(&told)
        .into_iter()
        .filter_map(|action| match action {
            Action::Connect { address, port } => Some(format!("{address} {port}")),
            Action::Resolve { name, server } => Some(format!("{name} of {server}")),
            _ => None,
        })
        .collect();
    let expected = [
        "registry.example of 127.0.0.1",
        "127.0.0.2 4444",
        "127.0.0.3 53",
        "registry.example of 127.0.0.3",
        "127.0.0.1 9",
        "::1 9",
        "127.0.0.1 9",
    ];
    assert_eq!(seen, expected);
    let written = writes(&told, &at);
    for n in 0..8 {
        let line = format!("openat thread-{n}");
        assert_eq!(written.iter().filter(|one| **one == line).count(), 20);
    }
    let pids: std::collections::BTreeSet<_> = events(&told).map(|event| event.actor.pid).collect();
    assert_eq!(pids.len(), 1);
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "it is run as a subject by another test"]
fn acts_in_32_bits() {
    let mut result = 20_i64;
    #[expect(unsafe_code, reason = "no safe code speaks the 32-bit interface")]
    // SAFETY: call 20 is `getpid`, which touches no memory; the kernel keeps all other registers but these.
    unsafe {
        std::arch::asm!("int 0x80", inout("rax") result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    assert_eq!(result, i64::from(std::process::id()));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn calls_that_cannot_be_read_are_a_hole_that_is_told() {
    let mut watch = Watch::start();
    let own = std::env::current_exe().expect("this test");
    let own = own.to_str().expect("a path");
    let words = [own, "--ignored", "--exact", "acts_in_32_bits"];
    let (output, told) = watch.run(Path::new("/tmp"), &words);
    assert!(output.status.success(), "{output:?}");
    let failed: Vec<_> = told
        .iter()
        .filter_map(|traced| match traced {
            Traced::Failed { message } => Some(message.contains("32-bit system calls")),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [true]);
    assert_eq!(told.last(), Some(&Traced::Ended));
}

#[test]
fn the_control_is_in_the_trace_before_the_subject() {
    let mut watch = Watch::start();
    let socket = watch.dir().join("trace.sock");
    let status = Command::new(PROBE)
        .args(["launch", "--control-write", "/opt/adamant-none", "--socket"])
        .arg(socket)
        .args(["--", "true"])
        .status();
    assert!(status.expect("launched").success());
    let told = actions(&watch.sync());
    let (address, port) = CONTROL_ADDRESS.split_once(':').expect("an address");
    let connect = Action::Connect {
        address: address.into(),
        port: port.parse().expect("a port"),
    };
    let write = Action::Write {
        call: "openat".into(),
        path: "/opt/adamant-none".into(),
        from: None,
    };
    assert_eq!(told[..2], [connect, write]);
    assert!(matches!(told[2], Action::Exec { .. }));
    assert!(!Path::new("/opt/adamant-none").exists());
}

#[test]
fn what_cannot_be_started_is_refused_and_what_cannot_be_seen_is_not_started() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("plain"), "").expect("a file");
    std::fs::write(dir.path().join("odd"), "neither a script nor a program").expect("a file");
    let mode = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path().join("odd"), mode).expect("a mode");
    for (program, code, name) in [
        ("no-such-program", 127, "ENOENT"),
        ("/no/such/program", 127, "ENOENT"),
        ("./plain", 126, "EACCES"),
        ("./odd", 126, "ENOEXEC"),
        ("/", 126, "EACCES"),
    ] {
        let (output, told) = watch.run(dir.path(), &[program]);
        assert_eq!(output.status.code(), Some(code), "{program}");
        let errno = name.to_owned();
        assert!(
            told.contains(&Traced::Refused { errno }),
            "{program}: {told:?}"
        );
        assert_eq!(told.last(), Some(&Traced::Ended), "{program}");
    }
    let mut unseen = Command::new(PROBE);
    unseen.args(["launch", "--socket", "/no/such.sock", "--", "touch"]);
    let output = unseen.arg(dir.path().join("ran")).output().expect("run");
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the subject was not started"));
    assert!(!dir.path().join("ran").exists());
}

#[test]
fn the_subject_inherits_what_the_launcher_was_given() {
    let watch = Watch::start();
    let script = "ls /proc/self/fd | wc -l; pwd; id -u; \
        grep -E '^(Sig(Blk|Ign|Cgt)|Groups|CapEff)' /proc/self/status; env | sort | cksum";
    let dir = Path::new("/tmp");
    let socket = watch.dir().join("trace.sock");
    for trap in ["trap '' PIPE HUP;", "trap - PIPE;"] {
        let run = |launch: &str| {
            let outer = format!("{trap} exec {launch} sh -c \"$SCRIPT\"");
            let mut sh = Command::new("sh");
            sh.args(["-c", &outer])
                .env("SCRIPT", script)
                .current_dir(dir);
            let output = sh.output().expect("run");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).expect("text")
        };
        let launch = format!("{PROBE} launch --socket {} --", socket.display());
        assert_eq!(run(&launch), run(""), "{trap}");
    }
}

#[test]
fn several_launchers_are_watched_at_once() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().canonicalize().expect("its path");
    let mut first = watch.launcher(&at, &["sh", "-c", "read word; echo > $word"]);
    let mut first = first.stdin(Stdio::piped()).spawn().expect("launched");
    assert_eq!(watch.next(), Some(Traced::Attached));
    let (_, told) = watch.run(&at, &["sh", "-c", "echo > second"]);
    assert_eq!(writes(&told, &at), ["openat second"]);
    assert!(!told.contains(&Traced::Ended));
    let mut stdin = first.stdin.take().expect("its input");
    stdin.write_all(b"first\n").expect("written");
    first.wait().expect("ended");
    let told = watch.sync();
    assert_eq!(writes(&told, &at), ["openat first"]);
    assert_eq!(told.last(), Some(&Traced::Ended));
}

#[test]
fn killing_a_process_in_the_middle_of_its_calls_harms_nothing() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let script = "for n in 1 2 3 4 5 6 7 8; do (while :; do echo > busy-$n; done) & pid=$!; \
        sleep 0.02; kill -9 $pid; done; wait; echo > last";
    let (output, told) = watch.run(dir.path(), &["sh", "-c", script]);
    assert!(output.status.success());
    let written = writes(&told, &dir.path().canonicalize().expect("its path"));
    for n in 1..=8 {
        assert!(written.contains(&format!("openat busy-{n}")), "{n}");
    }
    assert_eq!(written.last().map(String::as_str), Some("openat last"));
    assert_eq!(told.last(), Some(&Traced::Ended));
}

#[test]
fn without_its_supervisor_a_subject_is_not_blocked_and_cannot_act_unseen() {
    let mut watch = Watch::start();
    let dir = tempfile::tempdir().expect("a directory");
    let script = "read word; echo > unseen || echo blind";
    let mut launcher = watch.launcher(dir.path(), &["sh", "-c", script]);
    launcher.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut subject = launcher.stderr(Stdio::null()).spawn().expect("launched");
    watch.wait_for_exec();
    // It may go on as soon as that was told, and needs no more than this to be itself.
    while !std::fs::read_link(format!("/proc/{}/exe", subject.id()))
        .is_ok_and(|exe| !exe.ends_with("adamant-probe"))
    {
        std::thread::yield_now();
    }
    watch.child.kill().expect("killed");
    watch.child.wait().expect("ended");
    let mut stdin = subject.stdin.take().expect("its input");
    stdin.write_all(b"go\n").expect("written");
    let output = subject.wait_with_output().expect("ended");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "blind\n");
    assert!(!dir.path().join("unseen").exists());
    assert_eq!(watch.next(), None);
}

#[test]
fn in_a_container_paths_and_processes_are_the_containers() {
    let is_able = rustix::process::geteuid().is_root() && Path::new(BUSYBOX).exists();
    assert!(
        is_able,
        "it needs root and {BUSYBOX}, as `cargo xtask test` does"
    );
    let mut watch = Watch::start();
    let dir = watch.dir();
    std::fs::copy(PROBE, dir.join("probe")).expect("copied");
    std::fs::create_dir(dir.join("tree")).expect("a directory");
    let subject = "cd /opt && busybox touch ../opt/x /proc/self/comm /dev/null; \
        busybox chroot /etc /../none; busybox nc -w 1 1.2.3.4 443 < /dev/null; exit 6";
    let script = "set -e; mount -t tmpfs tmpfs \"$1/tree\"; cd \"$1/tree\"; mkdir up work new; \
        mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work new; \
        mkdir -p new/.adamant new/old new/opt; mount --bind \"$1\" new/.adamant; cd new; \
        pivot_root . old; mount -t proc proc /proc; mount -t devtmpfs dev /dev; umount -l old; \
        exec /.adamant/probe launch --control-write /opt/none -- busybox sh -c \"$2\"";
    let status = Command::new("unshare")
        .args(["-m", "-p", "-n", "-f", "sh", "-c", script, "sh"])
        .arg(&dir)
        .arg(subject)
        .status()
        .expect("run");
    assert_eq!(status.code(), Some(6));
    let told = watch.sync();
    let written = writes(&told, Path::new(""));
    assert_eq!(written.first().map(String::as_str), Some("openat opt/none"));
    assert!(
        written.iter().any(|line| line.ends_with(" opt/x")),
        "{written:?}"
    );
    assert!(
        !written.iter().any(|line| line.contains("tree")),
        "{written:?}"
    );
    assert!(
        written.iter().any(|line| line.contains(" proc/")),
        "{written:?}"
    );
    assert!(
        !written.iter().any(|line| line.contains("null")),
        "{written:?}"
    );
    let refused = exec_of(&told, "/../none");
    assert_eq!(refused, [("/none".into(), Some("ENOENT".into()))]);
    let connect = events(&told).find(|event| {
        matches!(&event.action, Action::Connect { address, port: 443 } if address == "1.2.3.4")
    });
    let actor = &connect.expect("a connect that fails").actor;
    assert_eq!((actor.ppid, actor.argv[0].as_str()), (1, "busybox"));
    assert!(actor.exe.ends_with("/busybox"), "{}", actor.exe);
    let exit = events(&told).filter(|event| event.action == Action::Exit { code: 6 });
    let first: Vec<_> = exit
        .map(|event| (event.actor.pid, event.actor.ppid))
        .collect();
    assert_eq!(first, [(1, 0)]);
}
