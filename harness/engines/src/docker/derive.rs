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
    let below = config["rootfs"]["diff_ids"].as_array().map_or(0, Vec::len);
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
    let mut layers: Vec<String> = (0..below)
        .map(|n| format!("present-{n}/layer.tar"))
        .collect();
    layers.push("absent/layer.tar".into());
    let part = tape::Part::bytes("absent/layer.tar", layer);
    Ok(Derived {
        archive: tape::image(&tag, config, &layers, vec![part]),
        tag,
    })
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
        assert!(text.contains("present-0/layer.tar") && text.contains("dev.adamant.run"));
        // The layer below is not sent again.
        assert!(!text.contains("motd"));
    }
}
