//! Native addons against the runtime that loads them: what `dlopen` would say, foretold.

mod addon;
mod prebuild;
mod runtime;
mod variant;

use std::collections::{BTreeMap, BTreeSet};

use adamant_probe::Entry;

use crate::closure::library;
use crate::elf::{demangle, is_elf};
use crate::finding::{Finding, Place, Report, Room};
use crate::javascript::entry::{self, JsEntry, Runtime};
use crate::programs::Program;
use crate::rule;
use crate::subject::Target;
use addon::{Addon, Binding};
use runtime::Facts;

/// Judges the room.
pub(crate) fn judge(target: &Target, programs: &[Program], report: &mut Report) {
    let entries = entry::entries(target, programs);
    let mut runtimes: BTreeMap<String, Option<Facts>> = BTreeMap::new();
    let mut judged: BTreeSet<(String, String)> = BTreeSet::new();
    let packages = addon::packages(target);
    for entry in &entries {
        let Some(executable) = &entry.executable else {
            continue;
        };
        let facts = runtimes.entry(executable.path.clone()).or_insert_with(|| {
            let read = runtime::read(target, entry.runtime, executable);
            read.map_err(|why| report.broken(Room::Addons, &executable.path, why))
                .ok()
        });
        let Some(facts) = facts else { continue };
        let reach = reach(entry);
        for package in packages
            .iter()
            .filter(|package| is_reached(&package.dir, &reach))
        {
            if !judged.insert((executable.path.clone(), package.dir.clone())) {
                continue;
            }
            match package.choose(target, facts) {
                Ok(addons) => {
                    for alternatives in addons {
                        any_addon(target, entry, facts, &alternatives, report);
                    }
                }
                Err(why) if package.files.is_empty() && package.is_optional(target) => {
                    let why = format!("{why}; all who ask for it have it as optional");
                    report.note(Room::Addons, &package.dir, why);
                }
                Err(why) => {
                    let finding =
                        Finding::new(&rule::NATIVE_NO_ADDON, Place::file(&package.dir), why);
                    report.add(finding.because(format!(
                        "{} runs {}, and the package looks for its addon when it is loaded",
                        entry.program.by,
                        facts.shown()
                    )));
                }
            }
        }
    }
    if !judged.is_empty() {
        report.count(Room::Addons, "package with addons", judged.len());
    }
    let unreached = packages
        .iter()
        .filter(|p| !judged.iter().any(|(_, dir)| *dir == p.dir));
    for package in unreached {
        report.note(
            Room::Addons,
            &package.dir,
            "no program of the boot is known to load it: the runtime of its addons is unknown",
        );
    }
}

/// The directories whose `node_modules` a program looks into: those above it.
fn reach(entry: &JsEntry) -> Vec<String> {
    let start = entry
        .script
        .as_deref()
        .map_or(entry.program.cwd.as_str(), adamant_modules::path::dirname);
    vec![start.to_owned(), entry.program.cwd.clone()]
}

/// Whether a package lies in a `node_modules` above or below one of the places.
fn is_reached(package: &str, reach: &[String]) -> bool {
    let home = package.split("/node_modules/").next().unwrap_or_default();
    reach.iter().any(|dir| {
        let dir = dir
            .split("/node_modules/")
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        let above = dir
            .strip_prefix(home)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let below = home
            .strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // The root has everything below it: what is installed for the whole system belongs to other programs.
        above || below && !dir.is_empty()
    })
}

/// An addon of which several files lie side by side: its loader takes one that loads, so that one is enough.
fn any_addon(
    target: &Target,
    entry: &JsEntry,
    facts: &Facts,
    alternatives: &[Addon],
    report: &mut Report,
) {
    let mut last: Option<Report> = None;
    for one in alternatives {
        let mut own = Report::default();
        addon(target, entry, facts, one, &mut own);
        if own.findings.is_empty() {
            report.unjudged.extend(own.unjudged);
            return;
        }
        // The newest stands last, and is what one wants to read about.
        last = Some(own);
    }
    if let Some(own) = last {
        report.findings.extend(own.findings);
        report.unjudged.extend(own.unjudged);
    }
}

/// One addon on one runtime.
fn addon(target: &Target, entry: &JsEntry, facts: &Facts, addon: &Addon, report: &mut Report) {
    let file = &addon.entry;
    let place = Place::file(&file.path);
    let loads = format!(
        "{} runs {}, which loads it",
        entry.program.by,
        facts.shown()
    );
    match target.head(file) {
        Ok(head) if !is_elf(&head) => {
            let finding = Finding::new(
                &rule::NATIVE_MACHINE,
                place,
                format!("`{}` is no ELF file: it is for another system", file.path),
            );
            return report.add(finding.because(loads));
        }
        Err(why) => return report.broken(Room::Addons, &file.path, why),
        Ok(_) => {}
    }
    let elf = match target.elf(file) {
        Ok(elf) => elf,
        Err(why) => return report.broken(Room::Addons, &file.path, why),
    };
    if elf.machine != facts.elf.machine || elf.is_64 != facts.elf.is_64 {
        let made = elf.architecture().unwrap_or("another machine");
        let runs = facts.elf.architecture().unwrap_or("another");
        let finding = Finding::new(
            &rule::NATIVE_MACHINE,
            place,
            format!("`{}` is for {made}, the runtime for {runs}", file.path),
        );
        return report.add(finding.because(loads));
    }
    let closure = library::closure_by(target, file, &elf, facts.closure.musl);
    libraries(facts, &closure, &loads, report);
    if let (Binding::Abi(Some(wanted)), Some(abi)) = (addon::binding(&elf), facts.abi)
        && wanted != abi
    {
        let seen = format!(
            "`{}` was built for NODE_MODULE_VERSION {wanted}; {} has {abi}",
            file.path,
            facts.shown()
        );
        report.add(
            Finding::new(&rule::NATIVE_MODULE_VERSION, place.clone(), seen).because(loads.clone()),
        );
        // Its symbols belong to another version, too: one finding tells it all.
        if facts.runtime == Runtime::Node {
            return;
        }
    }
    symbols(facts, file, &elf, &closure, &loads, report);
}

/// The libraries of an addon that are not there, and the versions that they do not have.
fn libraries(facts: &Facts, closure: &library::LibraryClosure, loads: &str, report: &mut Report) {
    for (path, why) in &closure.unread {
        report.broken(Room::Addons, path, why);
    }
    for missing in &closure.missing {
        // What the runtime has brought already is not looked for again.
        if facts
            .closure
            .loaded
            .values()
            .any(|l| l.soname.as_ref() == Some(&missing.name))
        {
            continue;
        }
        let seen = format!(
            "`{}` is not found; looked in {}",
            missing.name,
            missing.looked.join(", ")
        );
        let mut finding =
            Finding::new(&rule::NATIVE_LIBRARY, Place::file(&missing.needed_by), seen)
                .because(loads);
        if let Some(hint) = &missing.elsewhere {
            finding = finding.fix(hint.clone());
        }
        report.add(finding);
    }
    for version in &closure.versions {
        let seen = format!(
            "`{}` needs {} of `{}`; {}",
            version.needed_by,
            version.version,
            version.library,
            version.newest()
        );
        report.add(
            Finding::new(&rule::NATIVE_GLIBC, Place::file(&version.needed_by), seen).because(loads),
        );
    }
}

/// The symbols that nobody offers: those that `dlopen` binds, in its order, and those of the first call.
fn symbols(
    facts: &Facts,
    file: &Entry,
    elf: &crate::elf::Elf,
    closure: &library::LibraryClosure,
    loads: &str,
    report: &mut Report,
) {
    if !closure.missing.is_empty() {
        return;
    }
    let unknown = |symbol: &&String| {
        !facts.closure.exports(symbol) && !closure.exports(symbol) && !is_linkers(symbol)
    };
    let at_load: Vec<&String> = elf.at_load.iter().filter(unknown).collect();
    let when_called: Vec<&String> = elf.when_called.iter().filter(unknown).collect();
    let Some(first) = at_load.first().or_else(|| when_called.first()) else {
        return;
    };
    let others = at_load.len() + when_called.len() - 1;
    let more = if others == 0 {
        String::new()
    } else {
        format!(" ({others} more are missing)")
    };
    let seen = format!(
        "undefined symbol: {}; {} does not export `{first}`{more}",
        demangle(first),
        facts.shown()
    );
    let fate = if at_load.is_empty() {
        "the process ends when it calls the function".to_owned()
    } else {
        format!("it fails to load with `undefined symbol: {first}`")
    };
    let fix = if facts.runtime == Runtime::Node {
        format!("rebuild the addon for {}: `npm rebuild`", facts.shown())
    } else if first.starts_with("_ZN") && first.contains("2v8") {
        format!(
            "start the application with `node`: the addon needs Node's V8, which {} only imitates; or use a package with Node-API",
            facts.runtime.name()
        )
    } else {
        format!(
            "start the application with `node`, or use a package that supports {}",
            facts.runtime.name()
        )
    };
    let finding = Finding::new(&rule::NATIVE_SYMBOL, Place::file(&file.path), seen);
    report.add(finding.because(format!("{loads}; {fate}")).fix(fix));
}

/// Symbols that the linker makes, not a library.
fn is_linkers(symbol: &str) -> bool {
    matches!(
        symbol,
        "_GLOBAL_OFFSET_TABLE_"
            | "__dso_handle"
            | "_DYNAMIC"
            | "_ITM_deregisterTMCloneTable"
            | "_ITM_registerTMCloneTable"
            | "__gmon_start__"
            | "__tls_get_addr"
    )
}

/// The runtime that the boot runs against the one that its addons are made for.
pub(crate) fn wrong_runtime(target: &Target, entries: &[JsEntry], report: &mut Report) {
    for entry in entries
        .iter()
        .filter(|entry| entry.runtime != Runtime::Node)
    {
        let reach = reach(entry);
        let mut raw: Vec<String> = Vec::new();
        for package in addon::packages(target) {
            let is_raw = || {
                package.files.iter().any(|file| {
                    let elf = target
                        .image
                        .entries
                        .get(file)
                        .and_then(|entry| target.elf(entry).ok());
                    elf.is_some_and(|elf| matches!(addon::binding(&elf), Binding::Abi(_)))
                })
            };
            if is_reached(&package.dir, &reach) && is_raw() {
                raw.push(package.dir.clone());
            }
        }
        if raw.is_empty() {
            continue;
        }
        let runtime = entry.runtime.name();
        let seen = format!(
            "the boot runs {runtime} (`{}`), and {} needs the V8 of Node: {}",
            entry.program.argv.join(" "),
            if raw.len() == 1 { "an addon" } else { "addons" },
            raw.join(", ")
        );
        let finding = Finding::new(&rule::PACKAGE_RUNTIME, entry.program.place.clone(), seen);
        report.add(finding.because(format!(
            "{} runs it; {runtime} has no V8 of its own, and what it imitates is not all of it",
            entry.program.by
        )));
    }
}
