//! Builds the probe as a static executable, for `src/probe.rs` to embed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    for input in [
        "harness/probe/src",
        "harness/probe/Cargo.toml",
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
    build(&workspace, &target, &out.join("static"))?;
    fs::copy(
        out.join("static")
            .join(target)
            .join("release/adamant-probe"),
        out.join("adamant-probe"),
    )?;
    Ok(())
}

/// A cargo of its own, with a target directory of its own: the outer one holds the lock of ours.
fn build(workspace: &Path, target: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in env::vars_os() {
        // What the outer cargo, or clippy, says about the outer build is not true of this one.
        let text = name.to_string_lossy();
        let outer =
            text.starts_with("CARGO_") && text != "CARGO_HOME" && !text.starts_with("CARGO_NET_");
        if outer || text.starts_with("CLIPPY_") || RUSTC_VARIABLES.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .current_dir(workspace)
        .args([
            "build",
            "--locked",
            "--release",
            "--quiet",
            "--package",
            "adamant-probe",
            "--bin",
            "adamant-probe",
        ])
        .args(["--target", target, "--target-dir"])
        .arg(directory)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .status()?;
    if !status.success() {
        return Err(format!("failed to build the static `adamant-probe` for `{target}`").into());
    }
    Ok(())
}

const RUSTC_VARIABLES: [&str; 9] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "TARGET",
    "HOST",
    "PROFILE",
];

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo speaks to a build script by its environment"
    )]
    env::var(name).map_err(|error| format!("`{name}`: {error}").into())
}
