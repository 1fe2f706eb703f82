//! Reads an OCI image layout: finds the manifest and verifies every blob.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use adamant_core::report::text;
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digest::{self, Hashing};
use super::layer::{self, Budget, Item};
use super::package::{LayerFile, Package};
use super::{ImageError, Indexed, config, merge, platform};

/// Indexes, manifests and configurations are at most this large.
pub(crate) const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Indexes may name indexes; so deep, no deeper.
pub(crate) const DEPTH: usize = 4;
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What names a blob.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
}

impl Descriptor {
    /// Whether it names a list of images.
    pub(crate) fn is_index(&self) -> bool {
        is_index(&self.media_type)
    }
}

/// Whether a media type is that of a list of images.
pub(crate) fn is_index(media_type: &str) -> bool {
    media_type.ends_with("image.index.v1+json") || media_type.ends_with("manifest.list.v2+json")
}

/// What an image is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

impl Platform {
    fn name(&self) -> String {
        let variant = self.variant.as_ref().filter(|variant| !variant.is_empty());
        let variant = variant.map(|variant| format!("/{variant}"));
        format!(
            "{}/{}{}",
            self.os,
            self.architecture,
            variant.unwrap_or_default()
        )
    }
}

/// A list of images.
#[derive(Deserialize)]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Descriptor>,
}

/// One image.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

/// Reads and verifies the image called `tag`, or the only one, for `platform` (`os/architecture[/variant]`).
pub(crate) fn open(dir: &Path, tag: Option<&str>, platform: &str) -> Result<Package, ImageError> {
    let marker: Marker = parse("oci-layout", &document(&dir.join("oci-layout"))?)?;
    if !marker.image_layout_version.starts_with("1.") {
        return Err(ImageError::invalid(
            "oci-layout",
            format!("has version `{}`; 1 is read", marker.image_layout_version),
        ));
    }
    let index: Index = parse("index.json", &document(&dir.join("index.json"))?)?;
    let manifest = find(dir, named(index, tag)?, platform, DEPTH)?;
    manifest_of(dir, &manifest, platform)
}

/// Reads and verifies the image of one manifest whose blobs are below `dir`.
pub(crate) fn manifest_of(
    dir: &Path,
    manifest: &Descriptor,
    platform: &str,
) -> Result<Package, ImageError> {
    let manifest: Manifest = parse(&manifest.digest, &blob(dir, manifest)?)?;
    let config = blob(dir, &manifest.config)?;
    let package = package(dir, config, &manifest.layers)?;
    if !platform::fits(&package.indexed.image.platform, platform) {
        return Err(ImageError::invalid(
            dir.display().to_string(),
            format!(
                "is for {}, not for {platform}",
                package.indexed.image.platform
            ),
        ));
    }
    Ok(package)
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
    let only = choose(candidates, platform, "`oci:DIR:TAG`")?;
    if !only.is_index() {
        return Ok(only);
    }
    if depth == 0 {
        return Err(ImageError::invalid(
            &only.digest,
            "is an index in too many indexes",
        ));
    }
    let nested: Index = parse(&only.digest, &blob(dir, &only)?)?;
    find(dir, nested.manifests, platform, depth - 1)
}

/// The one descriptor for a platform; `names` says how one of several is named.
pub(crate) fn choose(
    candidates: Vec<Descriptor>,
    platform: &str,
    names: &str,
) -> Result<Descriptor, ImageError> {
    let mut others = BTreeSet::new();
    let mut fitting = Vec::new();
    for candidate in candidates {
        match candidate.platform.as_ref().map(Platform::name) {
            // What BuildKit says about how an image was built is no image.
            Some(name) if name.starts_with("unknown/") => {}
            Some(name) if !platform::fits(&name, platform) => drop(others.insert(name)),
            _ => fitting.push(candidate),
        }
    }
    // `linux/arm` without a variant means the first one that is offered, as everywhere.
    let mut known = BTreeSet::new();
    fitting.retain(|d| known.insert(d.digest.clone()));
    let variants = fitting.len() > 1 && fitting.iter().all(|d| d.platform.is_some());
    match fitting.as_slice() {
        [first, ..] if fitting.len() == 1 || variants && first.annotations.is_empty() => {
            Ok(first.clone())
        }
        [] => {
            let others: Vec<String> = others.into_iter().collect();
            let have = if others.is_empty() {
                "it names none".to_owned()
            } else {
                format!("it has {}", others.join(", "))
            };
            let why = format!("names no image for {platform}; {have}");
            Err(ImageError::invalid("the index", why))
        }
        several => {
            let why = format!(
                "names {} images for {platform}; choose one: {names}",
                several.len()
            );
            Err(ImageError::invalid("the index", why))
        }
    }
}

fn package(dir: &Path, config: Vec<u8>, layers: &[Descriptor]) -> Result<Package, ImageError> {
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
    let mut files = Vec::new();
    let mut all: Vec<Vec<Item>> = Vec::new();
    for (layer, diff_id) in layers.iter().zip(diff_ids) {
        all.push(read_layer(dir, layer, &diff_id, &mut texts)?);
        files.push(LayerFile {
            diff_id,
            path: path(dir, layer)?,
            offset: 0,
            size: layer.size,
        });
    }
    merge::merge(&mut image, all.iter().map(Vec::as_slice))?;
    Ok(Package {
        indexed: Indexed { image, config },
        layers: files,
        spool: None,
    })
}

/// One pass: the blob's digest, the digest of what it unpacks to, and its files.
fn read_layer(
    dir: &Path,
    layer: &Descriptor,
    diff_id: &str,
    texts: &mut Budget,
) -> Result<Vec<Item>, ImageError> {
    let mut packed = Hashing::new(open_blob(dir, layer)?.take(layer.size.saturating_add(1)));
    let contents = layer::read(&layer.digest, &mut packed, texts);
    // A blob that is not what its name says is refused for that, whatever is in it.
    verify(
        layer,
        packed.finish().map_err(ImageError::read(&layer.digest))?,
    )?;
    let contents = contents?;
    if contents.diff_id != diff_id {
        let unpacked = contents.diff_id;
        return Err(ImageError::invalid(
            &layer.digest,
            format!("unpacks to `{unpacked}`, the configuration says `{diff_id}`"),
        ));
    }
    Ok(contents.items)
}

fn blob(dir: &Path, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    if descriptor.size > DOCUMENT_BYTES {
        return Err(ImageError::invalid(
            &descriptor.digest,
            "is too large for a document",
        ));
    }
    let mut bytes = Vec::new();
    open_blob(dir, descriptor)?
        .take(descriptor.size + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageError::read(&descriptor.digest))?;
    verify(descriptor, (digest::of(&bytes), bytes.len() as u64))?;
    Ok(bytes)
}

/// A digest becomes a file name: nothing but hexadecimal digits may.
pub(crate) fn path(dir: &Path, descriptor: &Descriptor) -> Result<PathBuf, ImageError> {
    let name = digest::hex_of(&descriptor.digest).ok_or_else(|| {
        ImageError::invalid(
            &descriptor.digest,
            "is no digest of the form `sha256:` and 64 hexadecimal digits",
        )
    })?;
    Ok(dir.join("blobs/sha256").join(name))
}

fn open_blob(dir: &Path, descriptor: &Descriptor) -> Result<fs::File, ImageError> {
    let path = path(dir, descriptor)?;
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

pub(crate) fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(ImageError::json(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tape;
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

        fn open(&self, tag: Option<&str>) -> Result<Package, ImageError> {
            open(self.0.path(), tag, "linux/amd64")
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
        // The same image twice is one image.
        draft.index(&json!([manifest, manifest]));
        draft.open(None).expect("opens");
        let other = tape::Layer::default().file("x", 0o644, b"x").finish();
        let other_id = format!("sha256:{}", digest::of(&other));
        let other = draft.manifest(&draft.blob(&other), &other_id);
        draft.index(&json!([manifest, other]));
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
