//! `image.yaml`: how a fixture image is made.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The base that has nothing in it.
pub(crate) const SCRATCH: &str = "scratch";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// Another fixture image, or `scratch`.
    pub(crate) from: String,
    /// A Debian tree, as a layer of its own under ours.
    pub(crate) debian: Option<Debian>,
    /// Packages of npm's registry, as a layer of their own over Debian's.
    #[serde(default)]
    pub(crate) npm: Vec<Npm>,
    /// Applets of the static busybox, as links in `/bin`.
    #[serde(default)]
    pub(crate) busybox: Vec<String>,
    /// The static service binary and the names it is called by.
    pub(crate) services: Option<Services>,
    /// Executables of this repository, static.
    #[serde(default)]
    pub(crate) binaries: BTreeMap<String, Binary>,
    /// A folder beside the recipe whose content is laid over everything before.
    pub(crate) rootfs: Option<String>,
    /// Directories that exist, with owner and mode.
    #[serde(default)]
    pub(crate) directories: BTreeMap<String, Directory>,
    /// Symbolic links and what they point at.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    /// Paths of the base that are gone.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
    /// Keys left out are the base's.
    #[serde(default)]
    pub(crate) config: Config,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Debian {
    pub(crate) suite: String,
    pub(crate) packages: Vec<String>,
}

/// A package whose archive is known by its digest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Npm {
    /// `name@version`.
    pub(crate) package: String,
    /// The SHA-256 of the archive.
    pub(crate) sha256: String,
    /// The directory of the image under which the package's files come.
    pub(crate) at: String,
    /// Only these files of the package; all of them when empty. One that ends in `/` stands for a directory.
    #[serde(default)]
    pub(crate) only: Vec<String>,
}

/// An executable of a package of this repository.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Binary {
    /// The package.
    pub(crate) package: String,
    /// The folder of its sources.
    pub(crate) sources: String,
    /// The executable.
    pub(crate) bin: String,
    /// The features that it is built with, and no others.
    pub(crate) features: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    pub(crate) path: String,
    /// Folder → link names.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Directory {
    /// User and group, the same number.
    pub(crate) owner: u64,
    pub(crate) mode: u32,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            owner: 0,
            mode: 0o755,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) user: Option<String>,
    pub(crate) workdir: Option<String>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) expose: Option<Vec<String>>,
    pub(crate) volumes: Option<Vec<String>>,
    pub(crate) stop_signal: Option<String>,
    /// `[CMD, …]` or `[CMD-SHELL, TEXT]`.
    pub(crate) healthcheck: Option<Vec<String>>,
}

pub(crate) fn read(path: &Path) -> Result<Recipe, Failure> {
    let text = fs_err::read_to_string(path)?;
    serde_saphyr::from_str(&text).map_err(|e| Failure::input(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_modes_are_read_and_unknown_keys_refused() {
        let recipe: Recipe =
            serde_saphyr::from_str("from: scratch\ndirectories:\n  /tmp: { mode: 0o1777 }\n")
                .unwrap();
        assert_eq!(recipe.directories["/tmp"].mode, 0o1777);
        let error = serde_saphyr::from_str::<Recipe>("from: scratch\nuser: root\n").unwrap_err();
        assert!(error.to_string().contains("user"), "{error}");
    }
}
