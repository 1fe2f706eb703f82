//! Which engines run: exactly those that were asked for, else the daemon that answers, else the one that needs none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::{Engine, EngineError, ErrorKind};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline, Missing};
use adamant_engines::docker::{self, Docker};
use adamant_engines::oci::Oci;
use adamant_engines::store::Sourcing;

/// Every engine by name, in this build or another.
pub const KNOWN: &[&str] = &["adapter", "docker", "isolate", "node", "oci"];
/// The engines of this build that run images.
pub(crate) const BUILT: &[&str] = &["docker", "oci"];
/// The engines that run module cases.
pub const MODULE: &[&str] = &["adapter", "isolate", "node"];

/// Why no engine can be had.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// The name is not an engine's.
    #[error("unknown engine `{0}`; known engines: {known}", known = KNOWN.join(", "))]
    Unknown(String),
    /// None of those that were asked for does this kind of work.
    #[error("{asked} cannot {work}; engines that can: {able}")]
    Elsewhere {
        /// What was asked for.
        asked: String,
        /// What is to be done.
        work: &'static str,
        /// Who could.
        able: String,
    },
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
            Self::Unknown(_) | Self::Elsewhere { .. } => None,
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

/// The names that will run images, without asking any engine: what `list` shows.
///
/// Where nobody asked, one engine judges: users wait for one verdict of each case, not for two that are the same.
pub fn names(asked: Option<&[String]>) -> Result<Vec<&'static str>, EnginesError> {
    let Some(asked) = asked else {
        return Ok(vec![if docker::listens() { "docker" } else { "oci" }]);
    };
    let mut names = known(asked)?;
    // One list may ask for engines of both kinds: each run takes its own.
    names.retain(|name| !MODULE.contains(name));
    if names.is_empty() {
        return Err(elsewhere(asked, "run images", BUILT));
    }
    Ok(names)
}

/// The names of those that were asked for and run module cases.
pub fn module_names(asked: &[String]) -> Result<Vec<&'static str>, EnginesError> {
    let mut names = known(asked)?;
    names.retain(|name| MODULE.contains(name));
    if names.is_empty() {
        return Err(elsewhere(asked, "run module cases", MODULE));
    }
    Ok(names)
}

fn elsewhere(asked: &[String], work: &'static str, able: &[&str]) -> EnginesError {
    let asked: Vec<String> = asked.iter().map(|a| format!("`{a}`")).collect();
    EnginesError::Elsewhere {
        asked: asked.join(", "),
        work,
        able: able.join(", "),
    }
}

fn known(asked: &[String]) -> Result<Vec<&'static str>, EnginesError> {
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
    connect_with(names, &Sourcing::default(), cancel)
}

/// The first of the asked-for engines, or of this build's, that answers.
pub fn first(
    asked: Option<&[String]>,
    sourcing: &Sourcing,
    cancel: &Cancel,
) -> Result<Arc<dyn Engine>, EnginesError> {
    let mut first_failure = None;
    for name in names(asked)? {
        let mut connected = connect_with(&[name], sourcing, cancel);
        match (connected.engines.pop(), connected.missing.pop_first()) {
            (Some(engine), _) => return Ok(engine),
            (None, Some((_, missing))) => drop(first_failure.get_or_insert(missing)),
            (None, None) => {}
        }
    }
    Err(first_failure.unwrap_or_else(|| EnginesError::Unknown(String::new())))
}

/// Connects to the engines, which find images this way.
#[must_use]
pub fn connect_with(names: &[&'static str], sourcing: &Sourcing, cancel: &Cancel) -> Connected {
    let mut connected = Connected::default();
    for name in names {
        match one(name, sourcing, cancel) {
            Ok(engine) => connected.engines.push(engine),
            Err(source) => {
                let error = EnginesError::Missing { name, source };
                connected.missing.insert(name, error);
            }
        }
    }
    connected
}

fn one(name: &str, sourcing: &Sourcing, cancel: &Cancel) -> Result<Arc<dyn Engine>, EngineError> {
    if !BUILT.contains(&name) {
        let error = EngineError::new(ErrorKind::Unsupported, format!("connect to `{name}`"));
        return Err(error.caused_by("this build does not have it").hint(format!(
            "leave `{name}` out of `--engine` and `ADAMANT_ENGINES`; this build has {}",
            BUILT.join(", ")
        )));
    }
    let engine: Arc<dyn Engine> = if name == "oci" {
        Arc::new(Oci::with(sourcing.clone()))
    } else {
        Arc::new(Docker::with(sourcing.clone()))
    };
    engine.describe(&Deadline::after(Duration::from_secs(20), cancel))?;
    Ok(engine)
}
