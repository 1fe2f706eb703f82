//! Runs every script under `tests/scripts/` and compares what it prints with what Node 24 printed: `<name>.out` beside it.
//!
//! The package of a script is its folder's folder, so `tests/scripts/fs/read.cjs` is `/read.cjs` in the package
//! `tests/scripts/fs`. A script named `helper-*` or in a folder below is a part of others and has no output of its own.
//!
//! A group's links are written down beside it (`fs.links`: `path -> target`) and made in a copy of it: links that lead out of the
//! checkout would lead others out of it too, cargo's own search for changed files for one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use adamant_isolate::{CodeCache, Isolate, Limits, Memory, Package, Request, Stream};
use adamant_modules::DirectoryTree;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut trials = Vec::new();
    for group in list(&root).into_iter().filter(|path| path.is_dir()) {
        for script in list(&group).into_iter().filter(|path| is_script(path)) {
            let group = group.clone();
            let name = format!("{}::{}", stem(&group), stem(&script));
            trials.push(Trial::test(name, move || run(&group, &script)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    paths
}

fn is_script(path: &Path) -> bool {
    let script = path
        .extension()
        .is_some_and(|extension| ["cjs", "mjs", "js"].iter().any(|known| extension == *known));
    script && path.with_extension("out").is_file()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn run(group: &Path, script: &Path) -> Result<(), Failed> {
    let expected = std::fs::read(script.with_extension("out"))?;
    let expected = String::from_utf8_lossy(&expected).into_owned();
    let copy = with_links(group)?;
    let root = copy.as_ref().map_or(group, tempfile::TempDir::path);
    let package = Package {
        tree: Arc::new(DirectoryTree::open(root)?),
        hash: String::new(),
        function_id: stem(group),
    };
    let entry = script
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let request = Request {
        entry: format!("/{}", entry.unwrap_or_default()),
        limits: Limits {
            output: 16 << 20,
            ..Limits::default()
        },
        ..Request::default()
    };
    let mut isolate = Isolate::new(Memory::default(), Arc::new(CodeCache::new(0)))?;
    let execution = isolate.execute(&package, &request)?;
    let seen = execution.output.text(Stream::Stdout);
    if seen == expected {
        return Ok(());
    }
    let talk = execution.output.text(Stream::Stderr);
    Err(format!(
        "{}\n{}--- stderr ---\n{talk}--- outcome: {:?} {:?}",
        script.display(),
        difference(&expected, &seen),
        execution.outcome,
        execution.error
    )
    .into())
}

/// A copy of the group with its links, where it has some.
fn with_links(group: &Path) -> std::io::Result<Option<tempfile::TempDir>> {
    let Ok(links) = std::fs::read_to_string(group.with_extension("links")) else {
        return Ok(None);
    };
    let copy = tempfile::tempdir()?;
    copy_below(group, copy.path())?;
    for line in links.lines() {
        let (path, target) = line
            .split_once(" -> ")
            .ok_or(std::io::ErrorKind::InvalidData)?;
        std::os::unix::fs::symlink(target, copy.path().join(path))?;
    }
    Ok(Some(copy))
}

fn copy_below(from: &Path, to: &Path) -> std::io::Result<()> {
    for path in list(from) {
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            std::fs::create_dir(&place)?;
            copy_below(&path, &place)?;
        } else {
            std::fs::copy(&path, &place)?;
        }
    }
    Ok(())
}

/// The first lines that differ, with the line before them.
fn difference(expected: &str, seen: &str) -> String {
    let expected: Vec<&str> = expected.lines().collect();
    let seen: Vec<&str> = seen.lines().collect();
    let first = expected
        .iter()
        .zip(&seen)
        .position(|(expected, seen)| expected != seen)
        .unwrap_or(expected.len().min(seen.len()));
    let from = first.saturating_sub(1);
    let part = |lines: &[&str], sign: char| -> String {
        lines
            .iter()
            .skip(from)
            .take(8)
            .map(|line| format!("{sign} {line}\n"))
            .collect()
    };
    let differ = expected
        .iter()
        .zip(&seen)
        .filter(|(expected, seen)| expected != seen)
        .count()
        + expected.len().abs_diff(seen.len());
    format!(
        "line {} of {} is the first of {differ} that differ (- Node, + ours)\n{}{}",
        first + 1,
        expected.len(),
        part(&expected, '-'),
        part(&seen, '+')
    )
}
