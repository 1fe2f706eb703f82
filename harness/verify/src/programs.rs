//! The programs that a boot starts, by its entrypoint, its scripts, its supervisors and its health check.

use adamant_core::shell::{self, File, Lint, Started};
use adamant_probe::{Entry, Kind};

use crate::elf::is_elf;
use crate::finding::Place;
use crate::subject::Target;

/// Why a program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// `ENTRYPOINT` and `CMD` themselves.
    Entrypoint,
    /// A script of the boot chain starts it; it may be guarded by a condition.
    Script,
    /// A script ends in it.
    Exec,
    /// A supervisor's file.
    Supervised,
    /// The image's health check.
    Healthcheck,
    /// An artifact of the subject.
    Artifact,
}

/// A command line.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Its words; `…` stands for what is only known at run time.
    pub(crate) argv: Vec<String>,
    /// The directory in which it starts.
    pub(crate) cwd: String,
    /// Where it is written.
    pub(crate) place: Place,
    pub(crate) why: Why,
    /// Who says so, for a person: `[program:web] of /etc/supervisord.conf`.
    pub(crate) by: String,
}

/// What is to be found of a supervisor's file.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) command: String,
    pub(crate) directory: Option<String>,
}

impl Program {
    /// Whether this is one of several that may be started at the same place, another of which is `fine`: a script's branches
    /// and `"$@"` give a command more than one reading.
    pub(crate) fn is_reading_of(&self, all: &[Self], fine: impl Fn(&Self) -> bool) -> bool {
        self.place.line.is_some()
            && all
                .iter()
                .any(|other| other.place == self.place && fine(other))
    }
}

/// Everything that the boot is known to start, the entrypoint first.
pub(crate) fn find(target: &Target) -> Vec<Program> {
    let mut programs = Vec::new();
    for argv in entrypoints(target) {
        boot(target, &argv, &mut programs);
    }
    for artifact in target.enabled() {
        let command = artifact.command.iter().chain(&artifact.mcp);
        let loads = artifact.load.iter().map(|load| &load.run);
        for argv in command.chain(loads) {
            programs.push(Program {
                argv: argv.clone(),
                cwd: target.workdir().to_owned(),
                place: Place::configuration(),
                why: Why::Artifact,
                by: format!("artifact `{}`", artifact.id),
            });
        }
    }
    supervised(target, &mut programs);
    healthcheck(target, &mut programs);
    scripts_of_packages(target, &mut programs);
    programs
}

/// The declared script, and the command line that the image is really started with.
fn entrypoints(target: &Target) -> Vec<Vec<String>> {
    let config = &target.image.config;
    let args = target.subject.run.args.as_ref().unwrap_or(&config.cmd);
    let started: Vec<String> = config.entrypoint.iter().chain(args).cloned().collect();
    let declared = target.subject.entrypoint.iter();
    let mut all: Vec<Vec<String>> = declared.map(|e| vec![e.path.clone()]).collect();
    if !started.is_empty() && !all.contains(&started) {
        all.push(started);
    }
    all
}

/// The value of `PATH`, as the first process has it.
pub(crate) fn path_env(target: &Target) -> String {
    let known = target.env().get("PATH").map(|path| (*path).to_owned());
    known.unwrap_or_else(|| target.image.path_env().to_owned())
}

fn lint(target: &Target, argv: &[String]) -> Lint {
    let files = |path: &str| {
        let entry = target
            .image
            .resolve(path)
            .filter(|e| e.kind == Kind::File)?;
        let head = target.head(entry).ok()?;
        let text = if is_elf(&head) || head.contains(&0) && !head.starts_with(b"#!") {
            b"\x7fELF".to_vec()
        } else {
            target.text(&entry.path).ok()?.into_bytes()
        };
        Some(File {
            text,
            path: entry.path.clone(),
            executable: entry.mode & 0o111 != 0,
        })
    };
    shell::boot_chain(argv, &files, &path_env(target))
}

fn boot(target: &Target, argv: &[String], programs: &mut Vec<Program>) {
    let workdir = target.workdir().to_owned();
    programs.push(Program {
        argv: argv.to_vec(),
        cwd: workdir.clone(),
        place: Place::configuration(),
        why: Why::Entrypoint,
        by: "ENTRYPOINT and CMD".into(),
    });
    let mut placed = argv.to_vec();
    // The lint does not know the working directory: a script that is named from there is named in full.
    for word in placed.iter_mut().take(3) {
        let there = format!("{}/{word}", workdir.trim_end_matches('/'));
        if word.contains('/') && !word.starts_with('/') && target.image.resolve(&there).is_some() {
            *word = there;
        }
    }
    for Started {
        argv,
        cwd,
        file,
        line,
        exec,
    } in lint(target, &placed).started
    {
        let own = file == "argv";
        programs.push(Program {
            argv,
            cwd: cwd.unwrap_or_else(|| workdir.clone()),
            place: if own {
                Place::configuration()
            } else {
                Place::line(&file, line)
            },
            // The command line itself was told above, in its own words; what it wraps is new.
            why: if exec { Why::Exec } else { Why::Script },
            by: if own {
                "ENTRYPOINT and CMD".into()
            } else {
                format!("{file}:{line}")
            },
        });
    }
}

/// Files that supervisors among the programs so far are given, or look for by themselves.
pub(crate) fn supervisor_files(target: &Target, programs: &[Program]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let mut add = |path: String| {
        if let Some(entry) = target.image.resolve(&path).filter(|e| e.kind == Kind::File)
            && !files.contains(&entry.path)
        {
            files.push(entry.path.clone());
        }
    };
    for program in programs {
        let name = program.argv.first().map_or("", |name| base(name));
        if !name.contains("supervis") {
            continue;
        }
        let mut given = false;
        for word in &program.argv[1..] {
            let word = word.strip_prefix("--configuration=").unwrap_or(word);
            let word = word
                .strip_prefix("-c")
                .filter(|w| w.starts_with('/'))
                .unwrap_or(word);
            if word.ends_with(".conf") || word.ends_with(".ini") {
                given = true;
                add(absolute(word, &program.cwd));
            }
        }
        if !given {
            // The order of supervisord(1).
            for path in [
                "../etc/supervisord.conf",
                "../supervisord.conf",
                "supervisord.conf",
                "etc/supervisord.conf",
                "/etc/supervisord.conf",
                "/etc/supervisor/supervisord.conf",
            ] {
                add(absolute(path, &program.cwd));
            }
        }
    }
    let mut at = 0;
    // What a file includes may include no further, so that one pass is enough.
    let listed = files.len();
    while at < listed {
        for pattern in included(&target.text(&files[at]).unwrap_or_default()) {
            let dir = files[at]
                .rsplit_once('/')
                .map_or("", |(dir, _)| dir)
                .to_owned();
            let pattern = absolute(
                &pattern.replace("%(here)s", &dir),
                if dir.is_empty() { "/" } else { &dir },
            );
            let Ok(glob) = globset::GlobBuilder::new(&pattern)
                .literal_separator(true)
                .build()
            else {
                continue;
            };
            let glob = glob.compile_matcher();
            for path in target
                .image
                .entries
                .keys()
                .filter(|path| glob.is_match(path.as_str()))
            {
                if !files.contains(path) {
                    files.push(path.clone());
                }
            }
        }
        at += 1;
    }
    files
}

fn supervised(target: &Target, programs: &mut Vec<Program>) {
    for file in supervisor_files(target, programs) {
        let text = target.text(&file).unwrap_or_default();
        for section in sections(&text) {
            let Some(argv) = shlex::split(&section.command) else {
                continue;
            };
            let cwd = section
                .directory
                .filter(|d| d.starts_with('/') && !d.contains("%("));
            let cwd = cwd.unwrap_or_else(|| target.workdir().to_owned());
            let by = format!("[{}] of {file}", section.name);
            let place = Place::line(&file, section.line);
            let started = lint(target, &argv).started.into_iter();
            // A supervisor that is given `sh -c` starts what stands behind it.
            let inner = started.filter(|s| s.argv != argv).map(|s| Program {
                cwd: s.cwd.unwrap_or_else(|| cwd.clone()),
                place: if s.file == "argv" {
                    place.clone()
                } else {
                    Place::line(s.file, s.line)
                },
                why: if s.exec { Why::Exec } else { Why::Script },
                by: by.clone(),
                argv: s.argv,
            });
            let inner: Vec<Program> = inner.collect();
            programs.push(Program {
                argv,
                cwd,
                place,
                why: Why::Supervised,
                by,
            });
            programs.extend(inner);
        }
    }
}

fn healthcheck(target: &Target, programs: &mut Vec<Program>) {
    let test = &target.image.config.healthcheck;
    let mut program = |argv: Vec<String>, cwd: Option<String>| {
        programs.push(Program {
            argv,
            cwd: cwd.unwrap_or_else(|| target.workdir().to_owned()),
            place: Place::configuration(),
            why: Why::Healthcheck,
            by: "HEALTHCHECK".into(),
        });
    };
    match test.split_first() {
        Some((kind, argv)) if kind == "CMD" => program(argv.to_vec(), None),
        Some((kind, [text, ..])) if kind == "CMD-SHELL" => {
            let shell = ["/bin/sh", "-c", text].map(str::to_owned);
            for started in lint(target, &shell).started {
                if started.argv.first().is_none_or(|name| name != "exit") {
                    program(started.argv, started.cwd);
                }
            }
            program(shell.to_vec(), None);
        }
        _ => {}
    }
}

/// `npm start` and the like: what the script of the package runs.
fn scripts_of_packages(target: &Target, programs: &mut Vec<Program>) {
    let mut found = Vec::new();
    for program in programs.iter() {
        let Some(script) = package_script(&program.argv) else {
            continue;
        };
        let file = absolute("package.json", &program.cwd);
        let package = target.text(&file).ok();
        let package =
            package.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        let command = package
            .as_ref()
            .and_then(|p| p.get("scripts")?.get(script)?.as_str());
        let Some(command) = command else { continue };
        let shell = ["sh", "-c", command].map(str::to_owned);
        for started in lint(target, &shell).started {
            found.push(Program {
                argv: started.argv,
                cwd: started.cwd.unwrap_or_else(|| program.cwd.clone()),
                place: Place::file(&file),
                why: if program.why == Why::Entrypoint {
                    Why::Exec
                } else {
                    program.why
                },
                by: format!("script `{script}` of {file}"),
            });
        }
    }
    programs.extend(found);
}

/// The name of the script that a package manager is asked to run.
fn package_script(argv: &[String]) -> Option<&str> {
    let (name, args) = argv.split_first()?;
    if !matches!(base(name), "npm" | "pnpm" | "yarn" | "bun") {
        return None;
    }
    let mut words = args
        .iter()
        .map(String::as_str)
        .filter(|w| !w.starts_with('-'));
    match (words.next()?, base(name)) {
        ("run" | "run-script", _) => words.next(),
        (script @ ("start" | "test" | "stop" | "restart"), _) => Some(script),
        (script, "yarn" | "pnpm") => Some(script),
        _ => None,
    }
}

/// The last part of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path from the root, seen from `cwd`.
pub(crate) fn absolute(path: &str, cwd: &str) -> String {
    adamant_modules::path::resolve(cwd, path)
}

/// The file that a name runs: through `PATH` for a bare name.
pub(crate) fn executable<'t>(target: &'t Target, name: &str, cwd: &str) -> Option<&'t Entry> {
    let file = |path: &str| target.image.resolve(path).filter(|e| e.kind == Kind::File);
    if name.contains('/') {
        return file(&absolute(name, cwd));
    }
    let path = path_env(target);
    let dirs = path.split(':').filter(|dir| dir.starts_with('/'));
    let found = dirs.filter_map(|dir| file(&format!("{}/{name}", dir.trim_end_matches('/'))));
    let mut found = found.filter(|entry| entry.mode & 0o111 != 0);
    found.next()
}

/// The patterns of `[include]`.
fn included(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut patterns = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.starts_with("[include]");
        } else if let Some((key, value)) = line.split_once('=')
            && inside
            && key.trim() == "files"
        {
            patterns.extend(value.split_whitespace().map(str::to_owned));
        }
    }
    patterns
}

/// The sections of an INI file that have a command.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open = false;
    let mut continues = false;
    for (number, line) in text.lines().enumerate() {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if line.trim_start().starts_with([';', '#']) {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        let line = line.split(" ;").next().unwrap_or(line);
        if let Some(name) = line
            .trim()
            .strip_prefix('[')
            .and_then(|l| l.split(']').next())
        {
            open = name.starts_with("program:")
                || name.starts_with("fcgi-program:")
                || name.starts_with("eventlistener:")
                || !name.contains(':');
            continues = false;
            if open {
                sections.push(Section {
                    name: name.to_owned(),
                    line: number,
                    command: String::new(),
                    directory: None,
                });
            }
            continue;
        }
        let Some(section) = sections.last_mut().filter(|_| open) else {
            continue;
        };
        if is_indented && continues {
            section.command.push(' ');
            section.command.push_str(line.trim());
            continue;
        }
        continues = false;
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        match key.trim() {
            "command" => {
                value.trim().clone_into(&mut section.command);
                section.line = number;
                continues = true;
            }
            "directory" => section.directory = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    sections.retain(|section| !section.command.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_their_command_its_line_and_what_continues_it() {
        let text = "[supervisord]\nnodaemon=true\n; command = no\n[program:web]\nautostart=true\ncommand = node\n  /app/x.js ; why\ndirectory=/app\n[group:x]\ncommand=not this\n";
        let found = sections(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].command.as_str()),
            (6, "node /app/x.js")
        );
        assert_eq!(found[0].directory.as_deref(), Some("/app"));
        assert_eq!(
            included("[include]\nfiles = a/*.conf b.conf\n[x]\nfiles=c"),
            ["a/*.conf", "b.conf"]
        );
    }

    #[test]
    fn package_managers_name_their_script() {
        let argv = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        for (text, script) in [
            ("npm start", Some("start")),
            ("npm --silent run serve", Some("serve")),
            ("yarn serve", Some("serve")),
            ("npm install", None),
            ("node start", None),
        ] {
            assert_eq!(package_script(&argv(text)), script, "{text}");
        }
    }
}
