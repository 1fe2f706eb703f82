//! `adamant gc`: removes what dead or expired runs left, and images that are kept for nobody; a live run's objects stay.

use std::time::Duration;

use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::{docker, store};

use super::{Done, Failure};
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
            if names.contains(&"docker") {
                loaded(args.all)?;
            }
        }
        None => anstream::eprintln!("store: a live run uses it; nothing was removed"),
    }
    match connected.missing.into_values().next() {
        Some(missing) if asked.is_some() || none => Err(missing.into()),
        _ => Ok(exit::HELD),
    }
}

/// What earlier runs gave to a daemon.
fn loaded(all: bool) -> Result<(), Failure> {
    match docker::collect(all)? {
        Some(removed) => {
            for object in &removed {
                anstream::println!("{object}");
            }
            let count = text::count(removed.len(), "loaded image");
            anstream::eprintln!("docker: {count} removed");
        }
        None => anstream::eprintln!("docker: a live run uses the daemon; no image was removed"),
    }
    Ok(())
}
