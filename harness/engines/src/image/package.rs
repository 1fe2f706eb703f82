//! An image as files of this host: its index, its configuration, and where the bytes of each layer lie.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;

use adamant_core::engine::Image;
use fs_err as fs;

use super::{Indexed, digest, packed, tape};

/// A verified image whose layers are files.
#[derive(Debug)]
pub struct Package {
    pub(crate) indexed: Indexed,
    /// From the bottom.
    pub(crate) layers: Vec<LayerFile>,
    /// The file that the layers lie in, where it was made for this.
    #[expect(dead_code, reason = "the file goes with it")]
    pub(crate) spool: Option<tempfile::TempPath>,
}

/// One layer: a tar archive, packed or not, in a file or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFile {
    /// The digest of the archive when unpacked, `sha256:…`: the layer's identity.
    pub(crate) diff_id: String,
    pub(crate) path: PathBuf,
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// Its bytes in the file.
    pub(crate) size: u64,
}

impl LayerFile {
    /// The digest of the archive when unpacked, `sha256:…`.
    #[must_use]
    pub fn diff_id(&self) -> &str {
        &self.diff_id
    }

    /// Its bytes as they lie there.
    pub(crate) fn open(&self) -> io::Result<io::Take<fs::File>> {
        let mut file = fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file.take(self.size))
    }

    /// Its bytes as every daemon takes them, and how many: older ones know nothing of zstd.
    fn for_a_daemon(&self) -> io::Result<(u64, Box<dyn Read + Send>)> {
        let mut head = Vec::new();
        self.open()?.take(4).read_to_end(&mut head)?;
        if !packed::is_zstd(&head) {
            return Ok((self.size, Box::new(self.open()?)));
        }
        let mut spool = tempfile::tempfile()?;
        let mut plain = packed::plain(&self.diff_id, self.open()?).map_err(io::Error::other)?;
        let size = io::copy(&mut plain, &mut spool)?;
        spool.seek(SeekFrom::Start(0))?;
        Ok((size, Box::new(spool)))
    }
}

impl Package {
    /// Its index and configuration.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.indexed.image
    }

    /// Its layers, from the bottom.
    #[must_use]
    pub fn layers(&self) -> &[LayerFile] {
        &self.layers
    }

    /// The image as `docker load` takes it; layers are read as they are sent.
    pub(crate) fn archive(&self, tag: &str) -> io::Result<Box<dyn Read + Send>> {
        let name = |layer: &LayerFile| {
            let hex = digest::hex_of(&layer.diff_id).unwrap_or_default();
            format!("{hex}/layer.tar")
        };
        let names: Vec<String> = self.layers.iter().map(name).collect();
        let mut sent = BTreeSet::new();
        let mut parts = Vec::new();
        for (layer, name) in self.layers.iter().zip(&names) {
            if sent.insert(name) {
                let (size, content) = layer.for_a_daemon()?;
                parts.push(tape::Part {
                    name: name.clone(),
                    size,
                    content,
                });
            }
        }
        Ok(tape::image(tag, self.indexed.config.clone(), &names, parts))
    }
}
