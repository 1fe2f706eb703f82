//! Runtimes that run module cases: any that speaks the adapter protocol, our isolates among them, and Node as the oracle.

mod adapter;
mod capture;
mod child;
mod node;
mod prepare;
mod terminal;
mod trap;

pub use adapter::Adapter;
pub use node::Node;
