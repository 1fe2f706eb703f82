//! Reads one layer: every path that it adds or hides, hashed as it streams by.

use std::io::{self, Read};

use adamant_core::engine::Image;
use adamant_probe::{Entry, Kind};

use super::digest::Hashing;
use super::ledger::{Ledger, Limits, Step, kind};
use super::{ImageError, packed};

/// Where a file that is looked at for text must have no NUL.
const TEXT_HEAD: usize = 8 * 1024;

/// Scripts are kept up to this size, whatever bytes they hold: the boot may run them.
const SCRIPT_BYTES: u64 = 4 * 1024 * 1024;
/// As much is kept of a larger one: it says that the file is a script, and is shorter than the file.
const SCRIPT_HEAD: usize = 128;

/// What a layer does, in its own order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// Adds or replaces a path; with its content when it is a small text or a script.
    Add(Entry, Option<Vec<u8>>),
    /// Adds a path that shares the content of another.
    Link { path: String, target: String },
    /// Hides a path of the layers below.
    Hide(String),
    /// Hides everything below a directory of the layers below.
    Empty(String),
}

/// How many bytes of texts may still be kept.
#[derive(Debug)]
pub(crate) struct Budget(pub(crate) u64);

impl Default for Budget {
    fn default() -> Self {
        Self(64 * 1024 * 1024)
    }
}

/// What one layer holds, and the digest of its archive when unpacked.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) items: Vec<Item>,
    /// `sha256:…`
    pub(crate) diff_id: String,
}

/// Reads a layer, packed or not.
pub(crate) fn read(
    name: &str,
    reader: impl Read,
    texts: &mut Budget,
) -> Result<Contents, ImageError> {
    read_within(Limits::default(), name, reader, texts)
}

/// Reads a tree of a container.
pub(crate) fn read_files(name: &str, reader: impl Read) -> Result<Vec<Item>, ImageError> {
    read_within(Limits::CONTAINER, name, reader, &mut Budget(0)).map(|contents| contents.items)
}

fn read_within(
    limits: Limits,
    name: &str,
    reader: impl Read,
    texts: &mut Budget,
) -> Result<Contents, ImageError> {
    let mut items = Vec::new();
    let diff_id = walk(name, reader, limits, |step, entry| {
        items.extend(match step {
            Step::Add(path) => {
                seen(path, entry, texts)?.map(|(entry, text)| Item::Add(entry, text))
            }
            Step::Link { path, target } => Some(Item::Link { path, target }),
            Step::Hide(path) => Some(Item::Hide(path)),
            Step::Empty(path) => Some(Item::Empty(path)),
        });
        Ok(())
    })?;
    Ok(Contents { items, diff_id })
}

/// Passes each entry of a layer to `visit`, checked: no path leaves the layer, none is there twice, none is too deep, and all
/// together are not too much. Answers the digest of the archive, `sha256:…`.
pub(crate) fn walk(
    name: &str,
    reader: impl Read,
    limits: Limits,
    mut visit: impl FnMut(Step, &mut tar::Entry<'_, &mut dyn Read>) -> Result<(), ImageError>,
) -> Result<String, ImageError> {
    let mut plain = Hashing::new(packed::plain(name, reader)?);
    let mut ledger = Ledger::new(limits);
    let mut source: &mut dyn Read = &mut plain;
    let mut archive = tar::Archive::new(&mut source as &mut dyn Read);
    for entry in archive.entries().map_err(ImageError::read(name))? {
        let mut entry = entry.map_err(ImageError::read(name))?;
        if let Some(step) = ledger.step(&entry)? {
            visit(step, &mut entry)?;
        }
    }
    let (sha256, _) = plain.finish().map_err(ImageError::read(name))?;
    Ok(format!("sha256:{sha256}"))
}

/// An entry, with its content when it is a small text or a script.
pub(crate) type Seen = (Entry, Option<Vec<u8>>);

/// An archive's entry as the entry of an image, when it is a thing by itself; a regular file is read to its end.
pub(crate) fn seen<R: Read>(
    path: String,
    entry: &mut tar::Entry<'_, R>,
    texts: &mut Budget,
) -> Result<Option<Seen>, ImageError> {
    let Some(kind) = kind(entry.header().entry_type()) else {
        return Ok(None);
    };
    let header = entry.header();
    let number = |field: io::Result<u64>| field.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let mode = header.mode().map_err(ImageError::read(&path))? & 0o7777;
    let uid = number(header.uid()).map_err(ImageError::read(&path))?;
    let gid = number(header.gid()).map_err(ImageError::read(&path))?;
    let target = (kind == Kind::Symlink)
        .then(|| entry.link_name_bytes())
        .flatten()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    // The kernel gives every symlink this mode, whatever an archive says.
    let mode = if kind == Kind::Symlink { 0o777 } else { mode };
    let mut found = Entry {
        path,
        kind,
        mode,
        uid,
        gid,
        size: 0,
        target,
        sha256: None,
    };
    let mut text = None;
    if kind == Kind::File {
        text = content(entry, &mut found, texts)?;
    }
    Ok(Some((found, text)))
}

fn content(
    reader: impl Read,
    entry: &mut Entry,
    texts: &mut Budget,
) -> Result<Option<Vec<u8>>, ImageError> {
    let mut hashing = Hashing::new(reader);
    let mut head = Vec::new();
    let mut more = |limit: u64, head: &mut Vec<u8>| {
        let missing = (limit + 1).saturating_sub(head.len() as u64);
        hashing.by_ref().take(missing).read_to_end(head)
    };
    let limit = Image::TEXT_BYTES.min(texts.0);
    more(limit, &mut head).map_err(ImageError::read(&entry.path))?;
    let script = head.starts_with(b"#!");
    let limit = if script {
        SCRIPT_BYTES.min(texts.0)
    } else {
        limit
    };
    more(limit, &mut head).map_err(ImageError::read(&entry.path))?;
    let (sha256, size) = hashing.finish().map_err(ImageError::read(&entry.path))?;
    entry.sha256 = Some(sha256);
    entry.size = size;
    let text = script || !head[..head.len().min(TEXT_HEAD)].contains(&0);
    if text && size <= limit {
        texts.0 -= size;
        return Ok(Some(head));
    }
    head.truncate(SCRIPT_HEAD);
    Ok(script.then_some(head))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::image::tape;
    use tar::EntryType;

    fn items(tar: &[u8], texts: &mut Budget) -> Result<Vec<Item>, ImageError> {
        read("layer", tar, texts).map(|contents| contents.items)
    }

    #[test]
    fn whiteouts_links_and_texts_are_told_apart() {
        let tar = tape::Layer::default()
            .file("./etc/motd", 0o644, b"hello\n")
            .file("bin/tool", 0o4755, b"\x7fELF\0")
            .link("bin/same", "bin/tool")
            .file("etc/.wh.gone", 0, b"")
            .file("var/.wh..wh..opq", 0, b"")
            .file(".wh..wh.plnk", 0, b"")
            .finish();
        let items = items(&tar, &mut Budget::default()).expect("reads");
        let Item::Add(motd, Some(text)) = &items[0] else {
            panic!("{:?}", items[0])
        };
        assert_eq!(
            (motd.path.as_str(), text.as_slice()),
            ("/etc/motd", b"hello\n".as_slice())
        );
        let Item::Add(tool, None) = &items[1] else {
            panic!("{:?}", items[1])
        };
        assert_eq!((tool.mode, tool.size), (0o4755, 5));
        assert_eq!(
            items[2],
            Item::Link {
                path: "/bin/same".into(),
                target: "/bin/tool".into()
            }
        );
        assert_eq!(
            items[3..],
            [Item::Hide("/etc/gone".into()), Item::Empty("/var".into())]
        );
    }

    #[test]
    fn a_path_that_climbs_is_refused() {
        for (path, link) in [
            ("../etc/passwd", None),
            ("a/../../b", None),
            ("a", Some("../../x")),
        ] {
            let layer = tape::Layer::default();
            let layer = if let Some(to) = link {
                layer.raw(path, EntryType::Link, to)
            } else {
                layer.raw(path, EntryType::Regular, "")
            };
            let tar = layer.finish();
            let error = items(&tar, &mut Budget::default()).expect_err("refused");
            assert!(error.to_string().contains(".."), "{error}");
        }
    }

    #[test]
    fn the_budget_of_texts_is_kept() {
        let tar = tape::Layer::default()
            .file("a", 0o644, b"12345")
            .file("b", 0o644, b"12345")
            .finish();
        let items = items(&tar, &mut Budget(7)).expect("reads");
        let kept = items
            .iter()
            .filter(|i| matches!(i, Item::Add(_, Some(_))))
            .count();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_large_script_is_kept_and_of_one_too_large_its_beginning() {
        let of = |size: usize, first: &[u8]| [first, &vec![b'#'; size]].concat();
        let large = of(300 * 1024, b"#!/bin/sh\n\0");
        let tar = tape::Layer::default()
            .file("large", 0o755, &large)
            .file("larger", 0o755, &of(5 * 1024 * 1024, b"#!/bin/sh\n"))
            .file("text", 0o755, &of(300 * 1024, b"text"))
            .finish();
        let items = items(&tar, &mut Budget::default()).expect("reads");
        let kept: Vec<Option<usize>> = items
            .iter()
            .map(|item| match item {
                Item::Add(_, text) => text.as_ref().map(Vec::len),
                _ => None,
            })
            .collect();
        assert_eq!(kept, [Some(large.len()), Some(SCRIPT_HEAD), None]);
    }
}
