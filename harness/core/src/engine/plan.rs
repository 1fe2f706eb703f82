//! What an engine is to boot: a subject and a case, resolved to plain values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use adamant_probe::sinkhole::Profile;

use crate::case::{Clock, FaultForm};

/// One boot, fully resolved. Two trials with equal plans may share the boot.
#[derive(Debug, Clone, PartialEq)]
pub struct BootPlan {
    /// The image's id on the engine, as [`super::Image::id`] gives it.
    pub image: String,
    /// Paths made absent (`ENOENT`), or left in another form, in a derived image before the boot.
    pub absent: Vec<Fault>,
    /// Replaces the image's `CMD` when given.
    pub args: Option<Vec<String>>,
    /// Added to the image's environment.
    pub env: BTreeMap<String, String>,
    /// Replaces the image's `USER` when given.
    pub user: Option<String>,
    /// Replaces the image's `WORKDIR` when given.
    pub workdir: Option<String>,
    /// Where it can connect to.
    pub network: Network,
    /// Whether the root file system is mounted read-only.
    pub read_only: bool,
    /// Memory-backed writable directories.
    pub tmpfs: Vec<Tmpfs>,
    /// Named volumes.
    pub volumes: Vec<VolumeMount>,
    /// Directories or files of the host.
    pub binds: Vec<Bind>,
    /// Capabilities taken away, `ALL` for every one.
    pub cap_drop: Vec<String>,
    /// Capabilities added after that.
    pub cap_add: Vec<String>,
    /// `no_new_privs` on every process.
    pub no_new_privileges: bool,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// Limit of processes.
    pub pids: Option<u32>,
    /// Whether its processes are watched, and the immutable path that the launcher tries to write before the subject starts.
    pub trace: Option<String>,
    /// Whether a traced boot also tells which files are opened for reading.
    pub trace_reads: bool,
    /// Which time of day the programs of a traced boot are told.
    pub clock: Clock,
    /// Whether something that only waits is process 1 in the subject's place: a container for somebody who looks around.
    pub hold: bool,
    /// Who made it, for labels.
    pub owner: Owner,
    /// How often readiness is looked at.
    pub poll_ms: u64,
}

/// One path that is made absent or otherwise unfit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Fault {
    /// Absolute path in the image.
    pub path: String,
    /// What is left in its place.
    pub form: FaultForm,
    /// What the file says instead, with the mode that it has; then the form says nothing.
    pub text: Option<String>,
}

impl Fault {
    /// A path in one of the forms.
    #[must_use]
    pub fn new(path: impl Into<String>, form: FaultForm) -> Self {
        Self {
            path: path.into(),
            form,
            text: None,
        }
    }

    /// What is the matter with it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.text.is_some() {
            "with another text"
        } else {
            self.form.word()
        }
    }
}

/// Where a container can connect to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// A namespace with loopback only.
    None,
    /// A network of this boot alone, that leads to nobody until companions join it. It has a default route and a name server, and
    /// what is sent elsewhere is swallowed: nobody refuses it, and nobody answers.
    Isolated,
    /// A network that leads nowhere, made by whoever watches the boot.
    #[serde(untagged)]
    Made(Profile),
}

impl Network {
    /// What is made for the boot.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        match self {
            Self::Made(profile) => Some(*profile),
            Self::None | Self::Isolated => None,
        }
    }
}

/// A memory-backed directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute path.
    pub path: String,
    /// Mount options as `mount -o` takes them: `mode=1777,size=64m`.
    pub options: String,
}

/// A named volume at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMount {
    /// The name that [`super::Engine::volume`] gave.
    pub name: String,
    /// Absolute path.
    pub path: String,
}

/// A path of the host at a path of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Absolute path on the host.
    pub source: PathBuf,
    /// Absolute path in the container.
    pub target: String,
    /// Whether it can be written.
    pub read_only: bool,
}

/// Who made an object and until when it may live: enough for another run to decide whether to reap it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The run's id.
    pub run: String,
    /// The trial or boot it serves, for people.
    pub purpose: String,
    /// When it may be removed if nobody can tell whether its owner lives; what a live owner has is kept past it.
    pub deadline: SystemTime,
}
