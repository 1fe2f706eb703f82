//! What a run tells: typed events, and the reporters that turn them into files and lines.

mod annotations;
mod event;
mod evidence;
mod file;
mod junit;
mod layout;
mod measure;
mod progress;
pub mod remark;
pub mod sarif;
mod scan;
pub mod script;
mod summary;
mod table;
mod tally;
mod terminal;
pub mod text;

pub use annotations::annotation;
pub use event::{Asked, BootEvidence, Event, RunReport, TrialReport};
pub use evidence::Evidence;
pub use junit::Junit;
pub use scan::Scan;
pub use summary::Summary;
pub use terminal::{Terminal, Verbosity, View};

/// Takes the events of a run in the order in which they happen.
pub trait Reporter: Send {
    /// The next event. A reporter that cannot write keeps its error for [`Reporter::errors`].
    fn event(&mut self, event: &Event);

    /// What went wrong while reporting.
    fn errors(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Several reporters as one.
pub struct All(pub Vec<Box<dyn Reporter>>);

impl std::fmt::Debug for All {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("All").field(&self.0.len()).finish()
    }
}

impl Reporter for All {
    fn event(&mut self, event: &Event) {
        for reporter in &mut self.0 {
            reporter.event(event);
        }
    }

    fn errors(&self) -> Vec<String> {
        self.0.iter().flat_map(|r| r.errors()).collect()
    }
}
