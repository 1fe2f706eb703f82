//! What is verified: an image with the contract that a subject claims for it, and the files that were read from it so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use adamant_core::case::{Artifact, Manifest, ManifestSource, Subject};
use adamant_core::engine::Image;
use adamant_probe::{Entry, Kind};

use crate::elf::{self, Elf};
use crate::tree::{ImageTree, MAX_TEXT};

/// The largest binary that is read: larger ones are named as not judged.
const MAX_BINARY: u64 = 1 << 30;

/// An image and its contract.
#[derive(Debug)]
pub struct Target {
    pub(crate) image: Arc<Image>,
    pub(crate) subject: Subject,
    pub(crate) tree: Arc<ImageTree>,
    elves: Mutex<BTreeMap<String, Result<Arc<Elf>, String>>>,
}

/// The subject's manifest as far as it could be read.
pub(crate) struct ReadManifest {
    /// Its path, as findings name it.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) parsed: Result<Manifest, String>,
}

impl Target {
    /// `image` under the contract of `subject`.
    #[must_use]
    pub fn new(image: Arc<Image>, subject: Subject) -> Self {
        Self {
            tree: Arc::new(ImageTree::new(image.clone())),
            image,
            subject,
            elves: Mutex::default(),
        }
    }

    /// The variables that the first process has: the image's, and the subject's over them.
    pub(crate) fn env(&self) -> BTreeMap<&str, &str> {
        let pairs = self.image.config.env.iter();
        let mut env: BTreeMap<&str, &str> = pairs.filter_map(|pair| pair.split_once('=')).collect();
        let run = &self.subject.run;
        let own = run.env.iter().map(|(k, v)| (k.as_str(), v.value.as_str()));
        let compose = run
            .compose_env
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()));
        // What comes from the host is not known to the image.
        env.extend(
            compose
                .chain(own)
                .filter(|(_, value)| !value.contains("${")),
        );
        env
    }

    /// The directory in which the first process starts.
    pub(crate) fn workdir(&self) -> &str {
        let own = self.subject.run.workdir.as_deref();
        let dir = own.unwrap_or(&self.image.config.workdir);
        if dir.is_empty() { "/" } else { dir }
    }

    /// Whether a mount of the deployment hides this path: then the image does not tell what is there.
    pub(crate) fn is_mounted(&self, path: &str) -> bool {
        let below = |dir: &str| {
            let rest = path.strip_prefix(dir.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mounts = self.subject.run.mounts.iter();
        mounts.map(|m| m.value.target()).any(below)
            || self.image.config.volumes.iter().any(|v| below(v))
            || self.subject.writable.iter().any(|v| below(v))
            || ["/dev", "/proc", "/sys", "/run", "/tmp", "/var/run"]
                .into_iter()
                .any(below)
    }

    /// The manifest; `None` when the subject has none.
    pub(crate) fn manifest(&self) -> Option<ReadManifest> {
        let (path, text) = match self.subject.manifest.as_ref()? {
            ManifestSource::Host(path) => (path, self.subject.manifest_text.clone()),
            ManifestSource::Image(path) => (path, self.text(path).ok()),
        };
        let parsed = match &text {
            None => Err("it is not in the image, or no text".to_owned()),
            Some(text) => Manifest::parse(path, text).map_err(|error| error.to_string()),
        };
        Some(ReadManifest {
            path: path.clone(),
            text: text.unwrap_or_default(),
            parsed,
        })
    }

    /// The artifacts that are switched on; one whose flag is unknown is, too.
    pub(crate) fn enabled(&self) -> Vec<&Artifact> {
        let manifest = self.manifest().and_then(|m| m.parsed.ok());
        let on = |artifact: &&Artifact| match (&artifact.when, &manifest) {
            (Some(flag), Some(manifest)) => manifest.flag(flag) != Ok(false),
            _ => true,
        };
        self.subject.artifacts().filter(on).collect()
    }

    /// The text of a file, links followed.
    pub(crate) fn text(&self, path: &str) -> Result<String, String> {
        let entry = self.image.resolve(path);
        let entry = entry.filter(|e| e.kind == Kind::File);
        let entry = entry.ok_or_else(|| format!("`{path}` is no file of the image"))?;
        if entry.size > MAX_TEXT {
            return Err(format!(
                "`{path}` has {} bytes, too many for a text",
                entry.size
            ));
        }
        let bytes = self.image.part(entry, 0, MAX_TEXT)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first bytes of a file.
    pub(crate) fn head(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        self.image.part(entry, 0, 4096)
    }

    /// An ELF file of the image, parsed once.
    pub(crate) fn elf(&self, entry: &Entry) -> Result<Arc<Elf>, String> {
        let lock = || self.elves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&entry.path) {
            return known.clone();
        }
        let read = if entry.size > MAX_BINARY {
            Err(format!("{} bytes are too many", entry.size))
        } else {
            let bytes = self.image.part(entry, 0, MAX_BINARY);
            bytes.and_then(|bytes| elf::parse(&bytes)).map(Arc::new)
        };
        lock().insert(entry.path.clone(), read.clone());
        read
    }

    /// `x86_64` and the like, as ELF files and packages name the image's machine.
    pub(crate) fn architecture(&self) -> &str {
        self.image.platform.split('/').nth(1).unwrap_or_default()
    }

    /// Directories outside `node_modules` that have a file with one of these names.
    pub(crate) fn directories_with(&self, names: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (path, entry) in &self.image.entries {
            let Some((dir, name)) = path.rsplit_once('/') else {
                continue;
            };
            let inside = path.contains("/node_modules/");
            if names.contains(&name) && entry.kind == Kind::File && !inside {
                found.insert(dir.to_owned());
            }
        }
        found
    }
}
