//! What every engine must see of real programs of every kind, in a boot in which all that they try comes to nothing.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use adamant_core::engine::{Answer, Bind, BootPlan, Question, Reached, Tmpfs, Trace, Until};
use adamant_core::env;
use adamant_probe::{Action, TraceEvent};

use crate::stage::{GO, Result, Stage, same};

/// Debian's Node is older: this image has the reference's.
const IMAGE: &str = "execute-node";
/// Where the programs are inside.
const PROGRAMS: &str = "/programs";
/// An ordinary file of the image, which none of them may change.
const THERE: &str = "/app/execute.mjs";
/// The ways to one program in C: its name, and what compiles it.
const COMPILERS: [(&str, &[&str]); 3] = [
    ("static-glibc", &["cc", "-static"]),
    ("static-musl", &["musl-gcc", "-static"]),
    ("dynamic-glibc", &["cc"]),
];

pub(crate) fn seen(stage: &Stage) -> Result<()> {
    if let Some(why) = stage.engine.blind() {
        return Err(why);
    }
    let stage = stage.on(IMAGE)?;
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let go = go_program();
    fill(dir.path(), go.as_deref())?;
    let boot = stage.boot(&plan(&stage, dir.path()))?;
    match boot.wait(&Until::Output { watch: 0 })? {
        Reached::Ready { .. } => {}
        other => return Err(format!("{other:?}\n{}", boot.lines().join("\n"))),
    }
    let lines = boot.lines();
    let Answer::Trace(trace) = boot.ask(&Question::Trace)? else {
        return Err("no trace".into());
    };
    same(&trace.cut, &None)?;
    let of = |title: &str| said(&lines, title);
    for (name, _) in COMPILERS {
        in_c(name, &of(name), &trace).map_err(|error| format!("{name}: {error}"))?;
    }
    if go.is_some() {
        in_go(&of("go"), &trace).map_err(|error| format!("go: {error}"))?;
    } else {
        let why = "no Go program was tried: there is no `docker` client on PATH";
        writeln!(std::io::stderr(), "{why}").map_err(|error| error.to_string())?;
    }
    in_node(&of("node"), &trace).map_err(|error| format!("node: {error}"))?;
    boot.remove()
}

/// A directory with the programs and the script that runs them.
fn fill(dir: &Path, go: Option<&Path>) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/programs");
    let told = |error: std::io::Error| error.to_string();
    for (name, compiler) in COMPILERS {
        let built = Command::new(compiler[0])
            .args(&compiler[1..])
            .args(["-O1", "-Wall", "-Wno-unused-result", "-pthread", "-o"])
            .arg(dir.join(name))
            .arg(here.join("attempts.c"))
            .output()
            .map_err(|error| format!("`{}`, which `.ci/run` installs: {error}", compiler[0]))?;
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
    }
    std::fs::copy(here.join("attempts.mjs"), dir.join("attempts.mjs")).map_err(told)?;
    let mut script = vec!["#!/bin/sh\nexec 2>&1".to_owned()];
    for (name, _) in COMPILERS {
        script.push(format!(
            "echo '# {name}'\n{PROGRAMS}/{name} run /app/{name}"
        ));
    }
    if let Some(go) = go {
        std::fs::copy(go, dir.join("go")).map_err(told)?;
        script.push("echo '# go'".to_owned());
        for words in [
            "context create sealed --docker host=tcp://203.0.113.7:3001",
            "--host tcp://203.0.113.7:3001 version",
            "--host tcp://go.registry.example:3002 version",
        ] {
            script.push(format!("{PROGRAMS}/go --config /app/go {words}"));
        }
    }
    script.push(format!(
        "echo '# node'\nUV_USE_IO_URING=1 node {PROGRAMS}/attempts.mjs"
    ));
    script.push(format!("echo '# end'\necho {GO}\nread word\n"));
    let script = script.join("\n");
    std::fs::write(dir.join("run"), script).map_err(told)?;
    let open = || std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.join("run"), open()).map_err(told)?;
    std::fs::set_permissions(dir, open()).map_err(told)
}

/// Docker's own client: the Go program that is there wherever Docker is. A machine without it has the embedded engine alone.
fn go_program() -> Option<PathBuf> {
    let path = env::host("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join("docker"))
        .find(|file| file.is_file())
}

/// Nothing that they try can succeed, but for what they write to `/tmp`.
fn plan(stage: &Stage, dir: &Path) -> BootPlan {
    let bind = |source: PathBuf, target: &str| Bind {
        source,
        target: target.into(),
        read_only: true,
    };
    BootPlan {
        args: None,
        trace: Some("/app/.adamant-control".into()),
        read_only: true,
        user: Some("1000:1000".into()),
        cap_drop: vec!["ALL".into()],
        no_new_privileges: true,
        tmpfs: vec![Tmpfs {
            path: "/tmp".into(),
            options: "mode=1777,size=1m".into(),
        }],
        binds: vec![
            bind(dir.to_owned(), PROGRAMS),
            bind(dir.join("run"), "/entrypoint.sh"),
        ],
        ..stage.plan("")
    }
}

/// The lines below a title.
fn said(lines: &[String], title: &str) -> Vec<String> {
    let title = format!("# {title}");
    let below = lines.iter().skip_while(|line| **line != title).skip(1);
    below
        .take_while(|line| !line.starts_with("# "))
        .cloned()
        .collect()
}

/// Who asked for a write to `path`, or for one that made it from another.
fn writers<'t>(trace: &'t Trace, path: &str) -> Vec<&'t TraceEvent> {
    let wrote = |event: &&TraceEvent| matches!(&event.action, Action::Write { path: told, .. } if told == path);
    trace.events.iter().filter(wrote).collect()
}

/// One writer, of this executable and the user of the boot.
fn writer<'t>(trace: &'t Trace, path: &str, exe: &str) -> Result<&'t TraceEvent> {
    let mut found = writers(trace, path).into_iter();
    let mine = found.find(|event| event.actor.exe == exe);
    let event = mine.ok_or_else(|| format!("nobody of {exe} wrote {path}"))?;
    same(&(path, event.actor.uid), &(path, 1000))?;
    Ok(event)
}

/// That somebody of this executable tried each of these.
fn reached(trace: &Trace, exe: &str, ports: &[u16]) -> Result<()> {
    let mine = trace.events.iter().filter(|event| event.actor.exe == exe);
    let told: Vec<u16> = mine
        .filter_map(|event| match &event.action {
            Action::Connect { address, port }
                if address == "203.0.113.7" || address == "2001:db8::7" =>
            {
                Some(*port)
            }
            _ => None,
        })
        .collect();
    match ports.iter().find(|port| !told.contains(port)) {
        Some(port) => Err(format!("nobody of {exe} reached for port {port}: {told:?}")),
        None => Ok(()),
    }
}

/// Who of this executable asked for a name.
fn asked(trace: &Trace, exe: &str, wanted: &str) -> Result<()> {
    let mut mine = trace.events.iter().filter(|event| event.actor.exe == exe);
    let is = |event: &TraceEvent| matches!(&event.action, Action::Resolve { name, .. } if name == wanted);
    match mine.any(is) {
        true => Ok(()),
        false => Err(format!("nobody of {exe} asked for {wanted}")),
    }
}

/// That somebody of this executable went to a name server. It connects before it asks, and where that is refused no name
/// is said (decision 33).
fn asked_at(trace: &Trace, exe: &str) -> Result<()> {
    let mut mine = trace.events.iter().filter(|event| event.actor.exe == exe);
    let is = |event: &TraceEvent| matches!(&event.action, Action::Connect { port: 53, .. });
    match mine.any(is) {
        true => Ok(()),
        false => Err(format!("nobody of {exe} went to a name server")),
    }
}

/// That it says this line.
fn says(said: &[String], line: &str) -> Result<()> {
    match said.iter().any(|own| own == line) {
        true => Ok(()),
        false => Err(format!("`{line}` is not said: {said:#?}")),
    }
}

/// What it says of each attempt: all were refused, but for the memory of a file that it may write.
const REFUSED: [&str; 27] = [
    "open",
    "creat",
    "openat2",
    "mkdir",
    "mkfifo",
    "symlink",
    "link",
    "rename",
    "bind",
    "open-there",
    "truncate",
    "unlink",
    "chmod",
    "chown",
    "utimensat",
    "setxattr",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "question",
    "connect",
    "connect-6",
    "thread",
    "thread-connect",
    "exec",
    // What it starts says by its code that it was refused.
    "fork",
    "vfork",
];

fn in_c(name: &str, said: &[String], trace: &Trace) -> Result<()> {
    let exe = format!("{PROGRAMS}/{name}");
    let base = format!("/app/{name}");
    for what in REFUSED {
        let expected = match what {
            "fork" => "fork 6".to_owned(),
            "vfork" => "vfork 7".to_owned(),
            _ => format!("{what} refused"),
        };
        says(said, &expected)?;
    }
    for line in ["spawn 7", "mapped done", "io_uring_setup no such call"] {
        says(said, line)?;
    }
    for what in [
        "open", "creat", "openat2", "mkdir", "mkfifo", "symlink", "link", "rename", "bind",
    ] {
        writer(trace, &format!("{base}.{what}"), &exe)?;
    }
    writer(trace, &format!("/tmp/{name}.mapped"), &exe)?;
    let changes: Vec<&str> = writers(trace, THERE)
        .into_iter()
        .filter(|event| event.actor.exe == exe)
        .filter_map(|event| match &event.action {
            Action::Write { call, .. } => Some(call.as_str()),
            _ => None,
        })
        .collect();
    // Of open, truncate, unlink, chmod, chown, utimensat and setxattr; libraries have their own words for some.
    same(&(changes.len(), changes.contains(&"truncate")), &(7, true))
        .map_err(|error| format!("{error}: {changes:?}"))?;
    reached(trace, &exe, &[1001, 1002, 1003, 1004, 1005, 1006])?;
    asked(trace, &exe, "registry.example")?;
    started_in_c(&exe, &base, trace)
}

/// Threads are their process; what is started is itself, and ends with its code.
fn started_in_c(exe: &str, base: &str, trace: &Trace) -> Result<()> {
    let first = &writer(trace, &format!("{base}.open"), exe)?.actor;
    let thread = &writer(trace, &format!("{base}.thread"), exe)?.actor;
    same(&thread.pid, &first.pid)?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let own: Vec<String> = words(&[exe, "run", base]);
    for (way, child, code) in [
        ("fork", own.clone(), 6),
        ("vfork", words(&[exe, "child", &format!("{base}.vfork")]), 7),
        ("spawn", words(&[exe, "child", &format!("{base}.spawn")]), 7),
    ] {
        let actor = &writer(trace, &format!("{base}.{way}"), exe)?.actor;
        same(
            &(way, &actor.argv, actor.ppid, &actor.parent),
            &(way, &child, first.pid, &own),
        )?;
        let ended = trace
            .events
            .iter()
            .any(|event| event.actor.pid == actor.pid && event.action == Action::Exit { code });
        same(&(way, ended), &(way, true))?;
    }
    let refused = trace.events.iter().find_map(|event| match &event.action {
        Action::Exec { path, refused, .. } if *path == format!("{base}.none") => {
            Some((event.actor.pid, refused.clone()))
        }
        _ => None,
    });
    same(&refused, &Some((first.pid, Some("ENOENT".to_owned()))))
}

fn in_go(said: &[String], trace: &Trace) -> Result<()> {
    let exe = format!("{PROGRAMS}/go");
    let made = trace.events.iter().find(|event| {
        event.actor.exe == exe
            && matches!(&event.action, Action::Write { path, .. } if path.starts_with("/app/go"))
    });
    let made = made.ok_or_else(|| format!("no write was told: {said:#?}"))?;
    same(&made.actor.uid, &1000)?;
    same(&made.actor.argv.contains(&"create".to_owned()), &true)?;
    let refused = said
        .iter()
        .any(|line| line.contains("read-only file system"));
    same(&(refused, said), &(true, said))?;
    reached(trace, &exe, &[3001])?;
    asked_at(trace, &exe)
}

fn in_node(said: &[String], trace: &Trace) -> Result<()> {
    let exe = "/usr/local/bin/node";
    for what in [
        "sync", "rename", "pool", "copy", "worker", "child", "connect", "send", "name",
    ] {
        let expected = format!("{what} refused");
        says(said, &expected)?;
    }
    let first = &writer(trace, "/app/node.sync", exe)?.actor;
    for what in ["rename", "pool", "copy", "worker"] {
        let actor = &writer(trace, &format!("/app/node.{what}"), exe)?.actor;
        same(&(what, actor.pid), &(what, first.pid))?;
    }
    let child = &writer(trace, "/app/node.child", exe)?.actor;
    same(&(child.ppid, &child.parent), &(first.pid, &first.argv))?;
    reached(trace, exe, &[2001, 2002])?;
    asked_at(trace, exe)
}
