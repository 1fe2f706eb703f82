//! HTTP for guests that have no sockets: a process outside of their sandbox, the broker, asks for them what is granted.
//!
//! A sandboxed process holds two pipes, the wire to its broker. What it may reach was said to the broker when it was started;
//! nothing that comes over the wire changes that. The broker resolves names itself and connects to the addresses that it judged.

#[cfg(feature = "broker")]
mod broker;
mod client;
mod grant;
mod wire;

#[cfg(feature = "broker")]
pub use broker::serve;
pub use client::{Event, Exchange, Network};
pub use grant::{Grant, GrantError, Grants, Refusal};
pub use wire::{Failure, RequestHead, ResponseHead};
