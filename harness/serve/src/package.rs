//! Packages: fetched from where they are, kept as read-only trees under the name of their content.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use adamant_modules::DirectoryTree;
use adamant_store::archive::{self, Accept, ArchiveError, Limits, Policy};
use adamant_store::objects::{Bucket, StoreError};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use thiserror::Error;

/// How long a package that is kept is believed to be what its source has. A declared hash is believed for ever.
const FRESH: Duration = Duration::from_secs(1);

/// The most that a package may hold.
const LIMITS: Limits = Limits {
    bytes: 1 << 30,
    entries: 200_000,
};

/// How often a directory that changes under our hands is read again.
const ATTEMPTS: usize = 3;

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A directory.
    Directory(PathBuf),
    /// A tar, plain or with gzip.
    Archive(PathBuf),
    /// A tar in the object store, by its key.
    Object(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) | Self::Archive(path) => write!(f, "{}", path.display()),
            Self::Object(key) => write!(f, "object:{key}"),
        }
    }
}

/// Why there is no package.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A file of it, or of where packages are kept.
    #[error("`{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no archive that is laid out.
    #[error("package `{package}`")]
    Archive {
        /// Which.
        package: String,
        /// Why not.
        source: ArchiveError,
    },
    /// Its content has another hash than was declared.
    #[error("package `{package}` has the SHA-256 {seen}, and {declared} is declared")]
    Hash {
        /// Which.
        package: String,
        /// What was declared.
        declared: String,
        /// What it has.
        seen: String,
    },
    /// It changes all the time.
    #[error("package `{0}` changes while it is read")]
    Changing(String),
    /// Too large, or of files that no package has.
    #[error("package `{package}` is refused: {reason}")]
    Refused {
        /// Which.
        package: String,
        /// Why.
        reason: String,
    },
    /// The object store.
    #[error("package `object:{key}`")]
    Object {
        /// Which.
        key: String,
        /// Why not.
        source: StoreError,
    },
    /// An object is asked for, and no store is configured.
    #[error("package `object:{0}` is in an object store, and `PACKAGES_BUCKET` is not set")]
    NoStore(String),
    /// The object store has no such object.
    #[error("package `object:{0}` is not in the object store")]
    NoObject(String),
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> PackageError {
    let path = path.to_owned();
    move |source| PackageError::File { path, source }
}

/// A directory of ours, removed with the last who uses it.
#[derive(Debug)]
struct Kept(PathBuf);

impl Drop for Kept {
    fn drop(&mut self) {
        // Best effort: all of it lies in a directory that is removed at the end.
        let _ = archive::remove(&self.0);
    }
}

/// A package that is there: nothing changes it any more.
#[derive(Debug, Clone)]
pub struct Loaded {
    kept: Arc<Kept>,
    /// Opened once: it stays readable, whatever becomes of the directory's name.
    pub tree: Arc<DirectoryTree>,
    /// Names its content: the SHA-256 of the archive, or of the directory's names, modes and contents.
    pub hash: Arc<str>,
}

impl Loaded {
    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.kept.0
    }
}

/// What a source looked like when it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    Declared,
    /// The newest change time of a tree.
    Changed(SystemTime),
    /// Inode, length and change time of a file.
    File(u64, u64, i64, i64),
    /// The version that the object store tells.
    Version(String),
}

#[derive(Debug)]
struct Entry {
    loaded: Loaded,
    stamp: Stamp,
    looked: Instant,
}

/// One place for each source, so that two requests fetch a package once.
type Place = Arc<Mutex<Option<Entry>>>;

/// Fetches packages, and keeps them.
#[derive(Debug)]
pub struct Packages {
    root: TempDir,
    places: Mutex<HashMap<(Source, Option<String>), Place>>,
    contents: Mutex<BTreeMap<String, Weak<Kept>>>,
    bucket: Option<(Bucket, tokio::runtime::Handle)>,
}

impl Packages {
    /// Packages kept below a new directory, which is removed at the end; objects come from `bucket`.
    ///
    /// # Errors
    /// When there is no place for them.
    pub fn new(bucket: Option<(Bucket, tokio::runtime::Handle)>) -> io::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("adamant-serve-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()?;
        for room in ["packages", "seats", "new"] {
            fs_err::create_dir(root.path().join(room))?;
        }
        Ok(Self {
            root,
            places: Mutex::default(),
            contents: Mutex::default(),
            bucket,
        })
    }

    /// Where each isolate's process has a directory.
    #[must_use]
    pub fn seats(&self) -> PathBuf {
        self.root.path().join("seats")
    }

    /// The package of a source, fetched if it is not there or has changed. A declared hash of 64 hexadecimal digits must be the
    /// archive's SHA-256; any other text is a version, and another text fetches anew.
    ///
    /// # Errors
    /// When it cannot be had whole.
    pub fn fetch(&self, source: &Source, declared: Option<&str>) -> Result<Loaded, PackageError> {
        let key = (source.clone(), declared.map(str::to_owned));
        let place = Arc::clone(lock(&self.places).entry(key).or_default());
        let mut place = lock(&place);
        if let Some(entry) = &mut *place {
            if entry.stamp == Stamp::Declared || entry.looked.elapsed() < FRESH {
                return Ok(entry.loaded.clone());
            }
            if self.look(source)? == entry.stamp {
                entry.looked = Instant::now();
                return Ok(entry.loaded.clone());
            }
        }
        let (loaded, stamp) = self.load(source, declared)?;
        let stamp = declared.map_or(stamp, |_| Stamp::Declared);
        self.forget_other_versions(source, declared);
        *place = Some(Entry {
            loaded: loaded.clone(),
            stamp,
            looked: Instant::now(),
        });
        Ok(loaded)
    }

    /// Another version that was declared for the same source is not asked for again.
    fn forget_other_versions(&self, source: &Source, declared: Option<&str>) {
        lock(&self.places)
            .retain(|(other, version), _| other != source || version.as_deref() == declared);
    }

    fn look(&self, source: &Source) -> Result<Stamp, PackageError> {
        match source {
            Source::Directory(path) => archive::activity(path)
                .map(Stamp::Changed)
                .map_err(|error| unpacked(source, error)),
            Source::Archive(path) => Ok(stamp(&fs_err::metadata(path).map_err(file(path))?)),
            Source::Object(key) => {
                let (bucket, runtime) = self.bucket(key)?;
                let version = runtime.block_on(bucket.version(key));
                let version = version.map_err(|source| PackageError::Object {
                    key: key.clone(),
                    source,
                })?;
                let version = version.ok_or_else(|| PackageError::NoObject(key.clone()))?;
                Ok(Stamp::Version(version))
            }
        }
    }

    fn bucket(&self, key: &str) -> Result<&(Bucket, tokio::runtime::Handle), PackageError> {
        self.bucket
            .as_ref()
            .ok_or_else(|| PackageError::NoStore(key.to_owned()))
    }

    fn load(
        &self,
        source: &Source,
        declared: Option<&str>,
    ) -> Result<(Loaded, Stamp), PackageError> {
        let new = tempfile::Builder::new()
            .prefix("p")
            .tempdir_in(self.root.path().join("new"))
            .map_err(file(self.root.path()))?;
        let laid = new.path().join("tree");
        fs_err::create_dir(&laid).map_err(file(&laid))?;
        let (hash, stamp) = match source {
            Source::Directory(path) => self.snapshot(source, path, &laid)?,
            Source::Archive(path) => {
                let mut tar = File::open(path).map_err(file(path))?;
                let stamp = stamp(&tar.metadata().map_err(file(path))?);
                (unpack(source, &mut tar, declared, &laid)?, stamp)
            }
            Source::Object(key) => {
                let stamp = self.look(source)?;
                let mut tar = self.download(key, new.path())?;
                (unpack(source, &mut tar, declared, &laid)?, stamp)
            }
        };
        let kept = self.keep(&laid, &hash)?;
        let tree = DirectoryTree::open(&kept.0).map_err(file(&kept.0))?;
        let loaded = Loaded {
            kept,
            tree: Arc::new(tree),
            hash: hash.into(),
        };
        Ok((loaded, stamp))
    }

    /// Puts a tree that is complete under the name of its content, unless that is there.
    fn keep(&self, laid: &Path, hash: &str) -> Result<Arc<Kept>, PackageError> {
        let mut contents = lock(&self.contents);
        if let Some(kept) = contents.get(hash).and_then(Weak::upgrade) {
            return Ok(kept);
        }
        contents.retain(|_, kept| kept.strong_count() > 0);
        // A directory of this name may be on its way out: the last one who had it is removing it. So each has its own.
        let number = rustix::fs::stat(laid).map_or(0, |stat| stat.st_ino);
        let place = self
            .root
            .path()
            .join("packages")
            .join(format!("{hash}-{number}"));
        fs_err::rename(laid, &place).map_err(file(&place))?;
        let kept = Arc::new(Kept(place));
        contents.insert(hash.to_owned(), Arc::downgrade(&kept));
        Ok(kept)
    }

    /// A copy of a directory as it was at one moment.
    fn snapshot(
        &self,
        source: &Source,
        from: &Path,
        to: &Path,
    ) -> Result<(String, Stamp), PackageError> {
        for _ in 0..ATTEMPTS {
            let before = self.look(source)?;
            let mut copy = Copy {
                source,
                hash: Sha256::new(),
                bytes: 0,
                entries: 0,
            };
            let copied = copy.directory(from, to, "");
            if self.look(source)? == before {
                copied?;
                return Ok((hex(&copy.hash.finalize()), before));
            }
            archive::remove(to).map_err(file(to))?;
            fs_err::create_dir(to).map_err(file(to))?;
        }
        Err(PackageError::Changing(source.to_string()))
    }

    /// The object, whole, in a file without a name.
    fn download(&self, key: &str, near: &Path) -> Result<File, PackageError> {
        let (bucket, runtime) = self.bucket(key)?;
        let object = |source| PackageError::Object {
            key: key.to_owned(),
            source,
        };
        let mut tar = tempfile::tempfile_in(near).map_err(file(near))?;
        let mut length = 0_u64;
        let mut download = runtime
            .block_on(bucket.get(key))
            .map_err(object)?
            .ok_or_else(|| PackageError::NoObject(key.to_owned()))?;
        while let Some(piece) = runtime.block_on(download.next()).map_err(object)? {
            length += piece.len() as u64;
            if length > LIMITS.bytes {
                return Err(refused(
                    &Source::Object(key.to_owned()),
                    format!("it has more than {} bytes", LIMITS.bytes),
                ));
            }
            tar.write_all(&piece).map_err(file(near))?;
        }
        tar.rewind().map_err(file(near))?;
        Ok(tar)
    }
}

fn refused(source: &Source, reason: String) -> PackageError {
    PackageError::Refused {
        package: source.to_string(),
        reason,
    }
}

fn unpacked(package: &Source, source: ArchiveError) -> PackageError {
    PackageError::Archive {
        package: package.to_string(),
        source,
    }
}

fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    Stamp::File(
        metadata.ino(),
        metadata.len(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

/// Lays an archive out; its hash. Whose its files were does not matter: they lie where only we come.
fn unpack(
    source: &Source,
    tar: &mut File,
    declared: Option<&str>,
    to: &Path,
) -> Result<String, PackageError> {
    let failed = |error| PackageError::File {
        path: PathBuf::from(source.to_string()),
        source: error,
    };
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    let mut magic = Vec::new();
    loop {
        let read = tar.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        if magic.len() < 2 {
            magic.extend_from_slice(&piece[..read.min(2)]);
        }
        hash.update(&piece[..read]);
    }
    let seen = hex(&hash.finalize());
    if let Some(declared) = declared.filter(|text| is_digest(text))
        && !declared.eq_ignore_ascii_case(&seen)
    {
        return Err(PackageError::Hash {
            package: source.to_string(),
            declared: declared.to_owned(),
            seen,
        });
    }
    tar.rewind().map_err(failed)?;
    let policy = Policy {
        limits: LIMITS,
        accept: Accept {
            foreign_owners: true,
            case_collisions: true,
            outward_links: false,
        },
        ..Policy::default()
    };
    let laid = if magic == [0x1f, 0x8b] {
        let bound = LIMITS.bytes + LIMITS.entries * 1024;
        let tar = flate2::read::MultiGzDecoder::new(io::BufReader::new(tar)).take(bound);
        archive::extract(tar, to, &policy)
    } else {
        archive::extract(io::BufReader::new(tar), to, &policy)
    };
    laid.map_err(|error| unpacked(source, error))?;
    Ok(seen)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        let _a_string_takes_it = write!(text, "{byte:02x}");
        text
    })
}

/// Copies a directory, and hashes what it copies.
struct Copy<'a> {
    source: &'a Source,
    hash: Sha256,
    bytes: u64,
    entries: u64,
}

impl Copy<'_> {
    fn directory(&mut self, from: &Path, to: &Path, below: &str) -> Result<(), PackageError> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(from).map_err(file(from))? {
            names.push(entry.map_err(file(from))?.file_name());
        }
        names.sort_unstable();
        for name in names {
            let (from, to) = (from.join(&name), to.join(&name));
            let Some(name) = name.to_str() else {
                let reason = format!("`{}` has a name that is no text", from.display());
                return Err(refused(self.source, reason));
            };
            let path = format!("{below}/{name}");
            self.entries += 1;
            if self.entries > LIMITS.entries {
                let reason = format!("it has more than {} files", LIMITS.entries);
                return Err(refused(self.source, reason));
            }
            let metadata = fs_err::symlink_metadata(&from).map_err(file(&from))?;
            let kind = metadata.file_type();
            // Lengths before texts: no two trees are hashed from the same bytes.
            let head = format!("{:o} {} {path}\n", metadata.mode(), path.len());
            self.hash.update(head.as_bytes());
            if kind.is_dir() {
                fs_err::create_dir(&to).map_err(file(&to))?;
                self.directory(&from, &to, &path)?;
            } else if kind.is_symlink() {
                let target = fs_err::read_link(&from).map_err(file(&from))?;
                self.hash.update(target.as_os_str().as_encoded_bytes());
                self.hash.update(b"\n");
                fs_err::os::unix::fs::symlink(&target, &to).map_err(file(&to))?;
            } else if kind.is_file() {
                self.file(&from, &to)?;
            } else {
                let reason = format!("`{path}` is a socket, pipe or device");
                return Err(refused(self.source, reason));
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path) -> Result<(), PackageError> {
        let mut input = File::open(from).map_err(file(from))?;
        let metadata = input.metadata().map_err(file(from))?;
        let mut output = fs_err::File::create_new(to).map_err(file(to))?;
        let mut piece = vec![0; 64 << 10];
        let mut length = 0_u64;
        loop {
            let read = input.read(&mut piece).map_err(file(from))?;
            if read == 0 {
                break;
            }
            length += read as u64;
            self.bytes += read as u64;
            if self.bytes > LIMITS.bytes {
                let reason = format!("it has more than {} bytes", LIMITS.bytes);
                return Err(refused(self.source, reason));
            }
            self.hash.update(&piece[..read]);
            output.write_all(&piece[..read]).map_err(file(to))?;
        }
        self.hash.update(length.to_le_bytes());
        let times =
            std::fs::FileTimes::new().set_modified(metadata.modified().map_err(file(from))?);
        let output = output.into_file();
        output.set_times(times).map_err(file(to))?;
        let mode = std::fs::Permissions::from_mode(metadata.mode() & 0o777);
        output.set_permissions(mode).map_err(file(to))?;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
