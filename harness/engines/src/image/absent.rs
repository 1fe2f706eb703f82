//! What a layer above an image leaves of some of its paths: nothing, or something unfit.

use std::collections::BTreeSet;

use adamant_core::case::FaultForm;
use adamant_core::engine::{EngineError, ErrorKind, Fault, Image};
use adamant_probe::{Entry, Kind};

use super::{digest, merge, tape};

/// Where a dangling link leads.
const NOWHERE: &str = "/adamant/nowhere";

/// What is left in the place of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// A directory without entries.
    NoEntries,
    /// A link that leads nowhere.
    Link,
    /// These bytes, with this mode.
    Bytes(Vec<u8>, u32),
}

/// The paths that have to change, as the image holds them: below no symlink, and none below another.
pub(crate) fn changed(image: &Image, faults: &[Fault]) -> Vec<Fault> {
    let paths: BTreeSet<Fault> = faults
        .iter()
        .filter_map(|fault| {
            let path = physical(image, &fault.path)?;
            Some(Fault {
                path,
                ..fault.clone()
            })
        })
        .collect();
    let below_another = |fault: &Fault| {
        paths.iter().any(|other| {
            fault
                .path
                .strip_prefix(other.path.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    paths
        .iter()
        .filter(|fault| image.entries.contains_key(&fault.path) && !below_another(fault))
        .cloned()
        .collect()
}

/// What a fault leaves; `content` reads a file of the image, by its own path.
pub(crate) fn left(
    image: &Image,
    fault: &Fault,
    content: impl FnOnce(&Entry) -> Result<Vec<u8>, EngineError>,
) -> Result<Left, EngineError> {
    let unfit = |why: &str| {
        let attempt = format!("leave `{}` {}", fault.path, fault.word());
        EngineError::new(ErrorKind::Input, attempt).caused_by(why)
    };
    // A link stands for what it leads to.
    let real = image.resolve(&fault.path);
    let file = || match real {
        Some(entry) if entry.kind == Kind::File => Ok(entry),
        _ => Err(unfit("it is no file")),
    };
    if let Some(text) = &fault.text {
        return Ok(Left::Bytes(text.clone().into_bytes(), file()?.mode));
    }
    Ok(match fault.form {
        FaultForm::Absent => Left::Nothing,
        FaultForm::DanglingLink => Left::Link,
        FaultForm::Empty if real.is_some_and(|entry| entry.kind == Kind::Dir) => Left::NoEntries,
        FaultForm::Empty => Left::Bytes(Vec::new(), file()?.mode),
        FaultForm::NotExecutable => {
            let entry = file()?;
            Left::Bytes(content(entry)?, entry.mode & !0o111)
        }
        FaultForm::Truncated => {
            let entry = file()?;
            let mut bytes = content(entry)?;
            bytes.truncate(bytes.len() / 2);
            Left::Bytes(bytes, entry.mode)
        }
    })
}

/// The index of the derived image.
pub(crate) fn index(base: &Image, left: &[(String, Left)]) -> Image {
    let mut image = merge::without(base, left.iter().map(|(path, _)| path.as_str()));
    for (path, left) in left {
        let like = base.resolve(path).or_else(|| base.entries.get(path));
        let Some(like) = like.cloned() else { continue };
        let entry = match left {
            Left::Nothing => continue,
            Left::NoEntries => Entry {
                path: path.clone(),
                ..like
            },
            Left::Link => Entry {
                path: path.clone(),
                kind: Kind::Symlink,
                mode: 0o777,
                size: 0,
                target: Some(NOWHERE.to_owned()),
                sha256: None,
                ..like
            },
            Left::Bytes(bytes, mode) => Entry {
                path: path.clone(),
                mode: *mode,
                size: bytes.len() as u64,
                target: None,
                sha256: Some(digest::of(bytes)),
                ..like
            },
        };
        image.entries.insert(path.clone(), entry);
    }
    image
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

/// The paths, for people.
pub(crate) fn names(changed: &[(String, Left)]) -> String {
    let paths: Vec<&str> = changed.iter().map(|(path, _)| path.as_str()).collect();
    paths.join(" ")
}

/// A layer that leaves that. The directories on the way come along with their modes: without them a daemon would make its own.
pub(crate) fn layer(image: &Image, changed: &[(String, Left)]) -> Vec<u8> {
    let directories: BTreeSet<&str> = changed
        .iter()
        .flat_map(|(path, _)| ancestors(path))
        .collect();
    let entries: Vec<&Entry> = directories
        .into_iter()
        .filter_map(|path| image.entries.get(path))
        .collect();
    let layer = entries
        .into_iter()
        .fold(tape::Layer::default(), tape::Layer::directory);
    let add = |layer: tape::Layer, (path, left): &(String, Left)| match (left, image.resolve(path))
    {
        (Left::Nothing, _) | (Left::NoEntries | Left::Bytes(..), None) => layer.whiteout(path),
        (Left::Link, _) => layer.symlink(path, NOWHERE),
        (Left::NoEntries, Some(like)) => layer.empty_directory(&Entry {
            path: path.clone(),
            ..like.clone()
        }),
        (Left::Bytes(bytes, mode), Some(like)) => layer.file_like(path, like, *mode, bytes),
    };
    changed.iter().fold(layer, add).finish()
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
        let diff_id = format!("sha256:{}", digest::of(&layer));
        let config = json!({"os": "linux", "architecture": "amd64", "config": {}, "history": [{}], "rootfs": {"diff_ids": [diff_id]}});
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
            .map(|path| Fault::new(*path, FaultForm::Absent))
            .collect()
    }

    #[test]
    fn symlinks_on_the_way_are_followed_and_the_last_is_not() {
        let image = base();
        let hidden = |image: &Image, faults: &[Fault]| -> Vec<String> {
            changed(image, faults).into_iter().map(|f| f.path).collect()
        };
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

    #[test]
    fn each_form_leaves_what_it_says() {
        let image = base();
        let form =
            |path: &str, form| left(&image, &Fault::new(path, form), |_| Ok(b"content".to_vec()));
        let npm = "/usr/bin/npm";
        let seen = form(npm, FaultForm::Truncated).expect("a file");
        assert_eq!(seen, Left::Bytes(b"con".to_vec(), 0o755));
        let seen = form(npm, FaultForm::NotExecutable).expect("a file");
        assert_eq!(seen, Left::Bytes(b"content".to_vec(), 0o644));
        let seen = form(npm, FaultForm::Empty).expect("a file");
        assert_eq!(seen, Left::Bytes(Vec::new(), 0o755));
        assert_eq!(
            form("/usr/bin", FaultForm::Empty).ok(),
            Some(Left::NoEntries)
        );
        assert_eq!(form(npm, FaultForm::DanglingLink).ok(), Some(Left::Link));
        let mut other = Fault::new(npm, FaultForm::Absent);
        other.text = Some("other".into());
        let seen = left(&image, &other, |_| Ok(Vec::new())).expect("a file");
        assert_eq!(seen, Left::Bytes(b"other".to_vec(), 0o755));
        assert!(form("/usr/bin", FaultForm::Truncated).is_err());

        let index = index(
            &image,
            &[(npm.to_owned(), Left::Bytes(b"con".to_vec(), 0o755))],
        );
        assert_eq!(index.entries[npm].size, 3);
        assert_ne!(index.entries[npm].sha256, image.entries[npm].sha256);
    }
}
