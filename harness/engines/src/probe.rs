//! The static probe that is mounted into subjects: embedded here, written once to the user's cache under its digest.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::env;
use fs_err as fs;

use crate::image::digest;

/// The executable that the build script made.
pub(crate) const BINARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adamant-probe"));

/// Where it is once it was looked at.
static FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The probe as a file of the host, written when it is not there yet or is not what it should be.
///
/// Looked at once a process: a thread that writes it while another starts a child would lend that child its descriptor,
/// and what is open for writing cannot be executed.
pub(crate) fn file() -> Result<PathBuf, EngineError> {
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = file.as_ref().filter(|path| path.exists()) {
        return Ok(path.clone());
    }
    Ok(file.insert(look()?).clone())
}

fn look() -> Result<PathBuf, EngineError> {
    let wanted = digest::of(BINARY);
    let path = env::cache_dir()
        .join("probe")
        .join(&wanted)
        .join("adamant-probe");
    if is(&path, &wanted) {
        return Ok(path);
    }
    write(&path).map_err(|error| {
        EngineError::new(
            ErrorKind::Unsupported,
            format!("write the probe to `{}`", path.display()),
        )
        .caused_by(error)
        .hint("name a writable directory with `XDG_CACHE_HOME`")
    })?;
    Ok(path)
}

fn is(path: &Path, wanted: &str) -> bool {
    let runs = fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o777 == 0o755);
    runs && fs::read(path).is_ok_and(|found| digest::of(&found) == wanted)
}

/// Under another name first: another run may be starting the probe at this moment.
fn write(path: &Path) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(BINARY)?;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o755))?;
    file.persist(path)?;
    Ok(())
}
