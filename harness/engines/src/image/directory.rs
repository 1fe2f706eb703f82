//! A directory of the host as an image: a root file system, or an application before it is packed into one.

use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use adamant_core::engine::{Contents, EngineError, Image};
use adamant_probe::{Entry, Kind};
use fs_err as fs;

use super::layer::{self, Budget};
use super::{ImageError, refused};

/// The most entries of a directory that is taken for an image.
const MAX_ENTRIES: usize = 4_000_000;

/// Indexes a directory: its paths as they are below it, no link followed, no other file system entered. It has no
/// configuration; `platform` (`os/architecture`) is what it is said to be for.
pub(super) fn directory(root: &Path, platform: &str) -> Result<Image, EngineError> {
    index(root, platform).map_err(|error| refused(&format!("rootfs:{}", root.display()), error))
}

fn index(root: &Path, platform: &str) -> Result<Image, ImageError> {
    let root = fs::canonicalize(root).map_err(ImageError::read(root.display().to_string()))?;
    let mut image = Image {
        id: format!("rootfs:{}", root.display()),
        platform: platform.to_owned(),
        ..Image::default()
    };
    let device = fs::metadata(&root)
        .map_err(ImageError::read(root.display().to_string()))?
        .dev();
    let mut budget = Budget::default();
    let mut pending: Vec<(PathBuf, String)> = vec![(root.clone(), String::new())];
    while let Some((dir, guest)) = pending.pop() {
        let shown = dir.display().to_string();
        for found in fs::read_dir(&dir).map_err(ImageError::read(&shown))? {
            let found = found.map_err(ImageError::read(&shown))?;
            let path = format!("{guest}/{}", found.file_name().to_string_lossy());
            let about = fs::symlink_metadata(found.path()).map_err(ImageError::read(&path))?;
            let mut entry = entry(&path, &found.path(), &about)?;
            if entry.kind == Kind::Dir && about.dev() == device {
                pending.push((found.path(), path.clone()));
            }
            if entry.kind == Kind::File
                && let Some(text) = text(&found.path(), &mut entry, &mut budget)?
            {
                image.texts.insert(path.clone(), text);
            }
            image.entries.insert(path, entry);
            if image.entries.len() > MAX_ENTRIES {
                let why = format!("has more than {MAX_ENTRIES} entries");
                return Err(ImageError::invalid(root.display().to_string(), why));
            }
        }
    }
    image.contents = Contents::by(move |entry, offset, length| {
        part(&root, entry, offset, length).map_err(|error| error.to_string())
    });
    Ok(image)
}

fn entry(path: &str, host: &Path, about: &std::fs::Metadata) -> Result<Entry, ImageError> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = about.file_type();
    let kind = match () {
        () if kind.is_file() => Kind::File,
        () if kind.is_dir() => Kind::Dir,
        () if kind.is_symlink() => Kind::Symlink,
        () if kind.is_char_device() => Kind::Char,
        () if kind.is_block_device() => Kind::Block,
        () if kind.is_fifo() => Kind::Fifo,
        () => Kind::Socket,
    };
    let target = if kind == Kind::Symlink {
        let target = fs::read_link(host).map_err(ImageError::read(path))?;
        Some(target.to_string_lossy().into_owned())
    } else {
        None
    };
    Ok(Entry {
        path: path.to_owned(),
        kind,
        mode: about.mode() & 0o7777,
        uid: about.uid(),
        gid: about.gid(),
        size: about.len(),
        target,
        sha256: None,
    })
}

/// What an index keeps of a file, as it would of a layer's; one that is too large for a script is not read to be hashed.
fn text(
    host: &Path,
    entry: &mut Entry,
    budget: &mut Budget,
) -> Result<Option<Vec<u8>>, ImageError> {
    let file = fs::File::open(host).map_err(ImageError::read(&entry.path))?;
    if entry.size <= layer::SCRIPT_BYTES {
        return layer::content(file, entry, budget);
    }
    let mut head = Vec::new();
    file.take(layer::SCRIPT_HEAD as u64)
        .read_to_end(&mut head)
        .map_err(ImageError::read(&entry.path))?;
    Ok(head.starts_with(b"#!").then_some(head))
}

/// The entry's path has no link in it: what was a file must still be one.
fn part(root: &Path, entry: &Entry, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(no_link)
        .open(root.join(entry.path.trim_start_matches('/')))?;
    if offset == 0 && length >= entry.size {
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let length = length.min(entry.size.saturating_sub(offset));
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_without_leaving_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let outside = tempfile::NamedTempFile::new().expect("a file");
        fs::create_dir(dir.path().join("bin")).expect("creates");
        fs::write(dir.path().join("bin/tool"), b"\x7fELF\0body").expect("writes");
        fs::write(dir.path().join("bin/run"), b"#!/bin/sh\n").expect("writes");
        std::os::unix::fs::symlink("tool", dir.path().join("bin/link")).expect("links");
        std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).expect("links");
        let image = directory(dir.path(), "linux/amd64").expect("reads");
        let paths: Vec<&str> = image.entries.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            ["/bin", "/bin/link", "/bin/run", "/bin/tool", "/out"]
        );
        let content = image.content("/bin/link").expect("a file");
        assert_eq!(content.expect("reads"), b"\x7fELF\0body");
        let tool = &image.entries["/bin/tool"];
        assert_eq!(image.part(tool, 5, 2).expect("reads"), b"bo");
        assert_eq!(image.text("/bin/run"), Some(b"#!/bin/sh\n".as_slice()));
        assert!(image.content("/out").is_none());
        assert!(directory(&dir.path().join("none"), "linux/amd64").is_err());
    }
}
