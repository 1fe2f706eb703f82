//! From words on the command line to a plan, and from a plan to a session: what `run`, `list` and the test targets share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adamant_core::check::control::blind_families;
use adamant_core::discover::{
    PlannedTrial, Selector, SubjectFile, plan as multiply, read_cases, read_subject,
};
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::store::Sourcing;

use crate::cli::{EngineArgs, PlanArgs};
use crate::command::Failure;
use crate::engines::Connected;
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

impl PlanArgs {
    /// The options that choose and change what is judged, as words: with the engine, the subject and the trial's name, a
    /// replay. `--image` stands in the report itself.
    #[must_use]
    pub fn replay(&self) -> Vec<String> {
        let cases = self.cases.iter().map(|dir| dir.display().to_string());
        let mut words: Vec<String> = cases.flat_map(|dir| ["--cases".to_owned(), dir]).collect();
        if self.only_cases {
            words.push("--only-cases".into());
        }
        if self.discover {
            words.push("--discover".into());
        }
        let require = self.require.iter().cloned();
        words.extend(require.flat_map(|spec| ["--require".to_owned(), spec]));
        words
    }
}

/// The trials that the words choose.
pub fn plan(args: &PlanArgs) -> Result<Vec<PlannedTrial>, Failure> {
    let (paths, mut selectors) = split(&args.words);
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
    let mut cases = match (args.only_cases, args.discover) {
        (true, _) => Vec::new(),
        (false, true) => standard::all()?,
        (false, false) => standard::cases()?,
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
        // A whole name means its trial alone, even when another's begins with it: a replay must not run more.
        for (word, selector) in &mut selectors {
            if trials.iter().any(|t| t.is_named(word)) {
                *selector = Selector::Name(word.clone());
            }
        }
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
        // A trial's name may end like a file: the last part is an artifact's id.
        let looks_like_a_file = (word.ends_with(".yaml") || word.ends_with(".yml"))
            && !word.contains("::")
            || (word.contains('/') && path.is_dir());
        if path.is_file() || looks_like_a_file || path.join("adamant.yaml").is_file() {
            paths.push(path.to_owned());
        } else {
            selectors.push((word.clone(), Selector::parse(word)));
        }
    }
    (paths, selectors)
}

/// Connects to the engines of a plan and looks up every image: an image that does not exist, or that a subject's run options
/// do not fit, is bad input, before anything runs. A missing engine is a failure unless it was `asked` for: then its trials
/// are broken, each by its name.
pub fn engines_for(
    trials: &[PlannedTrial],
    asked: bool,
    cancel: &Cancel,
) -> Result<Connected, Failure> {
    engines_from(trials, asked, &Sourcing::default(), cancel)
}

/// The same, with images found this way.
pub fn engines_from(
    trials: &[PlannedTrial],
    asked: bool,
    sourcing: &Sourcing,
    cancel: &Cancel,
) -> Result<Connected, Failure> {
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
    let mut connected = engines::connect_with(&names, sourcing, cancel);
    if !asked && let Some((_, missing)) = connected.missing.pop_first() {
        return Err(missing.into());
    }
    let mut subjects: Vec<&Arc<SubjectFile>> = trials.iter().map(|t| &t.subject).collect();
    subjects.sort_by(|a, b| (&a.image, &a.path).cmp(&(&b.image, &b.path)));
    subjects.dedup_by(|a, b| Arc::ptr_eq(a, b));
    for engine in &connected.engines {
        for subject in &subjects {
            let patience = Duration::from_secs(300).mul_f64(env::timeout_scale());
            let image = engine.image(&subject.image, &Deadline::after(patience, cancel))?;
            subject.fits(&image)?;
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
