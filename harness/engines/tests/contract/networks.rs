//! What every engine must do about networks: none, one that leads nowhere, one that is made up, and who joins one.

use adamant_core::engine::{Answer, BootPlan, Network, Question};
use adamant_probe::sinkhole::{NAME_SERVER, Profile};
use adamant_probe::{Action, Target};

use crate::stage::{Box, Result, Stage, same};

/// The name under which the companion of these claims is reached.
const ALIAS: &str = "one.adamant.test";

/// A subject that runs on a network of its own, which leads nowhere.
fn isolated(stage: &Stage) -> Result<Box> {
    stage.running(&BootPlan {
        network: Network::Isolated,
        ..stage.plan("")
    })
}

fn join(boot: &Box, alias: &str, port: u16) -> Result<()> {
    let alias = alias.to_owned();
    same(
        &boot.ask(&Question::Companion { alias, port })?,
        &Answer::Joined,
    )
}

pub(crate) fn none(stage: &Stage) -> Result<()> {
    let boot = stage.running(&stage.plan(""))?;
    let seen = boot.shell(&[
        "ls /sys/class/net",
        "cat /sys/class/net/lo/flags",
        "grep -c localhost /etc/hosts",
    ])?;
    same(&seen, &["lo", "0x9", "2"].map(str::to_owned).to_vec())?;
    let target = Target::Tcp { port: 9 };
    match boot.ask(&Question::Accepts { target })? {
        Answer::Accepts { refused: Some(_) } => boot.remove(),
        other => Err(format!("{other:?}")),
    }
}

/// Nobody refuses, nobody answers: whoever waits for the network waits here, on every engine.
pub(crate) fn swallowed(stage: &Stage) -> Result<()> {
    let boot = isolated(stage)?;
    let look = || {
        boot.shell(&[
            "sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' '",
            "sed -n 's/^\\([a-z0-9]*\\).00000000.*/\\1/p' /proc/net/route",
            "busybox nc -w 2 203.0.113.7 443 < /dev/null",
            "busybox timeout 2 busybox nslookup registry.example > /dev/null 2>&1; echo $?",
            "sed -n 's/^nameserver //p' /etc/resolv.conf",
        ])
    };
    // Ended by its clock, not by an answer.
    let wanted = ["eth0 lo", "eth0", "nc: timed out", "143", "127.0.0.11"];
    same(&look()?, &wanted.map(str::to_owned).to_vec())?;
    join(&boot, ALIAS, 8080)?;
    // Whoever joins leads nowhere else.
    same(
        &look()?[1..4].to_vec(),
        &wanted[1..4].iter().map(|w| (*w).to_owned()).collect(),
    )?;
    boot.remove()
}

pub(crate) fn joined(stage: &Stage) -> Result<()> {
    let boot = isolated(stage)?;
    join(&boot, ALIAS, 8080)?;
    let reached = "busybox nc -w 5 one.adamant.test 8080 < /dev/null > /dev/null && echo reached";
    same(&boot.shell(&[reached])?, &vec!["reached".to_owned()])?;
    boot.remove()
}

pub(crate) fn made_network(stage: &Stage) -> Result<()> {
    let plan = BootPlan {
        network: Network::Made(Profile::Sinkhole),
        trace: Some("/opt/.adamant-control".to_owned()),
        ..stage.plan("")
    };
    let untraced = BootPlan {
        trace: None,
        ..plan.clone()
    };
    if stage.boot(&untraced).is_ok() {
        return Err("nobody made the network of a boot that is not traced".to_owned());
    }
    let boot = stage.running(&plan)?;
    let seen = boot.shell(&[
        "sed -n 's/^nameserver //p' /etc/resolv.conf",
        "sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' '",
        "busybox nc -w 5 192.0.2.1 443 < /dev/null && echo accepted",
    ])?;
    let wanted = [&NAME_SERVER.to_string(), "eth0 lo", "accepted"];
    let seen: Vec<&str> = seen.iter().map(|line| line.trim()).collect();
    same(&seen, &wanted.to_vec())?;
    let Answer::Trace(trace) = boot.ask(&Question::Trace)? else {
        return Err("no trace".to_owned());
    };
    // What is run for the subject later is watched too.
    let seen = trace.events.iter().any(|event| {
        matches!(&event.action, Action::Connect { address, port: 443 } if address == "192.0.2.1")
    });
    same(&seen, &true)?;
    boot.remove()
}

pub(crate) fn companion(stage: &Stage) -> Result<()> {
    let boot = isolated(stage)?;
    join(&boot, ALIAS, 8080)?;
    join(&boot, "other.adamant.test", 8081)?;
    same(
        &boot.ask(&Question::CompanionPeers)?,
        &Answer::Peers(Vec::new()),
    )?;
    boot.remove()?;
    let boot = stage.running(&stage.plan(""))?;
    let alone = Question::Companion {
        alias: ALIAS.to_owned(),
        port: 8080,
    };
    match boot.ask(&alone) {
        Err(_) => boot.remove(),
        Ok(answer) => Err(format!("a boot without a network was joined: {answer:?}")),
    }
}
