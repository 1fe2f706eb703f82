//! One file per verb, and the failure that each of them can come to.

pub mod compare;
pub mod explain;
pub mod gc;
pub mod init;
pub mod lint;
pub mod list;
pub mod module;
#[cfg(feature = "workspace")]
pub mod reproduce;
pub mod run;
pub mod schema;
pub mod serve;
mod target;
pub mod test262;
pub mod verify;
#[cfg(feature = "workspace")]
pub mod workspace;

use std::error::Error;

use adamant_core::case::ParseError;
use adamant_core::engine::{EngineError, ErrorKind};

use crate::engines::EnginesError;
use crate::exit;

/// What a verb comes to: its exit code, or a failure that is told on stderr.
pub type Done = Result<u8, Failure>;

/// Why a verb ended early.
#[derive(Debug)]
pub struct Failure {
    /// The error with its causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// The exit code of its class.
    pub code: u8,
}

impl Failure {
    /// Bad input.
    pub fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            hint: None,
            code: exit::BAD_INPUT,
        }
    }

    /// Could not judge.
    pub fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            hint: None,
            code: exit::COULD_NOT_JUDGE,
        }
    }
}

impl From<Vec<ParseError>> for Failure {
    fn from(errors: Vec<ParseError>) -> Self {
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self::input(text.join("\n"))
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::input(error)
    }
}

impl From<EnginesError> for Failure {
    fn from(error: EnginesError) -> Self {
        let code = match &error {
            EnginesError::Unknown(_) | EnginesError::Elsewhere { .. } => exit::BAD_INPUT,
            EnginesError::Missing { .. } => exit::COULD_NOT_JUDGE,
        };
        let hint = error.hint().map(str::to_owned);
        Self {
            error: error.into(),
            hint,
            code,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match error.kind() {
            ErrorKind::Input => exit::BAD_INPUT,
            ErrorKind::Cancelled => exit::signal(signal_hook::consts::SIGINT),
            _ => exit::COULD_NOT_JUDGE,
        };
        let hint = error.get_hint().map(str::to_owned);
        Self {
            error: error.into(),
            hint,
            code,
        }
    }
}
