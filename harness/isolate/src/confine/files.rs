//! Files behind Landlock: the packages can be read, and nothing else can be opened, made or removed.

use super::ConfineError;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};
use std::path::{Path, PathBuf};

/// All that this version can refuse is refused; an older kernel refuses what it can.
const WANTED: ABI = ABI::V7;
/// The engine seeds its hash tables and `Math.random` from here.
const RANDOM: &str = "/dev/urandom";

/// The version of the interface that is now in force.
pub(super) fn confine(
    readable: &[PathBuf],
    missing: &mut Vec<String>,
) -> Result<Option<u32>, ConfineError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()?;
    if Path::new(RANDOM).exists() {
        rules = rules.add_rule(rule(Path::new(RANDOM))?)?;
    }
    for path in readable {
        rules = rules.add_rule(rule(path)?)?;
    }
    let version = match rules.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
        LandlockStatus::NotEnabled => 0,
        LandlockStatus::NotImplemented => {
            missing
                .push("this kernel was built without Landlock: files are not confined".to_owned());
            return Ok(None);
        }
    };
    let wanted = WANTED as u32;
    match version {
        0 => {
            missing.push("Landlock is off on this kernel: files are not confined".to_owned());
            Ok(None)
        }
        older if older < wanted => {
            missing.push(format!(
                "this kernel has version {older} of Landlock, not {wanted}: {}",
                lost(older)
            ));
            Ok(Some(older))
        }
        _ => Ok(Some(wanted)),
    }
}

/// What an older version lets through, of what the filter for system calls does not refuse by itself.
fn lost(version: u32) -> &'static str {
    match version {
        ..3 => "a file that is readable can be cut to length zero, if its mode allows it",
        3..5 => "device controls are only filtered by system call",
        _ => "signals are only filtered by system call",
    }
}

fn rule(path: &Path) -> Result<PathBeneath<PathFd>, ConfineError> {
    let readable = |source| ConfineError::Readable {
        path: path.to_owned(),
        source,
    };
    let access = if path.is_dir() {
        AccessFs::ReadFile | AccessFs::ReadDir
    } else {
        AccessFs::ReadFile.into()
    };
    Ok(PathBeneath::new(
        PathFd::new(path).map_err(readable)?,
        access,
    ))
}
