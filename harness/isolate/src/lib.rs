//! The reference runtime: JavaScript packages in V8 isolates, read-only, contained, and as Node 24 runs them.
//!
//! An [`Isolate`] is a thread with a warm V8 isolate. [`Isolate::execute`] runs a [`Request`] on a [`Package`] in a context of
//! its own, made from a start-up snapshot of the whole environment, and tells in an [`Execution`] what became of it.

mod ahead;
mod builtins;
mod cache;
mod commonjs;
pub mod confine;
mod control;
mod drive;
mod error;
mod esm;
mod execution;
mod isolate;
mod memory;
mod native;
mod output;
mod platform;
pub mod pool;
mod report;
mod run;
mod seat;
mod snapshot;
mod sources;
pub mod startup;
mod terminal;
pub mod test262;
mod waiting;
pub mod worker;

pub use adamant_network::Network;
pub use cache::{CacheMetrics, CodeCache};
pub use error::EngineError;
pub use execution::{
    Execution, Health, Limits, Mode, Outcome, Package, Request, Response, Thrown, Timings,
};
pub use isolate::{Isolate, lost_isolates};
pub use memory::Memory;
pub use output::{Chunk, Output, Stream};
pub use terminal::{Action, Step, Terminal};
