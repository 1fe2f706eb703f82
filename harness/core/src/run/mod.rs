//! One trial at a time: resolve, boot, wait, ask, judge, remove; every wait bounded, every trial with a verdict.

mod boots;
mod deadline;
mod discover;
mod gate;
mod judge;
mod manifest;
mod module;
mod outcome;
mod resolve;
mod session;
mod trial;
mod visit;
mod waive;

pub use deadline::{Cancel, Deadline};
pub use module::ModuleSession;
pub(crate) use outcome::HELD;
pub use outcome::{Outcome, PlacedFinding, Skip, Totals, Verdict, Waived};
pub use resolve::monotonic_ns;
pub(crate) use resolve::{absent_paths, owner, tmpfs_options};
pub use session::{Missing, Options, Session};
pub use visit::{Visit, Visitor};
