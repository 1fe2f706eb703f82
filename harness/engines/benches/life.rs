//! What a container's life and a question inside cost: here, through Docker's API, with `runc`, and at the least possible.
//!
//! `cargo bench -p adamant-engines --bench life`; it takes root, a daemon, `runc`, and the image that `cargo xtask images shell` builds.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark tells its numbers to whoever runs it"
)]

use std::error::Error;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use adamant_core::case::Clock;
use adamant_core::engine::{
    Answer, BootPlan, Engine, Image, ImageSource, Instance, LogCapture, Network, Owner, Question,
    Reached, Until, Watch,
};
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker::Docker;
use adamant_engines::oci::Oci;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters as api;
use futures_util::StreamExt as _;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use serde_json::{Value, json};

const ROUNDS: usize = 30;
/// Lives that follow on each other's heels, and how often.
const IN_A_ROW: usize = 20;
const TURNS: usize = 5;
const REST: Duration = Duration::from_millis(150);
static NEXT: AtomicUsize = AtomicUsize::new(0);
/// What each container does.
const SCRIPT: &str = "echo hi; exit 3";
/// What it does while others ask it things.
const SLEEPS: &str = "echo up; while :; do sleep 0.05; done";

type Failure = Box<dyn Error + Send + Sync>;
type Timed<'t> = (&'static str, Box<dyn FnMut() -> Result<(), Failure> + 't>);

fn main() -> ExitCode {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut next = error.source();
            eprint!("error: {error}");
            while let Some(cause) = next {
                eprint!(": {cause}");
                next = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    let (oci, docker) = (Oci::new(), Docker::new());
    let (ours, theirs) = (find(&oci)?, find(&docker)?);
    let layers = layers(&theirs.id)?;
    let dir = tempfile::Builder::new().prefix("adamant-life-").tempdir()?;
    let bare = Bare::new(dir.path(), &layers)?;
    let api = Api::connect(&theirs.id)?;
    println!("one life: `{SCRIPT}` from nothing to nothing, {ROUNDS} interleaved rounds, ms");
    let life = interleaved(
        ROUNDS,
        vec![
            ("oci", Box::new(|| life(&oci, &ours))),
            ("bare namespaces + overlay", Box::new(|| bare.floor())),
            ("runc run", Box::new(|| bare.runc())),
            ("Docker's API", Box::new(|| api.life())),
            ("docker engine", Box::new(|| life(&docker, &theirs))),
        ],
    )?;
    println!(
        "oci is {:.2} times the floor; Docker's API is {:.1} times oci, runc {:.1} times",
        life[0] / life[1],
        life[3] / life[0],
        life[2] / life[0]
    );
    println!(
        "{IN_A_ROW} lives in a row, until nothing is left of the last, {TURNS} interleaved rounds, ms"
    );
    let row = interleaved(
        TURNS,
        vec![
            ("oci", Box::new(|| in_a_row(&oci, &ours))),
            (
                "bare namespaces + overlay",
                Box::new(|| (0..IN_A_ROW).try_for_each(|_| bare.floor())),
            ),
        ],
    )?;
    println!("oci is {:.2} times the floor", row[0] / row[1]);
    let (here, there) = (running(&oci, &ours)?, running(&docker, &theirs)?);
    let beside = bare.running()?;
    println!("one command inside a running container, {ROUNDS} interleaved rounds, ms");
    let exec = interleaved(
        ROUNDS,
        vec![
            ("oci, through the probe", Box::new(|| ask(here.as_ref(), 1))),
            ("runc exec, bare", Box::new(|| bare.exec())),
            (
                "docker, through the probe",
                Box::new(|| ask(there.as_ref(), 1)),
            ),
            ("oci, ten commands", Box::new(|| ask(here.as_ref(), 10))),
            ("docker, ten commands", Box::new(|| ask(there.as_ref(), 10))),
        ],
    );
    drop(beside);
    here.remove(&deadline())?;
    there.remove(&deadline())?;
    let exec = exec?;
    println!(
        "docker is {:.1} times oci for one, {:.1} times for ten",
        exec[2] / exec[0],
        exec[4] / exec[3]
    );
    Ok(())
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60), &Cancel::default())
}

/// Each once a round, after one that is not counted; the medians, which are printed with what nine of ten do not exceed.
fn interleaved(rounds: usize, mut rows: Vec<Timed<'_>>) -> Result<Vec<f64>, Failure> {
    let mut times = vec![Vec::new(); rows.len()];
    for round in 0..=rounds {
        for ((_, work), times) in rows.iter_mut().zip(&mut times) {
            let clock = Instant::now();
            work()?;
            if round > 0 {
                times.push(clock.elapsed().as_secs_f64() * 1000.0);
            }
            rest();
        }
    }
    let mut medians = Vec::new();
    for ((name, _), times) in rows.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let (median, late) = (times[times.len() / 2], times[times.len() * 9 / 10]);
        println!("  {name:<28} median {median:>7.1}   p90 {late:>7.1}");
        medians.push(median);
    }
    Ok(medians)
}

/// What one leaves the kernel and the daemon to tidy up (namespaces, groups, mounts) is not to be paid by whoever comes next.
fn rest() {
    let until = Instant::now() + REST;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

fn find(engine: &dyn Engine) -> Result<Arc<Image>, Failure> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/shell/image");
    Ok(engine.image(&ImageSource::Layout { dir, tag: None }, &deadline())?)
}

fn plan(image: &Image, script: &str) -> BootPlan {
    BootPlan {
        image: image.id.clone(),
        absent: Vec::new(),
        args: Some(vec![script.to_owned()]),
        env: std::collections::BTreeMap::new(),
        user: None,
        workdir: None,
        network: Network::None,
        read_only: false,
        tmpfs: Vec::new(),
        volumes: Vec::new(),
        binds: Vec::new(),
        cap_drop: vec!["ALL".into()],
        cap_add: Vec::new(),
        no_new_privileges: true,
        memory: None,
        pids: None,
        trace: None,
        trace_reads: false,
        clock: Clock::Host,
        hold: false,
        owner: Owner {
            run: format!("life-{}", std::process::id()),
            purpose: "benchmark".into(),
            deadline: SystemTime::now() + Duration::from_secs(600),
        },
        poll_ms: 20,
    }
}

fn life(engine: &dyn Engine, image: &Image) -> Result<(), Failure> {
    let log = Arc::new(LogCapture::new(Vec::new(), None));
    let instance = engine.start(&plan(image, SCRIPT), log.clone(), &deadline())?;
    let reached = instance.wait(&Until::Exit, &deadline())?;
    instance.remove(&deadline())?;
    match reached {
        Reached::Exited { exit, .. } if exit.code == 3 && log.snapshot().head == "hi\n" => Ok(()),
        other => Err(format!("{other:?} {:?}", log.snapshot().head).into()),
    }
}

/// What an engine prepares and tidies beside its boots is in this.
fn in_a_row(engine: &dyn Engine, image: &Image) -> Result<(), Failure> {
    (0..IN_A_ROW).try_for_each(|_| life(engine, image))?;
    Ok(engine.close(&deadline())?)
}

fn running(engine: &dyn Engine, image: &Image) -> Result<Box<dyn Instance>, Failure> {
    let up = Watch {
        stream: None,
        pattern: regex::Regex::new("^up$")?,
    };
    let log = Arc::new(LogCapture::new(vec![up], None));
    let instance = engine.start(&plan(image, SLEEPS), log, &deadline())?;
    instance.wait(&Until::Output { watch: 0 }, &deadline())?;
    Ok(instance)
}

fn ask(instance: &dyn Instance, count: usize) -> Result<(), Failure> {
    let command = adamant_probe::Command {
        argv: ["/bin/true"].map(str::to_owned).to_vec(),
        timeout_ms: 10_000,
    };
    let question = Question::Commands {
        commands: vec![command; count],
    };
    match instance.ask(&question, &deadline())? {
        Answer::Commands(results) if results.iter().all(|r| r.exit == Some(0)) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Where the daemon has unpacked an image, the topmost layer first.
fn layers(image: &str) -> Result<String, Failure> {
    let form = "{{index .GraphDriver.Data \"UpperDir\"}}:{{index .GraphDriver.Data \"LowerDir\"}}";
    let output = Command::new("docker")
        .args(["image", "inspect", "-f", form, image])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .trim()
        .trim_end_matches(":<no value>")
        .trim_end_matches(':')
        .to_owned())
}

/// The same life without an engine: by system calls alone, and by `runc`.
struct Bare {
    dir: PathBuf,
    layers: String,
}

impl Bare {
    fn new(dir: &Path, layers: &str) -> Result<Self, Failure> {
        Ok(Self {
            dir: dir.to_owned(),
            layers: layers.to_owned(),
        })
    }

    /// A command that finds the layers mounted at `rootfs` of a new directory, in a mount namespace of its own.
    fn command(
        &self,
        program: &str,
        flags: UnshareFlags,
        enter: bool,
    ) -> Result<(Command, PathBuf), Failure> {
        let bundle = self
            .dir
            .join(NEXT.fetch_add(1, Ordering::SeqCst).to_string());
        for dir in ["upper", "work", "rootfs"] {
            std::fs::create_dir_all(bundle.join(dir))?;
        }
        let at = |dir: &str| bundle.join(dir).display().to_string();
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            self.layers,
            at("upper"),
            at("work")
        );
        let options = std::ffi::CString::new(options)?;
        let root = bundle.join("rootfs");
        let mut command = Command::new(program);
        let set_up = move || {
            #[expect(
                unsafe_code,
                reason = "the wrapper is unsafe for flags that are not used here"
            )]
            // SAFETY: only the file table's flag endangers descriptors.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS | flags) }?;
            mount_change(
                "/",
                MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
            )?;
            mount(
                "overlay",
                &root,
                "overlay",
                MountFlags::empty(),
                options.as_c_str(),
            )?;
            if enter {
                rustix::process::chroot(&root)?;
                rustix::process::chdir("/")?;
            }
            Ok(())
        };
        #[expect(
            unsafe_code,
            reason = "what a child does for itself before it is a program"
        )]
        // SAFETY: system calls alone, on memory that was allocated before.
        unsafe {
            command.pre_exec(set_up);
        }
        command.stdin(Stdio::null());
        Ok((command, bundle))
    }

    fn floor(&self) -> Result<(), Failure> {
        let own = UnshareFlags::NEWPID
            | UnshareFlags::NEWNET
            | UnshareFlags::NEWIPC
            | UnshareFlags::NEWUTS;
        let (mut command, bundle) = self.command("/bin/sh", own, true)?;
        let output = command.args(["-c", SCRIPT]).output()?;
        std::fs::remove_dir_all(bundle)?;
        if output.status.code() == Some(3) && output.stdout == b"hi\n" {
            return Ok(());
        }
        Err(format!("{output:?}").into())
    }

    fn runc(&self) -> Result<(), Failure> {
        let (mut command, bundle) = self.command("runc", UnshareFlags::empty(), false)?;
        let name = bundle
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        std::fs::write(
            bundle.join("config.json"),
            specification(SCRIPT).to_string(),
        )?;
        command
            .arg("--root")
            .arg(self.dir.join("runc"))
            .args(["run", "--bundle"])
            .arg(&bundle);
        let output = command.arg(format!("life-{name}")).output()?;
        std::fs::remove_dir_all(bundle)?;
        if output.status.code() == Some(3) && output.stdout == b"hi\n" {
            return Ok(());
        }
        Err(format!("{output:?}").into())
    }

    /// A container of `runc` that runs until this goes.
    fn running(&self) -> Result<Running, Failure> {
        let (mut command, bundle) = self.command("runc", UnshareFlags::empty(), false)?;
        std::fs::write(
            bundle.join("config.json"),
            specification(SLEEPS).to_string(),
        )?;
        command
            .arg("--root")
            .arg(self.dir.join("runc"))
            .args(["run", "--bundle"])
            .arg(&bundle);
        let mut child = command.arg("life-running").stdout(Stdio::piped()).spawn()?;
        let mut byte = [0];
        std::io::Read::read_exact(child.stdout.as_mut().ok_or("no output")?, &mut byte)?;
        Ok(Running(child, self.dir.join("runc")))
    }

    fn exec(&self) -> Result<(), Failure> {
        let mut command = Command::new("runc");
        command.arg("--root").arg(self.dir.join("runc")).args([
            "exec",
            "life-running",
            "/bin/true",
        ]);
        let output = command.output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("{output:?}").into())
        }
    }
}

struct Running(std::process::Child, PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        let mut kill = Command::new("runc");
        drop(
            kill.arg("--root")
                .arg(&self.1)
                .args(["kill", "life-running", "KILL"])
                .status(),
        );
        drop(self.0.wait());
    }
}

/// As little as a container of ours has.
fn specification(script: &str) -> Value {
    let mount = |target: &str, kind: &str, options: &[&str]| json!({ "destination": target, "type": kind, "source": kind, "options": options });
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false, "user": { "uid": 1000, "gid": 1000 }, "args": ["/bin/sh", "-c", script],
            "env": ["PATH=/usr/bin:/bin"], "cwd": "/", "noNewPrivileges": true,
            "capabilities": { "bounding": [], "effective": [], "permitted": [] },
        },
        "root": { "path": "rootfs" },
        "mounts": [
            mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "ro"]),
        ],
        "linux": {
            "namespaces": (["pid", "mount", "ipc", "uts", "network"].map(|kind| json!({ "type": kind }))),
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
        },
    })
}

/// Docker's API by hand: as few calls as a life takes.
struct Api {
    runtime: tokio::runtime::Runtime,
    docker: bollard::Docker,
    body: ContainerCreateBody,
}

impl Api {
    fn connect(image: &str) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let docker = bollard::Docker::connect_with_unix_defaults()?;
        let docker = runtime.block_on(docker.negotiate_version())?;
        let log = HostConfigLogConfig {
            typ: Some("none".into()),
            config: None,
        };
        let host = HostConfig {
            network_mode: Some("none".into()),
            cap_drop: Some(vec!["ALL".into()]),
            security_opt: Some(vec!["no-new-privileges:true".into()]),
            log_config: Some(log),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec![SCRIPT.to_owned()]),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        Ok(Self {
            runtime,
            docker,
            body,
        })
    }

    fn life(&self) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let options = None::<api::CreateContainerOptions>;
            let id = self
                .docker
                .create_container(options, self.body.clone())
                .await?
                .id;
            let attach = api::AttachContainerOptionsBuilder::new()
                .stdout(true)
                .stderr(true)
                .stream(true)
                .build();
            let mut attached = self.docker.attach_container(&id, Some(attach)).await?;
            self.docker
                .start_container(&id, None::<api::StartContainerOptions>)
                .await?;
            let mut text = Vec::new();
            while let Some(frame) = attached.output.next().await {
                text.extend_from_slice(frame?.as_ref());
            }
            let mut wait = self
                .docker
                .wait_container(&id, None::<api::WaitContainerOptions>);
            let ended = wait.next().await;
            let remove = api::RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            self.docker.remove_container(&id, Some(remove)).await?;
            match ended {
                Some(Err(bollard::errors::Error::DockerContainerWaitError { code: 3, .. }))
                    if text == b"hi\n" =>
                {
                    Ok(())
                }
                other => Err(format!("{other:?}").into()),
            }
        })
    }
}
