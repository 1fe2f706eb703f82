//! isolated-vm, the peer of the service's benchmark: from npm into the user's cache.

use crate::cache;
use crate::failure::Failure;
use crate::{node, say, v8};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that seed 001's successors run on Node 24; its package brings what was compiled for that.
const PACKAGE: &str = "isolated-vm@6.2.0";

/// Where Node 24 and the peer are, once they are there.
struct Peer {
    node: PathBuf,
    modules: PathBuf,
}

/// Both engines in one run.
pub(crate) fn bench(root: &Path, rest: &[String]) -> Result<(), Failure> {
    v8::provide(root, v8::Source::Nearest)?;
    node::provide()?;
    let peer = provide()?;
    let node = format!("--node={}", peer.node.display());
    let modules = format!("--modules={}", peer.modules.display());
    let bench = ["bench", "--locked", "-p", "adamant-serve"];
    let words = [&bench[..], &["--bench", "peer", "--", &node, &modules]].concat();
    Err(crate::cargo(root, &words, rest))
}

/// See that the peer is in the cache and loads; Node 24 must be there already.
fn provide() -> Result<Peer, Failure> {
    let cache = cache::dir()?;
    let own = cache.join("node24/bin/node");
    let place = cache.join("isolated-vm-6.2.0");
    let peer = Peer {
        modules: place.join("node_modules"),
        node: own,
    };
    if loads(&peer.node, &place) {
        return Ok(peer);
    }
    say(&format!("{PACKAGE}: npm fetches it into the cache"));
    let new = cache.join(format!("isolated-vm.new-{}", std::process::id()));
    fs_err::create_dir_all(&new)?;
    let fetched = fetch(&new, &peer.node).and_then(|()| {
        if place.exists() {
            fs_err::remove_dir_all(&place)?;
        }
        Ok(fs_err::rename(&new, &place)?)
    });
    if fetched.is_err() {
        // The first error is the one that explains; what is left has a name of its own.
        let _ = fs_err::remove_dir_all(&new);
    }
    fetched.map(|()| peer)
}

fn fetch(new: &Path, node: &Path) -> Result<(), Failure> {
    npm(
        new,
        &[
            "install",
            "--ignore-scripts",
            "--no-package-lock",
            "--no-save",
            PACKAGE,
        ],
    )?;
    if loads(node, new) {
        return Ok(());
    }
    // Nothing was compiled for this machine: with a C++ compiler and Node's headers it can be.
    let headers = node
        .ancestors()
        .nth(2)
        .unwrap_or(node)
        .display()
        .to_string();
    npm(
        new,
        &["rebuild", "isolated-vm", &format!("--nodedir={headers}")],
    )?;
    if loads(node, new) {
        return Ok(());
    }
    Err(Failure::host(format!(
        "`{PACKAGE}` does not load in Node 24"
    )))
}

fn npm(new: &Path, words: &[&str]) -> Result<(), Failure> {
    let status = Command::new("npm")
        .args(words)
        .args(["--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(new)
        .current_dir(new)
        .status();
    let hint = "`apt-get install -y npm g++` brings what it needs";
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::host(format!("npm did not install `{PACKAGE}`")).with_hint(hint)),
        Err(error) => Err(Failure::host(format!("cannot start `npm`: {error}")).with_hint(hint)),
    }
}

fn loads(node: &Path, place: &Path) -> bool {
    let tried = Command::new(node)
        .args([
            "--no-node-snapshot",
            "-e",
            "new (require('isolated-vm').Isolate)()",
        ])
        .env("NODE_PATH", place.join("node_modules"))
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}
