//! A subject with its image, or an image alone: what `verify` and `lint` look at before anything is started.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::case::{Subject, parse_text};
use adamant_core::discover::read_subject;
use adamant_core::engine::{Image, ImageSource};
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::image;
use adamant_engines::store::Sourcing;
use serde_json::json;

use super::Failure;
use crate::engines;

/// The subject and its image; an image alone has a contract that claims nothing.
///
/// `what` is a subject file, its directory, or an image; `other` is judged in place of the subject's own image.
pub(super) fn find(
    what: &str,
    other: Option<&str>,
    sourcing: &Sourcing,
    cancel: &Cancel,
) -> Result<(Subject, Arc<Image>), Failure> {
    let path = Path::new(what);
    let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if path.join("adamant.yaml").is_file() || is_yaml {
        if !path.exists() {
            let mut failure = Failure::input(format!("subject file `{what}` is not here"));
            failure.hint = Some("name a subject file, or an image: `adamant verify oci:DIR`, `adamant verify rootfs:DIR`".into());
            return Err(failure);
        }
        let file = read_subject(path, other)?;
        return Ok((file.subject.clone(), open(&file.image, sourcing, cancel)?));
    }
    if other.is_some() {
        return Err(Failure::input(format!(
            "`--image` needs a subject file, and `{what}` is none"
        )));
    }
    let subject = |name: &str| {
        // The name is only shown.
        let text = format!("name: image\nimage: {}\n", json!(name));
        parse_text::<Subject>(&text, path).map_err(Failure::from)
    };
    let source = if path.join("oci-layout").is_file() {
        ImageSource::Layout {
            dir: path.to_owned(),
            tag: None,
        }
    } else if path.is_dir() {
        ImageSource::Rootfs(path.to_owned())
    } else if path.is_file() {
        ImageSource::Archive(path.to_owned())
    } else {
        ImageSource::parse(what, Path::new("")).map_err(Failure::input)?
    };
    Ok((subject(what)?, open(&source, sourcing, cancel)?))
}

/// A file is read here; only an image that a daemon has needs the daemon, and one that was pulled is found without it.
fn open(source: &ImageSource, sourcing: &Sourcing, cancel: &Cancel) -> Result<Arc<Image>, Failure> {
    if let Some(read) = image::from_files(source, sourcing) {
        return Ok(Arc::new(read?));
    }
    let patience = Duration::from_secs(300).mul_f64(env::timeout_scale());
    let deadline = Deadline::after(patience, cancel);
    if matches!(source, ImageSource::Registry(_)) {
        return Ok(Arc::new(image::from_store(source, sourcing, &deadline)?));
    }
    match engines::first(Some(&["docker".to_owned()]), sourcing, cancel) {
        Ok(engine) => Ok(engine.image(source, &deadline)?),
        Err(missing) if matches!(source, ImageSource::Bare(_)) => {
            let pulled = image::from_store(source, sourcing, &deadline);
            // Without the daemon that it may be at, that is what is missing; a pull that failed says why itself.
            pulled.map(Arc::new).map_err(|error| {
                if sourcing.pull {
                    error.into()
                } else {
                    missing.into()
                }
            })
        }
        Err(missing) => Err(missing.into()),
    }
}
