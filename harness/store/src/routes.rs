//! The routes of seed 002 and what they carry, for both sides of the wire.

use serde::{Deserialize, Serialize};

/// `POST`: a tar of the workspace; 204 when it is empty, 404 when there is none.
pub const CREATE: &str = "/_decopilot_vm/snapshot/create";
/// `POST`: replaces the workspace by the tar in the body.
pub const RESTORE: &str = "/_decopilot_vm/snapshot/restore";
/// `GET`: how long nothing has changed.
pub const IDLE: &str = "/_decopilot_vm/idle";
/// `POST`: the configuration, after which a workspace is set up; answered by who runs the workspace, not by our daemon.
pub const CONFIG: &str = "/_decopilot_vm/config";
/// `GET`: whether the daemon serves; needs no token.
pub const HEALTH: &str = "/health";

/// What `GET idle` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// When something that is kept last changed, RFC 3339.
    pub last_activity_at: String,
    /// Milliseconds since then, never negative.
    pub idle_ms: u64,
}

/// What `POST restore` answers when it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Always true.
    pub ok: bool,
    /// Bytes of the archive.
    pub size: u64,
    /// Files and links that were laid out.
    pub files: u64,
}

/// What every failure answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub error: String,
}
