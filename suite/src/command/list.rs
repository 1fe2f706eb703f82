//! `adamant list`: the trials that `run` would run, one a line; touches no engine.

use std::io::Write as _;

use super::{Done, Failure};
use crate::cli::PlanArgs;
use crate::{exit, judge, modules};

/// Prints the plan.
pub fn run(args: &PlanArgs) -> Done {
    let mut out = std::io::stdout().lock();
    if modules::are_asked(&args.words)? {
        for trial in modules::plan(args)?.trials {
            writeln!(out, "{}", trial.name).map_err(Failure::broken)?;
        }
        return Ok(exit::HELD);
    }
    for trial in judge::plan(args)? {
        writeln!(out, "{}", trial.name).map_err(Failure::broken)?;
    }
    Ok(exit::HELD)
}
