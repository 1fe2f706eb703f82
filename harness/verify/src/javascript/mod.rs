//! JavaScript as it is packaged: imports that bind, bundles that are whole, the runtime that the boot really runs.

mod builtin;
mod bundle;
pub(crate) mod entry;
mod graph;
mod inlined;
mod parse;

use crate::finding::{Finding, Report, Room};
use crate::programs::Program;
use crate::rule;
use crate::subject::Target;
use entry::{JsEntry, Runtime};

/// Judges the room.
pub(crate) fn judge(target: &Target, programs: &[Program], report: &mut Report) {
    let entries = entry::entries(target, programs);
    for entry in &entries {
        missing_runtime(entry, report);
    }
    crate::native::wrong_runtime(target, &entries, report);
    // Syntax trees are as deep as their texts: they are walked on a stack of their own.
    std::thread::scope(|scope| {
        let work = || {
            let mut own = Report::default();
            graph::judge(target, &entries, &mut own);
            own
        };
        let worker = std::thread::Builder::new().stack_size(parse::STACK);
        match worker
            .spawn_scoped(scope, work)
            .map(std::thread::ScopedJoinHandle::join)
        {
            Ok(Ok(own)) => {
                report.findings.extend(own.findings);
                report.unjudged.extend(own.unjudged);
                report.judged.extend(own.judged);
            }
            Ok(Err(_)) => report.broken(
                Room::Packaging,
                "JavaScript",
                "the judgment ended in a bug of ours",
            ),
            Err(error) => report.broken(Room::Packaging, "JavaScript", error.to_string()),
        }
    });
    for entry in entries
        .iter()
        .filter(|entry| entry.runtime != Runtime::Node)
    {
        let why = format!(
            "{} resolves modules by rules of its own; only Node's are known here",
            entry.runtime.name()
        );
        let what = entry
            .script
            .clone()
            .unwrap_or_else(|| entry.program.argv.join(" "));
        report.note(Room::Packaging, format!("imports of {what}"), why);
    }
}

fn missing_runtime(entry: &JsEntry, report: &mut Report) {
    if entry.executable.is_some() {
        return;
    }
    let name = entry.runtime.name();
    let seen = format!(
        "{} runs `{}`, and the image has no {name} on PATH",
        entry.program.by,
        entry.program.argv.join(" ")
    );
    let finding = Finding::new(&rule::PACKAGE_RUNTIME, entry.program.place.clone(), seen);
    let finding = finding.expected("the runtime that the boot runs is in the image");
    report.add(finding.because("the boot will end there").fix(format!(
        "ship {name}, or start the application with the runtime that is there"
    )));
}
