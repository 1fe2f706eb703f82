//! The content-addressed store of images under the user's cache: pulled blobs, and layers unpacked for overlayfs.
//!
//! ```text
//! lock                   shared by every process that uses the store, exclusive for `gc`
//! blobs/sha256/HEX       manifests, configurations and layers, as an OCI layout has them
//! layers/sha256/HEX/fs   a layer unpacked, named by the digest of its archive
//! images/HEX.json        which manifest a reference was pulled as
//! tmp/                   what is being made; renamed into its place when it is whole
//! ```

mod gc;
mod pull;
mod rootfs;
mod tree;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use adamant_core::engine::{EngineError, ErrorKind, ImageSource};
use adamant_core::env;
use adamant_core::run::Deadline;
use fs_err as fs;
use rustix::fs::{CWD, FlockOperation, Timestamps};
use serde::{Deserialize, Serialize};

use crate::image::layout::{self, Descriptor};
use crate::image::ledger::Limits;
pub use crate::image::package::{LayerFile, Package};
use crate::image::{ImageError, archive, digest};

/// Of the disk, one part in so many is left to others,
const OTHERS: u64 = 10;
/// but never more than this.
const OTHERS_MOST: u64 = 512 << 20;

/// What to do where the user's cache has no room.
const FULL: &str =
    "free some space (`adamant gc --all`), or name another directory with `XDG_CACHE_HOME`";

/// How images are found beyond what is on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sourcing {
    /// Whether registries may be asked. Nothing is pulled unless somebody says so.
    pub pull: bool,
    /// `os/architecture[/variant]`, where an image is for several; the engine's own when absent.
    pub platform: Option<String>,
}

/// The store, in use.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Shared for as long as the store is used.
    _lock: fs::File,
    /// One layer is unpacked at a time: whoever comes second finds it done.
    unpacking: Mutex<()>,
}

/// What a reference was pulled as.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    reference: String,
    platform: String,
    manifest: Descriptor,
}

impl Store {
    /// Opens the user's store; waits for a `gc` that is at work.
    pub fn open() -> Result<Self, EngineError> {
        Self::at(&env::cache_dir().join("store"))
    }

    /// Opens the store at a directory, made when it is not there.
    pub fn at(root: &Path) -> Result<Self, EngineError> {
        Self::prepare(root).map_err(|error| unwritable(root, error))
    }

    fn prepare(root: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        for dir in ["blobs/sha256", "layers/sha256", "images", "tmp"] {
            fs::create_dir_all(root.join(dir))?;
        }
        // Layers hold other people's setuid and device files.
        fs::set_permissions(root, std::fs::Permissions::from_mode(0o700))?;
        let lock = fs::File::create(root.join("lock"))?;
        rustix::fs::flock(lock.file(), FlockOperation::LockShared)?;
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
            unpacking: Mutex::default(),
        })
    }

    /// An image that is not a daemon's; `None` for a reference that was never pulled and may not be.
    pub fn image(
        &self,
        source: &ImageSource,
        platform: &str,
        pull: bool,
        deadline: &Deadline,
    ) -> Result<Option<Package>, EngineError> {
        let input = |error: ImageError| {
            EngineError::new(ErrorKind::Input, format!("read the image `{source}`"))
                .caused_by(error)
        };
        match source {
            ImageSource::Daemon(_) => Ok(None),
            ImageSource::Layout { dir, tag } => layout::open(dir, tag.as_deref(), platform)
                .map(Some)
                .map_err(input),
            ImageSource::Archive(file) => archive::open(file, &self.root.join("tmp"))
                .map(Some)
                .map_err(input),
            ImageSource::Rootfs(dir) => self.rootfs(dir).map(Some).map_err(input),
            // A bare name that is here already is not asked for again; `docker://` names what the registry has now.
            ImageSource::Bare(reference) => match self.pulled(reference, platform)? {
                None if pull => self.pull(reference, platform, deadline).map(Some),
                found => Ok(found),
            },
            ImageSource::Registry(reference) if pull => {
                self.pull(reference, platform, deadline).map(Some)
            }
            ImageSource::Registry(reference) => self.pulled(reference, platform),
        }
    }

    /// The directory of an unpacked layer, in the form that overlayfs takes as a lower one; unpacked now if it was not yet.
    pub fn layer(&self, layer: &LayerFile) -> Result<PathBuf, EngineError> {
        let attempt = format!("unpack the layer `{}`", layer.diff_id);
        let input =
            |error: ImageError| EngineError::new(ErrorKind::Input, &attempt).caused_by(error);
        let hex = digest::hex_of(&layer.diff_id)
            .ok_or_else(|| input(ImageError::invalid(&layer.diff_id, "is no digest")))?;
        let place = self.root.join("layers/sha256").join(hex);
        let _one = self
            .unpacking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if place.join("fs").is_dir() {
            used(&place);
            return Ok(place.join("fs"));
        }
        if !rustix::process::geteuid().is_root() {
            return Err(EngineError::new(ErrorKind::Unsupported, attempt)
                .caused_by("owners, device files and whiteouts can only be made by root")
                .hint("run as root, or use a daemon: `--engine docker`"));
        }
        let unwritten = |error: io::Error| {
            EngineError::new(ErrorKind::Unsupported, &attempt)
                .caused_by(error)
                .hint(format!("is the disk of `{}` full?", self.root.display()))
        };
        let made = self.scratch().map_err(unwritten)?;
        let fs_dir = made.path().join("fs");
        fs::create_dir(&fs_dir).map_err(unwritten)?;
        let bytes = layer
            .open()
            .map_err(|error| input(ImageError::read(layer.path.display().to_string())(error)))?;
        let limits = Limits {
            bytes: self.room().map_err(unwritten)?,
            ..Limits::default()
        };
        let found = tree::unpack(&layer.diff_id, bytes, &fs_dir, limits).map_err(|error| {
            if !is_full(&error, limits) {
                return input(error);
            }
            // The image is as good as it was: nothing can be said about it here.
            let root = self.root.display();
            let why = format!("the disk of `{root}` is full, or would be with this layer");
            EngineError::new(ErrorKind::Unsupported, &attempt)
                .caused_by(why)
                .hint(FULL)
        })?;
        if found != layer.diff_id {
            let told = format!("unpacks to `{found}`");
            return Err(input(ImageError::invalid(&layer.diff_id, told)));
        }
        match fs::rename(made.path(), &place) {
            // Its directory has another name now: there is nothing to take back.
            Ok(()) => drop(made.keep()),
            // Another process was faster; ours goes.
            Err(_) if place.join("fs").is_dir() => {}
            Err(error) => return Err(unwritten(error)),
        }
        Ok(place.join("fs"))
    }

    /// What a reference was pulled as, verified again.
    fn pulled(&self, reference: &str, platform: &str) -> Result<Option<Package>, EngineError> {
        let reference = pull::canonical(reference)?;
        let path = self.record(&reference, platform);
        let Ok(text) = fs::read(&path) else {
            return Ok(None);
        };
        let read = serde_json::from_slice::<Record>(&text)
            .map_err(ImageError::json(path.display().to_string()))
            .and_then(|record| layout::manifest_of(&self.root, &record.manifest, platform));
        let package = read.map_err(|error| {
            EngineError::new(
                ErrorKind::Input,
                format!("read the pulled image `{reference}`"),
            )
            .caused_by(error)
            .hint("pull it again: `--pull`")
        })?;
        for used_file in package.layers.iter().map(|l| &l.path).chain([&path]) {
            used(used_file);
        }
        Ok(Some(package))
    }

    fn record(&self, reference: &str, platform: &str) -> PathBuf {
        let key = digest::of(format!("{platform}\n{reference}").as_bytes());
        self.root.join("images").join(format!("{key}.json"))
    }

    fn blob(&self, hex: &str) -> PathBuf {
        self.root.join("blobs/sha256").join(hex)
    }

    /// A directory for what is being made, gone with its handle.
    fn scratch(&self) -> io::Result<tempfile::TempDir> {
        tempfile::tempdir_in(self.root.join("tmp"))
    }

    /// A file for what is being made.
    fn draft(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.root.join("tmp"))
    }

    /// Writes a small file whole or not at all.
    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut draft = self.draft()?;
        draft.write_all(bytes)?;
        draft.persist(path)?;
        Ok(())
    }

    /// How much may be unpacked: what the disk has, less what is left to others.
    fn room(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.root)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let size = disk.f_blocks.saturating_mul(disk.f_frsize);
        let others = (size / OTHERS).min(OTHERS_MOST);
        Ok(free.saturating_sub(others).min(Limits::default().bytes))
    }
}

/// Whether it is our disk that has no room for an image, and not the image that is larger than any may be.
fn is_full(error: &ImageError, limits: Limits) -> bool {
    match error {
        ImageError::TooLarge { claimed, .. } => {
            limits.bytes < *claimed && *claimed <= Limits::default().bytes
        }
        ImageError::Read { source, .. } => source.kind() == io::ErrorKind::StorageFull,
        ImageError::Json { .. } | ImageError::Invalid { .. } => false,
    }
}

/// What is used now is not what `gc` clears.
fn used(path: &Path) {
    let now = rustix::fs::Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    // A store that can only be read serves all the same.
    let _ = rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::empty());
}

fn unwritable(root: &Path, error: io::Error) -> EngineError {
    EngineError::new(
        ErrorKind::Unsupported,
        format!("use the store of images `{}`", root.display()),
    )
    .hint(remedy(&error))
    .caused_by(error)
}

/// What to do when something cannot be written below the user's cache.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FULL,
        _ => "name a writable directory with `XDG_CACHE_HOME`",
    }
}

/// Unpacks a layer of our own making into an empty directory, in the form that overlayfs takes as a lower one.
pub(crate) fn unpack(layer: &[u8], dir: &Path) -> Result<(), ImageError> {
    tree::unpack("a layer of faults", layer, dir, Limits::CONTAINER).map(drop)
}

/// A reference that was found nowhere on this host.
pub(crate) fn unknown(source: &ImageSource) -> EngineError {
    let error = EngineError::new(ErrorKind::Input, format!("find the image `{source}`"));
    match source {
        ImageSource::Registry(_) => error
            .caused_by("it was not pulled yet, and nothing is pulled unless you say so")
            .hint("pull it: `--pull`"),
        _ => error
            .caused_by("neither the daemon nor the store of pulled images has it")
            .hint(
                "build it (`docker build -t NAME .`), pull it (`--pull`), or name a file: `oci:DIR[:TAG]`, `docker-archive:FILE`, `rootfs:DIR`",
            ),
    }
}

/// Removes from the user's store what nobody has used for thirty days, or all of it; answers what went.
///
/// `None` where a live run uses the store: then it is left as it is.
pub fn collect(all: bool) -> Result<Option<Vec<String>>, EngineError> {
    gc::collect(&env::cache_dir().join("store"), all)
}

#[cfg(test)]
mod tests;
