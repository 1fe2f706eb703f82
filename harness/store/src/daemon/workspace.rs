//! A workspace on disk: recovered when it is opened, replaced as a whole by one rename.
//!
//! The new tree is laid out beside the old one, in `.NAME.restore-XXXX`, and the two change places in one system call
//! (`renameat2` with `RENAME_EXCHANGE`): whoever is killed, and whenever, leaves the old tree or the new one under the name, never
//! something between. What a killed restore leaves beside it is recognised by the lock that the kernel took off it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FlockOperation, RenameFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use thiserror::Error;

use crate::archive::{self, Accept, ArchiveError, Laid, Limits, Owners, Policy};

/// Why a directory cannot be served as a workspace.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// `/` and the like.
    #[error("`{0}` has no name of its own that a restored tree could take")]
    Unnamed(PathBuf),
    /// It is a file or a link.
    #[error("`{0}` is no directory")]
    NoDirectory(PathBuf),
    /// A mount point cannot change places with anything.
    #[error("`{0}` is a mount point, which no restore can replace as a whole")]
    MountPoint(PathBuf),
    /// Nothing can be laid out beside it.
    #[error("a restore lays its tree out in `{parent}`, which does not work")]
    Beside {
        /// The directory above the workspace.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What a killed restore left could not be removed.
    #[error("what a restore that was killed left in `{path}` cannot be removed")]
    Leftover {
        /// The leftover.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WorkspaceError {
    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MountPoint(path) => Some(format!(
                "serve a directory inside it, such as `{}`",
                path.join("root").display()
            )),
            Self::Beside { .. } => Some(
                "the directory above the workspace must be writable, and on a file system that can exchange two names".to_owned(),
            ),
            _ => None,
        }
    }
}

/// A workspace that can be kept and restored.
#[derive(Debug, Clone)]
pub struct Workspace {
    directory: PathBuf,
    parent: PathBuf,
    name: OsString,
    limits: Limits,
    accept: Accept,
}

impl Workspace {
    /// Opens a workspace: removes what killed restores left beside it, and tries that two directories there can change places.
    ///
    /// The directory itself need not exist yet; the one above it must.
    ///
    /// # Errors
    /// When a restore could not work there.
    pub fn open(directory: &Path, limits: Limits, accept: Accept) -> Result<Self, WorkspaceError> {
        let unnamed = || WorkspaceError::Unnamed(directory.to_owned());
        let absolute = std::path::absolute(directory).map_err(|_error| unnamed())?;
        let name = absolute.file_name().ok_or_else(unnamed)?.to_owned();
        let above = absolute.parent().ok_or_else(unnamed)?;
        let parent = above
            .canonicalize()
            .map_err(|source| WorkspaceError::Beside {
                parent: above.to_owned(),
                source,
            })?;
        let workspace = Self {
            directory: parent.join(&name),
            parent,
            name,
            limits,
            accept,
        };
        workspace.look()?;
        workspace.recover()?;
        workspace.try_exchange()?;
        Ok(workspace)
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether there is a directory.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.directory
            .symlink_metadata()
            .is_ok_and(|found| found.is_dir())
    }

    fn look(&self) -> Result<(), WorkspaceError> {
        let stat = rustix::fs::statx(
            CWD,
            &self.directory,
            AtFlags::SYMLINK_NOFOLLOW,
            StatxFlags::TYPE,
        );
        let Ok(stat) = stat else { return Ok(()) };
        if u32::from(stat.stx_mode) & 0o170_000 != 0o040_000 {
            return Err(WorkspaceError::NoDirectory(self.directory.clone()));
        }
        if stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Err(WorkspaceError::MountPoint(self.directory.clone()));
        }
        Ok(())
    }

    /// What names beside the workspace are ours.
    fn prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(&self.name);
        prefix.push(".restore-");
        prefix
    }

    fn recover(&self) -> Result<(), WorkspaceError> {
        let beside = |source| WorkspaceError::Beside {
            parent: self.parent.clone(),
            source,
        };
        let prefix = self.prefix();
        for entry in std::fs::read_dir(&self.parent).map_err(beside)? {
            let entry = entry.map_err(beside)?;
            if !entry.file_name().as_bytes().starts_with(prefix.as_bytes()) {
                continue;
            }
            let path = entry.path();
            // A restore that lives holds its lock: another daemon serves the same directory.
            let Ok(lock) = File::open(&path) else {
                continue;
            };
            if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                archive::remove(&path)
                    .map_err(|source| WorkspaceError::Leftover { path, source })?;
            }
        }
        Ok(())
    }

    /// A file system that cannot exchange two names is told at the start, not by the first restore.
    fn try_exchange(&self) -> Result<(), WorkspaceError> {
        let attempt = || -> io::Result<()> {
            let one = Staging::new(self)?;
            let other = Staging::new(self)?;
            rustix::fs::renameat_with(CWD, &one.path, CWD, &other.path, RenameFlags::EXCHANGE)?;
            Ok(())
        };
        attempt().map_err(|source| WorkspaceError::Beside {
            parent: self.parent.clone(),
            source,
        })
    }

    /// The laws of this workspace: its files belong to the daemon, to its own owner, or to nobody here.
    fn policy(&self) -> Policy {
        let mut owners = Owners {
            users: vec![rustix::process::geteuid().as_raw()],
            groups: vec![rustix::process::getegid().as_raw()],
        };
        if let Ok(found) = self.directory.symlink_metadata() {
            owners.users.push(found.uid());
            owners.groups.push(found.gid());
        }
        let groups = rustix::process::getgroups().unwrap_or_default();
        owners.groups.extend(groups.into_iter().map(|g| g.as_raw()));
        for ids in [&mut owners.users, &mut owners.groups] {
            ids.sort_unstable();
            ids.dedup();
        }
        Policy {
            limits: self.limits,
            accept: self.accept,
            owners,
            root: self.directory.as_os_str().as_bytes().to_vec(),
        }
    }

    /// Writes the workspace as a tar.
    ///
    /// # Errors
    /// As `archive::write`.
    pub fn write(&self, out: &mut dyn io::Write) -> Result<archive::Written, ArchiveError> {
        archive::write(&self.directory, &self.policy(), out)
    }

    /// Whether there is nothing to keep.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_empty(&self) -> io::Result<bool> {
        archive::is_empty(&self.directory)
    }

    /// When something that is kept last changed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn activity(&self) -> Result<SystemTime, ArchiveError> {
        archive::activity(&self.directory)
    }

    /// When the root itself last changed: right after a restore, when it took its place.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn changed(&self) -> io::Result<SystemTime> {
        let found = self.directory.symlink_metadata()?;
        let seconds = u64::try_from(found.ctime()).unwrap_or(0);
        let nanoseconds = u32::try_from(found.ctime_nsec()).unwrap_or(0);
        Ok(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
    }

    /// Lays the archive out and, once `verified` has agreed too, lets it take the workspace's place.
    ///
    /// # Errors
    /// When the archive is refused or broken, `verified` objects, or the disk does not take it: the workspace is as before.
    pub fn restore<R: Read>(
        &self,
        from: &mut R,
        verified: impl FnOnce(&R) -> Result<(), ArchiveError>,
    ) -> Result<Laid, ArchiveError> {
        let failed = |source| ArchiveError::file(self.directory.as_os_str().as_bytes(), source);
        let staging = Staging::new(self).map_err(failed)?;
        // The tree is a directory of its own inside: until it is in its place, nobody else can enter it.
        let new = staging.path.join("new");
        std::fs::create_dir(&new).map_err(failed)?;
        let laid = archive::extract(&mut *from, &new, &self.policy())?;
        verified(from)?;
        if !laid.root {
            self.dress(&new).map_err(failed)?;
        }
        self.swap(&new).map_err(failed)?;
        Ok(laid)
    }

    /// A root that the archive does not speak of is like the one before.
    fn dress(&self, new: &Path) -> io::Result<()> {
        let mode = match self.directory.symlink_metadata() {
            Ok(old) => {
                std::os::unix::fs::chown(new, Some(old.uid()), Some(old.gid()))?;
                old.mode() & 0o7777
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0o755,
            Err(error) => return Err(error),
        };
        std::fs::set_permissions(new, std::fs::Permissions::from_mode(mode))
    }

    fn swap(&self, new: &Path) -> io::Result<()> {
        let exchanged =
            rustix::fs::renameat_with(CWD, new, CWD, &self.directory, RenameFlags::EXCHANGE);
        match exchanged {
            // There is no old one; should one appear this moment, it is not overwritten.
            Err(Errno::NOENT) => Ok(rustix::fs::renameat_with(
                CWD,
                new,
                CWD,
                &self.directory,
                RenameFlags::NOREPLACE,
            )?),
            Err(Errno::XDEV) => Err(io::Error::other(
                "it lies on another file system than the directory above it, or in a layer of the image: serve a directory that was made at run time",
            )),
            other => Ok(other?),
        }
    }
}

/// A directory beside the workspace that is gone when it is dropped, or when the next daemon starts.
#[derive(Debug)]
struct Staging {
    path: PathBuf,
    /// Held as long as the restore lives.
    _lock: File,
}

impl Staging {
    fn new(workspace: &Workspace) -> io::Result<Self> {
        let mut name = workspace.prefix();
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        name.push(crate::key::hex(&random));
        let path = workspace.parent.join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::open(&path)?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start, which tells when it cannot either.
        let _ = archive::remove(&self.path);
    }
}
