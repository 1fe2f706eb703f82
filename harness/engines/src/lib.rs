//! Engines: what answers core's questions from real containers.

pub mod docker;
mod image;
mod probe;
pub mod store;
