//! Where an archive lies in the user's cache, and how it comes to lie there whole.

use super::{Platform, apt, binding, by_hand, engine_version, run};
use crate::cache;
use crate::digest::Inputs;
use crate::failure::Failure;
use crate::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a `libnode` of the crate's V8 is looked for, in this order.
const SUITES: [&str; 2] = ["forky", "sid"];
const ARCHIVE: &str = "librusty_v8.a";
const LINK_ARGS: &str = "link-args";
const LIB: &str = "lib";

/// Where an archive for this checkout belongs in the user's cache.
pub(super) struct Place {
    pub(super) version: String,
    pub(super) cache: PathBuf,
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) fn of(root: &Path) -> Result<Self, Failure> {
        let lock = fs_err::read_to_string(root.join("Cargo.lock"))?;
        let version = locked_version(&lock, "v8")
            .ok_or_else(|| Failure::input("`Cargo.lock` has no package `v8`"))?;
        let cache = cache::dir()?.join("v8");
        let mut inputs = Inputs::default();
        binding::inputs(&mut inputs);
        let digest = inputs.finish();
        let key = format!("{version}-{}-{}", std::env::consts::ARCH, &digest[..12]);
        let dir = cache.join(key);
        Ok(Self {
            version,
            cache,
            dir,
        })
    }

    /// It came here by one rename, so it is there whole or not at all; unless somebody tidied up by hand.
    pub(super) fn is_complete(&self) -> bool {
        [ARCHIVE, LINK_ARGS, LIB]
            .iter()
            .all(|name| self.dir.join(name).exists())
    }

    pub(super) fn config(&self) -> Result<String, Failure> {
        let quoted = |name: &str| {
            let path = self.dir.join(name);
            let text = path.to_str().ok_or_else(|| {
                Failure::host(format!(
                    "`{}` is not UTF-8, so cargo's configuration cannot name it",
                    path.display()
                ))
            })?;
            // What JSON escapes in a string, TOML escapes the same way.
            Ok::<_, Failure>(serde_json::Value::from(text).to_string())
        };
        Ok(format!(
            "# Written by `cargo xtask v8`, and read by way of `.cargo/config.toml`.\n[env]\n\
             RUSTY_V8_ARCHIVE = {}\nADAMANT_V8_LINK_ARGS = {}\n",
            quoted(ARCHIVE)?,
            quoted(LINK_ARGS)?
        ))
    }

    pub(super) fn make(&self, root: &Path) -> Result<(), Failure> {
        fs_err::create_dir_all(&self.cache)?;
        // Two calls at once: the second waits, then finds everything done. Held until the end of this function.
        let lock = fs_err::File::create(self.cache.join("lock"))?;
        if lock.file().try_lock().is_err() {
            say("V8: another `cargo xtask` is making it, waiting");
            lock.file().lock()?;
        }
        if self.is_complete() {
            return Ok(());
        }
        // Whoever holds the lock is alone: what lies here is of a run that was killed.
        for entry in fs_err::read_dir(&self.cache)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("new-") {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        let new = self.cache.join(format!("new-{}", std::process::id()));
        fs_err::create_dir(&new)?;
        let made = self.make_in(root, &new);
        if made.is_err() {
            // Why it failed is worth more than that the rest could not be removed.
            let _ = fs_err::remove_dir_all(&new);
        }
        made?;
        if self.dir.exists() {
            fs_err::remove_dir_all(&self.dir)?;
        }
        fs_err::rename(&new, &self.dir)?;
        Ok(())
    }

    fn make_in(&self, root: &Path, new: &Path) -> Result<(), Failure> {
        let version = &self.version;
        let hint = || by_hand(version);
        let platform = Platform::of_this_host().ok_or_else(|| {
            Failure::host(format!(
                "V8: GitHub does not answer, and there is no other way for {}",
                std::env::consts::ARCH
            ))
            .with_hint(hint())
        })?;
        say(&format!(
            "V8: no archive of `v8` {version} at hand; linking against Debian's libnode instead, this takes a minute"
        ));
        let sources = crate_dir(root, version)?;
        let wanted = engine_version(&sources.join("v8/include/v8-version.h")).ok_or_else(|| {
            Failure::host(format!("the sources of `v8` {version} name no engine"))
        })?;
        binding::require_compiler()?;
        let work = new.join("work");
        fs_err::create_dir(&work)?;
        let libnode =
            find_libnode(&work, &wanted, platform).map_err(|failure| failure.or_hint(hint))?;
        let lib = new.join(LIB);
        binding::collect_libraries(&libnode.root, platform, &lib)?;
        binding::compile(&sources, &libnode.root, root, &work, &new.join(ARCHIVE))?;
        binding::prove(&new.join(ARCHIVE), &lib, platform, &wanted, &work)
            .map_err(|failure| failure.or_hint(hint))?;
        let args = binding::link_args(&self.dir.join(LIB), platform);
        fs_err::write(new.join(LINK_ARGS), args.join("\n") + "\n")?;
        fs_err::write(new.join("packages"), libnode.packages.join("\n") + "\n")?;
        fs_err::remove_dir_all(work)?;
        Ok(())
    }
}

/// The first suite, on the first mirror that has it, whose libnode is the engine `wanted`.
fn find_libnode(work: &Path, wanted: &str, platform: Platform) -> Result<apt::Libnode, Failure> {
    let mirrors = apt::mirrors()?;
    let mut seen = Vec::new();
    let mut refused = None;
    for suite in SUITES {
        for mirror in &mirrors {
            let dir = work.join(suite);
            let suite = match apt::Suite::open(&dir, mirror, suite, platform) {
                Ok(suite) => suite,
                Err(failure) => {
                    refused.get_or_insert(failure);
                    continue;
                }
            };
            let found = suite.engine()?;
            if found.as_deref() == Some(wanted) {
                return suite.libnode();
            }
            seen.push(match found {
                Some(engine) => format!("{} has V8 {engine}", suite.name),
                None => format!("{} has no libnode-dev", suite.name),
            });
            break;
        }
    }
    // A mirror that did not answer is only worth a word when no other did.
    match refused {
        Some(failure) if seen.is_empty() => Err(failure),
        _ => Err(Failure::host(format!(
            "no Debian suite has V8 {wanted}: {}",
            seen.join(", ")
        ))),
    }
}

/// Where cargo keeps the crate's sources.
fn crate_dir(root: &Path, version: &str) -> Result<PathBuf, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version=1"]);
    let output = run(cargo.current_dir(root))?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|e| Failure::host(format!("`cargo metadata` did not answer in JSON: {e}")))?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .find(|package| package["name"] == "v8" && package["version"] == version)
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_owned)
        .ok_or_else(|| Failure::host(format!("`cargo metadata` does not know `v8` {version}")))
}

/// The version under which `Cargo.lock` has `name`.
fn locked_version(lock: &str, name: &str) -> Option<String> {
    let head = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != head).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_locked_one() {
        let lock = "[[package]]\nname = \"v8-x\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"v8\"\nversion = \"136.0.0\"\n";
        assert_eq!(locked_version(lock, "v8").as_deref(), Some("136.0.0"));
        assert_eq!(locked_version(lock, "v9"), None);
    }

    #[test]
    fn the_engine_is_read_from_its_header() {
        let dir = tempfile::tempdir().unwrap();
        let header = dir.path().join("v8-version.h");
        let text = "#define V8_MAJOR_VERSION 13\n#define V8_MINOR_VERSION 6\n#define V8_BUILD_NUMBER 233\n";
        fs_err::write(&header, text).unwrap();
        assert_eq!(engine_version(&header).as_deref(), Some("13.6"));
        fs_err::write(&header, "// nothing\n").unwrap();
        assert_eq!(engine_version(&header), None);
    }

    #[test]
    fn the_configuration_is_toml_whatever_the_path() {
        let place = Place {
            version: "1.0.0".to_owned(),
            cache: PathBuf::from("/c"),
            dir: PathBuf::from("/c/a \"b\" \\c"),
        };
        let text = place.config().unwrap();
        assert!(text.contains(r#"RUSTY_V8_ARCHIVE = "/c/a \"b\" \\c/librusty_v8.a""#));
        assert!(text.contains("\n[env]\n"));
    }

    #[test]
    fn a_half_made_place_is_not_complete() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place {
            version: "1.0.0".to_owned(),
            cache: dir.path().to_owned(),
            dir: dir.path().join("one"),
        };
        assert!(!place.is_complete());
        fs_err::create_dir_all(place.dir.join(LIB)).unwrap();
        fs_err::write(place.dir.join(ARCHIVE), "").unwrap();
        assert!(!place.is_complete());
        fs_err::write(place.dir.join(LINK_ARGS), "").unwrap();
        assert!(place.is_complete());
    }
}
