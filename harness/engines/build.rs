//! Builds the probe and the shim as static executables, for `src/embedded.rs` to embed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Packages, each with an executable of its name.
const EMBEDDED: [&str; 2] = ["adamant-probe", "adamant-shim"];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    for input in [
        "harness/probe/src",
        "harness/probe/Cargo.toml",
        "harness/shim/src",
        "harness/shim/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    let target = format!("{}-unknown-linux-gnu", variable("CARGO_CFG_TARGET_ARCH")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    // Beside the outer profiles: every kind of outer build (checks, tests, another profile) has an `OUT_DIR` of its own,
    // and each would compile some hundred packages again.
    let own = out.ancestors().nth(4).unwrap_or(&out).join("static");
    build(&workspace, &target, &own)?;
    let built = own.join(target).join("release");
    for name in EMBEDDED {
        let binary = fs::read(built.join(name))?;
        fs::write(out.join(name), &binary)?;
        let variable = name.to_uppercase().replace('-', "_");
        println!("cargo::rustc-env={variable}_KEY={}", key(&binary));
    }
    Ok(())
}

/// Tells one build from another in a cache, where its bytes are compared all the same.
fn key(binary: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(binary);
    format!("{:016x}-{}", hasher.finish(), binary.len())
}

/// A cargo of its own, with a target directory of its own: the outer one holds the lock of ours.
fn build(workspace: &Path, target: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in env::vars_os() {
        if is_outer(&name.to_string_lossy()) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--release", "--quiet"])
        .args(
            EMBEDDED
                .iter()
                .flat_map(|name| ["--package", *name, "--bin", *name]),
        )
        .args(["--target", target, "--target-dir"])
        .arg(directory)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .status()?;
    if !status.success() {
        return Err(format!("failed to build the static executables for `{target}`").into());
    }
    Ok(())
}

/// What the outer cargo, or clippy, says about the outer build is not true of this one.
///
/// What says where packages come from, and what links for another machine, is.
fn is_outer(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "CARGO_BUILD_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CLIPPY_",
        "DEP_",
    ];
    const NAMES: [&str; 14] = [
        "CARGO",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "HOST",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
        "TARGET",
    ];
    let outer = BEGINNINGS
        .iter()
        .any(|beginning| name.starts_with(beginning));
    (outer && !name.ends_with("_LINKER")) || NAMES.contains(&name)
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo speaks to a build script by its environment"
    )]
    env::var(name).map_err(|error| format!("`{name}`: {error}").into())
}
