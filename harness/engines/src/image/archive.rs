//! Reads what `docker save` writes, of 20.10 (`ID/layer.tar`) and of newer daemons (`blobs/sha256/…`), in one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::Path;

use adamant_core::report::text;
use fs_err as fs;
use serde::Deserialize;
use tar::EntryType;

use super::layer::{self, Budget, Contents};
use super::package::{LayerFile, Package};
use super::{ImageError, Indexed, config, digest, merge, packed};

/// Documents above this size are no documents.
const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// All documents of one archive together.
const DOCUMENTS_BYTES: usize = 64 * 1024 * 1024;

/// Files of one archive.
const MEMBERS: usize = 65_536;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    layers: Vec<String>,
}

/// What one pass over an archive found; its order is arbitrary.
#[derive(Default)]
struct Found {
    names: BTreeSet<String>,
    documents: BTreeMap<String, Vec<u8>>,
    document_bytes: usize,
    layers: BTreeMap<String, Member>,
    /// `docker save` writes a layer that occurs twice once, and a link.
    links: BTreeMap<String, String>,
    texts: Budget,
}

/// A layer, and where in the archive it is.
struct Member {
    contents: Contents,
    offset: u64,
    size: u64,
}

/// Reads an archive that holds exactly one image.
pub(crate) fn read(reader: impl Read) -> Result<Indexed, ImageError> {
    Ok(scan(reader)?.index()?.0)
}

/// Reads a file; one that is compressed is unpacked below `scratch` first, for as long as the package lives.
pub(crate) fn open(file: &Path, scratch: &Path) -> Result<Package, ImageError> {
    let what = file.display().to_string();
    let mut source = fs::File::open(file).map_err(ImageError::read(&what))?;
    let mut head = Vec::new();
    source
        .by_ref()
        .take(4)
        .read_to_end(&mut head)
        .map_err(ImageError::read(&what))?;
    let mut spool = None;
    if packed::is_packed(&head) {
        let whole = Cursor::new(head).chain(source);
        let mut unpacked =
            tempfile::NamedTempFile::new_in(scratch).map_err(ImageError::read(&what))?;
        io::copy(&mut packed::plain(&what, whole)?, &mut unpacked)
            .map_err(ImageError::read(&what))?;
        spool = Some(unpacked.into_temp_path());
    }
    let path = spool.as_ref().map_or(file, |path| path);
    let plain = fs::File::open(path).map_err(ImageError::read(&what))?;
    let (indexed, places) = scan(io::BufReader::new(plain))?.index()?;
    let layers = places
        .into_iter()
        .map(|(diff_id, offset, size)| LayerFile {
            diff_id,
            path: path.to_owned(),
            offset,
            size,
        })
        .collect();
    Ok(Package {
        indexed,
        layers,
        spool,
    })
}

fn scan(reader: impl Read) -> Result<Found, ImageError> {
    let mut archive = tar::Archive::new(packed::plain("the image archive", reader)?);
    let mut found = Found::default();
    for entry in archive
        .entries()
        .map_err(ImageError::read("the image archive"))?
    {
        found.take(entry.map_err(ImageError::read("the image archive"))?)?;
    }
    Ok(found)
}

/// The digest of a layer, and the place and size of its bytes.
type Spot = (String, u64, u64);

impl Found {
    fn take<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<(), ImageError> {
        let kind = entry.header().entry_type();
        if !matches!(
            kind,
            EntryType::Symlink | EntryType::Link | EntryType::Regular | EntryType::Continuous
        ) {
            return Ok(());
        }
        let name = member(&String::from_utf8_lossy(&entry.path_bytes()))?;
        if !self.names.insert(name.clone()) {
            return Err(ImageError::invalid(
                name,
                "is in the archive twice: which one counts is anybody's guess",
            ));
        }
        if self.names.len() > MEMBERS {
            return Err(ImageError::invalid(
                name,
                "is one file too many: an image archive has at most 65536",
            ));
        }
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            let target =
                String::from_utf8_lossy(&entry.link_name_bytes().unwrap_or_default()).into_owned();
            let base = if kind == EntryType::Symlink {
                parent(&name)
            } else {
                ""
            };
            self.links.insert(name.clone(), join(base, &target)?);
            return Ok(());
        }
        let (offset, size) = (entry.raw_file_position(), entry.size());
        self.file(name, &mut entry, offset, size)
    }

    fn file(
        &mut self,
        name: String,
        entry: &mut impl Read,
        offset: u64,
        size: u64,
    ) -> Result<(), ImageError> {
        let mut head = Vec::with_capacity(512);
        entry
            .take(512)
            .read_to_end(&mut head)
            .map_err(ImageError::read(&name))?;
        let is_layer = name.ends_with("/layer.tar") || looks_like_layer(&head);
        let mut whole = Cursor::new(head).chain(entry);
        if is_layer {
            let contents = layer::read(&name, whole, &mut self.texts)?;
            let member = Member {
                contents,
                offset,
                size,
            };
            self.layers.insert(name, member);
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

    fn index(self) -> Result<(Indexed, Vec<Spot>), ImageError> {
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
        named_by_digest(&name, config)?;
        let (mut image, diff_ids) = config::read(config)?;
        if diff_ids.len() != manifest.layers.len() {
            let why = format!(
                "lists {}, the configuration {}",
                text::count(manifest.layers.len(), "layer"),
                diff_ids.len()
            );
            return Err(ImageError::invalid("manifest.json", why));
        }
        let members: Vec<&Member> = manifest
            .layers
            .iter()
            .map(|l| self.layer(l))
            .collect::<Result<_, _>>()?;
        for ((name, member), diff_id) in manifest.layers.iter().zip(&members).zip(&diff_ids) {
            let found = &member.contents.diff_id;
            if found != diff_id {
                let why = format!("is `{found}`, the configuration says `{diff_id}`");
                return Err(ImageError::invalid(name, why));
            }
        }
        merge::merge(
            &mut image,
            members.iter().map(|m| m.contents.items.as_slice()),
        )?;
        let spots = members
            .iter()
            .zip(diff_ids)
            .map(|(member, diff_id)| (diff_id, member.offset, member.size))
            .collect();
        let config = config.clone();
        Ok((Indexed { image, config }, spots))
    }

    fn layer(&self, name: &str) -> Result<&Member, ImageError> {
        let mut name = member(name)?;
        for _ in 0..8 {
            if let Some(member) = self.layers.get(&name) {
                return Ok(member);
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

/// A configuration that is named by its digest must have it.
fn named_by_digest(name: &str, config: &[u8]) -> Result<(), ImageError> {
    let base = name.rsplit('/').next().unwrap_or(name);
    let hex = base.strip_suffix(".json").unwrap_or(base);
    let is_digest = digest::hex_of(&format!("sha256:{hex}")).is_some();
    let found = digest::of(config);
    if is_digest && found != hex {
        let why = format!("holds `sha256:{found}`");
        return Err(ImageError::invalid(name, why));
    }
    Ok(())
}

/// A tar, a gzip stream, or an empty layer; everything else in an image archive is JSON or a word.
fn looks_like_layer(head: &[u8]) -> bool {
    let tar = head.len() == 512 && (&head[257..262] == b"ustar" || head.iter().all(|b| *b == 0));
    tar || packed::is_packed(head)
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

    fn config(layers: &[&str]) -> Vec<u8> {
        let diff_id = |path: &&str| format!("sha256:{}", digest::of(&layer(path)));
        let diff_ids: Vec<String> = layers.iter().map(diff_id).collect();
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}})
            .to_string()
            .into_bytes()
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
            .file("c.json", 0o644, &config(&["first", "second", "first"]))
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
            .file("blobs/sha256/11", 0o644, &config(&["etc/x"]))
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
                .file("c.json", 0o644, &config(&["x"]))
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
        let why = |archive: tape::Layer| {
            let error = read(archive.finish().as_slice()).expect_err("refused");
            error.to_string()
        };
        let image = |config: &[u8]| {
            tape::Layer::default()
                .file(
                    "manifest.json",
                    0o644,
                    &manifest("c.json", &["a/layer.tar"]),
                )
                .file("c.json", 0o644, config)
                .file("a/layer.tar", 0o644, &layer("x"))
        };
        assert!(why(image(&config(&["x"])).file("c.json", 0o644, b"{}")).contains("twice"));
        assert!(why(image(&config(&["y"]))).contains("the configuration says"));
        let named = format!("{}.json", "0".repeat(64));
        let lies = tape::Layer::default()
            .file("manifest.json", 0o644, &manifest(&named, &[]))
            .file(&named, 0o644, &config(&[]));
        assert!(why(lies).contains("holds `sha256:"));
    }

    #[test]
    fn the_layers_of_a_file_are_found_again_packed_or_not() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write as _;
        let dir = tempfile::tempdir().expect("a directory");
        let archive = tape::Layer::default()
            .file(
                "manifest.json",
                0o644,
                &manifest("c.json", &["a/layer.tar"]),
            )
            .file("a/layer.tar", 0o644, &layer("x"))
            .file("c.json", 0o644, &config(&["x"]))
            .finish();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&archive).expect("compresses");
        for bytes in [archive, gzip.finish().expect("compresses")] {
            let file = dir.path().join("image.tar");
            fs::write(&file, bytes).expect("writes");
            let package = open(&file, dir.path()).expect("opens");
            let mut found = Vec::new();
            let mut reader = package.layers[0].open().expect("opens");
            reader.read_to_end(&mut found).expect("reads");
            assert_eq!(found, layer("x"));
            drop(package);
            assert_eq!(fs::read_dir(dir.path()).expect("reads").count(), 1);
        }
    }
}
