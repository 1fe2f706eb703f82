//! The crate's C++ binding, compiled against Node's headers and proven to start the engine.

use super::{Platform, run};
use crate::digest::Inputs;
use crate::failure::Failure;
use std::path::Path;
use std::process::Command;

const COMPILER: &str = "g++";
/// What of the crate's includes no Debian package has, with the reason in each file.
const SHIM: &str = "harness/xtask/v8/shim";
const SHIM_HEADERS: [&str; 3] = [
    include_str!("../../v8/shim/unicode/locid.h"),
    include_str!("../../v8/shim/v8/src/flags/flags.h"),
    include_str!("../../v8/shim/v8/src/libplatform/default-platform.h"),
];
const FLAGS: [&str; 6] = [
    "-std=c++20",
    "-O1",
    "-fno-exceptions",
    "-fno-rtti",
    "-fPIC",
    "-w",
];
const PROOF: &str = r#"extern "C" const char* v8__V8__GetVersion();
extern "C" int puts(const char*);
int main() { return puts(v8__V8__GetVersion()) < 0; }
"#;

/// All of ours that decides what an archive holds.
pub(super) fn inputs(inputs: &mut Inputs) {
    SHIM_HEADERS.iter().for_each(|header| inputs.add(header));
    FLAGS.iter().for_each(|flag| inputs.add(flag));
}

/// Asked before anything is fetched.
pub(super) fn require_compiler() -> Result<(), Failure> {
    run(Command::new(COMPILER).arg("--version")).map(drop)
}

/// The shared libraries of all packages, in one folder.
pub(super) fn collect_libraries(
    root: &Path,
    platform: Platform,
    lib: &Path,
) -> Result<(), Failure> {
    fs_err::create_dir(lib)?;
    for dir in [root.join("usr/lib"), root.join("lib")] {
        let dir = dir.join(platform.triplet);
        if !dir.is_dir() {
            continue;
        }
        for entry in fs_err::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_library(&name.to_string_lossy()) {
                fs_err::rename(entry.path(), lib.join(name))?;
            }
        }
    }
    for name in ["libnode.so", platform.loader] {
        if !lib.join(name).exists() {
            return Err(Failure::host(format!(
                "`{name}` is in none of the packages that were fetched"
            )));
        }
    }
    Ok(())
}

fn is_library(name: &str) -> bool {
    name.ends_with(".so") || name.contains(".so.")
}

/// Compile the binding of the crate in `sources` into the archive that its build script asks for.
pub(super) fn compile(
    sources: &Path,
    libnode: &Path,
    workspace: &Path,
    work: &Path,
    archive: &Path,
) -> Result<(), Failure> {
    let object = work.join("binding.o");
    let mut compiler = Command::new(COMPILER);
    compiler.args(FLAGS);
    // The shim comes first. The crate's own copy of the headers comes last: only for the two that Debian leaves out.
    for include in [
        workspace.join(SHIM),
        sources.join("src"),
        libnode.join("usr/include/node"),
        sources.join("v8/include"),
    ] {
        compiler.arg("-I").arg(include);
    }
    compiler.arg("-c").arg(sources.join("src/binding.cc"));
    run(compiler.arg("-o").arg(&object))?;
    run(Command::new("ar").arg("rcs").arg(archive).arg(object)).map(drop)
}

/// What the linker must be told to put a program on top of the libraries in `lib`.
///
/// libnode's own dependencies are found through RPATH (RUNPATH is not inherited), and they want the C library that
/// came with them, which may be newer than the machine's: hence its own loader.
pub(super) fn link_args(lib: &Path, platform: Platform) -> Vec<String> {
    let (lib, loader) = (lib.display(), platform.loader);
    vec![
        format!("-L{lib}"),
        "-lnode".to_owned(),
        "-lstdc++".to_owned(),
        "-Wl,--allow-shlib-undefined".to_owned(),
        format!("-Wl,-rpath,{lib}"),
        "-Wl,--disable-new-dtags".to_owned(),
        format!("-Wl,--dynamic-linker={lib}/{loader}"),
    ]
}

/// Link a program as the tests will be, with every symbol of the engine found, and let it say which engine it runs on.
pub(super) fn prove(
    archive: &Path,
    lib: &Path,
    platform: Platform,
    wanted: &str,
    work: &Path,
) -> Result<(), Failure> {
    let (source, program) = (work.join("proof.cc"), work.join("proof"));
    let undefined = run(Command::new("nm").arg("--undefined-only").arg(archive))?;
    let undefined = String::from_utf8_lossy(&undefined.stdout).into_owned();
    fs_err::write(&source, format!("{}{PROOF}", callbacks(&undefined)))?;
    let mut compiler = Command::new(COMPILER);
    compiler.arg(&source).arg(archive);
    compiler.args(link_args(lib, platform));
    run(compiler.arg("-o").arg(&program))?;
    let output = run(&mut Command::new(&program))?;
    let version = String::from_utf8_lossy(&output.stdout);
    if version.starts_with(&format!("{wanted}.")) {
        return Ok(());
    }
    Err(Failure::host(format!(
        "what was linked runs V8 {}, not {wanted}",
        version.trim_end()
    )))
}

/// Definitions of what the binding expects of the crate's Rust side, which the proof does not have.
fn callbacks(undefined: &str) -> String {
    undefined
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().next_back())
        .filter(|name| name.starts_with("v8_") || name.starts_with("rusty_v8_"))
        .map(|name| format!("extern \"C\" void {name}() {{}}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rust_side_is_made_up() {
        let undefined =
            "\nbinding.o:\n   U _ZN2v82V810GetVersionEv\n   U memcpy\n   U rusty_v8_RustObj_drop\n";
        assert_eq!(
            callbacks(undefined),
            "extern \"C\" void rusty_v8_RustObj_drop() {}\n"
        );
    }

    #[test]
    fn libraries_are_told_by_their_names() {
        assert!(is_library("libnode.so.137") && is_library("libnode.so"));
        assert!(is_library("ld-linux-x86-64.so.2"));
        assert!(!is_library("engines-3") && !is_library("libfoo.a"));
    }

    #[test]
    fn a_closure_without_the_library_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let platform = Platform {
            debian: "amd64",
            triplet: "x86_64-linux-gnu",
            loader: "ld-linux-x86-64.so.2",
        };
        let libraries = dir.path().join("usr/lib/x86_64-linux-gnu");
        fs_err::create_dir_all(&libraries).unwrap();
        fs_err::write(libraries.join("libnode.so"), "").unwrap();
        let lib = dir.path().join("out");
        let failure = collect_libraries(dir.path(), platform, &lib).unwrap_err();
        assert!(failure.to_string().contains("ld-linux-x86-64.so.2"));
    }
}
