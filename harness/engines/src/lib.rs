//! Engines: what answers core's questions from real containers.

mod ask;
mod converse;
pub mod docker;
mod drift;
mod embedded;
mod given;
pub mod image;
mod launch;
pub mod module;
pub mod oci;
mod owner;

pub mod store;
mod supervisor;
