//! From paths to the scripts that are linted, and what is named because it is none.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use adamant_core::report::text;
use adamant_core::shell;

use super::super::Failure;
use super::parallel;

/// Larger files are cut here: the lint refuses them by name, and a device never ends.
const MOST: u64 = (4 << 20) + 1;
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
    /// Whether it was named itself, and not its directory.
    named: bool,
}

/// What a file turned out to be.
enum Found {
    Script(Input),
    /// Its name, and what it is instead.
    Other(String, String),
    Nothing,
}

/// Reads every script that the paths name.
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
    let found = parallel::each(&candidates, |_| 0, sorted);
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
    if path.as_os_str() != STDIN && fs_err::metadata(path)?.is_dir() {
        return walk(path, candidates);
    }
    candidates.push(Candidate {
        path: path.to_owned(),
        named: true,
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
            candidates.push(Candidate { path, named: false });
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
    let of_shell = SHELL.contains(&extension);
    let why = shell::not_shell(&text).or_else(|| {
        let other = OTHERS.iter().find(|(known, _)| *known == extension);
        let other = other.filter(|_| !has_line);
        other.map(|(_, interpreter)| format!("a script for `{interpreter}`"))
    });
    match why {
        Some(why) if candidate.named || has_line => Found::Other(name, why),
        None if candidate.named || has_line || of_shell => Found::Script(Input { name, text }),
        _ => Found::Nothing,
    }
}
