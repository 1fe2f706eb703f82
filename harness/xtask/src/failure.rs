//! Why a verb could not do its work, and with which code that ends.

use std::fmt;

/// The one line that brings what we use from the system. We print it, we do not run it.
const INSTALL: &str = "apt-get install -y docker.io busybox-static mmdebstrap g++ musl-tools npm";

#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// What we were given is wrong: a verb, a name, a recipe.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            message: message.into(),
            hint: None,
        }
    }

    /// This host did not let us.
    pub(crate) fn host(message: impl Into<String>) -> Self {
        Self {
            code: 3,
            message: message.into(),
            hint: None,
        }
    }

    /// Something of the system is not installed.
    pub(crate) fn not_installed(message: impl Into<String>) -> Self {
        Self::host(message).with_hint(format!("install what Adamant uses: `{INSTALL}`"))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// A hint for a failure that has none of its own.
    pub(crate) fn or_hint(self, hint: impl FnOnce() -> String) -> Self {
        let hint = self.hint.clone().or_else(|| Some(hint()));
        Self { hint, ..self }
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl From<std::io::Error> for Failure {
    /// `fs_err` has named the file already.
    fn from(error: std::io::Error) -> Self {
        Self::host(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
