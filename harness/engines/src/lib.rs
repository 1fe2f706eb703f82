//! Engines: what answers core's questions from real containers.

pub mod docker;
pub mod image;
mod probe;
