//! The store from outside: what is in it, who may take it away, and what a lying archive leaves behind: nothing.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use adamant_core::run::Cancel;
use serde_json::json;

use super::*;
use crate::image::tape;

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60), &Cancel::default())
}

/// A store of its own, and a directory for what is read.
struct Bench {
    dir: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::at(&dir.path().join("store")).expect("opens");
        Self { dir, store }
    }

    /// An archive of one layer.
    fn archive(&self, layer: &[u8], diff_id: &str) -> ImageSource {
        let config = json!({
            "os": "linux", "architecture": "amd64", "rootfs": { "diff_ids": [diff_id] },
        });
        let manifest = json!([{ "Config": "c.json", "RepoTags": null, "Layers": ["l/layer.tar"] }]);
        let archive = tape::Layer::default()
            .file("manifest.json", 0o644, manifest.to_string().as_bytes())
            .file("c.json", 0o644, config.to_string().as_bytes())
            .file("l/layer.tar", 0o644, layer)
            .finish();
        let file = self.dir.path().join("image.tar");
        fs::write(&file, archive).expect("writes");
        ImageSource::Archive(file)
    }

    fn read(&self, source: &ImageSource) -> Result<Package, EngineError> {
        let found = self.store.image(source, "linux/amd64", false, &deadline());
        found.map(|package| package.expect("no reference"))
    }

    fn files(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.store.root.join(dir)).expect("reads");
        let name = |e: io::Result<fs::DirEntry>| e.expect("reads").file_name();
        entries
            .map(|e| name(e).to_string_lossy().into_owned())
            .collect()
    }
}

fn told(error: &EngineError) -> String {
    adamant_core::report::text::causes(error).join(": ")
}

fn id(layer: &[u8]) -> String {
    format!("sha256:{}", digest::of(layer))
}

#[test]
fn a_layer_is_unpacked_once_whoever_asks() {
    let bench = Bench::new();
    let layer = tape::Layer::default()
        .file("bin/tool", 0o4755, b"tool")
        .finish();
    let package = bench
        .read(&bench.archive(&layer, &id(&layer)))
        .expect("reads");
    let other = Store::at(&bench.store.root).expect("opens");
    // Two stores are two processes: neither sees the other's lock in memory.
    let places: Vec<PathBuf> = std::thread::scope(|scope| {
        let layer = &package.layers[0];
        let asked: Vec<_> = (0..8)
            .map(|n| if n % 2 == 0 { &bench.store } else { &other })
            .map(|store| scope.spawn(move || store.layer(layer).expect("unpacks")))
            .collect();
        let places = asked.into_iter().map(|one| one.join().expect("ends"));
        places.collect()
    });
    assert!(places.windows(2).all(|pair| pair[0] == pair[1]));
    let tool = fs::metadata(places[0].join("bin/tool")).expect("there");
    assert_eq!(tool.mode() & 0o7777, 0o4755);
    assert!(bench.files("tmp").is_empty(), "{:?}", bench.files("tmp"));
    // Nobody but its owner reaches a setuid file through it.
    let root = fs::metadata(&bench.store.root).expect("there");
    assert_eq!(root.mode() & 0o777, 0o700);
}

#[test]
fn what_is_hostile_is_refused_and_leaves_nothing() {
    use tar::EntryType;
    let new = tape::Layer::default;
    let cases = [
        (new().raw("../../x", EntryType::Regular, ""), "`..`"),
        (new().raw("/etc/x", EntryType::Regular, ""), "absolute"),
        (new().device("sda", EntryType::Block, 8, 0), "device"),
        (new().declared("big", 1 << 55), "bytes"),
        (new().file("a", 0o644, b"1").file("a", 0o644, b"2"), "twice"),
        (new().link("a", "b"), "hard link"),
        (new().file(&"d/".repeat(300), 0o644, b""), "more than 256"),
    ];
    for (layer, why) in cases {
        let bench = Bench::new();
        let layer = layer.finish();
        let error = bench.read(&bench.archive(&layer, &id(&layer)));
        let error = error
            .err()
            .unwrap_or_else(|| panic!("{why} is not refused"));
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(told(&error).contains(why), "{why}: {}", told(&error));
        // The same again where the index was not asked: unpacking stands alone.
        let file = LayerFile {
            diff_id: id(&layer),
            path: bench.dir.path().join("layer.tar"),
            offset: 0,
            size: layer.len() as u64,
        };
        fs::write(&file.path, &layer).expect("writes");
        assert!(told(&bench.store.layer(&file).expect_err("refused")).contains(why));
        assert!(bench.files("tmp").is_empty() && bench.files("layers/sha256").is_empty());
    }
}

#[test]
fn a_layer_that_is_not_what_it_says_is_refused() {
    let bench = Bench::new();
    let layer = tape::Layer::default().file("a", 0o644, b"a").finish();
    let wrong = id(b"other");
    let error = bench
        .read(&bench.archive(&layer, &wrong))
        .expect_err("refused");
    assert!(
        told(&error).contains("the configuration says"),
        "{}",
        told(&error)
    );
    let file = LayerFile {
        diff_id: wrong,
        path: bench.dir.path().join("layer.tar"),
        offset: 0,
        size: layer.len() as u64,
    };
    fs::write(&file.path, &layer).expect("writes");
    assert!(told(&bench.store.layer(&file).expect_err("refused")).contains("unpacks to"));
    assert!(bench.files("tmp").is_empty() && bench.files("layers/sha256").is_empty());
}

#[test]
fn a_directory_is_an_image_and_the_same_one_each_time() {
    let bench = Bench::new();
    let dir = bench.dir.path().join("tree");
    fs::create_dir_all(dir.join("bin")).expect("made");
    fs::write(dir.join("bin/tool"), b"tool").expect("written");
    fs::hard_link(dir.join("bin/tool"), dir.join("bin/same")).expect("linked");
    std::os::unix::fs::symlink("bin", dir.join("sbin")).expect("linked");
    let source = ImageSource::Rootfs(dir.clone());
    let (first, again) = (bench.read(&source), bench.read(&source));
    let (first, again) = (first.expect("reads"), again.expect("reads"));
    assert_eq!(first.image().id, again.image().id);
    let paths: Vec<&str> = first.image().entries.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/bin", "/bin/same", "/bin/tool", "/sbin"]);
    let unpacked = bench.store.layer(&first.layers[0]).expect("unpacks");
    let inode = |name: &str| fs::metadata(unpacked.join(name)).expect("there").ino();
    assert_eq!(inode("bin/tool"), inode("bin/same"));
    fs::write(dir.join("bin/.wh.x"), b"").expect("written");
    assert!(told(&bench.read(&source).expect_err("refused")).contains("whiteout"));
    let root = ImageSource::Rootfs("/".into());
    assert!(told(&bench.read(&root).expect_err("refused")).contains("this host"));
}

#[test]
fn gc_takes_what_is_old_and_unfinished_and_waits_for_nobody() {
    let bench = Bench::new();
    let root = bench.store.root.clone();
    let old = root.join("blobs/sha256/old");
    fs::write(&old, b"x").expect("written");
    let long_ago = SystemTime::now() - Duration::from_secs(40 * 86_400);
    let file = std::fs::File::options().write(true).open(&old);
    file.and_then(|file| file.set_modified(long_ago))
        .expect("set");
    fs::write(root.join("blobs/sha256/new"), b"x").expect("written");
    fs::create_dir_all(root.join("tmp/half/fs")).expect("made");
    // A live run uses it.
    assert_eq!(gc::collect(&root, true).expect("looks"), None);
    drop(bench.store);
    let removed = gc::collect(&root, false).expect("clears").expect("free");
    assert_eq!(removed, ["blob old", "unfinished half"]);
    let removed = gc::collect(&root, true).expect("clears").expect("free");
    assert_eq!(removed, ["blob new"]);
}

mod registry;
