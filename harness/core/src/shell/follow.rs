//! From one script to the next: finds what a command runs, and reads it if it is a shell script.

use std::rc::Rc;

use super::{
    code::Source,
    expand::Field,
    idiom::{absolute, basename, dirname, normal},
    lint::File,
    rule::Rule,
    scope::{Fields, HOLE, Scope},
    syntax::Command,
    walk::{At, Flow, Frame, Known, Walk},
    wrapper::is_shell,
};

/// The name under which the image's own command line is reported.
pub(super) const ARGV: &str = "argv";
/// Scripts run in one lint, each with its arguments.
const MAX_VISITS: usize = 2_000;

/// How a file is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As a command.
    Run,
    /// As a command that takes the shell's place.
    Exec,
    /// By a shell that is given its path.
    Shell,
    /// In this shell.
    Source,
}

/// A file of the image, as far as the lint reads it.
#[derive(Debug)]
pub(super) enum Loaded {
    Script {
        path: String,
        text: String,
        executable: bool,
    },
    Other {
        path: String,
        why: String,
        executable: bool,
    },
}

/// A script to be run in a shell of its own.
#[derive(Debug)]
pub(super) struct Visit {
    path: String,
    text: String,
    args: Fields,
    trail: Vec<String>,
    /// Who called it, for the commands that it runs as `"$@"`.
    caller: Frame,
    exported: Vec<Known>,
}

/// A file that the boot itself makes.
#[derive(Debug)]
pub(super) enum Written {
    /// From a here-document: its text stands in `file`.
    Text {
        text: String,
        line: u32,
        file: String,
        within: Option<(u32, u32)>,
    },
    /// By a downloader.
    Fetched {
        rule: &'static Rule,
        origin: Frame,
        trail: Vec<String>,
    },
}

impl Walk<'_> {
    /// Follows `argv` to the file that it runs.
    pub(super) fn follow(&mut self, command: &Command, argv: &[Field], how: How, at: At) -> Flow {
        let Some((name, args)) = argv.split_first() else {
            return Flow::Next;
        };
        let name = name.text.as_str();
        if name.is_empty() || (how == How::Run && is_builtin(name)) {
            return Flow::Next;
        }
        if matches!(how, How::Run | How::Exec) {
            self.note_started(command, argv, how == How::Exec);
        }
        let told = how != How::Run || name.contains('/');
        if name.contains(HOLE) {
            if told {
                self.not_followed(
                    &name.replace(HOLE, "…"),
                    "its path is only known at run time",
                );
            }
            return Flow::Next;
        }
        if self.files.is_none() {
            let called = basename(name);
            if !self.lint.calls.contains(called) {
                self.lint.calls.insert(called.to_owned());
            }
            if self.written.is_empty() {
                return Flow::Next;
            }
        }
        let candidates = self.candidates(name, how);
        if candidates.iter().any(|path| self.run_written(path, false)) || self.files.is_none() {
            return Flow::Next;
        }
        let by_path = matches!(how, How::Run | How::Exec) && !name.contains('/');
        let found = candidates
            .iter()
            .find_map(|path| self.load(path).filter(|file| !by_path || file.executable()));
        let Some(found) = found else {
            if told {
                self.not_followed(name, "it is not in the image");
            }
            return Flow::Next;
        };
        match &*found {
            Loaded::Other { path, why, .. } => {
                // The system's own tools are not news; a script in another language is.
                if told || !why.contains("binary") {
                    self.not_followed(path, why);
                }
                if how == How::Exec {
                    self.note_program(name, args);
                }
                Flow::Next
            }
            Loaded::Script { path, text, .. } => {
                let args: Fields = args.iter().map(|arg| arg.text.clone()).collect();
                let hop = self.hop(command, path);
                let caller = Frame {
                    unit: Rc::clone(&self.unit),
                    span: command.span,
                };
                if how == How::Source {
                    return self.source(path, text, args, hop, at);
                }
                self.enqueue(path, text, args, hop, caller);
                Flow::Next
            }
        }
    }

    fn hop(&self, command: &Command, path: &str) -> Option<String> {
        let from = &self.unit.file;
        let line = self.unit.lines(command.span).0;
        (from != ARGV).then(|| format!("{from}:{line} → {path}"))
    }

    fn not_followed(&mut self, what: &str, why: &str) {
        // A single script is judged alone: there is nothing to follow it to.
        let entry = (what.to_owned(), why.to_owned());
        if self.files.is_some() && !self.lint.not_followed.contains(&entry) {
            self.lint.not_followed.push(entry);
        }
    }

    /// `exec python /app/server.py`: the program that the lint does not read.
    fn note_program(&mut self, interpreter: &str, args: &[Field]) {
        let Some(program) = args
            .iter()
            .map(|arg| arg.text.as_str())
            .find(|arg| !arg.starts_with('-'))
        else {
            return;
        };
        let there = self
            .candidates(program, How::Shell)
            .iter()
            .any(|path| self.load(path).is_some());
        if there && !program.contains(HOLE) {
            let why = format!("a program for `{}`", basename(interpreter));
            self.not_followed(program, &why);
        }
    }

    /// Where the shell would look for a file, best first.
    fn candidates(&self, name: &str, how: How) -> Vec<String> {
        if name.starts_with('/') {
            return vec![normal(name)];
        }
        let search = || {
            let known = self.scope.get("PATH").into_iter().flatten();
            let dirs: Vec<String> = known
                .flat_map(|path| path.split(':').map(str::to_owned).collect::<Vec<_>>())
                .collect();
            dirs.into_iter()
                .filter(|dir| dir.starts_with('/'))
                .map(|dir| normal(&format!("{dir}/{name}")))
        };
        // The working directory is known where the script itself changed it; scripts lie together otherwise.
        let beside = dirname(&self.unit.file);
        let near = [
            absolute(name, &self.scope),
            normal(&format!("{beside}/{name}")),
            normal(&format!("/{name}")),
        ];
        let near = near.into_iter().filter(|path| path.starts_with('/'));
        match how {
            _ if name.contains('/') => near.collect(),
            How::Run | How::Exec => search().collect(),
            How::Source => search().chain(near).collect(),
            How::Shell => near.chain(search()).collect(),
        }
    }

    fn load(&mut self, path: &str) -> Option<Rc<Loaded>> {
        if let Some(known) = self.loaded.get(path) {
            return known.clone();
        }
        let file = self.files.and_then(|files| files(path));
        let loaded = file.map(|file| Rc::new(classify(&file)));
        self.loaded.insert(path.to_owned(), loaded.clone());
        loaded
    }

    fn mark_read(&mut self, path: &str) {
        if self.read.insert(path.to_owned()) {
            self.lint.read.push(path.to_owned());
        }
    }

    fn source(
        &mut self,
        path: &str,
        text: &str,
        args: Fields,
        hop: Option<String>,
        at: At,
    ) -> Flow {
        let first = self.sourced.insert((path.to_owned(), args.clone()));
        if !first || self.sourcing.iter().any(|active| active == path) {
            return Flow::Next;
        }
        self.mark_read(path);
        let outer = (self.scope.get("@"), self.scope.get("BASH_SOURCE"));
        if !args.is_empty() {
            self.scope.set("@", vec![args]);
        }
        self.scope.set_one("BASH_SOURCE", path);
        let trail = self.trail.len();
        self.trail.extend(hop);
        self.sourcing.push(path.to_owned());
        let flow = self.run_source(
            &Source {
                file: path,
                text,
                line: 1,
                within: None,
            },
            at,
        );
        self.sourcing.pop();
        self.trail.truncate(trail);
        self.scope.set("@", outer.0);
        self.scope.set("BASH_SOURCE", outer.1);
        if flow == Flow::Exit {
            Flow::Exit
        } else {
            Flow::Next
        }
    }

    fn enqueue(
        &mut self,
        path: &str,
        text: &str,
        args: Fields,
        hop: Option<String>,
        caller: Frame,
    ) {
        let exported = self.scope.exported();
        if !self
            .visited
            .insert((path.to_owned(), args.clone(), exported.clone()))
        {
            return;
        }
        if self.visited.len() > MAX_VISITS {
            self.unparsed(
                path,
                1,
                "the walk gave up: scripts call one another without end".to_owned(),
            );
            return;
        }
        let trail = self.trail.iter().cloned().chain(hop).collect();
        self.queue.push_back(Visit {
            path: path.to_owned(),
            text: text.to_owned(),
            args,
            trail,
            caller,
            exported,
        });
    }

    /// Runs a script in a fresh shell.
    pub(super) fn visit(&mut self, visit: Visit, path_env: &str) {
        self.mark_read(&visit.path);
        self.scope = Scope::new(self.scope.generation + 1);
        self.scope.set_one("PATH", path_env);
        for (name, values) in visit.exported {
            self.scope.set(&name, values);
            self.scope.export(&name);
        }
        self.scope.set_one("0", visit.path.as_str());
        self.scope.set_one("BASH_SOURCE", visit.path.as_str());
        self.scope.set("@", vec![visit.args]);
        self.trail = visit.trail;
        self.frames = vec![visit.caller];
        self.called.clear();
        self.sourced.clear();
        self.run_shell(&Source {
            file: &visit.path,
            text: &visit.text,
            line: 1,
            within: None,
        });
    }

    /// Runs a text to its end, then its traps.
    pub(super) fn run_shell(&mut self, source: &Source<'_>) {
        self.shebang_options(source.text);
        self.run_source(source, At::default());
        self.pending();
        for (text, origin) in std::mem::take(&mut self.traps) {
            let line = origin.span.line;
            self.in_unit(&origin.unit, |walk| {
                walk.run_argument(
                    &text,
                    line,
                    &origin,
                    At {
                        aside: true,
                        ..At::default()
                    },
                )
            });
        }
    }

    /// Reports the downloads that nothing ran: those have a rule of their own.
    pub(super) fn pending(&mut self) {
        for (rule, origin, trail) in std::mem::take(&mut self.downloads) {
            self.smell(rule, &origin.unit, origin.span, trail);
        }
    }

    /// Runs a file that this boot made; with `downloads` only what was downloaded counts.
    pub(super) fn run_written(&mut self, path: &str, downloads: bool) -> bool {
        if self.sourcing.iter().any(|active| active == path) {
            return true;
        }
        match self.written.get(path) {
            Some(Written::Fetched {
                rule,
                origin,
                trail,
            }) => {
                let (rule, origin, trail) = (*rule, origin.clone(), trail.clone());
                self.smell(rule, &origin.unit, origin.span, trail);
                true
            }
            Some(Written::Text {
                text,
                line,
                file,
                within,
            }) if !downloads => {
                let (text, line, file, within) = (text.clone(), *line, file.clone(), *within);
                self.sourcing.push(path.to_owned());
                self.subshell(|walk| {
                    walk.run_source(
                        &Source {
                            file: &file,
                            text: &text,
                            line,
                            within,
                        },
                        At::default(),
                    )
                });
                self.sourcing.pop();
                true
            }
            _ => false,
        }
    }
}

impl Loaded {
    fn executable(&self) -> bool {
        match self {
            Self::Script { executable, .. } | Self::Other { executable, .. } => *executable,
        }
    }
}

fn classify(file: &File) -> Loaded {
    let (path, executable) = (file.path.clone(), file.executable);
    match not_shell(&file.text) {
        Some(why) => Loaded::Other {
            path,
            why,
            executable,
        },
        None => Loaded::Script {
            path,
            text: String::from_utf8_lossy(&file.text).into_owned(),
            executable,
        },
    }
}

/// Why a file is not a shell script, by its first bytes: a script for `python3`, an ELF binary. A text without a
/// `#!` line is taken for one, as a shell that is given it would.
#[must_use]
pub fn not_shell(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(b"\x7fELF") {
        return Some("an ELF binary".to_owned());
    }
    if let Some(rest) = bytes.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line).into_owned();
        let interpreter = interpreter(&line);
        // `#!/bin/false` stands on a library that must be sourced, and not run.
        let reads = is_shell(interpreter) || matches!(interpreter, "execlineb" | "false");
        return (!reads).then(|| format!("a script for `{interpreter}`"));
    }
    let head = bytes.get(..4096).unwrap_or(bytes);
    head.contains(&0).then(|| "a binary file".to_owned())
}

/// The program that a `#!` line runs in the end: `bash` for `/usr/bin/env -S bash -e`.
fn interpreter(line: &str) -> &str {
    let mut words = line.split_ascii_whitespace();
    let first = basename(words.next().unwrap_or_default());
    let runs_another = matches!(
        first,
        "env"
            | "with-contenv"
            | "busybox"
            | "dumb-init"
            | "tini"
            | "catatonit"
            | "gosu"
            | "su-exec"
    );
    if !runs_another {
        return first;
    }
    let mut rest = words
        .filter(|word| !word.starts_with('-') && !word.contains('='))
        .map(basename);
    let second = rest.next().unwrap_or(first);
    // `#!/usr/bin/env -S dumb-init bash`: whatever stands between, the shell reads the file.
    if is_shell(second) {
        second
    } else {
        rest.find(|word| is_shell(word)).unwrap_or(second)
    }
}

/// Names that no file on the PATH stands for, because the shell answers first.
fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "echo"
            | "printf"
            | "test"
            | "["
            | "true"
            | "false"
            | ":"
            | "pwd"
            | "wait"
            | "kill"
            | "umask"
            | "ulimit"
            | "let"
            | "getopts"
            | "shopt"
            | "alias"
            | "unalias"
            | "break"
            | "continue"
            | "times"
            | "jobs"
            | "bg"
            | "fg"
            | "disown"
            | "popd"
            | "dirs"
            | "enable"
            | "help"
            | "hash"
            | "type"
            | "history"
            | "compgen"
            | "complete"
            | "export"
            | "readonly"
            | "local"
            | "declare"
            | "typeset"
            | "unset"
    )
}
