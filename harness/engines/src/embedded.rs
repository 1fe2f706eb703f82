//! The static executables beside ours, the probe and the shim: embedded here, written once to the user's cache.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use fs_err as fs;

use crate::store;

/// An executable that the build script made.
#[derive(Debug)]
pub(crate) struct Embedded {
    name: &'static str,
    /// Its content.
    pub(crate) binary: &'static [u8],
    /// Tells it from other builds.
    key: &'static str,
    /// Where it is, once it was seen to be there whole.
    place: Mutex<Option<PathBuf>>,
}

/// What is mounted into subjects.
pub(crate) static PROBE: Embedded = Embedded {
    name: "adamant-probe",
    binary: include_bytes!(concat!(env!("OUT_DIR"), "/adamant-probe")),
    key: env!("ADAMANT_PROBE_KEY"),
    place: Mutex::new(None),
};

/// The parent of a container without a daemon.
pub(crate) static SHIM: Embedded = Embedded {
    name: "adamant-shim",
    binary: include_bytes!(concat!(env!("OUT_DIR"), "/adamant-shim")),
    key: env!("ADAMANT_SHIM_KEY"),
    place: Mutex::new(None),
};

impl Embedded {
    /// As a file of the host, written when it is not there yet or is not what it should be.
    ///
    /// One at a time: a thread that writes it while another starts a child would lend that child its descriptor, and what
    /// is open for writing cannot be executed.
    pub(crate) fn file(&self) -> Result<PathBuf, EngineError> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // Who empties the cache meanwhile gets it again.
        if let Some(path) = place.as_ref().filter(|path| path.is_file()) {
            return Ok(path.clone());
        }
        Ok(place.insert(self.written()?).clone())
    }

    fn written(&self) -> Result<PathBuf, EngineError> {
        let kind = self.name.trim_start_matches("adamant-");
        let path = env::cache_dir().join(kind).join(self.key).join(self.name);
        if is(&path, self.binary) {
            return Ok(path);
        }
        write(&path, self.binary).map_err(|error| {
            EngineError::new(
                ErrorKind::Unsupported,
                format!("write `{}` to `{}`", self.name, path.display()),
            )
            .hint(store::remedy(&error))
            .caused_by(error)
        })?;
        Ok(path)
    }
}

/// Whether the file is this executable, to the last byte.
fn is(path: &Path, wanted: &[u8]) -> bool {
    let runs = fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o777 == 0o755);
    runs && fs::read(path).is_ok_and(|found| found == wanted)
}

/// Under another name first: another run may be starting it at this moment.
fn write(path: &Path, binary: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(binary)?;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o755))?;
    file.persist(path)?;
    Ok(())
}
