//! Resolution of hostile packages ends, soon and with an answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adamant_modules::{DirEntry, MemoryTree, Metadata, Options, Resolved, Resolver, Tree};

fn resolver(tree: MemoryTree) -> Resolver {
    Resolver::new(
        Arc::new(tree),
        Options {
            builtins: &["fs"],
            ..Options::default()
        },
    )
}

fn soon<T>(what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = what();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "took {took:?}");
    answer
}

#[test]
fn a_hundred_thousand_patterns_are_searched_soon() {
    let mut exports = String::from(r#"{"exports":{"#);
    for number in 0..100_000 {
        write!(exports, r#""./p{number}/*":"./x{number}/*.js","#).expect("a string grows");
    }
    exports.push_str(r#""./last/*.js":"./*.js"}}"#);
    let tree = MemoryTree::new()
        .file("/node_modules/p/package.json", exports)
        .file("/node_modules/p/a.js", "");
    let resolver = resolver(tree);
    soon(|| {
        for number in 0..20 {
            let error = resolver
                .import(&format!("p/none{number}"), "file:///i.mjs")
                .unwrap_err();
            assert_eq!(error.code, Some("ERR_PACKAGE_PATH_NOT_EXPORTED"));
        }
        assert!(resolver.import("p/last/a.js", "file:///i.mjs").is_ok());
    });
}

#[test]
fn nested_conditions_end() {
    for depth in [100, 100_000] {
        let json = format!(
            "{{\"exports\":{}\"./a.js\"{}}}",
            r#"{"node":"#.repeat(depth),
            "}".repeat(depth)
        );
        let tree = MemoryTree::new()
            .file("/node_modules/p/package.json", json)
            .file("/node_modules/p/a.js", "");
        let found = soon(|| resolver(tree).import("p", "file:///i.mjs"));
        assert_eq!(found.is_ok(), depth == 100, "{depth}: {found:?}");
    }
    let json = format!(
        "{{\"exports\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let tree = MemoryTree::new().file("/node_modules/p/package.json", json);
    assert!(soon(|| resolver(tree).import("p", "file:///i.mjs")).is_err());
}

#[test]
fn a_huge_package_json_is_read_once() {
    let json = format!(r#"{{"junk":"{}","main":"a.js"}}"#, "x".repeat(8 << 20));
    let tree = MemoryTree::new()
        .file("/node_modules/p/package.json", json)
        .file("/node_modules/p/a.js", "");
    let resolver = resolver(tree);
    soon(|| {
        for number in 0..100 {
            assert!(resolver.require("p", &format!("/{number}.js")).is_ok());
        }
    });
}

#[test]
fn imports_in_circles_end() {
    let tree = MemoryTree::new()
        .file(
            "/package.json",
            r##"{"name":"app","exports":{"./x":"./x.js"},"imports":{"#a":"#a","#b":"app/y","#c":["#c","app/x"],"#d":"app/x"}}"##,
        )
        .file("/x.js", "");
    let resolver = resolver(tree);
    for (specifier, found) in [("#a", false), ("#b", false), ("#c", false), ("#d", true)] {
        let answer = soon(|| resolver.import(specifier, "file:///i.mjs"));
        assert_eq!(answer.is_ok(), found, "{specifier}: {answer:?}");
    }
}

#[test]
fn deep_directories_end() {
    let deep = "/d".repeat(2000);
    let resolver = resolver(
        MemoryTree::new()
            .file("/node_modules/p/index.js", "")
            .file(&format!("{deep}/x.js"), ""),
    );
    let found = soon(|| resolver.import("p", &format!("file://{deep}/x.js")));
    assert!(matches!(found, Ok(Resolved::File { path, .. }) if path == "/node_modules/p/index.js"));
    assert!(soon(|| resolver.require("q", &format!("{deep}/x.js"))).is_err());
}

/// Counts what is asked of the tree below.
#[derive(Debug)]
struct Counted(MemoryTree, AtomicUsize);

impl Counted {
    fn tree(&self) -> &MemoryTree {
        self.1.fetch_add(1, Ordering::Relaxed);
        &self.0
    }
}

impl Tree for Counted {
    fn metadata(&self, path: &str) -> std::io::Result<Metadata> {
        self.tree().metadata(path)
    }
    fn symlink_metadata(&self, path: &str) -> std::io::Result<Metadata> {
        self.tree().symlink_metadata(path)
    }
    fn read(&self, path: &str) -> std::io::Result<Arc<[u8]>> {
        self.tree().read(path)
    }
    fn read_at(&self, path: &str, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
        self.tree().read_at(path, offset, len)
    }
    fn read_dir(&self, path: &str) -> std::io::Result<Vec<DirEntry>> {
        self.tree().read_dir(path)
    }
    fn read_link(&self, path: &str) -> std::io::Result<String> {
        self.tree().read_link(path)
    }
    fn real_path(&self, path: &str) -> std::io::Result<String> {
        self.tree().real_path(path)
    }
}

#[test]
fn answers_are_remembered_also_the_negative_ones() {
    let tree = MemoryTree::new()
        .file("/a.js", "")
        .file("/node_modules/p/index.js", "");
    let tree = Arc::new(Counted(tree, AtomicUsize::new(0)));
    let resolver = Resolver::new(Arc::clone(&tree) as Arc<dyn Tree>, Options::default());
    let ask = || {
        for specifier in ["./a.js", "p", "./missing.js", "nope", "#x", "./a"] {
            let _ = resolver.import(specifier, "file:///i.mjs");
            let _ = resolver.require(specifier, "/i.js");
        }
        tree.1.load(Ordering::Relaxed)
    };
    let first = ask();
    assert!(first > 0, "the tree was asked");
    assert_eq!(ask(), first, "the tree is asked once");
}
