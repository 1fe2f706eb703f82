//! The runtime specification, as much of it as an engine of ours writes.

use std::path::PathBuf;

use serde::Deserialize;

/// A container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec {
    pub(crate) process: Process,
    pub(crate) root: Root,
    pub(crate) hostname: String,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) linux: Linux,
}

/// A process in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    /// Whether its standard output is a terminal, which is its standard input and its controlling terminal too.
    pub(crate) terminal: bool,
    pub(crate) user: User,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<String>,
    pub(crate) cwd: String,
    pub(crate) capabilities: Capabilities,
    pub(crate) no_new_privileges: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) additional_gids: Vec<u32>,
}

/// All sets of a process are one: what it may have, it has.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Capabilities {
    pub(crate) bounding: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Root {
    pub(crate) readonly: bool,
}

/// Something mounted in it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Mount {
    pub(crate) destination: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) source: PathBuf,
    pub(crate) options: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Linux {
    #[serde(default)]
    pub(crate) resources: Resources,
    pub(crate) masked_paths: Vec<String>,
    pub(crate) readonly_paths: Vec<String>,
}

/// Its limits.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Resources {
    pub(crate) memory: Option<Memory>,
    pub(crate) pids: Option<Pids>,
}

/// In bytes.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Memory {
    pub(crate) limit: i64,
    /// Memory and swap together.
    pub(crate) swap: Option<i64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Pids {
    pub(crate) limit: i64,
}
