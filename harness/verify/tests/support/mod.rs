//! Images made of texts, for tests that need no file of the host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use adamant_core::case::{Subject, parse_text};
use adamant_core::engine::{Contents, Image};
use adamant_probe::{Entry, Kind};
use adamant_verify::{Report, Room, Target, verify};

/// An image under construction.
#[derive(Default)]
pub(crate) struct Draft {
    image: Image,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Draft {
    /// An image for `linux/amd64` whose environment and entrypoint are as given.
    pub(crate) fn new(entrypoint: &[&str], env: &[&str]) -> Self {
        let mut draft = Self::default();
        draft.image.platform = "linux/amd64".into();
        draft.image.config.entrypoint = entrypoint.iter().map(|&w| w.to_owned()).collect();
        draft.image.config.env = env.iter().map(|&w| w.to_owned()).collect();
        draft
    }

    /// With a health check.
    pub(crate) fn healthcheck(mut self, test: &[&str]) -> Self {
        self.image.config.healthcheck = test.iter().map(|&w| w.to_owned()).collect();
        self
    }

    /// With a file that can be run when `mode` says so.
    pub(crate) fn file(mut self, path: &str, mode: u32, bytes: impl AsRef<[u8]>) -> Self {
        self.blobs.insert(path.to_owned(), bytes.as_ref().to_vec());
        self.add(path, Kind::File, mode, None, bytes.as_ref().len() as u64)
    }

    /// With a text that is not run.
    pub(crate) fn text(self, path: &str, text: &str) -> Self {
        self.file(path, 0o644, text)
    }

    /// With a symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.add(path, Kind::Symlink, 0o777, Some(target.to_owned()), 0)
    }

    fn add(mut self, path: &str, kind: Kind, mode: u32, target: Option<String>, size: u64) -> Self {
        let mut parent = path;
        while let Some((dir, _)) = parent.rsplit_once('/').filter(|(dir, _)| !dir.is_empty()) {
            let entry = entry(dir, Kind::Dir, 0o755, None, 0);
            self.image.entries.entry(dir.to_owned()).or_insert(entry);
            parent = dir;
        }
        self.image
            .entries
            .insert(path.to_owned(), entry(path, kind, mode, target, size));
        self
    }

    /// Judges the image under a contract: what a subject file says beside its name and image.
    pub(crate) fn judge(mut self, contract: &str, rooms: &[Room]) -> Report {
        let text = format!("name: s\nimage: x\n{contract}");
        let subject: Subject = parse_text(&text, Path::new("s")).expect("a subject");
        let blobs = self.blobs;
        self.image.contents = Contents::by(move |entry, offset, length| {
            let bytes = blobs.get(&entry.path).ok_or("no such file")?;
            let start = usize::try_from(offset).map_or(bytes.len(), |o| o.min(bytes.len()));
            let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            Ok(bytes[start..end.min(bytes.len())].to_vec())
        });
        verify(&Target::new(Arc::new(self.image), subject), rooms)
    }
}

fn entry(path: &str, kind: Kind, mode: u32, target: Option<String>, size: u64) -> Entry {
    Entry {
        size,
        target,
        ..Entry::new(path, kind, mode)
    }
}

/// `rule place` of each finding.
pub(crate) fn told(report: &Report) -> Vec<String> {
    report
        .findings
        .iter()
        .map(|f| format!("{} {}", f.rule, f.place))
        .collect()
}
