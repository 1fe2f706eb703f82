//! Packages with addons, and which of their files a runtime would load.

use std::collections::BTreeMap;

use adamant_probe::{Entry, Kind};
use serde_json::Value;

use super::runtime::Facts;
use super::{prebuild, variant};
use crate::elf::{Elf, is_elf};
use crate::subject::Target;

/// What an addon is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// Node-API: stable across versions and runtimes.
    NodeApi,
    /// The V8 of one `NODE_MODULE_VERSION`, when the file says which.
    Abi(Option<u32>),
    /// No addon by its symbols.
    Other,
}

/// Which interface an addon was made for, by its symbols.
pub(super) fn binding(elf: &Elf) -> Binding {
    let wants = |start: &str| {
        elf.at_load
            .iter()
            .chain(&elf.when_called)
            .any(|s| s.starts_with(start))
    };
    let register = elf
        .exports
        .iter()
        .find_map(|name| name.strip_prefix("node_register_module_v"));
    if let Some(version) = register {
        return Binding::Abi(version.parse().ok());
    }
    if elf.exports.contains("napi_register_module_v1") || wants("napi_") && !wants("_ZN2v8") {
        return Binding::NodeApi;
    }
    if wants("node_module_register") || wants("_ZN2v8") || wants("_ZNK2v8") {
        return Binding::Abi(elf.module_version);
    }
    Binding::Other
}

/// A package that has addons.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Its directory.
    pub(super) dir: String,
    /// The paths of its addons.
    pub(super) files: Vec<String>,
}

/// An addon that a runtime would load.
#[derive(Debug, Clone)]
pub(super) struct Addon {
    pub(super) entry: Entry,
}

/// Every package in a `node_modules` that has `.node` files, or is known to need one and has none.
pub(super) fn packages(target: &Target) -> Vec<Package> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, entry) in &target.image.entries {
        if entry.kind != Kind::File || !path.contains("/node_modules/") {
            continue;
        }
        let Some(dir) = package_dir(path) else {
            continue;
        };
        if path.ends_with(".node") {
            found.entry(dir).or_default().push(path.clone());
        } else if *path == format!("{dir}/binding.gyp") {
            // It is built when it is installed: without a build nothing can be loaded.
            found.entry(dir).or_default();
        }
    }
    found
        .into_iter()
        .map(|(dir, files)| Package { dir, files })
        .collect()
}

/// The directory of the innermost package that a path belongs to.
fn package_dir(path: &str) -> Option<String> {
    let (home, rest) = path.rsplit_once("/node_modules/")?;
    let mut parts = rest.split('/');
    let first = parts.next()?;
    let name = if first.starts_with('@') {
        format!("{first}/{}", parts.next()?)
    } else {
        first.to_owned()
    };
    parts.next()?;
    Some(format!("{home}/node_modules/{name}"))
}

impl Package {
    /// The addons that `facts`' runtime would load, each with its alternatives; the error says why there is none.
    pub(super) fn choose(&self, target: &Target, facts: &Facts) -> Result<Vec<Vec<Addon>>, String> {
        if !self.is_for(target, facts) {
            return Ok(Vec::new());
        }
        let entry = |path: &String| {
            let entry = target.image.entries.get(path).cloned();
            entry.map(|entry| Addon { entry })
        };
        let below = |path: &'_ str| path.strip_prefix(&self.dir).unwrap_or(path).to_owned();
        let files: Vec<&String> = self
            .files
            .iter()
            .filter(|f| !is_debris(&below(f)))
            .collect();
        let inside = |part: &str| -> Vec<&String> {
            let files = files.iter().copied();
            files
                .filter(|f| f.starts_with(&format!("{}/{part}", self.dir)))
                .collect()
        };
        let grouped = |files: &[&String]| -> Vec<Vec<Addon>> {
            let groups = variant::alternatives(&self.dir, files, facts).into_iter();
            groups
                .map(|group| group.into_iter().filter_map(entry).collect())
                .collect()
        };
        let is_own = |f: &&String| !variant::is_for_other(&below(f), facts);
        // A build of its own stands over what was published.
        let built: Vec<&String> = inside("build/Release/")
            .into_iter()
            .filter(is_own)
            .collect();
        if !built.is_empty() {
            return Ok(grouped(&built));
        }
        let at = format!("{}/prebuilds", self.dir);
        let prebuilds = inside("prebuilds/");
        let none = || {
            Err(format!(
                "`{at}` has none for {} ({})",
                facts.shown(),
                prebuild::wanted(facts)
            ))
        };
        if prebuild::is_laid_out(&at, &prebuilds, facts) {
            return match prebuild::choose(&at, &prebuilds, facts) {
                Some(path) => Ok(vec![entry(&path).into_iter().collect()]),
                None => none(),
            };
        }
        if self.files.is_empty() {
            return if self.builds_at_install(target) && !self.has_package_for(target, facts) {
                Err(format!(
                    "`{}` has a `binding.gyp` and no `.node` file: it was never built",
                    self.dir
                ))
            } else {
                Ok(Vec::new())
            };
        }
        // Files for several platforms lie side by side: those of others are not looked at.
        let (own, others): (Vec<&String>, Vec<&String>) = files
            .iter()
            .copied()
            .partition(|f| is_own(f) && is_own_machine(target, f, facts));
        if own.is_empty() && others.len() == 1 {
            return Ok(grouped(&others));
        }
        if own.is_empty() && !prebuilds.is_empty() {
            return none();
        }
        Ok(grouped(&own))
    }

    /// Whether the addon is in a package of its own that is installed for this platform: one of the optional dependencies.
    fn has_package_for(&self, target: &Target, facts: &Facts) -> bool {
        let package = self.json(target);
        let optional = package
            .get("optionalDependencies")
            .and_then(Value::as_object);
        let mut names = optional.into_iter().flat_map(|all| all.keys());
        names.any(|name| {
            let mut places = adamant_modules::Resolver::node_module_paths(&self.dir).into_iter();
            // A link of an isolated layout leads to where the files are.
            let found = places.find_map(|place| target.image.resolve(&format!("{place}/{name}")));
            let Some(found) = found else { return false };
            let own = format!("{}/", found.path);
            let mut inside = target.image.entries.range(own.clone()..);
            let has_addon = inside
                .by_ref()
                .take_while(|(path, _)| path.starts_with(&own))
                .any(|(path, _)| path.ends_with(".node"));
            let package = Self {
                dir: found.path.clone(),
                files: Vec::new(),
            };
            has_addon && package.is_for(target, facts)
        })
    }

    /// Whether the package says that it is for another platform: `os`, `cpu`, `libc`.
    fn is_for(&self, target: &Target, facts: &Facts) -> bool {
        let name = self.dir.rsplit("/node_modules/").next();
        if name.is_some_and(|name| variant::is_package_for_other(name, facts)) {
            return false;
        }
        let package = self.json(target);
        let allows = |key: &str, own: &str| {
            let list = package.get(key).and_then(Value::as_array);
            let list: Vec<&str> = list
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            list.is_empty()
                || list.contains(&own)
                || list.iter().all(|x| x.starts_with('!') && x[1..] != *own)
        };
        allows("os", "linux") && allows("cpu", facts.cpu()) && allows("libc", facts.libc())
    }

    /// Whether all who ask for the package have it as optional: it may fail to be built, and they are to do without it.
    pub(super) fn is_optional(&self, target: &Target) -> bool {
        let Some((_, name)) = self.dir.rsplit_once("/node_modules/") else {
            return false;
        };
        let mut is_asked = false;
        let all = target.image.entries.keys();
        for path in all.filter(|path| path.ends_with("/package.json")) {
            let text = target.text(path).unwrap_or_default();
            if !text.contains(name) {
                continue;
            }
            let package: Value = serde_json::from_str(&text).unwrap_or_default();
            let asks = |key: &str| package.get(key).is_some_and(|all| all.get(name).is_some());
            if asks("optionalDependencies") {
                is_asked = true;
            } else if asks("dependencies") {
                return false;
            }
        }
        is_asked
    }

    fn builds_at_install(&self, target: &Target) -> bool {
        let package = self.json(target);
        package.get("gypfile").and_then(Value::as_bool) != Some(false)
            && package.get("main").is_some()
    }

    fn json(&self, target: &Target) -> Value {
        let text = target
            .text(&format!("{}/package.json", self.dir))
            .unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// What a build leaves and nobody loads, by its path below the package.
fn is_debris(path: &str) -> bool {
    path.contains("/obj.target/") || path.contains("/build/Debug/") || path.contains("/test/")
}

fn is_own_machine(target: &Target, path: &str, facts: &Facts) -> bool {
    let Some(entry) = target.image.entries.get(path) else {
        return false;
    };
    let Ok(head) = target.head(entry) else {
        return true;
    };
    // The machine stands at a fixed place of every ELF file.
    is_elf(&head)
        && head
            .get(18..20)
            .is_some_and(|two| u16::from_le_bytes([two[0], two[1]]) == facts.elf.machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addon_belongs_to_its_innermost_package() {
        assert_eq!(
            package_dir("/a/node_modules/b/node_modules/@c/d/build/x.node").as_deref(),
            Some("/a/node_modules/b/node_modules/@c/d")
        );
        assert_eq!(package_dir("/a/node_modules/x.node"), None);
    }

    #[test]
    fn the_interface_shows_in_the_symbols() {
        let elf = |exports: &[&str], wants: &[&str]| Elf {
            exports: exports.iter().map(|&s| s.to_owned()).collect(),
            when_called: wants.iter().map(|&s| s.to_owned()).collect(),
            ..Elf::default()
        };
        assert_eq!(
            binding(&elf(&["node_register_module_v137"], &[])),
            Binding::Abi(Some(137))
        );
        assert_eq!(
            binding(&elf(&["napi_register_module_v1"], &["napi_wrap"])),
            Binding::NodeApi
        );
        assert_eq!(
            binding(&elf(&[], &["_ZN2v87Isolate10GetCurrentEv"])),
            Binding::Abi(None)
        );
        assert_eq!(binding(&elf(&[], &["malloc"])), Binding::Other);
    }
}
