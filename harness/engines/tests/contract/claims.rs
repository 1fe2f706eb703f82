//! The claims: each boots something and says what must be seen, whatever engine it is.

use std::time::Duration;

use adamant_core::case::FaultForm;
use adamant_core::engine::{
    Answer, Bind, BootPlan, ChangeKind, Fault, Question, Tmpfs, VolumeMount,
};

use crate::stage::{GO, Result, Stage, deadline, number, same, told};
use crate::{networks, programs, traced};

/// What an engine must do.
pub(crate) struct Claim {
    pub(crate) name: &'static str,
    /// Whether it can be shown without running anything.
    pub(crate) scripted: bool,
    pub(crate) holds: fn(&Stage) -> Result<()>,
    /// Who does not meet it by nature.
    pub(crate) unmet: Option<Unmet>,
}

/// A product that a claim does not hold on, for a reason that is not ours.
#[derive(Clone, Copy)]
pub(crate) struct Unmet {
    /// What its engine's version begins with.
    pub(crate) product: &'static str,
    /// What is seen there instead: whatever else goes wrong with the claim is a failure.
    pub(crate) seen: &'static str,
    pub(crate) why: &'static str,
}

impl Claim {
    const fn unmet(mut self, product: &'static str, seen: &'static str, why: &'static str) -> Self {
        self.unmet = Some(Unmet { product, seen, why });
        self
    }
}

const fn scripted(name: &'static str, holds: fn(&Stage) -> Result<()>) -> Claim {
    Claim {
        name,
        scripted: true,
        holds,
        unmet: None,
    }
}

const fn real(name: &'static str, holds: fn(&Stage) -> Result<()>) -> Claim {
    Claim {
        name,
        scripted: false,
        holds,
        unmet: None,
    }
}

pub(crate) const ALL: &[Claim] = &[
    scripted("an_engine_says_who_it_is", names_itself),
    scripted("an_end_is_seen_with_its_code_and_all_output", ends),
    scripted("who_has_ended_answers_nothing", too_late),
    scripted("volumes_have_names_of_their_own", volume_names),
    scripted("what_a_living_owner_has_is_not_reaped", reaps_nothing),
    real("both_streams_arrive_whole", streams),
    real("a_program_that_is_not_there_is_an_answer", refused),
    real("a_signal_ends_with_its_number", signals),
    real("users_and_groups_go_by_name_and_number", users),
    real("a_user_that_nobody_knows_has_no_group_but_roots", stranger).unmet(
        "Podman",
        "77:0 0 77",
        "it adds the user to the container's files, with a group of the same number",
    ),
    real(
        "environment_and_working_directory_are_the_images_and_the_plans",
        environment,
    ),
    real("privileges_are_dockers_by_default", default_privileges),
    real("privileges_go_when_they_are_taken", no_privileges),
    real("the_kernel_is_masked", masked),
    real("a_read_only_root_is_read_only", read_only),
    real(
        "memory_hides_what_the_image_has_there_and_has_its_limits",
        hidden,
    ),
    real("memory_is_limited", memory).unmet(
        "Podman",
        "Exit { code: 137, oom_killed: false",
        "4.3.1 does not look where conmon 2.1.6 notes that the kernel killed for memory",
    ),
    real("processes_are_limited", pids),
    real("nothing_is_reached_but_loopback", networks::none),
    real(
        "what_leaves_an_isolated_network_is_swallowed",
        networks::swallowed,
    )
    .unmet(
        "Podman",
        "Network is unreachable\", \"1\", \"127.0.0.11\"]",
        "its internal networks have no route out, so that who asks is told at once",
    ),
    real(
        "who_joins_an_isolated_network_is_reached_by_name",
        networks::joined,
    ),
    real("absent_is_absent", absent),
    real("a_path_is_left_in_the_form_that_was_asked_for", forms),
    real(
        "a_made_network_leads_to_its_maker_only",
        networks::made_network,
    ),
    real("every_difference_is_found", drift),
    real("volumes_begin_with_the_images_content_and_stay", volumes),
    real("files_of_the_host_are_bound", binds),
    real("processes_are_seen_from_inside", processes),
    real("mounts_are_seen_from_inside", mounts),
    real("who_did_what_is_seen", traced::trace),
    real(
        "who_did_what_is_seen_under_every_hardening",
        traced::hardened_trace,
    ),
    real("the_time_of_day_is_what_was_asked_for", traced::epoch),
    real("programs_of_every_kind_are_seen_to_try", programs::seen),
    real(
        "a_companion_is_reached_and_sees_who_came",
        networks::companion,
    ),
];

fn names_itself(stage: &Stage) -> Result<()> {
    let described = stage.engine.describe(&deadline()).map_err(|e| told(&e))?;
    same(&described.name.as_str(), &stage.name)?;
    same(&stage.engine.name(), &stage.name)?;
    same(&described.platform, &stage.image.platform)
}

fn ends(stage: &Stage) -> Result<()> {
    let (exit, lines) = stage.run(&stage.plan(&format!("echo {GO}; exit 3")))?;
    same(
        &(exit.code, exit.oom_killed, exit.refused),
        &(3, false, None),
    )?;
    same(&lines, &vec![GO.to_owned()])
}

fn too_late(stage: &Stage) -> Result<()> {
    let boot = stage.boot(&stage.plan(&format!("echo {GO}; exit 3")))?;
    boot.exit()?;
    match boot.ask(&Question::Processes) {
        Ok(answer) => Err(format!("answered {answer:?}")),
        Err(_) => boot.remove(),
    }
}

fn volume_names(stage: &Stage) -> Result<()> {
    let owner = stage.owner();
    let make = || {
        stage
            .engine
            .volume(&owner, &deadline())
            .map_err(|e| told(&e))
    };
    let (one, other) = (make()?, make()?);
    let removed = [&one, &other].map(|name| stage.engine.remove_volume(name, &deadline()));
    removed
        .into_iter()
        .collect::<std::result::Result<(), _>>()
        .map_err(|e| told(&e))?;
    if one == other { Err(one) } else { Ok(()) }
}

fn reaps_nothing(stage: &Stage) -> Result<()> {
    let boot = stage.boot(&stage.plan(&format!("echo {GO}; exit 3")))?;
    let reaped = stage.engine.reap(&deadline()).map_err(|e| told(&e))?;
    let id = boot.instance().id().to_owned();
    if reaped.iter().any(|object| object.contains(&id)) {
        return Err(format!("{reaped:?}"));
    }
    boot.exit()?;
    boot.remove()?;
    stage.engine.close(&deadline()).map_err(|e| told(&e))
}

fn streams(stage: &Stage) -> Result<()> {
    let script = "i=0; while [ $i -lt 3000 ]; do echo $i; echo e$i >&2; i=$((i+1)); done";
    let boot = stage.boot(&stage.plan(script))?;
    same(&boot.exit()?.code, &0)?;
    let log = boot.log.snapshot();
    same(&(log.lines, log.cut), &(6000, None))?;
    boot.remove()
}

fn refused(stage: &Stage) -> Result<()> {
    // The image's entrypoint is a shell: what is not there is hidden from it.
    let gone = BootPlan {
        absent: vec![Fault::new("/bin/sh", FaultForm::Absent)],
        ..stage.plan("true")
    };
    for traced in [None, Some("/.adamant-control".to_owned())] {
        let boot = stage.boot(&BootPlan {
            trace: traced,
            ..gone.clone()
        })?;
        let exit = boot.exit()?;
        if exit.code != 127 || exit.refused.is_none() {
            return Err(format!("{exit:?} {:?}", boot.lines()));
        }
        boot.remove()?;
    }
    Ok(())
}

fn signals(stage: &Stage) -> Result<()> {
    let stop = |within| Question::Stop {
        signal: "SIGTERM".into(),
        within: Duration::from_millis(within),
    };
    let stopped = |answer| match answer {
        Answer::Stopped(stopped) => Ok(stopped),
        other => Err(format!("{other:?}")),
    };
    let boot = stage.running(&stage.plan("trap 'exit 7' TERM"))?;
    let heard = stopped(boot.ask(&stop(20_000))?)?;
    same(&(heard.exit.code, heard.killed), &(7, false))?;
    boot.remove()?;
    // Process 1 takes no signal that it has no handler for.
    let boot = stage.running(&stage.plan(""))?;
    let deaf = stopped(boot.ask(&stop(300))?)?;
    same(&(deaf.exit.code, deaf.killed), &(137, true))?;
    boot.remove()
}

fn users(stage: &Stage) -> Result<()> {
    for (user, wanted) in [
        (None, "1000:1000 1000"),
        (Some("agentbox"), "1000:1000 1000"),
        (Some("agentbox:root"), "1000:0 0"),
        (Some("0"), "0:0 0"),
        (Some("77:88"), "77:88 88"),
    ] {
        is_user(stage, user, wanted)?;
    }
    let nobody = BootPlan {
        user: Some("nobody-here".into()),
        ..stage.plan("true")
    };
    match stage.boot(&nobody) {
        Err(_) => Ok(()),
        Ok(_) => Err("a user that the image does not have was started".into()),
    }
}

fn stranger(stage: &Stage) -> Result<()> {
    is_user(stage, Some("77"), "77:0 0")
}

/// Process 1 and who is beside it are that user, and nothing is written for it.
fn is_user(stage: &Stage, user: Option<&str>, wanted: &str) -> Result<()> {
    let plan = BootPlan {
        user: user.map(str::to_owned),
        ..stage.plan("echo $(id -u):$(id -g) $(id -G)")
    };
    let (exit, lines) = stage.run(&plan)?;
    same(&(exit.code, lines), &(0, vec![wanted.to_owned()]))?;
    let inside = stage.running(&BootPlan {
        args: Some(vec![String::new()]),
        ..plan
    })?;
    let seen = inside.shell(&["echo $(id -u):$(id -g) $(id -G)"])?;
    same(&seen, &vec![wanted.to_owned()])?;
    same(&inside.ask(&Question::Drift)?, &Answer::Drift(Vec::new()))?;
    inside.remove()
}

fn environment(stage: &Stage) -> Result<()> {
    let script =
        "echo $LANG; echo $A; pwd; echo $HOME; echo $(cat /etc/hostname); echo $HOSTNAME; umask";
    let plan = BootPlan {
        env: [
            ("A".to_owned(), "b c".to_owned()),
            ("LANG".to_owned(), "x".to_owned()),
        ]
        .into(),
        workdir: Some("/made/for/this".into()),
        ..stage.plan(script)
    };
    let (exit, lines) = stage.run(&plan)?;
    same(&exit.code, &0)?;
    let wanted = ["x", "b c", "/made/for/this", "/workspace"].map(str::to_owned);
    same(&lines[..4].to_vec(), &wanted.to_vec())?;
    same(&lines[4], &lines[5])?;
    same(&lines[6].as_str(), &"0022")?;
    let inside = stage.running(&BootPlan {
        args: Some(vec![String::new()]),
        ..plan
    })?;
    let seen = inside.shell(&["echo $LANG $A $HOME", "pwd"])?;
    same(
        &seen,
        &vec!["x b c /workspace".to_owned(), "/made/for/this".to_owned()],
    )?;
    inside.remove()
}

const STATUS: &str = "grep -E '^(CapEff|CapBnd|CapInh|CapAmb|NoNewPrivs|Seccomp|SigIgn|SigBlk):' /proc/self/status | tr -d '\\t'";

fn status(stage: &Stage, plan: &BootPlan, wanted: &[&str]) -> Result<()> {
    let (_, lines) = stage.run(&BootPlan {
        args: Some(vec![STATUS.to_owned()]),
        ..plan.clone()
    })?;
    let inside = stage.running(plan)?;
    let beside = inside.shell(&[STATUS])?;
    inside.remove()?;
    for line in wanted {
        if !lines.iter().any(|seen| seen == line) || !beside[0].lines().any(|seen| seen == *line) {
            return Err(format!(
                "expected {line}\nprocess 1 {lines:?}\nbeside it {beside:?}"
            ));
        }
    }
    Ok(())
}

fn default_privileges(stage: &Stage) -> Result<()> {
    let own = [
        "CapBnd:00000000a80425fb",
        "CapAmb:0000000000000000",
        "NoNewPrivs:0",
        "Seccomp:2",
    ];
    status(stage, &stage.plan(""), &own)?;
    // Whatever whoever started us ignores; this shell ignores SIGQUIT by itself.
    let (_, lines) = stage.run(&stage.plan("grep -E '^Sig(Ign|Blk):' /proc/1/status"))?;
    let none = ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000004"].map(str::to_owned);
    same(&lines, &none.to_vec())?;
    status(stage, &stage.plan(""), &["CapEff:0000000000000000"])?;
    let root = BootPlan {
        user: Some("0".into()),
        ..stage.plan("")
    };
    status(stage, &root, &["CapEff:00000000a80425fb", "Seccomp:2"])
}

fn no_privileges(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        user: Some("0".into()),
        cap_drop: vec!["ALL".into()],
        cap_add: vec!["NET_BIND_SERVICE".into()],
        no_new_privileges: true,
        ..stage.plan("")
    };
    let wanted = [
        "CapEff:0000000000000400",
        "CapBnd:0000000000000400",
        "NoNewPrivs:1",
        "Seccomp:2",
    ];
    status(stage, &plan, &wanted)
}

fn masked(stage: &Stage) -> Result<()> {
    let root = BootPlan {
        user: Some("0".into()),
        ..stage.plan("")
    };
    let boot = stage.running(&root)?;
    let seen = boot.shell(&[
        "cat /proc/timer_list 2>/dev/null | wc -c",
        "ls /sys/firmware | wc -l",
        "(echo x > /proc/sys/kernel/hostname) 2>/dev/null || echo refused",
        "(echo x > /sys/x) 2>/dev/null || echo refused",
        "ls -d /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/shm /dev/mqueue /dev/pts | wc -l",
        "ls /proc/self/fd/0 >/dev/null && readlink /proc/1/fd/0",
    ])?;
    same(
        &seen[..5].to_vec(),
        &["0", "0", "refused", "refused", "9"]
            .map(str::to_owned)
            .to_vec(),
    )?;
    same(&seen[5].as_str(), &"/dev/null")?;
    boot.remove()
}

fn read_only(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        read_only: true,
        user: Some("0".into()),
        tmpfs: vec![Tmpfs {
            path: "/tmp".into(),
            options: "mode=1777,size=1m".into(),
        }],
        ..stage.plan("")
    };
    let boot = stage.running(&plan)?;
    let dirs = ["/opt", "/tmp", "/etc", "/run"].map(str::to_owned);
    let question = Question::TryWrite {
        dirs: dirs.to_vec(),
    };
    let wanted = [
        ("/opt", Some("EROFS")),
        ("/tmp", None),
        ("/etc", Some("EROFS")),
        ("/run", Some("EROFS")),
    ];
    let wanted = wanted.map(|(dir, errno)| (dir.to_owned(), errno.map(str::to_owned)));
    same(&boot.ask(&question)?, &Answer::Written(wanted.to_vec()))?;
    let seen = boot.shell(&[
        "head -c 3000000 /dev/zero > /tmp/x 2>/dev/null || echo full",
        "(echo x >> /etc/hosts) 2>/dev/null || echo refused",
        "(echo x > /var/tmp/x) 2>/dev/null || echo refused",
    ])?;
    same(
        &seen,
        &["full", "refused", "refused"].map(str::to_owned).to_vec(),
    )?;
    boot.remove()
}

fn hidden(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        tmpfs: vec![Tmpfs {
            path: "/opt/agentbox".into(),
            options: "mode=1777,size=1m,uid=1000,gid=1000,nr_inodes=3".into(),
        }],
        ..stage.plan("")
    };
    let boot = stage.running(&plan)?;
    let seen = boot.shell(&[
        "ls -A /opt/agentbox | wc -l",
        "stat -c %u:%g /opt/agentbox",
        "cd /opt/agentbox; (: > 1; : > 2) && (: > 3) 2>/dev/null || echo full",
    ])?;
    same(
        &seen,
        &["0", "1000:1000", "full"].map(str::to_owned).to_vec(),
    )?;
    boot.remove()
}

fn memory(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        memory: Some(24 << 20),
        ..stage.plan("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived")
    };
    let boot = stage.boot(&plan)?;
    let exit = boot.exit()?;
    // The shell itself, or a process of its pipe.
    if !exit.oom_killed {
        return Err(format!("{exit:?} {:?}", boot.lines()));
    }
    boot.remove()
}

fn pids(stage: &Stage) -> Result<()> {
    let script =
        "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done 2>/dev/null; echo survived";
    let plan = BootPlan {
        pids: Some(16),
        ..stage.plan(script)
    };
    let (_, lines) = stage.run(&plan)?;
    if lines.iter().any(|line| line == "survived") {
        return Err(format!("{lines:?}"));
    }
    Ok(())
}

fn absent(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        absent: ["/usr/local/bin/codex", "/opt/agentbox"]
            .map(|path| Fault::new(path, FaultForm::Absent))
            .to_vec(),
        ..stage.plan("")
    };
    let boot = stage.running(&plan)?;
    let script = "ls -d /usr/local/bin/codex /opt/agentbox 2>/dev/null; stat -c '%a %u' /usr/local/bin /opt; ls /usr/local/bin | wc -l";
    let seen = boot.shell(&[script])?;
    let all = stage
        .image
        .entries
        .keys()
        .filter(|p| p.starts_with("/usr/local/bin/"))
        .count();
    let mode = |path: &str| {
        stage
            .image
            .entries
            .get(path)
            .map(|e| format!("{:o} {}", e.mode, e.uid))
    };
    let wanted = [
        mode("/usr/local/bin"),
        mode("/opt"),
        Some((all - 1).to_string()),
    ];
    same(
        &seen[0]
            .lines()
            .map(|l| Some(l.to_owned()))
            .collect::<Vec<_>>(),
        &wanted.to_vec(),
    )?;
    same(&boot.ask(&Question::Drift)?, &Answer::Drift(Vec::new()))?;
    boot.remove()
}

fn forms(stage: &Stage) -> Result<()> {
    let left = [
        ("/usr/local/bin/codex", FaultForm::NotExecutable),
        ("/opt/agentbox/agentbox.toml", FaultForm::Truncated),
        ("/opt/agentbox/closure.list", FaultForm::Empty),
        ("/opt/agentbox/libexec", FaultForm::Empty),
        ("/opt/agentbox/mcp", FaultForm::DanglingLink),
    ];
    let fault = |(path, form): (&str, FaultForm)| Fault::new(path, form);
    let plan = BootPlan {
        absent: left.map(fault).to_vec(),
        ..stage.plan("")
    };
    let boot = stage.running(&plan)?;
    let script = "cd /opt/agentbox; stat -c %a /usr/local/bin/codex; wc -c < /usr/local/bin/codex; wc -c < agentbox.toml; \
         wc -c < closure.list; ls -A libexec | wc -l; test -L mcp && ! test -e mcp && echo dangles";
    let seen = boot.shell(&[script])?;
    let was = |path: &str| stage.image.resolve(path).ok_or(format!("no `{path}`"));
    let codex = was("/usr/local/bin/codex")?;
    let wanted = [
        format!("{:o}", codex.mode & !0o111),
        codex.size.to_string(),
        (was("/opt/agentbox/agentbox.toml")?.size / 2).to_string(),
        "0".to_owned(),
        "0".to_owned(),
        "dangles".to_owned(),
    ];
    let seen: Vec<String> = seen[0].lines().map(|line| line.trim().to_owned()).collect();
    same(&seen, &wanted.to_vec())?;
    same(&boot.ask(&Question::Drift)?, &Answer::Drift(Vec::new()))?;
    boot.remove()
}

fn drift(stage: &Stage) -> Result<()> {
    let script = "echo new > /opt/new; mkdir /opt/dir; echo x > /opt/dir/file; echo more >> /etc/group; rm /usr/local/bin/codex; \
         cat /etc/passwd > /tmp/p; : >> /opt/agentbox/agentbox.toml; cat /tmp/p > /etc/passwd; chmod 700 /var; echo s > /dev/shm/s; rm -r /opt/agentbox/libexec; mkdir /opt/agentbox/libexec";
    let plan = BootPlan {
        user: Some("0".into()),
        ..stage.plan(script)
    };
    let boot = stage.running(&plan)?;
    let changes = |answer| match answer {
        Answer::Drift(changes) => Ok(changes),
        other => Err(format!("{other:?}")),
    };
    let running = changes(boot.ask(&Question::Drift)?)?;
    let of = |path: &str| running.iter().find(|c| c.path == path).map(|c| c.kind);
    for (path, kind) in [
        ("/opt/new", ChangeKind::Added),
        ("/opt/dir", ChangeKind::Added),
        ("/opt/dir/file", ChangeKind::Added),
        ("/etc/group", ChangeKind::Modified),
        ("/usr/local/bin/codex", ChangeKind::Deleted),
        ("/etc/passwd", ChangeKind::Touched),
        ("/var", ChangeKind::Modified),
        ("/dev/shm/s", ChangeKind::Added),
    ] {
        same(&(path, of(path)), &(path, Some(kind)))?;
    }
    // What the engine makes itself is nobody's doing, and opening alone is no difference.
    let ours = [
        "/opt/agentbox/agentbox.toml",
        "/.adamant",
        "/etc/hosts",
        "/.dockerenv",
        "/dev/null",
        "/proc",
    ];
    if let Some(change) = running.iter().find(|c| ours.contains(&c.path.as_str())) {
        return Err(format!("{change:?}"));
    }
    boot.ask(&Question::Stop {
        signal: "SIGKILL".into(),
        within: Duration::from_secs(20),
    })?;
    let rest = changes(boot.ask(&Question::Drift)?)?;
    for path in ["/opt/new", "/etc/group", "/usr/local/bin/codex"] {
        same(
            &(path, rest.iter().find(|c| c.path == path).map(|c| c.kind)),
            &(path, of(path)),
        )?;
    }
    boot.remove()
}

fn volumes(stage: &Stage) -> Result<()> {
    let volume = stage
        .engine
        .volume(&stage.owner(), &deadline())
        .map_err(|e| told(&e))?;
    let plan = BootPlan {
        volumes: vec![VolumeMount {
            name: volume.clone(),
            path: "/opt/agentbox".into(),
        }],
        read_only: true,
        user: Some("0".into()),
        ..stage.plan("")
    };
    let held = || -> Result<()> {
        let boot = stage.running(&plan)?;
        let seen = boot.shell(&[
            "ls /opt/agentbox/agentbox.toml",
            "echo kept > /opt/agentbox/kept",
        ])?;
        same(&seen[0].as_str(), &"/opt/agentbox/agentbox.toml")?;
        let Answer::Drift(changes) = boot.ask(&Question::Drift)? else {
            return Err("no changes".into());
        };
        let seen: Vec<&str> = changes.iter().map(|c| c.path.as_str()).collect();
        same(&seen.contains(&"/opt/agentbox/kept"), &true)?;
        boot.remove()?;
        let (_, lines) = stage.run(&BootPlan {
            args: Some(vec!["cat /opt/agentbox/kept".to_owned()]),
            ..plan.clone()
        })?;
        same(&lines, &vec!["kept".to_owned()])
    };
    let held = held();
    stage
        .engine
        .remove_volume(&volume, &deadline())
        .map_err(|e| told(&e))?;
    held
}

fn binds(stage: &Stage) -> Result<()> {
    let dir = std::env::temp_dir().join(format!(
        "adamant-contract-{}-{}",
        std::process::id(),
        number()
    ));
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    std::fs::write(dir.join("file"), "from the host\n").map_err(|e| e.to_string())?;
    let bind = |target: &str, read_only| Bind {
        source: dir.clone(),
        target: target.into(),
        read_only,
    };
    let plan = BootPlan {
        user: Some("0".into()),
        binds: vec![bind("/in", true), bind("/srv/deep/out", false)],
        ..stage.plan("cat /in/file; (echo x > /in/x) 2>/dev/null || echo refused; echo back > /srv/deep/out/back")
    };
    let ran = stage.run(&plan);
    let back = std::fs::read_to_string(dir.join("back"));
    std::fs::remove_dir_all(&dir).map_err(|e| e.to_string())?;
    let (exit, lines) = ran?;
    same(&exit.code, &0)?;
    same(
        &lines,
        &["from the host", "refused"].map(str::to_owned).to_vec(),
    )?;
    same(&back.map_err(|e| e.to_string())?.as_str(), &"back\n")?;
    let missing = BootPlan {
        binds: vec![Bind {
            source: dir.join("nothing"),
            target: "/in".into(),
            read_only: true,
        }],
        ..stage.plan("true")
    };
    match stage.boot(&missing) {
        Err(error) if error.contains("nothing") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err("a file that does not exist was bound".into()),
    }
}

fn processes(stage: &Stage) -> Result<()> {
    let boot = stage.running(&stage.plan("sleep 60 &"))?;
    let Answer::Processes(processes) = boot.ask(&Question::Processes)? else {
        return Err("no processes".into());
    };
    let first = processes
        .iter()
        .find(|p| p.pid == 1)
        .ok_or("process 1 is not there")?;
    same(
        &(first.uid, first.gid, first.seccomp),
        &([1000; 4], [1000; 4], 2),
    )?;
    same(&first.cap_bnd, &0xa804_25fb)?;
    if !processes
        .iter()
        .any(|p| p.ppid == 1 && p.argv.first().is_some_and(|a| a.contains("sleep")))
    {
        return Err(format!("{processes:?}"));
    }
    if processes
        .iter()
        .any(|p| p.argv.iter().any(|word| word.contains("adamant")))
    {
        return Err(format!("the probe sees itself: {processes:?}"));
    }
    boot.remove()
}

fn mounts(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        tmpfs: vec![Tmpfs {
            path: "/run/agentbox".into(),
            options: "mode=1777,size=1m".into(),
        }],
        read_only: true,
        ..stage.plan("")
    };
    let boot = stage.running(&plan)?;
    let Answer::Mounts(mounts) = boot.ask(&Question::Mounts)? else {
        return Err("no mounts".into());
    };
    for (target, fstype, read_only) in [
        ("/", "overlay", true),
        ("/proc", "proc", false),
        ("/proc/sys", "proc", true),
        ("/dev", "tmpfs", false),
        ("/dev/shm", "tmpfs", false),
        ("/sys", "sysfs", true),
        ("/run/agentbox", "tmpfs", false),
    ] {
        let seen = mounts.iter().rfind(|m| m.target == target);
        let seen = seen.map(|m| (m.fstype.as_str(), m.read_only));
        same(&(target, seen), &(target, Some((fstype, read_only))))?;
    }
    let memory = mounts
        .iter()
        .rfind(|m| m.target == "/run/agentbox")
        .ok_or("no tmpfs")?;
    for option in ["nosuid", "nodev", "noexec"] {
        same(
            &(option, memory.options.iter().any(|o| o == option)),
            &(option, true),
        )?;
    }
    // Nothing that was mounted is anybody's doing.
    same(&boot.ask(&Question::Drift)?, &Answer::Drift(Vec::new()))?;
    boot.remove()
}
