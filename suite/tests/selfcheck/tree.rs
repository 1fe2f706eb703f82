//! The checkout as the tests see it: tracked-or-new files, by suffix.

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("suite/ is below the root")
        .to_owned()
}

/// Every file of the checkout that is ours, relative to the root, in order.
pub(super) fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(&root(), &mut files);
    files.sort();
    files
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the checkout can be read") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let built = matches!(name.as_str(), "target" | ".git" | "runs" | "junit")
            || (name == "image" && path.join("oci-layout").is_file());
        if path.is_symlink() || built {
            continue;
        }
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(
                path.strip_prefix(root())
                    .expect("below the root")
                    .to_owned(),
            );
        }
    }
}

/// The text of a file.
pub(super) fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).expect("a file that was listed can be read")
}

/// Compares a committed file with what it must be, or writes it when `ADAMANT_BLESS` is set.
pub(super) fn assert_current(path: &str, wanted: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of this test alone, not of the product"
    )]
    let bless = std::env::var_os("ADAMANT_BLESS").is_some();
    if bless {
        std::fs::write(root().join(path), wanted).expect("the file can be written");
    }
    let seen = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    assert!(
        seen == wanted,
        "{path} is not current; write it with `ADAMANT_BLESS=1 cargo test -p adamant --test selfcheck`"
    );
}
