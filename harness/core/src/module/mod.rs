//! Module cases: what a JavaScript package must do in any runtime, and the one seam behind which every runtime stands.
//!
//! A *module case* is a package, one or several executions of it, and checks of what came back. A *host* is a runtime that is
//! judged or asked as the oracle: our isolates, Node 24, or whatever speaks the adapter protocol ([`wire`]).

mod bundle;
mod case;
mod compare;
mod driver;
mod files;
mod host;
mod plan;
mod schema;
pub mod wire;

pub use bundle::{BundleFile, bundle};
pub use case::{Declared, LimitSpec, ModuleCase, RunSpec};
pub use compare::{Difference, differences};
pub(crate) use driver::take_exports;
pub use files::{FileSpec, Many};
pub use host::{
    Answered, Executed, HostDescription, HostPlan, HostTrace, ModuleHost, ProcessSeen, Sight,
};
pub use plan::{
    Catalogue, ModuleCaseFile, ModuleTrial, Packages, Prepared, SUBJECT, Seed, parse_module_cases,
    plan_modules, read_module_cases,
};
pub use schema::module_schema;
