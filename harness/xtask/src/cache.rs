//! The user's cache directory, where what took time to make outlives a `cargo clean`.

use crate::failure::Failure;
use std::io;
use std::path::{Path, PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "xtask depends on none of our packages, core's `env.rs` included"
)]
pub(crate) fn dir() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    let base = named
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let base = base.ok_or_else(|| Failure::host("no home directory and no XDG_CACHE_HOME"))?;
    Ok(base.join("adamant"))
}

/// Whole at once, so that a killed run leaves no half file under a good name.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    fs_err::write(&new, bytes)?;
    fs_err::rename(new, path)
}
