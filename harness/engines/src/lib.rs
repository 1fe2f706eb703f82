//! Engines: what answers core's questions from real containers.

pub mod docker;
mod image;
pub mod module;
mod probe;
pub mod store;
