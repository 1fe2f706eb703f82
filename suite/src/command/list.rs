//! `adamant list`: the trials that `run` would run, one a line; touches no engine.

use super::Done;
use crate::cli::PlanArgs;
use crate::{exit, judge};

/// Prints the plan.
pub fn run(args: &PlanArgs) -> Done {
    for trial in judge::plan(args)? {
        anstream::println!("{}", trial.name);
    }
    Ok(exit::HELD)
}
