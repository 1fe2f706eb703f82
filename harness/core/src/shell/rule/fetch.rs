//! Rules for commands that download code or data: the boot must not need the network.

use super::{Invoked, Rule};
use crate::shell::lint::Class;

const CLAUSE: &str = "PRD-002 §5.1: startup must not download packages";

const fn rule(id: &'static str, explain: &'static str, fix: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Fetch,
        clause: CLAUSE,
        explain,
        fix,
    }
}

pub(super) static RULES: &[Rule] = &[
    rule(
        "fetch/git",
        "the boot takes whatever the repository has at that moment",
        "copy the checked-out tree into the image at a fixed commit",
    ),
    rule(
        "fetch/curl-pipe-shell",
        "a downloaded text is run as it comes: nobody can say what this boot does",
        "run the installer in the image's build and check what it fetched by its hash",
    ),
    rule(
        "fetch/archive",
        "an archive is downloaded and unpacked while the container boots",
        "unpack it in the image's build, checked by its hash",
    ),
    rule(
        "fetch/download-run",
        "a file is downloaded and then run",
        "ship the file in the image, checked by its hash",
    ),
];

/// What a pipe or a substitution hands downloaded text to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::shell) enum Sink {
    /// It unpacks it.
    Unpack,
    /// It runs it.
    Shell,
}

const DOWNLOADERS: [&str; 7] = ["curl", "wget", "wget2", "aria2c", "fetch", "http", "xh"];

pub(super) fn judge(call: &Invoked<'_>) -> Option<&'static Rule> {
    let words = match call.tool {
        "git" => call.words("-C -c --git-dir --work-tree --namespace --exec-path --depth -b --branch -o --origin --jobs -j"),
        "gh" => call.words("-R --repo"),
        _ => return None,
    };
    let remote = |url: Option<&&str>| url.is_none_or(|url| !is_local(url));
    let fetches = match (call.tool, words.as_slice()) {
        ("git", ["clone", rest @ ..]) => remote(rest.first()),
        ("git", ["pull" | "fetch", ..] | ["submodule", "update" | "add", ..]) => true,
        ("git", ["remote", "update", ..] | ["lfs", "pull" | "fetch", ..]) => true,
        ("gh", ["repo", "clone", ..] | ["release", "download", ..]) => true,
        _ => false,
    };
    fetches.then(|| named("fetch/git")).flatten()
}

/// A path of this machine needs no network.
fn is_local(url: &str) -> bool {
    url.starts_with(['/', '.']) || url.starts_with("file:")
}

fn named(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule that a downloader breaks because of what its output goes to.
pub(in crate::shell) fn feeds(argv: &[&str], sink: Sink) -> Option<&'static Rule> {
    Invoked::new(argv).filter(downloads)?;
    named(match sink {
        Sink::Shell => "fetch/curl-pipe-shell",
        Sink::Unpack => "fetch/archive",
    })
}

pub(super) fn downloads(call: &Invoked<'_>) -> bool {
    let loopback = |arg: &&str| {
        let host = arg.split_once("://").map_or(*arg, |(_, rest)| rest);
        ["localhost", "127.", "[::1]", "0.0.0.0"]
            .iter()
            .any(|own| host.starts_with(own))
            || arg.starts_with("file:")
    };
    DOWNLOADERS.contains(&call.tool) && !call.only_asks() && !call.args.iter().any(loopback)
}

/// The file that a downloader writes, and the rule that running it breaks.
pub(in crate::shell) fn output(argv: &[&str]) -> Option<(String, &'static Rule)> {
    let call = Invoked::new(argv).filter(downloads)?;
    let (short, long) = if call.tool == "curl" {
        ('o', "--output")
    } else {
        ('O', "--output-document")
    };
    let mut args = call.args.iter();
    while let Some(arg) = args.next() {
        let bundled = arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(short);
        if bundled || *arg == long {
            return Some(((*args.next()?).to_owned(), named("fetch/download-run")?));
        }
        if let Some(path) = arg
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some((path.to_owned(), named("fetch/download-run")?));
        }
    }
    None
}

/// What a command does with its standard input. Shells are known elsewhere; here are the others.
pub(in crate::shell) fn sink(argv: &[&str]) -> Option<Sink> {
    let call = Invoked::new(argv)?;
    match call.tool {
        "python" | "perl" | "ruby" | "node" | "php" => {
            let script = call
                .args
                .iter()
                .find(|arg| !arg.starts_with('-') || arg.len() == 1);
            let code = call.has(&["-c", "-e", "-m", "-p", "-r", "--eval", "--print"]);
            (!code && script.is_none_or(|arg| matches!(*arg, "-" | "/dev/stdin")))
                .then_some(Sink::Shell)
        }
        "source" | "." => call
            .args
            .first()
            .is_some_and(|arg| *arg == "/dev/stdin")
            .then_some(Sink::Shell),
        "tar" | "bsdtar" | "unzip" | "funzip" | "cpio" | "gunzip" | "zcat" | "unxz" | "unzstd"
        | "bunzip2" => Some(Sink::Unpack),
        "gzip" | "xz" | "zstd" | "bzip2" => call
            .args
            .iter()
            .any(|arg| arg.contains('d'))
            .then_some(Sink::Unpack),
        _ => None,
    }
}
