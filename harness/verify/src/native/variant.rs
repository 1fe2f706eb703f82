//! Files of one addon for several platforms and versions that lie side by side: what their names say, and which of them are
//! alternatives to each other.

use std::collections::BTreeMap;

use super::runtime::{self, Facts};

const SYSTEMS: [&str; 8] = [
    "darwin", "win32", "windows", "freebsd", "android", "sunos", "openbsd", "linux",
];
const MACHINES: [&str; 10] = [
    "arm64", "aarch64", "arm", "ia32", "armv7", "riscv64", "s390x", "ppc64", "loong64", "x64",
];
const LIBCS: [&str; 5] = ["glibc", "gnu", "gnueabihf", "musl", "musleabihf"];

/// The words of a path; `linuxmusl` is two of them.
fn words(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.split(['/', '.', '_', '-', '+']);
    parts.flat_map(|part| {
        let libc = part.strip_prefix("linux").filter(|l| LIBCS.contains(l));
        let (first, second) = libc.map_or((part, None), |libc| ("linux", Some(libc)));
        std::iter::once(first).chain(second)
    })
}

/// The `NODE_MODULE_VERSION` that a word is: `abi137`, or a number that is one.
fn abi(word: &str) -> Option<u32> {
    let number = word.strip_prefix("abi").unwrap_or(word);
    number.parse().ok().filter(|n| runtime::is_abi(*n))
}

/// Whether a name says that the file is for another system, machine or libc; `path` is what stands below its package.
pub(super) fn is_for_other(path: &str, facts: &Facts) -> bool {
    let own_libc = |word: &str| word.starts_with("musl") == (facts.libc() == "musl");
    let names: Vec<&str> = words(path).collect();
    let systems = names.iter().filter(|w| SYSTEMS.contains(w));
    let machines = names.iter().filter(|w| MACHINES.contains(w));
    let is_own_machine =
        |word: &str| word == facts.cpu() || facts.cpu() == "arm64" && word == "aarch64";
    systems.clone().any(|system| *system != "linux")
        || machines.clone().next().is_some() && !machines.clone().any(|m| is_own_machine(m))
        || names.iter().any(|w| LIBCS.contains(w) && !own_libc(w))
}

/// Whether a package's name is that of one platform, and this is another one: `@x/y-linux-x64-musl` is installed beside the one
/// that is loaded.
pub(super) fn is_package_for_other(name: &str, facts: &Facts) -> bool {
    let has = |known: &[&str]| words(name).any(|word| known.contains(&word));
    has(&SYSTEMS) && has(&MACHINES) && is_for_other(name, facts)
}

/// What a path below a package is without what it says of platforms, versions and builds: alternatives to each other have the
/// rest in common.
fn stem(path: &str) -> String {
    let is_tag = |word: &&str| {
        SYSTEMS.contains(word)
            || MACHINES.contains(word)
            || LIBCS.contains(word)
            || matches!(*word, "napi" | "node" | "Release")
            || abi(word).is_some()
    };
    let kept: Vec<&str> = words(path).filter(|word| !is_tag(word)).collect();
    kept.join("/")
}

/// The files by the addon that they are, each with the alternatives that a loader has: those that are named for the runtime's own
/// version, else all.
pub(super) fn alternatives<'f>(
    dir: &str,
    files: &[&'f String],
    facts: &Facts,
) -> Vec<Vec<&'f String>> {
    let mut groups: BTreeMap<String, Vec<&'f String>> = BTreeMap::new();
    for file in files {
        let below = file.strip_prefix(dir).unwrap_or(file);
        groups.entry(stem(below)).or_default().push(file);
    }
    let mut found: Vec<Vec<&'f String>> = groups.into_values().collect();
    for group in &mut found {
        let is_own = |file: &&'f String| {
            let below = file.strip_prefix(dir).unwrap_or(file);
            words(below).any(|word| abi(word).is_some_and(|abi| Some(abi) == facts.abi))
        };
        if group.iter().any(is_own) {
            group.retain(is_own);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_have_a_name_in_common() {
        for (one, other) in [
            (
                "/lib/cpu-linux-x64-glibc-137.node",
                "/lib/cpu-linux-x64-musl-115.node",
            ),
            ("/node.abi115.glibc.node", "/node.napi.glibc.node"),
            (
                "/build/linux/x64/node/115/addon.node",
                "/build/linux/x64/node/glibc-127-Release/addon.node",
            ),
            (
                "/prebuilds/linuxglibc-x64/node-137.node",
                "/prebuilds/linuxmusl-x64/node-napi.node",
            ),
        ] {
            assert_eq!(stem(one), stem(other));
        }
        assert_ne!(stem("/build/Release/a.node"), stem("/build/Release/b.node"));
        assert_eq!(abi("abi137"), Some(137));
        assert_eq!(abi("26"), None);
    }
}
