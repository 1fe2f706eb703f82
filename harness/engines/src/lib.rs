//! Engines: what answers core's questions from real containers.

pub mod docker;
pub mod image;
pub mod module;
mod probe;
pub mod store;
