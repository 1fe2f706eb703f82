//! `adamant compare --module A B`: the same executions on two runtimes, and every difference between their answers.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::engine::EngineError;
use adamant_core::env;
use adamant_core::module::wire::{Answer, Capability};
use adamant_core::module::{
    Difference, HostDescription, ModuleHost, ModuleTrial, Packages, Prepared, Seed, differences,
    plan_modules,
};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::module::{Adapter, Node};

use super::{Done, Failure, test262};
use crate::cli::CompareArgs;
use crate::{exit, modules, signal};

/// Our own patience with one case beside what it claims.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most lines of a value that are shown.
const LINES: usize = 12;

/// Runs it: exit code 0 when every answer is the same, 1 when one differs, 3 when one could not be had.
pub fn run(args: &CompareArgs) -> Done {
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    let seed = modules::seed(args.seed.as_deref())?;
    let catalogue = modules::catalogue(&args.cases, args.only_cases)?;
    let (first, second) = (
        Side::new(&args.first, &cancel)?,
        Side::new(&args.second, &cancel)?,
    );
    let trials = modules::choose(plan_modules(&["compare"], &catalogue.cases), &args.words)?;
    let mut counts = Counts::default();
    anstream::eprintln!("{} and {}, seed {seed}", first.shown(), second.shown());
    for trial in &trials {
        if let Some(signal) = cancel.signal() {
            return Ok(exit::signal(signal));
        }
        let came = compare(trial, &catalogue.packages, seed, (&first, &second), &cancel);
        counts.add(&came);
        anstream::print!("{}", shown(trial, &came, (&first, &second)));
    }
    let Counts {
        same,
        differ,
        left,
        broken,
    } = counts;
    anstream::println!("{same} same, {differ} differ, {left} not claimed by both, {broken} broken");
    Ok(if broken > 0 || same + differ == 0 {
        exit::COULD_NOT_JUDGE
    } else if differ > 0 {
        exit::FINDINGS
    } else {
        exit::HELD
    })
}

/// One of the two.
struct Side {
    host: Arc<dyn ModuleHost>,
    described: HostDescription,
}

impl Side {
    fn new(name: &str, cancel: &Cancel) -> Result<Self, Failure> {
        let host: Arc<dyn ModuleHost> = match (name, name.strip_prefix("adapter:")) {
            (_, Some(command)) => Arc::new(Adapter::command(command).map_err(Failure::input)?),
            ("node", _) => Arc::new(Node::new()),
            ("isolate", _) => {
                let program = test262::beside().map_err(|why| test262::missing(&why))?;
                Arc::new(Adapter::isolate(&program))
            }
            _ => {
                return Err(Failure::input(format!(
                    "`{name}` cannot be compared; expected `isolate`, `node` or `adapter:COMMAND`"
                )));
            }
        };
        let described = host.describe(&Deadline::after(PATIENCE, cancel))?;
        Ok(Self { host, described })
    }

    fn shown(&self) -> String {
        format!(
            "{} ({} {})",
            self.host.name(),
            self.described.name,
            self.described.version
        )
    }

    fn answers(&self, prepared: &Prepared, cancel: &Cancel) -> Result<Vec<Answer>, EngineError> {
        let patience = PATIENCE.mul_f64(env::timeout_scale());
        let wall: u64 = prepared
            .plan
            .executions
            .iter()
            .map(|e| e.request.limits.wall_ms)
            .sum();
        let deadline = Deadline::after(patience + Duration::from_millis(wall), cancel);
        let executed = self.host.execute(&prepared.plan, &deadline)?;
        Ok(executed.answers.into_iter().map(|a| a.answer).collect())
    }
}

/// What came of one case.
enum Came {
    Same,
    Differs(Vec<(usize, Vec<Difference>)>),
    Left(String),
    Broken(String),
}

#[derive(Default)]
struct Counts {
    same: usize,
    differ: usize,
    left: usize,
    broken: usize,
}

impl Counts {
    fn add(&mut self, came: &Came) {
        match came {
            Came::Same => self.same += 1,
            Came::Differs(_) => self.differ += 1,
            Came::Left(_) => self.left += 1,
            Came::Broken(_) => self.broken += 1,
        }
    }
}

fn compare(
    trial: &ModuleTrial,
    packages: &Packages,
    seed: Seed,
    sides: (&Side, &Side),
    cancel: &Cancel,
) -> Came {
    // A package that only one of them can run is no difference. What only a check needs, such as numbers about the runtime, is
    // not compared.
    let compared = [
        Capability::Cjs,
        Capability::Esm,
        Capability::Handler,
        Capability::Limits,
        Capability::Memory,
        Capability::ReadOnly,
        Capability::GuestRoot,
    ];
    for side in [sides.0, sides.1] {
        let needed = trial.case.case.capabilities();
        let missing = needed
            .iter()
            .filter(|c| compared.contains(c))
            .find(|c| !side.described.capabilities.contains(c));
        if let Some(missing) = missing {
            return Came::Left(format!(
                "{} does not claim `{}`",
                side.described.name,
                missing.word()
            ));
        }
    }
    let prepared = match Prepared::new(trial, packages, seed) {
        Ok(prepared) => prepared,
        Err(error) => return Came::Broken(error.to_string()),
    };
    let told = |error: &EngineError| Came::Broken(text::causes(error).join(": "));
    let (first, second) = match (
        sides.0.answers(&prepared, cancel),
        sides.1.answers(&prepared, cancel),
    ) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => return told(&error),
    };
    let pairs = first.iter().zip(&second).enumerate();
    let found: Vec<_> = pairs
        .map(|(number, (a, b))| (number + 1, differences(a, b, &prepared.nonce)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    if found.is_empty() {
        Came::Same
    } else {
        Came::Differs(found)
    }
}

fn shown(trial: &ModuleTrial, came: &Came, sides: (&Side, &Side)) -> String {
    let name = trial.name.splitn(3, "::").nth(2).unwrap_or(&trial.name);
    match came {
        Came::Same => format!("same     {name}\n"),
        Came::Left(why) => format!("left     {name}: {why}\n"),
        Came::Broken(why) => format!("broken   {name}: {}\n", clean(why)),
        Came::Differs(found) => {
            let mut text = format!("differs  {name}   ({})\n", trial.case.path.display());
            for (number, differences) in found {
                for difference in differences {
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "         {} of execution {number}", difference.what);
                    for (side, value) in
                        [(sides.0, &difference.first), (sides.1, &difference.second)]
                    {
                        let mut label = side.host.name();
                        for line in value.split('\n').take(LINES) {
                            let _ = writeln!(text, "           {label:<8} {}", clean(line));
                            label = "";
                        }
                    }
                }
            }
            text
        }
    }
}

/// What a guest printed is shown, never obeyed.
fn clean(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().take(400).map(shown).collect()
}
