//! Files of a container that has ended, read from the daemon's archives.

use adamant_core::engine::EngineError;
use adamant_core::run::Deadline;
use adamant_probe::{Entry, Kind};

use super::instance::Container;
use super::transfer::{failure, is_missing};
use crate::image::ImageError;
use crate::image::layer::{self, Budget, Item};

impl Container {
    /// One path as it was left; the last symlink is not followed.
    pub(super) fn entry_at_rest(
        &self,
        path: &str,
        deadline: &Deadline,
    ) -> Result<Option<Entry>, EngineError> {
        let read = self
            .client
            .files(&self.name, path, deadline, |reader| first(path, reader));
        self.or_missing(path, deadline, read.map(Some))
    }

    /// Everything from `root` on, itself included.
    pub(super) fn tree_at_rest(
        &self,
        root: &str,
        deadline: &Deadline,
    ) -> Result<Vec<Entry>, EngineError> {
        let read = self.client.files(&self.name, root, deadline, |reader| {
            layer::read_files(root, reader)
        });
        let items = self
            .or_missing(root, deadline, read.map(Some))?
            .unwrap_or_default();
        Ok(rooted(root, items))
    }

    fn or_missing<T>(
        &self,
        path: &str,
        deadline: &Deadline,
        read: Result<Option<T>, ImageError>,
    ) -> Result<Option<T>, EngineError> {
        match read {
            Err(ImageError::Read { source, .. }) if is_missing(&source) => Ok(None),
            other => other.map_err(|error| {
                failure(format!("read `{path}` of `{}`", self.name), deadline, error)
            }),
        }
    }
}

/// The first entry of an archive is the path that was asked for; what is below it is not read.
fn first(path: &str, reader: &mut dyn std::io::Read) -> Result<Entry, ImageError> {
    let mut archive = tar::Archive::new(reader);
    let mut entries = archive.entries().map_err(ImageError::read(path))?;
    if let Some(entry) = entries.next() {
        let mut entry = entry.map_err(ImageError::read(path))?;
        if let Some((entry, _)) = layer::seen(path.to_owned(), &mut entry, &mut Budget(0))? {
            return Ok(entry);
        }
    }
    // Only a socket exists and fits in no archive.
    Ok(Entry::new(path, Kind::Socket, 0o755))
}

/// An archive's paths start with the name of its root.
fn rooted(root: &str, items: Vec<Item>) -> Vec<Entry> {
    let name = root.rsplit('/').next().unwrap_or_default();
    let moved = |path: &str| {
        path.strip_prefix('/')?
            .strip_prefix(name)
            .map(|rest| format!("{root}{rest}"))
    };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let (path, found) = match item {
            Item::Add(entry, _) => (moved(&entry.path), Some(entry)),
            // A hard link comes behind what it links to.
            Item::Link { path, target } => {
                let target = moved(&target);
                (
                    moved(&path),
                    entries
                        .iter()
                        .find(|e| Some(&e.path) == target.as_ref())
                        .cloned(),
                )
            }
            Item::Hide(_) | Item::Empty(_) => continue,
        };
        entries.extend(path.zip(found).map(|(path, entry)| Entry { path, ..entry }));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tape;

    #[test]
    fn a_tree_is_put_where_it_was() {
        let tar = tape::Layer::default()
            .file("data/a", 0o644, b"1")
            .link("data/b", "data/a")
            .finish();
        let items = layer::read_files("x", tar.as_slice()).expect("reads");
        let entries = rooted("/srv/data", items);
        assert_eq!(
            entries.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(),
            ["/srv/data/a", "/srv/data/b"]
        );
        assert_eq!(entries[0].sha256, entries[1].sha256);
    }

    #[test]
    fn one_path_is_the_first_of_its_archive() {
        let tar = tape::Layer::default()
            .file("motd", 0o640, b"hello")
            .finish();
        let entry = first("/etc/motd", &mut tar.as_slice()).expect("reads");
        assert_eq!(
            (entry.path.as_str(), entry.mode, entry.size),
            ("/etc/motd", 0o640, 5)
        );
        let nothing = first("/run/sock", &mut [0; 1024].as_slice()).expect("reads");
        assert_eq!(nothing.kind, Kind::Socket);
    }
}
