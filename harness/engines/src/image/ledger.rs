//! What a layer has said so far, and whether what it says next can be believed: the one place that judges names and sizes.

use std::collections::BTreeMap;
use std::io::Read;

use adamant_probe::Kind;
use tar::EntryType;

use super::ImageError;

/// How much one layer may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of all its files.
    pub(crate) bytes: u64,
    /// Entries.
    pub(crate) entries: usize,
    /// Directories above a path; the kernel takes 2048.
    pub(crate) depth: usize,
    /// Whether device files may be anywhere: what a container made is told, not judged here.
    pub(crate) devices: bool,
}

impl Limits {
    /// For the files of a container, which no archive on its way here can have made up.
    pub(crate) const CONTAINER: Self = Self {
        bytes: u64::MAX,
        entries: 4_000_000,
        depth: 4096,
        devices: true,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 128 << 30,
            entries: 4_000_000,
            depth: 256,
            devices: false,
        }
    }
}

/// What one entry of a layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Adds or replaces a path: absolute, below no symbolic link.
    Add(String),
    /// Adds a path that shares the content of another of the layer.
    Link { path: String, target: String },
    /// Hides a path of the layers below.
    Hide(String),
    /// Hides everything below a directory of the layers below.
    Empty(String),
}

/// The names that a layer has taken.
pub(crate) struct Ledger {
    limits: Limits,
    names: BTreeMap<String, Kind>,
    /// Where its symbolic links lead.
    links: BTreeMap<String, String>,
    bytes: u64,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            names: BTreeMap::new(),
            links: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// What an entry does; `None` for what says nothing about the image, an error where it must not be believed.
    pub(crate) fn step<R: Read>(
        &mut self,
        entry: &tar::Entry<'_, R>,
    ) -> Result<Option<Step>, ImageError> {
        let kind_of = entry.header().entry_type();
        let is_link = kind_of == EntryType::Link;
        if kind(kind_of).is_none() && !is_link {
            return Ok(None);
        }
        let written = self.checked(&entry.path_bytes())?;
        if written == "/" {
            return Ok(None);
        }
        self.bytes = self.bytes.saturating_add(entry.size());
        if self.bytes > self.limits.bytes {
            let most = self.limits.bytes;
            return Err(ImageError::TooLarge {
                what: written,
                most,
                claimed: self.bytes,
            });
        }
        let path = self.place(&written)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            return Ok(Some(Step::Empty(parent.to_owned())));
        }
        // Other `.wh..wh.` names are AUFS's own bookkeeping.
        if name.starts_with(".wh..wh.") {
            return Ok(None);
        }
        if let Some(hidden) = name.strip_prefix(".wh.") {
            if matches!(hidden, "" | "." | "..") {
                return Err(ImageError::invalid(
                    written,
                    "hides nothing that has a name",
                ));
            }
            return Ok(Some(Step::Hide(format!("{parent}/{hidden}"))));
        }
        if is_link {
            let target = self.checked(&entry.link_name_bytes().unwrap_or_default())?;
            let target = self.place(&target)?;
            self.take(&path, Kind::File)?;
            return Ok(Some(Step::Link { path, target }));
        }
        let kind = kind(kind_of).unwrap_or(Kind::File);
        if !self.limits.devices {
            device(&path, entry, kind)?;
        }
        self.take(&path, kind)?;
        if kind == Kind::Symlink {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = String::from_utf8_lossy(&target).into_owned();
            self.links.insert(path.clone(), target);
        }
        Ok(Some(Step::Add(path)))
    }

    /// `/`-rooted and normalised.
    fn checked(&self, path: &[u8]) -> Result<String, ImageError> {
        let text = String::from_utf8_lossy(path);
        let told = |why: &str| Err(ImageError::invalid(text.escape_debug().to_string(), why));
        if path.len() > 4095 {
            return Err(ImageError::invalid(
                text.chars().take(80).chain(['…']).collect::<String>(),
                "is longer than any path can be: 4095 bytes",
            ));
        }
        if path.contains(&0) {
            return told("has a byte 0 in its name");
        }
        if text.starts_with('/') {
            return told("leaves the image: an absolute path");
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|p| !p.is_empty() && *p != ".")
            .collect();
        if parts.contains(&"..") {
            return told("leaves the image: a path with `..`");
        }
        if parts.iter().any(|part| part.len() > 255) {
            return told("has a name that is longer than 255 bytes");
        }
        if parts.len() > self.limits.depth {
            let deep = format!("is below more than {} directories", self.limits.depth);
            return told(&deep);
        }
        Ok(format!("/{}", parts.join("/")))
    }

    /// Where a path is, once the links of this layer in its directories are followed as inside the image.
    fn place(&self, path: &str) -> Result<String, ImageError> {
        if self.links.is_empty() {
            return Ok(path.to_owned());
        }
        let mut done = String::new();
        let mut todo: Vec<String> = parts(path);
        let mut followed = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                let Some(up) = done.rfind('/') else {
                    return Err(ImageError::invalid(
                        path,
                        "leaves the image through a symbolic link",
                    ));
                };
                done.truncate(up);
                continue;
            }
            let next = format!("{done}/{part}");
            match self.links.get(&next) {
                // The last part is the entry's own name: it replaces, and follows nothing.
                Some(target) if !todo.is_empty() => {
                    followed += 1;
                    if followed > 40 {
                        return Err(ImageError::invalid(path, "is below links without an end"));
                    }
                    if target.starts_with('/') {
                        done.clear();
                    }
                    todo.extend(parts(target));
                }
                _ => done = next,
            }
        }
        Ok(done)
    }

    /// Takes a name; a directory may be named again.
    fn take(&mut self, path: &str, kind: Kind) -> Result<(), ImageError> {
        if self.names.len() >= self.limits.entries {
            let told = format!(
                "is one entry too many: the layer has {}",
                self.limits.entries
            );
            return Err(ImageError::invalid(path, told));
        }
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/')
            && !parent.is_empty()
        {
            if self.names.get(parent).is_some_and(|k| *k != Kind::Dir) {
                let told =
                    format!("is below `{parent}`, which the same layer says is no directory");
                return Err(ImageError::invalid(path, told));
            }
            above = parent;
        }
        match self.names.insert(path.to_owned(), kind) {
            Some(before) if before != Kind::Dir || kind != Kind::Dir => Err(ImageError::invalid(
                path,
                "is in the layer twice: which one counts is anybody's guess",
            )),
            _ => Ok(()),
        }
    }
}

/// The parts of a path, the first one last.
fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|p| !p.is_empty() && *p != ".");
    parts.rev().map(str::to_owned).collect()
}

/// Device files belong under a `dev`, where a runtime mounts its own; elsewhere they are a way to the host's.
fn device<R: Read>(path: &str, entry: &tar::Entry<'_, R>, kind: Kind) -> Result<(), ImageError> {
    if !matches!(kind, Kind::Char | Kind::Block) {
        return Ok(());
    }
    let number = |field: std::io::Result<Option<u32>>| field.ok().flatten().unwrap_or(0);
    let header = entry.header();
    let zero = number(header.device_major()) == 0 && number(header.device_minor()) == 0;
    if kind == Kind::Char && zero {
        return Err(ImageError::invalid(
            path,
            "is a character device 0:0, which overlayfs takes for a deletion",
        ));
    }
    if path.split('/').any(|part| part == "dev") {
        return Ok(());
    }
    Err(ImageError::invalid(
        path,
        "is a device file outside any `dev` directory",
    ))
}

/// The kind of an entry that is a thing by itself.
pub(crate) fn kind(entry: EntryType) -> Option<Kind> {
    match entry {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Some(Kind::File),
        EntryType::Directory => Some(Kind::Dir),
        EntryType::Symlink => Some(Kind::Symlink),
        EntryType::Char => Some(Kind::Char),
        EntryType::Block => Some(Kind::Block),
        EntryType::Fifo => Some(Kind::Fifo),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::layer;
    use crate::image::tape;

    fn steps(tar: &[u8], limits: Limits) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        let walked = layer::walk("layer", tar, limits, |step, _| {
            steps.push(step);
            Ok(())
        });
        walked.map(|_| steps).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(layer: tape::Layer, why: &str) {
        let error = steps(&layer.finish(), Limits::default()).expect_err("refused");
        assert!(error.contains(why), "{error}");
    }

    fn new() -> tape::Layer {
        tape::Layer::default()
    }

    #[test]
    fn a_name_that_leaves_is_refused() {
        refused(new().raw("../x", EntryType::Regular, ""), "`..`");
        refused(new().raw("/etc/x", EntryType::Regular, ""), "absolute");
        refused(new().raw("a", EntryType::Link, "../../x"), "`..`");
        let through =
            new()
                .raw("a", EntryType::Symlink, "../../etc")
                .raw("a/x", EntryType::Regular, "");
        refused(through, "through a symbolic link");
        let round = new()
            .raw("a", EntryType::Symlink, "b")
            .raw("b", EntryType::Symlink, "a")
            .raw("a/x", EntryType::Regular, "");
        refused(round, "without an end");
    }

    #[test]
    fn a_name_below_a_link_of_the_layer_is_where_the_link_leads() {
        let tar = new()
            .raw("bin", EntryType::Symlink, "usr/bin")
            .raw("lib", EntryType::Symlink, "/usr/lib")
            .file("bin/a", 0o755, b"a")
            .file("lib/b", 0o644, b"b")
            .finish();
        let steps = steps(&tar, Limits::default()).expect("reads");
        assert_eq!(
            steps[2..],
            [
                Step::Add("/usr/bin/a".into()),
                Step::Add("/usr/lib/b".into())
            ]
        );
    }

    #[test]
    fn a_name_twice_is_refused_unless_both_are_directories() {
        refused(
            new().file("a", 0o644, b"1").file("./a", 0o644, b"2"),
            "twice",
        );
        refused(
            new().file("a", 0o644, b"1").file("a/b", 0o644, b"2"),
            "no directory",
        );
        let dirs = new()
            .raw("a/", EntryType::Directory, "")
            .raw("a", EntryType::Directory, "")
            .finish();
        assert_eq!(steps(&dirs, Limits::default()).expect("reads").len(), 2);
    }

    #[test]
    fn devices_are_refused_outside_dev() {
        refused(new().device("etc/disk", EntryType::Block, 8, 0), "device");
        refused(new().device("dev/x", EntryType::Char, 0, 0), "0:0");
        let tar = new().device("dev/null", EntryType::Char, 1, 3).finish();
        assert_eq!(steps(&tar, Limits::default()).expect("reads").len(), 1);
    }

    #[test]
    fn too_much_of_anything_is_refused() {
        let limits = Limits {
            bytes: 10,
            entries: 2,
            depth: 3,
            devices: false,
        };
        let why = |layer: tape::Layer| steps(&layer.finish(), limits).expect_err("refused");
        assert!(why(new().file("a", 0o644, &[0; 11])).contains("over 10 bytes"));
        assert!(why(new().file("a/b/c/d", 0o644, b"")).contains("more than 3"));
        let three = new()
            .file("a", 0o644, b"")
            .file("b", 0o644, b"")
            .file("c", 0o644, b"");
        assert!(why(three).contains("one entry too many"));
        // A size that is only declared is refused before a byte of it is read.
        let declared = new().declared("a", 1 << 50).finish();
        let error = steps(&declared, Limits::default()).expect_err("refused");
        assert!(error.contains("bytes"), "{error}");
    }
}
