//! The packages of a tool: fetched once by `npm ci`, which holds them to the digests of the committed lock, and kept in the cache.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use adamant_core::env;
use adamant_core::module::wire::File;
use sha2::{Digest as _, Sha256};

use super::form::Tool;

/// Why there are no packages.
#[derive(Debug)]
pub(crate) enum NoPackages {
    /// Nobody could fetch them here.
    OutOfReach(String),
    /// What was fetched is not what the lock says, or it cannot be read.
    Wrong(String),
}

impl From<io::Error> for NoPackages {
    fn from(error: io::Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// npm fetches for one at a time.
static FETCHING: Mutex<()> = Mutex::new(());

/// What npm says when it is the way to the registry that fails, not the packages.
const OUT_OF_REACH: &[&str] = &[
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
    "ENOTCACHED",
];

/// Nothing of the packages runs on this host, and what is optional is for one kind of host: native executables and addons.
const NPM: &[&str] = &[
    "ci",
    "--ignore-scripts",
    "--omit=optional",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-timeout=60000",
];

/// The directory with `node_modules`, fetched now or before.
pub(crate) fn provide(tool: &Tool) -> Result<PathBuf, NoPackages> {
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut lock = fs_err::read(tool.dir.join("package-lock.json"))?;
    lock.extend(NPM.concat().bytes());
    let digest: String = Sha256::digest(&lock)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let cache = env::cache_dir().join("tools");
    let place = cache.join(format!("{}-{digest}", tool.name));
    if place.is_dir() {
        return Ok(place);
    }
    let new = cache.join(format!("new-{}-{}", std::process::id(), tool.name));
    fs_err::create_dir_all(&new)?;
    let fetched = fetch(tool, &new).and_then(|()| {
        let moved = fs_err::rename(&new, &place);
        // Another run may have been faster; what it fetched has the same digests.
        moved.or_else(|error| {
            if place.is_dir() {
                Ok(())
            } else {
                Err(error.into())
            }
        })
    });
    if new.exists() {
        fs_err::remove_dir_all(&new)?;
    }
    fetched.map(|()| place)
}

fn fetch(tool: &Tool, into: &Path) -> Result<(), NoPackages> {
    for file in ["package.json", "package-lock.json"] {
        fs_err::copy(tool.dir.join(file), into.join(file))?;
    }
    let done = Command::new("npm")
        .args(NPM)
        .current_dir(into)
        .stdin(Stdio::null())
        .output();
    let done = match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(NoPackages::OutOfReach(
                "`npm` is not on this host, and it fetches the tools".to_owned(),
            ));
        }
        done => done?,
    };
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    let why = format!(
        "npm cannot fetch the packages of `{}` ({}): {said}",
        tool.name, done.status
    );
    if OUT_OF_REACH.iter().any(|code| said.contains(code)) {
        Err(NoPackages::OutOfReach(why))
    } else {
        Err(NoPackages::Wrong(why))
    }
}

/// What no run needs, and what makes the tree of a tool several times as large.
const LEFT_OUT: &[&str] = &[
    ".map",
    ".d.ts",
    ".d.mts",
    ".d.cts",
    ".md",
    ".markdown",
    ".node",
    ".tsbuildinfo",
];

/// The files below `place`, by guest path, and the names of the commands among them.
pub(crate) fn files(
    tool: &Tool,
    place: &Path,
) -> Result<(BTreeMap<String, File>, Vec<String>), NoPackages> {
    let mut files = BTreeMap::new();
    let mut pending = vec![(place.join("node_modules"), "/node_modules".to_owned())];
    while let Some((dir, at)) = pending.pop() {
        for entry in fs_err::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{at}/{name}");
            // npm's own: links for shells, and its notes.
            if name == ".bin" || path == "/node_modules/.package-lock.json" || is_left(tool, &path)
            {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                pending.push((entry.path(), path));
            } else if kind.is_symlink() {
                let target = fs_err::read_link(entry.path())?;
                files.insert(path, File::Link(target.to_string_lossy().into_owned()));
            } else {
                let file = match String::from_utf8(fs_err::read(entry.path())?) {
                    Ok(text) => File::Text(text),
                    Err(error) => File::Hex(error.as_bytes().iter().map(hex).collect()),
                };
                files.insert(path, file);
            }
        }
    }
    let mut commands = vec!["node".to_owned()];
    let bin = place.join("node_modules/.bin");
    if bin.is_dir() {
        for entry in fs_err::read_dir(bin)? {
            commands.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    commands.sort();
    Ok((files, commands))
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

fn is_left(tool: &Tool, path: &str) -> bool {
    let below = |places: &[String]| places.iter().any(|place| path.starts_with(place.as_str()));
    let default = LEFT_OUT.iter().any(|end| path.ends_with(end));
    below(&tool.leave_out) || default && !below(&tool.keep)
}
