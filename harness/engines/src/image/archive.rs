//! Reads what `docker save` writes, of 20.10 (`ID/layer.tar`) and of newer daemons (`blobs/sha256/…`), in one pass.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use adamant_core::report::text;
use serde::Deserialize;
use tar::EntryType;

use super::layer::{self, Budget, Item};
use super::{ImageError, Indexed, config, merge};

/// Documents above this size are no documents.
const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// All documents of one archive together.
const DOCUMENTS_BYTES: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    layers: Vec<String>,
}

/// What one pass over an archive found; its order is arbitrary.
#[derive(Default)]
struct Found {
    documents: BTreeMap<String, Vec<u8>>,
    document_bytes: usize,
    layers: BTreeMap<String, Vec<Item>>,
    /// `docker save` writes a layer that occurs twice once, and a link.
    links: BTreeMap<String, String>,
    texts: Budget,
}

/// Reads an archive that holds exactly one image.
pub(crate) fn read(reader: impl Read) -> Result<Indexed, ImageError> {
    let mut archive = tar::Archive::new(layer::plain("the image archive", reader)?);
    let mut found = Found::default();
    for entry in archive
        .entries()
        .map_err(ImageError::read("the image archive"))?
    {
        found.take(entry.map_err(ImageError::read("the image archive"))?)?;
    }
    found.index()
}

impl Found {
    fn take<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<(), ImageError> {
        let name = member(&String::from_utf8_lossy(&entry.path_bytes()))?;
        match entry.header().entry_type() {
            EntryType::Symlink | EntryType::Link => {
                let target = String::from_utf8_lossy(&entry.link_name_bytes().unwrap_or_default())
                    .into_owned();
                let base = if entry.header().entry_type() == EntryType::Symlink {
                    parent(&name)
                } else {
                    ""
                };
                self.links.insert(name.clone(), join(base, &target)?);
                Ok(())
            }
            EntryType::Regular | EntryType::Continuous => self.file(name, &mut entry),
            _ => Ok(()),
        }
    }

    fn file(&mut self, name: String, entry: &mut impl Read) -> Result<(), ImageError> {
        let mut head = Vec::with_capacity(512);
        entry
            .take(512)
            .read_to_end(&mut head)
            .map_err(ImageError::read(&name))?;
        let is_layer = name.ends_with("/layer.tar") || looks_like_layer(&head);
        let mut whole = Cursor::new(head).chain(entry);
        if is_layer {
            let items = layer::read(&name, whole, &mut self.texts)?;
            self.layers.insert(name, items);
            return Ok(());
        }
        let mut document = Vec::new();
        whole
            .by_ref()
            .take(DOCUMENT_BYTES)
            .read_to_end(&mut document)
            .map_err(ImageError::read(&name))?;
        self.document_bytes += document.len();
        if self.document_bytes > DOCUMENTS_BYTES {
            return Err(ImageError::invalid(
                name,
                "is one document too many: the archive holds more than 64 MiB of them",
            ));
        }
        self.documents.insert(name, document);
        Ok(())
    }

    fn index(self) -> Result<Indexed, ImageError> {
        let text = self
            .documents
            .get("manifest.json")
            .ok_or_else(|| ImageError::invalid("manifest.json", "is not in the archive"))?;
        let manifests: Vec<Manifest> =
            serde_json::from_slice(text).map_err(ImageError::json("manifest.json"))?;
        let [manifest] = manifests.as_slice() else {
            return Err(ImageError::invalid(
                "manifest.json",
                format!("names {} images; exactly one is needed", manifests.len()),
            ));
        };
        let name = member(&manifest.config)?;
        let config = self
            .documents
            .get(&name)
            .ok_or_else(|| ImageError::invalid(&name, "is not in the archive"))?;
        let (mut image, diff_ids) = config::read(config)?;
        if diff_ids.len() != manifest.layers.len() {
            let why = format!(
                "lists {}, the configuration {}",
                text::count(manifest.layers.len(), "layer"),
                diff_ids.len()
            );
            return Err(ImageError::invalid("manifest.json", why));
        }
        let layers: Vec<&[Item]> = manifest
            .layers
            .iter()
            .map(|l| self.layer(l))
            .collect::<Result<_, _>>()?;
        merge::merge(&mut image, layers)?;
        Ok(Indexed {
            image,
            config: config.clone(),
        })
    }

    fn layer(&self, name: &str) -> Result<&[Item], ImageError> {
        let mut name = member(name)?;
        for _ in 0..8 {
            if let Some(items) = self.layers.get(&name) {
                return Ok(items);
            }
            let Some(next) = self.links.get(&name) else {
                break;
            };
            name.clone_from(next);
        }
        Err(ImageError::invalid(
            name,
            "is not in the archive, or is no layer",
        ))
    }
}

/// A tar, a gzip stream, or an empty layer; everything else in an image archive is JSON or a word.
pub(crate) fn looks_like_layer(head: &[u8]) -> bool {
    let tar = head.len() == 512 && (&head[257..262] == b"ustar" || head.iter().all(|b| *b == 0));
    tar || head.starts_with(&[0x1f, 0x8b]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// A name inside the archive: relative, and never up.
fn member(name: &str) -> Result<String, ImageError> {
    if name.starts_with('/') {
        return Err(ImageError::invalid(
            name,
            "leaves the archive: an absolute path",
        ));
    }
    join("", name)
}

fn join(base: &str, name: &str) -> Result<String, ImageError> {
    let mut parts: Vec<&str> = base.split('/').filter(|p| !p.is_empty()).collect();
    for part in name.split('/').filter(|p| !p.is_empty() && *p != ".") {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            return Err(ImageError::invalid(
                name,
                "leaves the archive: a path with `..`",
            ));
        }
    }
    Ok(parts.join("/"))
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tape;
    use serde_json::json;

    fn layer(path: &str) -> Vec<u8> {
        tape::Layer::default()
            .file(path, 0o644, path.as_bytes())
            .finish()
    }

    fn config(layers: usize) -> Vec<u8> {
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": vec!["sha256:0"; layers]}}).to_string().into_bytes()
    }

    fn manifest(config: &str, layers: &[&str]) -> Vec<u8> {
        json!([{ "Config": config, "RepoTags": null, "Layers": layers }])
            .to_string()
            .into_bytes()
    }

    #[test]
    fn the_layout_of_20_10_is_read_whatever_its_order() {
        let archive = tape::Layer::default()
            .file("bb/layer.tar", 0o644, &layer("second"))
            .raw("cc/layer.tar", EntryType::Symlink, "../aa/layer.tar")
            .file(
                "manifest.json",
                0o644,
                &manifest("c.json", &["aa/layer.tar", "bb/layer.tar", "cc/layer.tar"]),
            )
            .file("aa/layer.tar", 0o644, &layer("first"))
            .file("aa/VERSION", 0o644, b"1.0")
            .file("c.json", 0o644, &config(3))
            .finish();
        let image = read(archive.as_slice()).expect("reads").image;
        assert!(image.entries.contains_key("/first") && image.entries.contains_key("/second"));
        let layers: Vec<(usize, &str)> = image
            .layer_files
            .iter()
            .map(|f| (f.layer, f.path.as_str()))
            .collect();
        assert_eq!(layers, [(0, "/first"), (1, "/second"), (2, "/first")]);
    }

    #[test]
    fn the_layout_of_newer_daemons_is_read() {
        let archive = tape::Layer::default()
            .file("blobs/sha256/11", 0o644, &config(1))
            .file("blobs/sha256/22", 0o644, &layer("etc/x"))
            .file("index.json", 0o644, b"{}")
            .file(
                "manifest.json",
                0o644,
                &manifest("blobs/sha256/11", &["blobs/sha256/22"]),
            )
            .finish();
        let image = read(archive.as_slice()).expect("reads").image;
        assert_eq!(image.texts["/etc/x"], b"etc/x");
    }

    #[test]
    fn hostile_archives_are_refused() {
        let cases: [(Vec<u8>, &str); 4] = [
            (manifest("../../etc/passwd", &[]), "`..`"),
            (manifest("/etc/passwd", &[]), "absolute"),
            (
                manifest("c.json", &["nothing/layer.tar"]),
                "not in the archive",
            ),
            (b"[]".to_vec(), "exactly one"),
        ];
        for (manifest, reason) in cases {
            let archive = tape::Layer::default()
                .file("manifest.json", 0o644, &manifest)
                .file("c.json", 0o644, &config(1))
                .finish();
            let error = read(archive.as_slice()).expect_err("refused");
            assert!(error.to_string().contains(reason), "{error}");
        }
        let escaping = tape::Layer::default()
            .raw("a/layer.tar", EntryType::Symlink, "../../../x")
            .finish();
        assert!(
            read(escaping.as_slice())
                .expect_err("refused")
                .to_string()
                .contains("`..`")
        );
        assert!(read(b"not a tar".as_slice()).is_err());
    }
}
