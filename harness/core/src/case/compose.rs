//! Run options from a compose file: what `docker compose` would give the service, as far as a contract speaks of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{HttpTarget, ParseError, Ready, Run, Span, Subject, parse};

/// Why a service cannot be taken.
pub type ComposeError = ParseError;

/// Only what is understood is read; a compose file has many keys that say nothing about the contract.
#[derive(Debug, Deserialize)]
struct File {
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Service {
    read_only: bool,
    tmpfs: OneOrMany,
    volumes: Vec<Volume>,
    environment: Environment,
    user: Option<Scalar>,
    working_dir: Option<String>,
    command: Option<OneOrMany>,
    cap_drop: Vec<String>,
    cap_add: Vec<String>,
    privileged: bool,
    security_opt: Vec<String>,
    mem_limit: Option<Scalar>,
    pids_limit: Option<u32>,
    healthcheck: Option<Healthcheck>,
    stop_signal: Option<String>,
    network_mode: Option<String>,
    pid: Option<String>,
    ipc: Option<String>,
    userns_mode: Option<String>,
    devices: Vec<serde::de::IgnoredAny>,
    entrypoint: Option<serde::de::IgnoredAny>,
    env_file: Option<serde::de::IgnoredAny>,
    extends: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// A command that is one text is split as a shell splits it.
    fn into_words(self) -> Result<Vec<String>, String> {
        match self {
            Self::One(one) => {
                shlex::split(&one).ok_or_else(|| format!("`command: {one}` has an unclosed quote"))
            }
            Self::Many(many) => Ok(many),
        }
    }

    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(i64),
    Bool(bool),
    Text(String),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Number(n) => n.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Text(t) => t.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Environment {
    List(Vec<String>),
    Map(BTreeMap<String, Option<Scalar>>),
}

impl Default for Environment {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Volume {
    Short(String),
    Long {
        #[serde(default, rename = "type")]
        kind: String,
        #[serde(default)]
        source: String,
        target: String,
        #[serde(default)]
        read_only: bool,
    },
}

#[derive(Debug, Deserialize)]
struct Healthcheck {
    #[serde(default)]
    test: OneOrMany,
}

impl Subject {
    /// Takes the run options of `FILE#service`; what the subject says itself stands.
    pub(super) fn take_compose(
        &mut self,
        reference: &str,
        base: &Path,
    ) -> Result<(), ComposeError> {
        let Some((file, service)) = reference.split_once('#') else {
            return Err(ParseError::file(
                base,
                format!("`compose: {reference}` names no service; expected `FILE#service`"),
            ));
        };
        let path = base.join(file);
        let mut compose: File = parse::read(&path)?;
        let Some(taken) = compose.services.remove(service) else {
            let known: Vec<&str> = compose.services.keys().map(String::as_str).collect();
            let hint = parse::nearest(service, known.iter().copied())
                .map(|n| format!("; did you mean `{n}`?"))
                .unwrap_or_default();
            return Err(ParseError::file(
                &path,
                format!(
                    "has no service `{service}`{hint} (known: {})",
                    known.join(", ")
                ),
            ));
        };
        let refused = [
            (
                "entrypoint",
                taken.entrypoint.is_some(),
                "set it in the image, or name the script under the subject's `entrypoint`",
            ),
            (
                "env_file",
                taken.env_file.is_some(),
                "write the variables under the subject's `run.env`",
            ),
            (
                "extends",
                taken.extends.is_some(),
                "name the service that has the options itself",
            ),
        ];
        if let Some((key, _, instead)) = refused.iter().find(|(_, given, _)| *given) {
            let message =
                format!("service `{service}` has `{key}`, which is not taken over; {instead}");
            return Err(ParseError::file(&path, message));
        }
        self.take_service(taken)
            .map_err(|message| ParseError::file(&path, message))
    }

    fn take_service(&mut self, service: Service) -> Result<(), String> {
        for path in service.tmpfs.into_vec() {
            let path = path.split(':').next().unwrap_or_default().to_owned();
            if !self.writable.contains(&path) {
                self.writable.push(path);
            }
        }
        for volume in service.volumes {
            self.take_volume(volume);
        }
        let host = [
            ("network_mode", &service.network_mode),
            ("pid", &service.pid),
            ("ipc", &service.ipc),
            ("userns_mode", &service.userns_mode),
        ];
        let run = &mut self.run;
        for (key, _) in host
            .iter()
            .filter(|(_, mode)| mode.as_deref() == Some("host"))
        {
            run.weakens.push(format!("{key}: host"));
        }
        if !service.devices.is_empty() {
            run.weakens.push("devices".into());
        }
        let env = match service.environment {
            Environment::List(list) => list
                .iter()
                .filter_map(|p| p.split_once('='))
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            Environment::Map(map) => map
                .into_iter()
                .filter_map(|(k, v)| Some((k, v?.text())))
                .collect::<Vec<_>>(),
        };
        for (name, value) in env {
            run.env.entry(name).or_insert(value);
        }
        run.read_only |= service.read_only;
        run.privileged |= service.privileged;
        extend(&mut run.cap_drop, service.cap_drop);
        extend(&mut run.cap_add, service.cap_add);
        extend(&mut run.security_opt, service.security_opt);
        let Run {
            user,
            workdir,
            args,
            memory,
            pids,
            ..
        } = run;
        *user = user.take().or(service.user.map(|u| u.text()));
        *workdir = workdir.take().or(service.working_dir);
        let command = service.command.map(OneOrMany::into_words).transpose()?;
        *args = args.take().or(command);
        *memory = memory.take().or(service.mem_limit.map(|m| m.text()));
        *pids = pids.or(service.pids_limit);
        if self.ready.is_none() {
            self.ready = service
                .healthcheck
                .and_then(|h| from_healthcheck(&h.test.into_vec()));
        }
        if let (Some(stop), Some(signal)) = (&mut self.stop, service.stop_signal) {
            stop.signal = signal;
        }
        Ok(())
    }

    fn take_volume(&mut self, volume: Volume) {
        let (source, target, read_only) = match volume {
            Volume::Short(text) => {
                let parts: Vec<&str> = text.split(':').collect();
                match parts.as_slice() {
                    [target] => (String::new(), (*target).to_owned(), false),
                    [source, target] => ((*source).to_owned(), (*target).to_owned(), false),
                    [source, target, options, ..] => (
                        (*source).to_owned(),
                        (*target).to_owned(),
                        options.split(',').any(|o| o == "ro"),
                    ),
                    [] => return,
                }
            }
            Volume::Long {
                kind,
                source,
                target,
                read_only,
            } => {
                let source = if kind == "bind" || source.starts_with(['.', '/']) {
                    source
                } else {
                    String::new()
                };
                (source, target, read_only)
            }
        };
        // A named or anonymous volume is a writable path; only a path of the host is a mount.
        if source.starts_with(['.', '/']) {
            let suffix = if read_only { ":ro" } else { "" };
            self.run.mounts.push(format!("{source}:{target}{suffix}"));
        } else if !read_only && !self.writable.contains(&target) {
            self.writable.push(target);
        }
    }
}

fn extend(into: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

/// The URL of a `curl` or `wget` health check on loopback: the probe asks it itself, without either program.
fn from_healthcheck(test: &[String]) -> Option<Ready> {
    let words = test.iter().flat_map(|t| t.split_whitespace());
    let url = words
        .filter_map(|w| w.trim_matches(['"', '\'']).strip_prefix("http://"))
        .next()?;
    let (host, path) = url
        .split_once('/')
        .map_or((url, String::from("/")), |(h, p)| (h, format!("/{p}")));
    let (name, port) = host
        .split_once(':')
        .map_or((host, Some(80)), |(n, p)| (n, p.parse().ok()));
    if !matches!(name, "localhost" | "127.0.0.1" | "0.0.0.0") {
        return None;
    }
    let http = HttpTarget {
        port: port?,
        path,
        status: 200,
    };
    Some(Ready {
        http: Some(http),
        tcp: None,
        unix: None,
        output: None,
        exit: None,
        within: Span(std::time::Duration::from_secs(60)),
    })
}
