//! What an entry of an archive may be: the laws that keep a hostile tar from doing harm, for writing and for laying out alike.
//!
//! A snapshot that could not be restored is never made: both sides ask the same laws.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use super::{ArchiveError, Entry, Kind};

/// The longest path below the root, in bytes.
const PATH: usize = 4096 - 256;
/// The longest name, in bytes.
const NAME: usize = 255;
/// The deepest directory: each level is one open file while the tree is walked.
const DEPTH: usize = 256;

/// How much an archive may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of content, all files together.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            entries: 1_000_000,
        }
    }
}

/// What is taken although it is refused by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accept {
    /// Owners that are neither the daemon's nor the workspace's.
    pub foreign_owners: bool,
    /// Names in one directory that differ in case only.
    pub case_collisions: bool,
    /// Symbolic links that lead out of the workspace.
    pub outward_links: bool,
}

/// Whose files a workspace holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// Users.
    pub users: Vec<u32>,
    /// Groups.
    pub groups: Vec<u32>,
}

/// All laws of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// How much.
    pub limits: Limits,
    /// What else.
    pub accept: Accept,
    /// Whose.
    pub owners: Owners,
    /// The workspace's own absolute path: an absolute link below it stays inside.
    pub root: Vec<u8>,
}

/// What is known of a name that was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The hash of the name as it was written, its case included.
    exact: u64,
    kind: Kind,
    /// A directory that only stands in the path of another entry; it may still come itself.
    implied: bool,
}

/// The laws, and what they saw of one archive so far.
///
/// Only hashes of names are held: 32 bytes an entry, whatever the names. They are keyed with random numbers, so that nobody can
/// prepare two names with the same one; and if there ever are such, the archive is refused, not let through.
#[derive(Debug)]
pub(super) struct Laws<'a> {
    policy: &'a Policy,
    names: HashMap<u64, Seen>,
    hasher: RandomState,
    bytes: u64,
    entries: u64,
}

impl<'a> Laws<'a> {
    pub(super) fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            names: HashMap::new(),
            hasher: RandomState::new(),
            bytes: 0,
            entries: 0,
        }
    }

    /// Judges an entry; its path, as plain components joined by `/`, empty for the root.
    pub(super) fn judge(&mut self, entry: &Entry) -> Result<Vec<u8>, ArchiveError> {
        let path = plain(&entry.name).map_err(|why| ArchiveError::refused(&entry.name, why))?;
        let refused = |why: String| ArchiveError::refused(&entry.name, why);
        self.count(entry)?;
        self.owner(entry).map_err(refused)?;
        match entry.kind {
            Kind::Symlink => self.symlink(&path, &entry.target).map_err(refused)?,
            Kind::HardLink => self.hard_link(&entry.target).map_err(refused)?,
            Kind::File | Kind::Directory => {}
        }
        if path.is_empty() && entry.kind != Kind::Directory {
            return Err(refused("it would replace the root".to_owned()));
        }
        self.name(&path, entry.kind).map_err(refused)?;
        Ok(path)
    }

    fn count(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let Limits { bytes, entries } = self.policy.limits;
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(entry.size);
        if self.entries > entries {
            return Err(ArchiveError::Bound(format!("more than {entries} entries")));
        }
        if self.bytes > bytes {
            return Err(ArchiveError::Bound(format!(
                "with entry `{}` it says {} bytes, more than {bytes}",
                super::shown(&entry.name),
                self.bytes
            )));
        }
        Ok(())
    }

    fn owner(&self, entry: &Entry) -> Result<(), String> {
        let Policy { accept, owners, .. } = self.policy;
        let known = |ids: &[u32], id: u64| ids.iter().any(|i| u64::from(*i) == id);
        if u32::try_from(entry.uid).is_err() || u32::try_from(entry.gid).is_err() {
            return Err(format!(
                "owner {}:{} is no number of a user",
                entry.uid, entry.gid
            ));
        }
        if accept.foreign_owners
            || known(&owners.users, entry.uid) && known(&owners.groups, entry.gid)
        {
            return Ok(());
        }
        Err(format!(
            "it belongs to {}:{}, and this workspace to users {:?}, groups {:?} (`--accept foreign-owners` takes it)",
            entry.uid, entry.gid, owners.users, owners.groups
        ))
    }

    fn name(&mut self, path: &[u8], kind: Kind) -> Result<(), String> {
        if path.is_empty() {
            return self.see(path, kind, false);
        }
        for (n, byte) in path.iter().enumerate() {
            if *byte == b'/' {
                self.see(&path[..n], Kind::Directory, true)?;
            }
        }
        self.see(path, kind, false)
    }

    fn see(&mut self, path: &[u8], kind: Kind, implied: bool) -> Result<(), String> {
        let exact = self.hasher.hash_one(path);
        // Where case may collide, each name is its own.
        let folded = if self.policy.accept.case_collisions {
            exact
        } else {
            let folded = String::from_utf8_lossy(path).to_lowercase();
            self.hasher.hash_one(folded.as_bytes())
        };
        let Some(seen) = self.names.get_mut(&folded) else {
            self.names.insert(
                folded,
                Seen {
                    exact,
                    kind,
                    implied,
                },
            );
            return Ok(());
        };
        let name = super::shown(path);
        if seen.exact != exact {
            return Err(format!(
                "`{name}` and a name before it differ in case only (`--accept case-collisions` takes both)"
            ));
        }
        if implied {
            return match seen.kind {
                Kind::Directory => Ok(()),
                Kind::Symlink => Err(format!("it goes through the symbolic link `{name}`")),
                Kind::File | Kind::HardLink => {
                    Err(format!("it lies below `{name}`, which is a file"))
                }
            };
        }
        if seen.implied && kind == Kind::Directory {
            seen.implied = false;
            return Ok(());
        }
        Err("its name was there before".to_owned())
    }

    fn symlink(&self, path: &[u8], target: &[u8]) -> Result<(), String> {
        if target.is_empty() {
            return Err("a link without a target".to_owned());
        }
        if target.len() > PATH || target.contains(&0) {
            return Err("its target is no path".to_owned());
        }
        if self.policy.accept.outward_links {
            return Ok(());
        }
        let shown = super::shown(target);
        let hint = "(`--accept outward-links` takes it)";
        let (mut depth, below) = if target.starts_with(b"/") {
            let root = &self.policy.root;
            let inside = target
                .strip_prefix(root.as_slice())
                .filter(|rest| !root.is_empty() && (rest.is_empty() || rest.starts_with(b"/")));
            let Some(below) = inside else {
                return Err(format!("its target `{shown}` leaves the workspace {hint}"));
            };
            (0, below)
        } else {
            (path.iter().filter(|b| **b == b'/').count(), target)
        };
        let mut behind_a_name = false;
        for part in below.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                // Behind a name it goes up from wherever that name leads, which only the names tell that stand there in the end.
                b".." if behind_a_name => {
                    return Err(format!(
                        "its target `{shown}` goes up behind a name, which may be a link itself {hint}"
                    ));
                }
                b".." => {
                    depth = match usize::checked_sub(depth, 1) {
                        Some(depth) => depth,
                        None => {
                            return Err(format!(
                                "its target `{shown}` leaves the workspace {hint}"
                            ));
                        }
                    };
                }
                _ => behind_a_name = true,
            }
        }
        Ok(())
    }

    fn hard_link(&self, target: &[u8]) -> Result<(), String> {
        let path = plain(target).map_err(|why| format!("its target: {why}"))?;
        let exact = self.hasher.hash_one(&path);
        let key = if self.policy.accept.case_collisions {
            exact
        } else {
            let folded = String::from_utf8_lossy(&path).to_lowercase();
            self.hasher.hash_one(folded.as_bytes())
        };
        match self.names.get(&key) {
            Some(seen)
                if seen.exact == exact && matches!(seen.kind, Kind::File | Kind::HardLink) =>
            {
                Ok(())
            }
            Some(seen) if seen.exact == exact => Err(format!(
                "a hard link to `{}`, which is no file",
                super::shown(target)
            )),
            _ => Err(format!(
                "a hard link to `{}`, which the archive does not hold before it",
                super::shown(target)
            )),
        }
    }
}

/// The path in plain components: what `./a//b/` means, or why it means nothing good.
pub(super) fn plain(name: &[u8]) -> Result<Vec<u8>, String> {
    if name.is_empty() {
        return Err("an entry without a name".to_owned());
    }
    if name.starts_with(b"/") {
        return Err("an absolute name".to_owned());
    }
    if name.contains(&0) {
        return Err("a name with a zero byte".to_owned());
    }
    let mut path = Vec::with_capacity(name.len());
    let mut depth = 0;
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err("its name goes up with `..`".to_owned()),
            part if part.len() > NAME => {
                return Err(format!("a name of more than {NAME} bytes"));
            }
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
                depth += 1;
            }
        }
    }
    if path.len() > PATH {
        return Err(format!("a path of more than {PATH} bytes"));
    }
    if depth > DEPTH {
        return Err(format!("more than {DEPTH} directories deep"));
    }
    Ok(path)
}
