//! Lists the standard contract's cases and the module cases with their packages for `include_str!`, so that the binary judges any image without a checkout, and says
//! how `adamant-isolate` is linked to V8.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    link_v8();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.retain(|file| file.extension().is_some_and(|e| e == "yaml"));
    // Module cases have a form of their own.
    let is_module = |file: &PathBuf| file.starts_with(root.join("module"));
    let (modules, containers): (Vec<_>, Vec<_>) = files.into_iter().partition(is_module);
    list("cases.rs", &root, containers, "include_str");
    list("module-cases.rs", &root, modules, "include_str");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/packages");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    walk(&root, &mut files);
    list("packages.rs", &root, files, "include_bytes");
}

/// Writes the files as a slice of their paths below `root` and their contents.
fn list(name: &str, root: &Path, mut files: Vec<PathBuf>, include: &str) {
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let below = file
            .strip_prefix(root)
            .expect("the file is below the root")
            .display();
        writeln!(
            list,
            "    ({:?}, {include}!({:?})),",
            below.to_string(),
            file.display().to_string()
        )
        .expect("a string takes every line");
    }
    list.push_str("]\n");
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo tells a build script where to write by this variable"
    )]
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(Path::new(&out).join(name), list).expect("OUT_DIR can be written");
}

/// Only `adamant-isolate` gets V8: `adamant` must start where no V8 is.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo hands on what a package below says by this variable"
)]
fn link_v8() {
    // Unset without the feature, and where the crate brings an archive with all of V8 in it.
    let args = std::env::var("DEP_ADAMANT_V8_LINK_ARGS").unwrap_or_default();
    for arg in args.split('\x1f').filter(|arg| !arg.is_empty()) {
        println!("cargo::rustc-link-arg-bin=adamant-isolate={arg}");
    }
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
