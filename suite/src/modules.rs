//! From words on the command line to module trials and the runtimes that run them: what `run`, `list`, `compare` and the test
//! target share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::check::module::control::blind_module_families;
use adamant_core::discover::Selector;
use adamant_core::engine::EngineError;
use adamant_core::env;
use adamant_core::module::{
    Catalogue, ModuleHost, ModuleTrial, Prepared, SUBJECT, Seed, plan_modules, read_module_cases,
};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline, Missing};
use adamant_engines::module::{Adapter, Node};

use crate::cli::{PlanArgs, RunArgs};
use crate::command::{Failure, test262};
use crate::engines::module_names;
use crate::{names, standard};

/// Our patience with a runtime that starts.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether module cases are asked for; together with a subject file they are bad input.
pub fn are_asked(words: &[String]) -> Result<bool, Failure> {
    let asked = words.first().is_some_and(|word| word == SUBJECT);
    if !asked && words.iter().any(|word| word == SUBJECT) {
        return Err(Failure {
            error: format!("`{SUBJECT}` does not stand first").into(),
            hint: Some("images and module loaders are judged in runs of their own: `adamant run module [SELECTOR…]`".into()),
            code: crate::exit::BAD_INPUT,
        });
    }
    Ok(asked)
}

/// Options that only module cases have are bad input elsewhere.
pub fn refuse_module_options(args: &RunArgs) -> Result<(), Failure> {
    let option = match (&args.plan.engines.adapter, &args.seed) {
        (Some(_), _) => "--adapter",
        (None, Some(_)) => "--seed",
        (None, None) => return Ok(()),
    };
    Err(Failure {
        error: format!("`{option}` is for module cases").into(),
        hint: Some("adamant run --adapter COMMAND module".into()),
        code: crate::exit::BAD_INPUT,
    })
}

/// What is judged, and on what.
#[derive(Debug)]
pub struct Plan {
    /// In order.
    pub trials: Vec<ModuleTrial>,
    /// All cases, chosen or not, and the packages.
    pub catalogue: Catalogue,
    /// The engines.
    pub engines: Vec<&'static str>,
    /// Whether they were named, so that each is required.
    pub required: bool,
}

/// The cases: those of this build and those of further folders.
pub fn catalogue(dirs: &[std::path::PathBuf], only: bool) -> Result<Catalogue, Failure> {
    let cases = if only {
        Vec::new()
    } else {
        standard::module_cases()?
    };
    let packages = Arc::new(standard::module_packages());
    let mut catalogue = Catalogue { cases, packages };
    for dir in dirs {
        catalogue.cases.extend(read_module_cases(dir)?);
    }
    Ok(catalogue)
}

/// The trials that the words choose.
pub fn plan(args: &PlanArgs) -> Result<Plan, Failure> {
    if args.image.is_some() {
        return Err(Failure::input(
            "`--image` is for images; module cases have none",
        ));
    }
    let catalogue = catalogue(&args.cases, args.only_cases)?;
    let asked = args.engines.asked();
    let adapter = args.engines.adapter.is_some();
    let (engines, required) = match asked {
        Some(asked) => (module_names(&asked)?, true),
        None if adapter => (vec!["adapter"], true),
        None => (vec!["isolate", "node"], false),
    };
    if engines.contains(&"adapter") != adapter {
        return Err(Failure {
            error: if adapter {
                "`--adapter` stands beside engines that leave `adapter` out".into()
            } else {
                "engine `adapter` was asked for and `--adapter` does not say which".into()
            },
            hint: Some("adamant run --adapter COMMAND module".into()),
            code: crate::exit::BAD_INPUT,
        });
    }
    names::check_specs(
        &args.require,
        catalogue.cases.iter().map(|c| c.case.spec.as_str()),
    )
    .map_err(Failure::input)?;
    let all = plan_modules(&engines, &catalogue.cases);
    let mut names: Vec<_> = all.iter().map(ModuleTrial::path).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::input(format!(
            "two trials would be named `{}`; rename a case",
            twice[0].display()
        )));
    }
    let trials = choose(all, args.words.get(1..).unwrap_or_default())?;
    Ok(Plan {
        trials,
        catalogue,
        engines,
        required,
    })
}

/// The trials that selectors choose; none chooses all.
pub fn choose(mut trials: Vec<ModuleTrial>, words: &[String]) -> Result<Vec<ModuleTrial>, Failure> {
    let mut selectors = Vec::new();
    for word in words {
        // A whole name means its trial alone: a replay must not run more.
        let selector = if trials.iter().any(|t| t.is_named(word)) {
            Selector::Name(word.clone())
        } else {
            Selector::parse(word)
        };
        if !trials.iter().any(|t| t.is_chosen(&selector)) {
            return Err(Failure {
                error: format!("`{word}` chooses no module case").into(),
                hint: Some("`adamant list module` shows every trial".into()),
                code: crate::exit::BAD_INPUT,
            });
        }
        selectors.push(selector);
    }
    trials.retain(|t| selectors.is_empty() || selectors.iter().any(|s| t.is_chosen(s)));
    Ok(trials)
}

/// The seed that was given, or a new one.
pub fn seed(given: Option<&str>) -> Result<Seed, Failure> {
    given.map_or_else(
        || Ok(Seed::random()),
        |text| Seed::parse(text).map_err(Failure::input),
    )
}

/// Bad input in any case is told before anything runs.
pub fn check(plan: &Plan, seed: Seed) -> Result<(), Failure> {
    let blind = blind_module_families();
    if !blind.is_empty() {
        return Err(Failure::broken(format!(
            "the controls of these checks were not caught, so no verdict can be trusted: {}",
            blind.join("; ")
        )));
    }
    let mut last = None;
    for trial in &plan.trials {
        // A case is prepared once, whatever the number of engines.
        if last != Some(&trial.case.id) {
            Prepared::new(trial, &plan.catalogue.packages, seed)?;
        }
        last = Some(&trial.case.id);
    }
    Ok(())
}

/// The runtimes that answer, and why the others do not.
#[derive(Default)]
pub struct Hosts {
    /// Those that answer.
    pub hosts: Vec<Arc<dyn ModuleHost>>,
    /// Why each of the others does not.
    pub missing: BTreeMap<&'static str, EngineError>,
}

impl std::fmt::Debug for Hosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.hosts.iter().map(|h| h.name()).collect();
        f.debug_struct("Hosts")
            .field("hosts", &names)
            .field("missing", &self.missing)
            .finish()
    }
}

impl Hosts {
    /// For a session: trials on a missing engine are broken.
    #[must_use]
    pub fn missing(&self) -> BTreeMap<&'static str, Missing> {
        let told = |(name, error): (&&'static str, &EngineError)| {
            let mut chain = vec![format!("engine `{name}` cannot run here")];
            chain.extend(text::causes(error));
            (*name, (chain, error.get_hint().map(str::to_owned)))
        };
        self.missing.iter().map(told).collect()
    }
}

/// Starts each runtime once, to hear who it is; `isolate` is our executable with V8.
pub fn hosts(
    engines: &[&'static str],
    adapter: Option<&str>,
    isolate: Option<&Path>,
    cancel: &Cancel,
) -> Result<Hosts, Failure> {
    let mut hosts = Hosts::default();
    for name in engines {
        let host: Arc<dyn ModuleHost> = match (*name, adapter) {
            ("adapter", Some(command)) => {
                Arc::new(Adapter::command(command).map_err(Failure::input)?)
            }
            ("node", _) => Arc::new(Node::new()),
            _ => match isolate {
                Some(program) => Arc::new(Adapter::isolate(program)),
                None => {
                    let program = test262::beside().map_err(|why| test262::missing(&why))?;
                    Arc::new(Adapter::isolate(&program))
                }
            },
        };
        let patience = PATIENCE.mul_f64(env::timeout_scale());
        match host.describe(&Deadline::after(patience, cancel)) {
            Ok(_) => hosts.hosts.push(host),
            // A command that cannot be started, or is no adapter, is told once and not by each trial.
            Err(error) if *name == "adapter" => return Err(error.into()),
            Err(error) => {
                hosts.missing.insert(name, error);
            }
        }
    }
    Ok(hosts)
}
