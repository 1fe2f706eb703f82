//! Images and files to and from a daemon, as plain readers.

use std::collections::HashMap;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use adamant_core::engine::{EngineError, ErrorKind};
use adamant_core::run::Deadline;
use adamant_probe::Entry;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::runtime::Handle;

use super::client::{Client, api, found};

/// How much is handed over at a time.
const CHUNK_BYTES: usize = 256 * 1024;

impl Client {
    /// The id of an image, when the daemon has it.
    pub(super) fn image_id(
        &self,
        reference: &str,
        deadline: &Deadline,
    ) -> Result<Option<String>, EngineError> {
        let work = self.docker.inspect_image(reference);
        let image = found(self.call(&format!("look for the image `{reference}`"), deadline, work))?;
        Ok(image.and_then(|image| image.id))
    }

    /// Streams what `docker save` writes through `read`.
    pub(super) fn export<T>(
        &self,
        image: &str,
        deadline: &Deadline,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> T {
        let chunks = self
            .docker
            .export_image(image)
            .map(|chunk| chunk.map(|bytes| bytes.to_vec()));
        read(&mut ChunkReader::new(
            self.runtime.handle(),
            deadline,
            Box::pin(chunks),
        ))
    }

    /// The bytes of one file of an image, through a container that is never started.
    pub(super) fn content(
        &self,
        image: &str,
        entry: &Entry,
        labels: HashMap<String, String>,
        deadline: &Deadline,
    ) -> Result<Vec<u8>, EngineError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("adamant-content-{}-{number}", std::process::id());
        let body = api::models::ContainerCreateBody {
            image: Some(image.to_owned()),
            // Never run; an image may name no program, and a container must.
            cmd: Some(vec!["/".into()]),
            labels: Some(labels),
            ..Default::default()
        };
        self.create(&name, body, deadline)?;
        let read = self.files(&name, &entry.path, deadline, |reader| {
            let mut archive = tar::Archive::new(reader);
            let mut bytes = Vec::new();
            match archive.entries()?.next() {
                Some(file) => file?.read_to_end(&mut bytes)?,
                None => 0,
            };
            Ok::<_, io::Error>(bytes)
        });
        let removed = self.remove(&name, &Deadline::for_cleanup(super::CLEANUP));
        let attempt = format!("read `{}` of the image `{image}`", entry.path);
        let bytes =
            read.map_err(|error| EngineError::new(ErrorKind::Engine, &attempt).caused_by(error))?;
        removed?;
        if bytes.len() as u64 != entry.size {
            return Err(EngineError::new(ErrorKind::Engine, attempt)
                .caused_by("the daemon's archive holds another number of bytes"));
        }
        Ok(bytes)
    }

    /// Streams a path of a container, with everything below, as a tar archive through `read`.
    pub(super) fn files<T>(
        &self,
        container: &str,
        path: &str,
        deadline: &Deadline,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> T {
        let options = api::query_parameters::DownloadFromContainerOptionsBuilder::new()
            .path(path)
            .build();
        let chunks = self
            .docker
            .download_from_container(container, Some(options))
            .map(|chunk| chunk.map(|bytes| bytes.to_vec()));
        read(&mut ChunkReader::new(
            self.runtime.handle(),
            deadline,
            Box::pin(chunks),
        ))
    }

    /// Loads what `docker load` takes; answers the names and ids that the daemon reports.
    pub(super) fn load(
        &self,
        what: &str,
        archive: Box<dyn Read + Send>,
        deadline: &Deadline,
    ) -> Result<Vec<String>, EngineError> {
        let options = api::query_parameters::ImportImageOptionsBuilder::new()
            .quiet(true)
            .build();
        let mut answers = self.docker.import_image_stream(
            options,
            chunks(archive).map(|c| c.map(Into::into)),
            None,
        );
        let work = async {
            let mut text = String::new();
            while let Some(answer) = answers.next().await {
                text += &answer?.stream.unwrap_or_default();
            }
            Ok(text)
        };
        let text = self.call(&format!("load {what}"), deadline, work)?;
        let loaded = |line: &str| {
            line.strip_prefix("Loaded image")
                .and_then(|l| l.split_once(": "))
                .map(|(_, name)| name.trim().to_owned())
        };
        Ok(text.lines().filter_map(loaded).collect())
    }

    /// Removes an image with all its tags; answers whether it existed.
    pub(super) fn remove_image(
        &self,
        image: &str,
        deadline: &Deadline,
    ) -> Result<bool, EngineError> {
        let options = api::query_parameters::RemoveImageOptionsBuilder::new()
            .force(true)
            .build();
        let work = self.docker.remove_image(image, Some(options), None);
        Ok(found(self.call(&format!("remove the image `{image}`"), deadline, work))?.is_some())
    }

    /// The tags of every image whose name starts with `prefix`.
    pub(super) fn tags(
        &self,
        prefix: &str,
        deadline: &Deadline,
    ) -> Result<Vec<String>, EngineError> {
        let work = self
            .docker
            .list_images(None::<api::query_parameters::ListImagesOptions>);
        let images = self.call("list images", deadline, work)?;
        Ok(images
            .into_iter()
            .flat_map(|i| i.repo_tags)
            .filter(|t| t.starts_with(prefix))
            .collect())
    }
}

/// Whether a reader failed because what was asked for does not exist.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// A reader's failure, told apart again: the time, the daemon, or what it sent.
pub(super) fn failure(
    attempt: String,
    deadline: &Deadline,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> EngineError {
    let kind = match deadline.left() {
        None if deadline.is_cancelled() => ErrorKind::Cancelled,
        None => ErrorKind::TimedOut,
        Some(_) => ErrorKind::Engine,
    };
    EngineError::new(kind, attempt).caused_by(error)
}

fn chunks(reader: Box<dyn Read + Send>) -> impl Stream<Item = Result<Vec<u8>, io::Error>> + Send {
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let mut chunk = Vec::new();
        match reader
            .by_ref()
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut chunk)
        {
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

type Chunks<'s> = Pin<Box<dyn Stream<Item = Result<Vec<u8>, api::errors::Error>> + 's>>;

/// A stream of the executor's as a reader of ours.
struct ChunkReader<'s> {
    runtime: &'s Handle,
    deadline: &'s Deadline,
    chunks: Chunks<'s>,
    chunk: io::Cursor<Vec<u8>>,
}

impl<'s> ChunkReader<'s> {
    fn new(runtime: &'s Handle, deadline: &'s Deadline, chunks: Chunks<'s>) -> Self {
        Self {
            runtime,
            deadline,
            chunks,
            chunk: io::Cursor::default(),
        }
    }

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            let Some(slice) = self.deadline.slice() else {
                return Some(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the time for it was up",
                )));
            };
            let next = self
                .runtime
                .block_on(async { tokio::time::timeout(slice, self.chunks.next()).await });
            if let Ok(next) = next {
                return next.map(|chunk| chunk.map_err(to_io));
            }
        }
    }
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.next() {
                None => return Ok(0),
                Some(chunk) => self.chunk = io::Cursor::new(chunk?),
            }
        }
    }
}

fn to_io(error: api::errors::Error) -> io::Error {
    match error {
        api::errors::Error::DockerResponseServerError {
            status_code: 404,
            message,
        } => io::Error::new(io::ErrorKind::NotFound, message),
        api::errors::Error::IOError { err } => err,
        other => io::Error::other(other),
    }
}
