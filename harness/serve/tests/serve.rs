//! The service with real isolates in real, confined processes: answers, packages, figures, load, and the end.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that is its own worker has a main of its own, which lints take for a program"
)]

#[path = "serve/answers.rs"]
mod answers;
#[path = "serve/databases.rs"]
mod databases;
#[path = "serve/load.rs"]
mod load;
#[path = "serve/packages.rs"]
mod packages;
#[path = "serve/world.rs"]
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use adamant_isolate::confine::{Limits, Policy};
use adamant_isolate::worker::guest;
use libtest_mimic::{Arguments, Trial};

/// The first argument of a worker.
pub(crate) const GUEST: &str = "__guest";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [
            GUEST,
            "--readable",
            readable,
            "--memory",
            memory,
            "--modules",
            modules,
            "--startup",
            startup,
        ] => {
            assert!(
                adamant_isolate::startup::adopt(startup.as_ref()).unwrap(),
                "the snapshot is of this executable"
            );
            let policy = Policy {
                readable: vec![PathBuf::from(readable)],
                limits: Limits {
                    memory: Some(memory.parse().unwrap()),
                    ..Limits::default()
                },
            };
            guest::serve(&policy, modules.parse().unwrap(), || Ok(None)).unwrap();
            return ExitCode::SUCCESS;
        }
        ["soak"] => return soak(load::Amount::Requests(10_000)),
        ["soak", "--seconds", seconds] => match seconds.parse() {
            Ok(seconds) => return soak(load::Amount::Time(Duration::from_secs(seconds))),
            Err(error) => {
                eprintln!("`--seconds {seconds}`: {error}");
                return ExitCode::from(2);
            }
        },
        ["soak", ..] => {
            eprintln!("usage: soak [--seconds N]");
            return ExitCode::from(2);
        }
        _ => {}
    }
    let trials: [(&str, fn()); 15] = [
        ("a_function_answers_as_it_was_asked", answers::as_asked),
        ("what_goes_wrong_is_told_with_its_status", answers::failures),
        ("bad_requests_reach_no_function", answers::bad_requests),
        ("an_execution_is_told_as_json", answers::executed),
        ("the_metrics_are_the_seeds", answers::metrics),
        ("functions_share_no_process_and_no_file", answers::apart),
        ("isolates_on_threads_answer_too", answers::threads),
        (
            "a_rested_isolate_that_died_is_nobodys_execution",
            answers::died_at_rest,
        ),
        (
            "a_process_killed_past_its_time_is_lost",
            answers::killed_past_its_time,
        ),
        ("directories_and_tars_are_packages", packages::forms),
        (
            "a_change_shows_and_a_declared_hash_stays",
            packages::changes,
        ),
        ("hostile_and_broken_packages_are_told", packages::hostile),
        ("objects_are_packages", packages::objects),
        ("functions_are_described_in_sqlite", databases::sqlite),
        ("mixed_load_loses_nothing", load::small),
    ];
    let trials = trials.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let mut trials: Vec<Trial> = trials.into();
    let name = "functions_are_described_in_postgresql";
    trials.push(Trial::ignorable_test(name, databases::postgres));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn soak(amount: load::Amount) -> ExitCode {
    let told = load::run(amount);
    eprintln!("{told}");
    ExitCode::SUCCESS
}
