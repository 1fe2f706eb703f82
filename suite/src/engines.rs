//! Which engines run: exactly those that were asked for, else all that this host supports.

use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{Engine, EngineError};
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::docker::Docker;

/// Every engine by name.
pub const KNOWN: &[&str] = &["docker"];

/// Why no engine can be had.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// The name is not an engine's.
    #[error("unknown engine `{0}`; known engines: {known}", known = KNOWN.join(", "))]
    Unknown(String),
    /// It does not answer.
    #[error("engine `{name}` cannot run here")]
    Missing {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: EngineError,
    },
}

/// The names that will run, without touching any engine: what `list` shows.
pub fn names(asked: Option<&[String]>) -> Result<Vec<&'static str>, EnginesError> {
    let Some(asked) = asked else {
        return Ok(KNOWN.to_vec());
    };
    let known = |name: &String| {
        KNOWN
            .iter()
            .copied()
            .find(|k| k == name)
            .ok_or_else(|| EnginesError::Unknown(name.clone()))
    };
    let mut names: Vec<&'static str> = asked.iter().map(known).collect::<Result<_, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Connects to the engines; one that was asked for, or the only one there is, must answer.
pub fn connect(
    names: &[&'static str],
    cancel: &Cancel,
) -> Result<Vec<Arc<dyn Engine>>, EnginesError> {
    let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
    for name in names {
        let deadline = Deadline::after(Duration::from_secs(20), cancel);
        let docker = Docker::new();
        let missing = |source| EnginesError::Missing {
            name: (*name).to_owned(),
            source,
        };
        docker.describe(&deadline).map_err(missing)?;
        engines.push(Arc::new(docker));
    }
    Ok(engines)
}
