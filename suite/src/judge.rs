//! From words on the command line to a plan, and from a plan to a session: what `run`, `list` and the test targets share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adamant_core::check::control::blind_families;
use adamant_core::discover::{PlannedTrial, Selector, plan as multiply, read_cases, read_subject};
use adamant_core::engine::{Engine, ImageSource};
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};

use crate::cli::{EngineArgs, PlanArgs};
use crate::command::Failure;
use crate::{engines, names, standard};

impl EngineArgs {
    /// The engines asked for by option or environment.
    #[must_use]
    pub fn asked(&self) -> Option<Vec<String>> {
        if self.names.is_empty() {
            env::engines()
        } else {
            Some(self.names.clone())
        }
    }
}

/// The trials that the words choose.
pub fn plan(args: &PlanArgs) -> Result<Vec<PlannedTrial>, Failure> {
    let (paths, selectors) = split(&args.words);
    let paths = if paths.is_empty() {
        vec![PathBuf::from("adamant.yaml")]
    } else {
        paths
    };
    if !paths[0].exists() {
        let mut failure = Failure::input(format!(
            "no subject was named and `{}` is not here",
            paths[0].display()
        ));
        failure.hint = Some("name a subject file: `adamant run path/to/adamant.yaml`".into());
        return Err(failure);
    }
    let mut cases = if args.only_cases {
        Vec::new()
    } else {
        standard::cases()?
    };
    for dir in &args.cases {
        cases.extend(read_cases(dir)?);
    }
    let subjects = paths
        .iter()
        .map(|p| read_subject(p, args.image.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = subjects.iter().map(|s| s.subject.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::input(format!(
            "two subjects are named `{}`; give one of them a `name`",
            twice[0]
        )));
    }
    let engines = engines::names(args.engines.asked().as_deref())?;
    names::check(&args.require, &subjects, &cases).map_err(Failure::input)?;
    let mut trials = multiply(&engines, &subjects, &cases);
    names::check_unique(&trials).map_err(Failure::input)?;
    if !selectors.is_empty() {
        if let Some(none) = selectors
            .iter()
            .find(|(_, s)| !trials.iter().any(|t| s.chooses(t)))
        {
            let mut failure = Failure::input(format!(
                "`{}` is no subject file and chooses no trial",
                none.0
            ));
            failure.hint = Some("`adamant list SUBJECT` shows every trial".into());
            return Err(failure);
        }
        trials.retain(|t| selectors.iter().any(|(_, s)| s.chooses(t)));
    }
    Ok(trials)
}

/// Subject paths and selectors: a word that is a file or a directory is a subject.
fn split(words: &[String]) -> (Vec<PathBuf>, Vec<(String, Selector)>) {
    let mut paths = Vec::new();
    let mut selectors = Vec::new();
    for word in words {
        let path = Path::new(word);
        let looks_like_a_file = word.ends_with(".yaml")
            || word.ends_with(".yml")
            || (word.contains('/') && path.is_dir());
        if path.is_file() || looks_like_a_file || path.join("adamant.yaml").is_file() {
            paths.push(path.to_owned());
        } else {
            selectors.push((word.clone(), Selector::parse(word)));
        }
    }
    (paths, selectors)
}

/// Connects to the engines of a plan and looks up every image: an image that does not exist is bad input, before anything runs.
pub fn engines_for(
    trials: &[PlannedTrial],
    cancel: &Cancel,
) -> Result<Vec<Arc<dyn Engine>>, Failure> {
    let blind = blind_families();
    if !blind.is_empty() {
        return Err(Failure::broken(format!(
            "the controls of these checks were not caught, so no verdict can be trusted: {}",
            blind.join("; ")
        )));
    }
    let mut names: Vec<&'static str> = trials.iter().map(|t| t.engine).collect();
    names.sort_unstable();
    names.dedup();
    let connected = engines::connect(&names, cancel)?;
    let mut sources: Vec<&ImageSource> = trials.iter().map(|t| &t.subject.image).collect();
    sources.sort_unstable();
    sources.dedup();
    for engine in &connected {
        for source in &sources {
            engine.image(
                source,
                &Deadline::after(
                    Duration::from_secs(300).mul_f64(env::timeout_scale()),
                    cancel,
                ),
            )?;
        }
    }
    Ok(connected)
}

/// An id for a run: unique on this host, short enough for labels and names.
#[must_use]
pub fn run_id() -> String {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}-{:x}", since.as_millis(), std::process::id())
}
