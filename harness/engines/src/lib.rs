//! Engines: what answers core's questions from real containers.

mod ask;
pub mod docker;
mod drift;
mod embedded;
mod image;
pub mod oci;
mod owner;
mod supervisor;
