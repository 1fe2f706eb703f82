//! What is run and all that it needs: interpreters, loaders, libraries, and `node_modules` as its lock file says.

pub(crate) mod cache;
pub(crate) mod library;

use std::collections::BTreeSet;

use adamant_core::case::ArtifactKind;
use adamant_probe::{Entry, Kind};

use crate::elf::is_elf;
use crate::finding::{Finding, Place, Report, Room};
use crate::programs::{self, Program, Why, absolute, base};
use crate::subject::Target;
use crate::{lock, rule};

/// Judges the room.
pub(crate) fn judge(target: &Target, programs: &[Program], report: &mut Report) {
    let mut closure = Closure {
        target,
        report,
        seen: BTreeSet::new(),
    };
    for program in programs {
        closure.program(program, programs);
    }
    for artifact in target.enabled() {
        let path = match artifact.kind() {
            Ok(ArtifactKind::Path(path)) => path,
            Ok(ArtifactKind::Load(load)) => &load.path,
            _ => continue,
        };
        if let Some(entry) = target.image.resolve(path)
            && entry.kind == Kind::File
            && entry.mode & 0o111 != 0
        {
            closure.file(entry, &format!("artifact `{}`", artifact.id), 0);
        }
    }
    let count = closure.seen.len();
    report.count(Room::Closure, "executable", count);
    if programs.is_empty() && count == 0 {
        report.note(
            Room::Closure,
            "the boot",
            "the image has no ENTRYPOINT and no CMD, and the subject names no entrypoint",
        );
    }
    lock::judge(target, report);
}

struct Closure<'t, 'r> {
    target: &'t Target,
    report: &'r mut Report,
    seen: BTreeSet<String>,
}

impl Closure<'_, '_> {
    fn program(&mut self, program: &Program, all: &[Program]) {
        let Some(name) = program.argv.first().filter(|name| !name.contains('…')) else {
            return;
        };
        // A script may ask first whether a tool is there; health check and supervisor are judged in their own room.
        if let Some(entry) = programs::executable(self.target, name, &program.cwd) {
            let entry = entry.clone();
            self.file(&entry, &program.by, 0);
            return;
        }
        let path = absolute(name, &program.cwd);
        let must = match program.why {
            Why::Entrypoint => true,
            Why::Exec => name.contains('/') && !self.target.is_mounted(&path),
            _ => false,
        };
        let target = self.target;
        let found = |p: &Program| {
            let name = p.argv.first();
            name.is_some_and(|name| programs::executable(target, name, &p.cwd).is_some())
        };
        if must && !self.target.is_mounted(&path) && !program.is_reading_of(all, found) {
            let place = program.place.clone();
            self.report.add(
                gone(self.target, name, &path, place).because(format!("{} runs it", program.by)),
            );
        }
    }

    /// A file that is run, and what runs it.
    fn file(&mut self, entry: &Entry, by: &str, depth: u32) {
        if !self.seen.insert(entry.path.clone()) || depth > 8 {
            return;
        }
        if entry.mode & 0o111 == 0 {
            let seen = format!("`{}` has mode {:04o}", entry.path, entry.mode);
            let finding = Finding::new(&rule::CLOSURE_EXECUTABLE, Place::file(&entry.path), seen);
            self.report.add(finding.because(format!("{by} runs it")));
        }
        match self.target.head(entry) {
            Err(why) => self.report.broken(Room::Closure, &entry.path, why),
            Ok(head) if is_elf(&head) => self.binary(entry, by),
            Ok(head) if head.starts_with(b"#!") => self.script(entry, &head, by, depth),
            Ok(_) => {}
        }
    }

    fn script(&mut self, entry: &Entry, head: &[u8], by: &str, depth: u32) {
        let Some(Shebang { interpreter, env }) = shebang(head) else {
            return;
        };
        let needs = format!("{by} runs `{}`, whose first line asks for it", entry.path);
        let place = Place::line(&entry.path, 1);
        let Some(found) = self
            .target
            .image
            .resolve(&interpreter)
            .filter(|e| e.kind == Kind::File)
        else {
            if !self.target.is_mounted(&interpreter) {
                let finding = gone(self.target, &interpreter, &interpreter, place);
                let finding = Finding {
                    rule: rule::CLOSURE_INTERPRETER.id,
                    ..finding
                };
                self.report.add(
                    finding
                        .expected(rule::CLOSURE_INTERPRETER.about)
                        .fix(rule::CLOSURE_INTERPRETER.fix)
                        .because(needs),
                );
            }
            return;
        };
        let found = found.clone();
        self.file(&found, &entry.path, depth + 1);
        let Some(name) = env else { return };
        match programs::executable(self.target, &name, "/") {
            Some(found) => {
                let found = found.clone();
                self.file(&found, &entry.path, depth + 1);
            }
            None => {
                let seen = format!(
                    "`{interpreter}` finds no `{name}` in {}",
                    programs::path_env(self.target)
                );
                self.report
                    .add(Finding::new(&rule::CLOSURE_INTERPRETER, place, seen).because(needs));
            }
        }
    }

    fn binary(&mut self, entry: &Entry, by: &str) {
        let elf = match self.target.elf(entry) {
            Ok(elf) => elf,
            Err(why) => return self.report.broken(Room::Closure, &entry.path, why),
        };
        let place = Place::file(&entry.path);
        let wanted = self.target.architecture();
        if let Some(made_for) = elf.architecture()
            && !wanted.is_empty()
            && made_for != wanted
            && !(wanted == "amd64" && made_for == "386")
        {
            let seen = format!("`{}` is for {made_for}, the image for {wanted}", entry.path);
            self.report.add(
                Finding::new(&rule::CLOSURE_MACHINE, place, seen).because(format!("{by} runs it")),
            );
            return;
        }
        if let Some(loader) = &elf.interpreter
            && self.target.image.resolve(loader).is_none()
        {
            let seen = format!(
                "`{}` names the loader `{loader}`, which is not in the image",
                entry.path
            );
            let cause =
                format!("{by} runs it; the kernel will say that the file itself does not exist");
            self.report
                .add(Finding::new(&rule::CLOSURE_LOADER, place, seen).because(cause));
            return;
        }
        let closure = library::closure(self.target, entry, &elf);
        for trouble in &closure.unread {
            self.report.broken(Room::Closure, &trouble.0, &trouble.1);
        }
        for missing in &closure.missing {
            let mut finding = Finding::new(
                &rule::CLOSURE_LIBRARY,
                Place::file(&missing.needed_by),
                format!(
                    "`{}` is not found; looked in {}",
                    missing.name,
                    missing.looked.join(", ")
                ),
            );
            if let Some(hint) = &missing.elsewhere {
                finding = finding.fix(hint.clone());
            }
            self.report.add(finding.because(format!(
                "{by} runs `{}`, which needs it{}",
                entry.path,
                through(&entry.path, &missing.needed_by)
            )));
        }
        for version in &closure.versions {
            let seen = format!(
                "`{}` needs {} of `{}`; {}",
                version.needed_by,
                version.version,
                version.library,
                version.newest()
            );
            self.report.add(
                Finding::new(
                    &rule::CLOSURE_SYMBOL_VERSION,
                    Place::file(&version.needed_by),
                    seen,
                )
                .because(format!(
                    "{by} runs `{}`; its loader will refuse to start it",
                    entry.path
                )),
            );
        }
    }
}

fn through(entry: &str, needed_by: &str) -> String {
    if entry == needed_by {
        String::new()
    } else {
        format!(" through `{needed_by}`")
    }
}

/// A finding about an executable that cannot be found: a link that leads nowhere is told as such.
pub(crate) fn gone(target: &Target, name: &str, path: &str, place: Place) -> Finding {
    if let Some(link) = dangling(target, path) {
        let (from, to) = (&link.path, link.target.as_deref().unwrap_or_default());
        let seen = format!("`{from}` is a link to `{to}`, which is not in the image");
        return Finding::new(&rule::CLOSURE_LINK, place, seen);
    }
    let seen = if name.contains('/') {
        format!("`{path}` is not in the image")
    } else {
        format!(
            "no executable `{}` in {}",
            base(name),
            programs::path_env(target)
        )
    };
    Finding::new(&rule::CLOSURE_MISSING, place, seen)
}

fn dangling<'t>(target: &'t Target, path: &str) -> Option<&'t Entry> {
    let entry = target.image.entries.get(path)?;
    (entry.kind == Kind::Symlink && target.image.resolve(path).is_none()).then_some(entry)
}

/// A `#!` line.
#[derive(Debug, PartialEq, Eq)]
struct Shebang {
    interpreter: String,
    /// What `env` is asked to find.
    env: Option<String>,
}

fn shebang(head: &[u8]) -> Option<Shebang> {
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    // A carriage return belongs to the name, as it does for the kernel.
    let interpreter = words.next()?.to_owned();
    let env = (base(&interpreter) == "env").then(|| {
        let mut words = words.filter(|word| !word.starts_with('-') && !word.contains('='));
        words.next().map(str::to_owned)
    });
    Some(Shebang {
        interpreter,
        env: env.flatten(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_is_read_as_the_kernel_reads_it() {
        let read = |text: &str| shebang(text.as_bytes()).map(|s| (s.interpreter, s.env));
        assert_eq!(read("#! /bin/sh -e\nx"), Some(("/bin/sh".into(), None)));
        assert_eq!(
            read("#!/usr/bin/env node\n"),
            Some(("/usr/bin/env".into(), Some("node".into())))
        );
        assert_eq!(
            read("#!/usr/bin/env -S A=1 bun run\n"),
            Some(("/usr/bin/env".into(), Some("bun".into())))
        );
        assert_eq!(read("#!/bin/bash\r\nx"), Some(("/bin/bash\r".into(), None)));
        assert_eq!(read("#!\n"), None);
    }
}
