//! The subject file `adamant.yaml`: an image with the contract it claims (DDD-001's `RuntimeClosure`, written by a person).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::option::{
    absolute_path, capabilities, maybe_absolute_path, one_capability, some_pids, url_path,
};
use super::{
    Artifact, At, Budgets, Endpoint, Memory, Mount, Pattern, Span, Waiver, WorkspaceClaim,
};
use crate::check::is_under;
use crate::redact::Secrets;

/// What is judged: an image with its contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "adamant.yaml")]
pub struct Subject {
    /// The name in trial names; the directory's name when absent.
    #[serde(default)]
    pub name: String,
    /// `docker-daemon:REF`, `docker://REF`, `oci:DIR[:TAG]`, `docker-archive:FILE`, `rootfs:DIR`, or a reference: of the
    /// daemon, or else of what was pulled.
    pub image: String,
    /// How it is run, beside what the image says.
    #[serde(default)]
    pub run: Run,
    /// Run options from a compose file: `FILE#service`. What `run` says stands over it.
    #[serde(default)]
    pub compose: Option<At<String>>,
    /// Nothing under these may be written (PRD-002 §5.1).
    #[serde(default)]
    pub immutable: Vec<String>,
    /// What may be written at run time; everything else must stay as shipped.
    #[serde(default)]
    pub writable: Vec<String>,
    /// Files that a good boot leaves behind, such as a sentinel.
    #[serde(default)]
    pub writes: Vec<String>,
    /// When the subject is ready.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// Where it says that it lives.
    #[serde(default)]
    pub livez: Option<HttpTarget>,
    /// Where it gives its metrics.
    #[serde(default)]
    pub metrics: Option<HttpTarget>,
    /// The script that boots it; the image's `ENTRYPOINT` and `CMD` when absent.
    #[serde(default)]
    pub entrypoint: Option<Entrypoint>,
    /// Its structured bootstrap events (PRD-002 §5.6).
    #[serde(default)]
    pub events: Option<EventsClaim>,
    /// What must be in the image (PRD-002 §5.2).
    #[serde(default)]
    pub artifacts: Vec<At<Artifact>>,
    /// Supervised processes that must stay alive.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// Where the feature flags are: `image:PATH` or `host:PATH` (TOML, YAML or JSON by its suffix).
    #[serde(default)]
    pub manifest: Option<ManifestSource>,
    /// The manifest's text, when it is a file of the host; filled from it, never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub manifest_text: Option<String>,
    /// What a fatal message looks like.
    #[serde(default)]
    pub fatal: Fatal,
    /// How it stops.
    #[serde(default)]
    pub stop: Option<StopClaim>,
    /// What a cold start may take.
    #[serde(default)]
    pub budgets: Option<Budgets>,
    /// Files that differ between instances and are in no layer.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The endpoint that it needs after readiness, and only then (PRD-002 §5.5).
    #[serde(default)]
    pub external: Option<External>,
    /// What it may reach outside once it is ready, and only then: `HOST` or `HOST:PORT`, by name or address.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Its part in keeping a workspace (seed 002): a daemon, or who asks one.
    #[serde(default)]
    pub workspace: Option<WorkspaceClaim>,
    /// Commands of the boot whose failure means nothing, each with its reason.
    #[serde(default)]
    pub may_fail: Vec<MayFail>,
    /// What it needs beyond the hardened baseline, each with its reason.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Failures that are known and accepted; one that passes is a failure.
    #[serde(default)]
    pub expect_fail: Vec<ExpectFail>,
    /// Kinds of findings that are accepted until a day, each with a reason and an owner.
    #[serde(default)]
    pub waivers: Vec<At<Waiver>>,
}

/// How a subject is run, beside what its image says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// Replaces the image's `CMD`.
    #[serde(default)]
    pub args: Option<Vec<String>>,
    /// Environment; `${NAME}` is taken from the host and redacted everywhere.
    #[serde(default)]
    pub env: BTreeMap<String, At<String>>,
    /// Replaces the image's `USER`; a name must be one that the image's own passwd file knows.
    #[serde(default)]
    pub user: Option<At<String>>,
    /// Replaces the image's `WORKDIR`: an absolute path.
    #[serde(default, deserialize_with = "maybe_absolute_path")]
    pub workdir: Option<String>,
    /// Bind mounts, `HOST:CONTAINER[:ro]`; the host's path is relative to this file and must exist.
    #[serde(default)]
    pub mounts: Vec<At<Mount>>,
    /// Memory limit: `512m`, `2g`; at least `6m`.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// Limit of processes.
    #[serde(default, deserialize_with = "some_pids")]
    pub pids: Option<u32>,
    /// Whether it is deployed with a read-only root.
    #[serde(default)]
    pub read_only: bool,
    /// Capabilities that its deployment drops.
    #[serde(default, deserialize_with = "capabilities")]
    pub cap_drop: Vec<String>,
    /// Capabilities that its deployment adds.
    #[serde(default, deserialize_with = "capabilities")]
    pub cap_add: Vec<String>,
    /// Whether its deployment asks for `--privileged`: read from compose so that RC-003-10 can refuse it; never granted.
    #[serde(default)]
    pub privileged: bool,
    /// Security options of its deployment, such as `no-new-privileges:true`.
    #[serde(default)]
    pub security_opt: Vec<String>,
    /// What the compose file asks for that takes isolation from the host away; filled from compose, never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub weakens: Vec<String>,
    /// The environment of the compose file, its variables filled in; filled from compose, never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub compose_env: BTreeMap<String, String>,
    /// What of the compose file came from the host's environment; filled from compose, never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub secrets: Secrets,
}

/// When a subject is ready: exactly one target, and a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// A `GET` on loopback that answers with a status.
    #[serde(default)]
    pub http: Option<HttpTarget>,
    /// A TCP port on loopback that accepts.
    #[serde(default)]
    pub tcp: Option<TcpTarget>,
    /// A unix socket that accepts.
    #[serde(default)]
    pub unix: Option<UnixTarget>,
    /// A line of output.
    #[serde(default)]
    pub output: Option<OutputTarget>,
    /// The end of process 1: a subject that does its work and goes.
    #[serde(default)]
    pub exit: Option<ExitTarget>,
    /// How long it may take.
    pub within: Span,
}

/// An HTTP target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTarget {
    /// The port on loopback.
    pub port: u16,
    /// The path with its query; it begins with `/`.
    #[serde(deserialize_with = "url_path")]
    pub path: String,
    /// The status, 200 when absent.
    #[serde(default = "ok")]
    pub status: u16,
}

/// A TCP port on loopback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpTarget {
    /// The port.
    pub port: u16,
}

/// A unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnixTarget {
    /// Its absolute path.
    #[serde(deserialize_with = "absolute_path")]
    pub path: String,
}

/// A line of output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputTarget {
    /// Which stream.
    #[serde(default)]
    pub stream: StreamChoice,
    /// What the line matches.
    pub matches: Pattern,
}

/// The end of process 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExitTarget {
    /// The exit code that means ready.
    pub code: i64,
}

fn ok() -> u16 {
    200
}

/// The script that boots a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entrypoint {
    /// Its path in the image.
    pub path: String,
}

/// How events are recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsClaim {
    /// Where they are written.
    #[serde(default)]
    pub stream: StreamChoice,
    /// How they are written.
    #[serde(default)]
    pub format: EventFormat,
    /// The key that names an event.
    pub name: String,
    /// The key by which `CapabilityValidated` names the artifact, when every enabled one is announced.
    #[serde(default)]
    pub capability: Option<String>,
}

/// Which of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamChoice {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Either.
    #[default]
    Either,
}

impl StreamChoice {
    /// As the log's filter.
    #[must_use]
    pub fn stream(self) -> Option<crate::engine::Stream> {
        match self {
            Self::Stdout => Some(crate::engine::Stream::Stdout),
            Self::Stderr => Some(crate::engine::Stream::Stderr),
            Self::Either => None,
        }
    }
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventFormat {
    /// One JSON object a line.
    #[default]
    Json,
}

/// A supervised process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its name in findings.
    pub id: String,
    /// Matched against its arguments, joined by spaces.
    pub matches: Pattern,
}

/// A command of the boot whose failure means nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MayFail {
    /// Matched against its words, joined by spaces.
    pub matches: Pattern,
    /// Why.
    pub reason: String,
}

/// Where the feature flags are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum ManifestSource {
    /// A file in the image.
    Image(String),
    /// A file of the host, relative to the subject file.
    Host(String),
}

impl TryFrom<String> for ManifestSource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("image:") {
            return Ok(Self::Image(path.to_owned()));
        }
        if let Some(path) = text.strip_prefix("host:") {
            return Ok(Self::Host(path.to_owned()));
        }
        Err(format!(
            "`{text}` is not a manifest; expected `image:PATH` or `host:PATH`"
        ))
    }
}

impl From<ManifestSource> for String {
    fn from(source: ManifestSource) -> Self {
        match source {
            ManifestSource::Image(path) => format!("image:{path}"),
            ManifestSource::Host(path) => format!("host:{path}"),
        }
    }
}

/// What a fatal message looks like (PRD-002 AC-3; its own lines say both `missing` and `not in PATH`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fatal {
    /// Where it is written.
    #[serde(default)]
    pub stream: StreamChoice,
    /// A line that matches is fatal.
    #[serde(default = "fatal_pattern")]
    pub matches: Pattern,
}

fn fatal_pattern() -> Pattern {
    Pattern(
        regex::Regex::new("FATAL:.*(missing|not in PATH)").expect("the default pattern is valid"),
    )
}

impl Default for Fatal {
    fn default() -> Self {
        Self {
            stream: StreamChoice::Either,
            matches: fatal_pattern(),
        }
    }
}

/// How a subject stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopClaim {
    /// The signal; `SIGTERM` when neither this file nor its compose file says another.
    #[serde(default)]
    pub signal: Option<String>,
    /// How long it may take.
    pub within: Span,
    /// The exit code.
    #[serde(default)]
    pub code: i64,
}

impl StopClaim {
    /// The signal's name.
    #[must_use]
    pub fn signal(&self) -> &str {
        self.signal.as_deref().unwrap_or("SIGTERM")
    }
}

/// The endpoint outside that a subject needs after readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The environment variable that takes the endpoint's URL.
    pub env: String,
    /// Where the subject shows that it reaches it.
    pub http: HttpTarget,
}

/// Something needed beyond the hardened baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// A capability: `NET_BIND_SERVICE`.
    #[serde(default, deserialize_with = "one_capability")]
    pub cap: Option<String>,
    /// Running as root.
    #[serde(default)]
    pub root: bool,
    /// Why; shown in the verdict.
    pub reason: String,
}

/// A failure that is known and accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectFail {
    /// The case's id: its path under `cases/` without `.yaml`.
    pub case: String,
    /// Only this variant, such as an artifact's id.
    #[serde(default)]
    pub variant: Option<String>,
    /// Only on this engine.
    #[serde(default)]
    pub engine: Option<String>,
    /// Why.
    pub reason: String,
}

impl Subject {
    /// What a type cannot say; the error names the entry, and its line where it is known.
    pub fn validate(&self) -> Result<(), At<String>> {
        for (key, paths) in [
            ("immutable", &self.immutable),
            ("writable", &self.writable),
            ("writes", &self.writes),
            ("secrets", &self.secrets),
        ] {
            for path in paths {
                absolute(key, path)?;
            }
        }
        for immutable in &self.immutable {
            if let Some(writable) = self.writable.iter().find(|w| is_under(immutable, w)) {
                return Err(format!(
                    "`writable` has `{writable}`, which hides `{immutable}` of `immutable`"
                )
                .into());
            }
        }
        for (number, mount) in self.run.mounts.iter().enumerate() {
            let same = |m: &At<Mount>| m.value.target() == mount.value.target();
            if self.run.mounts[..number].iter().any(same) {
                return Err(mount.with(format!(
                    "two mounts end in `{}`; a path has one",
                    mount.value.target()
                )));
            }
            // No image says what was in it before: whatever is written there could not be told from what was.
            let target = mount.value.target();
            if !mount.value.read_only && !self.writable.iter().any(|path| is_under(target, path)) {
                return Err(mount.with(format!(
                    "mount `{}` can be written, and `{target}` is not under `writable`; add `:ro`, or declare it",
                    mount.value
                )));
            }
        }
        self.validate_artifacts()?;
        if let Some(ready) = &self.ready {
            let given = [
                ready.http.is_some(),
                ready.tcp.is_some(),
                ready.unix.is_some(),
                ready.output.is_some(),
                ready.exit.is_some(),
            ];
            if given.iter().filter(|g| **g).count() != 1 {
                return Err(String::from(
                    "`ready` needs exactly one of `http`, `tcp`, `unix`, `output`, `exit`",
                )
                .into());
            }
        }
        if let Some(workspace) = &self.workspace {
            workspace.validate()?;
        }
        for waiver in &self.waivers {
            waiver
                .value
                .validate()
                .map_err(|wrong| waiver.with(wrong))?;
        }
        for need in &self.needs {
            if need.cap.is_some() == need.root {
                return Err(
                    String::from("each of `needs` is either a `cap` or `root: true`").into(),
                );
            }
        }
        Ok(())
    }

    fn validate_artifacts(&self) -> Result<(), At<String>> {
        let mut ids = std::collections::BTreeSet::new();
        for artifact in &self.artifacts {
            let at = |value: String| artifact.with(value);
            artifact.value.kind().map_err(at)?;
            let id = &artifact.value.id;
            if id.is_empty() || id.contains("::") || id.contains(char::is_whitespace) {
                return Err(at(format!(
                    "artifact id `{id}` is empty or has `::` or a space; it is a part of trial names"
                )));
            }
            if !ids.insert(id) {
                return Err(at(format!("two artifacts have the id `{id}`")));
            }
            if artifact.value.when.is_some() && self.manifest.is_none() {
                return Err(at(format!(
                    "artifact `{id}` has `when` but the subject has no `manifest`"
                )));
            }
        }
        Ok(())
    }

    /// The artifacts without their places.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.iter().map(|a| &a.value)
    }
}

fn absolute(key: &str, path: &str) -> Result<(), String> {
    let inner = path.strip_suffix('/').unwrap_or(path).strip_prefix('/');
    let clean = inner.is_some_and(|inner| {
        !inner.contains(['*', '?', '[']) && !inner.split('/').any(|p| matches!(p, "" | "." | ".."))
    });
    if clean {
        Ok(())
    } else {
        Err(format!(
            "`{key}` has `{path}`; expected an absolute path below the root, without `.`, `..`, `//` or any of `*?[`"
        ))
    }
}

impl Subject {
    /// Reads a subject file, with what it takes from its compose file; the name defaults to the directory's.
    pub fn read(file: &std::path::Path) -> Result<Self, super::ParseError> {
        let mut subject: Self = super::read(file)?;
        if let Some(reference) = subject.compose.clone() {
            subject.take_compose(&reference, file)?;
        }
        if subject.name.is_empty() {
            let dir = fs_err::canonicalize(file)
                .ok()
                .and_then(|f| Some(f.parent()?.file_name()?.to_string_lossy().into_owned()));
            subject.name = dir.unwrap_or_else(|| "subject".into());
        }
        if subject.name.contains("::")
            || subject.name.contains('/')
            || subject.name.chars().any(char::is_whitespace)
        {
            return Err(super::ParseError::file(
                file,
                format!(
                    "`name: {}` has `::`, `/` or a space; it is a part of trial names",
                    subject.name
                ),
            ));
        }
        subject
            .validate()
            .map_err(|wrong| wrong.with(()).error(file, wrong.value))?;
        Ok(subject)
    }
}
