//! Makes paths absent or unfit: an image of one more layer that hides them, so that opening them says `ENOENT`, or holds
//! what is left of them.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use adamant_core::engine::{EngineError, ErrorKind, Image};
use serde_json::{Value, json};

use crate::image::absent::{Left, layer, names};
use crate::image::{digest, tape};

/// The repository of derived images; they live as long as a run.
const REPOSITORY: &str = "adamant.local/derived";

/// A derived image, ready to be loaded.
pub(super) struct Derived {
    pub(super) tag: String,
    pub(super) archive: Box<dyn Read + Send>,
}

/// The media types of OCI's image specification that a derived image is written in.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// `base` with what is left of some of its paths. The layers of `base` are only named: the daemon has them.
pub(super) fn derive(
    base: &Image,
    config: &[u8],
    changed: &[(String, Left)],
    labels: &HashMap<String, String>,
) -> Result<Derived, EngineError> {
    let layer = layer(base, changed);
    let mut config: Value = serde_json::from_slice(config).map_err(|error| {
        EngineError::new(
            ErrorKind::Engine,
            format!("derive an image from `{}`", base.id),
        )
        .caused_by(error)
    })?;
    let below = config["rootfs"]["diff_ids"].as_array().cloned();
    let below = below.unwrap_or_default();
    append(
        &mut config["rootfs"]["diff_ids"],
        json!(format!("sha256:{}", digest::of(&layer))),
    );
    if config["history"].is_array() {
        append(
            &mut config["history"],
            json!({ "created_by": format!("adamant: without {}", names(changed)) }),
        );
    }
    for (name, value) in labels.iter().collect::<BTreeMap<_, _>>() {
        if config["config"]["Labels"].is_null() {
            config["config"]["Labels"] = json!({});
        }
        config["config"]["Labels"][name] = json!(value);
    }
    let config = config.to_string().into_bytes();
    let tag = format!("{REPOSITORY}:{}", &digest::of(&config)[..12]);
    Ok(Derived {
        archive: archive(&tag, config, &below, layer),
        tag,
    })
}

/// The image twice over the same bytes, as `docker save` has written images since version 25: Docker goes by `manifest.json`
/// and misses no layer that it has, and Podman misses every one that its archive lacks, unless the archive is an OCI layout.
fn archive(tag: &str, config: Vec<u8>, below: &[Value], layer: Vec<u8>) -> Box<dyn Read + Send> {
    let blob = |digest: &str| format!("blobs/{}", digest.replacen(':', "/", 1));
    let whole = |kind: &str, bytes: &[u8]| {
        let digest = format!("sha256:{}", digest::of(bytes));
        json!({ "mediaType": kind, "digest": digest, "size": bytes.len() })
    };
    // How large a layer is that is not sent, nobody asks.
    let named = |digest: &Value| json!({ "mediaType": LAYER, "digest": digest, "size": 0 });
    let mut layers: Vec<Value> = below.iter().map(named).collect();
    layers.push(whole(LAYER, &layer));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": whole(CONFIG, &config),
        "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    let mut listed = whole(MANIFEST, &manifest);
    listed["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    let index = json!({ "schemaVersion": 2, "manifests": [listed] });
    let place = |about: &Value| blob(about["digest"].as_str().unwrap_or_default());
    let for_docker = json!([{
        "Config": place(&whole(CONFIG, &config)),
        "RepoTags": [tag],
        "Layers": layers.iter().map(place).collect::<Vec<_>>(),
    }]);
    let mut parts = vec![
        tape::Part::bytes("manifest.json", for_docker.to_string().into_bytes()),
        tape::Part::bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        tape::Part::bytes("index.json", index.to_string().into_bytes()),
    ];
    for bytes in [manifest, config, layer] {
        let name = format!("blobs/sha256/{}", digest::of(&bytes));
        parts.push(tape::Part::bytes(name, bytes));
    }
    tape::stream(parts)
}

fn append(list: &mut Value, value: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Indexed, archive};

    fn base() -> Indexed {
        let layer = tape::Layer::default()
            .file("usr/bin/node", 0o755, b"node")
            .file("usr/bin/npm", 0o755, b"npm")
            .file("etc/motd", 0o644, b"motd")
            .raw("bin", tar::EntryType::Symlink, "usr/bin")
            .finish();
        let diff_id = format!("sha256:{}", digest::of(&layer));
        let config = json!({"os": "linux", "architecture": "amd64", "config": {}, "history": [{}], "rootfs": {"diff_ids": [diff_id]}});
        let archive = tape::image(
            "x:y",
            config.to_string().into_bytes(),
            &["l/layer.tar".into()],
            vec![tape::Part::bytes("l/layer.tar", layer)],
        );
        archive::read(archive).expect("reads")
    }

    #[test]
    fn a_derived_image_hides_and_keeps_the_directories_and_says_whose_it_is() {
        let base = base();
        let labels = HashMap::from([("dev.adamant.run".to_owned(), "r".to_owned())]);
        let gone = [("/usr/bin/node".to_owned(), Left::Nothing)];
        let layer = layer(&base.image, &gone);
        let items = crate::image::layer::read(
            "l",
            layer.as_slice(),
            &mut crate::image::layer::Budget::default(),
        )
        .expect("reads")
        .items;
        assert_eq!(items.len(), 3);
        assert_eq!(
            items[2],
            crate::image::layer::Item::Hide("/usr/bin/node".into())
        );
        let mut archive = derive(&base.image, &base.config, &gone, &labels).expect("derives");
        let mut bytes = Vec::new();
        archive.archive.read_to_end(&mut bytes).expect("streams");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("dev.adamant.run"));
        // The layer below is not sent again.
        assert!(!text.contains("motd"));
        let mut files = BTreeMap::new();
        for file in tar::Archive::new(bytes.as_slice())
            .entries()
            .expect("a tar")
        {
            let mut file = file.expect("a file");
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("reads");
            files.insert(file.path().expect("a name").display().to_string(), bytes);
        }
        let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).expect("JSON");
        let blob = |about: &Value| {
            let digest = about["digest"].as_str().expect("a digest");
            let bytes = &files[&format!("blobs/{}", digest.replacen(':', "/", 1))];
            assert_eq!(format!("sha256:{}", digest::of(bytes)), digest);
            assert_eq!(about["size"], bytes.len());
            bytes.clone()
        };
        // Both forms are of the same image: the same configuration, and the same layers in the same order.
        let listed = &json("index.json")["manifests"][0];
        let manifest: Value = serde_json::from_slice(&blob(listed)).expect("JSON");
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).expect("JSON");
        let digests = |layers: &Value| -> Vec<String> {
            let layers = layers.as_array().expect("a list").iter();
            layers
                .map(|l| l["digest"].as_str().expect("a digest").into())
                .collect()
        };
        let layers = digests(&manifest["layers"]);
        assert_eq!(json!(layers), config["rootfs"]["diff_ids"]);
        assert_eq!(blob(&manifest["layers"][1]), layer);
        let for_docker = &json("manifest.json")[0];
        let places = layers
            .iter()
            .map(|l| l.replacen("sha256:", "blobs/sha256/", 1));
        assert_eq!(for_docker["Layers"], json!(places.collect::<Vec<_>>()));
        let tag = &listed["annotations"]["org.opencontainers.image.ref.name"];
        assert_eq!(&for_docker["RepoTags"][0], tag);
    }
}
