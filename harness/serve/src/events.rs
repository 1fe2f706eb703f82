//! A log of what happened, one JSON object a line, written where it happens: no counter is asked.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// Where events go; nowhere, unless a file is named.
#[derive(Debug, Clone, Default)]
pub struct Events(Option<Arc<Mutex<File>>>);

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event<'a> {
    /// An isolate is ready.
    Created {
        isolate: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// An isolate ends.
    Destroyed { isolate: u64 },
    /// A request had its execution.
    Executed {
        function: &'a str,
        isolate: u64,
        outcome: &'a str,
        /// Whether the isolate is replaced after it.
        corrupted: bool,
        /// Whether the isolate ran nothing before.
        fresh: bool,
        waited_us: u128,
        run_us: u128,
    },
    /// A request had none.
    Refused { function: &'a str, reason: &'a str },
}

impl Events {
    /// Appends to a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn to(path: &Path) -> io::Result<Self> {
        let file = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        Ok(Self(Some(Arc::new(Mutex::new(file.into_file())))))
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        let Some(file) = &self.0 else {
            return;
        };
        let Ok(mut line) = serde_json::to_vec(event) else {
            return;
        };
        line.push(b'\n');
        // A full disk must not stop the service; the log then ends early.
        let _ = file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line);
    }
}
