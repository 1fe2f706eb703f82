//! The execution engine of seed 001: functions behind HTTP, each execution in an isolate of a pool.
//!
//! - [`Config`]: the seed's environment variables.
//! - [`Catalog`]: what is known of a function: where its package is, and its environment.
//! - [`Packages`]: fetches packages, keeps them by their content.
//! - [`Engine`]: `execute(package, context, functionId)`, and all around it.
//! - [`http`]: routes, limits, deadlines, the end.

mod catalog;
mod config;
mod engine;
mod env;
mod events;
mod front;
pub mod http;
mod metrics;
mod package;
mod seat;

pub use catalog::{Catalog, CatalogError, Function, Postgres, Sqlite};
pub use config::{Config, Containment, Fault, Faults};
pub use engine::{Call, Done, Engine, ExecuteError};
pub use events::Events;
pub use front::{Binding, ServeArgs, ServeError, Told, serve};
pub use metrics::{ModuleCacheMetrics, Report};
pub use package::{Loaded, PackageError, Packages, Source};
pub use seat::{Guests, Seat};
