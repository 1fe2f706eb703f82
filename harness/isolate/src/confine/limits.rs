//! What a confined process may use up, held by the kernel.

use super::ConfineError;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::time::Duration;

/// Bounds on a whole process. What a single execution may use is bounded more closely, and inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of private writable memory: heaps, buffers, WebAssembly memories and stacks of all kinds alike.
    ///
    /// Address space is no measure: V8 reserves gigabytes of it that it never uses. Only what it reserves for code counts
    /// from the start, because that may be written at any time: 512 MiB in the first isolate, so less is too little.
    pub memory: Option<u64>,
    /// Processor time of all threads, rounded up to seconds. The process is killed when it is used up.
    pub cpu: Option<Duration>,
    /// How many descriptors may be open at once.
    pub descriptors: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            cpu: None,
            descriptors: 256,
        }
    }
}

pub(super) fn set(limits: &Limits) -> Result<(), ConfineError> {
    // A core file would hold the memory of guests. The size of files stays free: standard error may be one.
    set_one(Resource::Core, "core files", 0)?;
    set_one(Resource::Nofile, "descriptors", limits.descriptors)?;
    if let Some(bytes) = limits.memory {
        set_one(Resource::Data, "memory", bytes)?;
    }
    if let Some(time) = limits.cpu {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        set_one(Resource::Cpu, "processor time", seconds)?;
    }
    Ok(())
}

fn set_one(resource: Resource, name: &'static str, value: u64) -> Result<(), ConfineError> {
    let limit = Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(resource, limit).map_err(|errno| ConfineError::Limit(name, errno))
}
