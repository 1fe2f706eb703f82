//! Packages of npm's registry as files of an image: fetched once by `npm`, known by their digests, never committed.

use crate::cache;
use crate::digest;
use crate::failure::Failure;
use crate::recipe::Npm;
use crate::say;
use crate::tree::{Node, Tree};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// The files of all packages, each at its place.
pub(crate) fn tree(wishes: &[Npm]) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    for wish in wishes {
        lay(&archive(wish)?, wish, &mut tree)?;
    }
    Ok(tree)
}

/// The package's archive, from the cache or fetched now; another one than the recipe's is refused.
fn archive(wish: &Npm) -> Result<Vec<u8>, Failure> {
    let dir = cache::dir()?.join("npm");
    fs_err::create_dir_all(&dir)?;
    let kept = dir.join(format!("{}.tgz", wish.sha256));
    if let Ok(bytes) = fs_err::read(&kept) {
        return checked(wish, bytes);
    }
    say(&format!("fetching {} with npm", wish.package));
    let staging = dir.join(format!("new-{}", std::process::id()));
    fs_err::create_dir_all(&staging)?;
    let fetched = fetch(wish, &staging).and_then(|bytes| checked(wish, bytes));
    // Whatever came of it, nothing half done stays behind.
    fs_err::remove_dir_all(&staging)?;
    let bytes = fetched?;
    cache::replace(&kept, &bytes)?;
    Ok(bytes)
}

fn checked(wish: &Npm, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let seen = digest::of(&bytes);
    if seen == wish.sha256 {
        return Ok(bytes);
    }
    Err(Failure::host(format!(
        "`{}` is `{seen}`, the recipe says `{}`",
        wish.package, wish.sha256
    )))
}

fn fetch(wish: &Npm, dir: &Path) -> Result<Vec<u8>, Failure> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]);
    let done = npm
        .arg(dir)
        .arg(&wish.package)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    let done = done.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Failure::host("`npm` is not on this host").with_hint(
            "install Node.js with npm: it fetches the runtimes of the JavaScript fixtures",
        ),
        _ => Failure::host(format!("cannot start `npm`: {e}")),
    })?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(Failure::host(format!(
            "`npm pack {}` ended with {}: {}",
            wish.package,
            done.status,
            said.trim()
        )));
    }
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "tgz") {
            return Ok(fs_err::read(path)?);
        }
    }
    Err(Failure::host(format!(
        "`npm pack {}` left no archive",
        wish.package
    )))
}

/// npm's archives have one directory at the top, whatever its name.
fn lay(archive: &[u8], wish: &Npm, tree: &mut Tree) -> Result<(), Failure> {
    let unpacked = flate2::read::MultiGzDecoder::new(archive);
    let mut found = false;
    for entry in tar::Archive::new(unpacked).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let Some((_, below)) = path.split_once('/') else {
            continue;
        };
        let chosen = |only: &String| {
            below == only || only.ends_with('/') && below.starts_with(only.as_str())
        };
        let wanted = wish.only.is_empty() || wish.only.iter().any(chosen);
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        if !wanted || !is_file || below.split('/').any(|part| part == "..") {
            continue;
        }
        // The owners of npm's archives are nobody's, and some are no numbers.
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        found = true;
        tree.put(
            &format!("{}/{below}", wish.at),
            Node::file(bytes, executable),
        );
    }
    if found {
        Ok(())
    } else {
        Err(Failure::input(format!(
            "`{}` has none of the files that the recipe wants",
            wish.package
        )))
    }
}
