//! A directory as an image: one layer, archived the same way each time, and a configuration that says nothing.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use adamant_core::engine::Image;
use fs_err as fs;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Store, used};
use crate::image::layer::{self, Budget};
use crate::image::package::{LayerFile, Package};
use crate::image::{ImageError, Indexed, config, digest, merge, platform};

impl Store {
    /// The image of a directory as it is now.
    pub(super) fn rootfs(&self, dir: &Path) -> Result<Package, ImageError> {
        let what = dir.display().to_string();
        let real = fs::canonicalize(dir).map_err(ImageError::read(&what))?;
        if !real.is_dir() {
            return Err(ImageError::invalid(what, "is no directory"));
        }
        if real == Path::new("/") {
            return Err(ImageError::invalid(what, "is the root of this host"));
        }
        let mut draft = self.draft().map_err(ImageError::read(&what))?;
        let mut tape = Tape {
            builder: tar::Builder::new(Sum {
                inner: io::BufWriter::new(draft.as_file_mut()),
                sha256: Sha256::new(),
            }),
            inodes: BTreeMap::new(),
        };
        tape.tree(&real, Path::new(""))?;
        let hex = tape.finish().map_err(ImageError::read(&what))?;
        let path = self.blob(&hex);
        draft
            .persist(&path)
            .map_err(|error| ImageError::read(&what)(error.error))?;
        used(&path);
        let size = fs::metadata(&path).map_err(ImageError::read(&what))?.len();
        let layer = LayerFile {
            diff_id: format!("sha256:{hex}"),
            path,
            offset: 0,
            size,
        };
        let host = platform::host();
        let (os, architecture) = host.split_once('/').unwrap_or(("linux", &host));
        let config = json!({
            "architecture": architecture,
            "os": os,
            "config": { "Env": [format!("PATH={}", Image::default().path_env())] },
            "rootfs": { "type": "layers", "diff_ids": [layer.diff_id] },
        })
        .to_string()
        .into_bytes();
        let (mut image, _) = config::read(&config)?;
        let bytes = layer.open().map_err(ImageError::read(&what))?;
        let contents = layer::read(&what, bytes, &mut Budget::default())?;
        merge::merge(&mut image, [contents.items.as_slice()])?;
        Ok(Package {
            indexed: Indexed { image, config },
            layers: vec![layer],
            spool: None,
        })
    }
}

/// An archive under construction.
struct Tape<W: Write> {
    builder: tar::Builder<Sum<W>>,
    /// Where a file with several names was first met.
    inodes: BTreeMap<(u64, u64), PathBuf>,
}

impl<W: Write> Tape<W> {
    /// Everything below `root/at`, by name.
    fn tree(&mut self, root: &Path, at: &Path) -> Result<(), ImageError> {
        let here = root.join(at);
        let what = here.display().to_string();
        let entries = fs::read_dir(&here).map_err(ImageError::read(&what))?;
        let mut names = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(ImageError::read(&what))?;
        names.sort_unstable();
        for name in names {
            let path = at.join(&name);
            if name.as_bytes().starts_with(b".wh.") {
                let told = "has the name of a whiteout, which no file of an image can have";
                return Err(ImageError::invalid(
                    root.join(&path).display().to_string(),
                    told,
                ));
            }
            let is_dir = self
                .entry(root, &path)
                .map_err(ImageError::read(root.join(&path).display().to_string()))?;
            if is_dir {
                self.tree(root, &path)?;
            }
        }
        Ok(())
    }

    /// One path; answers whether it is a directory.
    fn entry(&mut self, root: &Path, path: &Path) -> io::Result<bool> {
        let file = root.join(path);
        let about = fs::symlink_metadata(&file)?;
        let kind = about.file_type();
        // A socket belongs to the process that made it, and is in no archive.
        if kind.is_socket() {
            return Ok(false);
        }
        if kind.is_file() && about.nlink() > 1 {
            let first = self.inodes.entry((about.dev(), about.ino()));
            if let std::collections::btree_map::Entry::Occupied(first) = &first {
                let mut header = tar::Header::new_gnu();
                header.set_metadata(&about);
                header.set_entry_type(tar::EntryType::Link);
                header.set_size(0);
                self.builder.append_link(&mut header, path, first.get())?;
                return Ok(false);
            }
            first.or_insert_with(|| path.to_owned());
        }
        if kind.is_file() {
            let mut value = vec![0; 256];
            if let Ok(length) =
                rustix::fs::lgetxattr(&file, "security.capability", value.as_mut_slice())
            {
                let pair = ("SCHILY.xattr.security.capability", &value[..length]);
                self.builder.append_pax_extensions([pair])?;
            }
        }
        self.builder.append_path_with_name(&file, path)?;
        Ok(kind.is_dir())
    }

    fn finish(self) -> io::Result<String> {
        let mut sum = self.builder.into_inner()?;
        sum.inner.flush()?;
        Ok(digest::hex(sum.sha256.finalize().as_slice()))
    }
}

/// Hashes what is written.
struct Sum<W> {
    inner: W,
    sha256: Sha256,
}

impl<W: Write> Write for Sum<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
