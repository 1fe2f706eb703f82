//! Why an engine could not answer: always our trouble or the host's, never a verdict on the subject.

use std::error::Error;

/// A failed engine call: what was attempted, on what, and the cause below it.
#[derive(Debug, thiserror::Error)]
#[error("failed to {attempt}")]
pub struct EngineError {
    attempt: String,
    kind: ErrorKind,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
}

/// What kind of trouble it is; decides between bad input and could-not-judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The engine does not answer or refused.
    Engine,
    /// The time for the call was up.
    TimedOut,
    /// The run was interrupted.
    Cancelled,
    /// What the user named does not exist or cannot be read: an image, a file.
    Input,
    /// This host cannot do it.
    Unsupported,
}

impl EngineError {
    /// `attempt` completes "failed to …" and names its object in backticks.
    pub fn new(kind: ErrorKind, attempt: impl Into<String>) -> Self {
        Self {
            attempt: attempt.into(),
            kind,
            source: None,
            hint: None,
        }
    }

    /// With the cause, which the chain printer shows on its own line.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// With what the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The kind of trouble.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn get_hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
