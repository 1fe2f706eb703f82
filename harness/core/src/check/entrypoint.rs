//! `entrypoint: installs-nothing` — the scripts of the boot chain, read from the image (PRD-002 AC-1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boot, Check, Context, Finding, InFile, Unanswered};
use crate::case::Subject;
use crate::engine::Image;
use crate::shell::{self, Class, File, Lint, Unparsed};

/// What is judged of the scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Entrypoint {
    /// No command resolves dependencies or fetches software.
    InstallsNothing,
    /// No failure of a boot-critical step is swallowed.
    SwallowsNothing,
}

impl Check for Entrypoint {
    fn needs_boot(&self) -> bool {
        false
    }

    fn applies(&self, context: &Context<'_>) -> Result<(), String> {
        let lints = lints(context.subject, context.image);
        match lints.iter().find_map(other_language) {
            Some(why) if lints.iter().all(|l| l.read.is_empty()) => {
                Err(format!("no shell script starts the boot: {why}"))
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, context: &Context<'_>, _boot: &Boot) -> Result<Vec<Finding>, Unanswered> {
        let image = context.image;
        if chains(context.subject, image).is_empty() {
            return Ok(vec![
                Finding::new(
                    "the image has an ENTRYPOINT or CMD",
                    "it has neither, and the subject names no entrypoint",
                )
                .coded("entrypoint/absent"),
            ]);
        }
        if let Some(entrypoint) = &context.subject.entrypoint
            && image.resolve(&entrypoint.path).is_none()
        {
            return Ok(vec![
                Finding::new(
                    format!("the entrypoint {} is in the image", entrypoint.path),
                    "it is not",
                )
                .coded("entrypoint/absent"),
            ]);
        }
        let mut findings = Vec::new();
        for lint in lints(context.subject, image) {
            let smells = lint.smells.iter().filter(|s| self.is_about(s.class));
            let found = smells.map(smell).chain(unparsed(&lint));
            for finding in found.chain(too_large(image, &lint)).chain(missing(&lint)) {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }
}

/// What the lint says of an image's boot: of the declared script, and of the command line that it is really started with. What
/// could not be read whole stands under [`Lint::unparsed`], however it came so.
#[must_use]
pub fn boot_lints(subject: &Subject, image: &Image) -> Vec<Lint> {
    let mut lints = lints(subject, image);
    for lint in &mut lints {
        let cut: Vec<&String> = cut(image, lint).map(|(path, _)| path).collect();
        let cut = cut
            .into_iter()
            .map(|path| (path.clone(), "it is too large to be read"));
        let gone = gone(lint).map(|(what, why)| (what.clone(), why.as_str()));
        let unread: Vec<Unparsed> = cut
            .chain(gone)
            .map(|(file, why)| Unparsed {
                file,
                line: 1,
                why: why.to_owned(),
            })
            .collect();
        lint.unparsed.extend(unread);
    }
    lints
}

fn lints(subject: &Subject, image: &Image) -> Vec<Lint> {
    let read =
        |argv: &Vec<String>| shell::boot_chain(argv, &|path| file(image, path), image.path_env());
    chains(subject, image).iter().map(read).collect()
}

/// The declared script, and the command line that the image is really started with.
fn chains(subject: &Subject, image: &Image) -> Vec<Vec<String>> {
    let config = &image.config;
    let args = subject.run.args.as_ref().unwrap_or(&config.cmd);
    let workdir = subject.run.workdir.as_ref();
    let workdir = workdir.unwrap_or(&config.workdir);
    let mut started: Vec<String> = config.entrypoint.iter().chain(args).cloned().collect();
    place(image, workdir, &mut started);
    let declared = subject.entrypoint.iter();
    let mut chains: Vec<Vec<String>> = declared.map(|e| vec![e.path.clone()]).collect();
    if !started.is_empty() && !chains.contains(&started) {
        chains.push(started);
    }
    chains
}

/// Makes the script of a command line absolute: the lint does not know the working directory.
fn place(image: &Image, workdir: &str, argv: &mut [String]) {
    let (at, needs_slash) = match argv {
        [] => return,
        [name, args @ ..] if shell_or_interpreter(name) => {
            let Some(script) = args.iter().position(|a| !a.starts_with('-')) else {
                return;
            };
            let has_text = args[..script].iter().any(|a| a.contains('c'));
            if has_text {
                return;
            }
            (script + 1, false)
        }
        _ => (0, true),
    };
    let path = format!("{}/{}", workdir.trim_end_matches('/'), argv[at]);
    let relative = !argv[at].starts_with('/') && (!needs_slash || argv[at].contains('/'));
    if relative && image.resolve(&path).is_some() {
        argv[at] = path;
    }
}

fn shell_or_interpreter(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    matches!(name, "sh" | "ash" | "bash" | "dash" | "ksh" | "zsh") || interprets(name)
}

/// Whether a program runs scripts that the lint does not read: `python3.12`, `node`.
fn interprets(name: &str) -> bool {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(
        bare,
        "python"
            | "pypy"
            | "node"
            | "nodejs"
            | "deno"
            | "bun"
            | "ruby"
            | "perl"
            | "php"
            | "lua"
            | "tclsh"
    )
}

fn unparsed(lint: &Lint) -> impl Iterator<Item = Finding> {
    lint.unparsed.iter().map(|u| {
        let expected = format!("the script {} can be read whole", u.file);
        let finding = Finding::new(expected, format!("{}:{}: {}", u.file, u.line, u.why))
            .coded("entrypoint/unreadable");
        in_image(finding, &u.file, u.line, u.line, None)
    })
}

/// Scripts of which the index keeps only the beginning.
fn too_large<'a>(image: &'a Image, lint: &'a Lint) -> impl Iterator<Item = Finding> + 'a {
    cut(image, lint).map(|(path, size)| {
        let expected = format!("the script {path} can be read whole");
        Finding::new(
            expected,
            format!("{path}: too large to be read, {size} bytes"),
        )
        .coded("entrypoint/unreadable")
    })
}

/// Their paths and sizes.
fn cut<'a>(image: &'a Image, lint: &'a Lint) -> impl Iterator<Item = (&'a String, u64)> {
    lint.read.iter().filter_map(|path| {
        let (entry, text) = (image.entries.get(path)?, image.texts.get(path)?);
        ((text.len() as u64) < entry.size).then_some((path, entry.size))
    })
}

/// The start of a chain that is not there: then nothing of the chain was read.
fn missing(lint: &Lint) -> impl Iterator<Item = Finding> {
    gone(lint).map(|(what, why)| {
        Finding::new("the boot chain can be read", format!("{what}: {why}"))
            .coded("entrypoint/unreadable")
    })
}

fn gone(lint: &Lint) -> impl Iterator<Item = &(String, String)> {
    let is = |why: &str| lint.read.is_empty() && why == "it is not in the image";
    lint.not_followed.iter().filter(move |(_, why)| is(why))
}

/// Why there is nothing to lint: the boot starts with a script in another language. A binary is a program, not a script.
fn other_language(lint: &Lint) -> Option<String> {
    if !lint.read.is_empty() {
        return None;
    }
    lint.not_followed.iter().find_map(|(what, why)| {
        let of = |start: &str| why.strip_prefix(start).map(|rest| rest.trim_matches('`'));
        let script = of("a script for ").is_some();
        (script || of("a program for ").is_some_and(interprets)).then(|| format!("{what} is {why}"))
    })
}

impl Entrypoint {
    fn is_about(self, class: Class) -> bool {
        match class {
            Class::Install | Class::Fetch => self == Self::InstallsNothing,
            Class::Swallow => self == Self::SwallowsNothing,
        }
    }
}

fn smell(smell: &shell::Smell) -> Finding {
    let chain = if smell.reached_by.is_empty() {
        String::new()
    } else {
        format!(", reached by {}", smell.reached_by.join(" → "))
    };
    let finding = Finding::new(
        smell.explain,
        format!("{}:{}: `{}`{chain}", smell.file, smell.line, smell.text),
    );
    let finding = finding.coded(smell.rule).with([
        format!("rule {} ({})", smell.rule, smell.clause),
        format!("fix: {}", smell.fix),
    ]);
    in_image(
        finding,
        &smell.file,
        smell.line,
        smell.end_line,
        smell.column,
    )
}

/// A finding at lines of a script; the image's own command line is no file.
fn in_image(
    finding: Finding,
    file: &str,
    line: u32,
    end_line: u32,
    column: Option<u32>,
) -> Finding {
    if !file.starts_with('/') {
        return finding;
    }
    finding.at(InFile {
        file: file.to_owned(),
        line,
        end_line,
        column,
    })
}

fn file(image: &Image, path: &str) -> Option<File> {
    let entry = image.resolve(path)?;
    // The index keeps at least the beginning of every script: a file without a text is a binary.
    let text = image
        .texts
        .get(&entry.path)
        .cloned()
        .unwrap_or_else(|| b"\x7fELF".to_vec());
    Some(File {
        text,
        path: entry.path.clone(),
        executable: entry.mode & 0o111 != 0,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use adamant_probe::{Entry, Kind};

    use super::*;
    use crate::case::{Subject, parse_text};

    /// The image's files: a size of its own means that only the beginning was kept.
    fn seen(argv: &[&str], files: &[(&str, Option<&str>, u64)], declared: &str) -> Vec<String> {
        let text = format!("name: s\nimage: x\n{declared}");
        let subject: Subject = parse_text(&text, Path::new("s")).expect("a subject");
        let mut image = Image::default();
        image.config.entrypoint = argv.iter().map(|&a| a.to_owned()).collect();
        image.config.workdir = "/work".into();
        for &(path, text, size) in files {
            let (dir, _) = path.rsplit_once('/').expect("absolute");
            for (path, kind) in [(dir, Kind::Dir), (path, Kind::File)] {
                let entry = Entry {
                    size: text.map_or(0, |t| size.max(t.len() as u64)),
                    ..Entry::new(path, kind, 0o755)
                };
                let at = path.rfind('/').filter(|at| *at > 0);
                if let Some(at) = at {
                    let parent = Entry {
                        path: path[..at].into(),
                        kind: Kind::Dir,
                        ..entry.clone()
                    };
                    image.entries.entry(parent.path.clone()).or_insert(parent);
                }
                image.entries.insert(path.into(), entry);
            }
            if let Some(text) = text {
                image.texts.insert(path.into(), text.into());
            }
        }
        let context = Context {
            subject: &subject,
            image: &image,
            enabled: &BTreeSet::new(),
            fault: None,
        };
        if let Err(why) = Entrypoint::InstallsNothing.applies(&context) {
            return vec![why];
        }
        let findings = Entrypoint::InstallsNothing.judge(&context, &Boot::default());
        findings
            .expect("judged")
            .into_iter()
            .map(|f| f.seen)
            .collect()
    }

    #[test]
    fn what_was_not_read_is_not_held() {
        let python = ("/usr/bin/python3", None, 0);
        for (argv, files, wanted) in [
            (
                vec!["/boot.py"],
                vec![("/boot.py", Some("#!/usr/bin/python3\n"), 0)],
                "a script for `python3`",
            ),
            (
                vec!["boot"],
                vec![("/usr/bin/boot", Some("#!/usr/bin/python3\n"), 0)],
                "a script for `python3`",
            ),
            (
                vec!["python3", "boot.py"],
                vec![python, ("/work/boot.py", Some("x"), 0)],
                "a program for `python3`",
            ),
            (vec!["/gone.sh"], vec![], "it is not in the image"),
            (
                vec!["/big.sh"],
                vec![("/big.sh", Some("#!/bin/sh\n"), 5_000_000)],
                "too large to be read",
            ),
            (
                vec!["./in.sh"],
                vec![("/work/in.sh", Some("#!/bin/sh\nnpm install\n"), 0)],
                "/work/in.sh:2",
            ),
        ] {
            let seen = seen(&argv, &files, "");
            assert!(
                seen.len() == 1 && seen[0].contains(wanted),
                "{argv:?}: {seen:?}"
            );
        }
    }

    #[test]
    fn a_binary_its_configuration_and_a_tool_on_the_path_are_no_scripts() {
        let daemon = ("/usr/bin/daemon", None, 0);
        let conf = ("/etc/daemon.conf", Some("x"), 0);
        assert_eq!(
            seen(&["daemon", "/etc/daemon.conf"], &[daemon, conf], ""),
            [""; 0]
        );
        let tool = ("/usr/bin/tool", Some("#!/usr/bin/python3\n"), 0);
        let start = (
            "/start.sh",
            Some("#!/bin/sh\ntool --check\nexec daemon\n"),
            0,
        );
        assert_eq!(seen(&["/start.sh"], &[daemon, tool, start], ""), [""; 0]);
    }

    #[test]
    fn the_declared_script_and_the_real_command_line_are_both_read_once() {
        let bad = ("/bad.sh", Some("#!/bin/sh\nnpm install\n"), 0);
        let good = ("/good.sh", Some("#!/bin/sh\ntrue\n"), 0);
        assert_eq!(
            seen(
                &["/bad.sh"],
                &[bad, good],
                "entrypoint: { path: /good.sh }\n"
            )
            .len(),
            1
        );
        assert_eq!(
            seen(&["/bad.sh", "x"], &[bad], "entrypoint: { path: /bad.sh }\n").len(),
            1
        );
    }
}
