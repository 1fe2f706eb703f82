//! An image's configuration as OCI and Docker write it, as core's types.

use std::collections::{BTreeMap, BTreeSet};

use adamant_core::engine::{Image, ImageConfig};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{ImageError, digest};

#[derive(Deserialize)]
struct Document {
    architecture: String,
    os: String,
    #[serde(default, deserialize_with = "or_default")]
    config: Config,
    rootfs: RootFs,
}

/// Docker writes `null` where OCI leaves a field out.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "or_default")]
    user: String,
    #[serde(deserialize_with = "or_default")]
    env: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    entrypoint: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    cmd: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    working_dir: String,
    #[serde(deserialize_with = "or_default")]
    volumes: BTreeMap<String, Value>,
    #[serde(deserialize_with = "or_default")]
    exposed_ports: BTreeMap<String, Value>,
    stop_signal: Option<String>,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    healthcheck: Healthcheck,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Healthcheck {
    #[serde(deserialize_with = "or_default")]
    test: Vec<String>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default, deserialize_with = "or_default")]
    diff_ids: Vec<String>,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An image without files, and the digests of its uncompressed layers.
pub(crate) fn read(bytes: &[u8]) -> Result<(Image, Vec<String>), ImageError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(ImageError::json("the image's configuration"))?;
    let config = document.config;
    let names = |map: BTreeMap<String, Value>| map.into_keys().collect::<BTreeSet<String>>();
    let image = Image {
        id: format!("sha256:{}", digest::of(bytes)),
        platform: format!("{}/{}", document.os, document.architecture),
        config: ImageConfig {
            user: config.user,
            env: config.env,
            entrypoint: config.entrypoint,
            cmd: config.cmd,
            workdir: config.working_dir,
            volumes: names(config.volumes),
            exposed: names(config.exposed_ports),
            stop_signal: config.stop_signal.filter(|s| !s.is_empty()),
            labels: config.labels,
            healthcheck: config.healthcheck.test,
        },
        ..Image::default()
    };
    Ok((image, document.rootfs.diff_ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_absent_fields_read_as_empty() {
        let text = br#"{"architecture":"amd64","os":"linux","config":{"User":"1000:1000","Env":null,"Entrypoint":["/e"],
            "Volumes":{"/data":{}},"Labels":null},"rootfs":{"type":"layers","diff_ids":["sha256:00"]}}"#;
        let (image, layers) = read(text).expect("reads");
        assert_eq!((image.platform.as_str(), layers.len()), ("linux/amd64", 1));
        assert_eq!(image.config.entrypoint, ["/e"]);
        assert!(image.config.env.is_empty() && image.config.volumes.contains("/data"));
        assert!(image.id.starts_with("sha256:"));
    }
}
