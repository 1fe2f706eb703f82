//! What a claim and a subject are: typed, parsed with their places, and described by a JSON Schema.

mod altered;
mod artifact;
mod budget;
mod compose;
mod control;
mod document;
mod endpoint;
mod interpolate;
mod manifest;
mod option;
mod parse;
mod schema;
mod subject;
mod value;
mod variable;
mod waiver;
mod workspace;

pub use altered::ManifestState;
pub use artifact::{Artifact, ArtifactKind, Load};
pub use budget::{Budget, Budgets, Statistic};
pub use compose::ComposeError;
pub use control::{Also, Control};
pub use document::{
    Boot, Case, Claim, Clock, FaultForm, FaultKind, Hardening, Level, NetworkMode, Rootfs, State,
    Storage,
};
pub use endpoint::Endpoint;
pub use manifest::{Manifest, ManifestError};
pub use option::{Memory, Mount};
pub(crate) use parse::text;
pub use parse::{At, ParseError, Place, nearest, parse_text, read};
pub(crate) use schema::pretty_schema;
pub use schema::{case_schema, subject_schema};
pub use subject::{
    Entrypoint, EventFormat, EventsClaim, ExitTarget, ExpectFail, External, Fatal, HttpTarget,
    ManifestSource, MayFail, Need, OutputTarget, Program, Ready, Run, StopClaim, StreamChoice,
    Subject, TcpTarget, UnixTarget,
};
pub use value::{Pattern, Span};
pub use variable::{FromSubject, Var, variables};
pub use waiver::{Day, Waiver};
pub use workspace::{AppClaim, DaemonClaim, KeeperClaim, RoutesClaim, WorkspaceClaim};
