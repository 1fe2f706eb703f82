//! One trial at a time: resolve, boot, wait, ask, judge, remove; every wait bounded, every trial with a verdict.

mod boots;
mod deadline;
mod gate;
mod judge;
mod outcome;
mod resolve;
mod session;
mod trial;
mod waive;

pub use deadline::{Cancel, Deadline};
pub use outcome::{Outcome, PlacedFinding, Skip, Totals, Verdict, Waived};
pub use resolve::monotonic_ns;
pub use session::{Missing, Options, Session};
