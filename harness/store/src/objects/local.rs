//! Snapshots on a file system: written beside their place, synced, renamed into it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use rustix::fs::FlockOperation;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::StoreError;
use super::seal::{SEAL, Sealed};
use crate::Key;
use crate::key::hex;

const PIECE: u64 = 256 << 10;
/// Files on their way in end like this; no key does.
const COMING: &str = ".put";

/// A directory of snapshots.
#[derive(Debug, Clone)]
pub(super) struct Local {
    base: PathBuf,
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}

impl Local {
    pub(super) fn new(base: PathBuf) -> Self {
        Self { base }
    }

    /// Where a key leads. Its components are plain names; that no link inside the store makes them lead out is looked at each time.
    fn place(&self, key: &Key) -> Result<PathBuf, StoreError> {
        let path = self.base.join(key.path());
        let outside = || StoreError::Outside {
            path: path.clone(),
            base: self.base.clone(),
        };
        if !path.starts_with(&self.base) {
            return Err(outside());
        }
        // The deepest directory that exists decides where those below it will be.
        let mut above = path.parent();
        while let Some(directory) = above {
            match directory.canonicalize() {
                Ok(real) => {
                    let base = match self.base.canonicalize() {
                        Ok(base) => base,
                        // Nothing of the store exists yet: nothing in it leads anywhere.
                        Err(error) if error.kind() == ErrorKind::NotFound => break,
                        Err(error) => return Err(file(&self.base)(error)),
                    };
                    if real.starts_with(&base) {
                        break;
                    }
                    return Err(outside());
                }
                Err(error) if error.kind() == ErrorKind::NotFound && !directory.is_symlink() => {
                    above = directory.parent();
                }
                Err(error) => return Err(file(directory)(error)),
            }
        }
        Ok(path)
    }

    pub(super) async fn put(&self, key: &Key) -> Result<LocalUpload, StoreError> {
        let place = self.place(key)?;
        let directory = place.parent().unwrap_or(&self.base).to_owned();
        std::fs::create_dir_all(&directory).map_err(file(&directory))?;
        reap(&directory);
        let mut random = [0; 12];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| file(&directory)(error.into()))?;
        let coming = directory.join(format!(".{}{COMING}", hex(&random)));
        let created = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&coming)
            .map_err(file(&coming))?;
        // Held as long as this upload lives: without it, the file is what a killed one left.
        rustix::fs::flock(&created, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| file(&coming)(error.into()))?;
        Ok(LocalUpload {
            file: tokio::fs::File::from_std(created),
            coming: Some(coming),
            place,
        })
    }

    pub(super) async fn get(
        &self,
        key: &Key,
    ) -> Result<Option<(Sealed, LocalDownload)>, StoreError> {
        let place = self.place(key)?;
        let mut opened = match tokio::fs::File::open(&place).await {
            Ok(opened) => opened,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(file(&place)(error)),
        };
        let size = opened.metadata().await.map_err(file(&place))?.len();
        let begin = size.saturating_sub(SEAL as u64);
        opened
            .seek(io::SeekFrom::Start(begin))
            .await
            .map_err(file(&place))?;
        let mut block = Vec::new();
        (&mut opened)
            .take(SEAL as u64)
            .read_to_end(&mut block)
            .await
            .map_err(file(&place))?;
        let seal = Sealed::read(&block, size, key.path())?;
        opened.rewind().await.map_err(file(&place))?;
        Ok(Some((
            seal,
            LocalDownload {
                file: opened,
                place,
            },
        )))
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let place = self.place(key)?;
        match tokio::fs::remove_file(&place).await {
            Err(error)
                if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Err(file(&place)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Removes what killed uploads left in a directory. What cannot be looked at is left alone: it is in nobody's way.
fn reap(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') || !name.ends_with(COMING) {
            continue;
        }
        let Ok(left) = File::open(entry.path()) else {
            continue;
        };
        // A file so new may be one that its upload has not locked yet.
        let old = left
            .metadata()
            .and_then(|m| m.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 60));
        if old && rustix::fs::flock(&left, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file on its way in; removed when it is dropped unfinished.
#[derive(Debug)]
pub(super) struct LocalUpload {
    file: tokio::fs::File,
    coming: Option<PathBuf>,
    place: PathBuf,
}

impl LocalUpload {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).await.map_err(file(&self.place))
    }

    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        let place = self.place.clone();
        self.file.flush().await.map_err(file(&place))?;
        self.file.sync_all().await.map_err(file(&place))?;
        if let Some(coming) = &self.coming {
            tokio::fs::rename(coming, &place)
                .await
                .map_err(file(&place))?;
        }
        self.coming = None;
        // The name is only there for good once its directory is on the disk too.
        let directory = place.parent().unwrap_or(Path::new("/"));
        let directory = tokio::fs::File::open(directory)
            .await
            .map_err(file(directory))?;
        directory.sync_all().await.map_err(file(&place))
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        if let Some(coming) = &self.coming {
            let _ = std::fs::remove_file(coming);
        }
    }
}

/// A file on its way out.
#[derive(Debug)]
pub(super) struct LocalDownload {
    file: tokio::fs::File,
    place: PathBuf,
}

impl LocalDownload {
    pub(super) async fn next(&mut self, left: u64) -> Result<Bytes, StoreError> {
        let most = usize::try_from(left.min(PIECE)).expect("a piece is small");
        let mut piece = BytesMut::with_capacity(most);
        let mut limited = (&mut self.file).take(most as u64);
        while piece.len() < most {
            if limited
                .read_buf(&mut piece)
                .await
                .map_err(file(&self.place))?
                == 0
            {
                break;
            }
        }
        Ok(piece.freeze())
    }
}
