//! Which engines run: exactly those that were asked for, else the daemon that answers, else the one that needs none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{Engine, EngineError, ErrorKind};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline, Missing};
use adamant_engines::docker::{self, Docker};
use adamant_engines::oci::Oci;

/// Every engine by name, in this build or another.
pub const KNOWN: &[&str] = &["adapter", "docker", "isolate", "node", "oci"];
/// The engines of this build.
pub(crate) const BUILT: &[&str] = &["docker", "oci"];

/// Why no engine can be had.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// The name is not an engine's.
    #[error("unknown engine `{0}`; known engines: {known}", known = KNOWN.join(", "))]
    Unknown(String),
    /// It does not answer, or is not in this build.
    #[error("engine `{name}` cannot run here")]
    Missing {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: EngineError,
    },
}

impl EnginesError {
    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unknown(_) => None,
            Self::Missing { source, .. } => source.get_hint(),
        }
    }
}

/// The engines that answer, and those that were asked for and do not.
#[derive(Default)]
pub struct Connected {
    /// Those that answer.
    pub engines: Vec<Arc<dyn Engine>>,
    /// Why each of the others does not.
    pub missing: BTreeMap<&'static str, EnginesError>,
}

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.engines.iter().map(|e| e.name()).collect();
        f.debug_struct("Connected")
            .field("engines", &names)
            .field("missing", &self.missing)
            .finish()
    }
}

impl Connected {
    /// The same for a session: trials on a missing engine are broken.
    #[must_use]
    pub fn missing(&self) -> BTreeMap<&'static str, Missing> {
        let told = |(name, error): (&&'static str, &EnginesError)| {
            (
                *name,
                (text::causes(error), error.hint().map(str::to_owned)),
            )
        };
        self.missing.iter().map(told).collect()
    }
}

/// The names that will run, without asking any engine: what `list` shows.
///
/// Where nobody asked, one engine judges: users wait for one verdict of each case, not for two that are the same.
pub fn names(asked: Option<&[String]>) -> Result<Vec<&'static str>, EnginesError> {
    let Some(asked) = asked else {
        return Ok(vec![if docker::listens() { "docker" } else { "oci" }]);
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

/// Connects to the engines; what does not answer is kept with its reason.
#[must_use]
pub fn connect(names: &[&'static str], cancel: &Cancel) -> Connected {
    let mut connected = Connected::default();
    for name in names {
        match one(name, cancel) {
            Ok(engine) => connected.engines.push(engine),
            Err(source) => {
                let error = EnginesError::Missing { name, source };
                connected.missing.insert(name, error);
            }
        }
    }
    connected
}

fn one(name: &str, cancel: &Cancel) -> Result<Arc<dyn Engine>, EngineError> {
    if !BUILT.contains(&name) {
        let error = EngineError::new(ErrorKind::Unsupported, format!("connect to `{name}`"));
        return Err(error.caused_by("this build does not have it").hint(format!(
            "leave `{name}` out of `--engine` and `ADAMANT_ENGINES`; this build has {}",
            BUILT.join(", ")
        )));
    }
    let engine: Arc<dyn Engine> = if name == "oci" {
        Arc::new(Oci::new())
    } else {
        Arc::new(Docker::new())
    };
    engine.describe(&Deadline::after(Duration::from_secs(20), cancel))?;
    Ok(engine)
}
