//! `cargo test -p adamant-engines --test contract`: what every engine must do, on the fake, on a daemon and without one.
//!
//! The images are the fixtures `shell` and `execute-node`, which `cargo xtask images` builds.

#[path = "contract/claims.rs"]
mod claims;
#[path = "contract/networks.rs"]
mod networks;
#[path = "contract/programs.rs"]
mod programs;
#[path = "contract/stage.rs"]
mod stage;
#[path = "contract/traced.rs"]
mod traced;

use std::process::ExitCode;
use std::sync::Arc;

use adamant_core::engine::Engine;
use adamant_core::engine::fake::Fake;
use adamant_core::env;
use adamant_engines::docker::{self, Docker};
use adamant_engines::oci::Oci;
use libtest_mimic::{Arguments, Completion, Trial};

use crate::claims::Claim;
use crate::stage::Stage;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let engines = Engines {
        docker: Arc::new(Docker::new()),
        fake: Arc::new(stage::fake()),
        oci: Arc::new(Oci::new()),
    };
    let mut trials = Vec::new();
    for claim in claims::ALL {
        for engine in ["docker", "fake", "oci"] {
            let name = format!("{engine}::{}", claim.name);
            let chosen = engines.named(engine);
            trials.push(Trial::ignorable_test(name, move || {
                match absence(engine, claim.scripted) {
                    Some(reason) => Ok(Completion::ignored_with(reason)),
                    None => held(claim, &Stage::new(engine, &chosen)?).map_err(Into::into),
                }
            }));
        }
    }
    libtest_mimic::run(&args, trials).exit_code()
}

/// Holds an engine to a claim. What a product is declared not to meet is told with its reason, and must show itself as it is
/// declared: a declaration that is not true any more fails.
fn held(claim: &Claim, stage: &Stage) -> stage::Result<Completion> {
    let held = (claim.holds)(stage).map(|()| Completion::Completed);
    let Some(unmet) = claim.unmet else {
        return held;
    };
    let described = stage.engine.describe(&stage::deadline());
    let version = described.map_err(|e| stage::told(&e))?.version;
    if !version.starts_with(unmet.product) {
        return held;
    }
    match held {
        Ok(_) => Err(format!("declared as not met by {version}, and it holds")),
        Err(seen) if seen.contains(unmet.seen) => {
            let why = format!("not claimed by {}: {}", unmet.product, unmet.why);
            Ok(Completion::ignored_with(why))
        }
        Err(seen) => Err(seen),
    }
}

/// Why an engine is not held to a claim here; one that was asked for is.
fn absence(engine: &str, scripted: bool) -> Option<String> {
    if engine == "fake" {
        let why = "a scripted engine runs nothing that could show this";
        return (!scripted).then(|| why.to_owned());
    }
    if let Some(asked) = env::engines() {
        let wanted = asked.iter().any(|name| name == engine);
        return (!wanted).then(|| format!("{} runs {}", env::ENGINES, asked.join(",")));
    }
    match engine {
        "docker" if !docker::listens() => Some("no Docker socket answers".to_owned()),
        "oci" => Oci::new()
            .describe(&stage::deadline())
            .err()
            .map(|error| stage::told(&error)),
        _ => None,
    }
}

/// Each once for all claims, as in a run.
struct Engines {
    docker: Arc<Docker>,
    fake: Arc<Fake>,
    oci: Arc<Oci>,
}

impl Engines {
    fn named(&self, name: &str) -> Arc<dyn Engine> {
        match name {
            "docker" => self.docker.clone(),
            "oci" => self.oci.clone(),
            _ => self.fake.clone(),
        }
    }
}
