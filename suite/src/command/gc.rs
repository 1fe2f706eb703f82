//! `adamant gc`: removes what dead or expired runs left, and what the store of images holds for nobody; a live run's objects stay.

use std::time::Duration;

use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::store;

use super::Done;
use crate::cli::GcArgs;
use crate::{engines, exit};

/// Reaps, and says what.
pub fn run(args: &GcArgs) -> Done {
    let cancel = Cancel::default();
    let asked = args.engines.asked();
    // Where nobody asked, every engine of this host: a run on one clears up after that one only.
    let names = match &asked {
        Some(asked) => engines::names(Some(asked))?,
        None => engines::BUILT.to_vec(),
    };
    let connected = engines::connect(&names, &cancel);
    for engine in &connected.engines {
        let removed = engine.reap(&Deadline::after(Duration::from_secs(120), &cancel))?;
        for object in &removed {
            anstream::println!("{object}");
        }
        anstream::eprintln!(
            "{}: {} left by dead runs removed",
            engine.name(),
            text::count(removed.len(), "object")
        );
    }
    let none = connected.engines.is_empty();
    match store::collect(args.all)? {
        Some(removed) => {
            for object in &removed {
                anstream::println!("{object}");
            }
            anstream::eprintln!("store: {} removed", text::count(removed.len(), "object"));
        }
        None => anstream::eprintln!("store: a live run uses it; nothing was removed"),
    }
    match connected.missing.into_values().next() {
        Some(missing) if asked.is_some() || none => Err(missing.into()),
        _ => Ok(exit::HELD),
    }
}
