//! Writes the table of our JavaScript builtins, so that a new file under `js/` is a builtin without being listed anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a file is the body of, on its own first line, so that the numbers of lines stay.
const HEAD: &str = "(function (exports, require, module, native, primordials) {";
const TAIL: &str = "\n})";

/// Writes `builtins.rs` into `out`: `&[(id, source)]`, sorted by id.
pub(crate) fn embed(root: &Path, out: &Path) -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(root, &mut files)?;
    let mut builtins: Vec<(String, PathBuf)> = files
        .into_iter()
        .filter_map(|file| {
            let id = file.strip_prefix(root).ok()?.with_extension("");
            Some((id.to_string_lossy().into_owned(), file))
        })
        .collect();
    // By id, as it is looked up: paths sort otherwise (`util/types.js` before `util.js`).
    builtins.sort();
    let mut table = String::from("&[\n");
    for (id, file) in builtins {
        println!("cargo:rerun-if-changed={}", file.display());
        let _infallible = writeln!(
            table,
            "({id:?}, concat!({HEAD:?}, include_str!({file:?}), {TAIL:?})),"
        );
    }
    table.push_str("]\n");
    fs_write(&out.join("builtins.rs"), &table)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={}", directory.display());
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "js") {
            files.push(path);
        }
    }
    Ok(())
}

fn fs_write(path: &Path, text: &str) -> std::io::Result<()> {
    // Unchanged text keeps its time stamp: the crate is not compiled again for it.
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text)
}
