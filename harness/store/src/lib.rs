//! Keeps workspaces: the daemon that makes and restores snapshots, the store that holds them, and the saver between the two.
//!
//! - [`archive`]: tars of workspaces, read with suspicion.
//! - [`Key`]: what a snapshot is called.
//! - `daemon`: the HTTP routes beside a workspace (feature `daemon`; static as `adamant-workspace`).
//! - `objects`: snapshots on a file system or in S3 (feature `keep`).
//! - `saver`: asks daemons, saves what changed, restores before a boot (feature `keep`).

pub mod archive;
#[cfg(feature = "daemon")]
pub mod daemon;
mod env;
mod key;
#[cfg(feature = "keep")]
pub mod objects;
pub mod routes;
#[cfg(feature = "keep")]
pub mod saver;

pub use key::{Key, KeyError};

use std::error::Error;

/// An error with its causes, on one line.
#[must_use]
pub fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
