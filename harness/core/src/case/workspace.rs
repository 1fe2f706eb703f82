//! What a subject claims about its workspace (seed 002): a daemon that makes and restores snapshots, or a keeper that asks one.

use adamant_probe::converse::Routes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::option::{absolute_path, maybe_absolute_path, url_path};
use super::{HttpTarget, Span};

/// A part of the contract about workspaces that is kept inside the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkspaceClaim {
    /// The variable of the subject's environment that holds the bearer token.
    #[serde(default = "token_env")]
    pub token_env: String,
    /// Where the daemon answers.
    #[serde(default)]
    pub routes: RoutesClaim,
    /// The daemon that runs in the subject.
    #[serde(default)]
    pub daemon: Option<DaemonClaim>,
    /// The keeper that runs in the subject: it restores a workspace before it is configured, and saves it from then on.
    #[serde(default)]
    pub keeper: Option<KeeperClaim>,
    /// The value of the variable; filled from the subject's environment, never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub token: Option<String>,
}

fn token_env() -> String {
    "DAEMON_TOKEN".into()
}

/// The paths of the routes; those of seed 002 when absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RoutesClaim {
    /// `GET`, without a token.
    #[serde(deserialize_with = "url_path")]
    pub health: String,
    /// `GET`: how long nothing has changed.
    #[serde(deserialize_with = "url_path")]
    pub idle: String,
    /// `POST`: a snapshot.
    #[serde(deserialize_with = "url_path")]
    pub create: String,
    /// `POST`: a restore.
    #[serde(deserialize_with = "url_path")]
    pub restore: String,
    /// `POST`: the configuration, after which the workspace is set up.
    #[serde(deserialize_with = "url_path")]
    pub configure: String,
}

impl Default for RoutesClaim {
    fn default() -> Self {
        let below = |name: &str| format!("/_decopilot_vm/{name}");
        Self {
            health: "/health".into(),
            idle: below("idle"),
            create: below("snapshot/create"),
            restore: below("snapshot/restore"),
            configure: below("config"),
        }
    }
}

impl RoutesClaim {
    /// As a stand-in takes them.
    #[must_use]
    pub fn wire(&self) -> Routes {
        let Self {
            health,
            idle,
            create,
            restore,
            configure,
        } = self.clone();
        Routes {
            health,
            idle,
            create,
            restore,
            configure,
        }
    }
}

/// A daemon in the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DaemonClaim {
    /// Its port on loopback.
    pub port: u16,
    /// The directory that it saves and restores, absolute.
    #[serde(deserialize_with = "absolute_path")]
    pub root: String,
    /// What answers once a restored workspace has been configured and set up, without installing anything.
    #[serde(default)]
    pub app: Option<AppClaim>,
}

/// What a workspace is set up for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppClaim {
    /// Where it answers.
    pub http: HttpTarget,
    /// How long it may take from the configuration on.
    pub within: Span,
    /// The body of the configuration, JSON.
    #[serde(default = "nothing")]
    pub config: String,
}

fn nothing() -> String {
    "{}".into()
}

/// A keeper in the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeeperClaim {
    /// The port on loopback where it looks for the daemon; nobody else listens there. It waits until the daemon is healthy.
    pub daemon_port: u16,
    /// From one look to the next; 30 s in seed 002.
    #[serde(default = "every")]
    pub every: Span,
    /// How long a workspace must rest before it is saved; 60 s in seed 002.
    #[serde(default = "rest")]
    pub rest: Span,
    /// The file under which the workspace's snapshot is kept. The image brings one there, which is restored first.
    #[serde(default, deserialize_with = "maybe_absolute_path")]
    pub store: Option<String>,
}

fn every() -> Span {
    Span(std::time::Duration::from_secs(30))
}

fn rest() -> Span {
    Span(std::time::Duration::from_secs(60))
}

impl WorkspaceClaim {
    /// What a type cannot say.
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.daemon.is_none() && self.keeper.is_none() {
            return Err("`workspace` needs a `daemon` or a `keeper`".into());
        }
        if let Some(keeper) = &self.keeper
            && keeper.every.0.is_zero()
        {
            return Err("`workspace.keeper.every` is zero; a keeper looks every so often".into());
        }
        Ok(())
    }
}
