//! An OCI image layout on disk: `oci-layout`, `index.json` and blobs by digest.

use crate::digest;
use crate::failure::Failure;
use crate::recipe::Config;
use crate::tree::Tree;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// In `index.json`: the digest of all that the image was made from. Outside the manifest, so it changes no image digest.
const INPUTS: &str = "adamant.inputs";
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image that is there, as another one's base.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// Descriptors and files of its layers, lowest first.
    layers: Vec<(Value, PathBuf)>,
    config: Map<String, Value>,
}

impl Base {
    pub(crate) fn read(dir: &Path) -> Result<Self, Failure> {
        let index = read_json(&dir.join("index.json"))?;
        let manifest = read_json(&blob_path(dir, &index["manifests"][0]["digest"]))?;
        let config = read_json(&blob_path(dir, &manifest["config"]["digest"]))?;
        let layers = manifest["layers"].as_array().into_iter().flatten();
        Ok(Self {
            layers: layers
                .map(|layer| (layer.clone(), blob_path(dir, &layer["digest"])))
                .collect(),
            config: config["config"].as_object().cloned().unwrap_or_default(),
        })
    }

    /// All its files, layer over layer.
    pub(crate) fn tree(&self) -> Result<Tree, Failure> {
        let mut tree = Tree::default();
        for (_, path) in &self.layers {
            tree.apply(Tree::from_tar(&fs_err::read(path)?)?);
        }
        Ok(tree)
    }
}

/// The digest of what the image in `dir` was made from, if there is an image.
pub(crate) fn inputs(dir: &Path) -> Option<String> {
    let index = read_json(&dir.join("index.json")).ok()?;
    Some(index["annotations"][INPUTS].as_str()?.to_owned())
}

/// Write an image of `base` and `layers` into the empty directory `dir`; its manifest digest.
pub(crate) fn write(
    dir: &Path,
    name: &str,
    base: &Base,
    layers: &[Vec<u8>],
    config: &Config,
    inputs: &str,
) -> Result<String, Failure> {
    let mut descriptors = Vec::new();
    fs_err::create_dir_all(dir.join("blobs/sha256"))?;
    for (descriptor, source) in &base.layers {
        let target = blob_path(dir, &descriptor["digest"]);
        // Another file system cannot link; then it is a copy.
        if fs_err::hard_link(source, &target).is_err() {
            fs_err::copy(source, &target)?;
        }
        descriptors.push(descriptor.clone());
    }
    for layer in layers {
        descriptors.push(write_blob(dir, LAYER, layer)?);
    }
    let diff_ids: Vec<&Value> = descriptors.iter().map(|layer| &layer["digest"]).collect();
    let image = json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": architecture(),
        "os": "linux",
        "config": merged(&base.config, config),
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = write_blob(dir, CONFIG, &bytes(&image))?;
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": descriptors });
    let mut manifest = write_blob(dir, MANIFEST, &bytes(&manifest))?;
    let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
    manifest["annotations"] = json!({ REF_NAME: name });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [manifest],
        "annotations": { INPUTS: inputs },
    });
    fs_err::write(dir.join("index.json"), bytes(&index))?;
    fs_err::write(
        dir.join("oci-layout"),
        bytes(&json!({ "imageLayoutVersion": "1.0.0" })),
    )?;
    Ok(digest)
}

/// The base's configuration with the recipe's keys over it.
fn merged(base: &Map<String, Value>, config: &Config) -> Value {
    let set = |paths: &Option<Vec<String>>| {
        let paths = paths.as_ref()?.iter();
        Some(
            paths
                .map(|path| (path.clone(), json!({})))
                .collect::<Map<_, _>>()
                .into(),
        )
    };
    let keys: [(&str, Option<Value>); 9] = [
        ("User", config.user.clone().map(Value::from)),
        ("WorkingDir", config.workdir.clone().map(Value::from)),
        ("Env", config.env.clone().map(Value::from)),
        ("Entrypoint", config.entrypoint.clone().map(Value::from)),
        ("Cmd", config.cmd.clone().map(Value::from)),
        ("StopSignal", config.stop_signal.clone().map(Value::from)),
        (
            "Healthcheck",
            config
                .healthcheck
                .clone()
                .map(|test| json!({ "Test": test })),
        ),
        ("ExposedPorts", set(&config.expose)),
        ("Volumes", set(&config.volumes)),
    ];
    let mut merged = base.clone();
    merged.extend(
        keys.into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    merged.into()
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn write_blob(dir: &Path, media_type: &str, bytes: &[u8]) -> Result<Value, Failure> {
    let digest = Value::from(format!("sha256:{}", digest::of(bytes)));
    fs_err::write(blob_path(dir, &digest), bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}

fn blob_path(dir: &Path, digest: &Value) -> PathBuf {
    let digest = digest.as_str().unwrap_or_default();
    dir.join("blobs").join(digest.replace(':', "/"))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let bytes = fs_err::read(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Failure::host(format!("`{}` is not JSON: {e}", path.display())))
}
