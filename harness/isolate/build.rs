//! Tells cargo how to link V8, and embeds our JavaScript builtins.

#[path = "build/builtins.rs"]
mod builtins;
#[path = "build/link.rs"]
mod link;

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    link::link();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    builtins::embed(&root.join("js"), Path::new(&out_dir()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo hands a build script its inputs by environment"
)]
fn out_dir() -> std::ffi::OsString {
    std::env::var_os("OUT_DIR").unwrap_or_default()
}
