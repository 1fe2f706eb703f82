//! Node 24 as the oracle: each execution is a process of the host's Node, on the package as files, with guest paths in what it says.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use adamant_core::module::wire::{Answer, Capability, Chunk, Ended, Execute, Mode, Stream, Thrown};
use adamant_core::module::{Answered, Executed, HostDescription, HostPlan, ModuleHost, Sight};
use adamant_core::run::Deadline;
use fs_err as fs;

use super::capture::Captured;
use super::prepare::{Surroundings, temporary, write_package};
use super::terminal;

/// The only major version that is the oracle: what our isolates have is its V8.
const MAJOR: &str = "24";
/// Says which error nobody caught.
const MONITOR: &str = include_str!("report_error.cjs");
const HINT: &str =
    "name Node 24 with `ADAMANT_NODE`, or let `cargo xtask node` fetch it into the cache";

/// The host's Node.
#[derive(Debug, Default)]
pub struct Node {
    found: Mutex<Option<(PathBuf, String)>>,
}

impl Node {
    /// Not looked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The executable and its version; another major than 24 is refused by name.
    pub fn find(&self, deadline: &Deadline) -> Result<(PathBuf, String), EngineError> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &*found {
            return Ok(found.clone());
        }
        let failed = |why: String| {
            EngineError::new(ErrorKind::Unsupported, "find Node 24")
                .caused_by(why)
                .hint(HINT)
        };
        let mut refused = Vec::new();
        for (place, asked) in places() {
            let mut command = Command::new(&place);
            command.arg("--version").env_clear();
            let told = Captured::run(command, None, Duration::from_secs(10), deadline);
            let told = told.map(|c| String::from_utf8_lossy(&c.stdout).trim().to_owned());
            match told {
                Ok(version)
                    if version.strip_prefix('v').and_then(|v| v.split('.').next())
                        == Some(MAJOR) =>
                {
                    *found = Some((place.clone(), version.clone()));
                    return Ok((place, version));
                }
                Ok(version) => refused.push(format!(
                    "`{}` is Node {version}, and the oracle is {MAJOR}",
                    place.display()
                )),
                Err(error) => {
                    refused.push(format!("`{}` does not start: {error}", place.display()));
                }
            }
            if asked {
                break;
            }
        }
        Err(failed(if refused.is_empty() {
            "no `node` is named by `ADAMANT_NODE`, in the cache or on `PATH`".to_owned()
        } else {
            refused.join("; ")
        }))
    }
}

/// Where Node may be; the flag says that nobody else is wanted.
fn places() -> Vec<(PathBuf, bool)> {
    if let Some(named) = env::host(env::NODE).filter(|n| !n.is_empty()) {
        return vec![(named.into(), true)];
    }
    let mut places = vec![env::cache_dir().join("node24/bin/node")];
    let path = env::host("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path).map(|dir| dir.join("node")));
    places
        .into_iter()
        .filter(|p| p.is_file())
        .map(|p| (p, false))
        .collect()
}

impl ModuleHost for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn describe(&self, deadline: &Deadline) -> Result<HostDescription, EngineError> {
        let (_, version) = self.find(deadline)?;
        Ok(HostDescription {
            name: "Node".to_owned(),
            version,
            platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            capabilities: vec![Capability::Cjs, Capability::Esm],
            tier: 0,
            command: "node".to_owned(),
        })
    }

    fn execute(&self, plan: &HostPlan, deadline: &Deadline) -> Result<Executed, EngineError> {
        let (node, _) = self.find(deadline)?;
        let _surroundings = Surroundings::make(plan)?;
        let failed = |why: std::io::Error| {
            EngineError::new(ErrorKind::Engine, format!("run `{}` on node", plan.name))
                .caused_by(why)
        };
        let place = temporary("adamant-node-").map_err(failed)?;
        refuse_packages_above(place.path())?;
        let mut answers = Vec::new();
        for execute in &plan.executions {
            let asked = Instant::now();
            let answer =
                run(&node, place.path(), execute, plan.patience, deadline).map_err(failed)?;
            if deadline.is_cancelled() {
                return Err(EngineError::new(
                    ErrorKind::Cancelled,
                    format!("run `{}` on node", plan.name),
                )
                .caused_by("the run was interrupted"));
            }
            answers.push(Answered {
                answer,
                took: asked.elapsed(),
            });
        }
        Ok(Executed {
            answers,
            sight: Sight::Native,
            stderr: String::new(),
        })
    }
}

/// Node reads every `package.json` and `node_modules` on the way up: one of the host would be part of every package.
fn refuse_packages_above(place: &Path) -> Result<(), EngineError> {
    let strange = place.ancestors().find_map(|dir| {
        ["package.json", "node_modules"]
            .iter()
            .map(|name| dir.join(name))
            .find(|p| p.exists())
    });
    match strange {
        None => Ok(()),
        Some(path) => Err(EngineError::new(
            ErrorKind::Unsupported,
            "keep the host out of what Node resolves",
        )
        .caused_by(format!(
            "`{}` is above the temporary directory",
            path.display()
        ))
        .hint("name another temporary directory with `TMPDIR`")),
    }
}

fn run(
    node: &Path,
    place: &Path,
    execute: &Execute,
    patience: Duration,
    deadline: &Deadline,
) -> std::io::Result<Answer> {
    let request = &execute.request;
    let root = place.join("root");
    write_package(&root, &execute.package.files)?;
    let monitor = place.join("report.cjs");
    fs::File::create(&monitor)?.write_all(MONITOR.as_bytes())?;
    let told = place.join("report.cjs.json");
    if told.exists() {
        fs::remove_file(&told)?;
    }
    let mut command = Command::new(node);
    command.arg("--require").arg(&monitor);
    command.arg(root.join(request.entry.trim_start_matches('/')));
    command
        .args(&request.argv)
        .env_clear()
        .envs(&request.env)
        .current_dir(&root);
    let wall = Duration::from_millis(request.limits.wall_ms);
    let stdin = request.stdin.as_ref().map(|text| text.clone().into_bytes());
    let captured = match &request.terminal {
        Some(terminal) => terminal::run(command, terminal, wall + patience, deadline)?,
        None => Captured::run(command, stdin, wall + patience, deadline)?,
    };
    let guest = |text: &str| to_guest(text, &root);
    let error: Option<Thrown> = match fs::read(&told) {
        Ok(json) => Some(serde_json::from_slice(&json).map_err(std::io::Error::other)?),
        Err(_) => None,
    };
    let error = error.map(|e| Thrown {
        name: e.name,
        code: e.code,
        message: guest(&e.message),
        stack: guest(&e.stack),
    });
    let chunk = |stream, bytes: &[u8]| Chunk {
        stream,
        text: guest(&String::from_utf8_lossy(bytes)),
    };
    let (mut outcome, detail) = end(&captured, error.is_some(), request.mode);
    let mut code = captured.status.and_then(|s| s.code());
    // What a key of the terminal ended tells it as a shell does.
    if let Some(signal) = captured.status.and_then(|s| s.signal())
        && request.terminal.is_some()
    {
        (outcome, code) = (Ended::Exited, Some(128 + signal));
    }
    let mut answer = Answer::ended(execute.id, outcome, detail);
    answer.exit_code = code;
    answer.output = Some(vec![
        chunk(Stream::Stdout, &captured.stdout),
        chunk(Stream::Stderr, &captured.stderr),
    ]);
    answer.truncated = captured.cut;
    answer.error = error;
    Ok(answer)
}

fn end(captured: &Captured, threw: bool, mode: Mode) -> (Ended, String) {
    if mode == Mode::Handler {
        return (Ended::Refused, "Node is no function service".to_owned());
    }
    match captured.status {
        None => (
            Ended::TimedOut,
            "it was killed at its wall-clock limit".to_owned(),
        ),
        Some(status) => match status.code() {
            Some(0) => (Ended::Returned, String::new()),
            Some(_) if threw => (Ended::Threw, String::new()),
            Some(_) => (Ended::Exited, String::new()),
            None => (Ended::Lost, super::child::told(status)),
        },
    }
}

/// The guest's root is the package: what lies below the host's directory is below `/`.
fn to_guest(text: &str, root: &Path) -> String {
    let root = root.to_string_lossy();
    text.replace(&format!("{root}/"), "/").replace(&*root, "/")
}
