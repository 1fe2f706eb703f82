//! Run options from a compose file: what `docker compose` would give the service, as far as a contract speaks of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::interpolate::interpolate;
use super::option::{absolute, capability};
use super::{At, HttpTarget, Memory, Mount, ParseError, Ready, Run, Span, Subject, parse};
use crate::redact::Secrets;

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
    tmpfs: Option<At<OneOrMany>>,
    volumes: Vec<At<Volume>>,
    environment: Environment,
    user: Option<At<Scalar>>,
    working_dir: Option<At<String>>,
    command: Option<At<OneOrMany>>,
    cap_drop: Vec<At<String>>,
    cap_add: Vec<At<String>>,
    privileged: bool,
    security_opt: Vec<At<String>>,
    mem_limit: Option<At<Scalar>>,
    pids_limit: Option<i64>,
    healthcheck: Option<Healthcheck>,
    stop_signal: Option<At<String>>,
    network_mode: Option<At<String>>,
    pid: Option<At<String>>,
    ipc: Option<At<String>>,
    userns_mode: Option<At<String>>,
    devices: Vec<serde::de::IgnoredAny>,
    entrypoint: Option<At<serde::de::IgnoredAny>>,
    env_file: Option<At<serde::de::IgnoredAny>>,
    extends: Option<At<serde::de::IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
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
    Bool(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Text(String),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Bool(b) => b.to_string(),
            Self::Whole(n) => n.to_string(),
            Self::Large(n) => n.to_string(),
            Self::Number(n) => float(*n),
            Self::Text(t) => t.clone(),
        }
    }
}

/// As compose, which is written in Go, prints it: `1.5`, `1e+06`.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let shortest = format!("{number:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        number.to_string()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// `environment`, as a list of `NAME=value` or as a mapping.
#[derive(Debug, Default)]
struct Environment(Vec<Setting>);

#[derive(Debug)]
enum Setting {
    Line(At<String>),
    Pair(String, At<Option<Scalar>>),
}

impl Setting {
    /// The variable's name; in a list, what stands before the `=`.
    fn name(&self) -> &str {
        match self {
            Self::Line(line) => line.value.split('=').next().unwrap_or_default(),
            Self::Pair(name, _) => name,
        }
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Settings;
        // By hand: an untagged enum would lose the places.
        impl<'de> Visitor<'de> for Settings {
            type Value = Environment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of `NAME=value` or a mapping")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Environment, A::Error> {
                let mut settings = Vec::new();
                while let Some(line) = seq.next_element()? {
                    settings.push(Setting::Line(line));
                }
                Ok(Environment(settings))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Environment, A::Error> {
                let mut settings = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    settings.push(Setting::Pair(name, value));
                }
                Ok(Environment(settings))
            }

            fn visit_unit<E>(self) -> Result<Environment, E> {
                Ok(Environment::default())
            }
        }
        deserializer.deserialize_any(Settings)
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
    test: Option<At<OneOrMany>>,
}

/// A compose file that is being taken over: where it stands, and what of it came from the host's environment.
struct Taking<'f> {
    file: &'f Path,
    /// The names that the `.env` file beside it gives a value.
    env_file: BTreeSet<String>,
    secrets: Secrets,
}

impl Taking<'_> {
    /// The text with its variables filled in.
    fn fill(&mut self, at: &At<String>) -> Result<String, ParseError> {
        let in_file = RefCell::new(None);
        let host = |name: &str| {
            let value = crate::env::host(name);
            if value.is_none() && self.env_file.contains(name) {
                in_file.replace(Some(name.to_owned()));
            }
            value
        };
        let filled = interpolate(&at.value, &host);
        // Compose would take the value from there; we would silently take the default.
        if let Some(name) = in_file.into_inner() {
            let why = format!(
                "the environment variable `{name}` stands in `.env`, which is not read; export it"
            );
            return Err(at.error(self.file, why));
        }
        let filled = filled.map_err(|why| at.error(self.file, why))?;
        self.secrets.values.extend(filled.secrets);
        Ok(filled.text)
    }

    /// The value that the filled-in text is; what is wrong with a value of the host is told without it.
    fn read<T>(
        &mut self,
        at: &At<String>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<At<T>, ParseError> {
        let text = self.fill(at)?;
        let value = read(&text).map_err(|why| {
            let why = if text == at.value {
                why
            } else {
                format!(
                    "`{}` cannot be used with the value that its variables have here",
                    at.value
                )
            };
            at.error(self.file, why)
        })?;
        Ok(At {
            file: Some(self.file.to_owned()),
            ..at.with(value)
        })
    }

    fn read_all<T>(
        &mut self,
        all: &[At<String>],
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ParseError> {
        let read = |at| self.read(at, &read).map(|at| at.value);
        all.iter().map(read).collect()
    }

    /// Each text of a list, or the one.
    fn fill_all(&mut self, many: At<OneOrMany>) -> Result<Vec<String>, ParseError> {
        let place = many.with(());
        let fill = |text| self.fill(&place.with(text));
        many.value.into_vec().into_iter().map(fill).collect()
    }

    /// A command that is one text is split as a shell splits it.
    fn words(&mut self, command: At<OneOrMany>) -> Result<Vec<String>, ParseError> {
        let place = command.with(());
        match command.value {
            OneOrMany::One(text) => {
                let split = |text: &str| {
                    shlex::split(text)
                        .ok_or_else(|| format!("`command: {text}` has an unclosed quote"))
                };
                Ok(self.read(&place.with(text), split)?.value)
            }
            many => self.fill_all(place.with(many)),
        }
    }

    /// Name and value, when there is one: a name alone takes the value that the host has.
    fn setting(&mut self, setting: Setting) -> Result<Option<(String, String)>, ParseError> {
        let known = self.secrets.values.len();
        let (name, value) = match setting {
            Setting::Line(line) => {
                let text = self.fill(&line)?;
                match text.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (text, None),
                }
            }
            Setting::Pair(name, at) => {
                let value = match &at.value {
                    Some(Scalar::Text(text)) => Some(self.fill(&at.with(text.clone()))?),
                    scalar => scalar.as_ref().map(Scalar::text),
                };
                (name, value)
            }
        };
        let value = value.or_else(|| {
            let value = crate::env::host(&name)?;
            self.secrets.values.push(value.clone());
            Some(value)
        });
        let Some(value) = value else {
            return Ok(None);
        };
        if self.secrets.values.len() > known {
            self.secrets.named.insert(name.clone(), value.clone());
        }
        Ok(Some((name, value)))
    }
}

impl Subject {
    /// Takes the run options of `FILE#service`; what the subject says itself stands.
    pub(super) fn take_compose(
        &mut self,
        reference: &At<String>,
        subject: &Path,
    ) -> Result<(), ComposeError> {
        let Some((file, service)) = reference.value.split_once('#') else {
            let why = format!(
                "`compose: {}` names no service; expected `FILE#service`",
                reference.value
            );
            return Err(reference.error(subject, why));
        };
        let path = subject.parent().unwrap_or(Path::new(".")).join(file);
        let mut compose: File = parse::read_compose(&path).map_err(without_anchors)?;
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
                &taken.entrypoint,
                "set it in the image, or name the script under the subject's `entrypoint`",
            ),
            (
                "env_file",
                &taken.env_file,
                "write the variables under the subject's `run.env`",
            ),
            (
                "extends",
                &taken.extends,
                "name the service that has the options itself",
            ),
        ];
        for (key, given, instead) in refused {
            if let Some(at) = given {
                let message =
                    format!("service `{service}` has `{key}`, which is not taken over; {instead}");
                return Err(at.error(&path, message));
            }
        }
        let mut taking = Taking {
            file: &path,
            env_file: names_in(&path.with_file_name(".env")),
            secrets: Secrets::default(),
        };
        self.take_service(taken, &mut taking)?;
        self.run.secrets = taking.secrets;
        Ok(())
    }

    fn take_service(
        &mut self,
        service: Service,
        taking: &mut Taking<'_>,
    ) -> Result<(), ParseError> {
        for path in service
            .tmpfs
            .map(|paths| taking.fill_all(paths))
            .transpose()?
            .unwrap_or_default()
        {
            let path = path.split(':').next().unwrap_or_default().to_owned();
            if !self.writable.contains(&path) {
                self.writable.push(path);
            }
        }
        for volume in service.volumes {
            self.take_volume(volume, taking)?;
        }
        let run = &mut self.run;
        for (key, mode) in [
            ("network_mode", &service.network_mode),
            ("pid", &service.pid),
            ("ipc", &service.ipc),
            ("userns_mode", &service.userns_mode),
        ] {
            let mode = mode.as_ref().map(|m| taking.fill(m)).transpose()?;
            if mode.as_deref() == Some("host") {
                run.weakens.push(format!("{key}: host"));
            }
        }
        if !service.devices.is_empty() {
            run.weakens.push("devices".into());
        }
        // What the subject says itself stands, whatever is wrong with what it replaces.
        let of_compose = |setting: &Setting| !run.env.contains_key(setting.name());
        let settings: Vec<Setting> = service
            .environment
            .0
            .into_iter()
            .filter(of_compose)
            .collect();
        for setting in settings {
            run.compose_env.extend(taking.setting(setting)?);
        }
        let known = |name: &str| capability(name).map(|()| name.to_owned());
        extend(
            &mut run.cap_drop,
            taking.read_all(&service.cap_drop, known)?,
        );
        extend(&mut run.cap_add, taking.read_all(&service.cap_add, known)?);
        let any = |option: &str| Ok(option.to_owned());
        extend(
            &mut run.security_opt,
            taking.read_all(&service.security_opt, any)?,
        );
        run.read_only |= service.read_only;
        run.privileged |= service.privileged;
        take_limits(run, service.mem_limit, service.pids_limit, taking)?;
        if let (None, Some(user)) = (&run.user, service.user) {
            run.user = Some(taking.read(&user.with(user.value.text()), any)?);
        }
        if let (None, Some(dir)) = (&run.workdir, service.working_dir) {
            let dir = taking.read(&dir, |path| absolute(path).map(|()| path.to_owned()))?;
            run.workdir = Some(dir.value);
        }
        if let (None, Some(command)) = (&run.args, service.command) {
            run.args = Some(taking.words(command)?);
        }
        let test = service.healthcheck.and_then(|check| check.test);
        if let (None, Some(test)) = (&self.ready, test) {
            self.ready = from_healthcheck(&taking.fill_all(test)?);
        }
        if let (Some(stop), Some(signal)) = (&mut self.stop, service.stop_signal)
            && stop.signal.is_none()
        {
            stop.signal = Some(taking.fill(&signal)?);
        }
        Ok(())
    }

    fn take_volume(
        &mut self,
        volume: At<Volume>,
        taking: &mut Taking<'_>,
    ) -> Result<(), ParseError> {
        let place = volume.with(());
        let (shown, source, target, read_only) = match volume.value {
            Volume::Short(text) => {
                let filled = taking.fill(&place.with(text.clone()))?;
                let parts: Vec<&str> = filled.split(':').collect();
                let (source, target, options) = match parts.as_slice() {
                    [] | [_] => ("", filled.as_str(), ""),
                    [source, target] => (*source, *target, ""),
                    [source, target, options, ..] => (*source, *target, *options),
                };
                let read_only = options.split(',').any(|o| o == "ro");
                (text, source.to_owned(), target.to_owned(), read_only)
            }
            Volume::Long {
                kind,
                source,
                target,
                read_only,
            } => {
                let shown = format!("{source}:{target}{}", if read_only { ":ro" } else { "" });
                let source = taking.fill(&place.with(source))?;
                let target = taking.fill(&place.with(target))?;
                let bound = kind == "bind" || is_host(&source);
                let source = match (bound, is_host(&source)) {
                    (false, _) => String::new(),
                    (true, true) => source,
                    // Compose reads a bare name under `type: bind` as a path too.
                    (true, false) => format!("./{source}"),
                };
                (shown, source, target, read_only)
            }
        };
        // A named or anonymous volume is a writable path; only a path of the host is a mount.
        if is_host(&source) {
            let source = match (source.strip_prefix('~'), crate::env::host("HOME")) {
                (Some(rest), Some(home)) => home + rest,
                _ => source,
            };
            // Relative to the compose file, which may stand elsewhere than the subject's.
            let dir = taking.file.parent().unwrap_or(Path::new("."));
            let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
            let source = dir.join(source);
            let mount = Mount::new(&shown, &source.to_string_lossy(), &target, read_only)
                .map_err(|why| place.error(taking.file, why))?;
            self.run.mounts.push(At {
                file: Some(taking.file.to_owned()),
                ..place.with(mount)
            });
        } else {
            absolute(&target).map_err(|_relative| {
                place.error(
                    taking.file,
                    format!("volume `{shown}` does not end in an absolute path of the container"),
                )
            })?;
            if !read_only && !self.writable.contains(&target) {
                self.writable.push(target);
            }
        }
        Ok(())
    }
}

/// The names that a `.env` file gives a value; none when there is no such file.
fn names_in(file: &Path) -> BTreeSet<String> {
    let text = fs_err::read_to_string(file).unwrap_or_default();
    let name = |line: &str| {
        let line = line.trim_start();
        let (name, _) = line
            .strip_prefix("export ")
            .unwrap_or(line)
            .split_once('=')?;
        Some(name.trim().to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// Whether a volume's source is a path of the host, not a name.
fn is_host(source: &str) -> bool {
    source.starts_with(['.', '/', '~'])
}

/// Zero and less is no limit, as compose has it.
fn take_limits(
    run: &mut Run,
    memory: Option<At<Scalar>>,
    pids: Option<i64>,
    taking: &mut Taking<'_>,
) -> Result<(), ParseError> {
    if let (None, Some(limit)) = (run.memory, memory) {
        let text = limit.with(limit.value.text());
        let memory = taking.read(&text, |text| match text {
            "0" => Ok(None),
            text => Memory::try_from(text.to_owned()).map(Some),
        })?;
        run.memory = memory.value;
    }
    let pids = pids
        .filter(|n| *n > 0)
        .map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    run.pids = run.pids.or(pids);
    Ok(())
}

/// What the usual way out is, where an anchor is refused.
fn without_anchors(mut error: ParseError) -> ParseError {
    let told = ["anchors ", "aliases ", "merge keys "];
    if told.iter().any(|start| error.message.starts_with(start)) {
        error
            .message
            .push_str("; `docker compose config` writes the file without them");
    }
    error
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
        .next()
        // A variable of the health check's own shell: only the container knows its value.
        .filter(|url| !url.contains('$'))?;
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
