//! The module tests of test262, on the loader that runs packages.
//!
//! A checkout is run unmodified: the loader sees it as a package whose every `.js` is a module. [`supervise`] deals the tests
//! out to worker processes, each of which ([`serve`]) has one warm isolate and gives every run realms of its own. A test that
//! kills its worker is run again alone, so that it costs no other its result. [`Baseline`] says what is expected to fail.

mod baseline;
mod checkout;
mod front_matter;
mod host;
mod runner;
mod supervise;
mod verdict;
mod worker;

pub use baseline::{Baseline, Class, Counts, Expected, Judgment, series};
pub use checkout::{Checkout, CheckoutError};
pub use front_matter::{Flag, FrontMatter, Negative, Phase};
pub use supervise::{Results, SuperviseError, supervise};
pub use verdict::{Mode, Ran, Verdict};
pub use worker::{ServeError, serve};
