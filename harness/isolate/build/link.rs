//! Links this package's tests and benches against Debian's libnode, when `cargo xtask v8` provisioned that.

use std::path::Path;

/// Says to cargo how to link; nothing where the crate brings its own archive.
pub(crate) fn link() {
    println!("cargo:rerun-if-env-changed=ADAMANT_V8_LINK_ARGS");
    println!("cargo:rerun-if-env-changed=RUSTY_V8_ARCHIVE");
    let Some(args) = args() else {
        return;
    };
    for arg in args.lines() {
        println!("cargo:rustc-link-arg={arg}");
    }
    // A package with a program on top of this one must say the same: its build script reads DEP_ADAMANT_V8_LINK_ARGS.
    let joined = args.lines().collect::<Vec<_>>().join("\x1f");
    println!("cargo:link_args={joined}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo hands a build script its inputs by environment"
)]
fn args() -> Option<String> {
    let file = std::env::var("ADAMANT_V8_LINK_ARGS").ok()?;
    let archive = std::env::var("RUSTY_V8_ARCHIVE").ok()?;
    // An archive that the user named instead of ours has all of V8 in it.
    if Path::new(&archive).parent() != Path::new(&file).parent() {
        return None;
    }
    println!("cargo:rerun-if-changed={file}");
    match std::fs::read_to_string(&file) {
        Ok(args) => Some(args),
        Err(error) => {
            println!("cargo:warning=`{file}`: {error}; `cargo xtask v8` makes it anew");
            None
        }
    }
}
