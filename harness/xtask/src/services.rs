//! Static executables of this repository: built by cargo alone, and the same bytes wherever the checkout lies.

use crate::busybox;
use crate::digest::Inputs;
use crate::failure::Failure;
use crate::recipe::Binary;
use crate::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What plays the roles inside fixture images.
pub(crate) fn binary() -> Binary {
    Binary {
        package: "fixture-services".to_owned(),
        sources: "fixtures/services".to_owned(),
        bin: "fixture-services".to_owned(),
        features: Vec::new(),
    }
}

/// A digest of all that decides an executable.
pub(crate) fn inputs(root: &Path, binary: &Binary) -> Result<String, Failure> {
    let mut inputs = Inputs::default();
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        inputs.add(fs_err::read(root.join(file))?);
    }
    for file in files(&root.join(&binary.sources))? {
        inputs.add(
            file.strip_prefix(root)
                .unwrap_or(&file)
                .as_os_str()
                .as_encoded_bytes(),
        );
        inputs.add(fs_err::read(&file)?);
    }
    Ok(inputs.finish())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn build(root: &Path, wanted: &Binary) -> Result<Vec<u8>, Failure> {
    let Binary {
        package,
        bin,
        features,
        ..
    } = wanted;
    say(&format!("building {bin}"));
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target_dir = root.join("target/fixtures");
    let status = Command::new("cargo")
        .args([
            "build",
            "--locked",
            "--quiet",
            "--release",
            "--no-default-features",
        ])
        .args(["--package", package, "--bin", bin])
        .args(["--features", &features.join(",")])
        // Without an explicit target the flags would reach build scripts and proc macros, which cannot be static.
        .args(["--target", &target])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root).join("\x1f"))
        .current_dir(root)
        .status()
        .map_err(|e| Failure::host(format!("cannot start `cargo`: {e}")))?;
    if !status.success() {
        let failure = Failure::host(format!("`{bin}` does not build: cargo ended with {status}"));
        return Err(failure
            .with_hint("a static link needs the C library's archive, which comes with `g++`"));
    }
    let binary = fs_err::read(target_dir.join(target).join("release").join(bin))?;
    if !busybox::is_static(&binary) {
        return Err(Failure::host(format!("`{bin}` did not become static")));
    }
    Ok(binary)
}

/// Where the sources and the registry lie on this host must not show in the binary.
fn flags(root: &Path) -> Vec<String> {
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    flags.push(format!("--remap-path-prefix={}=/adamant", root.display()));
    if let Some(home) = cargo_home() {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    flags
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask depends on none of our packages; these two are cargo's own variables"
)]
fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}
