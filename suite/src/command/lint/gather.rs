//! From paths to the scripts that are linted, and what is named because it is none.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use adamant_core::report::text;
use adamant_core::shell::{self, Lint};

use super::super::Failure;
use super::parallel;

/// Larger files are cut here: the lint refuses them by name, and a device never ends.
const MOST: u64 = (4 << 20) + 1;
/// Of an unknown number of scripts, each no larger than this is linted as soon as it is read; one that is waits, because
/// the largest ones come first.
const AT_ONCE: usize = 8 << 10;
/// The path that stands for standard input.
const STDIN: &str = "-";
/// Extensions of shell scripts; a script in a directory needs one of them or a `#!` line.
const SHELL: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];
/// Extensions of scripts in other languages, and their interpreters.
const OTHERS: [(&str, &str); 12] = [
    ("py", "python3"),
    ("js", "node"),
    ("mjs", "node"),
    ("cjs", "node"),
    ("ts", "node"),
    ("rb", "ruby"),
    ("pl", "perl"),
    ("php", "php"),
    ("lua", "lua"),
    ("ps1", "pwsh"),
    ("fish", "fish"),
    ("nu", "nu"),
];

/// A script to be read.
#[derive(Debug)]
pub(super) struct Input {
    /// Its path as it was given.
    pub(super) name: String,
    pub(super) text: Vec<u8>,
    /// What it says by itself, where that was asked as soon as it was read.
    pub(super) alone: Option<Lint>,
}

/// What the paths came to.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) scripts: Vec<Input>,
    /// Scripts of other languages, and binaries that were named: what each is.
    pub(super) others: Vec<(String, String)>,
    /// Whether this is the boot of an image.
    pub(super) of_image: bool,
}

impl Gathered {
    /// What was not done with the others.
    pub(super) fn verb(&self) -> &'static str {
        if self.of_image { "followed" } else { "linted" }
    }
}

/// A file that may be a script.
struct Candidate {
    path: PathBuf,
    /// Of one that was named itself, and not its directory: how large it is.
    named: Option<u64>,
}

/// What a file turned out to be.
enum Found {
    Script(Input),
    /// Its name, and what it is instead.
    Other(String, String),
    Nothing,
}

/// Reads every script that the paths name, and lints it at once where nothing speaks for waiting.
pub(super) fn gather(paths: &[PathBuf]) -> Result<Gathered, Failure> {
    let mut candidates = Vec::new();
    let mut bad = Vec::new();
    for path in paths {
        if let Err(error) = add(path, &mut candidates) {
            bad.push(text::error(&error, None));
        }
    }
    // Sorted as they are read: most files below a directory are no scripts, and are not kept until all are read.
    let sorted = |candidate: &Candidate| read(&candidate.path).map(|text| sort(candidate, text));
    // How large those below a directory are is not known before they are read.
    let size = |candidate: &Candidate| {
        let known = candidate.named.map(usize::try_from);
        parallel::LEAST.saturating_add(known.and_then(Result::ok).unwrap_or_default())
    };
    let found = parallel::each(&candidates, size, sorted);
    let mut gathered = Gathered::default();
    for found in found {
        match found {
            Ok(Found::Script(input)) => gathered.scripts.push(input),
            Ok(Found::Other(name, why)) => gathered.others.push((name, why)),
            Ok(Found::Nothing) => {}
            Err(error) => bad.push(text::error(&error, None)),
        }
    }
    if bad.is_empty() {
        Ok(gathered)
    } else {
        Err(Failure::input(bad.join("\n")))
    }
}

fn add(path: &Path, candidates: &mut Vec<Candidate>) -> std::io::Result<()> {
    let mut size = 0;
    if path.as_os_str() != STDIN {
        let metadata = fs_err::metadata(path)?;
        if metadata.is_dir() {
            return walk(path, candidates);
        }
        size = metadata.len();
    }
    candidates.push(Candidate {
        path: path.to_owned(),
        named: Some(size),
    });
    Ok(())
}

/// Every file below a directory, in the order of their names; version control and links to directories are left out.
fn walk(dir: &Path, candidates: &mut Vec<Candidate>) -> std::io::Result<()> {
    let mut entries = fs_err::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if !matches!(entry.file_name().to_str(), Some(".git" | ".hg" | ".svn")) {
                walk(&path, candidates)?;
            }
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            candidates.push(Candidate { path, named: None });
        }
    }
    Ok(())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path.as_os_str() == STDIN {
        let mut text = Vec::new();
        std::io::stdin().lock().take(MOST).read_to_end(&mut text)?;
        return Ok(text);
    }
    let file = fs_err::File::open(path)?;
    // One byte more: the end is seen by the first read.
    let size = file.metadata()?.len().min(MOST) + 1;
    let mut text = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(MOST).read_to_end(&mut text)?;
    Ok(text)
}

/// What a file is. What was named is always told about; in a directory only scripts are.
fn sort(candidate: &Candidate, text: Vec<u8>) -> Found {
    let extension = candidate.path.extension().and_then(|e| e.to_str());
    let extension = extension.unwrap_or_default();
    let name = candidate.path.to_string_lossy().into_owned();
    let has_line = text.starts_with(b"#!");
    let named = candidate.named.is_some();
    let of_shell = SHELL.contains(&extension);
    let why = shell::not_shell(&text).or_else(|| {
        let other = OTHERS.iter().find(|(known, _)| *known == extension);
        // The `#!/bin/false` of a library names no language.
        let other = other.filter(|_| !has_line || text.starts_with(b"#!/bin/false"));
        other.map(|(_, interpreter)| format!("a script for `{interpreter}`"))
    });
    match why {
        Some(why) if named || has_line => Found::Other(name, why),
        None if named || has_line || of_shell => {
            let at_once = named || text.len() <= AT_ONCE;
            let alone = at_once.then(|| shell::script(&name, &text));
            Found::Script(Input { name, text, alone })
        }
        _ => Found::Nothing,
    }
}
