//! Every file of an image's layers put into one spool, for those who must read what the index only names.

use std::io::{Cursor, Read};

use adamant_core::engine::{Contents, Spool};
use adamant_core::report::text;
use adamant_probe::Kind;
use tar::EntryType;

use super::archive::looks_like_layer;
use super::digest::Hashing;
use super::ledger::{Limits, Step, kind};
use super::package::LayerFile;
use super::{ImageError, layer, packed};

/// An empty spool, in a file that goes with it.
fn empty() -> Result<Spool, ImageError> {
    let file = tempfile::tempfile().map_err(ImageError::read("a temporary file"))?;
    Ok(Spool::new(file))
}

/// From what `docker save` writes.
pub(crate) fn archive(reader: impl Read) -> Result<Spool, ImageError> {
    let name = "the image archive";
    let mut spool = empty()?;
    let mut archive = tar::Archive::new(packed::plain(name, reader)?);
    for entry in archive.entries().map_err(ImageError::read(name))? {
        let mut entry = entry.map_err(ImageError::read(name))?;
        if !matches!(
            entry.header().entry_type(),
            EntryType::Regular | EntryType::Continuous
        ) {
            continue;
        }
        let mut head = Vec::with_capacity(512);
        (&mut entry)
            .take(512)
            .read_to_end(&mut head)
            .map_err(ImageError::read(name))?;
        let is_layer = entry.path_bytes().ends_with(b"/layer.tar") || looks_like_layer(&head);
        if is_layer {
            layer_files(name, Cursor::new(head).chain(entry), &mut spool)?;
        }
    }
    Ok(spool)
}

/// From layers, from the bottom, each still what it was when it was indexed.
pub(crate) fn layers(layers: &[LayerFile]) -> Result<Spool, ImageError> {
    let mut spool = empty()?;
    for layer in layers {
        let name = layer.diff_id();
        let bytes = layer.open().map_err(ImageError::read(name))?;
        let found = layer_files(name, bytes, &mut spool)?;
        if found != name {
            let why = format!("has changed since it was indexed: it is `{found}` now");
            return Err(ImageError::invalid(name, why));
        }
    }
    Ok(spool)
}

/// The contents that `fill` reads on demand.
pub(crate) fn contents(
    fill: impl Fn() -> Result<Spool, ImageError> + Send + Sync + 'static,
) -> Contents {
    Contents::lazily(move || fill().map_err(|error| text::causes(&error).join(": ")))
}

/// Every regular file of one layer; answers the layer's digest.
fn layer_files(name: &str, reader: impl Read, spool: &mut Spool) -> Result<String, ImageError> {
    layer::walk(name, reader, Limits::default(), |step, entry| {
        let is_file = kind(entry.header().entry_type()) == Some(Kind::File);
        if !is_file || !matches!(step, Step::Add(_)) {
            return Ok(());
        }
        spool
            .take(Hashing::new(entry), |hashing| Ok(hashing.finish()?.0))
            .map_err(ImageError::read(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{digest, tape};
    use std::io::Write as _;

    #[test]
    fn every_file_of_every_layer_can_be_read_again() {
        let large = vec![7_u8; 700_000];
        let one = tape::Layer::default()
            .file("a", 0o644, b"small")
            .file("b", 0o755, &large)
            .finish();
        let two = tape::Layer::default().file("c", 0o644, b"other").finish();
        let whole = tape::Layer::default()
            .file("x/layer.tar", 0o644, &one)
            .file("y/layer.tar", 0o644, &two)
            .file("manifest.json", 0o644, b"[]")
            .finish();
        let contents = contents(move || archive(whole.as_slice()));
        let entry = |bytes: &[u8]| adamant_probe::Entry {
            path: "/x".into(),
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: bytes.len() as u64,
            target: None,
            sha256: Some(digest::of(bytes)),
        };
        for bytes in [b"small".as_slice(), &large, b"other"] {
            let read = contents.read(&entry(bytes), 0, u64::MAX);
            assert_eq!(read.expect("reads"), bytes);
        }
        assert!(contents.read(&entry(b"[]"), 0, 1).is_err());
    }

    #[test]
    fn a_layer_that_has_changed_since_is_not_read() {
        let layer = |text: &[u8]| tape::Layer::default().file("a", 0o644, text).finish();
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let first = layer(b"first");
        file.write_all(&first).expect("writes");
        let of = LayerFile {
            diff_id: format!("sha256:{}", digest::of(&first)),
            path: file.path().to_owned(),
            offset: 0,
            size: first.len() as u64,
        };
        layers(std::slice::from_ref(&of)).expect("reads");
        fs_err::write(file.path(), layer(b"other")).expect("writes");
        let error = layers(&[of]).expect_err("refused");
        assert!(error.to_string().contains("has changed"), "{error}");
    }
}
