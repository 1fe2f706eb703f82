//! Truth before boot: what an image switches on is proven from its files alone — manifest, closure, environment, JavaScript
//! packaging, native addons. No container is started and nothing of the image is run.

mod closure;
mod elf;
mod environment;
mod finding;
mod javascript;
mod lock;
mod manifest;
mod native;
mod programs;
mod subject;
mod tree;

pub use finding::{Finding, Judged, Place, Report, Room, Unjudged};
pub use subject::Target;

use adamant_core::check::verify::rule;

/// Judges the rooms that are asked for.
///
/// What is wrong with the image is a [`Finding`]; what could not be judged is listed with its reason and never passes in silence.
#[must_use]
pub fn verify(target: &Target, rooms: &[Room]) -> Report {
    let mut report = Report::default();
    let programs = programs::find(target);
    for room in rooms {
        match room {
            Room::Manifest => manifest::judge(target, &mut report),
            Room::Closure => closure::judge(target, &programs, &mut report),
            Room::Environment => environment::judge(target, &programs, &mut report),
            Room::Packaging => javascript::judge(target, &programs, &mut report),
            Room::Addons => native::judge(target, &programs, &mut report),
        }
    }
    report.settle();
    report
}
