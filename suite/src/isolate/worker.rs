//! The verb `worker`: runs packages for whoever asks, in a process that the kernel confines.

use std::path::PathBuf;

use adamant::command::{Done, Failure};
use adamant::exit;
use adamant_isolate::confine::{Limits, Policy};
use adamant_isolate::worker::guest;

/// Answers until nobody asks any more; keeps the compiled code of `modules` modules.
pub(crate) fn serve(readable: &[PathBuf], memory: Option<u64>, modules: usize) -> Done {
    let policy = Policy {
        readable: readable.to_vec(),
        limits: Limits {
            memory,
            ..Limits::default()
        },
    };
    guest::serve(&policy, modules).map_err(Failure::broken)?;
    Ok(exit::HELD)
}
