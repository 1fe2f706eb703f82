//! What stands around a runtime while a trial runs: decoys on its `PATH`, the canary file, and packages as files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use adamant_core::module::HostPlan;
use adamant_core::module::wire::{File, from_hex};
use fs_err as fs;
use tempfile::TempDir;

/// Decoys and canary of one trial; dropping it removes them.
#[derive(Debug)]
pub(super) struct Surroundings {
    decoys: Option<TempDir>,
    canary: Option<PathBuf>,
    /// Where the runtime may leave what it likes.
    scratch: TempDir,
}

impl Surroundings {
    /// Makes them.
    pub(super) fn make(plan: &HostPlan) -> Result<Self, EngineError> {
        let failed = |error: io::Error| {
            EngineError::new(
                ErrorKind::Engine,
                format!("prepare the host for `{}`", plan.name),
            )
            .caused_by(error)
        };
        let mut surroundings = Self {
            decoys: None,
            canary: None,
            scratch: temporary("adamant-scratch-").map_err(failed)?,
        };
        if !plan.decoys.is_empty() {
            let dir = temporary("adamant-decoys-").map_err(failed)?;
            for name in &plan.decoys {
                let file = dir.path().join(name);
                fs::write(&file, format!("#!/bin/sh\necho {}\n", plan.decoy_says))
                    .map_err(failed)?;
                fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))
                    .map_err(failed)?;
            }
            surroundings.decoys = Some(dir);
        }
        if let Some((path, secret)) = &plan.canary {
            let mut options = std::fs::OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o644).open(path);
            let mut file = made.map_err(failed)?;
            surroundings.canary = Some(path.clone());
            file.write_all(secret.as_bytes()).map_err(failed)?;
        }
        Ok(surroundings)
    }

    /// The runtime's temporary directory, which is removed after the trial.
    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The host's `PATH` with the decoys before everything else.
    pub(super) fn path(&self) -> OsString {
        let host = env::host("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
        match &self.decoys {
            None => host.into(),
            Some(dir) => {
                let mut path = dir.path().as_os_str().to_owned();
                path.push(":");
                path.push(host);
                path
            }
        }
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        if let Some(canary) = &self.canary {
            // A file of a few bytes below the temporary directory; that it is gone already is as good.
            let _ = fs::remove_file(canary);
        }
    }
}

/// A directory below the temporary one, by its real path: what is printed must begin with it.
pub(super) fn temporary(prefix: &str) -> io::Result<TempDir> {
    let base = fs::canonicalize(std::env::temp_dir())?;
    tempfile::Builder::new().prefix(prefix).tempdir_in(base)
}

/// Writes a package below `root`, in place of what an earlier version left there.
pub(super) fn write_package(root: &Path, files: &BTreeMap<String, File>) -> io::Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root)?;
    // Links last: no file is written through one.
    let (links, plain): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|(_, file)| matches!(file, File::Link(_)));
    for (path, file) in plain.into_iter().chain(links) {
        let place = root.join(path.trim_start_matches('/'));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        match file {
            File::Text(text) => fs::write(&place, text)?,
            File::Hex(hex) => fs::write(&place, from_hex(hex).unwrap_or_default())?,
            File::Link(target) => {
                // An absolute target is one of the guest's, whose root is the package.
                let target = match target.strip_prefix('/') {
                    Some(below) => root.join(below),
                    None => target.into(),
                };
                std::os::unix::fs::symlink(target, &place)?;
            }
        }
    }
    Ok(())
}
