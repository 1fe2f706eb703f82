//! The case file: one claim, the boot it is judged on, and the checks that judge it.

use adamant_probe::sinkhole::Profile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, ManifestState, Span};
use crate::check::CheckSpec;
use crate::check::fatal::Fatal;

/// A claim on file. Its id is its path under `cases/`, without `.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Adamant case")]
pub struct Case {
    /// The requirement it belongs to: `RC-002-01`. Also a selector.
    pub spec: String,
    /// The clauses of the specification that it checks: `PRD-002 §5.5`, `PRD-002 AC-2`.
    pub clauses: Vec<String>,
    /// How binding the clauses are (RFC 2119).
    pub level: Level,
    /// The claim in one sentence.
    pub about: String,
    /// What a maintainer does about a finding.
    pub fix: String,
    /// What a subject must claim for the case to be about it, beside what the checks need.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// Selectors `tag:x`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The boot; without one, the case is about the image alone and starts no container.
    #[serde(default)]
    pub boot: Option<Boot>,
    /// What is judged, in this order.
    pub checks: Vec<At<CheckSpec>>,
}

/// A key of the subject file that a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// `artifacts`.
    Artifacts,
    /// `events`.
    Events,
    /// `immutable`.
    Immutable,
    /// `programs`.
    Programs,
    /// `ready`.
    Ready,
    /// `writable`.
    Writable,
}

impl Claim {
    /// Its key, when the subject does not have it.
    #[must_use]
    pub fn missing(self, subject: &super::Subject) -> Option<&'static str> {
        let (has, key) = match self {
            Self::Artifacts => (!subject.artifacts.is_empty(), "artifacts"),
            Self::Events => (subject.events.is_some(), "events"),
            Self::Immutable => (!subject.immutable.is_empty(), "immutable"),
            Self::Programs => (!subject.programs.is_empty(), "programs"),
            Self::Ready => (subject.ready.is_some(), "ready"),
            Self::Writable => (!subject.writable.is_empty(), "writable"),
        };
        (!has).then_some(key)
    }
}

/// How binding a clause is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// An absolute requirement.
    Must,
    /// A requirement with known exceptions.
    Should,
}

/// The conditions of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Boot {
    /// Where the container can connect to.
    #[serde(default)]
    pub network: NetworkMode,
    /// How the root file system is mounted.
    #[serde(default)]
    pub rootfs: Rootfs,
    /// What is under the subject's writable paths.
    #[serde(default)]
    pub storage: Storage,
    /// Which time of day its programs are told.
    #[serde(default)]
    pub clock: Clock,
    /// Which privileges the container has.
    #[serde(default)]
    pub hardening: Hardening,
    /// What is made wrong on purpose; one trial for each place where it applies.
    #[serde(default)]
    pub fault: Option<FaultKind>,
    /// What a fault leaves in the artifact's place.
    #[serde(default)]
    pub form: FaultForm,
    /// What the manifest in the image says.
    #[serde(default)]
    pub manifest: ManifestState,
    /// The state in which the checks look.
    #[serde(default)]
    pub until: State,
    /// How long it is left alone after readiness before the checks look; what it does meanwhile counts.
    #[serde(default)]
    pub observe: Option<Span>,
    /// How often it is booted, each time from the image.
    #[serde(default = "once")]
    pub boots: u32,
}

fn once() -> u32 {
    1
}

/// Where the container can connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// Loopback only.
    #[default]
    None,
    /// A network of its own without a way out, which a companion can join.
    Isolated,
    /// A network that leads nowhere: every name has an address, every address accepts TCP, and nothing leaves this machine.
    Sinkhole,
    /// A network that swallows: there is a way out, and nothing ever comes back.
    BlackHole,
    /// As a sinkhole, but questions for names are never answered.
    DnsHangs,
}

impl NetworkMode {
    /// The network that whoever watches the boot makes for it.
    #[must_use]
    pub fn profile(self) -> Option<Profile> {
        match self {
            Self::None | Self::Isolated => None,
            Self::Sinkhole => Some(Profile::Sinkhole),
            Self::BlackHole => Some(Profile::BlackHole),
            Self::DnsHangs => Some(Profile::DnsHangs),
        }
    }
}

/// How the root file system is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rootfs {
    /// As the subject's deployment says.
    #[default]
    Declared,
    /// Writable, whatever the deployment says: what it wants to write shows.
    Writable,
    /// Read-only.
    ReadOnly,
}

/// What is under the subject's writable paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// Empty memory-backed directories where the root is read-only, what the image has where it is not.
    #[default]
    Fitting,
    /// Empty memory-backed directories.
    Tmpfs,
    /// Named volumes that live through all boots of the trial.
    Volumes,
    /// Empty memory-backed directories in which nothing fits any more: not a byte, not a name.
    Full,
    /// Empty memory-backed directories that refuse writes.
    Unwritable,
}

/// Which time of day programs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The host's.
    #[default]
    Host,
    /// It begins in 1970, as on a machine whose clock has no battery and whose network has no time. Whoever watches the boot tells it.
    Epoch,
}

/// Which privileges the container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hardening {
    /// As the subject's deployment says.
    #[default]
    Declared,
    /// No capability but those in `needs`, no new privileges.
    Baseline,
}

/// What is made wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Each required artifact that is switched on is made absent in turn.
    RequiredArtifactAbsent,
    /// Each artifact that is optional or switched off is made absent in turn.
    OptionalArtifactAbsent,
    /// Each file of the image that a watched boot was seen to use is made absent in turn, all in one trial.
    DiscoveredArtifactAbsent,
}

/// What a fault leaves in the place of an artifact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FaultForm {
    /// Nothing: opening it says that it does not exist.
    #[default]
    Absent,
    /// A file without content, or a directory without entries.
    Empty,
    /// The file of a command, which nobody may execute.
    NotExecutable,
    /// The first half of the file.
    Truncated,
    /// A symbolic link that leads nowhere.
    DanglingLink,
}

impl FaultForm {
    /// What is the matter with an artifact in this form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Empty => "empty",
            Self::NotExecutable => "not executable",
            Self::Truncated => "truncated",
            Self::DanglingLink => "a dangling link",
        }
    }
}

/// The state in which the checks look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The subject's `ready` target was reached.
    #[default]
    Ready,
    /// Process 1 has ended.
    Exit,
}

impl Case {
    /// What a type cannot say.
    pub fn validate(&self) -> Result<(), String> {
        if self.checks.is_empty() {
            return Err("`checks` is empty; a case without checks judges nothing".into());
        }
        if self.clauses.is_empty() {
            return Err("`clauses` is empty; a case names what it is about".into());
        }
        for check in &self.checks {
            asks(check)?;
        }
        let has = |is: fn(&CheckSpec) -> bool| self.checks.iter().any(|c| is(&c.value));
        if let Some(boot) = &self.boot {
            if boot.form != FaultForm::Absent && boot.fault.is_none() {
                return Err(
                    "`boot` has a `form` but no `fault` whose artifact could have it".into(),
                );
            }
            if boot.until == State::Exit
                && !has(|c| matches!(c, CheckSpec::Exit(_) | CheckSpec::Settles(_)))
            {
                return Err(
                    "`boot` has `until: exit` but no check `exit` or `settles` judges the end; a boot that never ends would hold"
                        .into(),
                );
            }
            let discovers = boot.fault == Some(FaultKind::DiscoveredArtifactAbsent);
            let mut losses = self
                .checks
                .iter()
                .map(|c| matches!(c.value, CheckSpec::Losses(_)));
            if discovers != losses.clone().any(|is| is) || discovers && !losses.all(|is| is) {
                return Err(
                    "`fault: discovered-artifact-absent` is judged by the check `losses`, which judges nothing else and stands alone"
                        .into(),
                );
            }
            if discovers && (boot.until == State::Exit || boot.boots != 1) {
                return Err(
                    "`fault: discovered-artifact-absent` boots until readiness, once a file".into(),
                );
            }
            if boot.fault.is_some() && boot.manifest != ManifestState::AsShipped {
                return Err("`boot` has a `fault` and a `manifest`: of one thing that is wrong at a time something can be told".into());
            }
            if (boot.manifest == ManifestState::Invalid)
                != has(|c| matches!(c, CheckSpec::Fatal(Fatal::NamesTheManifest)))
            {
                return Err("`manifest: invalid` and the check `fatal: names-the-manifest` belong together: a manifest that must be refused is named when it is".into());
            }
            if boot.fault.is_none()
                && has(|c| matches!(c, CheckSpec::Fatal(Fatal::NamesTheArtifact)))
            {
                return Err(
                    "check `fatal` needs a `fault` in `boot`: without one nothing is absent that a message could name"
                        .into(),
                );
            }
            if boot.boots == 0 || boot.boots > 100 {
                return Err(format!("`boots` is {}; expected 1 to 100", boot.boots));
            }
        } else if let Some(check) = self.checks.iter().find(|c| c.value.check().needs_boot()) {
            return Err(format!(
                "the case has no `boot` but its check `{}` looks at a running container",
                check.value.name()
            ));
        }
        Ok(())
    }
}

/// Refuses a check that asks for nothing, with its place.
fn asks(check: &At<CheckSpec>) -> Result<(), String> {
    check.value.check().asks().map_err(|why| {
        let place = if check.line > 0 {
            format!(" (line {}, column {})", check.line, check.column)
        } else {
            String::new()
        };
        let name = check.value.name();
        format!("check `{name}` asks for nothing: {why}{place}")
    })
}
