//! Debian trees as layers: made once by `mmdebstrap`, cleaned of what differs from run to run, kept by package versions.

use crate::cache;
use crate::digest;
use crate::failure::Failure;
use crate::recipe::Debian;
use crate::say;
use crate::tree::{Kind, Tree};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a tree is made.
const OPTIONS: [&str; 4] = [
    "--quiet",
    "--mode=root",
    "--variant=essential",
    "--format=tar",
];
/// Never needed to run, so never shipped, as in Debian's own slim images.
const EXCLUDED: [&str; 6] = [
    "usr/share/doc/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/zoneinfo/",
];
/// Different at every run, or of the host.
const VOLATILE: [&str; 8] = [
    "boot/",
    "dev/",
    "run/",
    "tmp/",
    "var/cache/",
    "var/lib/apt/",
    "var/log/",
    "etc/apt/",
];
const VOLATILE_FILES: [&str; 5] = [
    "etc/hostname",
    "etc/machine-id",
    "etc/resolv.conf",
    "etc/shadow-",
    "var/lib/dpkg/status-old",
];

/// The layer for these packages: from the cache, or made now.
///
/// The cache holds a layer under the digest of its package versions, and for each wish the digest it came to.
/// A wish is not renewed by itself: delete the cache to have newer packages.
pub(crate) fn layer(wish: &Debian) -> Result<Vec<u8>, Failure> {
    let cache = cache::dir()?.join("debian");
    fs_err::create_dir_all(&cache)?;
    let pointer = cache.join(format!("wish-{}", wish_digest(wish)));
    let path_of = |key: &str| cache.join(format!("{}.tar", key.trim()));
    if let Ok(layer) = fs_err::read_to_string(&pointer).and_then(|key| fs_err::read(path_of(&key)))
    {
        return Ok(layer);
    }
    let tree = bootstrap(wish, &cache)?;
    let key = digest::of(versions(&tree).as_bytes());
    let layer = tree.to_tar()?;
    cache::replace(&path_of(&key), &layer)?;
    cache::replace(&pointer, key.as_bytes())?;
    Ok(layer)
}

fn wish_digest(wish: &Debian) -> String {
    let mut inputs = digest::Inputs::default();
    inputs.add(std::env::consts::ARCH);
    OPTIONS.iter().for_each(|option| inputs.add(option));
    inputs.add(&wish.suite);
    wish.packages.iter().for_each(|package| inputs.add(package));
    inputs.finish()
}

fn bootstrap(wish: &Debian, cache: &Path) -> Result<Tree, Failure> {
    let packages = wish.packages.join(",");
    say(&format!(
        "making a Debian {} tree with {packages}, this takes a minute",
        wish.suite
    ));
    let tarball = cache.join(format!("new-{}.tar", std::process::id()));
    let status = Command::new("mmdebstrap")
        .args([
            "--quiet",
            "--mode=root",
            "--variant=essential",
            "--format=tar",
        ])
        .arg(format!("--include={packages}"))
        .arg(&wish.suite)
        .arg(&tarball)
        .env("SOURCE_DATE_EPOCH", "0")
        .stdin(Stdio::null())
        .status()
        .map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure::not_installed("`mmdebstrap` is not on this host"),
            _ => Failure::host(format!("cannot start `mmdebstrap`: {e}")),
        })?;
    if !status.success() {
        // What it left is of no use; its own words are on stderr.
        let _ = fs_err::remove_file(&tarball);
        return Err(Failure::host(format!("`mmdebstrap` ended with {status}"))
            .with_hint("it must run as root and reach a Debian mirror"));
    }
    let mut tree = Tree::from_tar(&fs_err::read(&tarball)?)?;
    fs_err::remove_file(&tarball)?;
    tree.retain(wanted);
    Ok(tree)
}

fn wanted(path: &str) -> bool {
    let under = |dirs: &[&str]| dirs.iter().any(|dir| path.starts_with(dir));
    // Licences must travel with what they cover.
    let licence = path.starts_with("usr/share/doc/") && path.ends_with("/copyright");
    let excluded = under(&EXCLUDED) && !licence;
    !excluded && !under(&VOLATILE) && !VOLATILE_FILES.contains(&path)
}

/// `name version` of every installed package, a line each.
fn versions(tree: &Tree) -> String {
    let status = match tree.get("var/lib/dpkg/status").map(|node| &node.kind) {
        Some(Kind::File(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let fields = status.lines().filter_map(|line| {
        let name = line
            .strip_prefix("Package: ")
            .map(|name| format!("\n{name}"));
        name.or_else(|| {
            line.strip_prefix("Version: ")
                .map(|version| format!(" {version}"))
        })
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Node;

    #[test]
    fn what_differs_from_run_to_run_is_not_shipped() {
        assert!(wanted("usr/sbin/nginx"));
        assert!(wanted("usr/share/doc/nginx/copyright"));
        assert!(!wanted("usr/share/doc/nginx/README"));
        assert!(!wanted("var/lib/apt/lists/x"));
        assert!(!wanted("etc/machine-id"));
        assert!(wanted("var/log"));
    }

    #[test]
    fn the_key_is_made_of_versions() {
        let mut tree = Tree::default();
        let status = "Package: nginx\nStatus: install ok installed\nVersion: 1.22\n\nPackage: zlib\nVersion: 1.2\n";
        tree.put("var/lib/dpkg/status", Node::file(status.into(), false));
        assert_eq!(versions(&tree), "\nnginx 1.22\nzlib 1.2");
    }
}
