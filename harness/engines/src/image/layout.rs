//! Reads an OCI image layout: finds the manifest, verifies every blob, and streams the image to a daemon.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use adamant_core::report::text;
use fs_err as fs;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::digest::{self, Hashing};
use super::layer::{self, Budget, Item};
use super::{ImageError, Indexed, config, merge, spool, tape};

/// Indexes, manifests and configurations are at most this large.
const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Indexes may name indexes; so deep, no deeper.
const DEPTH: usize = 4;
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An image of a layout, verified.
#[derive(Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
    pub(crate) indexed: Indexed,
    layers: Vec<Descriptor>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

impl Layout {
    /// Reads and verifies the image called `tag`, or the only one, for `platform` (`os/architecture`).
    pub(crate) fn open(dir: &Path, tag: Option<&str>, platform: &str) -> Result<Self, ImageError> {
        let marker: Marker = parse("oci-layout", &document(&dir.join("oci-layout"))?)?;
        if !marker.image_layout_version.starts_with("1.") {
            return Err(ImageError::invalid(
                "oci-layout",
                format!("has version `{}`; 1 is read", marker.image_layout_version),
            ));
        }
        let index: Index = parse("index.json", &document(&dir.join("index.json"))?)?;
        let manifest = find(dir, named(index, tag)?, platform, DEPTH)?;
        let manifest: Manifest = parse(&manifest.digest, &blob(dir, &manifest)?)?;
        let config = blob(dir, &manifest.config)?;
        let indexed = index_layers(dir, config, &manifest.layers)?;
        if indexed.image.platform != platform {
            return Err(ImageError::invalid(
                dir.display().to_string(),
                format!(
                    "is for {}, the engine for {platform}",
                    indexed.image.platform
                ),
            ));
        }
        let mut layout = Self {
            dir: dir.to_owned(),
            indexed,
            layers: manifest.layers,
        };
        let blobs = layout.blobs();
        layout.indexed.image.contents = spool::contents(move || spool::blobs(&blobs));
        Ok(layout)
    }

    /// The blobs of the layers, bottom first.
    fn blobs(&self) -> Vec<PathBuf> {
        let path = |layer: &Descriptor| {
            self.dir
                .join(format!("blobs/{}", layer.digest.replacen(':', "/", 1)))
        };
        self.layers.iter().map(path).collect()
    }

    /// The image as `docker load` takes it; blobs are read as they are sent.
    pub(crate) fn archive(&self, tag: &str) -> io::Result<Box<dyn Read + Send>> {
        let name = |layer: &Descriptor| format!("blobs/{}", layer.digest.replacen(':', "/", 1));
        let names: Vec<String> = self.layers.iter().map(name).collect();
        let mut sent = BTreeSet::new();
        let mut parts = Vec::new();
        for (layer, name) in self.layers.iter().zip(&names) {
            if sent.insert(name) {
                let content = Box::new(fs::File::open(self.dir.join(name))?);
                parts.push(tape::Part {
                    name: name.clone(),
                    size: layer.size,
                    content,
                });
            }
        }
        Ok(tape::image(tag, self.indexed.config.clone(), &names, parts))
    }
}

fn named(index: Index, tag: Option<&str>) -> Result<Vec<Descriptor>, ImageError> {
    let Some(tag) = tag else {
        return Ok(index.manifests);
    };
    let name = |m: &Descriptor| m.annotations.get(REF_NAME).cloned();
    let known: Vec<String> = index.manifests.iter().filter_map(name).collect();
    let matching: Vec<Descriptor> = index
        .manifests
        .into_iter()
        .filter(|m| name(m).as_deref() == Some(tag))
        .collect();
    if matching.is_empty() {
        return Err(ImageError::invalid(
            tag,
            format!("is not in index.json; it names: {}", known.join(", ")),
        ));
    }
    Ok(matching)
}

/// The one manifest for this platform, through nested indexes.
fn find(
    dir: &Path,
    candidates: Vec<Descriptor>,
    platform: &str,
    depth: usize,
) -> Result<Descriptor, ImageError> {
    let fits = |d: &Descriptor| {
        d.platform
            .as_ref()
            .is_none_or(|p| format!("{}/{}", p.os, p.architecture) == platform)
    };
    let fitting: Vec<Descriptor> = candidates.into_iter().filter(fits).collect();
    let [only] = fitting.as_slice() else {
        let why = format!(
            "names {} images for {platform}; choose one: `oci:DIR:TAG`",
            fitting.len()
        );
        return Err(ImageError::invalid("index.json", why));
    };
    if !only.media_type.ends_with("image.index.v1+json")
        && !only.media_type.ends_with("manifest.list.v2+json")
    {
        return Ok(only.clone());
    }
    if depth == 0 {
        return Err(ImageError::invalid(
            &only.digest,
            "is an index in too many indexes",
        ));
    }
    let nested: Index = parse(&only.digest, &blob(dir, only)?)?;
    find(dir, nested.manifests, platform, depth - 1)
}

fn index_layers(dir: &Path, config: Vec<u8>, layers: &[Descriptor]) -> Result<Indexed, ImageError> {
    let (mut image, diff_ids) = config::read(&config)?;
    if diff_ids.len() != layers.len() {
        return Err(ImageError::invalid(
            "the manifest",
            format!(
                "lists {}, the configuration {}",
                text::count(layers.len(), "layer"),
                diff_ids.len()
            ),
        ));
    }
    let mut texts = Budget::default();
    let read = layers
        .iter()
        .zip(&diff_ids)
        .map(|(layer, diff_id)| read_layer(dir, layer, diff_id, &mut texts));
    let items: Vec<Vec<Item>> = read.collect::<Result<_, _>>()?;
    merge::merge(&mut image, items.iter().map(Vec::as_slice))?;
    Ok(Indexed { image, config })
}

/// One pass: the blob's digest, the digest of what it unpacks to, and its files.
fn read_layer(
    dir: &Path,
    layer: &Descriptor,
    diff_id: &str,
    texts: &mut Budget,
) -> Result<Vec<Item>, ImageError> {
    let mut packed = Hashing::new(open(dir, layer)?);
    let mut plain = Hashing::new(layer::plain(&layer.digest, &mut packed)?);
    let items = layer::read(&layer.digest, &mut plain, texts)?;
    let (unpacked, _) = plain.finish().map_err(ImageError::read(&layer.digest))?;
    verify(
        layer,
        packed.finish().map_err(ImageError::read(&layer.digest))?,
    )?;
    if format!("sha256:{unpacked}") != diff_id {
        return Err(ImageError::invalid(
            &layer.digest,
            format!("unpacks to `sha256:{unpacked}`, the configuration says `{diff_id}`"),
        ));
    }
    Ok(items)
}

fn blob(dir: &Path, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    if descriptor.size > DOCUMENT_BYTES {
        return Err(ImageError::invalid(
            &descriptor.digest,
            "is too large for a document",
        ));
    }
    let mut bytes = Vec::new();
    open(dir, descriptor)?
        .take(descriptor.size + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageError::read(&descriptor.digest))?;
    verify(descriptor, (digest::of(&bytes), bytes.len() as u64))?;
    Ok(bytes)
}

/// A digest becomes a file name: nothing but hexadecimal digits may.
fn open(dir: &Path, descriptor: &Descriptor) -> Result<fs::File, ImageError> {
    let name = descriptor.digest.strip_prefix("sha256:").filter(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    let name = name.ok_or_else(|| {
        ImageError::invalid(
            &descriptor.digest,
            "is no digest of the form `sha256:` and 64 hexadecimal digits",
        )
    })?;
    let path = dir.join("blobs/sha256").join(name);
    let about = fs::symlink_metadata(&path).map_err(ImageError::read(&descriptor.digest))?;
    if !about.is_file() {
        return Err(ImageError::invalid(
            &descriptor.digest,
            "is no regular file",
        ));
    }
    fs::File::open(path).map_err(ImageError::read(&descriptor.digest))
}

fn verify(descriptor: &Descriptor, (sha256, size): (String, u64)) -> Result<(), ImageError> {
    if size != descriptor.size {
        return Err(ImageError::invalid(
            &descriptor.digest,
            format!("has {size} bytes, its descriptor says {}", descriptor.size),
        ));
    }
    if descriptor.digest != format!("sha256:{sha256}") {
        return Err(ImageError::invalid(
            &descriptor.digest,
            format!("holds `sha256:{sha256}`"),
        ));
    }
    Ok(())
}

fn document(path: &Path) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(ImageError::read(path.display().to_string()))?;
    file.take(DOCUMENT_BYTES)
        .read_to_end(&mut bytes)
        .map_err(ImageError::read(path.display().to_string()))?;
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(ImageError::json(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A layout under construction, wrong in whatever way a test wants.
    struct Draft(tempfile::TempDir);

    impl Draft {
        fn new() -> Self {
            let draft = Self(tempfile::tempdir().expect("a directory"));
            fs::create_dir_all(draft.0.path().join("blobs/sha256")).expect("creates");
            draft.write("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
            draft
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            fs::write(self.0.path().join(name), bytes).expect("writes");
        }

        fn blob(&self, bytes: &[u8]) -> Value {
            self.write(&format!("blobs/sha256/{}", digest::of(bytes)), bytes);
            json!({ "digest": format!("sha256:{}", digest::of(bytes)), "size": bytes.len() })
        }

        fn manifest(&self, layer: &Value, diff_id: &str) -> Value {
            let config =
                json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [diff_id]}});
            let config = self.blob(config.to_string().as_bytes());
            self.blob(
                json!({ "config": config, "layers": [layer] })
                    .to_string()
                    .as_bytes(),
            )
        }

        fn index(&self, manifests: &Value) {
            self.write(
                "index.json",
                json!({ "manifests": manifests }).to_string().as_bytes(),
            );
        }

        fn open(&self, tag: Option<&str>) -> Result<Layout, ImageError> {
            Layout::open(self.0.path(), tag, "linux/amd64")
        }
    }

    fn layer() -> (Vec<u8>, String) {
        let tar = tape::Layer::default()
            .file("etc/motd", 0o644, b"hello")
            .finish();
        let diff_id = format!("sha256:{}", digest::of(&tar));
        (tar, diff_id)
    }

    #[test]
    fn a_layout_is_read_gzip_or_not_and_streams_as_an_archive() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write as _;
        let (tar, diff_id) = layer();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar).expect("compresses");
        for bytes in [tar, gzip.finish().expect("compresses")] {
            let draft = Draft::new();
            let manifest = draft.manifest(&draft.blob(&bytes), &diff_id);
            draft.index(&json!([manifest]));
            let layout = draft.open(None).expect("opens");
            assert_eq!(layout.indexed.image.texts["/etc/motd"], b"hello");
            let again = crate::image::archive::read(layout.archive("x:y").expect("streams"))
                .expect("reads");
            assert_eq!(again.image, layout.indexed.image);
        }
    }

    #[test]
    fn a_tag_or_the_platform_chooses() {
        let (tar, diff_id) = layer();
        let draft = Draft::new();
        let mut manifest = draft.manifest(&draft.blob(&tar), &diff_id);
        manifest["annotations"] = json!({ REF_NAME: "v1" });
        let mut foreign = manifest.clone();
        foreign["platform"] = json!({ "os": "linux", "architecture": "arm64" });
        draft.index(&json!([manifest, foreign]));
        draft.open(Some("v1")).expect("opens");
        draft.open(None).expect("opens");
        assert!(
            draft
                .open(Some("v2"))
                .expect_err("refused")
                .to_string()
                .contains("it names: v1, v1")
        );
        draft.index(&json!([manifest, manifest]));
        assert!(
            draft
                .open(None)
                .expect_err("refused")
                .to_string()
                .contains("choose one")
        );
    }

    #[test]
    fn blobs_that_lie_are_refused() {
        let (tar, diff_id) = layer();
        let refusal = |layer: &dyn Fn(&Draft) -> Value, diff_id: &str| {
            let draft = Draft::new();
            let manifest = draft.manifest(&layer(&draft), diff_id);
            draft.index(&json!([manifest]));
            draft.open(None).expect_err("refused").to_string()
        };
        let changed = |field: &'static str, value: Value| {
            let tar = &tar;
            move |draft: &Draft| {
                let mut descriptor = draft.blob(tar);
                descriptor[field] = value.clone();
                descriptor
            }
        };
        let other = format!("sha256:{}", "0".repeat(64));
        assert!(refusal(&changed("size", json!(1)), &diff_id).contains("bytes"));
        assert!(
            refusal(
                &changed("digest", json!("sha256:../../../../etc/passwd")),
                &diff_id
            )
            .contains("no digest")
        );
        assert!(refusal(&changed("digest", json!(other)), &diff_id).contains("cannot be read"));
        assert!(refusal(&|draft: &Draft| draft.blob(&tar), &other).contains("unpacks to"));
        let swapped = |draft: &Draft| {
            let descriptor = draft.blob(&tar);
            let name = descriptor["digest"]
                .as_str()
                .expect("a digest")
                .replacen(':', "/", 1);
            let mut bytes = tar.clone();
            bytes[600] ^= 1;
            draft.write(&format!("blobs/{name}"), &bytes);
            descriptor
        };
        assert!(refusal(&swapped, &diff_id).contains("holds"));
        let link = |draft: &Draft| {
            let name = "a".repeat(64);
            std::os::unix::fs::symlink(
                "/etc/passwd",
                draft.0.path().join("blobs/sha256").join(&name),
            )
            .expect("links");
            json!({ "digest": format!("sha256:{name}"), "size": 1 })
        };
        assert!(refusal(&link, &diff_id).contains("regular file"));
    }
}
