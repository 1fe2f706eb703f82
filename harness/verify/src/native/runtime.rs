//! What the runtime in the image is: its version, its `NODE_MODULE_VERSION`, and all the symbols that it has to offer.

use std::sync::Arc;

use adamant_probe::Entry;

use crate::closure::library::{self, LibraryClosure};
use crate::elf::Elf;
use crate::javascript::entry::Runtime;
use crate::programs::base;
use crate::subject::Target;

/// `NODE_MODULE_VERSION` by major version, of Node's `abi_version_registry.json`.
const ABI: [(u32, u32); 16] = [
    (10, 64),
    (12, 72),
    (14, 83),
    (15, 88),
    (16, 93),
    (17, 102),
    (18, 108),
    (19, 111),
    (20, 115),
    (21, 120),
    (22, 127),
    (23, 131),
    (24, 137),
    (25, 141),
    (26, 147),
    (8, 57),
];

/// Whether a number is the `NODE_MODULE_VERSION` of some Node.
pub(super) fn is_abi(number: u32) -> bool {
    ABI.iter().any(|(_, abi)| *abi == number)
}

/// A runtime in the image.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) runtime: Runtime,
    path: String,
    /// Its own version.
    version: Option<String>,
    /// Its `NODE_MODULE_VERSION`, or the one that it claims.
    pub(super) abi: Option<u32>,
    pub(super) elf: Arc<Elf>,
    pub(super) closure: LibraryClosure,
}

impl Facts {
    /// For a person: `Bun 1.4.5 (/usr/local/bin/bun)`.
    pub(super) fn shown(&self) -> String {
        let version = self
            .version
            .as_ref()
            .map(|v| format!(" {v}"))
            .unwrap_or_default();
        format!("{}{version} ({})", self.runtime.name(), self.path)
    }

    /// The machine as packages spell it.
    pub(super) fn cpu(&self) -> &'static str {
        match self.elf.architecture() {
            Some("arm64") => "arm64",
            Some("386") => "ia32",
            Some("arm") => "arm",
            Some("riscv64") => "riscv64",
            Some("s390x") => "s390x",
            Some("ppc64le") => "ppc64",
            Some("loong64") => "loong64",
            _ => "x64",
        }
    }

    pub(super) fn libc(&self) -> &'static str {
        if self.closure.musl { "musl" } else { "glibc" }
    }
}

/// Reads a runtime's executable, and the library that has the runtime where a distribution keeps it apart.
pub(super) fn read(target: &Target, runtime: Runtime, executable: &Entry) -> Result<Facts, String> {
    let elf = target.elf(executable)?;
    let closure = library::closure(target, executable, &elf);
    let library = closure
        .loaded
        .keys()
        .find(|path| base(path).starts_with("libnode.so"));
    let home = library
        .and_then(|path| target.image.entries.get(path))
        .unwrap_or(executable);
    let bytes = target.image.part(home, 0, 1 << 30)?;
    let node = largest(&bytes, "node-v");
    let version = match runtime {
        Runtime::Node => node,
        Runtime::Bun => largest(&bytes, "bun-v"),
        Runtime::Deno => largest(&bytes, "deno-v"),
    };
    // Debian gives its library the number for a name.
    let named = library.and_then(|path| base(path).strip_prefix("libnode.so.")?.parse().ok());
    let abi = named.or_else(|| {
        ABI.iter()
            .find(|(major, _)| Some(*major) == node.map(|v| v.0))
            .map(|(_, abi)| *abi)
    });
    Ok(Facts {
        runtime,
        path: executable.path.clone(),
        version: version.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}")),
        abi,
        elf,
        closure,
    })
}

/// The largest version that stands behind a word: a binary has those of what it can read, too.
fn largest(bytes: &[u8], word: &str) -> Option<(u32, u32, u32)> {
    let versions = memchr::memmem::find_iter(bytes, word.as_bytes()).filter_map(|at| {
        let start = at + word.len();
        let text = bytes.get(start..bytes.len().min(start + 16))?;
        let end = text
            .iter()
            .position(|b| !b.is_ascii_digit() && *b != b'.')
            .unwrap_or(text.len());
        let mut parts = str::from_utf8(&text[..end])
            .ok()?
            .split('.')
            .map(str::parse);
        Some((
            parts.next()?.ok()?,
            parts.next()?.ok()?,
            parts.next()?.ok()?,
        ))
    });
    versions.filter(|(major, ..)| *major < 200).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_largest_whole_one() {
        let bytes = b"x node-v0.\0node-v24.19.0\0/node-v24.2.1-headers node-v24";
        assert_eq!(largest(bytes, "node-v"), Some((24, 19, 0)));
        assert_eq!(largest(bytes, "bun-v"), None);
    }
}
