//! Adamant's front: the command line, and what the cargo-test targets share with it.

pub mod cli;
pub mod command;
pub mod engines;
pub mod exit;
pub mod judge;
pub mod modules;
pub mod names;
#[cfg(feature = "workspace")]
pub mod reproduce;
pub mod signal;
pub mod standard;
pub mod verify;
