//! Ctrl-C and SIGTERM: the first ends the run in order, with its reports; the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use adamant_core::run::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Cancels the run at the first signal.
pub fn watch(cancel: &Cancel) -> std::io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: a second signal finds the flag set and ends the process before it is set again.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
        signal_hook::flag::register(signal, again.clone())?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let cancel = cancel.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            cancel.set(signal);
        }
    });
    Ok(())
}

/// A signal that came, for work that looks once, at its end, and needs no thread to be told.
#[derive(Debug)]
pub struct Noted(Arc<AtomicUsize>);

impl Noted {
    /// Its number.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        let number = self.0.load(Ordering::SeqCst);
        i32::try_from(number).ok().filter(|number| *number != 0)
    }
}

/// Notes a first signal; a second ends the process.
pub fn note() -> std::io::Result<Noted> {
    let noted = Noted(Arc::default());
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
        signal_hook::flag::register(signal, again.clone())?;
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, noted.0.clone(), number)?;
    }
    Ok(noted)
}
