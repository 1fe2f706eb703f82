//! An artifact: something the runtime needs to be in the image, and how to see that it is there.

use globset::GlobBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Pattern;

/// Something the image must already hold (PRD-002 §5.2). Exactly one of its kinds is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its name in findings and in trial names; what a fatal message must name, unless it names the path or command.
    pub id: String,
    /// A path that must exist in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A glob that at least one path must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// A command that must be on `PATH` and exit 0, such as `[codex, --version]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// What the command must print (`command` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Pattern>,
    /// Something that a runtime must be able to load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// A TCP port on loopback that accepts once the subject is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<u16>,
    /// A unix socket that accepts once the subject is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix: Option<String>,
    /// An MCP server that answers `initialize` on its stdio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<Vec<String>>,
    /// Whether the boot must fail without it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub required: bool,
    /// The manifest flag that switches it on: `toolchains.codex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// A file that a runtime loads, and the command that proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The command that loads it and exits 0: `[node, -e, "require('/app')"]`.
    pub run: Vec<String>,
    /// The file or directory that is loaded; what a fault makes absent.
    pub path: String,
}

/// Which kind an artifact is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ArtifactKind<'a> {
    /// A path.
    Path(&'a str),
    /// A glob.
    Glob(&'a str),
    /// A command and what it must print.
    Command(&'a [String], Option<&'a Pattern>),
    /// A file that a runtime loads.
    Load(&'a Load),
    /// A TCP port.
    Tcp(u16),
    /// A unix socket.
    Unix(&'a str),
    /// An MCP server.
    Mcp(&'a [String]),
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it by reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

impl Artifact {
    /// Its one kind; the error says what is wrong with the entry.
    pub fn kind(&self) -> Result<ArtifactKind<'_>, String> {
        let kinds = [
            self.path.as_deref().map(ArtifactKind::Path),
            self.glob.as_deref().map(ArtifactKind::Glob),
            self.command
                .as_deref()
                .map(|c| ArtifactKind::Command(c, self.version.as_ref())),
            self.load.as_ref().map(ArtifactKind::Load),
            self.tcp.map(ArtifactKind::Tcp),
            self.unix.as_deref().map(ArtifactKind::Unix),
            self.mcp.as_deref().map(ArtifactKind::Mcp),
        ];
        let mut given = kinds.into_iter().flatten();
        let names = "`path`, `glob`, `command`, `load`, `tcp`, `unix` or `mcp`";
        let Some(kind) = given.next() else {
            return Err(format!("artifact `{}` needs one of {names}", self.id));
        };
        if given.next().is_some() {
            return Err(format!(
                "artifact `{}` has more than one of {names}; give each its own entry",
                self.id
            ));
        }
        match kind {
            ArtifactKind::Command([], _) | ArtifactKind::Mcp([]) => {
                Err(format!("artifact `{}` has an empty command", self.id))
            }
            ArtifactKind::Load(load) if load.run.is_empty() => {
                Err(format!("artifact `{}` has an empty command", self.id))
            }
            ArtifactKind::Glob(glob) => {
                match GlobBuilder::new(glob).literal_separator(true).build() {
                    Ok(_) => Ok(kind),
                    Err(error) => Err(format!(
                        "artifact `{}` has the glob `{glob}`, which is none: {}",
                        self.id,
                        error.kind()
                    )),
                }
            }
            _ if self.version.is_some() && self.command.is_none() => Err(format!(
                "artifact `{}` has a `version` but no `command` that prints it",
                self.id
            )),
            _ => Ok(kind),
        }
    }

    /// Whether it is a file, so that a fault can make it absent.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.tcp.is_none() && self.unix.is_none()
    }

    /// The words by which a message can name it.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.id.clone()];
        names.extend(self.path.clone());
        names.extend(self.load.iter().map(|l| l.path.clone()));
        names.extend(
            self.command
                .iter()
                .chain(&self.mcp)
                .filter_map(|argv| argv.first().cloned()),
        );
        names
    }
}
