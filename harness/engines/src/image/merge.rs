//! Flattens layers into what a container sees.

use std::collections::BTreeMap;
use std::ops::Bound;

use adamant_core::engine::{Image, LayerFile};
use adamant_probe::{Entry, Kind};

use super::ImageError;
use super::layer::Item;

/// Lays `layers` over each other, from the bottom, into `image`.
pub(crate) fn merge<'l>(
    image: &mut Image,
    layers: impl IntoIterator<Item = &'l [Item]>,
) -> Result<(), ImageError> {
    for (number, items) in layers.into_iter().enumerate() {
        // What a layer hides is below it, wherever in its archive it says so.
        for item in items {
            match item {
                Item::Hide(path) => remove(image, path),
                Item::Empty(path) => remove_below(image, path),
                Item::Add(..) | Item::Link { .. } => {}
            }
        }
        let mut own: BTreeMap<&str, (&Entry, Option<&Vec<u8>>)> = BTreeMap::new();
        for item in items {
            if let Item::Add(entry, text) = item {
                own.insert(&entry.path, (entry, text.as_ref()));
                add(image, number, entry.clone(), text.as_ref());
            }
        }
        for item in items {
            let Item::Link { path, target } = item else {
                continue;
            };
            let (entry, text) = linked(items, &own, target).ok_or_else(|| {
                ImageError::invalid(
                    path,
                    format!("is a hard link to `{target}`, which the layer does not hold"),
                )
            })?;
            add(
                image,
                number,
                Entry {
                    path: path.clone(),
                    ..entry.clone()
                },
                text,
            );
        }
    }
    Ok(())
}

/// A link may name another link.
fn linked<'a>(
    items: &[Item],
    own: &BTreeMap<&str, (&'a Entry, Option<&'a Vec<u8>>)>,
    target: &str,
) -> Option<(&'a Entry, Option<&'a Vec<u8>>)> {
    let mut target = target;
    for _ in 0..40 {
        if let Some(found) = own.get(target) {
            return Some(*found);
        }
        target = items.iter().find_map(|item| match item {
            Item::Link { path, target: next } if path == target => Some(next.as_str()),
            _ => None,
        })?;
    }
    None
}

fn add(image: &mut Image, layer: usize, entry: Entry, text: Option<&Vec<u8>>) {
    if let Some(sha256) = &entry.sha256 {
        image.layer_files.push(LayerFile {
            layer,
            path: entry.path.clone(),
            sha256: sha256.clone(),
        });
    }
    parents(image, &entry.path);
    if entry.kind != Kind::Dir {
        remove_below(image, &entry.path);
    }
    match text {
        Some(text) => image.texts.insert(entry.path.clone(), text.clone()),
        None => image.texts.remove(&entry.path),
    };
    image.entries.insert(entry.path.clone(), entry);
}

/// Directories that no layer mentions exist all the same.
fn parents(image: &mut Image, path: &str) {
    let mut path = path;
    while let Some((parent, _)) = path.rsplit_once('/')
        && !parent.is_empty()
    {
        if image
            .entries
            .get(parent)
            .is_none_or(|e| e.kind != Kind::Dir)
        {
            image.texts.remove(parent);
            image.entries.insert(parent.to_owned(), directory(parent));
        }
        path = parent;
    }
}

fn directory(path: &str) -> Entry {
    Entry::new(path, Kind::Dir, 0o755)
}

fn remove(image: &mut Image, path: &str) {
    image.entries.remove(path);
    image.texts.remove(path);
    remove_below(image, path);
}

fn remove_below(image: &mut Image, path: &str) {
    let prefix = format!("{path}/");
    for hidden in below(&image.entries, &prefix) {
        image.entries.remove(&hidden);
        image.texts.remove(&hidden);
    }
}

fn below(entries: &BTreeMap<String, Entry>, prefix: &str) -> Vec<String> {
    let from = (Bound::Included(prefix), Bound::Unbounded);
    entries
        .range::<str, _>(from)
        .map(|(path, _)| path)
        .take_while(|p| p.starts_with(prefix))
        .cloned()
        .collect()
}

/// `image` as it is with `paths` and all below them taken away.
pub(crate) fn without<'p>(image: &Image, paths: impl IntoIterator<Item = &'p str>) -> Image {
    let mut image = image.clone();
    for path in paths {
        remove(&mut image, path);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::layer::{Budget, read};
    use crate::image::tape;

    fn merged(layers: &[Vec<u8>]) -> Result<Image, ImageError> {
        let mut budget = Budget::default();
        let items: Vec<Vec<Item>> = layers
            .iter()
            .map(|l| {
                read("layer", l.as_slice(), &mut budget)
                    .expect("reads")
                    .items
            })
            .collect();
        let mut image = Image::default();
        merge(&mut image, items.iter().map(Vec::as_slice))?;
        Ok(image)
    }

    #[test]
    fn a_whiteout_hides_what_is_below_and_nothing_of_its_own_layer() {
        let bottom = tape::Layer::default()
            .file("a/x", 0o644, b"1")
            .file("a/y", 0o644, b"2")
            .file("b/z/deep", 0o600, b"3")
            .finish();
        // The whiteouts stand behind what they must not hide.
        let top = tape::Layer::default()
            .file("a/new", 0o644, b"4")
            .file("a/.wh..wh..opq", 0, b"")
            .file("b/.wh.z", 0, b"")
            .finish();
        let image = merged(&[bottom, top]).expect("merges");
        let paths: Vec<&str> = image.entries.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/a", "/a/new", "/b"]);
        assert_eq!(image.layer_files.len(), 4);
        assert!(!image.texts.contains_key("/a/x"));
    }

    #[test]
    fn a_hard_link_shares_content_through_other_links_in_any_order() {
        let layer = tape::Layer::default()
            .link("c", "b")
            .file("a", 0o755, b"tool")
            .link("b", "a")
            .finish();
        let image = merged(&[layer]).expect("merges");
        assert_eq!(image.entries["/c"].sha256, image.entries["/a"].sha256);
        assert_eq!(image.texts["/c"], b"tool");
        let dangling = tape::Layer::default().link("c", "b").finish();
        assert!(
            merged(&[dangling])
                .expect_err("refused")
                .to_string()
                .contains("hard link")
        );
    }

    #[test]
    fn a_file_replaces_a_directory_and_a_directory_a_file() {
        let bottom = tape::Layer::default()
            .file("a/x", 0o644, b"1")
            .file("b", 0o644, b"2")
            .finish();
        let top = tape::Layer::default()
            .file("a", 0o644, b"3")
            .file("b/y", 0o644, b"4")
            .finish();
        let image = merged(&[bottom, top]).expect("merges");
        let paths: Vec<(&str, Kind)> = image
            .entries
            .iter()
            .map(|(p, e)| (p.as_str(), e.kind))
            .collect();
        assert_eq!(
            paths,
            [("/a", Kind::File), ("/b", Kind::Dir), ("/b/y", Kind::File)]
        );
    }
}
