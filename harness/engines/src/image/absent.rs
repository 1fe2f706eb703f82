//! Which paths of an image have to be hidden so that others are absent.

use std::collections::BTreeSet;

use adamant_core::engine::{Fault, Image};
use adamant_probe::Entry;

use super::tape;

/// The paths that have to be hidden, as the image holds them: below no symlink, and none below another.
pub(crate) fn hidden(image: &Image, faults: &[Fault]) -> Vec<String> {
    let paths: BTreeSet<String> = faults
        .iter()
        .filter_map(|fault| physical(image, &fault.path))
        .collect();
    let below_another = |path: &String| {
        paths.iter().any(|other| {
            path.strip_prefix(other.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    paths
        .iter()
        .filter(|path| image.entries.contains_key(*path) && !below_another(path))
        .cloned()
        .collect()
}

/// Follows the symlinks on the way to `path`, not the last one: that is what is to be absent.
fn physical(image: &Image, path: &str) -> Option<String> {
    let (parent, name) = path.trim_end_matches('/').rsplit_once('/')?;
    let parent = if parent.is_empty() {
        ""
    } else {
        &image.resolve(parent)?.path
    };
    Some(format!("{parent}/{name}"))
}

/// A layer that hides paths. The directories on the way come along with their modes: without them a daemon would make its own.
pub(crate) fn layer(image: &Image, hidden: &[String]) -> Vec<u8> {
    let directories: BTreeSet<&str> = hidden.iter().flat_map(|path| ancestors(path)).collect();
    let entries: Vec<&Entry> = directories
        .into_iter()
        .filter_map(|path| image.entries.get(path))
        .collect();
    let layer = entries
        .into_iter()
        .fold(tape::Layer::default(), tape::Layer::directory);
    hidden
        .iter()
        .fold(layer, |layer, path| layer.whiteout(path))
        .finish()
}

/// Every directory above `path`, without the root.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.char_indices()
        .filter(|(at, c)| *c == '/' && *at > 0)
        .map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::archive;
    use serde_json::json;

    fn base() -> Image {
        let layer = tape::Layer::default()
            .file("usr/bin/node", 0o755, b"node")
            .file("usr/bin/npm", 0o755, b"npm")
            .file("etc/motd", 0o644, b"motd")
            .raw("bin", tar::EntryType::Symlink, "usr/bin")
            .finish();
        let config = json!({"os": "linux", "architecture": "amd64", "config": {}, "history": [{}], "rootfs": {"diff_ids": ["sha256:0"]}});
        let archive = tape::image(
            "x:y",
            config.to_string().into_bytes(),
            &["l/layer.tar".into()],
            vec![tape::Part::bytes("l/layer.tar", layer)],
        );
        archive::read(archive).expect("reads").image
    }

    fn faults(paths: &[&str]) -> Vec<Fault> {
        paths
            .iter()
            .map(|path| Fault {
                path: (*path).to_owned(),
            })
            .collect()
    }

    #[test]
    fn symlinks_on_the_way_are_followed_and_the_last_is_not() {
        let image = base();
        assert_eq!(hidden(&image, &faults(&["/bin/node"])), ["/usr/bin/node"]);
        assert_eq!(hidden(&image, &faults(&["/bin"])), ["/bin"]);
        assert_eq!(
            hidden(
                &image,
                &faults(&["/usr/bin/node", "/usr/bin", "/etc/motd/"])
            ),
            ["/etc/motd", "/usr/bin"]
        );
        assert!(hidden(&image, &faults(&["/not/there", "/etc/none"])).is_empty());
    }
}
